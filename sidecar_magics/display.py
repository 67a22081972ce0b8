"""How progress is shown: one line that updates in place, in a notebook or a terminal.

The line is ours. The bars of rich and tqdm draw from a thread and hide the cursor, which stays
hidden if the process is killed; in a notebook they need ipywidgets, or a repeated `clear_output`,
which removes the cell's other outputs. wcwidth is not needed beside rich.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from .errors import printable
from .files import shown_path
from .units import count, duration

if TYPE_CHECKING:
    from .dj import DataJointConnection
    from .dump import DumpReport
    from .keep import KeepStatus
    from .load.reporting.progress import Progress
    from .load.reporting.report import LoadReport
    from .sidecar import Sidecar
    from .wait import WaitStatus

UPDATE_INTERVAL_S = 0.2
# A task that is over sooner shows nothing but its end.
FIRST_AFTER_S = 0.4
# 100 % is for a finished task.
MOST_UNFINISHED = 0.99
PLAIN_INTERVAL_S = 10.0
# How wide a bar is, in a terminal of at least so many columns.
BAR_WIDTHS = {72: 20, 48: 10}
USUAL_COLUMNS = 80


class Line(Protocol):
    """One line on the screen that can be replaced."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Replace the line; `fraction` (0 to 1) is how much is done, where that is known."""

    def finish(self, text: str, *, has_failed: bool = False) -> None:
        """Replace the line for the last time; it stays. If it failed, an error follows."""


class SilentLine:
    """A line that is not shown."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Do nothing."""

    def finish(self, text: str, *, has_failed: bool = False) -> None:
        """Do nothing."""


class PlainLine:
    """Output that is not a screen, such as a log file: a line now and then, and the last."""

    def __init__(self) -> None:
        self._written_at = time.monotonic()

    def update(self, text: str, fraction: float | None = None) -> None:
        """Write a line every ten seconds, with the time of the day."""
        if time.monotonic() - self._written_at >= PLAIN_INTERVAL_S:
            percent = "" if fraction is None else f"{_percent(fraction)} "
            self._write(f"{now()} {percent}{text}")

    def finish(self, text: str, *, has_failed: bool = False) -> None:
        """Write the last text."""
        self._write(text)

    def _write(self, text: str) -> None:
        self._written_at = time.monotonic()
        # The reader of a pipe may be gone.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)  # noqa: T201


class TerminalLine:
    """A line of a terminal, overwritten in place on standard error, with a bar."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Overwrite the line, with what fits into the terminal as wide as it is now."""
        columns = _columns()
        bar = "" if fraction is None else _bar(fraction, columns)
        # A line that wraps could not be overwritten; the cursor needs a column, too.
        self._write(_cut(bar + text, columns - 1), end="")

    def finish(self, text: str, *, has_failed: bool = False) -> None:
        """Overwrite the line and go to the next."""
        self._write(text, end="\n")

    def _write(self, text: str, *, end: str) -> None:
        # Carriage return, then "erase to the end of the line"; the reader may be gone.
        with contextlib.suppress(OSError, ValueError):
            print(f"\r{text}\x1b[K", end=end, file=sys.stderr, flush=True)  # noqa: T201


class NotebookLine:
    """An output of a notebook cell that is replaced in place; the end is a new output.

    Each output may stay for good: a dead kernel replaces nothing, outputs may be lost while the
    page is closed, and some front-ends never replace an output. So each preliminary output has its
    date and time, and the final one does not rely on replacing.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._is_broken = False
        self.cell = current_cell()

    def update(self, text: str, fraction: float | None = None) -> None:
        """Replace the output by how it is now, with the date and time of this moment."""
        bar = "" if fraction is None else f"<progress value='{fraction:.3f}' max='1'></progress> "
        text = f"{text} · {now()}"
        self._show({"text/plain": text, "text/html": bar + escape(text)})

    def finish(self, text: str, *, has_failed: bool = False) -> None:
        """Replace the output by the last text.

        If it failed, the error is the new output, and this one is replaced by the text.
        """
        if has_failed and self._handle is not None:
            self._show({"text/plain": text})
            self._handle = None
        else:
            self.conclude({"text/plain": text})

    def conclude(self, bundle: dict[str, str]) -> bool:
        """Show the final output, in several forms; return whether it can be seen.

        It is a new output, and the earlier one becomes empty: where outputs are replaced only the
        final one is seen, and elsewhere it is below the last one drawn.
        """
        if self._handle is not None:
            self._show({"text/plain": ""})
        self._handle = None
        return self._show(bundle, is_final=True)

    def _show(self, bundle: dict[str, str], *, is_final: bool = False) -> bool:
        from IPython.display import display  # noqa: PLC0415

        try:
            if self._is_broken:
                pass
            elif is_final:
                display(bundle, raw=True)
            elif self._handle is None:
                self._handle = display(bundle, raw=True, display_id=True)
            else:
                self._handle.update(bundle, raw=True)
        except Exception:  # whatever the way to the notebook breaks with: the work continues
            self._is_broken = True
        return not self._is_broken


def now() -> str:
    """Return the date and time, in this machine's zone, whose name is with it."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z").rstrip()


