"""How progress is shown: one line that updates in place, in a notebook or a terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
import unicodedata
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from .units import duration

if TYPE_CHECKING:
    from .load.progress import Progress
    from .load.report import LoadReport
    from .sidecar import Sidecar
    from .wait import WaitStatus

PLAIN_INTERVAL_S = 10.0
BAR_WIDTH = 20


class Line(Protocol):
    """One line on the screen that can be replaced."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Replace the line; `fraction` (0 to 1) is how much is done, where that is known."""

    def finish(self, text: str) -> None:
        """Replace the line for the last time; it stays."""


class SilentLine:
    """A line that nobody sees."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Do nothing."""

    def finish(self, text: str) -> None:
        """Do nothing."""


class PlainLine:
    """Output that is no screen, such as a log file: a line now and then, and the end."""

    def __init__(self) -> None:
        self._written_at = time.monotonic()

    def update(self, text: str, fraction: float | None = None) -> None:
        """Write a line every ten seconds."""
        if time.monotonic() - self._written_at >= PLAIN_INTERVAL_S:
            self._write(text if fraction is None else f"{fraction:4.0%} {text}")

    def finish(self, text: str) -> None:
        """Write the last text."""
        self._write(text)

    def _write(self, text: str) -> None:
        self._written_at = time.monotonic()
        # Nobody may be left to read it.
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)  # noqa: T201


class TerminalLine:
    """A line of a terminal, overwritten in place on standard error, with a bar."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Overwrite the line."""
        bar = ""
        if fraction is not None:
            full = round(fraction * BAR_WIDTH)
            bar = f"{fraction:4.0%} [{'#' * full}{'-' * (BAR_WIDTH - full)}] "
        # A line that wraps could not be overwritten.
        self._write(_cut(bar + text, shutil.get_terminal_size().columns - 1), end="")

    def finish(self, text: str) -> None:
        """Overwrite the line and go to the next."""
        self._write(text, end="\n")

    def _write(self, text: str, *, end: str) -> None:
        # Carriage return, then "erase to the end of the line".
        with contextlib.suppress(OSError, ValueError):
            print(f"\r{text}\x1b[K", end=end, file=sys.stderr, flush=True)  # noqa: T201


class NotebookLine:
    """An output of a notebook cell that is replaced in place and saved in its last form."""

    def __init__(self) -> None:
        self._handle: Any = None
        self.cell = current_cell()

    def update(self, text: str, fraction: float | None = None) -> None:
        """Replace the output."""
        bar = "" if fraction is None else f"<progress value='{fraction:.3f}' max='1'></progress> "
        self.replace({"text/plain": text, "text/html": bar + escape(text)})

    def finish(self, text: str) -> None:
        """Replace the output for the last time."""
        self.replace({"text/plain": text})

    def replace(self, bundle: dict[str, str]) -> None:
        """Replace the output by one in several forms."""
        from IPython.display import display  # noqa: PLC0415

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def current_cell() -> int | None:
    """Return the number of the cell that is being executed, None outside of IPython."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "execution_count", None)


def _cut(text: str, columns: int) -> str:
    """Return as much of a text as fits into so many columns; some characters take two."""
    used = 0
    for at, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in "FW" else 1
        if used > columns:
            return text[:at]
    return text


def line(*, quiet: bool = False) -> Line:
    """Return the line that fits where this code runs: kernel, terminal, or neither."""
    if quiet:
        return SilentLine()
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return NotebookLine()
    dumb = os.environ.get("TERM") == "dumb"
    return TerminalLine() if sys.stderr.isatty() and not dumb else PlainLine()


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
        """Show what is waited for; for `wait`'s ``progress``."""
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
            self._screen.finish(f"MySQL is not ready at {self._address}.")


class LoadDisplay:
    """Show a load on a line, which in a notebook becomes its report.

    Parameters
    ----------
    screen : Line
        Where to.
    name : str
        The script's name.
    """

    def __init__(self, screen: Line, name: str) -> None:
        self._screen = screen
        self._name = name

    def progress(self, progress: Progress) -> None:
        """Show how far it is; for `load`'s ``progress``."""
        self._screen.update(str(progress), progress.fraction)

    def loaded(self, report: LoadReport) -> None:
        """Show that all of it was loaded."""
        if isinstance(self._screen, NotebookLine):
            # The report takes the line's place; as the cell's result it is not shown once more.
            shown_in = self._screen.cell
            self._screen.replace({"text/plain": repr(report), "text/html": report._repr_html_()})
            report.is_on_screen = lambda: current_cell() == shown_in
        elif report.already_loaded:
            self._screen.finish(f"{report.source}: {report.summary()}.")
        else:
            errors = f", {len(report.errors)} errors" if report.errors else ""
            self._screen.finish(f"Loaded {report.source} in {duration(report.seconds)}{errors}.")

    def __enter__(self) -> None:
        """Begin; the end is shown by `loaded`, or by leaving with an error."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """Show that the load did not come to its end; the error says why."""
        if kind is not None:
            self._screen.finish(f"{self._name} was not loaded to its end.")
