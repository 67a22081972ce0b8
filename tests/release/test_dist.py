"""The checks of `make dist`; that it builds and runs is its own affair."""

from __future__ import annotations

import re

import pytest

from tools.dist import WrongError, faults, in_archive, in_wheel, run, same
from tools.project import PROJECT, repository, version

METADATA = f"""Metadata-Version: 2.4
Name: sidecar-magics
Version: {version()}
Project-URL: Repository, {repository()}

# Title

[link]({repository()}/blob/HEAD/docs/wait.md)
"""
CHANGELOG = f"# Changelog\n\n## Unreleased\n\n## {version()} - 2026-11-27\n"


def test_metadata_as_it_should_be() -> None:
    assert list(faults(METADATA.encode(), CHANGELOG)) == []


@pytest.mark.parametrize(
    ("metadata", "changelog", "words"),
    [
        (METADATA, "## Unreleased\n\n## 0.0.1 - 2026-01-01\n", "no dated section"),
        (METADATA, f"## {version()}\n", "no dated section"),
        (METADATA.replace(repository(), "https://example.org", 1), CHANGELOG, "another place"),
        (METADATA + "[a](docs/wait.md)\n", CHANGELOG, "leads nowhere from an index: docs/wait.md"),
        (METADATA + '<img src="docs/a.png">\n', CHANGELOG, "docs/a.png"),
        (METADATA.partition("[link]")[0], CHANGELOG, "no links"),
    ],
)
def test_metadata_that_is_wrong(metadata: str, changelog: str, words: str) -> None:
    assert words in " ".join(faults(metadata.encode(), changelog))


def test_contents_that_are_wrong() -> None:
    same("the wheel", {"a", "b"}, {"a", "b"})
    with pytest.raises(WrongError, match=r"lacks \['b'\], and has \['c'\] besides"):
        same("the wheel", {"a", "c"}, {"a", "b"})


def test_what_is_expected_is_there() -> None:
    assert "sidecar_magics/py.typed" in in_wheel()
    assert {"sidecar_magics/py.typed", "README.md", "LICENSE", "hatch_build.py"} <= in_archive()
    assert not any(name.startswith(("tests/", "tools/")) for name in in_archive() | in_wheel())


def test_a_command_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(WrongError, match="no such thing"):
        run(["sh", "-c", "echo no such thing; exit 3"])


def test_the_changelog_has_this_version_and_its_date() -> None:
    text = (PROJECT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(version())} - \d{{4}}-\d\d-\d\d$", text, re.MULTILINE)