def current_cell() -> int | None:
    """Return the number of the cell that is being executed, None outside of IPython."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "execution_count", None)


def line(*, quiet: bool = False) -> Line:
    """Return the line that fits where this code runs: kernel, terminal, or neither."""
    if quiet:
        return SilentLine()
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return NotebookLine()
    try:
        is_terminal = sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return SilentLine()
    return TerminalLine() if is_terminal and os.environ.get("TERM") != "dumb" else PlainLine()


def _columns() -> int:
    """Return how wide the terminal is; standard output may be a file, and COLUMNS be old."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or USUAL_COLUMNS
    except (OSError, ValueError, AttributeError):
        return USUAL_COLUMNS


def _percent(fraction: float) -> str:
    # Rounded down: 100 % is for a finished task.
    return f"{int(fraction * 100):3d}%"


def _bar(fraction: float, columns: int) -> str:
    width = next((width for least, width in BAR_WIDTHS.items() if columns >= least), 0)
    full = int(fraction * width)
    bar = f" [{'#' * full}{'-' * (width - full)}]" if width else ""
    return f"{_percent(fraction)}{bar} "


def _cut(text: str, columns: int) -> str:
    """Return as much of a text as fits into so many columns."""
    if text.isascii():
        return text[:columns]
    # Letters of East Asia take two columns, accents none.
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415

    return text if cell_len(text) <= columns else set_cell_size(text, columns)


