"""What README.md and docs/ tell people to type works: run where it can be, else looked at.

Magics, Python and `sidecar-magics` run on a real server, in a folder that has the files that they
name. What would fetch something, start something that stays, or needs Docker is checked: the
targets, options, files, services and extras that it names exist.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from sidecar_magics import lines
from sidecar_magics.errors import SidecarError
from sidecar_magics.magics import SidecarMagics
from tests.background import LIMIT_S
from tests.docs import checks
from tests.docs.snippets import PAGES, PROJECT, Snippet, commands, is_code, snippets
from tests.turns import some

if TYPE_CHECKING:
    from tests.servers import Server

EVERY = {page.name: snippets(page.read_text(encoding="utf-8"), page.name) for page in PAGES}
# Not run: what they start stays, or their reader names what is his.
DUMP = PROJECT / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"
FOR_2 = "datajoint.migrate"
ONLY_LOOKED_AT = {"up", "down", "logs", "keep"}
SCRIPT = (
    "CREATE SCHEMA IF NOT EXISTS lab; CREATE TABLE IF NOT EXISTS lab.mouse (id INT PRIMARY KEY);\n"
)


def of_kind(kind: str) -> list[Any]:
    found = [s for page in EVERY.values() for s in page if s.kind == kind]
    return [pytest.param(s, id=s.place) for s in found]


def simple_commands(snippet: Snippet) -> list[list[str]]:
    """Return the commands of a snippet; `sidecar-magics wait | load FILE` is two of ours."""
    verbs = checks.verbs()
    return [
        ["sidecar-magics", *words] if words[0] in verbs else words
        for words in commands(snippet.text)
    ]


def to_run() -> list[Any]:
    """Return the snippets of the shell with commands of ours that can run here."""
    return [param for param in of_kind("shell") if runnable(param.values[0])]


def runnable(snippet: Snippet) -> list[list[str]]:
    """Return the commands of ours that name all that they need, and leave nothing running."""
    return [
        words
        for words in simple_commands(snippet)
        if words[0] == "sidecar-magics"
        and len(words) > 2
        and words[1] not in ONLY_LOOKED_AT
        and not any(map(checks.PLACEHOLDER.match, words))
    ]


def magics_of(text: str) -> list[tuple[str, str]]:
    """Return each magic of ours, with its line."""
    pattern = r"^(?:\w+ = )?%%?(mysql_\w+|datajoint_connect)(?=\s|$)(.*)$"
    return [(name, line.strip()) for name, line in re.findall(pattern, text, re.MULTILINE)]


def only_lists_others(page: Path) -> bool:
    """Say whether a page has nothing but tables of contents of the site."""
    blocks = re.findall(r"^```(\S+)|^    \S", page.read_text(encoding="utf-8"), re.MULTILINE)
    return set(blocks) == {"{toctree}"}


def test_there_is_something_to_type_on_each_page() -> None:
    for page in PAGES:
        if not only_lists_others(page):
            assert any(snippet.kind != "text" for snippet in EVERY[page.name]), page.name
    assert len(of_kind("shell")) > 10
    assert len(of_kind("python")) > 10


@pytest.mark.parametrize("snippet", of_kind("shell"))
def test_commands_name_what_exists(snippet: Snippet) -> None:
    for words in simple_commands(snippet):
        checks.check(words)


@pytest.mark.parametrize("snippet", of_kind("python"))
def test_magics_take_the_options_that_are_named(snippet: Snippet) -> None:
    for name, line in magics_of(snippet.text):
        if "..." in line or "|" in line:
            continue
        parser = getattr(SidecarMagics, name).parser
        try:
            lines.parse(parser, name, line.replace("{_dh[0]}", "."))  # as IPython does
        except SidecarError as error:
            pytest.fail(f"%{name} {line}: {error}")
    if not snippet.is_inline:
        assert is_code(snippet.text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["make", "demonstration"], "there is no target demonstration"),
        (["pip", "install", ".[tutorials]"], "no such extra"),
        (["pip", "install", "sidecar-magics[remotes]"], "no such extra"),
        (["sidecar-magics", "start"], "there is no verb start"),
        (["sidecar-magics", "load", "a.sql", "--onze"], "is refused"),
        (["docker", "compose", "up", "-d", "mysqld"], "has no mysqld"),
        (["docker", "compose", "--profile", "lab", "up"], "no profile lab"),
        (["mysqlimporter", "x"], "there is no program mysqlimporter"),
    ],
)
def test_what_cannot_work_is_noticed(words: list[str], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        checks.check(words)


def test_blocks_and_sentences_are_read() -> None:
    page = (
        "Say `make demo`, or `%mysql_load x.sql --once`; `cell`.\n\n"
        "    before          after\n\n    sleep 20        %mysql_wait\n\n"
        "```bash\npip install '.[tutorial]' \\\n  h5py | cat  # all\n```\n\n"
        "    lab.mouse: 3 rows\n\n"
        "Or:\n\n    $ make test\n\n    ruff: all is well\n\n"
        "| in a cell | becomes | see |\n|---|---|---|\n"
        "| `docker run \\| mysql` | `%mysql_wait` | `make demo` |\n\n"
        "| you say | see |\n|---|---|\n| `git pull` | `a` |\n\n"
        "1. A list\n    goes on\n"
    )
    assert [(s.kind, s.text) for s in snippets(page, "p")] == [
        ("shell", "make demo"),
        ("python", "%mysql_load x.sql --once"),
        ("python", "%mysql_wait"),
        ("shell", "pip install '.[tutorial]' \\\n  h5py | cat  # all"),
        ("text", "lab.mouse: 3 rows"),
        ("shell", "$ make test"),
        ("python", "%mysql_wait"),
        ("shell", "make demo"),
        ("shell", "git pull"),
    ]
    assert commands("pip install '.[tutorial]' \\\n  h5py | cat  # all") == [
        ["pip", "install", ".[tutorial]", "h5py"],
        ["cat"],
    ]


def cells_of(page: Path) -> list[Snippet]:
    """Return what is a cell of its own; what needs DataJoint 2 is run in `tests/notebooks`."""
    return [
        snippet
        for snippet in EVERY[page.name]
        if snippet.kind == "python" and not snippet.is_inline and FOR_2 not in snippet.text
    ]


# On a real server --------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.fixture
def surroundings(mysql_server: Server, tmp_path: Path) -> dict[str, str]:
    """Return an environment that names the server, and has nothing of the user's."""
    own = ("DJ_", "SIDECAR_", "MYSQL_", "SPYGLASS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {
        **kept,
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PYTHONPATH": str(PROJECT),
        "SIDECAR_MAGICS_HOME": str(tmp_path / "home"),
        "SIDECAR_MYSQL_PORT": str(mysql_server.port),
        "SIDECAR_MYSQL_PASSWORD": mysql_server.password,
    }


