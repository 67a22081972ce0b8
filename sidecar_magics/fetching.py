"""How a download is shown that `up` needs: packages by their bytes, an image by its layers."""

from __future__ import annotations

import time

from . import display
from .units import size

# What has just begun has no speed yet.
SHORTEST_S = 0.1


class Downloading:
    """Shows a download on a line of its own."""

    def __init__(self) -> None:
        self._line = display.line()
        self._began = time.monotonic()

    def __call__(self, done_bytes: int, total_bytes: int) -> None:
        """Show how much of it is there."""
        if done_bytes >= total_bytes:
            self._line.finish(f"Downloaded {size(total_bytes)}.")
            return
        speed = done_bytes / max(time.monotonic() - self._began, SHORTEST_S)
        self._line.update(
            f"{size(done_bytes)} of {size(total_bytes)} · {size(speed)}/s",
            done_bytes / max(total_bytes, 1),
        )


class Pulling:
    """Shows how many layers of an image are there: engines report no bytes, except to a screen."""

    def __init__(self) -> None:
        self._line = display.line()

    def __call__(self, done: int, total: int) -> None:
        """Show how many are there."""
        if done >= total:
            self._line.finish(f"Fetched the image ({total} layers).")
        else:
            self._line.update(f"{done} layers of the image, of {total - 1} or more", done / total)
