"""The services of compose.yaml, with its variables filled in as Compose does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::-([^}]*))?\})")


def read(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return compose.yaml, as it is with these variables set."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    filled: dict[str, Any] = _filled(content, environment or {})
    return filled


def example() -> dict[str, str]:
    """Return the variables that .env.example sets."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _filled(node: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, environment) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, environment) for value in node]
    if isinstance(node, str):
        return VARIABLE.sub(lambda match: _value(match, environment), node)
    return node


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match[1] is None:
        return "$"
    return environment.get(match[1]) or match[2] or ""
