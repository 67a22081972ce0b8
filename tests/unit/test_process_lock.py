"""Locks that end with their process, on file systems with locks and without."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.local import lifecycle
from sidecar_magics.process_lock import ProcessLock

if TYPE_CHECKING:
    from pathlib import Path

fcntl = pytest.importorskip("fcntl")


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let no file be locked, as on file systems that have no locks."""

    def missing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", missing)


def test_one_at_a_time(tmp_path: Path) -> None:
    first, second = ProcessLock(tmp_path / "a.lock"), ProcessLock(tmp_path / "a.lock")
    assert first.has_locks()
    assert first.acquire(0)
    assert not second.acquire(0.1)
    first.release()
    assert second.acquire(0)
    second.release()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from sidecar_magics.process_lock import ProcessLock;"
        "ProcessLock(pathlib.Path(sys.argv[1])).acquire(0); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "a.lock"
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    assert path.exists()
    lock = ProcessLock(path)
    assert lock.acquire(0)
    lock.release()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_where_there_are_no_locks_nobody_waits_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_locks(monkeypatch, number)
    first, second = ProcessLock(tmp_path / "a.lock"), ProcessLock(tmp_path / "a.lock")
    assert not first.has_locks()
    assert first.acquire(0)
    assert second.acquire(0)
    first.release()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ProcessLock(tmp_path / "gone" / "a.lock").acquire(0)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_up_and_down_need_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path))
    without_locks(monkeypatch, number)
    assert lifecycle.down() is None
    assert lifecycle.down() is None
    assert not list(tmp_path.rglob("sidecar.lock")), "which would stop the next one for ever"
