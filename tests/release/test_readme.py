"""README: short, and right on a forge and on an index."""

from __future__ import annotations

import re

from hatch_build import absolute
from tools.project import PROJECT, repository, version
from tools.site.staging import LINK

README = (PROJECT / "README.md").read_text()


def targets(text: str) -> list[str]:
    """Return what the links of a text lead to."""
    return [link["target"] for link in LINK.finditer(text)]


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_it_begins_with_the_three_lines_and_has_the_two_commands() -> None:
    first = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert first is not None
    for magic in ("%load_ext sidecar_magics", "%mysql_wait", "%mysql_load ", "%datajoint_connect"):
        assert magic in first[1]
    makefile = (PROJECT / "Makefile").read_text()
    for name in re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.MULTILINE):
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name
    assert {"demo", "test"} <= set(re.findall(r"^    make ([a-z-]+)", README, re.MULTILINE))


def test_its_links_lead_to_files_that_are_there() -> None:
    found = [target for target in targets(README) if not target.startswith("https://")]
    assert len(found) > 15
    for target in found:
        assert (PROJECT / target.partition("#")[0]).is_file(), target


def test_on_an_index_every_link_is_absolute() -> None:
    text = absolute(README, repository() + "/")
    for target in targets(text):
        assert target.startswith("https://"), target
    assert f'src="{repository()}/raw/HEAD/docs/quickstart.png"' in text
    assert f"]({repository()}/blob/HEAD/docs/loading.md)" in text
    assert absolute("[a](#b) [c](https://d.org)", "https://e.org") == "[a](#b) [c](https://d.org)"


def test_the_address_stands_in_one_file() -> None:
    project = (PROJECT / "pyproject.toml").read_text()
    urls = project.partition("[project.urls]")[2].partition("\n[")[0]
    addresses = re.findall(r'^[A-Z]\w+ = "(.+)"$', urls, re.MULTILINE)
    assert len(addresses) > 2
    assert all(address.startswith(repository()) for address in addresses)
    pages = [PROJECT / "README.md", *(PROJECT / "docs").glob("*"), PROJECT / "CONTRIBUTING.md"]
    for path in pages:
        if path.suffix in {".md", ".py"}:
            assert repository() not in path.read_text(), path


def test_the_wheel_it_names_is_the_one_that_is_built() -> None:
    for page in (README, (PROJECT / "docs" / "install.md").read_text()):
        assert set(re.findall(r"sidecar_magics-([0-9.]+)-py3", page)) == {version()}
