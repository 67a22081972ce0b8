"""Tutorials as other people paste them, converted by the command and run in real kernels."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from sidecar_magics.cli import main
from sidecar_magics.connection import connect_now
from sidecar_magics_convert import convert
from sidecar_magics_convert.notebook import Notebook
from tests.notebooks.running import client_of, notebook_of, shown_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook, pytest.mark.timeout(1800)]

DUMP = """\
CREATE DATABASE IF NOT EXISTS tutorial_lab;
USE tutorial_lab;
DROP TABLE IF EXISTS subject;
CREATE TABLE subject (subject_id VARCHAR(32) PRIMARY KEY, weight DOUBLE) COMMENT='animals';
INSERT INTO subject VALUES ('Tolman', 412.5), ('Thorndike', 388);
"""
QUICK_START = (
    """\
%%bash
# The sidecar takes a moment.
sleep 20
mysql -h 127.0.0.1 -u root --password=tutorial \\
  < /home/jovyan/demo/data/prepopulate.sql 2>/dev/null""",
    """\
import os
from pathlib import Path

if Path.cwd().name == "notebooks":
    os.chdir("..")
import datajoint as dj
dj.config.load(Path("dj_local_conf.json").absolute())  # host, user, password, stores""",
    """\
lab = dj.create_virtual_module("lab", "tutorial_lab")
lab.Subject()""",
    'sorted(dj.config["stores"]), (lab.Subject & "weight > 400").fetch("subject_id").tolist()',
)
BY_HAND = (
    "!mysql -uroot -ptutorial -e 'CREATE DATABASE IF NOT EXISTS scratch; "
    "CREATE TABLE IF NOT EXISTS scratch.t (a INT PRIMARY KEY)'",
    "!zcat data/dump.sql.gz | mysql -uroot -ptutorial",
    """\
import datajoint as dj
dj.config["database.host"] = "localhost"
dj.config["database.user"] = "root"
dj.config["database.password"] = "tutorial"
dj.conn()""",
    'print(len(dj.create_virtual_module("lab", "tutorial_lab").Subject()), dj.list_schemas())',
)

