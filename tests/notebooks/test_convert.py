"""Tutorials as other people paste them, converted by the command and run in real kernels."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from sidecar_magics.cli import main
from tests.notebooks.running import client_of, notebook_of, shown_by

if TYPE_CHECKING:
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
