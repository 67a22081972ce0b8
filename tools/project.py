"""What pyproject.toml says of this project; standard library only."""

from __future__ import annotations

import re

from tools.setup_venv import PROJECT

__all__ = ["PROJECT", "repository", "version"]


def repository() -> str:
    """Return the repository's address, without a slash at its end: the only place that has it."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^Repository = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("pyproject.toml has no Repository in [project.urls]")
    return found[1].rstrip("/")


def version() -> str:
    """Return the package's version."""
    text = (PROJECT / "sidecar_magics" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("the package does not tell its version")
    return found[1]
