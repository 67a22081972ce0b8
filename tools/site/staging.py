"""Put what the site consists of into one folder, as Sphinx wants it.

The pages lie where a reader of the repository looks for them, and their links are relative to that,
so that they work on a forge as well. Here each of them gets its place in the site, and its links
are turned: to a page of the site where there is one, else to the file in the repository.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
from typing import TYPE_CHECKING

from tools.project import PROJECT, repository

if TYPE_CHECKING:
    from pathlib import Path

# Pages that do not lie in docs/, with their places in the site.
PAGES = {
    "hub-config/README.md": "hub.md",
    "CONTRIBUTING.md": "contributing.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
}
NOTEBOOKS = "notebooks"
PICTURES = {".png", ".svg"}
# Where they lie; notebooks may leave others in their data.
PICTURED = ("docs", f"{NOTEBOOKS}/images")
# [text](target), ![text](target), <img src="target">; not in code, which `CODE` takes out before.
LINK = re.compile(
    r"(?P<head>!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(|<img [^>]*src=\")"
    r"(?P<target>[^()\s\"]+)(?P<tail>[)\"])"
)
CODE = re.compile(
    r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)`*[ \t]*$|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


class BrokenLinkError(Exception):
    """A page names a file that is not in the repository, or shows one that is not in the site."""


def pages() -> dict[str, str]:
    """Return the place in the site of each page, by its path in the repository."""
    own = {f"docs/{path.name}": path.name for path in sorted((PROJECT / "docs").glob("*.md"))}
    notebooks = {
        f"{NOTEBOOKS}/{path.name}": f"{NOTEBOOKS}/{path.name}"
        for path in sorted((PROJECT / NOTEBOOKS).glob("*.ipynb"))
    }
    return {**own, **PAGES, **notebooks}


def pictures() -> dict[str, str]:
    """Return the place in the site of each picture of the pages, by its path in the repository."""
    found = [path for top in PICTURED for path in sorted((PROJECT / top).rglob("*"))]
    names = [path.relative_to(PROJECT).as_posix() for path in found if path.suffix in PICTURES]
    return {name: name.removeprefix("docs/") for name in names}


def turned(text: str, source: str) -> str:
    """Return the text of a page with its links turned to where the site has what they name.

    Parameters
    ----------
    text : str
        Markdown.
    source : str
        Path of the page in the repository.

    Raises
    ------
    BrokenLinkError
        A link leads to a file that is not there, or a picture is not among `pictures`.
    """
    places = {**pages(), **pictures()}
    here = posixpath.dirname(places[source])

    def turn(link: re.Match[str]) -> str:
        target, _, anchor = link["target"].partition("#")
        if ELSEWHERE.match(link["target"]):
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if not (PROJECT / path).exists():
            raise BrokenLinkError(f"{source}: there is no {path}")
        if path in places:
            found = posixpath.relpath(places[path], here or ".")
        elif not link["head"].startswith(
            "["
        ):  # it is to be shown, and a forge's page is no picture
            raise BrokenLinkError(f"{source}: {path} is not in {' or '.join(PICTURED)}")
        else:
            kind = "tree" if (PROJECT / path).is_dir() else "blob"
            found = f"{repository()}/{kind}/HEAD/{path}"
        return f"{link['head']}{found}{'#' + anchor if anchor else ''}{link['tail']}"

    parts, end = [], 0
    for code in CODE.finditer(text):
        parts += [LINK.sub(turn, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, LINK.sub(turn, text[end:])])


def stage(target: Path) -> None:
    """Put everything into an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for source, place in pages().items():
        written = target / place
        written.parent.mkdir(exist_ok=True)
        text = (PROJECT / source).read_text(encoding="utf-8")
        changed = _notebook(text, source) if place.endswith(".ipynb") else turned(text, source)
        written.write_text(changed, encoding="utf-8")
    for source, place in pictures().items():
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / source, target / place)
    shutil.copy(PROJECT / "docs" / "conf.py", target)
    shutil.copytree(PROJECT / "docs" / "_static", target / "_static", dirs_exist_ok=True)
    # What cells name, relative to their notebooks and pages: a copy, which they may change.
    shutil.copytree(PROJECT / NOTEBOOKS / "data", target / NOTEBOOKS / "data")
    (target / "data").symlink_to(f"{NOTEBOOKS}/data")


def _notebook(text: str, source: str) -> str:
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            lines = turned("".join(cell["source"]), source).splitlines(keepends=True)
            cell["source"] = lines
    return json.dumps(notebook, ensure_ascii=False, indent=1)
