"""Sizes, numbers and times as people read them."""

from __future__ import annotations

import pytest

from sidecar_magics.units import count, duration, size


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [(999, "999 B"), (999.7, "1 kB"), (1500, "1.5 kB"), (2_340_000, "2.34 MB"), (5e12, "5.0 TB")],
)
def test_size(size_bytes: float, said: str) -> None:
    assert size(size_bytes) == said


def test_count() -> None:
    assert count(1, "table") == "1 table"
    assert count(2000, "table") == "2,000 tables"
    assert count(0, "index", "indexes") == "0 indexes"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (3599.6, "1 h 0 min")],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said
