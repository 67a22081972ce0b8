"""Keep the data of one server in one folder: each step once, on demand of `keeper`."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..dump.snapshot import Asking
from ..errors import KeepError, printable, shown
from ..load.journal import loads, tables
from ..load.reporting.failures import is_lost
from ..server import pymysql_errors
from .choice import REFUSALS, Choice, FirstStep, choose
from .folder import LOCK_WAIT_S, KeepFolder, unwritable
from .marker import Marker, has_data, new_marker, read_marker, schemas_of_user, write_marker
from .restoring import restore
from .saving import exchanged, is_kept, save

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ..dump import DumpProgress
    from ..load import LoadReport, Progress
    from ..settings import ConnectionSettings
    from .manifest import Manifest
    from .policy import KeepPolicy

# Held on the server while its data is restored: also against keepers with another folder.
_LOCK = b"'sidecar_magics.keep'"


@dataclass
class Restored:
    """A snapshot that was restored.

    Parameters
    ----------
    snapshot : Manifest
        The snapshot.
    report : LoadReport
        Of its load.
    earlier : Manifest or None
        The snapshot of the server's earlier data, made before.
    was_killed : bool
        Whether the keeper before was killed, so that its last snapshot may be missing.
    """

    snapshot: Manifest
    report: LoadReport
    earlier: Manifest | None = None
    was_killed: bool = False


class Keeping:
    """The data of one server, and the folder in which it is kept.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    policy : KeepPolicy
        How it is kept.

    Raises
    ------
    SettingsError
        The server is on another machine, and that was not allowed.
    """

    def __init__(self, settings: ConnectionSettings, policy: KeepPolicy) -> None:
        self.settings = settings
        self.policy = policy
        self.folder = KeepFolder(policy.folder_for(settings))
        # The identity of the kept data, once known.
        self._data_id: str | None = None

    def snapshots(self) -> list[Manifest]:
        """Return the snapshots that there are, the newest first."""
        return self.folder.snapshots()

    def begin(
        self,
        progress: Callable[[Progress], None] | None = None,
        *,
        restores_again: bool = True,
    ) -> Restored | None:
        """Restore the newest snapshot, if the server is new; else continue with its data.

        Parameters
        ----------
        progress : callable, optional
            Called with a `Progress` a few times a second, while a snapshot is restored.
        restores_again : bool, default True
            Repeat a half done restore; else refuse.

        Raises
        ------
        KeepError
            The server has data that is not from the newest snapshot; it is half restored, and
            `restores_again` is false; or as `restore`.
        """
        self.folder.make()
        with self._asking() as asking:
            marker, choice = self._choice(asking)
            if marker is not None and choice.step is FirstStep.CONTINUE and not marker.is_restoring:
                self._data_id = marker.data_id
                return None
        with self.folder.writing(), self._asking(is_alone=True) as asking:
            marker, choice = self._choice(asking)
            if marker is not None and marker.is_restoring and not restores_again:
                raise _half_restored(marker)
            drops: list[str] = []
            if choice.step in REFUSALS and is_kept(
                self.settings, self.folder, force=self.policy.force
            ):
                # Nothing is lost: the data is in a snapshot, such as an operator's own tables.
                drops = schemas_of_user(asking)
            else:
                self._refuse(choice)
            if marker is None:
                self.folder.check_newest(choice.snapshot)
            is_new = marker is None
            marker = marker or new_marker()
            self._data_id = marker.data_id
            if choice.snapshot is None or choice.step is FirstStep.CONTINUE:
                write_marker(asking, marker._replace(is_restoring=False))
                if is_new and has_data(asking):
                    self._save(marker, is_first=True)
                return None
            was_killed = self.folder.was_keeper_killed()
            report = self._restore(asking, choice.snapshot, marker, progress, drops=drops)
            self.folder.lost_after = choice.snapshot.made if was_killed else 0.0
            return Restored(choice.snapshot, report, was_killed=was_killed)

    def now(
        self,
        progress: Callable[[DumpProgress], None] | None = None,
        *,
        is_automatic: bool = False,
        is_last: bool = False,
    ) -> Manifest | None:
        """Make a snapshot, if anything has changed; remove those that are too old.

        Parameters
        ----------
        progress : callable, optional
            Called with a `DumpProgress` a few times a second.
        is_automatic : bool, default False
            Whether no user asked for it: then it blocks no connection, waits for no load, and
            refuses data other than the data it began with.
        is_last : bool, default False
            Whether the server is about to end: then it waits for no load either, and refuses the
            same.

        Returns
        -------
        Manifest or None
            The snapshot; None if there is nothing new.

        Raises
        ------
        KeepError
            There is no new snapshot; those before are as they were.
        ServerNotReadyError, AccessError
            There is no connection.
        """
        self.folder.make()
        with self.folder.writing(), self._asking() as asking:
            marker, choice = self._choice(asking)
            if is_automatic or is_last:
                self._check_same(marker, choice)
            if is_automatic and _is_loading(asking):
                return None
            if marker is not None and marker.is_restoring:
                raise _half_restored(marker)
            if marker is None:
                marker = new_marker()
                write_marker(asking, marker)
            self._data_id = marker.data_id
            made = self._save(marker, in_place=is_automatic, progress=progress)
            self.folder.tidy(self.policy.last)
            return made

    def restore(self, name: str, progress: Callable[[Progress], None] | None = None) -> Restored:
        """Restore a snapshot, after a snapshot of the server's data.

        Parameters
        ----------
        name : str
            Its name.
        progress : callable, optional
            Called with a `Progress` a few times a second.

        Raises
        ------
        KeepError
            There is none of this name; it is damaged; the server's data cannot be kept first: then
            nothing was changed. Or as `restoring.restore`.
        """
        self.folder.make()
        with self.folder.writing(), self._asking(is_alone=True) as asking:
            snapshot = self.folder.snapshot(name)
            found = read_marker(asking)
            marker = found or new_marker()
            self._data_id = marker.data_id
            earlier = None
            if has_data(asking) and not marker.is_restoring:
                if found is None:  # a snapshot is of data that has its mark
                    write_marker(asking, marker)
                earlier = self._save(marker)
            report = self._restore(asking, snapshot, marker, progress)
            # The newest one must have the server's data.
            self._save(marker)
            self.folder.tidy(self.policy.last)
            return Restored(snapshot, report, earlier)

    # -------------------------------------------------------------------------------------------

    def _save(self, marker: Marker, **options: Any) -> Manifest | None:
        force = self.policy.force
        return save(self.settings, self.folder, marker.data_id, force=force, **options)

    def _restore(
        self,
        asking: Asking,
        snapshot: Manifest,
        marker: Marker,
        progress: Callable[[Progress], None] | None,
        *,
        drops: Collection[str] = (),
    ) -> LoadReport:
        return restore(
            self.settings,
            asking,
            self.folder,
            snapshot,
            marker,
            drops=drops,
            yes_remote=self.policy.yes_remote,
            progress=progress,
        )

    def _choice(self, asking: Asking) -> tuple[Marker | None, Choice]:
        marker = read_marker(asking)
        return marker, choose(marker, self.folder.snapshots(), has_data=has_data(asking))

    def _refuse(self, choice: Choice) -> None:
        if choice.snapshot is None:
            return
        if choice.step is FirstStep.REFUSE_UNKNOWN:
            why = "has data that it did not get from there"
        elif choice.step is FirstStep.REFUSE_OTHER:
            why = "has older data, of another session"
        else:
            return
        name = printable(choice.snapshot.name)
        raise KeepError(
            f"There is a snapshot of {choice.snapshot.when}, and the server {why}.",
            details=["Nothing was restored, and nothing is kept from now on."],
            hint=f"`%mysql_keep --restore {name}` takes the snapshot, after one of what the server "
            "has; `%mysql_keep --now` makes the server's data the newest snapshot.",
        )

    def _check_same(self, marker: Marker | None, choice: Choice) -> None:
        """Refuse data other than the data this began with, or older than the newest snapshot."""
        if marker is None or marker.data_id != self._data_id:
            raise exchanged(self.settings)
        self._refuse(choice)
        if choice.step is not FirstStep.CONTINUE:
            raise KeepError(
                "What the server has is not what was kept last, so it is not kept.",
                hint="run %mysql_keep to restore what was kept.",
            )

    @contextlib.contextmanager
    def _asking(self, *, is_alone: bool = False) -> Iterator[Asking]:
        """Yield a connection; with `is_alone` under a lock against other restores."""
        asking = Asking(self.settings)
        try:
            if is_alone:
                self._be_alone(asking)
            yield asking
        except pymysql_errors() as error:
            if isinstance(error, OSError) and not isinstance(
                error, (ConnectionError, TimeoutError)
            ):
                raise unwritable(self.folder.path, error) from None
            if not is_lost(error):
                raise KeepError(
                    f"The server at {self.settings.address} refuses (error {error.args[0]}): "
                    f"{shown(error.args[-1])}."
                ) from None
            raise KeepError(
                f"The server at {self.settings.address} is gone: {shown(error.args[-1])}.",
                hint="run %mysql_wait until it answers, then %mysql_keep.",
            ) from None
        finally:
            asking.close()

    def _be_alone(self, asking: Asking) -> None:
        ends_at = time.monotonic() + LOCK_WAIT_S
        while asking.value(b"SELECT GET_LOCK(%s, 1)" % _LOCK) != "1":
            if time.monotonic() > ends_at:
                raise KeepError(
                    f"Another process has been restoring into {self.settings.address} for "
                    f"{LOCK_WAIT_S:.0f} s.",
                    hint="wait until it is done, and run %mysql_keep again.",
                )


def _half_restored(marker: Marker) -> KeepError:
    return KeepError(
        f"The snapshot {printable(marker.snapshot)} is only half restored, so this is not kept.",
        hint="run %mysql_keep to restore it anew, or --restore another one.",
    )


def _is_loading(asking: Asking) -> bool:
    """Return whether a load is under way that is noted in the journal."""
    if not tables.exists(asking.rows):
        return False
    return any(row[2] is not None for row in asking.rows(loads.UNFINISHED.encode()))
