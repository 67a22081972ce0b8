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
    from collections.abc import Iterator

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
            **{name: os.environ[name] for name in os.environ if not name.startswith("DJ_")},
            "HOME": str(tmp_path),
            "SIDECAR_MAGICS_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(PROJECT),
            **environment,
        },
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    # The tutorial's password is "tutorial".
    shown = (done.stdout + done.stderr).replace("the tutorial's convention", "")
    for name, value in environment.items():
        if name in {"PW", "WRONG"}:
            assert value not in shown
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


LAB = "lab-pässw0rd"


@pytest.fixture
def lab(mysql_server: Server) -> Iterator[Server]:
    """Yield a server with an account that is found nowhere but in DataJoint's configuration."""
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER lab IDENTIFIED BY %s", (LAB,))
        yield mysql_server
        cursor.execute("DROP USER lab")


def test_datajoints_own_configuration_is_a_place_to_look(
    python: str, lab: Server, tmp_path: Path
) -> None:
    code = f"""
    import datajoint as dj
    for key, value in dict(host="localhost", port={lab.port}, user="lab", password={LAB!r}).items():
        dj.config["database." + key] = value
    first = datajoint_connect()
    out["sources"] = first.sidecar.settings.sources
    # Once more: what stood there is still meant, though we have written it as well.
    out["again"] = datajoint_connect().state
    # What comes from elsewhere is written there too, but is nobody's wish.
    os.environ["SIDECAR_MYSQL_USER"] = "root"
    os.environ["SIDECAR_MYSQL_PASSWORD"] = os.environ["PW"]
    out["root"] = datajoint_connect().state
    del os.environ["SIDECAR_MYSQL_USER"], os.environ["SIDECAR_MYSQL_PASSWORD"]
    from sidecar_magics.dj import resolve_target
    then = resolve_target()
    out["then"] = then.user, then.port, then.sources["user"]
    out["waited"] = resolve_target(earlier={{}}).port
    """
    out = run(python, code, tmp_path, PW=lab.password)
    assert out["sources"]["host"] == "the tutorial's convention"
    for name in ("port", "user", "password"):
        assert out["sources"][name] == "dj.config"
    assert out["again"] == "already connected"
    assert out["root"] == "switched"
    assert out["then"] == ["root", lab.port, "the tutorial's convention"]
    assert out["waited"] == 3306


