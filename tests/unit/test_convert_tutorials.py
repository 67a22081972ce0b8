"""What cold readers met with tutorials of the public kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_magics_convert import Left, convert
from sidecar_magics_convert.notebook import Notebook
from sidecar_magics_convert.report import DONE
from tests.unit.test_convert import FIRST, IMPORT, converted, folder_with, only, sources

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


def test_an_explanation_stands_once_in_a_report() -> None:
    text = str(converted("!mysql -phunter2 < a.sql", "!mysql -phunter2 < b.sql"))
    assert text.count("None is needed") == 1
    assert text.endswith("note: its password was taken out: see cell 1")


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


# Waits and containers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "after"),
    [
        (["!service mysql start", "import time\ntime.sleep(30)"], [FIRST, "import time"]),
        (["!service mysql start\nimport time\ntime.sleep(30)  # s"], [f"{FIRST}\nimport time"]),
        (["!service mysql start", "!sleep 20\nx = 1"], [FIRST, "x = 1"]),
        (["%%bash\ndocker compose up -d mysql", "%%bash\nsleep 20"], [FIRST, DONE]),
        (["!service mysql start", "!mysqladmin ping"], [FIRST, DONE]),
        (["!mysqladmin ping\n!mysqladmin ping\nx = 1"], [f"{FIRST}\nx = 1"]),
        (["# it\n!docker start mysql", "time.sleep(3)"], [f"# it\n{FIRST}", DONE]),
        (["x = 1\n!mysqladmin ping"], [FIRST, "x = 1\n%mysql_wait"]),
        (["!mysqladmin ping\nx = 1", "!mysqladmin ping"], [f"{FIRST}\nx = 1", "%mysql_wait"]),
        ([f"{FIRST}", "!service mysql start"], [FIRST, DONE]),
        ([f"{FIRST}", "time.sleep(3)"], [FIRST, "time.sleep(3)"]),
        (["time.sleep(3)", "!mysqladmin ping"], ["time.sleep(3)", FIRST]),
        (
            ["!mysqladmin ping\ns = '''\n%mysql_wait\ntime.sleep(3)\n'''"],
            [f"{FIRST}\ns = '''\n%mysql_wait\ntime.sleep(3)\n'''"],
        ),
    ],
)
def test_one_wait_is_enough(cells: list[str], after: list[str]) -> None:
    conversion = converted(*cells)
    assert sources(conversion) == after
    again = convert(Notebook(Path("/nowhere/a.ipynb"), conversion.text))
    assert again.text == conversion.text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("!docker ps", "docker ps asks a program that a hub does not have"),
        ("!docker stop lab && docker rm lab", "docker stop stops or removes"),
        ("%%bash\nsudo docker logs lab | tail", "docker logs asks"),
        ("!docker-compose up -d", "docker-compose up starts containers"),
        ("%%bash\ncd ..\ndocker compose up -d", "docker compose up starts containers"),
        ("!docker compose -f lab.yaml down", "docker compose"),
        ("!docker stop mysql", "docker stop stops or removes"),
        ("out = !podman ps", "podman ps asks"),
        ("!docker secretword", "docker is a program that a hub does not have"),
    ],
)
def test_commands_of_docker_are_reported_with_their_cell(source: str, words: str) -> None:
    conversion = converted(IMPORT, source)
    (left,) = conversion.left
    assert (left.number, left.notes) == (2, ())
    assert words in left.why
    assert "secretword" not in str(conversion)


def test_commands_of_docker_beside_what_is_converted_are_notes() -> None:
    conversion = converted("!docker ps\n!mysql < a.sql\n!docker rm lab")
    assert [note.split(" asks")[0].split(" stops")[0] for note in conversion.changed[0].notes] == [
        "docker ps",
        "docker rm",
    ]
    # A notebook that is about no server may do with containers what it likes.
    assert converted("!docker ps", "!echo docker ps").cells == ()
    assert (
        converted(IMPORT, "!echo docker ps\n!pip install docker", "'''\n!docker ps\n'''").cells
        == ()
    )


# Elsewhere -----------------------------------------------------------------------------------


def test_paths_of_one_machine_are_listed() -> None:
    conversion = converted(
        "import os\nos.chdir('/home/jovyan/old')\n!gunzip -c data/x.gz | mysql",
        "%cd /srv/lab",
        "f = '/home/jovyan/old/rat.nwb'\ng = r'C:\\lab\\rat.nwb'\nh = '/tmp/x', 'data/x', '/x'",
        "open('/home/jovyan/old/rat.nwb')",
        "import os\nos.chdir('..')\nos.chdir('/tmp')",
    )
    assert [(hint.cells, hint.text.split(",")[0].split(":")[0]) for hint in conversion.paths] == [
        ((1,), "it goes to /home/jovyan/old"),
        ((2,), "it goes to /srv/lab"),
        ((3, 4), "other machines have no /home/jovyan/old/rat.nwb"),
        ((3,), "other machines have no C"),
    ]
    assert "  on another machine:\n    cell 1: it goes to /home/jovyan/old, " in str(conversion)
    assert "    cells 3, 4: other machines have no" in str(conversion)
    # Nothing about notebooks that are about something else.
    assert str(converted("f = '/home/jovyan/x'")).endswith(": nothing to convert")


def test_a_file_is_looked_for_in_the_folder_that_was_gone_to(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "demo/data/x.sql.gz")
    gone = "import os\nos.chdir('/home/jovyan/demo')\n"
    load = "!gunzip -c data/x.sql.gz | mysql"
    for cells in ([gone + load], [gone, load], ["%%bash\nls", gone, f"%%bash\n{load[1:]}"]):
        after = converted(*cells, folder=folder).changed[0].after
        assert after.endswith("%mysql_load '{_dh[0]}/../data/x.sql.gz' --once")
    # Elsewhere a path goes on meaning what it meant.
    (cell,) = converted(gone + "!mysql < y.sql", folder=folder).changed
    assert cell.after.endswith("%mysql_load y.sql --once")
    (cell,) = converted("os.chdir(x())", load, folder=folder).changed
    assert cell.after == "%mysql_load data/x.sql.gz --once"


def test_what_datajoint_2_lacks_is_listed() -> None:
    conversion = converted(
        IMPORT + "dj.config['enable_python_native_blobs'] = True\nschema = dj.schema('lab')",
        "class Mouse(dj.Manual):\n    definition = '''\n    id: int\n    x: longblob\n    '''",
        "dj.ERD(schema)\nlab = dj.schema('x')\ndj.config.save_local()",
        "with dj.config(safemode=False):\n    pass",
        "from datajoint import schema as s\nlab.spawn_missing_classes()",
        "dj.Schema('x'), dj.config['safemode'], other.schema('y')\ndefinition = 'x: <blob>'",
    )
    assert conversion.cells == ()
    assert [(hint.cells, hint.text) for hint in conversion.datajoint_2] == [
        (
            (1,),
            "it has no such setting (KeyError): remove the line with enable_python_native_blobs",
        ),
        ((1, 3, 5), "it has no dj.schema: write dj.Schema"),
        ((2,), "it keeps a longblob as bare bytes: write <blob> in the definition"),
        ((3,), "it has no dj.ERD: write dj.Diagram"),
        ((3,), "it has no dj.config.save_local: %datajoint_connect --save writes a file"),
        ((4,), "it cannot call dj.config: write `with dj.config.override(safemode=False):`"),
        ((5,), "its schemas have no spawn_missing_classes: write make_classes"),
    ]
    assert "  with DataJoint 2 (0.14 runs it as it is):\n    cell 1: " in str(conversion)
    assert converted(IMPORT + "dj.schema('x')", "import spyglass").datajoint_2 == ()
