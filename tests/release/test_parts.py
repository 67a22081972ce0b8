"""The parts of `make test`: how they run, and that none of the tests is left out of all of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.background import LIMIT_S
from tests.sharing import rank, share_of
from tools.parts import as_time
from tools.project import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

MAKEFILE = (PROJECT / "Makefile").read_text()
# A `make` that notes when a target begins and ends, and prints; bad ones fail.
MAKE = """\
#!/bin/sh
for name; do :; done
echo "begin $name" >> notes
{wait}
echo "one line of $name"; echo "one more" >&2
echo "end $name" >> notes
case $name in bad*) exit 2;; esac
"""
# The first ends only when the second has begun: so they run side by side, or this ends in failure.
MEETING = """\
n=0
until [ "$(grep -c begin notes)" -ge 2 ] || [ $n -ge 600 ]; do sleep 0.1; n=$((n + 1)); done
"""


def parts(
    folder: Path, *groups: str, wait: str = ""
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run parts with a `make` of ours, and return what they printed and what it noted."""
    program = folder / "make"
    program.write_text(MAKE.format(wait=wait))
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "tools.parts", *groups],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "MAKE": str(program)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done, (folder / "notes").read_text().splitlines()


def test_each_part_shows_its_time(tmp_path: Path) -> None:
    done, _ = parts(tmp_path, "one", "two")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^=== one passed after 0 min 0\d s$", done.stdout, re.MULTILINE)
    assert re.search(r"all parts +0 min \d\d s\n  one +0 min \d\d s\n  two +0 min", done.stdout)
    # Alone, what a part prints stands as it is, both its streams in order.
    assert "\none line of one\none more\n" in done.stdout


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core")
def test_parts_of_a_group_run_side_by_side_and_are_told_apart(tmp_path: Path) -> None:
    done, notes = parts(tmp_path, "one+two", "three", wait=MEETING)
    assert done.returncode == 0, done.stderr
    assert {*notes[:2]} == {"begin one", "begin two"}
    assert notes[4:] == ["begin three", "end three"]
    for name in ("one", "two"):
        assert re.search(rf"^{name} +\| one line of {name}$", done.stdout, re.MULTILINE)


def test_what_fails_ends_it_when_its_group_has_ended(tmp_path: Path) -> None:
    done, notes = parts(tmp_path, "bad+two", "three")
    assert done.returncode == 2
    assert "end two" in notes
    assert "begin three" not in notes
    assert re.search(r"^=== bad failed after", done.stdout, re.MULTILINE)
    assert re.search(r"^  bad +0 min \d\d s  FAILED$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 min 00 s"), (59.6, "1 min 00 s"), (754, "12 min 34 s")]
)
def test_times(seconds: float, text: str) -> None:
    assert as_time(seconds) == text


# What runs where --------------------------------------------------------------------------------


def recipe(target: str) -> str:
    """Return the commands of a target, with the variables in them replaced."""
    found = re.search(
        rf"^(?:[\w-]+ )*{target}(?: [\w-]+)*:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE
    )
    assert found is not None, target
    text = found[1]
    for name, value in re.findall(r"^(\w+) := (.*)$", MAKEFILE, re.MULTILINE) * 2:
        text = text.replace(f"$({name})", value)
    return text


def test_what_make_test_leaves_out_other_targets_run() -> None:
    (left_out,) = re.findall(r'-m "not \((.+)\)"', recipe("test-here"))
    assert left_out == "thorough or corpus or campaign"
    assert '-m "thorough and not (corpus or campaign)"' in recipe("test-thorough")
    assert '-m "corpus or campaign"' in recipe("test-more-here")
    assert '-m "not (slow or thorough or campaign)" tests/unit' in recipe("test-oldest")
    assert '-m "(slow or thorough) and not campaign" tests/unit' in recipe("test-more-oldest")
    parts_of_it = re.findall(r"test-more-[a-z]+", recipe("test-more"))
    assert parts_of_it == ["test-more-here", "test-more-oldest", "test-more-newest"]
    # None names folders: all tests are in one of them.
    for target in ("test-here", "test-thorough", "test-more-here"):
        assert "tests/" not in recipe(target)


def test_every_target_is_explained_twice() -> None:
    """For who types `make help`, and in CONTRIBUTING.md."""
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    for target in ("quick", "test", "test-thorough", "test-more", "test-corpus", "test-faults"):
        assert f'@echo "make {target} ' in MAKEFILE
        assert f"`make {target}`" in text, target


# How two processes share the tests ---------------------------------------------------------------


def test_a_file_stays_together_and_the_corpus_by_flavour() -> None:
    assert share_of("tests/unit/test_a.py::test_x[1]") == share_of("tests/unit/test_a.py::test_y")
    corpus = "tests/corpus/test_faithful.py::test_the_state_is_the_clients"
    assert share_of(f"{corpus}[mysql, dump, 1 jobs]") == share_of(f"{corpus}[mysql, b, 4 jobs]")
    assert share_of(f"{corpus}[mysql, dump, 1 jobs]") != share_of(f"{corpus}[mariadb, d, 1 jobs]")


def test_unit_tests_come_last_and_notebooks_first() -> None:
    tests = PROJECT / "tests"
    places = [
        rank(tests / name)
        for name in ("notebooks/test_installed.py", "corpus/x.py", "hub/x.py", "unit/x.py")
    ]
    assert places == sorted(set(places))
