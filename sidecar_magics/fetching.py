"""Show the downloads of `up`: packages by their bytes, an image by its layers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from . import display
from .units import size

if TYPE_CHECKING:
    from types import TracebackType

# Until then a mirror is only slow to answer.
PATIENCE_S = 2.0

_Shown = TypeVar("_Shown", bound="_Fetching")


class _Fetching:
    """A line for a download; one that fails leaves no unfinished bar.

    Parameters
    ----------
    quiet : bool, default False
        Show nothing.
    """

    unfinished = "It was not fetched completely."

    def __init__(self, *, quiet: bool = False) -> None:
        self._line = display.line(quiet=quiet)
        self._is_open = False

    def __enter__(self: _Shown) -> _Shown:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_open:
            self._end(self.unfinished, has_failed=True)

    def _update(self, text: str, fraction: float) -> None:
        self._is_open = True
        self._line.update(text, fraction)

    def _end(self, text: str, *, has_failed: bool = False) -> None:
        self._is_open = False
        self._line.finish(text, has_failed=has_failed)


class Downloading(_Fetching):
    """Shows a download like a load: the size so far, and the time that is left."""

    unfinished = "The packages were not downloaded completely."

    def __init__(self, *, quiet: bool = False) -> None:
        from .load.reporting.pace import Pace, describe  # noqa: PLC0415 - not before it is used
        from .load.reporting.progress import Progress  # noqa: PLC0415

        super().__init__(quiet=quiet)
        self._pace, self._describe, self._progress = Pace(), describe, Progress
        self._began: float | None = None

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """Show how much of it is there."""
        if done_bytes >= total_bytes:
            self._end(f"Downloaded {size(total_bytes)}.")
            return
        now = time.monotonic()
        if self._began is None:
            self._began = now
        elapsed_s = now - self._began
        is_silent = not done_bytes and elapsed_s > PATIENCE_S
        progress = self._progress(
            "packages",
            done_bytes,
            total_bytes,
            elapsed_s,
            waits_for=f"the archive to answer, {elapsed_s:.0f} s so far" if is_silent else "",
        )
        self._pace.note(progress)
        text = self._describe(progress, self._pace.speed)
        self._update(text, done_bytes / max(total_bytes, 1))


class Pulling(_Fetching):
    """Shows how many layers of an image are there: engines report no bytes, except to a screen."""

    unfinished = "The image was not fetched completely."

    def __call__(self, done: int, total: int) -> None:
        """Show how many are there."""
        if done >= total:
            self._end(f"Fetched the image ({total} layers).")
        else:
            self._update(f"{done} layers of the image, of {total - 1} or more", done / total)
