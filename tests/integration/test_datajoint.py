"""%datajoint_connect with both lines of DataJoint, each in a Python of its own, on real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from tests.servers import DATAJOINT_CIPHER

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = pytest.mark.server

PROJECT = Path(__file__).parents[2]
DATAJOINT_2 = PROJECT / ".venv-datajoint2" / "bin" / "python"

PRELUDE = """
import json, os, warnings
import sidecar_magics
from sidecar_magics import datajoint_connect, resolve
from sidecar_magics.errors import SidecarError
warnings.filterwarnings("ignore", "MariaDB is not officially supported", UserWarning)
out = {}

def at(port, user=None, variable="PW", tls=None):
    return resolve({"port": port, "user": user, "password_env": variable, "tls": tls})

def config():
    import datajoint as dj
    return [str(dj.config["database." + k]) for k in ("host", "port", "user", "use_tls")]
"""


@pytest.fixture(params=["0.14", "2"])
def python(request: pytest.FixtureRequest) -> str:
    """Return a Python that has this line of DataJoint."""
    if request.param == "0.14":
        return sys.executable
    if not DATAJOINT_2.exists():
        if os.environ.get("CI"):
            pytest.fail("make .venv-datajoint2/ready has not been run")
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    return str(DATAJOINT_2)


def run(python: str, code: str, tmp_path: Path, **environment: str) -> dict[str, Any]:
    """Run code after the prelude, without a terminal to ask, and return what it put into `out`."""
    script = PRELUDE + textwrap.dedent(code) + "\nprint(json.dumps(out))\n"
    done = subprocess.run(
        [python, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "SIDECAR_MAGICS_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(PROJECT),
            **environment,
        },
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for name, value in environment.items():
        if name in {"PW", "WRONG"}:
            assert value not in done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("flavour", ["mysql_server", "mariadb_server"])
def test_a_table_can_be_declared_filled_and_read(
    flavour: str, python: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(flavour)
    code = f"""
    with warnings.catch_warnings(record=True) as caught:
        first = datajoint_connect(at({server.port}))
    out["warned"] = [str(w.message) for w in caught if "datajoint.json" in str(w.message)]
    out["line"] = str(first)
    out["config"] = config()
    import datajoint as dj
    schema = (getattr(dj, "schema", None) or dj.Schema)("t_dj")
    @schema
    class Rat(dj.Manual):
        definition = '''
        name: varchar(20)
        ---
        weight: float
        '''
    Rat.insert1(("rät🐀", 0.3), skip_duplicates=True)
    out["name"] = (Rat & "weight > 0").fetch1("name")
    out["again"] = datajoint_connect(at({server.port})).state
    schema.drop(**({{"prompt": False}} if dj.__version__[0] != "0" else {{"force": True}}))
    """
    out = run(python, code, tmp_path, PW=server.password)
    assert out["warned"] == []
    assert out["name"] == "rät🐀"
    assert out["again"] == "already connected"
    assert (
        f"-> root@127.0.0.1:{server.port}, {'MySQL' if 'mysql' in flavour else 'MariaDB'}"
        in (out["line"])
    )
    assert out["line"].splitlines()[0].endswith("(connected)")
    assert out["config"] == ["127.0.0.1", str(server.port), "root", str("TLS" in out["line"])]


def test_a_broken_connection_is_repaired_in_place(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    import datajoint as dj
    settings = at({mysql_server.port})
    connection = datajoint_connect(settings).connection
    free = dj.FreeTable(connection, "`sys`.`sys_config`")
    before = len(free)
    with sidecar_magics.mysql_wait(settings).connect() as other, other.cursor() as cursor:
        cursor.execute("KILL %s", (connection.query("SELECT CONNECTION_ID()").fetchone()[0],))
    repaired = datajoint_connect(settings)
    out["state"] = repaired.state
    out["same"] = repaired.connection is connection
    out["table works"] = len(free) == before > 0
    out["reset"] = datajoint_connect(settings, reset=True).connection is not connection
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert out == {"state": "reconnected", "same": True, "table works": True, "reset": True}


def test_another_server_is_switched_to(
    python: str, mysql_server: Server, mariadb_server: Server, tmp_path: Path
) -> None:
    code = f"""
    datajoint_connect(at({mysql_server.port}))
    switched = datajoint_connect(at({mariadb_server.port}))
    out["state"] = switched.state
    out["version"] = switched.connection.query("SELECT VERSION()").fetchone()[0]
    import datajoint as dj
    out["used"] = dj.conn() is switched.connection
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert out["state"] == "switched"
    assert "MariaDB" in out["version"]
    assert out["used"]


