"""Check the links of a site that lies in a folder, without asking the network.

A link within the site has to lead to a file, and, if it names one, to a place in it. Of a link out
of the site only the form is checked: https, a host, and nothing that is no part of an address.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from urllib.parse import SplitResult

ADDRESS = re.compile(r"https://([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?(/[!-~]*)?(#[!-~]*)?", re.IGNORECASE)
WITHOUT_A_HOST = {"mailto", "data", "javascript"}


class Page(NamedTuple):
    """What of one page matters here."""

    links: list[str]
    names: set[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page([], set())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        for name, value in attrs:
            if value is not None and name in {"href", "src"}:
                self.page.links.append(value)
            elif value is not None and name in {"id", "name"}:
                self.page.names.add(value)


def read(path: Path) -> Page:
    """Return the links of a page, and the places in it that links can name."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def broken(site: Path) -> Iterator[str]:
    """Yield a line for each link that leads nowhere."""
    # _static has the theme's templates, which are no pages.
    found = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: read(path) for path in found}
    for path, page in pages.items():
        for link in page.links:
            wrong = _wrong(link, path, site, pages)
            if wrong:
                yield f"{path.relative_to(site)}: {link}: {wrong}"


def _wrong(link: str, path: Path, site: Path, pages: dict[Path, Page]) -> str:
    try:
        parts = urlsplit(link)
    except ValueError:
        return "no address"
    if parts.scheme or parts.netloc:
        fine = parts.scheme in WITHOUT_A_HOST or ADDRESS.fullmatch(link)
        return "" if fine else "not an https address of a host"
    return _wrong_within(parts, path, site, pages)


def _wrong_within(parts: SplitResult, path: Path, site: Path, pages: dict[Path, Page]) -> str:
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_relative_to(site.resolve()):
        return "leads out of the site"
    if not target.is_file():
        return "no such file"
    fragment = unquote(parts.fragment)
    if fragment and target in pages and fragment not in pages[target].names:
        return "no such place in it"
    return ""
