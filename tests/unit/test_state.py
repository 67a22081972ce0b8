"""The record of the sidecar that `up` started, without a server."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sidecar_magics.hints import Runtime, for_stage
from sidecar_magics.local.state import (
    LocalSidecar,
    folders,
    process_of,
    read_record,
    read_state,
    remove_record,
    write_record,
)
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.background import until

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def sidecar(tmp_path: Path) -> LocalSidecar:
    """A sidecar whose process is this one."""
    return LocalSidecar(
        host="127.0.0.1",
        port=3307,
        user="root",
        password="pä'ss\n",
        flavour="mysql",
        version="9.7.4",
        pid=os.getpid(),
        create_time_s=psutil.Process().create_time(),
        datadir=tmp_path / "data" / "mysql",
        log=tmp_path / "state" / "mysql.log",
        ephemeral=True,
    )


def test_nothing_recorded() -> None:
    assert read_state() is None
    assert read_record() is None
    remove_record()


def test_written_and_read(sidecar: LocalSidecar, home: Path) -> None:
    write_record(sidecar)
    assert read_state() == sidecar
    (file,) = (home / "state").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    remove_record()
    assert read_state() is None


def test_started_is_not_recorded(sidecar: LocalSidecar) -> None:
    write_record(replace(sidecar, started=True))
    record = read_record()
    assert record is not None
    assert not record.started


@pytest.mark.parametrize(
    "change",
    [
        lambda sidecar: replace(sidecar, create_time_s=sidecar.create_time_s - 60),
        lambda sidecar: replace(sidecar, pid=2**22 + 1),
        lambda sidecar: replace(sidecar, pid=None),
    ],
    ids=["pid used again", "no such process", "not ours"],
)
def test_process_is_not_the_recorded_one(
    sidecar: LocalSidecar, change: Callable[[LocalSidecar], LocalSidecar]
) -> None:
    stale = change(sidecar)
    write_record(stale)
    assert read_state() is None
    assert process_of(stale) is None
    assert read_record() == stale


def test_ended_but_not_waited_for(sidecar: LocalSidecar) -> None:
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit"], {})
    until(lambda: os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG))
    created_s = psutil.Process(pid).create_time()
    assert process_of(replace(sidecar, pid=pid, create_time_s=created_s)) is None
    os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": 1}', "null", "\0"])
def test_damaged_record_counts_as_none(home: Path, text: str) -> None:
    (home / "state").mkdir()
    (home / "state" / "sidecar.json").write_text(text)
    assert read_state() is None


def test_failed_write_keeps_the_old_record(
    sidecar: LocalSidecar, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_record(sidecar)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            write_record(replace(sidecar, port=1))
    assert read_record() == sidecar
    assert len(list((home / "state").iterdir())) == 1


def test_password_is_not_in_the_repr(sidecar: LocalSidecar) -> None:
    assert "pä" not in repr(sidecar)
    assert str(sidecar) == "MySQL 9.7.4 at 127.0.0.1:3307"


def test_folders(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert folders() == (home / "cache", home / "data", home / "state")
    monkeypatch.delenv("SIDECAR_MAGICS_HOME")
    assert len(set(folders())) == 3
    assert all("sidecar-magics" in str(folder) for folder in folders())


@pytest.mark.parametrize("where", [Runtime.CONTAINER, Runtime.NATIVE, Runtime.DOCKER])
def test_a_server_of_up_that_is_stopped_is_said_to_be_so(
    sidecar: LocalSidecar, home: Path, monkeypatch: pytest.MonkeyPatch, where: Runtime
) -> None:
    monkeypatch.setattr("sidecar_magics.hints.place", lambda: where)
    record = replace(sidecar, pid=None, datadir=home, ephemeral=False)
    write_record(record)
    settings = ConnectionSettings("127.0.0.1", 3306, "root", Secret("x"))
    assert "it is stopped, its data remain" in for_stage("port", None, settings)
    assert "stopped" not in for_stage("port", None, replace(settings, host="db.example"))
    write_record(replace(record, datadir=home / "gone"))
    assert "is stopped" not in for_stage("port", None, settings)


def test_how_a_wrong_password_is_left_out(sidecar: LocalSidecar) -> None:
    write_record(sidecar)
    settings = ConnectionSettings("127.0.0.1", sidecar.port, "root", Secret("wrong"))
    source = {"password": "environment SIDECAR_MYSQL_PASSWORD"}
    hint = for_stage("login", 1045, replace(settings, sources=source))
    assert 'del os.environ["SIDECAR_MYSQL_PASSWORD"]` in a cell' in hint
    assert "`unset SIDECAR_MYSQL_PASSWORD`" in hint
    assert "tutorial-password" not in hint
    hint = for_stage("login", 1045, replace(settings, sources={"password": "~/.my.cnf [client]"}))
    assert hint.startswith("leave out the password, which is from: ~/.my.cnf [client]; ")
