"""Placeholder until the real one lands."""

from __future__ import annotations
from typing import Any


def read_state() -> Any:
    return None
