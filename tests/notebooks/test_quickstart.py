"""The quick-start notebook, and errors in notebooks, in real kernels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CELL_TIMEOUT_S = 120


@pytest.fixture
def environment(
    mysql_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    """Give kernels the server, and nothing of the user's."""
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent))
    return monkeypatch


def client_of(notebook: Any, folder: Path) -> NotebookClient:
    return NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )


def notebook_of(*cells: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def text_of(output: Any) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def outputs_of(notebook: Any, beginning: str) -> list[Any]:
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith(beginning)]
    return list(cell.outputs)


def check_outputs(notebook: Any, server: Server) -> None:
    waited = outputs_of(notebook, "sidecar = %mysql_wait")
    assert f"MySQL is ready at 127.0.0.1:{server.port}" in text_of(waited[0])
    assert "root@127.0.0.1" in text_of(waited[-1])
    # One output: what was progress has become the report.
    (loaded,) = outputs_of(notebook, "%mysql_load")
    assert text_of(loaded).startswith("<LoadReport data/spyglass-prepopulate.sql.gz: ")
    assert "296 tables in 60 schemas" in loaded["data"]["text/html"]
    assert "<progress" not in loaded["data"]["text/html"]
    (connected,) = outputs_of(notebook, "%datajoint_connect")
    assert f"-> root@127.0.0.1:{server.port}, MySQL" in text_of(connected)
    assert "60 schemas" in text_of(connected)
    assert "Frank Lab" in text_of(outputs_of(notebook, "import datajoint")[-1])
    assert "tetrode_12.5" in text_of(outputs_of(notebook, "ephys =")[-1])
    assert "raw data valid times" in text_of(outputs_of(notebook, "import pandas")[-1])
    assert any(
        "image/png" in output.get("data", {})
        for output in outputs_of(notebook, "import matplotlib")
    )


def test_the_quick_start_runs_twice_in_a_row(
    mysql_server: Server, environment: pytest.MonkeyPatch
) -> None:
    del environment
    notebook = nbformat.read(NOTEBOOKS / "00_QuickStart.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells), "kept without outputs"
    client = client_of(notebook, NOTEBOOKS)
    with client.setup_kernel():
        for run in range(2):
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            check_outputs(notebook, mysql_server)
            text = outputs_of(notebook, "%datajoint_connect")[0]
            assert ("(already connected)" in text_of(text)) == (run == 1)
    assert f'"{mysql_server.password}"' not in nbformat.writes(notebook)


def test_an_error_is_an_output_that_stops_the_notebook(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SIDECAR_MYSQL_PASSWORD", "s3cret-and-wrong")
    notebook = notebook_of("%load_ext sidecar_magics", "%mysql_wait --timeout 0", "print('on')")
    with pytest.raises(CellExecutionError) as caught:
        client_of(notebook, NOTEBOOKS).execute()
    assert caught.value.ename == "AccessError"
    (error,) = [o for o in notebook.cells[1].outputs if o.output_type == "error"]
    assert error.ename == "AccessError"
    assert 1 <= len(error.traceback) <= 8
    assert "Access denied" in error.traceback[0]
    assert "sidecar_magics/" not in "".join(error.traceback)
    assert not notebook.cells[2].outputs
    assert "s3cret-and-wrong" not in nbformat.writes(notebook)


def test_a_failed_statement_is_shown_with_its_place(environment: pytest.MonkeyPatch) -> None:
    del environment
    notebook = notebook_of("%load_ext sidecar_magics", "%%mysql_load\nSELECT 1;\nSELEC 2;")
    with pytest.raises(CellExecutionError):
        client_of(notebook, NOTEBOOKS).execute()
    line, *rest = notebook.cells[1].outputs
    assert text_of(line) == "cell was not loaded to its end."
    (error,) = rest
    assert error.ename == "StatementError"
    assert error.traceback[0].startswith("StatementError: cell:3:1: error 1064 (42000)")
    assert len(error.traceback) <= 8


def test_the_stop_button_ends_a_wait_in_one_line(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SIDECAR_MYSQL_PORT", "1")
    notebook = notebook_of(
        "%load_ext sidecar_magics",
        "import _thread, threading\nthreading.Timer(1, _thread.interrupt_main).start()",
        "%mysql_wait",
    )
    with pytest.raises(CellExecutionError):
        client_of(notebook, NOTEBOOKS).execute()
    (error,) = [o for o in notebook.cells[2].outputs if o.output_type == "error"]
    assert len(error.traceback) == 1
    assert error.traceback[0].startswith("KeyboardInterrupt: Stopped waiting for 127.0.0.1:1")


def test_a_long_wait_is_one_output(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SIDECAR_MYSQL_PORT", "1")
    notebook = notebook_of("%load_ext sidecar_magics", "%mysql_wait --timeout 2.5")
    with pytest.raises(CellExecutionError):
        client_of(notebook, NOTEBOOKS).execute()
    kinds = [output.output_type for output in notebook.cells[1].outputs]
    assert kinds == ["display_data", "error"]


def test_jupysql_and_pandas_go_on_from_a_sidecar(environment: pytest.MonkeyPatch) -> None:
    del environment
    notebook = notebook_of(
        "%load_ext sidecar_magics\nsidecar = %mysql_wait -q\nengine = sidecar.engine()",
        "%load_ext sql\n%sql engine",
        "%sql SELECT 6 * 7 AS answer",
        "import pandas as pd\npd.read_sql('SELECT 6 * 7 AS answer', engine)",
    )
    client_of(notebook, NOTEBOOKS).execute()
    for cell in notebook.cells[2:]:
        assert "42" in text_of(cell.outputs[-1])
