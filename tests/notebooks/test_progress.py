"""What a load leaves in a notebook that nobody watches, and in a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from tests.background import LIMIT_S, running

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook, pytest.mark.timeout(1800)]

REPOSITORY = Path(__file__).parents[2]
CELL_TIMEOUT_S = 240
# The stop button, when the server has been at work for so long that the bar is there.
INTERRUPT = """\
import _thread, threading, time
sidecar = %mysql_wait -q
def stop():
    with sidecar.connect() as connection, connection.cursor() as cursor:
        while not cursor.execute(
            "SELECT 1 FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%' AND time > 2"
        ):
            time.sleep(0.05)
    _thread.interrupt_main()
threading.Thread(target=stop, daemon=True).start()
"""
TABLES = (
    "DROP DATABASE IF EXISTS lab; CREATE DATABASE lab; USE lab;"
    "CREATE TABLE mouse (id INT PRIMARY KEY);\n"
    "CREATE TABLE `<b>` (id INT);\nINSERT INTO mouse VALUES (1),(2),(3);\n"
)
# Long enough for a few updates.
SLOW = TABLES + "DO SLEEP(0.3);\n" * 4 + "INSERT INTO `<b>` VALUES (1);\n"


# What is left of a bar that was replaced by something final below it.
NOTHING = {"text/plain": ""}


class Client(NotebookClient):
    """A client without a front-end that counts how often an output is replaced."""

    updates = 0

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        self.updates += msg["msg_type"] == "update_display_data"
        return super().process_message(msg, cell, cell_index)


class OldClient(Client):
    """A client that never replaces an output, as some front-ends."""

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] == "update_display_data":
            return None
        return super().process_message(msg, cell, cell_index)


@pytest.fixture
def environment(
    mysql_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    """Give kernels and commands the server, and nothing of the user's."""
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow.sql").write_text(SLOW)
    (tmp_path / "wrong.sql").write_text(SLOW + "INSERT INTO mouse VALUES (1);\nDO 1;\n")
    (tmp_path / "endless.sql").write_text(TABLES + "DO SLEEP(60);\n")
    return monkeypatch


