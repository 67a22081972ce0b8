"""A doctor in front of real servers: well, and with each of the ailments that can be had."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import mysql_doctor
from sidecar_magics.cli import main
from sidecar_magics.connection import connect_now
from sidecar_magics.doctor import Diagnosis, Verdict, here
from sidecar_magics.errors import SidecarError, StatementError
from sidecar_magics.hints import Runtime
from sidecar_magics.load import load, load_sql
from sidecar_magics.settings import Secret
from tests.background import LIMIT_S, meanwhile, until
from tests.ports import quiet_port
from tests.servers import Server, execute, needs_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from IPython.core.interactiveshell import InteractiveShell

pytestmark = [
    pytest.mark.server,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of what DataJoint imports
]

PROJECT = Path(__file__).parents[2]
DATAJOINT_2 = PROJECT / ".venv-datajoint2" / "bin" / "python"
SUBJECTS = [
    *("settings", "address", "login", "encryption", "exposure", "server", "uptime", "writing"),
    *("packet", "memory", "disk", "connections", "charset", "clock", "locks", "journal"),
    "versions",
    "DataJoint",
]


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("DJ_", "MYSQL_", "SIDECAR_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["mysql_server", "mariadb_server"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def ailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a MySQL that is open to the network, and set up badly; its password is a secret one."""
    options = (
        "--bind-address=0.0.0.0",
        "--loose-mysqlx=ON",
        f"--loose-mysqlx-port={quiet_port()}",
        "--loose-mysqlx-bind-address=0.0.0.0",
        "--loose-mysqlx-socket=",
        "--max-allowed-packet=4M",
        "--max-connections=4",
        "--character-set-server=latin1",
    )
    folder = tmp_path_factory.mktemp("ailing")
    with Server("mysql", folder, secrets.token_hex(16), options=options) as running:
        yield running


def verdicts(diagnosis: Diagnosis, verdict: Verdict) -> list[str]:
    return [check.subject for check in diagnosis.of(verdict)]


def test_a_server_that_is_well(server: Server) -> None:
    execute(server, "CREATE SCHEMA s", "CREATE TABLE s.t (a INT PRIMARY KEY)")
    diagnosis = mysql_doctor(server.settings)
    assert [check.subject for check in diagnosis] == SUBJECTS
    assert diagnosis.of(Verdict.FAILURE) == diagnosis.of(Verdict.WARNING) == ()
    assert diagnosis.ok
    assert diagnosis.summary() == "all 18 checks passed"
    assert "root logged in after" in diagnosis["login"].message
    assert "are free" in diagnosis["disk"].message
    assert "tables take" in diagnosis["disk"].message
    assert diagnosis["server"].message.startswith(
        {"mysql": "MySQL ", "mariadb": "MariaDB "}[server.flavour]
    )


