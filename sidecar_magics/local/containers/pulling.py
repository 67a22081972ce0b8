"""Fetching the image, unless the engine has it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from . import recipe
from .client import PULL_S
from .refusals import EngineRefusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..wish import Reporter
    from .client import Client

KEPT_LINES = 20


def fetch(client: Client, report: Reporter) -> None:
    """Pull the image, unless it is there.

    Raises
    ------
    EngineRefusal
        It cannot be had; its verb is ``pull``.
    """
    with contextlib.suppress(EngineRefusal):
        client.ask("image", "inspect", "--format={{.Id}}", recipe.IMAGE)
        return
    report.say(f"Fetching {recipe.IMAGE} with {client.name}.")
    pulled = _Layers(report.layers)
    said: list[str] = []
    try:
        for line in client.lines("pull", recipe.IMAGE, limit_s=PULL_S):
            said = [*said[-KEPT_LINES:], line]
            pulled.see(line)
    except EngineRefusal as refusal:
        text = "\n".join(said) or refusal.said
        raise EngineRefusal(refusal.engine, "pull", text, refusal.limit_s) from None
    pulled.end()


class _Layers:
    """Counts the layers of an image while they come."""

    def __init__(self, show: Callable[[int, int], None] | None) -> None:
        self._show = show
        self._seen: dict[str, bool] = {}

    def see(self, line: str) -> None:
        """Take a line of ``docker pull`` (``podman pull``)."""
        layer, is_done = layer_of(line)
        if layer is None:
            return
        self._seen[layer] = self._seen.get(layer, False) or is_done
        if self._show is not None:
            self._show(sum(self._seen.values()), len(self._seen) + 1)

    def end(self) -> None:
        """Show that all is there."""
        if self._show is not None and self._seen:
            self._show(len(self._seen), len(self._seen))


def layer_of(line: str) -> tuple[str | None, bool]:
    """Return which layer a line is about, and whether it is there; None for another line.

    Docker: ``a1b2c3d4e5f6: Pull complete``; podman: ``Copying blob sha256:a1b2... done``.
    """
    words = line.split()
    if len(words) > 2 and words[:2] == ["Copying", "blob"]:
        return words[2], "done" in words or "skipped:" in words
    name, colon, what = line.partition(": ")
    if colon and len(name) == 12 and all(each in "0123456789abcdef" for each in name):
        return name, what.strip() in {"Pull complete", "Already exists"}
    return None, False
