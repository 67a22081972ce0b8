"""Give rows that are sent again the same AUTO_INCREMENT numbers as before.

InnoDB does not take a number back when its row is rolled back. So the rows of a transaction that is
undone, by a lost connection or a kill, would get later numbers the second time, and a child row
that names its parent (``VALUES (1, ...)``) would mean no row, or another one. Before the first rows
of a transaction that may be numbered, a lane therefore asks for the next numbers of their tables,
and notes them in the journal; if the transaction is undone, the lane sets them back.
LAST_INSERT_ID(), which is lost with a connection, is kept in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import StatementError
from ..planning.tasks import Table
from .operations import Record, Send

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..planning.tables import Name
    from ..planning.tasks import Numbered, Step, Task
    from .context import LoadContext
    from .operations import Work
    from .sender import Sender


class Numbering:
    """The numbers that rows of one lane's transaction get.

    Parameters
    ----------
    load : LoadContext
        The load.
    sender : Sender
        Asks on the lane's connection.
    """

    def __init__(self, load: LoadContext, sender: Sender) -> None:
        self._load = load
        self._sender = sender
        self._seen: set[Numbered] = set()
        self._next: dict[Name, int] = {}  # as they were when the transaction began
        self._last_id = 0

    def forget(self) -> None:
        """Take note that the transaction is over."""
        self._seen.clear()
        self._next.clear()

    def before(self, task: Task, place: tuple[int, int]) -> Work[None]:
        """Find out which numbers a task's rows get, and note them.

        Parameters
        ----------
        task : Task
            About to run; nothing of it is executed.
        place : tuple of int
            Source and offset of the first statement of its transaction. Once that is noted as done
            the numbers hold no more.
        """
        wanted = task.numbers - self._seen
        if not wanted:
            return
        found = yield from self._ask(wanted, task.steps[0])
        # A table may have been seen by its name before it is seen as one of its schema.
        numbers = {name: number for name, number in found.items() if name not in self._next}
        self._seen |= wanted
        self._next.update(numbers)
        journal = self._load.journal
        if journal is not None and numbers:
            yield Record((journal.note_numbers(place, numbers),))

    def restore(self) -> Work[None]:
        """Set the numbers back, now that the transaction is undone."""
        for name, number in self._next.items():
            yield Send((set_next(name, number),))
        if self._seen:
            yield Send((b"SET last_insert_id = %d" % self._last_id,))

    def take_up(self) -> Work[None]:
        """Give a new connection the LAST_INSERT_ID() of the one that it replaces."""
        journal = self._load.journal
        if journal is not None:
            yield Send((journal.take_up_last_id(),))

    def _ask(self, wanted: Collection[Numbered], step: Step) -> Work[dict[Name, int]]:
        try:
            rows = yield from self._sender.ask(question(wanted, self._load.flavour), step)
        except StatementError:  # the account may not ask: as if there were nothing to number
            return {}
        numbers = {}
        for schema, name, number in rows:
            if schema is not None and name is not None:
                numbers[bytes.fromhex(schema), bytes.fromhex(name)] = int(number or 1)
            elif not self._seen:
                self._last_id = int(number or 0)
        return numbers


def set_next(name: Name, number: int) -> bytes:
    """Return the statement that sets a table's next number.

    Source: InnoDB takes the highest number of a row plus one, if that is larger.
    """
    return b"ALTER TABLE %s AUTO_INCREMENT = %d" % (Table(*name).quoted, number)


def question(wanted: Collection[Numbered], flavour: str) -> str:
    """Return the question for the next numbers of tables, and, without a name, for the last one."""
    of_tables = " OR ".join(sorted(map(_condition, wanted)))
    names = "HEX(CONVERT(t.table_schema USING utf8mb4)), HEX(CONVERT(t.table_name USING utf8mb4))"
    # MySQL has NULL for a table of which no number is used, and for one that counts nothing.
    counting = (
        "t.auto_increment IS NOT NULL"
        if flavour == "mariadb"
        else "EXISTS (SELECT 1 FROM information_schema.columns c WHERE c.extra LIKE"
        " '%auto_increment%' AND c.table_schema = t.table_schema AND c.table_name = t.table_name)"
    )
    # A script's own sql_select_limit also holds for our questions that have no LIMIT.
    return (
        f"SELECT {names}, t.auto_increment FROM information_schema.tables t"
        f" WHERE ({of_tables}) AND {counting} UNION ALL SELECT NULL, NULL, LAST_INSERT_ID()"
        f" LIMIT {2**64 - 1}"
    )


def _condition(numbered: Numbered) -> str:
    in_schema = f"t.table_schema = CONVERT(x'{numbered.schema.hex()}' USING utf8mb4)"
    if numbered.name is None:
        return f"({in_schema})"
    return f"({in_schema} AND t.table_name = CONVERT(x'{numbered.name.hex()}' USING utf8mb4))"
