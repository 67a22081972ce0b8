"""Completion on the magics' lines, in a real shell, with and without Jedi."""

from __future__ import annotations

import argparse
import gzip
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter

from sidecar_magics import options
from sidecar_magics.completion.place import find_place, quoted, split_words
from sidecar_magics.completion.values import VERBS
from sidecar_magics.lines import split_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

DUMP = b"""
CREATE DATABASE lab;
USE lab;
CREATE TABLE session (id int);
INSERT INTO session VALUES (1), (2);
CREATE TABLE `common`.`lab_member` (id int);
"""


def shown(shell: Any, text: str, after: str = "") -> dict[str, str]:
    """Return what is put in at the end of a text, each with what is shown beside it."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text + after, len(text)))
    # All take the place of the same text, which ends at the cursor.
    assert len({(each.start, each.end) for each in found}) <= 1
    assert all(each.end == len(text) for each in found)
    return {text[: each.start] + each.text: each.type for each in found}


@pytest.fixture(params=[True, False], ids=["jedi", "no jedi"])
def complete(
    request: pytest.FixtureRequest,
    shell: InteractiveShell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., list[str]]:
    """Return a function from a text to that text with each completion put in."""
    folder = tmp_path / "lab"
    (folder / "my data").mkdir(parents=True)
    (folder / "my data" / "dump one.sql.gz").write_bytes(gzip.compress(DUMP))
    (folder / "dump.sql").write_bytes(DUMP)
    (folder / "notes.txt").touch()
    (folder / "ca.pem").touch()
    (folder / "dj_local_conf.json").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    assert shell.Completer is not None
    shell.Completer.use_jedi = request.param
    return lambda text, after="": list(shown(shell, text, after))


@pytest.mark.parametrize(
    "before",
    [
        "%mysql_load",
        "r = %mysql_load",
        "r['a'] = %mysql_load",
        "    %mysql_load",
        "for name in names:\n    %mysql_load",
        "x = 1\n%mysql_load",
        "%time %mysql_load",
        "%timeit -n 1 -r1 %mysql_load",
        "%time r = %mysql_load",
        "%%time\n%mysql_load",
        "%%mysql_load",
        "\n%%mysql_load",
        "%%time\n%%mysql_load",
        "%mysql_load dump.sql --jobs 2 \\\n  ",
    ],
)
def test_options_are_completed_wherever_the_magic_stands(
    before: str, complete: Callable[..., list[str]]
) -> None:
    assert complete(f"{before} --onc") == [f"{before} --once"]


@pytest.mark.parametrize(
    "text",
    [
        "%%mysql_load\nSELECT 1 --onc",
        "%%time\n%%mysql_load\n%mysql_load --onc",
        "x = 1\n%%mysql_load --onc",
        "# %mysql_load --onc",
        "'%mysql_load --onc",
        "print('a') %mysql_load --onc",
        "%mysql_loads --onc",
        "!echo %mysql_load --onc",
    ],
)
def test_nothing_is_completed_where_the_words_are_not_the_magics(
    text: str, complete: Callable[..., list[str]]
) -> None:
    assert text + "e" not in complete(text)


@pytest.mark.parametrize(
    ("line", "word", "completed"),
    [
        ("%mysql_load --tls ", "", ["auto", "required"]),
        ("%mysql_wait --tls=", "r", ["required"]),
        ("%mysql_load --ca ", "", ["ca.pem", "'my data/"]),
        ("%mysql_load --ca=", "ca", ["ca.pem"]),
        ("%mysql_load --password-env ", "", ["LAB_PASSWORD"]),
        ("%mysql_load --password-env ", "LAB_R", ["LAB_ROOM"]),
        ("%mysql_load --collation-map ", "n", ["nearest"]),
        ("%datajoint_connect --config ", "", ["dj_local_conf.json", "'my data/"]),
        ("%datajoint_connect --spyglass ", "m", ["'my data/"]),
        (
            "%mysql_load dump.sql --tables ",
            "",
            ["lab.session", "common.lab_member", "lab.*", "common.*"],
        ),
        ("%mysql_load -D x dump.sql --tables ", "c", ["common.lab_member", "common.*"]),
        ("%mysql_load 'my data/dump one.sql.gz' --tables ", "lab.s", ["lab.session"]),
        ("%mysql_load notes.txt --tables ", "x", ["x"]),
        ("%mysql_load dump.sql --database ", "l", ["lab"]),
        ("%mysql_load ", "'my da", ["'my data/"]),
        ("%mysql_load ", "my", ["'my data/"]),
        ("%mysql_load ", '"my data/', ['"my data/dump one.sql.gz"']),
        ("%mysql_load ", "'my data/d", ["'my data/dump one.sql.gz'"]),
        ("%mysql_load ", "my\\ data/d", ["'my data/dump one.sql.gz'"]),
        ("%mysql_load ", "~", ["~/"]),
        ("%mysql_load ", "~/du", ["~/dump.sql"]),
        ("%mysql_load ", "'~/my data/", ["'~/my data/dump one.sql.gz'"]),
        ("%mysql_load ", "$HOME/du", ["$HOME/dump.sql"]),
        # What nobody can know is left as it is, without Python's names and files.
        ("%mysql_wait --host ", "no", ["no"]),
        ("%mysql_load --init ", "pri", ["pri"]),
    ],
)
def test_each_option_is_offered_its_own_values(
    line: str,
    word: str,
    completed: list[str],
    complete: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if "PASS" in name or "SECRET" in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LAB_PASSWORD", "s3cret")
    monkeypatch.setenv("LAB_ROOM", "3")
    assert complete(line + word) == [line + each for each in completed]


def test_a_quotation_that_the_editor_has_closed_is_not_closed_twice(
    complete: Callable[..., list[str]],
) -> None:
    assert complete("%mysql_load 'my data/d", "'") == ["%mysql_load 'my data/dump one.sql.gz"]


def test_a_script_comes_before_the_options_and_is_named_once(
    complete: Callable[..., list[str]],
) -> None:
    offered = complete("%mysql_load ")
    assert offered.index("%mysql_load dump.sql") < offered.index("%mysql_load --once")
    assert "%mysql_load notes.txt" not in offered
    for text in ("%mysql_load dump.sql ", "%%mysql_load ", "%mysql_wait "):
        assert all(each.startswith(f"{text}--") for each in complete(text))


def test_an_option_that_is_given_is_offered_again_only_if_it_may_be_repeated(
    complete: Callable[..., list[str]],
) -> None:
    offered = complete("%mysql_load dump.sql --once -j 2 --tls=auto --tables lab.* --")
    assert not any(each.endswith((" --once", " --jobs", " --tls")) for each in offered)
    assert any(each.endswith(" --tables") for each in offered)


def test_a_password_is_never_offered(complete: Callable[..., list[str]]) -> None:
    for magic in VERBS:
        assert complete(f"%{magic} --pass") == [f"%{magic} --password-env"]


def test_kept_snapshots_are_offered_the_newest_first(
    complete: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "ours"))
    usual, other = tmp_path / "ours" / "data" / "kept" / "sidecar", tmp_path / "other"
    for folder, name in ((usual, "20260101-1"), (usual, "20260102-1"), (other, "20250101-1")):
        (folder / name).mkdir(parents=True)
        (folder / name / "kept.json").touch()
    (usual / "20260103-1").mkdir()
    line = "%mysql_keep --restore "
    assert complete(line) == [f"{line}20260102-1", f"{line}20260101-1"]
    line = f"%mysql_keep --folder {other} --restore "
    assert complete(line) == [f"{line}20250101-1"]


def test_completions_say_what_they_are_for(shell: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "dump.sql").write_bytes(DUMP)
    assert shown(shell, "%mysql_load --onc") == {
        "%mysql_load --once": "do nothing if it was loaded before"
    }
    assert shown(shell, "%mysql_load dump") == {"%mysql_load dump.sql": f"{len(DUMP)} B"}
    assert shown(shell, "%mysql_load --tls r") == {
        "%mysql_load --tls required": "refuse a server that cannot"
    }


def test_every_option_has_a_few_words_and_fitting_values() -> None:
    for verb in VERBS.values():
        for option in verb:
            is_hidden = option.keywords.get("help") is argparse.SUPPRESS
            if not option.flags[0].startswith("-") or is_hidden:
                assert not option.brief
                continue
            # The popup of a notebook of 800 pixels has room for so much beside the option.
            assert re.fullmatch(r"\S.{8,40}", option.brief), option.flags
            if isinstance(option.values, options.Values):
                continue
            assert list(option.values) == list(option.keywords.get("choices", option.values))
            for value in option.values:
                option.keywords.get("type", str)(value)


@pytest.mark.filterwarnings("ignore:.*pending deprecation:PendingDeprecationWarning")
def test_the_old_interface_has_the_same(shell: Any, tmp_path: Path) -> None:
    """Consoles without types ask for text alone, a line at a time."""
    (tmp_path / "dump.sql").write_bytes(DUMP)
    line = "r = %mysql_load --onc"
    assert shell.complete("", line, len(line)) == ("--onc", ["--once"])


@given(st.text(alphabet="ab '\"\\/é.~", max_size=12), st.sampled_from(["", "'", '"']))
def test_what_is_quoted_is_read_as_it_was(text: str, quote: str) -> None:
    whole = quoted(text, quote)
    assert split_line(whole or "''") == [text]
    assert [word.text for word in split_words(whole)] == [text]
    assert split_words(quoted(text, quote, is_open=True))[-1].text == text


@given(st.text(alphabet="ab '\"\\", max_size=12))
def test_words_are_those_of_the_whole_line(text: str) -> None:
    try:
        whole = split_line(text)
    except ValueError:  # a quotation that is open at the end, or nothing after a backslash
        return
    words = split_words(text)
    assert [word.text for word in words if word.raw] == whole
    assert not words[-1].quote
    place = find_place([f"%mysql_load {text}"], 0, len(text) + 12)
    assert place is not None
    assert place.word == words[-1]
