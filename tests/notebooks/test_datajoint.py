"""%datajoint_connect as a user meets it, in real kernels with both lines of DataJoint."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from sidecar_magics.connection import connect_now

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook]

PROJECT = Path(__file__).parents[2]
CELL_TIMEOUT_S = 120
PYTHONS = {"0.14": sys.executable, "2": str(PROJECT / ".venv-datajoint2" / "bin" / "python")}
# Not the tutorial's, which is in so many texts.
PASSWORD = "fürchterlich-gehe1m"


@pytest.fixture(params=list(PYTHONS))
def kernel(
    request: pytest.FixtureRequest,
    mysql_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Return the name of a kernel that has this line of DataJoint, and the server in its settings."""
    python = PYTHONS[request.param]
    if not Path(python).exists():
        if os.environ.get("CI"):
            pytest.fail("make .venv-datajoint2/ready has not been run")
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    folder = tmp_path / "jupyter" / "kernels" / "line"
    folder.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "line", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    for name in [name for name in os.environ if name.startswith(("DJ_", "SIDECAR_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_USER", "frank")
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", PASSWORD)
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("HOME", str(tmp_path))
    return "line"


@pytest.fixture
def frank(mysql_server: Server) -> Any:
    """Make an account whose password is to be found nowhere."""
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER frank IDENTIFIED BY %s", (PASSWORD,))
        cursor.execute("GRANT ALL ON *.* TO frank")
        yield
        cursor.execute("DROP USER frank")


def executed(kernel: str, folder: Path, *cells: str) -> Any:
    """Return a notebook after all its cells were executed, whatever their errors."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in ("%load_ext sidecar_magics", *cells)]
    )
    NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name=kernel,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return notebook


def texts(notebook: Any) -> list[str]:
    """Return what each cell but the first shows, as plain text."""
    return ["\n".join(map(_text, cell.outputs)) for cell in notebook.cells[1:]]


def _text(output: Any) -> str:
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


@pytest.mark.usefixtures("frank")
def test_nothing_that_is_shown_has_the_password(kernel: str, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(
        json.dumps(
            {
                "database.password": PASSWORD,
                "stores": {"raw": {"protocol": "s3", "secret_key": f"{PASSWORD}2"}},
            }
        )
    )
    notebook = executed(
        kernel,
        tmp_path,
        "%datajoint_connect",
        "import datajoint as dj\ndj.config",
        "print(dj.config)",
        "dj.config['loglevel'] = 'DEBUG'",
        "%datajoint_connect --reset",
        "dj.conn().query('SELECT 1');",
        "dj.conn().conn_info, dj.conn()",
        "dj.config['loglevel'] = 'INFO'",
        "dj.config.load('other.json')",
        "dj.config",
        "%datajoint_connect --show",
        "%datajoint_connect --password-env NOWHERE",
    )
    shown = texts(notebook)
    assert shown[0].count("\n") == 0
    assert "-> frank@127.0.0.1" in shown[0]
    for at in (1, 2, 9):
        assert "frank" in shown[at]
        assert "********" in shown[at]
    assert "raw" in shown[9]
    assert "(connected anew)" in shown[4]
    assert "environment SIDECAR_MYSQL_PASSWORD" in shown[10]
    assert "NOWHERE" in shown[11]
    assert PASSWORD not in nbformat.writes(notebook)
    assert json.dumps(PASSWORD)[1:-1] not in nbformat.writes(notebook)