class WaitDisplay:
    """Show a wait on a line.

    Parameters
    ----------
    screen : Line
        Where to.
    address : str
        The server waited for.
    """

    def __init__(self, screen: Line, address: str) -> None:
        self._screen = screen
        self._address = address

    def progress(self, status: WaitStatus) -> None:
        """Show the reason for waiting; for `wait`'s ``progress``."""
        self._screen.update(
            f"Waiting for MySQL at {self._address}: {status.answer} "
            f"({status.elapsed_s:.0f} of {status.timeout_s:.0f} s)"
        )

    def ready(self, sidecar: Sidecar) -> None:
        """Show that the wait is over."""
        self._screen.finish(f"MySQL is ready at {self._address} after {sidecar.waited_s:.2f} s.")

    def __enter__(self) -> None:
        """Begin; the end is shown by `ready`, or by leaving with an error."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """Show that it ended without a server; the error says why."""
        if kind is not None:
            self._screen.finish(f"MySQL is not ready at {self._address}.", has_failed=True)


class ConnectDisplay:
    """Show DataJoint's connection on a line, and before it the wait for the server.

    Parameters
    ----------
    screen : Line
        Where to.
    address : str
        The server.
    """

    def __init__(self, screen: Line, address: str) -> None:
        self._screen = screen
        self._address = address
        self._was_seen = False
        self.progress = WaitDisplay(self, address).progress

    def update(self, text: str, fraction: float | None = None) -> None:
        """Replace the line."""
        self._was_seen = True
        self._screen.update(text, fraction)

    def finish(self, text: str, *, has_failed: bool = False) -> None:
        """Replace the line for the last time."""
        self._was_seen = False
        self._screen.finish(text, has_failed=has_failed)

    def connected(self, connected: DataJointConnection) -> None:
        """Show the result."""
        self.finish(str(connected))

    def __enter__(self) -> None:
        """Begin; the end is shown by `connected`, or by leaving with an error."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """Show that it was not connected, if anything was seen of it; the error says why."""
        if kind is not None and self._was_seen:
            self.finish(f"DataJoint is not connected to {self._address}.", has_failed=True)


class TaskDisplay:
    """Show a task that may take long on a line, which in a notebook becomes its report.

    Parameters
    ----------
    screen : Line
        Where to.
    unfinished : str
        The line's last text if the task fails.
    """

    def __init__(self, screen: Line, unfinished: str) -> None:
        self._screen = screen
        self._unfinished = unfinished
        self._shown_at: float | None = None

    def progress(self, progress: Any) -> None:
        """Show how far it is, a few times a second at most."""
        moment = time.monotonic()
        if self._shown_at is None:
            is_time = progress.elapsed_s >= FIRST_AFTER_S
        else:
            is_time = moment - self._shown_at >= UPDATE_INTERVAL_S
        if is_time:
            self._shown_at = moment
            fraction = progress.fraction
            self._screen.update(
                self._words(progress), None if fraction is None else min(fraction, MOST_UNFINISHED)
            )

    def _words(self, progress: Any) -> str:
        return str(progress)

    def _end(self, report: LoadReport | DumpReport | KeepStatus, text: str) -> None:
        """Show a report where there is room for one, else a line of text."""
        self._shown_at = None
        if isinstance(self._screen, NotebookLine):
            # The report takes the line's place; as the cell's result it is not shown once more.
            bundle = {"text/plain": repr(report), "text/html": report._repr_html_()}
            if self._screen.conclude(bundle):
                _leave_out(report, self._screen.cell)
        elif isinstance(self._screen, SilentLine):
            _leave_out(report, current_cell())
        else:
            self._screen.finish(text)

    def __enter__(self) -> None:
        """Begin; the end is shown with the report, or by leaving with an error."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """Show that the task failed; the error says why."""
        # If nothing of it was shown yet, the error is enough.
        if kind is not None and self._shown_at is not None:
            self._screen.finish(self._unfinished, has_failed=True)


class LoadDisplay(TaskDisplay):
    """Show a load.

    Parameters
    ----------
    screen : Line
        Where to.
    name : str
        The script's name.
    """

    def __init__(self, screen: Line, name: str) -> None:
        from .load.reporting.pace import Pace, describe  # noqa: PLC0415 - not before it is used

        self._name = "standard input" if name == "-" else printable(shown_path(name))
        super().__init__(screen, f"{self._name} was not loaded completely.")
        self._pace, self._describe = Pace(), describe

    def progress(self, progress: Progress) -> None:
        """Show how far it is; for `load`'s ``progress``."""
        self._pace.note(progress)
        super().progress(progress)

    def _words(self, progress: Progress) -> str:
        return self._describe(progress, self._pace.speed)

    def loaded(self, report: LoadReport) -> None:
        """Show that all of it was loaded."""
        errors = f", with {count(len(report.errors), 'error')}" if report.errors else ""
        text = f"Loaded {self._name} in {duration(report.seconds)}{errors}."
        if report.already_loaded:
            text = f"{self._name}: {report.summary()}."
        self._end(report, text)
        if report.errors and isinstance(self._screen, SilentLine):  # that is what --quiet leaves
            line().finish(f"{self._name}: {report.summary()}; the first: {report.errors[0]}")


class DumpDisplay(TaskDisplay):
    """Show a dump.

    Parameters
    ----------
    screen : Line
        Where to.
    name : str
        The file's name.
    """

    def __init__(self, screen: Line, name: str) -> None:
        self._name = printable(name)
        super().__init__(screen, f"{self._name} was not dumped.")

    def dumped(self, report: DumpReport) -> None:
        """Show that all of it was dumped."""
        self._end(report, f"Dumped into {self._name} in {duration(report.seconds)}.")


class KeepDisplay(TaskDisplay):
    """Show the progress of making or restoring a snapshot, and then the state of keeping.

    Parameters
    ----------
    screen : Line
        Where to.
    """

    def __init__(self, screen: Line) -> None:
        super().__init__(screen, "The snapshot did not come to its end.")

    def kept(self, status: KeepStatus) -> None:
        """Show the state of keeping."""
        if self._shown_at is not None or isinstance(self._screen, (NotebookLine, SilentLine)):
            self._end(status, status.lines()[0])


def _leave_out(report: LoadReport | DumpReport | KeepStatus, cell: int | None) -> None:
    """Have IPython not show a report as the result of a cell."""
    report.is_on_screen = lambda: cell is not None and current_cell() == cell