def test_a_server_that_ails(ailing: Server) -> None:
    if not here.own_addresses():
        pytest.skip("this machine has no address but loopback")
    diagnosis = mysql_doctor(ailing.settings)
    assert verdicts(diagnosis, Verdict.WARNING) == ["exposure", "packet", "connections", "charset"]
    exposed = diagnosis["exposure"].message
    assert f":{ailing.port}" in exposed
    with connect_now(ailing.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@mysqlx_port")
        ((port,),) = cursor.fetchall()
    assert f":{port}" in exposed
    assert ailing.password not in repr(diagnosis) + diagnosis._repr_html_()


def test_where_the_public_password_is_open_to_other_pods_it_fails(
    ailing: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not here.own_addresses():
        pytest.skip("this machine has no address but loopback")
    monkeypatch.setenv("JUPYTERHUB_API_URL", "http://hub:8081/hub/api")
    assert verdicts(mysql_doctor(ailing.settings), Verdict.FAILURE) == []
    execute(ailing, "CREATE USER pupil@'%' IDENTIFIED BY 'tutorial'")
    pupil = replace(ailing.settings, user="pupil", password=Secret("tutorial"))
    diagnosis = mysql_doctor(pupil)
    execute(ailing, "DROP USER pupil")
    assert verdicts(diagnosis, Verdict.FAILURE) == ["exposure"]
    assert "hub-config/sidecar.values.yaml" in diagnosis["exposure"].hint
    # An account without rights is not told everything, and the doctor continues without it.
    assert "cannot see" in diagnosis["disk"].message or "are free" in diagnosis["disk"].message


def test_a_pool_that_does_not_fit_into_the_container(
    mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A container of 300 MiB; the private server's pool has 256.
    monkeypatch.setattr("sidecar_magics.doctor.here.memory_bytes", lambda: 300 * 1024**2)
    check = mysql_doctor(mysql_server.settings)["memory"]
    assert check.verdict is Verdict.WARNING
    assert "268 MB, of 315 MB" in check.message


def test_a_restart_is_seen_from_the_pod(
    mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar_magics.doctor.here.age_s", lambda: 20000.0)
    assert mysql_doctor(mysql_server.settings)["uptime"].verdict is Verdict.OK
    monkeypatch.setattr("sidecar_magics.hints.place", lambda: Runtime.HUB)
    check = mysql_doctor(mysql_server.settings)["uptime"]
    assert check.verdict is Verdict.WARNING
    assert "a pod that has run for 5 h 33 min" in check.message


def test_the_age_of_a_container_is_that_of_its_first_process() -> None:
    age_s = here.age_s()
    assert age_s is None or age_s > 0


def test_a_server_that_takes_no_changes(server: Server) -> None:
    variable = "super_read_only" if server.flavour == "mysql" else "read_only"
    execute(server, f"SET GLOBAL {variable} = ON")
    try:
        diagnosis = mysql_doctor(server.settings)
    finally:
        execute(server, f"SET GLOBAL {variable} = OFF", "SET GLOBAL read_only = OFF")
    assert verdicts(diagnosis, Verdict.FAILURE) == ["writing"]
    assert variable in diagnosis["writing"].hint


def test_a_clock_that_is_wrong(mysql_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    true = time.time
    monkeypatch.setattr("sidecar_magics.doctor.facts.time.time", lambda: true() + 60)
    check = mysql_doctor(mysql_server.settings)["clock"]
    monkeypatch.undo()
    assert check.verdict is Verdict.WARNING
    assert "1 min 0 s behind" in check.message


def test_a_login_that_is_refused(server: Server) -> None:
    diagnosis = mysql_doctor(replace(server.settings, password=Secret("s3cret")))
    assert verdicts(diagnosis, Verdict.FAILURE) == ["login"]
    assert diagnosis["address"].verdict is Verdict.OK
    assert "1045" in diagnosis["login"].message
    assert "s3cret" not in repr(diagnosis)


def test_an_account_that_must_change_its_password_first(server: Server) -> None:
    execute(server, "CREATE USER pupil@'%' IDENTIFIED BY 'tutorial' PASSWORD EXPIRE")
    diagnosis = mysql_doctor(replace(server.settings, user="pupil"))
    execute(server, "DROP USER pupil")
    # MySQL lets nobody in then; MariaDB does, and answers nothing.
    subject, errno = {"mysql": ("login", 1862), "mariadb": ("server", 1820)}[server.flavour]
    assert verdicts(diagnosis, Verdict.FAILURE) == [subject]
    assert f"({errno})" in diagnosis[subject].message
    assert "ALTER USER" in diagnosis[subject].hint


def test_a_load_that_was_killed_is_found_and_one_that_runs_is_not(
    server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "prepopulate.sql"
    file.write_text(
        "CREATE SCHEMA s; CREATE TABLE s.t (a INT PRIMARY KEY);\nSELECT GET_LOCK('s', 600);\n"
    )

    def is_told() -> bool:
        return mysql_doctor(server.settings)["journal"].message.startswith("under way: ")

    with connect_now(server.settings) as holder:
        holder.cursor().execute("SELECT GET_LOCK('s', 600)")
        with meanwhile(load, file, server.settings, once=True):
            try:
                until(is_told)
            finally:
                holder.cursor().execute("SELECT RELEASE_LOCK('s')")
    assert mysql_doctor(server.settings)["journal"].message == "no load is unfinished."
    file.write_text("CREATE TABLE s.u (a INT PRIMARY KEY);\nSELECT nope;\n")
    with pytest.raises(SidecarError):
        load(file, server.settings, once=True, resume=True)
    check = mysql_doctor(server.settings)["journal"]
    assert check.verdict is Verdict.WARNING
    assert "prepopulate.sql" in check.message
    assert "--resume" in check.hint


def test_a_datajoint_that_is_set_to_another_server(
    mysql_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    dj: Any = pytest.importorskip("datajoint")
    monkeypatch.setitem(dj.config, "database.host", "root:hunter2@db.lab")
    check = mysql_doctor(mysql_server.settings)["DataJoint"]
    assert check.verdict is Verdict.WARNING
    assert "dj.config says host …@db.lab" in check.message
    assert "hunter2" not in str(check)
    monkeypatch.setitem(dj.config, "database.host", "db.lab")
    check = mysql_doctor(mysql_server.settings)["DataJoint"]
    assert "dj.config says host db.lab" in check.message
    assert "%datajoint_connect" in check.hint


@pytest.fixture(params=[sys.executable, str(DATAJOINT_2)], ids=["0.14", "2"])
def python(request: pytest.FixtureRequest) -> str:
    """Return a Python that has this line of DataJoint."""
    if not Path(request.param).exists():
        if needs_servers():
            pytest.fail("make .venv-datajoint2/ready has not been run")
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    return str(request.param)


def run(python: str, folder: Path, *arguments: str) -> str:
    """Return what a program prints in a process of its own, in this folder."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [python, *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_line_of_datajoint_is_asked_where_it_would_go(
    python: str, mysql_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB", mysql_server.password)
    monkeypatch.setenv("DJ_HOST", "db.lab")
    line = ["--host", "127.0.0.1", "--port", str(mysql_server.port), "--password-env", "LAB"]
    shown = run(python, tmp_path, "-m", "sidecar_magics.cli", "doctor", *line)
    assert "warning  DataJoint    dj.config says host db.lab" in shown


def test_a_datajoint_that_is_connected_to_another_server(
    python: str, mysql_server: Server, mariadb_server: Server, tmp_path: Path
) -> None:
    code = f"""if True:
    import warnings
    warnings.filterwarnings("ignore")
    from sidecar_magics import datajoint_connect, mysql_doctor, resolve
    datajoint_connect(resolve({{"port": {mysql_server.port}}}))
    for port in ({mysql_server.port}, {mariadb_server.port}):
        check = mysql_doctor(resolve({{"port": port}}))["DataJoint"]
        print(check.verdict.value, check.message)
    """
    here_, elsewhere = run(python, tmp_path, "-c", code).splitlines()[-2:]
    assert here_.startswith("ok ")
    assert elsewhere.startswith("warning in this kernel it is connected elsewhere: port")
    assert str(mysql_server.port) in elsewhere


def test_the_command_and_the_magic_say_the_same(
    shell: InteractiveShell,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LAB", server.password)
    line = f"--port {server.port} --password-env LAB"
    diagnosis = shell.run_line_magic("mysql_doctor", line)
    assert [check.subject for check in diagnosis] == SUBJECTS
    assert main(["doctor", *line.split()]) == 0
    shown = capsys.readouterr().out
    assert f"<Diagnosis of root@127.0.0.1:{server.port}: all 18 checks passed>" in shown
    assert "option --port" in shown


def test_a_transaction_that_somebody_left_open_is_told(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar_magics.doctor.condition.IDLE_S", 0.0)
    with connect_now(server.settings) as forgotten, forgotten.cursor() as cursor:
        cursor.execute("CREATE SCHEMA lab")
        cursor.execute("CREATE TABLE lab.t (i INT) ENGINE=InnoDB")
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM lab.t")
        until_verdict(server, Verdict.WARNING)
        check = mysql_doctor(server.settings)["locks"]
        number = forgotten.thread_id()
        assert f"connection {number} (root@" in check.message
        assert "idle in a transaction, for " in check.message
        assert f"KILL {number}" in check.hint
    until_verdict(server, Verdict.OK)


# MariaDB takes a new look at its transactions only if nobody has asked for them for 0.1 s.
MARIADB_LOOKS_AGAIN_S = 0.3


def until_verdict(server: Server, verdict: Verdict) -> None:
    """Return when the doctor says this of locks."""

    def is_said() -> bool:
        time.sleep(MARIADB_LOOKS_AGAIN_S)
        return mysql_doctor(server.settings)["locks"].verdict is verdict

    until(is_said)


def said_of_locks(server: Server, words: str) -> str:
    """Return the doctor's message about locks if these words are in it."""
    time.sleep(MARIADB_LOOKS_AGAIN_S)
    message = mysql_doctor(server.settings)["locks"].message
    return message if words in message else ""


def test_tables_that_somebody_has_locked_are_shown(server: Server) -> None:
    """LOCK TABLES is no transaction, and no server shows by itself who has called it."""
    with connect_now(server.settings) as owner, connect_now(server.settings) as other:
        with owner.cursor() as cursor:
            cursor.execute("CREATE SCHEMA lab")
            cursor.execute("CREATE TABLE lab.t (i INT PRIMARY KEY)")
            cursor.execute("LOCK TABLES lab.t WRITE")
        other._execute_command(3, "DELETE FROM lab.t")  # COM_QUERY, without waiting for the answer
        message = until(lambda: said_of_locks(server, f"connection {owner.thread_id()} "))
        hint = mysql_doctor(server.settings)["locks"].hint
        owner.query("UNLOCK TABLES")
    assert "the server does not show which connection holds it" in message
    assert f"connection {other.thread_id()} " not in message
    assert "UNLOCK TABLES" in hint
    assert "KILL" not in hint


def test_who_keeps_others_waiting_is_told_with_how_many(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar_magics.doctor.condition.BLOCKING_S", 0.0)
    with connect_now(server.settings) as writer, connect_now(server.settings) as other:
        with writer.cursor() as cursor:
            cursor.execute("CREATE SCHEMA lab")
            cursor.execute("CREATE TABLE lab.t (i INT PRIMARY KEY) ENGINE=InnoDB")
            cursor.execute("INSERT INTO lab.t VALUES (1)")
            cursor.execute("BEGIN")
            cursor.execute("DELETE FROM lab.t")
        other.query("SET innodb_lock_wait_timeout = 20")
        other._execute_command(3, "DELETE FROM lab.t")  # COM_QUERY, without waiting for the answer
        message = mysql_doctor(server.settings)["locks"].message
        if server.flavour == "mariadb":  # MySQL shows such waits only with performance_schema
            message = until(lambda: said_of_locks(server, "waits for it"))
        writer.rollback()
    if server.flavour == "mariadb":
        assert f"connection {writer.thread_id()} " in message
        assert "(1 waits for it)" in message


GOOD = "CREATE TABLE s.a (i INT); CREATE TABLE s.b (i INT);"


def stopped_load(server: Server, name: str, script: str = "", **options: Any) -> None:
    """Load a script that the server refuses at its end, so that a record of it stays."""
    path = Path(name)
    (path if path.suffix else path / "one.sql").write_text(script or f"{GOOD} SELECT nowhere;")
    with pytest.raises(StatementError):
        load(path, server.settings, once=True, **options)


def test_a_load_that_stopped_until_its_file_is_loaded(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    execute(server, "DROP SCHEMA IF EXISTS s", "CREATE SCHEMA s")
    stopped_load(server, "data/bad.sql", force=False, skip_definer=True)
    check = mysql_doctor(server.settings)["journal"]
    assert check.verdict is Verdict.WARNING
    assert "data/bad.sql (began" in check.message
    assert check.hint.startswith("run %mysql_load data/bad.sql --skip-definer --resume to finish")
    # What the hint says continues it, from another folder, too.
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert str(tmp_path / "data" / "bad.sql") in mysql_doctor(server.settings)["journal"].hint
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StatementError) as caught:
        load("data/bad.sql", server.settings, resume=True, skip_definer=True)
    assert caught.value.errno == 1054
    # A part of it, or another schema, is not all of it.
    Path("data/bad.sql").write_text(f"DROP TABLE IF EXISTS s.a, s.b; {GOOD}")
    load("data/bad.sql", server.settings, schema_only=True)
    assert mysql_doctor(server.settings)["journal"].verdict is Verdict.WARNING
    load("data/bad.sql", server.settings)
    assert mysql_doctor(server.settings)["journal"].message == "no load is unfinished."


def test_a_folder_that_stopped_is_named_itself(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/two.sql").write_text("SELECT 1;")
    execute(server, "DROP SCHEMA IF EXISTS s", "CREATE SCHEMA s")
    stopped_load(server, "data")
    assert (
        "run %mysql_load data --resume to finish" in mysql_doctor(server.settings)["journal"].hint
    )
    Path("data/one.sql").write_text("SELECT 1;")
    load("data", server.settings)
    assert mysql_doctor(server.settings)["journal"].message == "no load is unfinished."


def test_a_cell_that_failed_at_once_is_no_load_that_stopped(server: Server) -> None:
    with pytest.raises(StatementError):
        load_sql("SELECT nowhere", server.settings, once=True)
    assert mysql_doctor(server.settings)["journal"].message == "no load is unfinished."


def test_a_complete_load_says_nothing_of_how_to_continue(server: Server, tmp_path: Path) -> None:
    execute(server, "DROP SCHEMA IF EXISTS s", "CREATE SCHEMA s")
    stopped_load(server, str(tmp_path / "bad.sql"))
    script = (tmp_path / "bad.sql").read_text()
    (tmp_path / "bad.sql").write_text(script + "-- " + "x" * 2_000_000)
    for _ in range(2):  # the first has a record, of a load that stopped; the second takes its place
        with pytest.raises(StatementError):
            load(tmp_path / "bad.sql", server.settings)
    report = load(tmp_path / "bad.sql", server.settings, force=True)
    assert any("did not finish" in note for note in report.notes)
    assert "--resume" not in repr(report)
    assert mysql_doctor(server.settings)["journal"].message == "no load is unfinished."
