"""What cold readers met with tutorials of the public kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_magics_convert import Left
from tests.unit.test_convert import FIRST, IMPORT, converted, only

# Variables -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "first", "after"),
    [
        ("%env DJ_HOST=db.lab", f"{FIRST} --host db.lab", "%datajoint_connect"),
        ("%set_env DJ_USER ann", f"{FIRST} --user ann", "%datajoint_connect"),
        (
            "%env DJ_HOST = localhost\n%env DJ_PASS=hunter2\nimport datajoint as dj",
            FIRST,
            "%datajoint_connect\nimport datajoint as dj",
        ),
    ],
)
def test_variables_that_ipython_sets_are_as_those_that_python_sets(
    source: str, first: str, after: str
) -> None:
    conversion = converted(source)
    assert conversion.first == first
    assert conversion.changed[0].after == after
    assert "hunter2" not in str(conversion)


@pytest.mark.parametrize(
    "source",
    [
        "%env DJ_PASS={password}",
        "%env DJ_PASS=$PASSWORD",
        "if x:\n    %env DJ_HOST=db.lab",
        "import os\nos.environ.update(DJ_PASS='hunter2')",
        "import os\nos.environ.update({'DJ_PASS': 'hunter2'})",
        "import os\nos.environ.setdefault('DJ_HOST', 'db.lab')",
    ],
)
def test_variables_that_are_set_in_other_ways_are_reported(source: str) -> None:
    conversion = converted(source)
    (cell,) = conversion.cells
    assert isinstance(cell, Left)
    assert "hunter2" not in str(conversion)


@pytest.mark.parametrize(
    "source", ["%env", "%env DJ_HOST", "%env HOME=/x", "x = '''\n%env DJ_HOST=a\n'''"]
)
def test_other_variables_are_nothing_of_this(source: str) -> None:
    assert converted(source).cells == ()


def test_a_password_is_left_out_where_the_magics_find_it() -> None:
    for source in (
        "%env DJ_PASS=hunter2",
        "!mysql -phunter2 < a.sql",
        "!docker run -e MYSQL_ROOT_PASSWORD=simple datajoint/mysql:8.0",
        IMPORT + "from getpass import getpass\ndj.config['database.password'] = getpass()",
        IMPORT + "from getpass import getpass\npassword = getpass()",
    ):
        text = str(converted(source))
        assert "None is needed: the magics find the password of a hub's sidecar" in text
        assert "`sidecar-magics up`" in text
    text = str(converted("!mysql -h db.lab -phunter2 < a.sql"))
    assert "put it into SIDECAR_MYSQL_PASSWORD" in text
    assert "None is needed" not in text


# The report ----------------------------------------------------------------------------------


def test_what_is_gone_is_shown_before_what_is_new() -> None:
    cells = [
        "%%bash\n# a\nmysql < a.sql\n# b\nmysql < b.sql",
        IMPORT + "x = 1\ndj.config['database.host'] = 'localhost'\ny = 2",
        "%env DJ_HOST=localhost\nprint(1)\n!mysql < a.sql",
    ]
    for cell in cells:
        shown = [line[4] for line in str(converted(cell)).splitlines() if line[4:6] in ("- ", "+ ")]
        changes = shown[2:]  # after those of the new cell
        assert changes == sorted(changes, reverse=True), changes
        assert {"-", "+"} == set(changes)


def test_a_notebook_goes_by_its_plain_path() -> None:
    text = str(converted("x = 1", folder=Path("/nowhere/a/../b")))
    assert text.startswith("/nowhere/b/tutorial.ipynb: ")


def test_a_path_that_holds_here_only_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    file = tmp_path / "far" / "a.sql"
    source = f"!mysql < {file}"
    folder = tmp_path / "1" / "2" / "3" / "4"
    (cell,) = converted(source, folder=folder).changed
    assert cell.notes[0].startswith(
        "this machine has no such file: put the file beside the notebook"
    )
    file.touch()
    (cell,) = converted(source, folder=folder).changed
    assert cell.notes[0].startswith("other machines have no such file: put the file")
    assert cell.notes[0].endswith(" a.sql")
    assert only("!mysql < a.sql") == "%mysql_load a.sql --once"
