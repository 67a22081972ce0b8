"""Keep the work in one server: at once, when asked, and by a thread from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .report import KeepStatus
from .thread import KeepThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..dump import DumpProgress
    from ..load import Progress
    from ..settings import ConnectionSettings
    from .keeping import Keeping
    from .policy import KeepPolicy


class Keeper:
    """The result of `keep`: work that is kept.

    Parameters
    ----------
    keeping : Keeping
        The server and the folder.
    """

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._thread: KeepThread | None = None

    @property
    def settings(self) -> ConnectionSettings:
        """Where the server is."""
        return self._keeping.settings

    @property
    def policy(self) -> KeepPolicy:
        """How it is kept."""
        return self._keeping.policy

    def act(
        self,
        action: str,
        name: str | None = None,
        *,
        restoring: Callable[[Progress], None] | None = None,
        dumping: Callable[[DumpProgress], None] | None = None,
    ) -> KeepStatus:
        """Carry out the action of a line.

        Parameters
        ----------
        action : {"begin", "now", "restore", "off", "status", "list"}
            The action.
        name : str, optional
            The snapshot to restore.
        restoring, dumping : callable, optional
            Called a few times a second.
        """
        if action == "begin":
            return self.begin(restoring)
        if action == "now":
            return self.now(dumping)
        if action == "restore":
            return self.restore(name or "", restoring)
        if action == "off":
            return self.off()
        return self.status(lists=action == "list")

    def begin(
        self,
        progress: Callable[[Progress], None] | None = None,
        *,
        restores_again: bool = True,
    ) -> KeepStatus:
        """Restore the newest snapshot if the server is new, and keep from now on.

        Parameters
        ----------
        progress : callable, optional
            Called with a `Progress` a few times a second, while a snapshot is restored.
        restores_again : bool, default True
            Repeat a half done restore; else refuse.

        Raises
        ------
        As `keep`.
        """
        restored = self._keeping.begin(progress, restores_again=restores_again)
        if self._thread is None or not self._thread.is_on:
            self._thread = KeepThread(self._keeping).start()
        return self.status(restored=restored)

    def now(self, progress: Callable[[DumpProgress], None] | None = None) -> KeepStatus:
        """Make a snapshot now, if anything has changed.

        Raises
        ------
        KeepError
            There is no new snapshot; those before are as they were.
        """
        made = self._keeping.now(progress)
        if self._thread is not None:
            self._thread.done_now(made)
        return self.status(made=made, was_asked=True)

    def restore(self, name: str, progress: Callable[[Progress], None] | None = None) -> KeepStatus:
        """Restore a snapshot, after a snapshot of the server's data.

        Raises
        ------
        KeepError
            There is none of this name, it is damaged, or the server refuses it.
        """
        restored = self._keeping.restore(name, progress)
        return self.status(restored=restored)

    def end(self) -> KeepStatus:
        """Make the last snapshot, unless ``at_exit_s`` is 0, and stop keeping.

        Raises
        ------
        KeepError
            There is no last snapshot; those before are as they were.
        """
        made = None
        try:
            if self.policy.at_exit_s:
                made = self._keeping.now(is_last=True)
        except BaseException:
            self.off()
            # Like a killed keeper: the last snapshot is missing.
            self._keeping.folder.become_keeper(self.settings.address)
            raise
        # Not before: a keeper that has not ended shows the next one that its last snapshot is
        # missing.
        self.off()
        return self.status(made=made, was_asked=bool(self.policy.at_exit_s))

    def off(self) -> KeepStatus:
        """Stop keeping; the snapshots stay."""
        self.stop()
        return self.status()

    def stop(self) -> None:
        """Stop keeping, without a look at the folder, which may be gone."""
        if self._thread is not None:
            self._thread.off()

    def news(self) -> Exception | None:
        """Return why keeping failed, if that has not been shown yet."""
        return None if self._thread is None else self._thread.news()

    def status(self, **just_now: Any) -> KeepStatus:
        """Return the snapshots, their folder, their keeper, and how often it looks."""
        thread = self._thread
        is_on = thread is not None and thread.is_on
        has_other = thread is None or not (is_on and thread.is_keeper)
        problem = thread.problem if thread is not None else None
        return KeepStatus(
            folder=str(self._keeping.folder.path),
            snapshots=self._keeping.snapshots(),
            is_on=is_on,
            keeper=self._keeping.folder.keeper() if has_other else None,
            every_s=self._keeping.policy.every_s,
            problem=problem.message if problem is not None else "",
            **just_now,
        )