def test_a_failure_leaves_everything_as_it_was(
    python: str, mysql_server: Server, mariadb_server: Server, tmp_path: Path
) -> None:
    code = f"""
    connected = datajoint_connect(at({mysql_server.port}))
    before = config(), dict(connected.connection.conn_info)
    out["errors"] = []
    import datajoint as dj

    def fails(*arguments, **keywords):
        raise RuntimeError("made to fail")

    attempts = [
        lambda: datajoint_connect(at({mysql_server.port}, variable="WRONG")),
        lambda: datajoint_connect(at(1)),
        lambda: datajoint_connect(at({mariadb_server.port}, tls="required")),
        lambda: datajoint_connect(resolve({{"host": "::1", "password_env": "PW"}})),
    ]
    for attempt in attempts:
        try:
            attempt()
        except SidecarError as error:
            out["errors"].append(type(error).__name__)
    # The server is fine, but DataJoint itself fails halfway.
    conn, dj.conn = dj.conn, fails
    dj.conn.connection = getattr(conn, "connection", None)
    try:
        datajoint_connect(at({mariadb_server.port}))
    except SidecarError as error:
        out["errors"].append(type(error).__name__)
        out["message"] = str(error)
    dj.conn = conn
    out["same"] = before == (config(), dict(connected.connection.conn_info))
    out["alive"] = dj.conn().query("SELECT 1").fetchone()[0]
    """
    out = run(python, code, tmp_path, PW=mysql_server.password, WRONG="wr0ng-one")
    assert out["errors"] == [
        "AccessError",
        "ServerNotReadyError",
        "TlsError",
        "DataJointConnectionError",
        "DataJointConnectionError",
    ]
    assert "made to fail" in out["message"]
    assert out["same"]
    assert out["alive"] == 1


def test_any_password_will_do(python: str, mysql_server: Server, tmp_path: Path) -> None:
    password = "Pä€ '\\\"%s"
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER odd IDENTIFIED BY %s", (password,))
        cursor.execute("CREATE USER none IDENTIFIED BY ''")
        try:
            code = f"""
            out["odd"] = datajoint_connect(at({mysql_server.port}, user="odd")).state
            out["none"] = datajoint_connect(at({mysql_server.port}, "none", "NONE")).state
            """
            out = run(python, code, tmp_path, PW=password, NONE="")
        finally:
            cursor.execute("DROP USER odd, none")
    assert out == {"odd": "connected", "none": "switched"}


def test_required_tls_is_encrypted(python: str, mysql_server: Server, tmp_path: Path) -> None:
    code = f"""
    connected = datajoint_connect(at({mysql_server.port}, tls="required"))
    out["cipher"] = connected.connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1]
    """
    assert run(python, code, tmp_path, PW=mysql_server.password)["cipher"]


def test_the_cipher_of_datajoints_own_image_will_do(
    python: str, weak_tls_server: Server, tmp_path: Path
) -> None:
    code = f"""
    connected = datajoint_connect(at({weak_tls_server.port}))
    out["cipher"] = connected.connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1]
    """
    out = run(python, code, tmp_path, PW=weak_tls_server.password)
    assert out["cipher"] == DATAJOINT_CIPHER


def test_a_plain_connection_is_encrypted_when_that_is_required(
    python: str, weak_tls_server: Server, tmp_path: Path
) -> None:
    code = f"""
    import datajoint as dj
    settings = at({weak_tls_server.port})
    connection = datajoint_connect(settings).connection
    connection.conn_info.update(ssl_input=False)
    connection.conn_info["ssl"] = None
    real = connection._conn
    import pymysql
    connection._conn = pymysql.connect(
        host="127.0.0.1", port={weak_tls_server.port}, user="root", password=os.environ["PW"],
        ssl_disabled=True, autocommit=True,
    )
    real.close()
    out["plain"] = connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1]
    required = datajoint_connect(at({weak_tls_server.port}, tls="required"))
    out["state"] = required.state
    out["cipher"] = connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1]
    """
    out = run(python, code, tmp_path, PW=weak_tls_server.password)
    assert out == {"plain": "", "state": "reconnected", "cipher": DATAJOINT_CIPHER}


def test_an_interrupt_leaves_everything_as_it_was_and_shows_no_frame(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    import datajoint as dj
    from sidecar_magics.errors import Interrupted
    connected = datajoint_connect(at({mysql_server.port}))
    before = config(), dict(connected.connection.conn_info)

    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    conn, dj.conn = dj.conn, interrupted
    dj.conn.connection = getattr(conn, "connection", None)
    try:
        datajoint_connect(at({mysql_server.port}), reset=True)
    except Interrupted as interrupt:
        out["lines"] = interrupt._render_traceback_()
    dj.conn = conn
    out["same"] = before == (config(), dict(connected.connection.conn_info))
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert len(out["lines"]) == 1
    assert "Stopped connecting DataJoint" in out["lines"][0]
    assert out["same"]


def test_thread_safe_datajoint_is_told(python: str, mysql_server: Server, tmp_path: Path) -> None:
    code = f"""
    try:
        out["did"] = datajoint_connect(at({mysql_server.port})).state
    except SidecarError as error:
        out["did"] = error.hint
    """
    out = run(python, code, tmp_path, PW=mysql_server.password, DJ_THREAD_SAFE="1")
    # 0.14 has never heard of it.
    assert "dj.Instance" in out["did"] if python == str(DATAJOINT_2) else out["did"] == "connected"
