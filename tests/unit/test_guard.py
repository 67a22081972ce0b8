"""A run of tests ends, and leaves nothing: tried with runs that hang, fail and are killed.

Their "servers" are processes that outlive their starter as servers do, in a session of their own.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests import guard
from tests.background import LIMIT_S, running, until
from tests.guard import MARK, end, guarded, guarded_folder, left_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
PYTHON = sys.executable

# What a test starts here: as a server, with nothing of pytest's environment but the data's folder.
SERVER = """
import os, sys

def start(folder, **environment):
    code = "import time; time.sleep(3600)"
    datadir = f"--datadir={folder}/data"
    variables = {"PATH": os.environ["PATH"], **environment}
    if "PYTHONPATH" in os.environ:
        variables["PYTHONPATH"] = os.environ["PYTHONPATH"]
    command = [sys.executable, "-c", code, datadir]
    return os.posix_spawn(sys.executable, command, variables, setsid=True)
"""
CONFTEST = """
pytest_plugins = ("tests.limits",)

def pytest_configure(config):
    from tests import guard, limits
    limits.FIXTURES_S, limits.EXIT_S = {fixtures_s}, {exit_s}
    guard.FAREWELL_S = {farewell_s}
"""
# Longer than any of these runs: only what hangs meets its limit, however slow the machine is.
NEVER_S = 3600


class Run:
    """A run of pytest over one file of tests.

    Attributes
    ----------
    folder : Path
        Its folder for temporary files.
    command : list of str
        How it is started.
    """

    def __init__(
        self,
        tmp_path: Path,
        code: str,
        *,
        fixtures_s: float = NEVER_S,
        exit_s: float = NEVER_S,
        farewell_s: float = guard.FAREWELL_S,
        workers: int = 0,
    ) -> None:
        self.place = tmp_path / "run"
        self.place.mkdir()
        self.folder = tmp_path / "temporary"
        self.place.joinpath("conftest.py").write_text(
            CONFTEST.format(fixtures_s=fixtures_s, exit_s=exit_s, farewell_s=farewell_s)
        )
        self.place.joinpath("server.py").write_text(SERVER)
        head = "import os, signal, threading, time\nimport pytest\nfrom server import start\n"
        self.place.joinpath("test_it.py").write_text(head + textwrap.dedent(code))
        self.place.joinpath("pytest.ini").write_text("[pytest]\n")
        self.command = [
            *(PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=prepend"),
            *(f"--timeout={NEVER_S}", f"--basetemp={self.folder}"),
        ]
        if workers:  # the first of several processes that share the tests
            pytest.importorskip("xdist")
            self.command += ["-n", str(workers)]
            self.folder /= "popen-gw0"

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
        return {**os.environ, "PYTHONPATH": path}

    def to_its_end(self, command: list[str] | None = None) -> tuple[int, str]:
        """Return its exit status, and what it says."""
        done = subprocess.run(
            self.command if command is None else command,
            cwd=self.place,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def run_of(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Yield what makes a run; whatever it has left is killed."""

    yield functools.partial(Run, tmp_path)
    end(tmp_path / "temporary")


def test_a_test_that_hangs_fails_and_its_fixtures_end(run_of: Callable[..., Run]) -> None:
    run = run_of(
        """
        @pytest.fixture
        def server():
            yield
            print("the fixture has ended")

        @pytest.mark.timeout(1, func_only=True)
        def test_hangs(server):
            threading.Event().wait()

        def test_other():
            pass
        """
    )
    status, said = run.to_its_end()
    assert status == 1, said
    assert "1 failed, 1 passed" in said
    assert "the fixture has ended" in said


@pytest.mark.parametrize(
    "hang",
    ["signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); time.sleep(3600)", "swallow()"],
    ids=["deaf", "stubborn"],
)
def test_a_test_that_does_not_hear_its_limit_ends_pytest(
    run_of: Callable[..., Run], hang: str
) -> None:
    run = run_of(
        f"""
        def swallow():
            while True:
                try:
                    time.sleep(3600)
                except BaseException:
                    pass

        @pytest.mark.timeout(1, func_only=True)
        def test_hangs(tmp_path):
            start(tmp_path)
            {hang}
        """,
        fixtures_s=1,
    )
    status, said = run.to_its_end()
    assert status == 1, said
    assert "Timeout" in said
    until(lambda: not left_by(run.folder))


def test_a_thread_that_is_left_keeps_nothing_from_ending(run_of: Callable[..., Run]) -> None:
    run = run_of(
        """
        def test_leaves_a_thread():
            threading.Thread(target=threading.Event().wait).start()
        """,
        exit_s=1,
    )
    status, said = run.to_its_end()
    assert status == 1, said
    assert "1 passed" in said


def test_what_a_test_leaves_is_killed_and_told(run_of: Callable[..., Run]) -> None:
    run = run_of(
        """
        def test_leaves_a_server(tmp_path):
            start(tmp_path)
        """,
        farewell_s=0,
    )
    status, said = run.to_its_end()
    assert status == 1, said
    assert "1 passed, 1 error" in said, said
    assert "the tests have left" in said
    assert not left_by(run.folder)


