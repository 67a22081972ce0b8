"""`sidecar-magics keep`: in a terminal, or beside a server in a pod."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.dump.snapshot import Asking
from sidecar_magics.errors import KeepError
from sidecar_magics.keep import Keeper, keep, standing
from sidecar_magics.keep.folder import KeepFolder
from sidecar_magics.keep.marker import Marker, write_marker
from sidecar_magics.keep.standing import Standing
from sidecar_magics.load import load
from tests.background import INTERRUPTED, running, until
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Server

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(os.name == "nt", reason="needs SIGTERM"),
]


@pytest.fixture
def command(mysql_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the beginning of the command; and have the server hold a table."""
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(mysql_server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", mysql_server.password)
    script = tmp_path / "lab.sql"
    script.write_text("CREATE DATABASE lab; CREATE TABLE lab.t (id INT PRIMARY KEY);")
    load(script, mysql_server.settings)
    return [sys.executable, "-m", "sidecar_magics.cli", "keep", "--folder", str(tmp_path / "kept")]


def said(command: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *words], check=False, timeout=120, capture_output=True, text=True
    )


def test_each_action(command: list[str], mysql_server: Server, tmp_path: Path) -> None:
    status = said(command, "--status").stdout
    assert "sidecar-magics keep starts that; 0 snapshots" in status  # no magic in a terminal
    assert "Kept 1 table in 1 schema" in said(command, "--now").stdout
    (snapshot,) = KeepFolder(tmp_path / "kept").snapshots()
    assert snapshot.name in said(command, "--list").stdout
    restored = said(command, "--restore", snapshot.name)
    assert "Restored 1 table in 1 schema" in restored.stdout
    assert restored.returncode == 0
    missing = said(command, "--restore", "x")
    assert missing.returncode == 1
    assert "There is no snapshot x." in missing.stderr
    assert said(command, "--off").returncode == 1
    assert said(command, "--now", "--quiet").stdout == ""
    mysql_server.drop_schemas()


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
from sidecar_magics.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.thorough
def test_a_disk_that_is_full_harms_nothing(
    command: list[str], mysql_server: Server, tmp_path: Path
) -> None:
    assert said(command, "--now").returncode == 0
    folder = KeepFolder(tmp_path / "kept")
    before = folder.snapshots()
    (tmp_path / "more.sql").write_text(
        "CREATE TABLE lab.big (id INT PRIMARY KEY, b LONGBLOB);"
        f"INSERT INTO lab.big VALUES (1, x'{os.urandom(300_000).hex()}');"
    )
    load(tmp_path / "more.sql", mysql_server.settings)
    limited = said([sys.executable, "-c", LIMITED, *command[3:]], "--now")
    assert limited.returncode == 1
    assert "cannot be written: File too large." in limited.stderr
    assert "is as it was" in limited.stderr
    assert folder.snapshots() == before
    assert {path.name for path in folder.path.iterdir() if path.is_dir()} == {before[0].name}
    assert "Kept 2 tables" in said(command, "--now").stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_keeps_until_it_is_stopped(
    command: list[str], mysql_server: Server, tmp_path: Path, number: int
) -> None:
    folder = KeepFolder(tmp_path / "kept")
    with running([*command, "--every", "0.001"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"1 snapshot in" in process.stdout.readline()
        assert folder.keeper() is not None
        process.send_signal(number)
        process.wait(60)
        assert process.returncode == 0
    assert folder.keeper() is None
    mysql_server.drop_schemas()
    with running([*command], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"Restored 1 table in 1 schema" in process.stdout.readline()
        (tmp_path / "more.sql").write_text("INSERT INTO lab.t VALUES (1);")
        load(tmp_path / "more.sql", mysql_server.settings)
        process.send_signal(number)
        process.wait(60)
    assert [each.rows for each in folder.snapshots()] == [1, 0], "once more at the end"


@pytest.mark.thorough
def test_a_killed_one_is_told(command: list[str], mysql_server: Server) -> None:
    """Until another one has kept a server to its end."""
    said(command, "--now")
    for expected in (False, True, False):
        mysql_server.drop_schemas()
        with running([*command], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert b"Restored 1 table" in process.stdout.readline()
            told = b"may be missing" in process.stdout.readline()
            assert told == expected
            assert ("may be missing" in said(command, "--status").stdout) == expected
            process.send_signal(signal.SIGTERM if expected else signal.SIGKILL)
            process.wait(60)


def test_a_container_is_told_to_end_before_the_server_answers(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its first process it would not hear SIGTERM by itself."""
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(quiet_port()))
    state = tmp_path / "state"
    with running([*command, "--state", str(state)], stderr=subprocess.PIPE) as process:
        # Its own way to take it is there as soon as it waits.
        until(lambda: _takes_sigterm(process.pid))
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode in INTERRUPTED
    assert not state.exists()


def _takes_sigterm(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (caught,) = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt")]
    return bool(caught >> (signal.SIGTERM - 1) & 1)


class Beside:
    """A process beside a server: what it complains of, and what then mends it."""

    def __init__(self, keeper: Keeper, state: Path, mend: Callable[[], object]) -> None:
        self.complaints: list[str] = []
        self.state = state
        self.mend = mend
        self.standing = Standing(keeper, self.complain, state=state)

    def complain(self, error: BaseException) -> None:
        assert self.state.read_text() == "failed\n"
        self.complaints.append(str(error))
        self.mend()


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a process beside a server be this one."""
    monkeypatch.setattr(standing, "RETRY_S", 0.01)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.thorough
def test_it_goes_on_trying(command: list[str], mysql_server: Server, tmp_path: Path) -> None:
    """Data that no snapshot holds is not touched; once a user has decided, it is kept."""
    said(command, "--now")
    mysql_server.drop_schemas()
    (tmp_path / "more.sql").write_text("INSERT INTO lab.t VALUES (1);")
    for name in ("lab.sql", "more.sql"):
        load(tmp_path / name, mysql_server.settings)
    keeper = keep(mysql_server.settings, begins=False, folder=tmp_path / "kept")
    beside = Beside(keeper, tmp_path / "state", lambda: said(command, "--now"))
    status = beside.standing.begin()
    assert status.is_on
    assert status.restored is None
    (complaint,) = beside.complaints
    assert "the server has data that it did not get from there" in complaint
    assert beside.state.read_text() == "kept\n"
    beside.standing.end()
    assert beside.state.read_text() == "ended\n"


@pytest.mark.usefixtures("signals")
@pytest.mark.thorough
def test_nobody_at_work_is_overrun(
    command: list[str], mysql_server: Server, tmp_path: Path
) -> None:
    """What is half restored is restored again only as long as the notebook has not started."""
    said(command, "--now")
    (snapshot,) = KeepFolder(tmp_path / "kept").snapshots()
    asking = Asking(mysql_server.settings)
    write_marker(asking, Marker("a", snapshot.name, is_restoring=True))
    asking.send(b"INSERT INTO lab.t VALUES (5)")
    asking.send(b"COMMIT")
    keeper = keep(mysql_server.settings, begins=False, folder=tmp_path / "kept")
    rows: list[object] = []

    def mend() -> None:
        rows.extend(asking.rows(b"SELECT id FROM lab.t"))
        said(command, "--restore", snapshot.name)

    beside = Beside(keeper, tmp_path / "state", mend)
    beside.state.write_text("late\n")
    assert beside.standing.begin().restored is None
    assert "is only half restored" in beside.complaints[0]
    assert len(rows) == 1, "the user's row was there until the user decided"
    asking.close()
    keeper.off()
    write_marker(again := Asking(mysql_server.settings), Marker("a", snapshot.name, True))
    again.close()
    beside.state.unlink()
    assert beside.standing.begin().restored is not None
    keeper.off()


@pytest.mark.thorough
def test_an_end_that_is_not_kept_is_told(
    command: list[str], mysql_server: Server, tmp_path: Path
) -> None:
    said(command, "--now")
    keeper = keep(mysql_server.settings, folder=tmp_path / "kept")
    write_marker(asking := Asking(mysql_server.settings), Marker("of another session"))
    asking.close()
    with pytest.raises(KeepError, match="is a new one, so it is not kept"):
        keeper.end()
    mysql_server.drop_schemas()
    again = keep(mysql_server.settings, begins=False, folder=tmp_path / "kept")
    assert again.status().keeper is not None, "by this very process, which has not ended"


@pytest.mark.usefixtures("signals")
def test_a_state_that_cannot_be_written(mysql_server: Server, tmp_path: Path) -> None:
    keeper = keep(mysql_server.settings, begins=False, folder=tmp_path / "kept")
    with pytest.raises(KeepError, match="state cannot be written: ") as caught:
        Standing(keeper, print, state=tmp_path / "missing" / "state").begin()
    assert "--state" in str(caught.value)
    keeper.off()
