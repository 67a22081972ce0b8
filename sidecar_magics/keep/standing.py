"""Keep as a process of its own, until SIGTERM or Ctrl-C: in a terminal, or in a server's pod."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import KeepError, SidecarError, printable
from ..wait import wait

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from ..load import Progress
    from .keeper import Keeper
    from .report import KeepStatus

# Time for a server to answer, before the state says that it does not.
WAIT_S = 60.0
RETRY_S = 15.0

KEPT, FAILED, ENDING, ENDED = "kept", "failed", "ending", "ended"


class Standing:
    """A process that keeps a server's data.

    Parameters
    ----------
    keeper : Keeper
        The keeper.
    complain : callable
        Called with what fails meanwhile.
    state : path, optional
        A file that is to have, in one word, how far this is: ``kept`` (restored, and kept from now
        on), ``failed`` (not yet: it keeps trying), ``ending``, ``ended``. Without one, the first
        failure is raised.
    """

    def __init__(
        self,
        keeper: Keeper,
        complain: Callable[[BaseException], None],
        *,
        state: str | os.PathLike[str] | None = None,
    ) -> None:
        self._keeper = keeper
        self._complain = complain
        self._state = None if state is None else Path(state)
        self._over = threading.Event()

    def begin(self, progress: Callable[[Progress], None] | None = None) -> KeepStatus:
        """Restore the kept data, if the server is new, and keep it from now on.

        Raises
        ------
        KeepError
            The state file cannot be written; or, without one, as `keep`.
        Interrupted
            SIGTERM, too, since the first process of a container would not hear it.
        """
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        status = self._begin(progress)
        # From here on an end is one with a last snapshot.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._over.set())
        return status

    def _begin(self, progress: Callable[[Progress], None] | None) -> KeepStatus:
        if self._state is None:
            return self._keeper.begin(progress)
        # Programs that read `failed` may be at work already, with half restored data.
        restores_again, said = not self._state.exists(), ""
        while True:
            try:
                wait(self._keeper.settings, timeout_s=WAIT_S)
                status = self._keeper.begin(progress, restores_again=restores_again)
            except SidecarError as error:
                restores_again = False
                self._note(FAILED)
                if str(error) != said:
                    self._complain(error)
                    said = str(error)
                time.sleep(RETRY_S)
            else:
                self._note(KEPT)
                return status

    def keep_on(self) -> None:
        """Keep until SIGTERM or Ctrl-C."""
        while not self._over.wait(1.0):
            problem = self._keeper.news()
            if problem is not None:
                self._complain(problem)

    def end(self) -> KeepStatus:
        """Make the last snapshot, and stop.

        Raises
        ------
        KeepError
            There is no last snapshot; those before are as they were.
        """
        self._note(ENDING)
        try:
            return self._keeper.end()
        finally:
            self._note(ENDED)

    def _note(self, state: str) -> None:
        if self._state is not None:
            try:
                self._state.write_text(f"{state}\n", encoding="utf-8")
            except OSError as error:
                raise KeepError(
                    f"{printable(str(self._state))} cannot be written: {error.strerror or error}.",
                    hint="name another file with --state.",
                ) from None