def run(*cells: str, kind: type[Client] = Client) -> tuple[Any, Client]:
    """Return a notebook that was executed, whatever its errors, and who did."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in ("%load_ext sidecar_magics", *cells)]
    )
    client = kind(notebook, timeout=CELL_TIMEOUT_S, kernel_name="python3", allow_errors=True)
    client.execute()
    notebook.cells = notebook.cells[1:]
    return notebook, client


def kinds_of(cell: Any) -> list[str]:
    return [output.output_type for output in cell.outputs]


@pytest.mark.usefixtures("environment")
def test_one_output_that_becomes_the_report() -> None:
    notebook, client = run("%mysql_load slow.sql", "_", "report = _\nreport", "r = _2", "r.rows")
    loaded, underscore, shown, _, rows = notebook.cells
    assert kinds_of(loaded) == ["display_data", "display_data"]
    bar, output = loaded.outputs
    assert bar.data == NOTHING
    assert client.updates >= 3  # it was a bar in the meantime
    assert output.data["text/plain"].startswith("<LoadReport slow.sql: ")
    page = output.data["text/html"]
    assert "2 tables in 1 schema" in page
    assert "lab: 2 tables, 4 rows" in page
    assert "&lt;b&gt;" in page
    assert "<progress" not in nbformat.writes(notebook)
    assert "so far" not in nbformat.writes(notebook)
    # The result is there all the same, and is shown where it is asked for.
    for cell in (underscore, shown):
        assert kinds_of(cell) == ["execute_result"]
        assert cell.outputs[0].data["text/html"] == page
    assert rows.outputs[0].data["text/plain"] == "4"


@pytest.mark.usefixtures("environment")
@pytest.mark.thorough
def test_the_saved_notebook_is_a_page_with_one_report() -> None:
    notebook, _ = run("r = %mysql_load slow.sql\nr")
    assert kinds_of(notebook.cells[0]) == ["display_data", "display_data"]
    page, _ = HTMLExporter().from_notebook_node(notebook)
    _, _, outputs = page.rpartition("jp-Cell-outputWrapper")
    assert outputs.count("<summary>lab: 2 tables, 4 rows</summary>") == 1
    assert "LoadReport" not in outputs  # the page has the HTML, not the text beside it
    assert "<script" not in outputs.partition("</details>")[0]


@pytest.mark.usefixtures("environment")
@pytest.mark.thorough
def test_who_never_replaces_an_output_sees_the_report_too() -> None:
    notebook, _ = run("%mysql_load slow.sql", kind=OldClient)
    bar, report = notebook.cells[0].outputs
    assert re.search(r" · 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \S+$", bar.data["text/plain"])
    assert report.data["text/plain"].startswith("<LoadReport slow.sql: ")


@pytest.mark.usefixtures("environment")
def test_who_never_replaces_an_output_sees_the_error_too() -> None:
    notebook, _ = run("%mysql_load wrong.sql", kind=OldClient)
    bar, error = notebook.cells[0].outputs
    assert re.search(r" · 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \S+$", bar.data["text/plain"])
    assert error.ename == "StatementError"


@pytest.mark.usefixtures("environment")
def test_a_cell_s_rows_are_one_table() -> None:
    cell = "%%mysql_load\nSELECT 1 AS n, NULL AS x UNION ALL SELECT 2, '<b>';\n"
    notebook, _ = run(cell, "result = _.result\nresult.to_frame()", "result")
    shown, frame, again = notebook.cells
    assert kinds_of(shown) == ["display_data"]
    page = shown.outputs[0].data["text/html"]
    assert 'class="dataframe"' in page
    assert "&lt;b&gt;" in page
    assert "<b>1 statement, 1 result set of 2 rows</b>" in page
    assert "| 2 | <b>  |" in shown.outputs[0].data["text/plain"]
    assert kinds_of(frame) == kinds_of(again) == ["execute_result"]
    assert page.endswith(again.outputs[0].data["text/html"])


@pytest.mark.usefixtures("environment")
def test_an_error_leaves_a_true_line_and_the_error() -> None:
    notebook, client = run("%mysql_load wrong.sql", "%mysql_load nothing.sql")
    wrong, nothing = notebook.cells
    # The bar has become the line: the error is what is final.
    assert kinds_of(wrong) == ["display_data", "error"]
    assert wrong.outputs[0].data == {"text/plain": "wrong.sql was not loaded completely."}
    assert wrong.outputs[1].ename == "StatementError"
    assert client.updates >= 3
    # Nothing was seen of this one that would have to be ended.
    assert kinds_of(nothing) == ["error"]


@pytest.mark.usefixtures("environment")
def test_the_stop_button_leaves_a_true_line_and_one_more() -> None:
    notebook, _ = run(INTERRUPT, "%mysql_load endless.sql")
    cell = notebook.cells[-1]
    assert kinds_of(cell) == ["display_data", "error"]
    assert cell.outputs[-2].data == {"text/plain": "endless.sql was not loaded completely."}
    (line,) = cell.outputs[-1].traceback
    assert line.startswith("KeyboardInterrupt: Stopped loading endless.sql")


@pytest.mark.usefixtures("environment")
def test_quiet_is_nothing_but_errors() -> None:
    notebook, _ = run(
        "%mysql_load --quiet slow.sql",
        "_.rows",
        "%mysql_load -q wrong.sql",
        "%mysql_load -q --force wrong.sql",
        "%mysql_load --force wrong.sql",
    )
    quiet, rows, wrong, forced, loud = notebook.cells
    assert kinds_of(quiet) == []
    assert rows.outputs[0].data["text/plain"] == "4"
    assert kinds_of(wrong) == ["error"]
    assert kinds_of(forced) == ["display_data"]
    text = forced.outputs[0].data["text/plain"]
    assert text.startswith("wrong.sql: 1 error, ")
    assert "Duplicate entry '1'" in text
    assert kinds_of(loud) == ["display_data", "display_data"]
    assert loud.outputs[1].data["text/html"].startswith("<b>1 error, ")


# On the command line -----------------------------------------------------------------------------


def in_a_terminal(*arguments: str) -> tuple[int, str]:
    """Return the exit status of a command, and all that it wrote to its terminal."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "sidecar_magics.cli", "load", *arguments]
    written = b""
    with running(command, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        while select.select([master], [], [], LIMIT_S)[0]:
            try:
                written += os.read(master, 65536)
            except OSError:  # EIO: the other side is closed
                break
        os.close(master)
        return process.wait(LIMIT_S), written.decode()


@pytest.mark.usefixtures("environment")
def test_a_load_in_a_terminal_has_a_bar_and_leaves_a_line() -> None:
    status, written = in_a_terminal("slow.sql")
    assert status == 0
    shown = re.findall(r"\r([^\r]*)\x1b\[K", written)
    assert len(shown) >= 3
    assert all(re.match(r" *\d+% \[#*-*\] slow.sql: ", line) for line in shown[:-1])
    assert all(len(line) < 80 for line in shown)
    assert shown[-1].startswith("Loaded slow.sql in ")
    rest = written.rpartition("\x1b[K")[2].replace("\r\n", "\n")
    assert rest.startswith("\n<LoadReport slow.sql: ")


@pytest.mark.usefixtures("environment")
def test_an_error_in_a_terminal_leaves_no_bar() -> None:
    status, written = in_a_terminal("wrong.sql")
    assert status == 1
    rest = written.rpartition("\r\x1b[K")[2].rpartition("\x1b[K")
    assert rest[0].rpartition("\r")[2] == "wrong.sql was not loaded completely."
    assert rest[2].startswith("\r\nwrong.sql:9:1: error 1062 (23000)")


@pytest.mark.usefixtures("environment")
def test_a_load_into_a_log_says_one_line() -> None:
    command = [sys.executable, "-m", "sidecar_magics.cli", "load", "slow.sql"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    assert re.fullmatch(r"Loaded slow\.sql in \d+\.\d s\.\n", done.stderr)
    assert done.stdout.startswith("<LoadReport slow.sql: ")


@pytest.mark.parametrize(("stderr", "option"), [("/dev/full", ""), ("&-", ""), ("&1", "-q")])
@pytest.mark.usefixtures("environment")
@pytest.mark.thorough
def test_a_load_that_nobody_can_hear(stderr: str, option: str) -> None:
    command = f"{sys.executable} -m sidecar_magics.cli load {option} slow.sql 2>{stderr}"
    done = subprocess.run(
        command, shell=True, stdout=subprocess.PIPE, text=True, check=False, timeout=LIMIT_S
    )
    assert done.returncode == 0
    assert done.stdout.startswith("<LoadReport slow.sql: ") or (option and not done.stdout)


@pytest.mark.parametrize("stderr", ["/dev/full", "&-"])
@pytest.mark.usefixtures("environment")
def test_an_error_that_nobody_can_hear(stderr: str) -> None:
    command = f"{sys.executable} -m sidecar_magics.cli load missing.sql 2>{stderr}"
    done = subprocess.run(
        command, shell=True, stdout=subprocess.PIPE, text=True, check=False, timeout=LIMIT_S
    )
    assert (done.returncode, done.stdout) == (1, "")
