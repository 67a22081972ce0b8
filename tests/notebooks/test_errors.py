"""Errors, waiting and the stop button in notebooks, in real kernels."""

from __future__ import annotations

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.notebooks.running import NOTEBOOKS, client_of, notebook_of, text_of

pytestmark = [pytest.mark.server, pytest.mark.notebook, pytest.mark.timeout(1800)]


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
    *lines, error = notebook.cells[1].outputs
    # A bar is drawn only if the server was slow; it is then the line above the error.
    assert [text_of(line) for line in lines] in ([], ["cell was not loaded completely."])
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
