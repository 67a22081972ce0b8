"""Spyglass has an environment of its own: `make test-spyglass`."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("spyglass") else ["test_*.py"]
