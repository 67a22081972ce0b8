"""The package's description on an index: README, with links that lead somewhere from there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# [text](target) and <img src="target">, of which only relative targets are touched.
LINK = re.compile(
    r"(?P<head>\]\(|<img [^>]*src=\")(?![a-z][a-z0-9+.-]*:|#)(?P<target>[^()\s\"]+)(?P<tail>[)\"])",
    re.IGNORECASE,
)
PICTURES = (".png", ".svg")


class ReadmeHook(MetadataHookInterface):
    """Fill in the readme, whose links need the address in ``[project.urls]``."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the readme to the metadata of pyproject.toml."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        text = absolute(text, metadata["urls"]["Repository"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def absolute(text: str, repository: str) -> str:
    """Return Markdown whose relative links lead to files of the repository.

    Parameters
    ----------
    text : str
        README.
    repository : str
        Its address, with or without a slash at the end.
    """

    def turn(link: re.Match[str]) -> str:
        kind = "raw" if link["target"].endswith(PICTURES) else "blob"
        address = f"{repository.rstrip('/')}/{kind}/HEAD/{link['target']}"
        return f"{link['head']}{address}{link['tail']}"

    return LINK.sub(turn, text)
