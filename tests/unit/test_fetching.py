"""What `up` shows of a download."""

from __future__ import annotations

import contextlib

import pytest

from sidecar_magics import display, fetching
from sidecar_magics.errors import LocalServerError

MB = 1_000_000


class Shown:
    """A line that remembers what it showed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.ends: list[tuple[str, bool]] = []

    def update(self, text: str, fraction: float | None = None) -> None:
        del fraction
        self.texts.append(text)

    def finish(self, text: str, *, has_failed: bool = False) -> None:
        self.ends.append((text, has_failed))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    shown = Shown()
    monkeypatch.setattr(display, "line", lambda *, quiet=False: Shown() if quiet else shown)
    return shown


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("sidecar_magics.fetching.time.monotonic", lambda: now[0])
    return now


def test_a_download_shows_what_is_left(shown: Shown, clock: list[float]) -> None:
    with fetching.Downloading() as download:
        for second in range(30):
            clock[0] = 100.0 + second
            download(max(second - 20, 0) * 4 * MB, 56 * MB)
        download(56 * MB, 56 * MB)
    assert shown.texts[1] == "packages: 0 B of 56 MB · 1 s so far"
    # A mirror that does not answer yet has no speed.
    assert shown.texts[20] == (
        "packages: 0 B of 56 MB · waiting for the archive to answer, 20 s so far"
    )
    assert not [text for text in shown.texts if "0 B/s" in text]
    # The speed is that of late: 36 MB in 29 s would be 1.2 MB/s.
    assert shown.texts[29].startswith("packages: 36 MB of 56 MB · about ")
    assert float(shown.texts[29].rpartition("· ")[2].removesuffix(" MB/s")) > 2.0
    assert shown.ends == [("Downloaded 56 MB.", False)]


def test_what_fails_leaves_no_bar(shown: Shown) -> None:
    with contextlib.suppress(LocalServerError), fetching.Downloading() as download:
        download(1, 56 * MB)
        raise LocalServerError("x")
    assert shown.ends == [("The packages were not downloaded completely.", True)]
    with contextlib.suppress(LocalServerError), fetching.Pulling() as layers:
        layers(1, 5)
        raise LocalServerError("x")
    assert shown.ends[1:] == [("The image was not fetched completely.", True)]


def test_what_never_began_shows_nothing(shown: Shown) -> None:
    with fetching.Downloading(), fetching.Pulling():
        pass
    assert (shown.texts, shown.ends) == ([], [])


def test_quiet(shown: Shown) -> None:
    with fetching.Downloading(quiet=True) as download, fetching.Pulling(quiet=True) as layers:
        download(1, 2)
        layers(1, 2)
        download(2, 2)
    assert (shown.texts, shown.ends) == ([], [])