def furnish(folder: Path, text: str) -> None:
    """Make the files that a text names, in the folder or beside it."""
    text = text.replace("{_dh[0]}/", "")  # the folder in which the kernel was started
    for name in re.findall(r"""[\w./-]+\.(?:sql\.gz|sql|json|ipynb)\b""", text):
        path = (folder / name).resolve()
        if path.is_relative_to(folder.parent) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(".sql.gz"):
                path.write_bytes(gzip.compress(SCRIPT.encode()))
            elif name.endswith(".ipynb"):
                cell = nbformat.v4.new_code_cell("!mysql -u root -ptutorial < dump.sql")
                nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
            else:
                path.write_text("{}" if name.endswith(".json") else SCRIPT)


def ready(snippet: Snippet, server: Server) -> str:
    """Return a cell as it is run here: with this server's port, and without Spyglass."""
    text = re.sub(r"\b330[67]\b", str(server.port), snippet.text)
    if importlib.util.find_spec("spyglass") is None:
        text = re.sub(r"^(?:import|from) spyglass.*$", "", text, flags=re.MULTILINE)
    return text


@pytest.mark.server
@some("page", [page for page in PAGES if cells_of(page)], each=3, ids=lambda page: page.name)
def test_cells_run(
    page: Path, mysql_server: Server, place: Path, surroundings: dict[str, str], tmp_path: Path
) -> None:
    cells = []
    if any("common_" in snippet.text for snippet in cells_of(page)):
        cells.append(("the notebooks' dump", f"%mysql_load '{DUMP}' --quiet"))
    for snippet in cells_of(page):
        furnish(place, snippet.text)
        text = ready(snippet, mysql_server)
        # Lines of magics are examples one by one; other code is a cell.
        lone = all(line.startswith("%") for line in text.splitlines() if line.strip())
        is_cell = text.startswith("%%") or not lone
        parts = [text] if is_cell else text.splitlines()
        cells += [(snippet.place, part) for part in parts if part.strip()]
    typed = tmp_path / "cells.json"
    typed.write_text(json.dumps(cells))
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.typing_in", str(typed)],
        check=False,
        cwd=place,
        env=surroundings,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": done") >= len(cells)


@pytest.mark.server
@pytest.mark.parametrize("snippet", to_run())
def test_our_commands_run(snippet: Snippet, place: Path, surroundings: dict[str, str]) -> None:
    program = str(Path(sys.executable).with_name("sidecar-magics"))
    furnish(place, snippet.text)
    for words in runnable(snippet):
        names = [hit for word in words[1:] for hit in _expanded(word, place)]
        done = subprocess.run(
            [program, *names],
            check=False,
            cwd=place,
            env=surroundings,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _expanded(word: str, folder: Path) -> list[str]:
    if "*" not in word:
        return [word]
    furnish(folder, "a.ipynb")
    return sorted(path.name for path in folder.glob(word))


@pytest.mark.server
@pytest.mark.parametrize(
    "snippet", [p for p in of_kind("shell") if re.search(r"\bmysql(dump)? -", p.values[0].text)]
)
def test_the_clients_have_the_options_that_are_named(
    snippet: Snippet, mysql_server: Server
) -> None:
    for words in simple_commands(snippet):
        clients = {"mysql": mysql_server.client, "mysqldump": mysql_server.dump_client}
        if words[0] in clients:
            known = subprocess.run(
                [*clients[words[0]], "--help"],
                check=True, capture_output=True, text=True, timeout=LIMIT_S,
            ).stdout  # fmt: skip
            for word in words[1:]:
                option = word.partition("=")[0]
                if option.startswith("--"):
                    assert re.search(rf"{option}\b", known), f"{words[0]} has no {option}"
