"""Put off a table's secondary indexes until its rows are there, and build them afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..reporting import failures
from .index_clauses import add_clause, drop_clause, read_indexes
from .operations import Send, ShowCreate

if TYPE_CHECKING:
    from ..planning.tasks import Table, Task
    from .context import LoadContext
    from .operations import Replies, Work
    from .sender import Sender


def put_off(load: LoadContext, sender: Sender, task: Task, last: list[bytes]) -> Work[None]:
    """Drop the indexes of an empty table that may be built later; the journal knows it before.

    Parameters
    ----------
    load : LoadContext
        The load.
    sender : Sender
        Of a lane with nothing uncommitted.
    task : Task
        The first large rows of the table.
    last : list of bytes
        The definitions of the indexes, as SHOW CREATE TABLE spells them.
    """
    table, journal, step = task.table, load.journal, task.steps[0]
    if table is None or journal is None:
        return  # without a journal the indexes would be lost, if this process were killed
    if (yield from sender.ask(b"SELECT 1 FROM " + table.quoted + b" LIMIT 1", step)):
        return
    yield from sender.own([journal.note_deferred(table, last)], step)
    load.filling.append(table)
    table.deferred = last
    replies: Replies = yield Send((_alter(table, drop_clause(last)),))
    if replies.error is None:
        load.report.add_deferred_indexes(len(last))
    elif failures.is_lost(replies.error):
        # Indexes dropped before the connection was lost are in the journal, and are built later.
        raise (yield from sender.failure(replies.error, step))
    # Else 1553: another table's foreign key needs one of them; they stay.


def build(load: LoadContext, sender: Sender, task: Task) -> Work[None]:
    """Give a table those of its indexes that were put off and are missing.

    Raises
    ------
    StatementError
        The server refused.
    Lost, RolledBack
        It is to be done once more.
    """
    table, journal = task.table, load.journal
    if table is None or not table.deferred:
        return
    start = load.clock()
    create = yield ShowCreate(table)
    missing = missing_clause(create, table.deferred)
    statements = [_alter(table, missing)] if missing else []
    if journal:
        statements.append(journal.forget_deferred(table))
    for sql in statements:
        yield from sender.own([sql], task.steps[0])
    table.deferred = []
    load.report.add(str(table), seconds=load.clock() - start, statements=0)


def missing_clause(create: bytes | None, definitions: list[bytes]) -> bytes:
    """Return what ALTER TABLE needs to give a table the indexes that it lacks; b"" for none.

    Parameters
    ----------
    create : bytes, optional
        SHOW CREATE TABLE's text; None if there is no such table.
    definitions : list of bytes
        The indexes that it should have.
    """
    return b"" if create is None else add_clause(definitions, read_indexes(create).names)


def _alter(table: Table, clause: bytes) -> bytes:
    return b"ALTER TABLE " + table.quoted + b" " + clause
