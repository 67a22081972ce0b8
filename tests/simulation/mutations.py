"""Faults that the loader had, put back in: the simulation must find each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from sidecar_magics.load.journal.bookkeeping import Bookkeeping
from sidecar_magics.load.journal.pieces import Journal, Note
from sidecar_magics.load.running import lane, streaming
from sidecar_magics.load.running.context import LoadContext
from sidecar_magics.load.running.lane import Lane
from sidecar_magics.load.running.numbering import Numbering
from sidecar_magics.load.running.operations import Take
from sidecar_magics.load.running.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sidecar_magics.load.journal.pieces import NotedPiece
    from sidecar_magics.load.planning.tasks import Task
    from sidecar_magics.load.running.operations import Replies, Work


@contextmanager
def notes_without_what_is_pending() -> Iterator[None]:
    """A piece is noted, and the definitions that it needs are not: --resume lost rows."""
    whole = Journal.note

    def note(self: Journal, pieces: Iterable[NotedPiece] = ()) -> Note:
        pieces = list(pieces)
        if not pieces:
            return whole(self)
        pending, self._pending = self._pending, {}
        try:
            return whole(self, pieces)
        finally:
            self._pending = pending

    with mock.patch.object(Journal, "note", note):
        yield


@contextmanager
def asks_with_something_uncommitted() -> Iterator[None]:
    """A lane looks at a table while its own locks keep others waiting: the load hung."""
    look = Lane._look_at_table

    def look_at_table(self: Lane, task: Task) -> Work[None]:
        batch, self._batch = self._batch, []
        try:
            yield from look(self, task)
        finally:
            self._batch = batch

    with mock.patch.object(Lane, "_look_at_table", look_at_table):
        yield


@contextmanager
def a_failed_task_keeps_its_locks() -> Iterator[None]:
    """What stands before a refused statement waits for it: the load hung."""

    def fail(self: Scheduler, task: Task) -> None:
        if self._failed is None or task.number < self._failed.number:
            self._failed = task

    with mock.patch.object(Scheduler, "fail", fail):
        yield


@contextmanager
def a_lane_ends_with_a_refusal() -> Iterator[None]:
    """Lanes that are needed for what comes before a refused statement are gone: the load hung."""

    class Gone(Exception):
        """Take the lane away."""

    fail = LoadContext.fail

    def fail_and_go(self: LoadContext, task: Task, error: BaseException) -> None:
        fail(self, task, error)
        raise Gone

    with (
        mock.patch.object(LoadContext, "fail", fail_and_go),
        mock.patch.object(LoadContext, "lose", return_value=None),
    ):
        yield


@contextmanager
def a_lane_waits_with_a_transaction() -> Iterator[None]:
    """A lane waits for a task although its locks keep others waiting: the load hung."""

    def take(*, wait: bool) -> Take:
        del wait
        return Take(wait=True)

    with mock.patch.object(lane, "Take", take):
        yield


@contextmanager
def a_refused_set_changes_the_session() -> Iterator[None]:
    """A SET is not tried where it stands: its refusal was noticed late, or not at all."""
    with mock.patch("sidecar_magics.load.running.set_trial.Trial.takes", return_value=True):
        yield


@contextmanager
def warnings_of_load_data_are_not_looked_at() -> Iterator[None]:
    """What LOAD DATA stored in another way stays."""
    counts = streaming._counts

    def without_warnings(files: Any, replies: Replies) -> list[int] | None:
        done = [reply._replace(warnings=0) for reply in replies.done]
        return counts(files, replies._replace(done=done))

    with mock.patch.object(streaming, "_counts", without_warnings):
        yield


@contextmanager
def what_load_data_stored_is_not_undone() -> Iterator[None]:
    """The INSERT comes on top of what LOAD DATA has stored."""
    with mock.patch.object(streaming, "UNDO", b"SELECT 1"):
        yield


@contextmanager
def numbers_stay_where_a_kill_left_them() -> Iterator[None]:
    """Rows that are done again after a kill get later numbers than with the client."""
    with mock.patch.object(Bookkeeping, "_restore_numbers", return_value=None):
        yield


@contextmanager
def numbers_stay_where_a_lost_connection_left_them() -> Iterator[None]:
    """Rows that are done again in the same load get later numbers than with the client."""

    def restore(self: Numbering) -> Work[None]:
        del self
        yield from ()

    with mock.patch.object(Numbering, "restore", restore):
        yield


@contextmanager
def the_last_number_is_not_taken_up() -> Iterator[None]:
    """On a new connection LAST_INSERT_ID() is 0."""

    def take_up(self: Numbering) -> Work[None]:
        del self
        yield from ()

    with mock.patch.object(Numbering, "take_up", take_up):
        yield


@contextmanager
def a_done_step_is_judged_by_what_the_server_has_now() -> Iterator[None]:
    """A trigger that comes later makes a resumed load lose track: it ran a definition again."""
    with mock.patch.object(Journal, "covers", return_value=False):
        yield


MUTATIONS = (
    notes_without_what_is_pending,
    asks_with_something_uncommitted,
    a_failed_task_keeps_its_locks,
    a_lane_ends_with_a_refusal,
    a_lane_waits_with_a_transaction,
    a_refused_set_changes_the_session,
    warnings_of_load_data_are_not_looked_at,
    what_load_data_stored_is_not_undone,
    numbers_stay_where_a_kill_left_them,
    numbers_stay_where_a_lost_connection_left_them,
    the_last_number_is_not_taken_up,
    a_done_step_is_judged_by_what_the_server_has_now,
)
