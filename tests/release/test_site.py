"""What the site is made from; Sphinx itself runs in `make docs`."""

from __future__ import annotations

import argparse
import json
import pkgutil
import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest

import sidecar_magics
from sidecar_magics import errors, options
from tools.project import PROJECT, repository
from tools.site.links import broken
from tools.site.options import VERBS, forms, reference, sentence
from tools.site.staging import BrokenLinkError, pages, pictures, stage, turned

if TYPE_CHECKING:
    from pathlib import Path

DOCS = PROJECT / "docs"


# The reference -----------------------------------------------------------------------------------

DOCUMENTED = re.findall(
    r"^\.\. auto(?:function|class|exception|data):: ([\w.]+)$",
    (DOCS / "api.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_the_reference_names_is_there(name: str) -> None:
    modules = ("", "sidecar_magics.", "sidecar_magics.errors.")  # the page's `currentmodule`
    assert any(is_there(module + name) for module in modules)


def is_there(name: str) -> bool:
    try:
        return pkgutil.resolve_name(name) is not None
    except (AttributeError, ImportError):
        return False


# Options -----------------------------------------------------------------------------------------


def test_every_table_of_options_has_its_place_in_the_reference() -> None:
    tables = [
        value
        for name, value in vars(options).items()
        if name.isupper()
        and isinstance(value, tuple)
        and all(isinstance(each, options.Option) for each in value)
    ]
    parts = [options.CONNECTION]  # of others; by itself that of the doctor
    assert len(tables) > len(parts)
    for table in tables:
        assert any(table is each for each in (*VERBS.values(), *parts))
    page = (DOCS / "options.md").read_text()
    assert re.findall(r"^```\{sidecar-options\} (\w+)$", page, re.MULTILINE) == list(VERBS)
    assert not re.search(r"(?<!:)--(?!help)[a-z]", page), "options are written nowhere by hand"


WITHOUT_LOGIN = {"convert", "down", "status", "logs"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_in_the_reference_with_its_help(verb: str) -> None:
    text = "\n".join(reference(verb))
    for option in VERBS[verb]:
        is_there = "```{option} " + ", ".join(forms(option)) + "\n" + sentence(option) in text
        assert is_there is (option.keywords["help"] is not argparse.SUPPRESS), option.flags
    assert ("--password-env" in text) is (verb not in WITHOUT_LOGIN)
    assert "SUPPRESS" not in text


@pytest.mark.parametrize(
    ("option", "written"),
    [
        (options.Option("--port", "-P"), ["--port PORT", "-P PORT"]),
        (options.Option("--once", action="store_true"), ["--once"]),
        (options.Option("--tls", choices=("auto", "required")), ["--tls {auto|required}"]),
        (options.Option("--wait", "-w", nargs="?", metavar="S"), ["--wait [S]", "-w [S]"]),
        (options.Option("file", nargs="?"), ["FILE"]),
        (options.Option("notebooks", nargs="+", metavar="NOTEBOOK"), ["NOTEBOOK"]),
    ],
)
def test_forms(option: options.Option, written: list[str]) -> None:
    assert forms(option) == written


def test_what_markdown_would_take_for_its_own_is_escaped() -> None:
    option = options.Option("--x", help="as %%mysql_wait: * and ?, `a*b`; see --password-env <x>.")
    wanted = r"as %mysql\_wait: \* and ?, `a*b`; see `--password-env` \<x\>."
    assert sentence(option) == wanted


# Pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text", "wanted"),
    [
        ("docs/wait.md", "[a](settings.md#x)", "[a](settings.md#x)"),
        (
            "docs/wait.md",
            "[a](../notebooks/00_QuickStart.ipynb)",
            "[a](notebooks/00_QuickStart.ipynb)",
        ),
        ("docs/wait.md", "[a](../hub-config/README.md#traps)", "[a](hub.md#traps)"),
        ("hub-config/README.md", '<img src="../docs/hub.png">', '<img src="hub.png">'),
        ("docs/wait.md", "![a](quickstart.png)", "![a](quickstart.png)"),
        ("docs/wait.md", "![a](images/lab-plot-dark.png)", "![a](images/lab-plot-dark.png)"),
        (
            "hub-config/README.md",
            "![a](../docs/images/lab-plot-dark.png)",
            "![a](images/lab-plot-dark.png)",
        ),
        ("docs/wait.md", "[a](https://example.org/x.md)", "[a](https://example.org/x.md)"),
        ("docs/wait.md", "[a](#here)", "[a](#here)"),
        ("docs/wait.md", "[`a[0]` b](loading.md)", "[`a[0]` b](loading.md)"),
        ("docs/wait.md", "[a](../Makefile)", "[a](REPOSITORY/blob/HEAD/Makefile)"),
        ("docs/wait.md", "[a](../tools/)", "[a](REPOSITORY/tree/HEAD/tools)"),
        ("docs/wait.md", "`[a](nowhere.md)`", "`[a](nowhere.md)`"),
        ("docs/wait.md", "```\n[a](nowhere.md)\n```\n", "```\n[a](nowhere.md)\n```\n"),
        ("notebooks/00_QuickStart.ipynb", "[a](../docs/wait.md)", "[a](../wait.md)"),
        ("notebooks/00_QuickStart.ipynb", "![a](images/tables.svg)", "![a](images/tables.svg)"),
        ("notebooks/00_QuickStart.ipynb", "![a](../docs/hub.png)", "![a](../hub.png)"),
        (
            "docs/wait.md",
            "![a](../notebooks/images/tables.svg)",
            "![a](notebooks/images/tables.svg)",
        ),
    ],
)
def test_links_are_turned_to_the_page_or_to_the_repository(
    source: str, text: str, wanted: str
) -> None:
    assert turned(text, source) == wanted.replace("REPOSITORY", repository())


def test_a_link_to_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(BrokenLinkError, match=r"docs/nowhere\.md"):
        turned("see [a](nowhere.md)", "docs/wait.md")


def test_a_picture_that_the_site_does_not_have_is_an_error() -> None:
    with pytest.raises(BrokenLinkError, match=r"Makefile is not in docs or notebooks/images"):
        turned("![a](../Makefile)", "docs/wait.md")


def test_all_pages_are_staged(tmp_path: Path) -> None:
    site = tmp_path / "source"
    stage(site)
    for place in [*pages().values(), *pictures().values()]:
        assert (site / place).is_file(), place
    assert {"hub.png", "images/lab-doctor-light.png"} <= {*pictures().values()}
    assert (site / "conf.py").is_file()
    assert (site / "data" / "spyglass-prepopulate.sql.gz").is_file()
    assert not (site / "data").resolve().is_relative_to(PROJECT)
    for path in site.glob("notebooks/*.ipynb"):
        assert json.loads(path.read_text())["nbformat"] == 4


def test_every_page_is_in_a_table_of_contents() -> None:
    listed = {"index.md"}
    for page in sorted(DOCS.glob("*.md")):
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```$", page.read_text(), re.M | re.S):
            for name in re.findall(r"^(?:[^:<\n]*<)?([\w/*-]+)>?$", block, re.MULTILINE):
                listed |= {name + ".md", name + ".ipynb"}
    for place in pages().values():
        assert any(fnmatch(place, name) for name in listed), place


def test_every_task_begins_with_an_example() -> None:
    tasks = re.findall(
        r"^(?:\w[^<\n]*<)?([a-z-]+)>?$", (DOCS / "tasks.md").read_text(), re.MULTILINE
    )
    assert len(tasks) > 6
    for name in tasks:
        source = next(source for source, place in pages().items() if place == f"{name}.md")
        text = (PROJECT / source).read_text().partition("\n# ")[2] or (PROJECT / source).read_text()
        assert re.search(r"^```|^    \S", text, re.MULTILINE), f"{source} has no example"


def test_the_reference_has_every_public_name() -> None:
    page = (DOCS / "api.md").read_text()
    for name in sidecar_magics.__all__:
        assert f"autofunction:: {name}\n" in page, name
    for name, value in vars(errors).items():
        if isinstance(value, type) and value.__module__ == errors.__name__:
            assert f"autoexception:: {name}\n" in page, name


# Links -------------------------------------------------------------------------------------------


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "template.html").write_text('<a href="{{ x }}">theme</a>')
    (tmp_path / "a.html").write_text(
        """<h1 id="top">A</h1>
        <a href="sub/b.html#there">1</a> <a href="#top">2</a> <a href="sub/">3</a>
        <a href="https://example.org/x?y#z">4</a> <a href="mailto:a@example.org">5</a>
        <img src="data:image/png;base64,xx">
        <a href="sub/c.html">wrong 1</a> <a href="sub/b.html#nowhere">wrong 2</a>
        <a href="#nowhere">wrong 3</a> <a href="http://example.org">wrong 4</a>
        <a href="https://ADDRESS">wrong 5</a> <a href="../outside.html">wrong 6</a>
        <img src="missing.png">"""
    )
    (tmp_path / "sub" / "b.html").write_text('<p id="there">B</p><a href="../a.html#top">a</a>')
    (tmp_path / "sub" / "index.html").write_text("<p>index</p>")
    found = [line.split(": ")[1] for line in broken(tmp_path)]
    assert found == [
        "sub/c.html",
        "sub/b.html#nowhere",
        "#nowhere",
        "http://example.org",
        "https://ADDRESS",
        "../outside.html",
        "missing.png",
    ]
