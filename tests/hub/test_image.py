"""hub-config/image: its scripts on a real MySQL, without a container."""

from __future__ import annotations

import gzip
import os
import shlex
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sidecar_magics import mysql_wait
from sidecar_magics.connection import connect_now
from sidecar_magics.local.program import unpacked_program
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.guard import MARK
from tests.hub.values import HUB_CONFIG
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.servers import Server

IMAGE = HUB_CONFIG / "image"
FIRST_DUMP = (
    "CREATE SCHEMA tutorial; CREATE TABLE tutorial.t (i INT); INSERT INTO tutorial.t VALUES (1);"
)
SECOND_DUMP = "INSERT INTO tutorial.t VALUES (2);"
START_S = 60


@pytest.fixture(scope="module")
def programs(mysql_process: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which ``mysqld`` and ``mysql`` are commands, as in the image."""
    engine, folder = mysql_process.engine, tmp_path_factory.mktemp("bin")
    root = engine.program.root
    assert root is not None
    needed = [
        option
        for option in engine._common(Path())
        if not option.startswith(("--no-defaults", "--datadir"))
    ]
    needed.append("--secure-file-priv=NULL")  # the folder that it would be is in the image only
    for name, command, options in (
        ("mysqld", engine.program.command(), needed),
        ("mysql", unpacked_program(root, "mysql").command(), []),
    ):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@" {shlex.join(options)}\n')
        script.chmod(0o755)
    mark = {MARK: os.environ[MARK]}
    return {"PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder), **mark}


class BuildError(Exception):
    """The first data could not be made."""


def build(programs: Mapping[str, str], folder: Path, dumps: Mapping[str, bytes]) -> Path:
    """Make the first data, as the Dockerfile does."""
    made = folder / "made"
    made.mkdir()
    (folder / "dumps").mkdir()
    for name, content in dumps.items():
        (folder / "dumps" / name).write_bytes(content)
    # Not a pipe: a server that was left running would keep it open.
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            ["bash", IMAGE / "initialise.sh", made, folder / "dumps"],
            env=dict(programs),
            check=False,
            stdout=log,
            stderr=log,
            timeout=300,
        )
    if done.returncode:
        raise BuildError((folder / "log").read_text()[-1000:])
    return made


@pytest.fixture(scope="module")
def made(programs: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    packed = gzip.compress(SECOND_DUMP.encode())
    dumps = {"1.sql": FIRST_DUMP.encode(), "2.sql.gz": packed, "README.md": b"not SQL"}
    return build(programs, tmp_path_factory.mktemp("image"), dumps)


def run(programs: Mapping[str, str], *arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    """Start what a container of the image starts."""
    return subprocess.Popen(
        ["bash", IMAGE / "entrypoint.sh", *arguments],
        env={**programs, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


class ImageContainer:
    """A container of the image: the made data, and a volume."""

    def __init__(self, programs: Mapping[str, str], made: Path, volume: Path) -> None:
        volume.mkdir()
        self.volume = volume
        self._programs = programs
        self._made = made

    @contextmanager
    def running(self, password: str = "tutorial") -> Iterator[ConnectionSettings]:
        """Start it, wait for it, and stop it as a kubelet does; it ends well."""
        settings = ConnectionSettings("127.0.0.1", quiet_port(), "root", Secret(password))
        process = run(
            self._programs,
            *("mysqld", "--no-defaults", f"--datadir={self.volume}", f"--port={settings.port}"),
            *("--bind-address=127.0.0.1", "--loose-mysqlx=OFF", "--skip-log-bin"),
            *(f"--socket={self.volume}/s", f"--pid-file={self.volume}/p"),
            SIDECAR_MYSQL_MADE=str(self._made),
            SIDECAR_MYSQL_DATA=str(self.volume),
            MYSQL_ROOT_PASSWORD=password,
        )
        try:
            mysql_wait(settings, timeout_s=START_S)
            assert password not in Path(f"/proc/{process.pid}/cmdline").read_text()
            yield settings
        finally:
            process.terminate()
            process.communicate(timeout=START_S)
        assert process.returncode == 0


@pytest.fixture
def sidecar(programs: dict[str, str], made: Path, tmp_path: Path) -> ImageContainer:
    return ImageContainer(programs, made, tmp_path / "volume")


def ask(settings: ConnectionSettings, sql: str) -> list[object]:
    with connect_now(settings) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        connection.commit()
        return [row[0] for row in cursor.fetchall()]


@pytest.mark.thorough
def test_the_dumps_are_in_it_in_their_order(sidecar: ImageContainer) -> None:
    with sidecar.running() as settings:
        assert ask(settings, "SELECT i FROM tutorial.t ORDER BY i") == [1, 2]


@pytest.mark.thorough
def test_no_two_pods_are_the_same_server(
    programs: dict[str, str], made: Path, tmp_path: Path
) -> None:
    pods = [ImageContainer(programs, made, tmp_path / name) for name in ("one", "other")]
    uuids, keys = [], []
    for pod in pods:
        with pod.running() as settings:
            uuids += ask(settings, "SELECT @@server_uuid")
        keys.append((pod.volume / "server-key.pem").read_bytes())
    assert uuids[0] != uuids[1]
    assert keys[0] != keys[1]


@pytest.mark.thorough
def test_the_password_follows_and_the_data_stays(sidecar: ImageContainer) -> None:
    with sidecar.running() as settings:
        ask(settings, "CREATE SCHEMA mine")
    for password in (r"""it's \ a "$(id)" `id` \' -- password""", "pässwörd"):
        with sidecar.running(password) as settings:
            assert ask(settings, "SHOW SCHEMAS LIKE 'mine'") == ["mine"]


@pytest.mark.parametrize("last_file", ["mysql.ibd.part", None])
@pytest.mark.thorough
def test_a_copy_that_was_cut_short_is_made_again(
    sidecar: ImageContainer, last_file: str | None
) -> None:
    (sidecar.volume / "ibdata1").write_bytes(b"half")
    (sidecar.volume / "tutorial").mkdir()
    if last_file:
        (sidecar.volume / last_file).write_bytes(b"half")
    with sidecar.running() as settings:
        assert ask(settings, "SELECT COUNT(*) FROM tutorial.t") == [2]


@pytest.mark.parametrize(
    ("password", "message"), [("", "is not set"), ("two\nlines", "has a line break")]
)
def test_passwords_that_cannot_be(
    programs: dict[str, str], made: Path, tmp_path: Path, password: str, message: str
) -> None:
    variables = {"SIDECAR_MYSQL_MADE": str(made), "SIDECAR_MYSQL_DATA": str(tmp_path)}
    process = run(programs, "mysqld", MYSQL_ROOT_PASSWORD=password, **variables)
    _, errors = process.communicate(timeout=START_S)
    assert process.returncode == 1
    assert message in errors.decode()
    assert "two" not in errors.decode()


def test_other_commands_are_run_as_they_are(programs: dict[str, str]) -> None:
    """As the container that gives the folder to MySQL, in the persistent files."""
    output, _ = run(programs, "sh", "-c", "echo $0; exit 3", "here").communicate(timeout=START_S)
    assert output == b"here\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("bad.sql", b"NOT SQL;", "1064"),
        ("cut.sql.gz", gzip.compress(b"SELECT 1;", mtime=0)[:-9], "gzip"),
    ],
    ids=["no SQL", "cut short"],
)
@pytest.mark.thorough
def test_a_dump_that_fails_ends_the_build_and_the_server(
    programs: dict[str, str], tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    with pytest.raises(BuildError, match=says):
        build(programs, tmp_path, {name: content})
    assert all(_ends(process) for process in psutil.process_iter() if _is_of(process, tmp_path))


def _is_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return any(str(folder) in argument for argument in process.cmdline())
    except psutil.Error:
        return False


def _ends(process: psutil.Process) -> bool:
    """Return whether a process that was told to end does so."""
    try:
        process.wait(START_S)
    except psutil.TimeoutExpired:
        process.kill()
        return False
    return True
