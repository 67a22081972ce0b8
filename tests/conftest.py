"""Fixtures for every test: the two real servers, and a real IPython shell."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from sidecar_magics.errors import LocalServerError
from tests.certificates import write_certificate
from tests.servers import (
    DATAJOINT_CIPHER,
    GIVEN,
    UNSYNCED,
    Server,
    given_address,
    given_server,
    needs_servers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest_plugins = ("tests.limits", "tests.sharing", "tests.surroundings", "tests.turns")


@pytest.fixture(scope="session")
def mysql_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a private MySQL that serves the whole session."""
    yield from _running("mysql", tmp_path_factory)


@pytest.fixture(scope="session")
def mariadb_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a private MariaDB that serves the whole session."""
    yield from _running("mariadb", tmp_path_factory)


@pytest.fixture
def mysql_server(mysql_process: Server) -> Iterator[Server]:
    """Yield the private MySQL, running and empty, for one test."""
    yield mysql_process.start()
    _tidy(mysql_process.start())


@pytest.fixture
def mariadb_server(mariadb_process: Server) -> Iterator[Server]:
    """Yield the private MariaDB, running and empty, for one test."""
    yield mariadb_process.start()
    _tidy(mariadb_process.start())


def _tidy(server: Server) -> None:
    server.restore_globals()  # first: a server that is read-only drops nothing
    server.drop_schemas()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a self-signed certificate and its key."""
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def weak_tls_server(
    certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Yield a server that has nothing but the cipher of datajoint/mysql."""
    options = (
        f"--ssl-cert={certificate[0]}",
        f"--ssl-key={certificate[1]}",
        f"--ssl-cipher={DATAJOINT_CIPHER}",
        "--tls-version=TLSv1.2",
    )
    yield from _running("mariadb", tmp_path_factory, options)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """Yield a shell of its own, without the user's files or environment."""
    for name in ("HOST", "PORT", "USER", "PASSWORD"):
        monkeypatch.delenv(f"SIDECAR_MYSQL_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    InteractiveShell.clear_instance()
    shell: Any = InteractiveShell.instance()
    shell.extension_manager.load_extension("sidecar_magics")
    yield shell
    end_shell(shell)
    InteractiveShell.clear_instance()


def end_shell(shell: Any) -> None:
    """End a shell now: at exit, each would collect garbage once more, for minutes in all."""
    atexit.unregister(shell.atexit_operations)
    shell.history_manager.end_session()
    if shell.history_manager.save_thread is not None:
        shell.history_manager.save_thread.stop()
    shell.history_manager.db.close()


def _running(
    flavour: str, tmp_path_factory: pytest.TempPathFactory, options: tuple[str, ...] = ()
) -> Iterator[Server]:
    if given_address() is not None and not options:
        given = given_server(tmp_path_factory.mktemp("given"))
        if given.flavour != flavour:
            pytest.skip(f"the server that {GIVEN} names is a {given.flavour}")
        yield given
        return
    try:
        folder = tmp_path_factory.mktemp(flavour)
        server = Server(flavour, folder, options=(*UNSYNCED, *options)).start()
    except LocalServerError as error:
        if needs_servers():
            raise
        pytest.skip(f"no {flavour} server: {error}")
    try:
        yield server
    finally:
        server.stop()
