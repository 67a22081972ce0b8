"""How progress is shown: one line that updates in place, in a notebook or a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .load import Position
    from .load.report import LoadReport
    from .sidecar import Sidecar
    from .wait import WaitStatus

UPDATE_INTERVAL_S = 0.2


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
    """Output that is no screen, such as a log file: only the end is written."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Do nothing."""

    def finish(self, text: str) -> None:
        """Write the last text."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201


class TerminalLine:
    """A line of a terminal, overwritten in place on standard error."""

    def update(self, text: str, fraction: float | None = None) -> None:
        """Overwrite the line."""
        share = "" if fraction is None else f"{fraction:4.0%} "
        # A line that wraps could not be overwritten.
        self._write((share + text)[: shutil.get_terminal_size().columns - 1], end="")

    def finish(self, text: str) -> None:
        """Overwrite the line and go to the next."""
        self._write(text, end="\n")

    def _write(self, text: str, *, end: str) -> None:
        # Carriage return, then "erase to the end of the line".
        print(f"\r{text}\x1b[K", end=end, file=sys.stderr, flush=True)  # noqa: T201


class NotebookLine:
    """An output of a notebook cell that is replaced in place and saved in its last form."""

    def __init__(self) -> None:
        self._handle: Any = None

    def update(self, text: str, fraction: float | None = None) -> None:
        """Replace the output."""
        bar = "" if fraction is None else f"<progress value='{fraction:.3f}' max='1'></progress> "
        self._show({"text/plain": text, "text/html": bar + escape(text)})

    def finish(self, text: str) -> None:
        """Replace the output for the last time."""
        self._show({"text/plain": text})

    def _show(self, bundle: dict[str, str]) -> None:
        from IPython.display import display  # noqa: PLC0415

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def line(*, quiet: bool = False) -> Line:
    """Return the line that fits where this code runs: kernel, terminal, or neither."""
    if quiet:
        return SilentLine()
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if getattr(shell, "kernel", None) is not None:
        return NotebookLine()
    return TerminalLine() if sys.stderr.isatty() else PlainLine()


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
    """Show a load on a line: how much of the file, how fast, which table.

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
        self._start = time.monotonic()
        self._shown_at = float("-inf")

    def progress(self, position: Position) -> None:
        """Show a position, a few times a second; for `load`'s ``progress``."""
        now = time.monotonic()
        if now - self._shown_at < UPDATE_INTERVAL_S:
            return
        self._shown_at = now
        done, size = position.source.position_bytes, position.source.size_bytes
        table = f", {position.table}" if position.table else ""
        elapsed_s = now - self._start
        megabytes = f"{done / 1e6:.1f} of {size / 1e6:.1f} MB"
        self._screen.update(
            f"{position.source.name}: {megabytes} in {elapsed_s:.0f} s{table}",
            done / size if size else None,
        )

    def loaded(self, report: LoadReport) -> None:
        """Show that all of it was loaded; the report, which the magic returns, says more."""
        self._screen.finish(f"Loaded {report.source} in {report.seconds:.1f} s.")

    def __enter__(self) -> None:
        """Begin; the end is shown by `loaded`, or by leaving with an error."""

    def __exit__(self, kind: object, *rest: object) -> None:
        """Show that the load did not come to its end; the error says why."""
        if kind is not None:
            self._screen.finish(f"{self._name} was not loaded to its end.")
