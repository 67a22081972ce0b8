"""JupyterLab's extension: what keeps it in step with the package and its own content."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

from sidecar_magics import __version__

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "labextension"


def test_its_address_changes_with_its_content() -> None:
    """Browsers keep what they have loaded from an address, so that has a part of the hash."""
    build = json.loads((FOLDER / "package.json").read_text())["jupyterlab"]["_build"]
    path, _, digest = build["load"].partition("?v=")
    assert digest == sha256((FOLDER / path).read_bytes()).hexdigest()[:12]


def test_it_has_the_version_and_the_name_of_the_package() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    assert package["version"] == __version__
    script = (FOLDER / "static" / "extension.js").read_text()
    assert f"const NAME = '{package['name']}'" in script