def test_a_wait_goes_before_datajoints_configuration_and_says_so(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    import datajoint as dj
    dj.config["database.host"] = "ann:hunter2@lab.example.org"
    from sidecar_magics.dj import resolve_target
    os.environ["SIDECAR_MYSQL_PORT"] = "{mysql_server.port}"
    os.environ["SIDECAR_MYSQL_PASSWORD"] = os.environ["PW"]
    connected = datajoint_connect(resolve_target(earlier={{}}))
    out["notes"] = connected.notes
    out["again"] = datajoint_connect(resolve_target(earlier={{}})).notes
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    (note,) = out["notes"]
    assert note.startswith("dj.config says host …@lab.example.org; the server of %mysql_wait")
    assert out["again"] == []


def test_a_configuration_file_of_either_line_is_taken(
    python: str, lab: Server, tmp_path: Path
) -> None:
    stores = {"raw": {"protocol": "file", "location": str(tmp_path)}}
    flat = {
        "database.host": "localhost",
        "database.port": lab.port,
        "database.user": "lab",
        "database.password": LAB,
        "display.limit": 3,
        "stores": stores,
        "custom": {"a": 1},
    }
    nested = {
        "database": {"host": f"localhost:{lab.port}", "user": "lab", "password": LAB},
        "display": {"limit": 4},
    }
    (tmp_path / "flat.json").write_text(json.dumps(flat))
    (tmp_path / "nested.json").write_text(json.dumps(nested))
    code = """
    import datajoint as dj
    from sidecar_magics.dj import ConfigFile
    connected = datajoint_connect(config_file=ConfigFile.read("flat.json"))
    out["notes"] = connected.notes
    out["line"] = str(connected)
    out["stores"] = dj.config["stores"]
    out["limits"] = [dj.config["display.limit"]]
    nested = datajoint_connect(config_file=ConfigFile.read("nested.json"))
    out["state"] = nested.state
    out["limits"].append(dj.config["display.limit"])
    """
    out = run(python, code, tmp_path)
    assert f"lab@127.0.0.1:{lab.port}" in out["line"]
    assert out["stores"]["raw"] == stores["raw"]
    assert out["limits"] == [3, 4]
    assert out["state"] == "already connected"
    if python == str(DATAJOINT_2):
        (note,) = out["notes"]
        assert "no such setting: custom" in note
    else:
        assert out["notes"] == []


def test_a_failure_takes_back_every_setting_and_the_state_of_the_connection(
    python: str, lab: Server, tmp_path: Path
) -> None:
    file = {"stores": {"raw": {"protocol": "file", "location": "/"}}, "loglevel": "ERROR"}
    (tmp_path / "file.json").write_text(json.dumps(file))
    code = f"""
    import logging
    import datajoint as dj
    from sidecar_magics.dj import ConfigFile
    from sidecar_magics.dj import establish
    # As 0.14 keeps it if a file has a text there.
    stored = getattr(dj.config, "_conf", None)
    if stored is not None:
        stored["database.port"] = "{lab.port}"
    first = datajoint_connect(at({lab.port}))
    wire = first.connection._conn
    first.connection.query("SET @mine = 7")
    if stored is not None:
        stored["database.port"] = "{lab.port}"

    def everything():
        names = ("host", "port", "user", "password", "use_tls")
        values = [dj.config["database." + name] for name in names]
        try:
            values.append(dict(dj.config["stores"]))
        except KeyError:
            values.append(None)
        values.append(logging.getLogger("datajoint").level)
        return values, dict(first.connection.conn_info)

    def fails(connection):
        raise RuntimeError("made to fail")

    before = everything()
    real, establish.cipher_of = establish.cipher_of, fails
    out["errors"] = []
    os.environ["LAB"] = {LAB!r}
    for keywords in ({{"reset": True}}, {{"settings": at({lab.port}, "lab", "LAB")}}):
        file = ConfigFile.read("file.json")
        try:
            datajoint_connect(**{{"settings": at({lab.port}), "config_file": file, **keywords}})
        except SidecarError as error:
            out["errors"].append(str(error))
    # Repaired in place, and only then did it fail.
    first.connection.conn_info["passwd"] = "changed"
    before_repair = everything()
    try:
        datajoint_connect(at({lab.port}))
    except SidecarError as error:
        out["errors"].append(str(error))
    out["repair"] = everything() == before_repair
    first.connection.conn_info["passwd"] = before[1]["passwd"]
    establish.cipher_of = real
    out["same"] = everything() == before and first.connection._conn is wire
    out["mine"] = first.connection.query("SELECT @mine", reconnect=False).fetchone()[0]
    out["used"] = dj.conn() is first.connection
    """
    out = run(python, code, tmp_path, PW=lab.password)
    assert len(out["errors"]) == 3
    assert all("made to fail" in error for error in out["errors"])
    assert out["repair"]
    assert out["same"]
    assert out["mine"] == 7
    assert out["used"]


RECREATED = """
import shutil, time
from pathlib import Path
from sidecar_magics import mysql_load_sql
from tests.servers import Server

server = Server({flavour!r}, Path("server").resolve())

def renew():
    server.stop()
    shutil.rmtree(server.datadir)
    time.sleep(1)  # MariaDB's data folders are told apart by the second in which they were made
    server.engine.initialise(server.datadir, server.log)  # a copy would be as old as the one before
    server.start()

def load():
    mysql_load_sql("CREATE DATABASE t_dj; CREATE TABLE t_dj.rat (name VARCHAR(9) PRIMARY KEY);"
                   "INSERT INTO t_dj.rat VALUES ('x'),('y');", settings)

def step():
    connected = datajoint_connect(settings)
    same = connected.connection is first.connection
    return connected.state, list(connected.notes), same

with server:
    os.environ["PW"] = server.password
    settings = at(server.port)
    first = datajoint_connect(settings)
    import datajoint as dj
    schema = dj.Schema("t_dj")
    @schema
    class Rat(dj.Manual):
        definition = "name: varchar(9)"
    Rat.insert1(("a",))
    server.stop()
    server.start()
    out["restarted"] = step(), len(Rat())
    renew()
    out["gone"] = step()
    load()
    out["loaded"] = step(), len(Rat())
    renew()
    load()
    out["loaded first"] = step(), len(Rat())
"""


@pytest.mark.parametrize(
    ("line", "flavour"), [("0.14", "mariadb"), ("2", "mysql")], ids=["0.14", "2"]
)
@pytest.mark.thorough
def test_tables_go_on_with_a_server_that_was_restarted_or_made_anew(
    line: str, flavour: str, tmp_path: Path, mysql_process: Server
) -> None:
    del mysql_process  # only so that this is skipped where there is no server
    python = str(DATAJOINT_2) if line == "2" else sys.executable
    if not Path(python).exists():
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    home = os.environ.get("SIDECAR_MAGICS_HOME", "")
    code = RECREATED.format(flavour=flavour)
    out = run(python, code, tmp_path, HOME=os.environ["HOME"], SIDECAR_MAGICS_HOME=home)
    usual = ["DataJoint 2 does not promise to work with MariaDB."] if line == "2" else []
    usual = usual if flavour == "mariadb" else []
    gone = (
        "The server was recreated and its data is gone (t_dj): "
        "run %mysql_load again, or the cells that made the data."
    )
    assert out["restarted"] == [["reconnected", usual, True], 1]
    assert out["gone"] == ["reconnected", [gone, *usual], True]
    assert out["loaded"] == [["already connected", usual, True], 2]
    loaded = "The server was recreated; its present data was loaded since."
    assert out["loaded first"] == [["reconnected", [loaded, *usual], True], 2]


def test_what_is_bound_to_another_server_is_told(
    python: str, mysql_server: Server, mariadb_server: Server, tmp_path: Path
) -> None:
    code = f"""
    first = datajoint_connect(at({mysql_server.port}))
    import datajoint as dj
    dj.Schema("t_dj")
    out["notes"] = datajoint_connect(at({mariadb_server.port})).notes
    # It is not closed, since tables still use it.
    out["open"] = first.connection.query("SELECT 1", reconnect=False).fetchone()[0]
    second = dj.conn()
    datajoint_connect(at({mysql_server.port}))
    try:
        second.query("SELECT 1", reconnect=False)
    except Exception as error:
        out["closed"] = True
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert "Still bound to the old connection: t_dj; restart the kernel" in out["notes"][0]
    assert out["open"] == 1
    assert out["closed"]


def test_a_connection_that_datajoint_made_by_itself_is_used_and_repaired(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    import datajoint as dj
    for key, value in dict(port={mysql_server.port}, user="root").items():
        dj.config["database." + key] = value
    dj.config["database.password"] = os.environ["PW"]
    connection = dj.conn()
    connected = datajoint_connect(at({mysql_server.port}))
    out["state"] = connected.state
    out["same"] = connected.connection is connection
    connection.start_transaction()
    connection._conn.close()
    out["repaired"] = datajoint_connect(at({mysql_server.port})).state
    out["free"] = not connection.in_transaction
    number = connection.query("SELECT CONNECTION_ID()").fetchone()[0]
    out["number"] = connection.connection_id == number
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert out == {
        "state": "already connected",
        "same": True,
        "repaired": "reconnected",
        "free": True,
        "number": True,
    }


def test_a_certificate_is_checked_although_a_connection_is_alive(
    python: str, weak_tls_server: Server, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    code = f"""
    from dataclasses import replace
    from pathlib import Path
    settings = at({weak_tls_server.port})
    datajoint_connect(settings)
    checked = replace(settings, ca=Path({str(certificate[0])!r}))
    out["states"] = [datajoint_connect(checked).state, datajoint_connect(checked).state]
    """
    out = run(python, code, tmp_path, PW=weak_tls_server.password)
    assert out["states"] == ["reconnected", "already connected"]


def test_what_cannot_be_connected_is_told(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    import sys
    out["errors"] = []
    def attempt(**keywords):
        try:
            datajoint_connect(**keywords)
        except SidecarError as error:
            out["errors"].append(str(error))
    attempt(settings=at(1))
    attempt(settings=at(1), wait_s=0.3)
    import datajoint as dj
    if hasattr(dj.config, "database"):
        dj.config["database.backend"] = "postgresql"
        attempt(settings=at({mysql_server.port}))
    sys.modules["datajoint"] = None
    attempt(settings=at({mysql_server.port}))
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    hasty, waited, *backend, missing = out["errors"]
    assert "attempts: 1." in hasty
    assert "add --wait" in hasty
    assert "port: option --port" in hasty
    assert "attempts: 1." not in waited
    assert "add --wait" not in waited
    assert all("backend postgresql" in error for error in backend)
    assert len(backend) == (python == str(DATAJOINT_2))
    assert "not installed" in missing


def test_a_datajoint_that_cannot_be_imported_is_told(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    (tmp_path / "dj_local_conf.json").write_text('{"database.password": "in-the-f1le", oops}')
    code = f"""
    import sys
    out["errors"] = []
    for _ in range(2):
        try:
            datajoint_connect(at({mysql_server.port}))
        except SidecarError as error:
            out["errors"].append(str(error))
    """
    out = run(python, code, tmp_path, PW=mysql_server.password, DJ_PORT="in-the-variable")
    first, second = out["errors"]
    assert first == second
    assert "DataJoint cannot be imported" in first
    assert "DJ_PORT" in first if python == str(DATAJOINT_2) else "JSONDecodeError" in first
    assert "in-the-" not in first


def test_another_module_of_datajoints_name_is_told(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    (tmp_path / "datajoint.py").write_text("")
    code = f"""
    try:
        datajoint_connect(at({mysql_server.port}))
    except SidecarError as error:
        out["error"] = str(error)
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert str(tmp_path / "datajoint.py") in out["error"]


@pytest.mark.thorough
def test_a_query_cache_does_not_pass_for_a_server(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    connection = datajoint_connect(at({mysql_server.port})).connection
    import datajoint as dj
    os.mkdir("cache")
    dj.config["query_cache"] = "cache"
    connection.set_query_cache("kept")
    out["states"] = [datajoint_connect(at({mysql_server.port})).state]
    connection._conn.close()
    out["states"].append(datajoint_connect(at({mysql_server.port})).state)
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert out["states"] == ["already connected", "reconnected"]


def test_what_is_returned_can_be_read(python: str, mysql_server: Server, tmp_path: Path) -> None:
    code = f"""
    with sidecar_magics.mysql_wait(at({mysql_server.port})).connect() as other:
        for n in range(60):
            other.cursor().execute(f"CREATE SCHEMA lab_{{n}}")
        other.cursor().execute("CREATE SCHEMA sidecar_magics")  # %mysql_load's journal
    out["shown"] = repr(datajoint_connect(at({mysql_server.port})))
    """
    shown = run(python, code, tmp_path, PW=mysql_server.password)["shown"]
    assert shown.startswith("<DataJointConnection: datajoint ")
    assert shown.endswith("60 schemas (connected)>")
    assert "lab_7" not in shown


@pytest.mark.thorough
def test_dj_config_is_masked_whatever_it_is(python: str, tmp_path: Path) -> None:
    code = """
    import sys
    import datajoint as dj
    from sidecar_magics.dj.masking import masked
    if "DJ_THREAD_SAFE" in os.environ and "datajoint.instance" in sys.modules:
        out["text"] = masked(dj.config)
    else:
        secret = "two words, and " * 9 + "an apostrophe's"
        dj.config["database.password"] = secret
        dj.config["stores"] = {"s": {"protocol": "s3", "secret_key": secret}}
        out["text"] = masked(dj.config)
        out["kept"] = dj.config["stores"]["s"]["secret_key"] == secret
    """
    out = run(python, code, tmp_path)
    assert "words" not in out["text"]
    assert "apostrophe" not in out["text"]
    assert "secret_key" in out["text"]
    assert out["kept"]
    assert run(python, code, tmp_path, DJ_THREAD_SAFE="1")["text"]


def test_a_configuration_file_may_have_a_store_in_pieces(
    python: str, lab: Server, tmp_path: Path
) -> None:
    location = str(tmp_path)
    values = {"stores.raw.protocol": "file", "stores.raw.location": location, "stores": {"a": {}}}
    (tmp_path / "pieces.json").write_text(json.dumps(values))
    code = f"""
    from sidecar_magics.dj import ConfigFile
    file = ConfigFile.read("pieces.json")
    out["notes"] = datajoint_connect(at({lab.port}), config_file=file).notes
    import datajoint as dj
    out["stores"] = dj.config["stores"]
    """
    out = run(python, code, tmp_path, PW=lab.password)
    assert out["notes"] == []
    assert out["stores"]["raw"] == {"protocol": "file", "location": location}
    assert out["stores"]["a"] == {}


def test_what_is_required_is_looked_at_in_the_end(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    from sidecar_magics.dj import establish
    first = datajoint_connect(at({mysql_server.port})).connection
    establish.cipher_of = lambda connection: ""
    try:
        datajoint_connect(at({mysql_server.port}, tls="required"), reset=True)
    except SidecarError as error:
        out["error"] = str(error)
    import datajoint as dj
    out["kept"] = dj.conn() is first
    """
    out = run(python, code, tmp_path, PW=mysql_server.password)
    assert "is not encrypted, but TLS is required" in out["error"]
    assert out["kept"]


@pytest.mark.thorough
def test_threads_that_connect_at_the_same_time_share_one_connection(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    code = f"""
    import threading, time
    import datajoint as dj
    settings = at({mysql_server.port})
    def together(count, **options):
        gate, results = threading.Barrier(count), []
        def connect(number):
            gate.wait(30)
            try:
                results.append(datajoint_connect(settings, **options).connection)
            except BaseException as error:
                results.append(repr(error))
        threads = [threading.Thread(target=connect, args=[n], daemon=True) for n in range(count)]
        [thread.start() for thread in threads]
        [thread.join(120) for thread in threads]
        return results
    def ours():
        # The server needs a moment to notice that a connection was closed.
        ends_at = time.monotonic() + 30
        while True:
            rows = dj.conn().query("SHOW PROCESSLIST").fetchall()
            count = len([row for row in rows if row[1] == "root"])
            if count == 1 or time.monotonic() > ends_at:
                return count
            time.sleep(0.1)
    first = together(8)
    out["first"] = [str(each) for each in first if each is not first[0] or isinstance(each, str)]
    out["same"] = dj.conn() is first[0]
    out["config"] = config()
    dj.conn().query("SELECT 1")
    out["open"] = ours()
    shared = dj.conn()
    try:
        shared._conn.kill(shared._conn.thread_id())
    except Exception:
        pass
    second = together(8)
    out["second"] = [str(each) for each in second if each is not shared]
    out["open after"] = ours()
    third = together(6, reset=True)
    out["third"] = [each for each in third if isinstance(each, str)]
    out["last"] = dj.conn() in third
    out["open at last"] = ours()
    out["limits"] = "_read_bytes" in vars(dj.conn()._conn)
    """
    out = run(python, code, tmp_path, PW="tutorial")
    assert (out["first"], out["second"], out["third"]) == ([], [], [])
    assert out["same"]
    assert out["last"]
    assert out["config"][:3] == ["127.0.0.1", str(mysql_server.port), "root"]
    # What the others had made is closed.
    assert (out["open"], out["open after"], out["open at last"]) == (1, 1, 1)
    assert not out["limits"]


def test_a_server_that_goes_silent_for_datajoint_has_a_limit(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    """The first connection is ours; DataJoint's own meets silence, at each stage in turn."""
    code = """
    import socket, threading
    from sidecar_magics.dj import driver
    from sidecar_magics.settings import ConnectionSettings, Secret
    from tests.fakes import OK, answering, fake, logged_in, result
    import time
    driver.LOGIN_S = 1.0
    told = []
    answers = {
        b"VERSION()": result([[b"9.7.4", b"utf8mb4"]], 2),
        b"SHOW STATUS": result([[b"Uptime", b"12"]], 2),
        b"SHOW VARIABLES": result([[b"server_uuid", b"1-2-3"]], 2),
        b"SHOW SCHEMAS": result([[b"lab"]]),
    }
    def silent(client, stop):
        stop.wait(60)
    def silent_after_login(client, stop):
        logged_in(client)
        stop.wait(60)
    for quiet in (silent, silent_after_login):
        seen = []
        def talk(client, stop):
            seen.append(client)
            (answering(answers) if len(seen) == 1 else quiet)(client, stop)
        with fake(talk) as server:
            try:
                datajoint_connect(server.settings)
            except SidecarError as error:
                told.append(str(error))
    out["told"] = told
    """
    out = run(python, code, tmp_path, PYTHONPATH=str(PROJECT))
    assert len(out["told"]) == 2
    assert all("no whole answer within" in each for each in out["told"])


@pytest.mark.thorough
def test_datajoint_gives_the_password_to_no_server_that_asks_for_it(
    python: str, mysql_server: Server, tmp_path: Path
) -> None:
    """Also when it connects anew by itself, to whoever answers then at the same address."""
    code = """
    from tests.fakes import OK, PASSWORD, answering, fake, greeting, packet, result
    import datajoint as dj
    answers = {
        b"VERSION()": result([[b"9.7.4", b"utf8mb4"]], 2),
        b"SHOW STATUS": result([[b"Ssl_cipher", b""]], 2),
        b"SHOW VARIABLES": result([[b"server_uuid", b"1-2-3"]], 2),
        b"SHOW SCHEMAS": result([[b"lab"]]),
        b"onnection_id()": result([[b"7"]]),
        b"CONNECTION_ID()": result([[b"7"]]),
    }
    answers[b"SELECT"] = result([[b"1", b"1", b"1"]], 3)
    def rogue(client, stop):
        client.say(greeting())
        client.read()
        client.say(packet(b"\\xfe" + plugin + b"\\0" + b"\\2Password: ", 2))
        client.read()
    for plugin in (b"mysql_clear_password", b"dialog"):
        seen, good = [], 1
        def talk(client, stop):
            seen.append(client)
            (answering(answers) if len(seen) <= good else rogue)(client, stop)
        for good in (1, 2):
            del seen[:]
            with fake(talk) as server:
                try:
                    datajoint_connect(server.settings)
                    connection = dj.conn()
                    for client in server.clients:
                        client.sock.close()
                    connection.connect()
                except Exception as error:
                    out[f"{plugin} {good}"] = [str(error), PASSWORD.encode() in server.received]
    """
    out = run(python, code, tmp_path, PYTHONPATH=str(PROJECT))
    assert len(out) == 4
    for told, is_given_away in out.values():
        assert "clear text" in told
        assert not is_given_away
