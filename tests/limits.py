"""What every test has: a limit, the usual signals, and a run that leaves nothing behind.

pytest-timeout ends a test by an alarm that raises in its main thread. Where that thread cannot be
reached, or what ends the test hangs as well, pytest itself is ended here.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests import guard

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds beyond a test's limit in which its fixtures can end what they have started.
FIXTURES_S = 300
# Seconds in which pytest ends once all tests have: a thread that was left may keep it.
EXIT_S = 120

ERRORS = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep a way to the terminal: where the second stream leads during a test, it would be lost."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        config.stash[ERRORS] = os.dup(2)
        return
    with capture.global_and_fixture_disabled():
        config.stash[ERRORS] = os.dup(2)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Let no thread that a test has left keep pytest from ending."""
    faulthandler.dump_traceback_later(EXIT_S, exit=True, file=config.stash[ERRORS])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test as from a shell's prompt, and end pytest if it does not end."""
    limit_s = limit_of(item)
    with usual_signals():
        if limit_s:
            errors = item.config.stash[ERRORS]
            faulthandler.dump_traceback_later(limit_s + FIXTURES_S, exit=True, file=errors)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session", autouse=True)
def _guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """End what the tests leave, also when pytest is killed."""
    folder = tmp_path_factory.getbasetemp()
    with guard.guarded(folder):
        yield
        left = guard.end(folder, grace_s=guard.FAREWELL_S)
    assert not left, f"the tests have left (killed now): {left}"


def pytest_enter_pdb() -> None:
    """Give who is debugging a test all the time of the world, as pytest-timeout does."""
    faulthandler.cancel_dump_traceback_later()


def limit_of(item: pytest.Item) -> float:
    """Return a test's limit in seconds, as pytest-timeout has it; 0 means that it has none."""
    mark = item.get_closest_marker("timeout")
    if mark is not None:
        return float(mark.args[0] if mark.args else mark.kwargs["timeout"])
    given = item.config.getoption("timeout", None)
    return float(item.config.getini("timeout") or 0) if given is None else float(given)


@contextlib.contextmanager
def usual_signals() -> Iterator[None]:
    """Have the signals that end a process end it, also where they are ignored or blocked.

    A shell starts what runs in the background with SIGINT ignored, and every process hands that on
    to those that it starts. SIGHUP is left alone: who ignores it wants the run to continue.
    """
    ending: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
    }
    ignored = [number for number in ending if signal.getsignal(number) is signal.SIG_IGN]
    blocked = signal.pthread_sigmask(signal.SIG_UNBLOCK, ending)
    for number in ignored:
        signal.signal(number, ending[number])
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
