"""Sizes, numbers and times as people read them."""

from __future__ import annotations


def size(size_bytes: float) -> str:
    """Return a size in the unit that suits it: ``12.3 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 999.5:  # larger numbers would be rounded to 1e+03
            return f"{size_bytes:.3g} {unit}" if unit != "B" else f"{size_bytes:.0f} B"
        size_bytes /= 1000
    return f"{size_bytes:,.1f} TB"


def count(number: int, noun: str, nouns: str = "") -> str:
    """Return a number of things: ``1 row``, ``1,234 rows``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it: ``1 min 20 s``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
