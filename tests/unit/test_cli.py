from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar_magics import __version__
from sidecar_magics.cli import main
from sidecar_magics.errors import for_terminal
from sidecar_magics.local import lifecycle
from tests.background import LIMIT_S

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", "1")
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", "s3cret")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == __version__
    module = [sys.executable, "-m", "sidecar_magics", "--version"]
    printed = subprocess.run(module, capture_output=True, check=True, text=True, timeout=60).stdout
    assert printed.strip() == __version__


def test_options_of_mysqldump_that_say_our_defaults() -> None:
    line = "dump f.sql --single-transaction --quick --opt -R -E -e -y -B lab other"
    assert main(line.split()) == 1  # no server is there; 2 is for wrong arguments


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("run %mysql_load a.sql --resume.", "run sidecar-magics load a.sql --resume."),
        ("%mysql_wait? shows its options", "`sidecar-magics wait --help` shows its options"),
        ("a cell below %%mysql_load", "a cell below %%mysql_load"),
        (
            "there is no folder x; %pwd shows the notebook's.",
            "there is no folder x; pwd shows the ",
        ),
        ("write %datajoint_connect", "write %datajoint_connect"),
    ],
)
def test_a_terminal_gets_words_for_a_terminal(message: str, shown: str) -> None:
    assert for_terminal(message).startswith(shown)


def test_hints_in_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", "1")
    cases = {
        ("load", "no.sql"): "relative to the current folder; pwd shows it",
        ("load", "SELECT 1"): "echo 'SELECT 1' | sidecar-magics load -",
        ("load", "mysql://root:s3cret@db.lab/x"): "did you mean --host db.lab --user NAME",
    }
    for arguments, words in cases.items():
        assert main(arguments) == 1
        said = capsys.readouterr().err
        assert words in said
        assert "%" not in said
        assert "s3cret" not in said


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["wait", "--port", "x"], ["wait", "--password", "s3cret"], ["load", "a", "b"]],
)
def test_wrong_arguments_exit_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "s3cret" not in capsys.readouterr().err


def test_settings_are_shown_without_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wait", "--show", "--user", "ann"]) == 0
    shown = capsys.readouterr().out
    assert "ann" in shown
    assert "option --user" in shown
    assert "environment SIDECAR_MYSQL_PASSWORD" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wait", "--timeout", "0"], "No MySQL server is ready at 127.0.0.1:1"),
        (["load", "nope.sql"], "no file 'nope.sql'"),
        (["load"], "load takes a file"),
        (["wait", "--password-env", "NOT_SET"], "NOT_SET"),
        (["up", "--password-env", "NOT_SET"], "NOT_SET"),
    ],
)
def test_errors_are_sentences_and_exit_with_1(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert words in shown.err
    assert "Traceback" not in shown.err


def test_where_nothing_was_started_there_is_nothing_to_stop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["status"]) == 0
    assert "sidecar-magics up" in capsys.readouterr().out
    assert main(["down"]) == 0
    assert "No sidecar was running" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="has no SIGPIPE")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["status"], 141),
        (["down"], 141),
        (["wait", "--show"], 141),
        (["doctor", "--port", "1"], 141),
        (["load", "--explain", "a.sql"], 141),
        (["convert", "a.ipynb"], 141),
        (["--help"], 0),  # argparse itself does not mind
        (["load", "--help"], 0),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.slow
def test_where_nobody_reads_it_ends_as_other_programs_do(
    arguments: list[str], status: int, unbuffered: str, tmp_path: Path
) -> None:
    """``sidecar-magics ... | head`` ends in silence, with what a shell has for SIGPIPE."""
    (tmp_path / "a.sql").write_text("SELECT 1;" * 5000)
    (tmp_path / "a.ipynb").write_text('{"cells": [], "nbformat": 4, "nbformat_minor": 5}')
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sidecar_magics.cli", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(PROJECT)},
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode == status


@pytest.mark.parametrize(
    ("arguments", "password"),
    [
        ([], None),
        (["--tutorial-password"], "tutorial"),
        (["--password-env", "OURS"], "private"),
        (["--password-env", "EMPTY"], ""),
    ],
)
def test_up_gives_the_password_that_was_asked_for(
    arguments: list[str], password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(lifecycle, "up", given.update)
    monkeypatch.setenv("OURS", "private")
    monkeypatch.setenv("EMPTY", "")
    assert main(["up", *arguments]) == 0
    assert given["password"] == password


def test_up_takes_one_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OURS", "private")
    assert main(["up", "--tutorial-password", "--password-env", "OURS"]) == 1
    assert "exclude each other" in capsys.readouterr().err


def test_an_option_that_is_like_no_other_is_not_taken_for_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["doctor", "--quiet"])
    said = capsys.readouterr().err
    assert "there is no option --quiet" in said
    assert "did you mean" not in said
    with pytest.raises(SystemExit):
        main(["doctor", "--usr", "x"])
    assert "did you mean --user?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["dump", "load"])
def test_a_file_that_looks_like_an_option(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([verb, "-x.sql"])
    said = capsys.readouterr().err
    assert "there is no option -x.sql; a file of that name is ./-x.sql" in said


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["wait", "60"], "did you mean --timeout 60?"),
        (["wait", "localhost:3307"], "did you mean --host localhost --port 3307?"),
        (["doctor", "root", "s3cret"], "`sidecar-magics doctor --help` shows its options."),
        (["status", "s3cret"], "status takes options only\n"),
    ],
)
def test_words_where_there_are_options_only(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    said = capsys.readouterr().err
    assert "takes options only" in said
    assert hint in said
    assert "s3cret" not in said


def test_the_package_is_the_command() -> None:
    command = [sys.executable, "-m", "sidecar_magics", "--version"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=LIMIT_S, cwd=PROJECT
    )
    assert done.stdout.strip() == __version__
