"""What a test runs beside itself or waits for, each with a limit that is far beyond what it takes.

No limit here measures anything: each is for what does not end at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

# Seconds; less than a test's own limit, so that what has not ended is named.
LIMIT_S = 240.0
# Seconds for what runs beside a test that has failed: it may wait for what will not come any more.
FAREWELL_S = 5.0
LOOK_EVERY_S = 0.02
# What a process of Python's returns after Ctrl-C. The second is how CPython ends, whatever the
# program returns, if the interrupt went through an exec(), such as that of a dataclass that was
# just being imported; shells and kubelets show both as 130.
INTERRUPTED = (130, -signal.SIGINT)


def until(condition: Callable[[], T], *, limit_s: float = LIMIT_S) -> T:
    """Ask again and again until the answer is true, and return it.

    Raises
    ------
    AssertionError
        It is not within the limit.
    """
    deadline_s = time.monotonic() + limit_s
    while not (answer := condition()):
        assert time.monotonic() < deadline_s, f"not within {limit_s:g} s: {answer!r}"
        time.sleep(LOOK_EVERY_S)
    return answer


async def eventually(condition: Callable[[], T], *, limit_s: float = LIMIT_S) -> T:
    """Do as `until`, and let other tasks run meanwhile."""
    deadline_s = time.monotonic() + limit_s
    while not (answer := condition()):
        assert time.monotonic() < deadline_s, f"not within {limit_s:g} s: {answer!r}"
        await asyncio.sleep(LOOK_EVERY_S)
    return answer


@contextlib.contextmanager
def meanwhile(
    function: Callable[..., Any], *arguments: Any, limit_s: float = LIMIT_S, **options: Any
) -> Iterator[threading.Thread]:
    """Run a function in a thread as long as the body lasts; then wait for its end.

    Parameters
    ----------
    function : callable
        With the arguments that follow.
    limit_s : float
        Seconds that it gets, once the body has ended.

    Raises
    ------
    AssertionError
        It has not ended within the limit; the thread is left, and keeps nothing from ending.
    BaseException
        What the function has raised, unless the body has raised as well.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function(*arguments, **options)
        except BaseException as error:  # told where the thread is waited for
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield thread
    except BaseException:
        thread.join(FAREWELL_S)
        raise
    thread.join(limit_s)
    assert not thread.is_alive(), f"{function} has not ended within {limit_s:g} s"
    if raised:
        raise raised[0]


def at_once(*functions: Callable[[], Any], limit_s: float = LIMIT_S) -> None:
    """Run functions in threads, all at the same time, to their ends; see `meanwhile`."""
    with contextlib.ExitStack() as stack:
        for function in functions:
            stack.enter_context(meanwhile(function, limit_s=limit_s))


@contextlib.contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process, and see to it that it has ended after the body; it is killed if need be.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    **options
        Those of `subprocess.Popen`.
    """
    process: subprocess.Popen[bytes] = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait(LIMIT_S)
