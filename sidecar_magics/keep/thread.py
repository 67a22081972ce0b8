"""The thread that keeps the server's data: every few minutes, and when the process ends.

It is started early, because an interpreter that ends starts no threads (Python 3.12). So it also
makes the last snapshot, on one connection, and the end waits some seconds for it. SIGTERM, which
Jupyter sends 2.5 seconds after its request, is ignored meanwhile.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from ..errors import KeepError, SidecarError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .keeping import Keeping
    from .manifest import Manifest

# How often the second keeper of a folder looks whether the first one is gone.
TAKE_OVER_S = 15.0
# Long looks come less often: they slow down the server that the user works with.
PAUSE_PER_WORK = 20.0


class KeepThread:
    """Keeps one server's data in one folder, every few minutes and when the process ends.

    Of several processes one does it; the others take over when it ends.

    Parameters
    ----------
    keeping : Keeping
        The server and the folder; begun already.

    Attributes
    ----------
    problem : SidecarError or None
        Why the last attempt failed; None if it did not.
    last : Manifest or None
        The last snapshot that it made.
    """

    def __init__(self, keeping: Keeping) -> None:
        self.keeping = keeping
        self.problem: SidecarError | None = None
        self.last: Manifest | None = None
        self._is_ours = False
        self._is_over = False
        self._wants_last_one = False
        self._is_shown = True
        self._change = threading.Condition()
        self._next_s = time.monotonic() + keeping.policy.every_s
        self._pid = os.getpid()
        # Made now: an interpreter that ends starts no threads (Python 3.12).
        self._thread = threading.Thread(target=self._run, name="sidecar-magics-keep", daemon=True)

    def start(self) -> KeepThread:
        """Begin; the first look is after the interval."""
        self._take_over()
        self._thread.start()
        atexit.register(self._at_exit)
        return self

    @property
    def is_keeper(self) -> bool:
        """Whether this process keeps, and not another one."""
        return self._is_ours

    @property
    def is_on(self) -> bool:
        """Whether it still runs."""
        return not self._is_over

    def off(self) -> None:
        """Stop keeping; the snapshots stay."""
        atexit.unregister(self._at_exit)
        self._end(wants_last_one=False, limit_s=self.keeping.policy.at_exit_s)

    def done_now(self, made: Manifest | None) -> None:
        """Note that a snapshot was just made in another thread, and nothing else is due."""
        with self._change:
            self.last = made or self.last
            self.problem = None
            self._next_s = time.monotonic() + self.keeping.policy.every_s
            self._change.notify_all()

    def news(self) -> SidecarError | None:
        """Return the problem that was not shown yet, if there is one."""
        if self._is_shown:
            return None
        self._is_shown = True
        return self.problem

    # The thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._is_over and time.monotonic() < self._due_s():
                    self._change.wait(max(0.0, self._due_s() - time.monotonic()))
                is_over, wants_last_one = self._is_over, self._wants_last_one
            if is_over and not wants_last_one:
                break
            if self._is_ours or self._take_over():
                self._keep()
            if is_over:
                break
        if self._is_ours:
            self._is_ours = False
            self.keeping.folder.stop_keeping()

    def _due_s(self) -> float:
        return self._next_s

    def _take_over(self) -> bool:
        self._is_ours = self.keeping.folder.become_keeper(self.keeping.settings.address)
        if not self._is_ours:
            self._next_s = time.monotonic() + min(TAKE_OVER_S, self.keeping.policy.every_s)
        return self._is_ours

    def _keep(self) -> None:
        began_s = time.monotonic()
        try:
            made = self.keeping.now(is_automatic=True)
        except SidecarError as error:
            self._fail(error)
        except Exception as error:  # a thread has no caller to raise it to
            self._fail(KeepError(f"Nothing was kept: {type(error).__name__}: {error}."))
        else:
            self.last, self.problem = made or self.last, None
        now_s = time.monotonic()
        pause_s = max(self.keeping.policy.every_s, (now_s - began_s) * PAUSE_PER_WORK)
        self._next_s = now_s + pause_s

    def _fail(self, error: SidecarError) -> None:
        # The same again is no news.
        self._is_shown = self.problem is not None and self.problem.args == error.args
        self.problem = error

    # The end -------------------------------------------------------------------------------------

    def _at_exit(self) -> None:
        limit_s = self.keeping.policy.at_exit_s
        if os.getpid() != self._pid or not limit_s:  # a fork that ends is not the kernel
            return
        with _deaf_to_sigterm():
            self._end(wants_last_one=True, limit_s=limit_s)

    def _end(self, *, wants_last_one: bool, limit_s: float) -> None:
        with self._change:
            self._is_over, self._wants_last_one = True, wants_last_one
            self._change.notify_all()
        self._thread.join(limit_s)


@contextlib.contextmanager
def _deaf_to_sigterm() -> Iterator[None]:
    """Ignore SIGTERM, which Jupyter sends in the midst of a kernel's end; SIGKILL follows."""
    before: Callable[..., Any] | int | None = None
    with contextlib.suppress(ValueError):  # not in the main thread
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
