"""A program that may write in one folder only: tried on real files, by a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sidecar_magics.local import confine
from sidecar_magics.local.confine import confined, landlock_version
from tests.background import LIMIT_S, running

pytestmark = pytest.mark.skipif(landlock_version() == 0, reason="this kernel has no Landlock")

TRY = """
    import os, sys
    from pathlib import Path
    inside, outside, log = map(Path, sys.argv[1:])

    def ok(name, do):
        try:
            do()
        except OSError as error:
            print(name, error.errno)
        else:
            print(name, "ok")

    there = outside / "there"
    ok("make", lambda: (outside / "new").write_text("x"))
    ok("write", lambda: there.write_text("x"))
    ok("append", lambda: there.open("a").close())
    ok("truncate", lambda: os.truncate(there, 0))
    ok("remove", there.unlink)
    ok("rename", lambda: there.rename(outside / "elsewhere"))
    ok("folder", (outside / "folder").mkdir)
    ok("link out", lambda: (outside / "link").symlink_to(inside))
    ok("through a link", lambda: (inside / "way-out" / "new").write_text("x"))
    ok("a link of its own", lambda: (inside / "own").symlink_to(outside))
    ok("through it", lambda: (inside / "own" / "new").write_text("x"))
    ok("take in", lambda: there.rename(inside / "taken"))
    ok("give out", lambda: (inside / "file").rename(outside / "given"))
    ok("another process", lambda: print("shell", os.system(f"touch {outside}/new 2>&-") >> 8))
    ok("read", there.read_text)
    ok("inside", lambda: (inside / "new").write_text("x"))
    ok("inside, moved", lambda: (inside / "new").rename(inside / "sub" / "new"))
    ok("log", lambda: log.write_text("x"))
    ok("nowhere", lambda: Path(os.devnull).write_text("x"))
"""
DENIED = ("make", "write", "append", "remove", "rename", "folder", "link out", "through a link")
DENIED_TOO = ("through it", "take in", "give out")
ALLOWED = ("a link of its own", "read", "inside", "log", "nowhere")


class Tried(dict[str, str]):
    """What came of each try, by its name: ``ok`` or an error's number."""


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    inside, outside, log = tmp_path / "in side", tmp_path / "outside", tmp_path / "log"
    (inside / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "there").write_text("mine")
    (inside / "file").touch()
    (inside / "way-out").symlink_to(outside)
    log.touch()
    return inside, outside, log


def tried(command: list[str]) -> Tried:
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return Tried(line.rsplit(" ", 1) for line in run.stdout.splitlines())


def test_writes_inside_only(places: tuple[Path, Path, Path]) -> None:
    inside, outside, log = places
    command = [sys.executable, "-c", textwrap.dedent(TRY), *map(str, places)]
    answers = tried(confined(command, folder=inside, files=[log]))
    assert {name for name in (*DENIED, *DENIED_TOO) if answers[name] == "ok"} == set()
    assert {name for name in ALLOWED if answers[name] != "ok"} == set()
    assert answers["shell"] != "0"
    assert [path.name for path in outside.iterdir()] == ["there"]
    assert (outside / "there").read_text() == ("mine" if landlock_version() >= 3 else "")
    assert (answers["inside, moved"] == "ok") == (landlock_version() >= 2)


@pytest.mark.parametrize("version", range(1, min(landlock_version(), 5) + 1))
def test_older_kernels(places: tuple[Path, Path, Path], version: int) -> None:
    """What an older Landlock does not know is not asked of it; the first moves nothing."""
    inside, outside, log = places
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(confine.__file__).parent)!r})
        from pathlib import Path
        from confine import restrict
        restrict(Path({str(inside)!r}), [Path({str(log)!r})], {version})
    """
    code = textwrap.dedent(code) + textwrap.dedent(TRY)
    answers = tried([sys.executable, "-c", code, *map(str, places)])
    assert {name for name in (*DENIED, *DENIED_TOO) if answers[name] == "ok"} == set()
    assert {name for name in ALLOWED if answers[name] != "ok"} == set()
    assert (answers["truncate"] == "ok") == (version < 3)
    assert (answers["inside, moved"] == "ok") == (version > 1)
    assert [path.name for path in outside.iterdir()] == ["there"]


def test_what_cannot_be_confined_is_not_started(tmp_path: Path) -> None:
    marker = tmp_path / "started"
    command = confined(["/bin/touch", str(marker)], folder=tmp_path / "missing", files=[])
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1
    assert run.stderr.startswith("[ERROR] The server cannot be kept to")
    assert not marker.exists()


def test_the_process_becomes_the_command(tmp_path: Path) -> None:
    command = confined(["/bin/sh", "-c", "echo $$"], folder=tmp_path, files=[])
    with running(command, stdout=subprocess.PIPE) as process:
        told = process.communicate(timeout=LIMIT_S)[0]
    assert told.decode().strip() == str(process.pid)


def test_nothing_but_the_standard_library(tmp_path: Path) -> None:
    """It runs before a server does, in an interpreter without packages."""
    command = confined(["/bin/true"], folder=tmp_path, files=[])
    assert command[1:4] == ["-I", "-S", "-B"]
    subprocess.run(command, check=True, timeout=60)
