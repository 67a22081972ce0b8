"""A sidecar on this machine, for real: up, down and status, with a private MySQL."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.errors import AccessError, LocalServerError
from sidecar_magics.local import find, lifecycle, native, ports, process
from sidecar_magics.local.process import settings_for
from sidecar_magics.local.state import folders, read_record, read_state, write_record
from sidecar_magics.settings import resolve
from tests.background import LIMIT_S, running
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar_magics.local.state import LocalSidecar
    from tests.servers import Server

pytestmark = pytest.mark.server
up = partial(lifecycle.up, backend="native")
NASTY = 'it\'s "a" \\ \n\t\x1a; -- ü 🐁 #'


@pytest.fixture
def home(mysql_process: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of our own, without a server in it but with the binaries at hand."""
    binaries = folders().cache
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path))
    monkeypatch.setattr(find, "installed_engines", lambda: iter([mysql_process.engine]))
    # For what these tests start as processes of their own.
    tmp_path.joinpath("cache").symlink_to(binaries)
    tmp_path.joinpath("data").mkdir()
    yield tmp_path
    lifecycle.down()


@pytest.fixture(scope="module")
def template(mysql_process: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new data folder, made once, as making it takes longer than anything else here."""
    folder = tmp_path_factory.mktemp("template")
    mysql_process.engine.initialise(folder / "mysql", folder / "log")
    return folder / "mysql"


@pytest.fixture
def kept(home: Path, template: Path) -> Path:
    """A home with MySQL's data in it."""
    subprocess.run(["cp", "-r", template, home / "data" / "mysql"], check=True, timeout=LIMIT_S)
    return home


@pytest.fixture
def default_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A default port that is free, whatever is on 3306."""
    port = quiet_port()
    monkeypatch.setattr(ports, "DEFAULT_PORT", port)
    return port


def query(sidecar: LocalSidecar, sql: str, password: str | None = None) -> Any:
    secret = sidecar.password if password is None else password
    with connect_now(settings_for(sidecar.port, secret)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            rows = cursor.fetchall()
        connection.commit()
    return rows


@pytest.mark.timing
@pytest.mark.usefixtures("home")
def test_up_down_and_up_again(default_port: int) -> None:
    lines: list[str] = []
    start_s = time.time()
    first = up(progress=lines.append)
    assert (first.port, first.flavour, first.is_ours) == (default_port, "mysql", True)
    assert f"MySQL {first.version} at 127.0.0.1:{default_port}: ready." in lines
    assert "`sidecar-magics status` shows how other programs log in" in lines[-1]
    assert first.password not in "".join(lines)
    assert all("\n" not in line for line in lines)
    assert first.started
    again = up()
    assert again == first == read_state()
    assert not again.started

    status = lifecycle.status()
    up_s = time.time() - start_s
    assert status.is_running
    assert 0 < status.uptime_s <= up_s + 1
    assert status.size_bytes is not None
    assert 50e6 < status.size_bytes < 1e9

    query(first, "CREATE SCHEMA kept")
    assert lifecycle.down() == first
    assert first.pid is not None
    assert not psutil.pid_exists(first.pid)
    assert read_state() is None
    assert lifecycle.down() is None
    assert not lifecycle.status().is_running

    second = up()
    assert ("kept",) in query(second, "SHOW SCHEMAS LIKE 'kept'")


@pytest.mark.usefixtures("kept", "default_port")
def test_only_this_machine_and_the_tcp_port() -> None:
    sidecar = up()
    assert sidecar.pid is not None
    listening = {
        (each.laddr.ip, each.laddr.port)
        for each in psutil.Process(sidecar.pid).net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", sidecar.port)}
    assert not psutil.Process(sidecar.pid).net_connections("unix")


@pytest.mark.usefixtures("default_port")
def test_password_is_not_to_be_seen(kept: Path) -> None:
    sidecar = up(password="OpenSesame")
    assert sidecar.pid is not None
    process = psutil.Process(sidecar.pid)
    assert "OpenSesame" not in " ".join([*process.cmdline(), *process.environ().values()])
    assert "OpenSesame" not in repr(sidecar)
    holders = [path for path in (kept / "state").iterdir() if "OpenSesame" in path.read_text()]
    assert sorted(path.name for path in holders) == ["client.cnf", "sidecar.json"]
    assert {path.stat().st_mode & 0o777 for path in holders} == {0o600}
    assert "OpenSesame" not in str(lifecycle.status())
    lifecycle.down()
    assert not (kept / "state" / "client.cnf").exists()


@pytest.mark.usefixtures("kept", "default_port")
@pytest.mark.parametrize("password", ["", NASTY])
@pytest.mark.thorough
def test_password_as_configured_always_wins(password: str) -> None:
    up(password="before")
    lifecycle.down()
    sidecar = up(password=password)
    assert query(sidecar, "SELECT CURRENT_USER()") == (("root@localhost",),)
    with pytest.raises(AccessError):
        query(sidecar, "SELECT 1", password="before")


@pytest.mark.usefixtures("default_port", "shell")
@pytest.mark.thorough
def test_nobody_knows_the_password_but_the_settings_find_it(kept: Path) -> None:
    sidecar = up()
    assert len(sidecar.password) > 30
    assert resolve() == settings_for(sidecar.port, sidecar.password)
    with pytest.raises(AccessError) as caught:
        query(sidecar, "SELECT 1", password="tutorial")
    assert "which is found if none is given" in caught.value.hint
    assert sidecar.password not in caught.value.hint
    query(sidecar, "CREATE SCHEMA kept")
    lifecycle.down()
    again = up()
    assert again.password == sidecar.password, "what has it goes on"
    lifecycle.down()
    (kept / "data" / "mysql").rename(kept / "data" / "moved")
    other = up(datadir=kept / "data" / "moved")
    assert other.password != sidecar.password
    assert ("kept",) in query(other, "SHOW SCHEMAS LIKE 'kept'")


@pytest.mark.usefixtures("kept", "default_port")
@pytest.mark.parametrize("public", ["tutorial", ""])
@pytest.mark.thorough
def test_a_public_password_is_not_kept(public: str) -> None:
    """As when what an earlier version started is started anew: its data stays, its password not."""
    first = up(password=public)
    query(first, "CREATE SCHEMA kept")
    assert "every account of this machine can log in" in str(lifecycle.status())
    lifecycle.down()
    second = up()
    assert len(second.password) > 30
    assert ("kept",) in query(second, "SHOW SCHEMAS LIKE 'kept'")


@pytest.mark.usefixtures("kept", "default_port")
def test_another_password_while_it_is_up_is_an_error() -> None:
    sidecar = up()
    with pytest.raises(LocalServerError, match="already up, with another password") as caught:
        up(password="tutorial")
    assert sidecar.password not in f"{caught.value} {caught.value.hint}"
    assert up(password=sidecar.password) == sidecar


@pytest.mark.usefixtures("kept")
def test_a_private_password_is_not_told_to_a_stranger(default_port: int) -> None:
    """Who listens on the port may be another account's program, made to be asked."""
    with socket.create_server(("127.0.0.1", default_port)) as stranger:
        stranger.settimeout(0)
        up(password="private")
        with pytest.raises(BlockingIOError):
            stranger.accept()


@pytest.mark.usefixtures("kept", "default_port")
@pytest.mark.parametrize("password", [None, NASTY])
def test_another_program_logs_in_with_the_file_that_status_names(
    mysql_process: Server, password: str | None
) -> None:
    sidecar = up(password=password)
    program, option = str(lifecycle.status()).splitlines()[-1].split()
    assert program == "mysql"
    assert sidecar.password not in str(lifecycle.status())
    (*client, _) = mysql_process.client
    answer = subprocess.run(
        [*client, option, "-N", "-e", "SELECT CURRENT_USER()"],
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert (answer.stdout, answer.returncode) == ("root@localhost\n", 0), answer.stderr


@pytest.mark.usefixtures("kept", "default_port")
def test_status_tells_what_stays(tmp_path: Path) -> None:
    assert str(lifecycle.status()).startswith("No sidecar is running here; `sidecar-magics up`")
    assert f"MB in {tmp_path / 'data' / 'mysql'}" in str(lifecycle.status())
    sidecar = up()
    lines = str(lifecycle.status()).splitlines()
    assert re.fullmatch(
        rf"{re.escape(str(sidecar))}: running for [0-9]+(\.[0-9] s| min [0-9]+ s)", lines[0]
    )
    assert f"  log       {sidecar.log}" in lines
    lifecycle.down()
    first, second = str(lifecycle.status()).splitlines()
    assert first == f"MySQL {sidecar.version}: not running; `sidecar-magics up` starts one."
    assert re.fullmatch(rf"  data      [0-9.]+ MB remain in {sidecar.datadir}", second)


@pytest.mark.usefixtures("kept", "default_port")
def test_status_of_data_that_is_gone_or_of_the_other_kind(kept: Path) -> None:
    up()
    lifecycle.down()
    (kept / "data" / "mariadb").mkdir()
    (kept / "data" / "mariadb" / "file").write_bytes(b"x" * 5000)
    assert f"Data of an earlier sidecar: 8.19 kB in {kept}" in str(lifecycle.status())
    shutil.rmtree(kept / "data" / "mysql")
    assert "not running" not in str(lifecycle.status())


@pytest.mark.usefixtures("kept", "default_port")
def test_said_if_the_server_cannot_be_confined(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (native, process):
        monkeypatch.setattr(module, "can_confine", lambda: False)
    lines: list[str] = []
    sidecar = up(progress=lines.append)
    assert not sidecar.confined
    assert any("Landlock is missing" in line for line in lines)
    assert "  writes    wherever you can" in str(lifecycle.status())


@pytest.mark.usefixtures("default_port")
@pytest.mark.thorough
def test_ephemeral_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    sidecar = up(ephemeral=True)
    assert sidecar.datadir is not None
    assert sidecar.datadir.is_relative_to(scratch)
    lifecycle.down()
    assert list(scratch.iterdir()) == []
    assert [path.name for path in (home / "state").iterdir()] == ["sidecar.lock"]
    assert list((home / "data").iterdir()) == []


@pytest.mark.usefixtures("home", "default_port")
@pytest.mark.thorough
def test_ephemeral_data_of_a_killed_server_goes_with_the_next_command() -> None:
    sidecar = up(ephemeral=True)
    assert sidecar.pid is not None
    assert sidecar.datadir is not None
    process = psutil.Process(sidecar.pid)
    process.kill()
    process.wait(LIMIT_S)
    assert read_state() is None
    assert lifecycle.down() is None
    assert not sidecar.datadir.parent.exists()
    assert read_record() is None


@pytest.mark.usefixtures("home")
@pytest.mark.thorough
def test_two_at_once_give_one_server() -> None:
    port = quiet_port()
    script = f"""
        from sidecar_magics.local import lifecycle, ports
        ports.DEFAULT_PORT = {port}
        sidecar = lifecycle.up(backend="native", flavour="mysql", progress=lambda line: None)
        print(sidecar.pid)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with (
        running(command, stdout=subprocess.PIPE) as one,
        running(command, stdout=subprocess.PIPE) as other,
    ):
        pids = {int(each.communicate(timeout=LIMIT_S)[0]) for each in (one, other)}
    sidecar = read_state()
    assert sidecar is not None
    assert pids == {sidecar.pid}


@pytest.mark.usefixtures("kept")
@pytest.mark.thorough
def test_taken_default_port_is_left_and_said(default_port: int) -> None:
    lines: list[str] = []
    with socket.create_server(("127.0.0.1", default_port)) as stranger:
        stranger.settimeout(0.1)
        sidecar = up(progress=lines.append)
    assert default_port < sidecar.port <= default_port + 50
    text = (
        f"Port {default_port} is taken by the program {psutil.Process().name()} "
        f"(process {os.getpid()} of {psutil.Process().username()}); using port {sidecar.port}."
    )
    assert text in lines


@pytest.mark.usefixtures("home")
def test_taken_port_that_was_asked_for_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(LocalServerError, match=f"Port {port} is taken"):
            up(port=port)
    assert read_record() is None


@pytest.mark.usefixtures("home")
def test_the_tutorials_server_is_used_and_not_stopped(
    mysql_process: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "DEFAULT_PORT", mysql_process.port)
    lines: list[str] = []
    sidecar = lifecycle.up(password=mysql_process.password, progress=lines.append)
    assert (sidecar.port, sidecar.is_ours) == (mysql_process.port, False)
    assert len(lines) == 1
    assert "already up" in lines[0]
    assert read_record() is None
    assert lifecycle.down() is None
    assert psutil.pid_exists(mysql_process.pid)


@pytest.mark.usefixtures("kept")
def test_a_server_with_another_password_is_a_stranger(
    mysql_process: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "DEFAULT_PORT", mysql_process.port)
    sidecar = up(password="another")
    assert sidecar.is_ours
    assert sidecar.port != mysql_process.port


@pytest.mark.usefixtures("kept", "default_port")
@pytest.mark.thorough
def test_another_port_while_it_is_up_is_an_error() -> None:
    sidecar = up()
    with pytest.raises(LocalServerError, match="already up"):
        up(port=quiet_port())
    assert up(port=sidecar.port) == sidecar


@pytest.mark.usefixtures("kept", "default_port")
def test_death_while_starting_shows_the_log() -> None:
    datadir = up().datadir
    lifecycle.down()
    assert datadir is not None
    (datadir / "ibdata1").write_bytes(b"\0" * 4096)
    with pytest.raises(LocalServerError, match="ended while it was starting") as caught:
        up()
    assert any("[ERROR]" in line and "ibdata1" in line for line in caught.value.details)
    assert read_state() is None
    assert not list(folders().state.glob("init-*"))


@pytest.mark.usefixtures("home")
def test_a_folder_with_something_else_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("It was")
    with pytest.raises(LocalServerError, match="is not empty"):
        up(port=0, datadir=folder)
    assert [path.name for path in folder.iterdir()] == ["chapter1.tex"]


@pytest.mark.usefixtures("kept", "default_port")
def test_down_never_ends_a_stranger() -> None:
    """The number of a process is used again; the record of a dead server is not believed."""
    sidecar = up()
    lifecycle.down()
    with running([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        write_record(type(sidecar)(**{**vars(sidecar), "pid": stranger.pid}))
        assert read_state() is None
        assert lifecycle.down() is None
        assert stranger.poll() is None
        stranger.communicate(b"\n", timeout=LIMIT_S)
    assert stranger.returncode == 0


@pytest.mark.usefixtures("home")
@pytest.mark.thorough
def test_outlives_the_process_that_started_it() -> None:
    script = (
        "from sidecar_magics.local import lifecycle; "
        "lifecycle.up(backend='native', port=0, flavour='mysql')"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=LIMIT_S)
    sidecar = read_state()
    assert sidecar is not None
    assert sidecar.pid is not None
    assert os.getsid(sidecar.pid) == sidecar.pid
    assert query(sidecar, "SELECT 1") == ((1,),)


def test_mariadb(home: Path, mariadb_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "installed_engines", lambda: iter([mariadb_server.engine]))
    sidecar = up(port=0, flavour="mariadb", password=NASTY)
    assert sidecar.flavour == "mariadb"
    assert sidecar.datadir == home / "data" / "mariadb"
    assert query(sidecar, "SELECT CURRENT_USER()") == (("root@localhost",),)
    hosts = query(sidecar, "SELECT Host FROM mysql.global_priv WHERE User = 'root'")
    assert hosts == (("localhost",),)
    assert sidecar.datadir.stat().st_mode & 0o777 == 0o700
    program, option = str(lifecycle.status()).splitlines()[-1].split()
    (*client, _) = mariadb_server.client
    command = [*client, option, "-e", "SELECT 1"]
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
    assert program == "mariadb"
    record = json.loads((home / "state" / "sidecar.json").read_text())
    assert {**record, "started": True} == json.loads(json.dumps(asdict(sidecar), default=str))
