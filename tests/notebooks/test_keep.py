"""A notebook that keeps its work, in a real kernel: on one sidecar, and on the next."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.keep.folder import KeepFolder
from tests.background import until
from tests.notebooks.running import client_of, notebook_of, shown_by

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook]

TUTORIAL = """
CREATE DATABASE lab; USE lab;
CREATE TABLE mouse (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20));
INSERT INTO mouse (name) VALUES ('Ada'), ('Ben');
"""
CELLS = (
    "%load_ext sidecar_magics",
    "%mysql_wait\n%mysql_keep",
    "%mysql_load lab.sql --once",
    "%datajoint_connect",
)
DATAJOINT = """
import datajoint as dj
schema = dj.Schema("mine")
@schema
class Dose(dj.Manual):
    definition = '''
    dose : int
    ---
    drug : varchar(20)
    '''
Dose.insert1((len(Dose()) + 1, 'salt'))
"""
ROWS = "print(len(Dose()))"


@pytest.fixture(params=("mysql", "mariadb"))
def server(request: pytest.FixtureRequest) -> Server:
    """Return each server in turn, empty."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def home(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder, which outlives its servers; in it a tutorial's dump."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "ours"))
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", server.password)
    (tmp_path / "lab.sql").write_text(TUTORIAL)
    return tmp_path


def run_all(home: Path, *cells: str) -> Any:
    """Run a notebook to its end, and end its kernel as Jupyter does."""
    notebook = notebook_of(*cells)
    client_of(notebook, home).execute()
    return notebook


def test_run_all_on_the_next_sidecar_has_everything_back(server: Server, home: Path) -> None:
    cells = (*CELLS, DATAJOINT, ROWS)
    first = run_all(home, *cells)
    assert "0 snapshots" in shown_by(first, "%mysql_wait")
    assert shown_by(first, "print").strip() == "1"
    for pod in (2, 3):
        server.drop_schemas()  # as a new pod has it
        again = run_all(home, *cells)
        assert "Restored 3 tables in 2 schemas" in shown_by(again, "%mysql_wait")
        assert "already loaded" in shown_by(again, "%mysql_load")
        assert shown_by(again, "print").strip() == str(pod)


@pytest.mark.thorough
def test_the_same_sidecar_again_goes_on(server: Server, home: Path) -> None:
    run_all(home, *CELLS, DATAJOINT)
    again = run_all(home, *CELLS, DATAJOINT, ROWS)
    assert "Restored" not in shown_by(again, "%mysql_wait")
    assert shown_by(again, "print").strip() == "2"
    folder = KeepFolder(home / "ours" / "data" / "kept" / "sidecar")
    newer, older = folder.snapshots()
    assert newer.tables["mine.dose"].rows == older.tables["mine.dose"].rows + 1
    assert folder.keeper() is None


@pytest.mark.thorough
def test_a_kernel_that_is_killed_leaves_what_was_kept(server: Server, home: Path) -> None:
    folder = KeepFolder(home / "ours" / "data" / "kept" / "sidecar")
    keeps = CELLS[1] + " --every 0.001"
    notebook = notebook_of(CELLS[0], keeps, CELLS[2], "import os; print(os.getpid())")
    client = client_of(notebook, home)
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            client.execute_cell(cell, number)
        until(folder.snapshots)
        os.kill(int(shown_by(notebook, "import os")), signal.SIGKILL)
    server.drop_schemas()
    again = run_all(home, *CELLS[:3])
    assert "Restored 1 table in 1 schema" in shown_by(again, "%mysql_wait")
    assert "already loaded" in shown_by(again, "%mysql_load")


def test_the_end_of_a_kernel_has_a_limit(server: Server, home: Path) -> None:
    """A server that does not answer any more does not hold up the end of a kernel."""
    lock = connect_now(server.settings)
    cell = "get_ipython().run_line_magic('mysql_keep', '--every 60 --at-exit 0.5')"
    notebook = notebook_of(CELLS[0], "%mysql_wait", cell, CELLS[2])
    client = client_of(notebook, home)
    with lock, lock.cursor() as cursor:
        with client.setup_kernel():
            for number, code in enumerate(notebook.cells):
                client.execute_cell(code, number)
            cursor.execute("LOCK TABLES lab.mouse WRITE")
        assert client.km is None or not client.km.has_kernel
        cursor.execute("UNLOCK TABLES")
    assert KeepFolder(home / "ours" / "data" / "kept" / "sidecar").snapshots() == []