def test_what_multiprocessing_keeps_is_not_left(run_of: Callable[..., Run]) -> None:
    run = run_of(
        """
        import multiprocessing

        def test_starts_it():
            multiprocessing.get_context("spawn").Lock()
        """
    )
    status, said = run.to_its_end()
    assert status == 0, said
    until(lambda: not any(_has(each, str(run.folder)) for each in psutil.process_iter()))


def _has(process: psutil.Process, folder: str) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.environ().get(MARK) == folder)
    return False


@pytest.fixture
def _hangs_up() -> Iterator[None]:
    """Let SIGHUP end what is started, also where nohup has started us."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_hangs_up")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("workers", [0, 1], ids=["alone", "shared"])
def test_a_run_that_is_killed_leaves_nothing(
    run_of: Callable[..., Run], workers: int, number: int
) -> None:
    run = run_of(
        f"""
        def test_runs(tmp_path):
            start(tmp_path)
            # Not even by its data: a process that has the run's environment.
            start("elsewhere", {MARK}=os.environ["{MARK}"])
            time.sleep(3600)
        """,
        farewell_s=0,
        workers=workers,
    )
    # In a group of its own, of which all get the signal, as from a terminal.
    with running(
        run.command,
        cwd=run.place,
        env=run.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        until(lambda: len(left_by(run.folder)) == 2)
        os.killpg(process.pid, number)
        process.wait(LIMIT_S)
    until(lambda: not left_by(run.folder))


@pytest.mark.campaign  # execnet waits for fifteen seconds
def test_a_process_that_shares_the_tests_ends_when_its_starter_is_killed(
    run_of: Callable[..., Run],
) -> None:
    run = run_of(
        """
        def test_runs(tmp_path):
            start(tmp_path)
            time.sleep(3600)
        """,
        workers=1,
    )
    with running(
        run.command,
        cwd=run.place,
        env=run.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: left_by(run.folder))
        (worker,) = [each for each in psutil.Process(process.pid).children() if _works(each)]
        process.kill()
        process.wait(LIMIT_S)
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
    until(lambda: not left_by(run.folder))


def _works(process: psutil.Process) -> bool:
    return "sys.stdin.readline" in " ".join(process.cmdline())


@pytest.mark.thorough
def test_a_shared_test_that_does_not_hear_its_limit_fails_and_the_others_run(
    run_of: Callable[..., Run],
) -> None:
    run = run_of(
        """
        @pytest.mark.timeout(1, func_only=True)
        def test_hangs(tmp_path):
            start(tmp_path)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            time.sleep(3600)

        def test_other():
            pass
        """,
        fixtures_s=1,
        workers=1,
    )
    status, said = run.to_its_end()
    assert status == 1, said
    assert "Timeout" in said
    assert "crashed while running 'test_it.py::test_hangs'" in said
    assert "1 failed, 1 passed" in said
    until(lambda: not left_by(run.folder))


def test_signals_are_as_usual_where_they_were_ignored(run_of: Callable[..., Run]) -> None:
    run = run_of(
        """
        def test_interrupt():
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            command = "kill -INT $$; echo not reached"
            assert os.system(command) == signal.SIGINT
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        """
    )
    ignoring = ["sh", "-c", "trap '' INT TERM; exec \"$@\"", "sh", *run.command]
    status, said = run.to_its_end(ignoring)
    assert status == 0, said


def test_a_folder_outside_of_pytest_goes_with_its_processes(tmp_path: Path) -> None:
    code = """
        import os, sys, time
        from server import start
        from tests.guard import guarded_folder

        with guarded_folder() as folder:
            start(folder)
            print(folder, flush=True)
            time.sleep(3600)
    """
    tmp_path.joinpath("server.py").write_text(SERVER)
    path = os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))
    with running(
        [PYTHON, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().decode().strip())
        until(lambda: left_by(folder))
        process.kill()
        process.wait(LIMIT_S)
    until(lambda: not left_by(folder))
    until(lambda: not folder.exists())


def test_nothing_of_others_is_touched(tmp_path: Path) -> None:
    """A run's folder in other places of a command line, and a folder that only begins like it."""
    sleep = "import time; time.sleep(3600)"
    folder = tmp_path / "pytest-1"
    with contextlib.ExitStack() as stack:
        others = [
            stack.enter_context(running([PYTHON, "-c", sleep, *arguments], env=environment))
            for arguments, environment in (
                ((f"{folder}/server.log",), {}),
                ((f"--datadir={folder}2/data",), {}),
                ((), {MARK: f"{folder}2"}),
                ((), {"PWD": str(folder)}),
            )
        ]
        with guarded(folder):
            pass
        assert end(folder) == []
        assert all(each.poll() is None for each in others)


def test_nested_guards(tmp_path: Path) -> None:
    before = os.environ[MARK]
    with guarded_folder() as folder:
        assert os.environ[MARK] == str(folder)
        with guarded(tmp_path):
            assert os.environ[MARK] == str(tmp_path)
        assert os.environ[MARK] == str(folder)
        guards = [
            each
            for each in psutil.Process().children()
            if {str(folder), str(tmp_path)} & {*each.cmdline()}
        ]
        assert len(guards) == 1
        assert MARK not in guards[0].environ()
    assert os.environ[MARK] == before
    assert not folder.exists()