# A path from the notebook's folder, and a later cell that leaves it.
MOVED = (
    "!sudo mysql -uroot -ptutorial < ../data/prepopulate.sql",
    """\
import os
if os.path.basename(os.getcwd()) == "notebooks":
    os.chdir("..")
print(open("data/prepopulate.sql").readline().strip())""",
    'import datajoint as dj\ndj.config.load("dj_local_conf.json")',
    'print(len(dj.create_virtual_module("lab", "tutorial_lab").Subject()))',
)
SERVER_OF_ITS_OWN = (
    "!apt-get install -y mysql-server > /dev/null\n!service mysql start",
    """\
%%bash
mysql --password='' <<'EOF'
CREATE DATABASE heredoc;
USE heredoc;
CREATE TABLE `t` (a INT PRIMARY KEY);
EOF""",
    "!echo 'REPLACE INTO heredoc.t VALUES (1), (2)' | sudo mysql -u root",
    "!docker exec -i db mysql -uroot heredoc -e 'DELETE FROM t WHERE a = 2'\n"
    "!mysql heredoc -e 'INSERT IGNORE INTO t VALUES (3)'",
    "!mysql heredoc -e 'USE heredoc; SELECT a FROM t'",
)
# A dump that is written and loaded, with variables and pauses in between.
DUMPED = (
    "!docker compose up -d mysql\nimport time\ntime.sleep(1)",
    "%env DJ_HOST=127.0.0.1\n%env DJ_PASS=tutorial",
    "!mysql -e 'CREATE DATABASE IF NOT EXISTS kept; CREATE TABLE IF NOT EXISTS kept.t (a INT)'\n"
    "!mysql -e 'INSERT INTO kept.t VALUES (7)'",
    "!mysqldump -ptutorial kept | gzip -9 > kept.sql.gz",
    "!mysql -e 'DROP DATABASE kept; CREATE DATABASE kept'",
    "!zcat kept.sql.gz | mysql -ptutorial kept",
)
# No word about a server: what is offered is put where it belongs.
SILENT = (
    "x = 1",
    """\
import os
if os.path.basename(os.getcwd()) == "notebooks":
    os.chdir("..")

import datajoint as dj
schema = dj.Schema("tutorial_silent")""",
    'print(dj.conn().query("SELECT 1").fetchall(), sorted(dj.config["stores"]))',
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a tutorial's notebooks, as its repository has it."""
    (tmp_path / "demo" / "data").mkdir(parents=True)
    (tmp_path / "demo" / "data" / "prepopulate.sql").write_text(DUMP)
    stores = {"raw": {"protocol": "file", "location": str(tmp_path), "stage": str(tmp_path)}}
    configuration = {
        "database.host": "localhost",
        "database.user": "root",
        "database.password": "tutorial",
        "database.port": 3306,
        "stores": stores,
    }
    (tmp_path / "demo" / "dj_local_conf.json").write_text(json.dumps(configuration))
    notebooks = tmp_path / "demo" / "notebooks"
    (notebooks / "data").mkdir(parents=True)
    (notebooks / "data" / "dump.sql.gz").write_bytes(gzip.compress(DUMP.encode()))
    return notebooks


def converted(folder: Path, cells: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a notebook of cells that the command has converted, every one that it should."""
    file = folder / "tutorial.ipynb"
    notebook = notebook_of(*cells)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# A tutorial"))
    nbformat.write(notebook, file)
    assert main(["convert", "--write", str(file)]) == 0
    shown = capsys.readouterr().out
    assert ", 0 left" in shown
    assert "=tutorial" not in shown
    assert "-ptutorial" not in shown
    result = nbformat.read(file, as_version=4)
    nbformat.validate(result)
    assert "%%bash" not in file.read_text()
    return result


def test_a_quick_start_of_one_hub_runs_here_twice(
    folder: Path,
    mysql_server: Server,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del environment, mysql_server
    notebook = converted(folder, QUICK_START, capsys)
    for run in range(2):
        client_of(notebook, folder).execute()
        assert "Tolman" in shown_by(notebook, "lab =")
        assert shown_by(notebook, "sorted(") == "(['raw'], ['Tolman'])"
        loaded = shown_by(notebook, "# The sidecar")
        assert ("loaded before" in loaded or "already" in loaded) == (run == 1), loaded


@pytest.mark.thorough
def test_a_tutorial_with_its_credentials_in_cells_runs_on_another_port(
    folder: Path,
    mysql_server: Server,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del environment, mysql_server
    notebook = converted(folder, BY_HAND, capsys)
    assert 'tutorial"' not in notebook.cells[4].source
    client_of(notebook, folder).execute()
    assert shown_by(notebook, "print(").startswith("2 [")
    assert "'scratch'" in shown_by(notebook, "print(")
    assert "(connected)" in shown_by(notebook, "import datajoint")


def run_all_twice(notebook: Any, folder: Path) -> Iterator[int]:
    """Run all cells in one kernel, and once more in the same; yield after each time."""
    client = client_of(notebook, folder)
    with client.setup_kernel():
        for run in range(2):
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            yield run


@pytest.mark.thorough
def test_all_cells_are_run_again_in_a_kernel_that_has_left_the_folder(
    folder: Path,
    mysql_server: Server,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del environment, mysql_server
    notebook = converted(folder, MOVED, capsys)
    assert any("{_dh[0]}" in cell.source for cell in notebook.cells)
    for _ in run_all_twice(notebook, folder):
        assert shown_by(notebook, "import os") == "CREATE DATABASE IF NOT EXISTS tutorial_lab;\n"
        assert shown_by(notebook, "print(len") == "2\n"


def test_a_tutorial_that_brings_its_own_server_takes_the_sidecar(
    folder: Path,
    mysql_server: Server,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del environment
    notebook = converted(folder, SERVER_OF_ITS_OWN, capsys)
    assert not any(cell.source.startswith(("!", "%%bash")) for cell in notebook.cells)
    for _ in run_all_twice(notebook, folder):
        with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT a FROM heredoc.t ORDER BY a")
            assert [row[0] for row in cursor.fetchall()] == [1, 3]


def test_a_dump_that_a_tutorial_writes_is_written_and_loaded_by_the_magics(
    folder: Path,
    mysql_server: Server,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del environment
    notebook = converted(folder, DUMPED, capsys)
    assert not any("sleep" in cell.source for cell in notebook.cells)
    for run in run_all_twice(notebook, folder):
        assert (folder / "kept.sql.gz").exists()
        with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM kept.t WHERE a = 7")
            assert cursor.fetchall() == ((run + 1,),)


def test_the_lines_that_are_offered_connect_where_they_are_put(
    folder: Path,
    mysql_server: Server,
    environment: pytest.MonkeyPatch,
) -> None:
    del environment, mysql_server
    file = folder / "tutorial.ipynb"
    nbformat.write(notebook_of(*SILENT), file)
    conversion = convert(Notebook.read(file))
    offer = conversion.offer
    assert conversion.cells == ()
    assert offer is not None
    assert (offer.cell, offer.line) == (2, 4)
    lines = SILENT[1].split("\n")
    lines.insert(3, offer.source)
    notebook = notebook_of(SILENT[0], "\n".join(lines), SILENT[2])
    for _ in run_all_twice(notebook, folder):
        # What stands in the file beside it, which DataJoint finds in that folder, is there too.
        assert shown_by(notebook, "print(dj.conn") == "((1,),) ['raw']\n"
