"""%datajoint_connect as a user meets it, in real kernels with both lines of DataJoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from sidecar_magics.connection import connect_now
from tests.notebooks.running import client_of, notebook_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook, pytest.mark.timeout(1800)]

# Not the tutorial's, which is in so many texts.
PASSWORD = "fürchterlich-gehe1m"


@pytest.fixture
def frank(mysql_server: Server, environment: pytest.MonkeyPatch) -> Any:
    """Make an account whose password is to be found nowhere."""
    environment.setenv("SIDECAR_MYSQL_USER", "frank")
    environment.setenv("SIDECAR_MYSQL_PASSWORD", PASSWORD)
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER frank IDENTIFIED BY %s", (PASSWORD,))
        cursor.execute("GRANT ALL ON *.* TO frank")
        yield
        cursor.execute("DROP USER frank")


def texts(notebook: Any) -> list[str]:
    """Return what each cell but the first shows, as plain text."""
    return ["\n".join(map(text_of, cell.outputs)) for cell in notebook.cells[1:]]


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
    (tmp_path / "secret").write_text(PASSWORD)
    notebook = notebook_of(
        "%load_ext sidecar_magics",
        "import datajoint as dj\ndj.config['database.password'] = open('secret').read()\ndj.config",
        "%datajoint_connect",
        "dj.config",
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
    client = client_of(notebook, tmp_path, kernel=kernel)
    client.allow_errors = True
    client.execute()
    before, *shown = texts(notebook)
    assert "database" in before
    assert "********" in before
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


def test_each_option_does_what_it_says(kernel: str, mysql_server: Server, tmp_path: Path) -> None:
    stores = {"raw": {"protocol": "file", "location": str(tmp_path)}}
    lab = {"database.host": "lab.example.org", "stores": stores}
    (tmp_path / "lab.json").write_text(json.dumps(lab))
    notebook = notebook_of(
        "%load_ext sidecar_magics",
        "%datajoint_connect --wait 30 --assign lab --quiet",
        "import datajoint as dj\nlab is dj.conn(), lab.query('SELECT 6 * 7').fetchone()",
        "value = %datajoint_connect --show\nvalue.sources['port']",
        "value = %datajoint_connect --reset\nvalue is None, lab is dj.conn()",
        "%datajoint_connect --port 1 --wait 1.5",
        "dj.config['database.port'], dj.conn().query('SELECT 6 * 7').fetchone()",
        "%datajoint_connect --config nowhere.json",
        "%datajoint_connect --assign 2x",
        "%datajoint_connect --password tutorial",
        "%mysql_wait --quiet",
        "%datajoint_connect --config lab.json",
        "dj.config['stores']['raw']['location']",
    )
    client = client_of(notebook, tmp_path, kernel=kernel)
    client.allow_errors = True
    client.execute()
    quiet, same, shown, anew, refused, as_before, *rest = texts(notebook)
    nowhere, misnamed, saved, _, noted, location = rest
    assert quiet == ""
    assert same == "(True, (42,))"
    assert shown == "'environment SIDECAR_MYSQL_PORT'"
    assert "(connected anew)" in anew
    assert anew.endswith("(True, False)")
    # The line of the wait is ended, then comes the error.
    assert refused.startswith("DataJoint is not connected to 127.0.0.1:1.\nServerNotReadyError: ")
    assert 3 <= refused.count("\n") <= 8
    assert as_before == f"({mysql_server.port}, (42,))"
    assert "nowhere.json cannot be read" in nowhere
    assert "'2x' cannot be a variable's name" in misnamed
    assert "--password-env" in saved
    assert "(already connected)" in noted
    assert "lab.json (--config) says host lab.example.org; the server of %mysql_wait" in noted
    assert location == repr(str(tmp_path))
