"""Progress on real pseudo-terminals, on files and on nothing; and what it says."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import display
from sidecar_magics.display import (
    Line,
    LoadDisplay,
    NotebookLine,
    PlainLine,
    SilentLine,
    TerminalLine,
    WaitDisplay,
)
from sidecar_magics.load.reporting.pace import Pace, about, describe
from sidecar_magics.load.reporting.progress import Progress
from sidecar_magics.load.reporting.report import ErrorReport, LoadReport
from sidecar_magics.wait import WaitStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

MB = 1_000_000
HALF = Progress(
    "data/dump.sql.gz", 43 * MB, 100 * MB, 10.0, jobs=4, busy=3, tables=("lab.mouse", "lab.unit")
)


class Terminal:
    """A pseudo-terminal in the place of standard error, and what can be read on its screen."""

    def __init__(self, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.master, slave = pty.openpty()
        self.stderr = os.fdopen(slave, "w", encoding="utf-8")
        self.resize(columns)
        self._monkeypatch = monkeypatch
        self._written = b""

    def line(self) -> Line:
        """Return the line for a process that has this terminal; pytest would take it away again."""
        self._monkeypatch.setattr(sys, "stderr", self.stderr)
        return display.line()

    def resize(self, columns: int) -> None:
        self.columns = columns
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    @property
    def screen(self) -> list[str]:
        """The lines, after carriage returns and erasures; a line that is too long has wrapped."""
        os.set_blocking(self.master, False)
        try:
            while piece := os.read(self.master, 65536):
                self._written += piece
        except BlockingIOError:
            pass
        lines = [""]
        for control, text in re.findall(r"(\r\n|\r|\x1b\[K)|([^\r\x1b]+)", self._written.decode()):
            if control == "\r\n":
                lines.append("")
            elif control == "\r":
                lines[-1] = ""  # each is followed by a whole new line
            for character in text:
                if width(lines[-1]) + width(character) > self.columns:
                    lines.append("")
                lines[-1] += character
        return lines


def width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    terminal = Terminal(100, monkeypatch)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "500")  # an old one: what counts is the terminal
    yield terminal
    os.close(terminal.master)
    terminal.stderr.close()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "UPDATE_INTERVAL_S", 0.0)


# In a terminal -----------------------------------------------------------------------------------


def test_a_bar_in_a_terminal(terminal: Terminal) -> None:
    shown = LoadDisplay(terminal.line(), "dump.sql.gz")
    shown.progress(HALF)
    (text,) = terminal.screen
    assert text.startswith(" 43% [########------------] dump.sql.gz: 43 MB of 100 MB · about 15 s")
    assert width(text) == 99


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("columns", [1, 2, 5, 20, 40, 48, 60, 72, 100, 300])
def test_it_fits_however_wide_the_terminal_is(terminal: Terminal, columns: int) -> None:
    terminal.resize(columns)
    shown = LoadDisplay(terminal.line(), "x")
    tables = ("研究室.マウス", "e\u0301te\u0301.u", "x\x1b[2J.\r\n")
    for done in (1, 50, 100):
        shown.progress(replace(HALF, done_bytes=done * MB, tables=tables))
        (text,) = terminal.screen
        assert width(text) < columns
    assert text.startswith(" 99% dump.sql.gz"[: columns - 1]) or "] dump.sql.gz" in text


@pytest.mark.usefixtures("at_once")
def test_it_follows_a_terminal_that_is_resized(terminal: Terminal) -> None:
    shown = LoadDisplay(terminal.line(), "x")
    shown.progress(HALF)
    assert "] dump.sql.gz: 43 MB of 100 MB" in terminal.screen[0]
    for columns in (30, 70):
        terminal.resize(columns)
        shown.progress(HALF)
        assert width(terminal.screen[-1]) == columns - 1


@pytest.mark.usefixtures("at_once")
def test_a_wide_character_is_not_cut_in_two(terminal: Terminal) -> None:
    for columns in (40, 41):
        terminal.resize(columns)
        shown = LoadDisplay(terminal.line(), "x")
        shown.progress(replace(HALF, source="研究室のデータベースのバックアップ.sql"))
        (text,) = terminal.screen
        assert text.startswith(" 43% 研究室")
        assert columns - 2 <= width(text) <= columns - 1


def test_accents_take_no_room(terminal: Terminal) -> None:
    terminal.resize(200)
    LoadDisplay(terminal.line(), "x").progress(replace(HALF, tables=("e\u0301" * 200,)))
    assert width(terminal.screen[0]) == 199


def test_at_the_end_the_bar_gives_way_to_a_line(terminal: Terminal) -> None:
    shown = LoadDisplay(terminal.line(), "data/dump.sql.gz")
    with shown:
        shown.progress(HALF)
        shown.loaded(LoadReport("data/dump.sql.gz", seconds=80.0))
    assert terminal.screen == ["Loaded data/dump.sql.gz in 1 min 20 s.", ""]


def test_at_the_end_errors_are_counted(terminal: Terminal) -> None:
    shown = LoadDisplay(terminal.line(), "x.sql")
    error = ErrorReport("x.sql:1:1", 1062, "23000", "Duplicate", "INSERT", None)
    shown.loaded(LoadReport("x.sql", seconds=2.0, errors=[error]))
    assert terminal.screen == ["Loaded x.sql in 2.0 s, with 1 error.", ""]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_a_true_line_and_no_bar(
    terminal: Terminal, error: type[BaseException]
) -> None:
    shown = LoadDisplay(terminal.line(), "x\x1b[2J.sql")

    def load() -> None:
        with shown:
            shown.progress(HALF)
            raise error

    with pytest.raises(error):
        load()
    assert terminal.screen == ["x\\x1b[2J.sql was not loaded completely.", ""]


def test_an_error_before_anything_was_seen_is_enough_by_itself(terminal: Terminal) -> None:
    with pytest.raises(ValueError, match="no file"), LoadDisplay(terminal.line(), "x.sql"):
        raise ValueError("no file")
    assert terminal.screen == [""]


def test_no_more_than_a_few_updates_a_second(terminal: Terminal) -> None:
    shown = LoadDisplay(terminal.line(), "x")
    for done in range(20):  # not too many for a terminal that nobody reads
        shown.progress(replace(HALF, done_bytes=done * 1000))
    assert terminal.screen[0].startswith("  0% ")
    assert "dump.sql.gz: 0 B" in terminal.screen[0]


@pytest.mark.parametrize("done_bytes", [100 * MB - 1, 100 * MB])
def test_what_is_not_done_is_not_a_hundred_percent(terminal: Terminal, done_bytes: int) -> None:
    now = replace(HALF, done_bytes=done_bytes, reads=False)
    LoadDisplay(terminal.line(), "x").progress(now)
    assert terminal.screen[0].startswith(" 99% [###################-] ")


def test_waiting_uses_the_same_line(terminal: Terminal) -> None:
    shown = WaitDisplay(terminal.line(), "127.0.0.1:3306")
    shown.progress(WaitStatus("port", "connection refused", 3.2, 60.0, 9))
    assert terminal.screen == [
        "Waiting for MySQL at 127.0.0.1:3306: connection refused (3 of 60 s)"
    ]


# Where there is no terminal ----------------------------------------------------------------------


def test_which_line_fits(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(terminal.line(), TerminalLine)
    assert isinstance(display.line(quiet=True), SilentLine)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(display.line(), PlainLine)
    monkeypatch.delenv("TERM")
    assert isinstance(display.line(), TerminalLine)
    monkeypatch.setattr(sys, "stderr", None)
    assert isinstance(display.line(), SilentLine)


def test_a_closed_standard_error_is_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w") as log:
        monkeypatch.setattr(sys, "stderr", log)
    assert isinstance(display.line(), SilentLine)


def test_a_short_load_into_a_log_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = LoadDisplay(display.line(), "x.sql")
    with shown:
        shown.progress(HALF)
        shown.loaded(LoadReport("x.sql", seconds=3.21))
    assert capsys.readouterr() == ("", "Loaded x.sql in 3.2 s.\n")


@pytest.mark.usefixtures("at_once")
def test_a_long_load_into_a_log_has_a_plain_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = LoadDisplay(display.line(), "x.sql")
    shown.progress(HALF)
    monkeypatch.setattr(display, "PLAIN_INTERVAL_S", 0.0)
    shown.progress(HALF)
    monkeypatch.setattr(display, "PLAIN_INTERVAL_S", 60.0)
    shown.progress(HALF)
    time, text = capsys.readouterr().err.split("  43% ")
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time)
    assert text == (
        "dump.sql.gz: 43 MB of 100 MB · about 15 s left · 4.3 MB/s · 3 of 4 connections"
        " · lab.mouse, lab.unit\n"
    )


@pytest.mark.usefixtures("at_once")
def test_a_reader_who_has_gone_away_does_not_end_the_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stderr = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(display, "PLAIN_INTERVAL_S", 0.0)
    with pytest.raises(BrokenPipeError):
        print("x", file=stderr, flush=True)
    for screen in (PlainLine(), TerminalLine()):
        shown = LoadDisplay(screen, "x.sql")
        with shown:
            shown.progress(HALF)
            shown.loaded(LoadReport("x.sql"))
    with pytest.raises(BrokenPipeError):
        stderr.close()


def test_quiet_is_nothing_but_errors(capsys: pytest.CaptureFixture[str]) -> None:
    shown = LoadDisplay(display.line(quiet=True), "x.sql")
    report = LoadReport("x.sql")
    with shown:
        shown.progress(HALF)
        shown.loaded(report)
    assert capsys.readouterr() == ("", "")
    report.errors.append(ErrorReport("x.sql:1:1", 1062, "23000", "Duplicate", "INSERT", None))
    shown.loaded(report)
    out, err = capsys.readouterr()
    assert not out
    assert err == (
        "x.sql: 1 error, 0 statements, 0 rows; "
        "the first: x.sql:1:1: error 1062 (23000): Duplicate\n"
    )


def test_quiet_in_ipython_shows_no_result_but_has_one(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.user_ns["shown"] = LoadDisplay(display.line(quiet=True), "x.sql")
    shell.user_ns["report"] = LoadReport("x.sql")
    shell.run_cell("shown.loaded(report)\nreport", store_history=True)
    assert "LoadReport" not in capsys.readouterr().out
    shell.run_cell("_", store_history=True)
    assert "<LoadReport x.sql" in capsys.readouterr().out


def test_a_notebook_that_breaks_does_not_end_the_load(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(*_: object, **__: object) -> None:
        raise RuntimeError("the wire is cut")

    monkeypatch.setattr(shell.display_pub, "publish", publish)
    shown = LoadDisplay(NotebookLine(), "x.sql")
    report = LoadReport("x.sql")
    with shown:
        shown.progress(HALF)
        shown.loaded(report)
    # Nobody has seen the report: as the cell's result it may still be shown.
    assert report.is_on_screen is None


def published(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, bool]]:
    """Return the list that gets each output, and whether it replaces one that was there."""
    outputs: list[tuple[Any, bool]] = []

    def publish(data: Any, *_: object, update: bool = False, **__: object) -> None:
        outputs.append((data, update))

    monkeypatch.setattr(shell.display_pub, "publish", publish)
    return outputs


def test_the_final_report_does_not_rely_on_an_output_being_replaced(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = published(shell, monkeypatch)
    shown = LoadDisplay(NotebookLine(), "x.sql")
    with shown:
        shown.progress(HALF)
        shown.loaded(LoadReport("x.sql"))
    (bar, _), (nothing, replaces), (report, adds) = outputs
    # What may stay for good says when it was so.
    for text in (bar["text/plain"], bar["text/html"]):
        assert re.search(r" · lab.mouse, lab.unit · 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", text)
    assert (nothing, replaces) == ({"text/plain": ""}, True)
    assert report["text/plain"].startswith("<LoadReport x.sql")
    assert not adds


def test_an_error_follows_one_line_that_was_the_bar(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = published(shell, monkeypatch)
    shown = LoadDisplay(NotebookLine(), "x.sql")
    shown.progress(HALF)
    shown.__exit__(KeyError)
    _, (line, replaces) = outputs
    assert (line, replaces) == ({"text/plain": "x.sql was not loaded completely."}, True)


def test_a_short_load_in_a_notebook_shows_nothing_but_its_report(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = published(shell, monkeypatch)
    shown = LoadDisplay(NotebookLine(), "x.sql")
    with shown:
        shown.progress(replace(HALF, elapsed_s=0.1))
        shown.loaded(LoadReport("x.sql"))
    assert [list(data) for data, _ in outputs] == [["text/plain", "text/html"]]


# What it says ------------------------------------------------------------------------------------


def words(progress: Progress) -> str:
    return describe(progress, progress.speed)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "43 MB of 100 MB · about 15 s left · 4.3 MB/s · 3 of 4 connections"),
        ({"elapsed_s": 0.5}, "43 MB of 100 MB · 0 s so far · 3 of 4 connections"),
        ({"size_bytes": None}, "43 MB · 10 s so far · 4.3 MB/s · 3 of 4"),
        ({"size_bytes": None, "elapsed_s": 100.0}, "43 MB · 1 min 40 s so far · 430 kB/s"),
        ({"size_bytes": 0, "done_bytes": 0}, "0 B of 0 B · 10 s so far · 3 of 4"),
        ({"done_bytes": 120 * MB}, "120 MB of 100 MB · about 1 s left · 12 MB/s"),
        ({"reads": False}, "43 MB of 100 MB · about 15 s left · 4.3 MB/s"),
        (
            {"reads": False, "done_bytes": 100 * MB, "builds": (("lab.unit", 71.0),)},
            "100 MB of 100 MB · finishing, 10 s so far · 3 of 4 connections"
            " · building the indexes of lab.unit (1 min 11 s) · lab.mouse",
        ),
        (
            {"builds": (("lab.unit", 5.0), ("lab.mouse", 2.0))},
            "connections · building the indexes of lab.unit (5 s)"
            " · building the indexes of lab.mouse (2 s)",
        ),
        ({"waits_for": "connection 7"}, "43 MB of 100 MB · waiting for connection 7"),
        ({"skipped_bytes": 33 * MB}, "43 MB of 100 MB · about 55 s left · 1 MB/s"),
        ({"skipped_bytes": 43 * MB}, "43 MB of 100 MB · 10 s so far · 3 of 4"),
        ({"done_bytes": 1}, "1 B of 100 MB · 10 s so far"),
    ],
)
def test_the_words(changes: dict[str, object], text: str) -> None:
    assert text in words(replace(HALF, **changes))  # type: ignore[arg-type]


def test_one_connection_is_not_worth_a_word() -> None:
    assert words(replace(HALF, jobs=1, busy=1)).endswith("4.3 MB/s · lab.mouse, lab.unit")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("/data/dump.sql", "dump.sql: "),
        ("https://host/path/dump.sql.gz", "dump.sql.gz: "),
        ("dumps/", "dumps: "),
        ("/", "/: "),
        ("x\udcff\n.sql", "x\\udcff\\n.sql: "),
        (f"{'a' * 60}.sql.gz", f"…{'a' * 32}.sql.gz: "),
    ],
)
def test_the_script_is_named_in_short(source: str, shown: str) -> None:
    assert words(replace(HALF, source=source)).startswith(f"{shown}43 MB")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "about 1 s"),
        (7.4, "about 7 s"),
        (43, "about 45 s"),
        (57, "about 55 s"),
        (58, "about 1 min"),
        (200, "about 3 min"),
        (3570, "about 60 min"),
        (3600, "about 1 h 0 min"),
        (9000, "about 2 h 30 min"),
    ],
)
def test_a_guess_is_round(seconds: float, text: str) -> None:
    # 59.5 minutes are told as an hour.
    assert about(seconds) == text.replace("about 60 min", "about 1 h 0 min")


def pace_of(*moments: tuple[float, int], skipped_bytes: int = 0) -> Pace:
    pace = Pace()
    for elapsed_s, done_bytes in moments:
        skipped = min(skipped_bytes, done_bytes)
        pace.note(Progress("x", done_bytes, None, elapsed_s, skipped_bytes=skipped))
    return pace


def test_a_steady_pace_is_the_speed() -> None:
    pace = pace_of(*((step / 5, step * 200) for step in range(1, 500)))
    assert pace.speed == pytest.approx(1000)


def test_no_pace_in_the_first_moments() -> None:
    assert pace_of((0.2, 5000), (0.4, 9000), (1.0, 12000)).speed is None
    assert Pace().speed is None


def test_a_pace_forgets_a_slow_beginning() -> None:
    slow = [(float(s), s * 10) for s in range(1, 61)]
    fast = [(60.0 + s, 600 + s * 1000) for s in range(1, 121)]
    speed = pace_of(*slow, *fast).speed
    assert speed is not None
    # Since it began: 670 bytes a second.
    assert 850 < speed < 1000


def test_a_pace_is_not_upset_by_one_jump() -> None:
    steady = [(float(s), s * 1000) for s in range(1, 61)]
    speed = pace_of(*steady, (61.0, 60_000 + 16_000)).speed
    assert speed is not None
    assert 1000 < speed < 2000


def test_a_pace_does_not_count_what_an_earlier_load_had_done() -> None:
    skipping = [(0.5, 400_000), (1.0, 800_000)]
    working = [(1.0 + s, 800_000 + s * 1000) for s in range(1, 31)]
    speed = pace_of(*skipping, *working, skipped_bytes=800_000).speed
    assert speed == pytest.approx(1000)


def test_a_pace_survives_clocks_and_positions_that_stand_or_go_back() -> None:
    pace = pace_of((0.0, 0), (1.0, 1000), (1.0, 1000), (0.5, 900), (2.0, 500), (3.0, 500))
    assert pace.speed is not None
    assert pace.speed > 0
    standing = pace_of(*((float(s), 0) for s in range(1, 100)))
    assert standing.speed is None
    assert "left" not in describe(HALF, 1e-9)
