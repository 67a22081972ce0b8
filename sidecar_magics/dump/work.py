"""How one connection does its pieces of a dump."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..errors import DumpError, printable, shown
from ..server import pymysql_errors
from . import plan, script
from .definitions import Definitions, ShownView, in_order
from .report import DumpedTable
from .rows import RowReader
from .spelling import comment, quoted

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from .catalogue import Schema, StoredTable
    from .content import Content
    from .output import Part
    from .policy import DumpPolicy
    from .report import DumpReport
    from .rows import InsertStatement
    from .snapshot import Asking

# A view of an object that is gone, of itself, or of one that its definer may not see; one whose
# names or collations no longer fit together.
BROKEN_VIEW = frozenset({1356, 1449, 1146, 1054, 1305, 1462, 1052, 1060, 1222, 1267, 1270, 1271})

# A condition is wrong, or wrong for this table: columns that are unknown or ambiguous, no SQL, an
# unknown function.
UNSUITABLE = frozenset({1052, 1054, 1064, 1305})
NOTHING_LEFT = "Nothing is left of the dump."


class Worker:
    """Does pieces on one connection.

    Parameters
    ----------
    asking : Asking
        The connection, in the dump's snapshot.
    policy : DumpPolicy
        The options of the dump.
    report : DumpReport
        Filled while the work is done.
    lock : threading.Lock
        Guards the report.
    content : Content, optional
        Takes the content down.
    """

    def __init__(
        self,
        asking: Asking,
        policy: DumpPolicy,
        report: DumpReport,
        lock: threading.Lock,
        content: Content | None = None,
    ) -> None:
        self._asking = asking
        self._policy = policy
        self._report = report
        self._lock = lock
        self._content = content
        self._definitions = Definitions(
            asking.shown, keeps_definer=policy.keep_definer, content=content
        )
        if policy.where is None:
            # Then CONCAT needs no conversion; a condition would compare bytes.
            asking.send(b"SET collation_connection = binary")
        self._max_packet_bytes = int(asking.value(b"SELECT @@max_allowed_packet"))
        self.doing = ""

    def do(self, work: plan.DumpWork, part: Part) -> None:
        """Write some pieces, in their order.

        Raises
        ------
        DumpError
            It cannot be written, or the account may not see a program.
        pymysql.err.MySQLError, OSError
            The server refused, or the connection was lost.
        """
        for piece in work.pieces:
            for sql in self._sql(piece):
                part.write(sql)
        self.doing = ""
        part.close()

    def _sql(self, piece: plan.Piece) -> Iterator[bytes]:
        if isinstance(piece, plan.Text):
            return iter((piece.sql,))
        if isinstance(piece, plan.RowsPart):
            return self._rows(piece)
        if isinstance(piece, plan.TableCreation):
            return self._table(piece.table)
        if isinstance(piece, plan.Beginning):
            return self._begin(piece.schema)
        if isinstance(piece, plan.Views):
            return self._views(piece)
        return self._programs(piece)

    def _begin(self, schema: Schema) -> Iterator[bytes]:
        yield self._definitions.schema(schema)
        for sequence in schema.sequences:
            yield self._definitions.sequence(sequence)

    def _table(self, table: StoredTable) -> Iterator[bytes]:
        self.doing = str(table)
        yield self._definitions.table(table)

    def _rows(self, piece: plan.RowsPart) -> Iterator[bytes]:
        self.doing = str(piece.table)
        began = time.monotonic()
        reader = RowReader(piece.table, self._max_packet_bytes, self._policy.where)
        content = self._content and self._content.begin_rows(piece.table, piece.part)
        is_first = True
        for statement in self._statements(reader, piece):
            if is_first:
                yield b"\n"
                is_first = False
            self._count(piece.table, DumpedTable(statement.rows, len(statement.sql)))
            if content:
                content.add(statement)
            yield statement.sql
        if content:
            content.end()
        self._count(piece.table, DumpedTable(seconds=time.monotonic() - began))

    def _statements(self, reader: RowReader, piece: plan.RowsPart) -> Iterator[InsertStatement]:
        try:
            yield from reader.statements(self._asking.connection, piece.part)
        except pymysql_errors() as error:
            number = error.args[0] if error.args else 0
            if self._policy.where is None or number not in UNSUITABLE:
                raise
            raise DumpError(
                f"{printable(str(piece.table))}: the server refuses --where (error {number}): "
                f"{shown(error.args[1])}.",
                details=[NOTHING_LEFT],
                hint="choose the tables that it is for with --tables, or leave others out with "
                "--ignore-table.",
            ) from None

    def _count(self, table: StoredTable, more: DumpedTable) -> None:
        with self._lock:
            known = self._report.tables[str(table)]
            known.rows += more.rows
            known.size_bytes += more.size_bytes
            known.seconds += more.seconds

    def _views(self, piece: plan.Views) -> Iterator[bytes]:
        found = [self._view(view) for schema in piece.schemas for view in schema.views]
        for view in in_order(each for each in found if isinstance(each, ShownView)):
            if self._content:
                self._content.make(view.schema, view.made)
            yield b"\n" + script.use(view.schema)
            yield from script.views([view.made])
        for each in found:
            if isinstance(each, list):
                yield b"\n"
                yield from map(comment, each)

    def _view(self, view: StoredTable) -> ShownView | list[str]:
        """Return a view; or a comment with its definition and the reason why it is left out."""
        try:
            # A statement that fails would stop a load.
            self._asking.shown(b"SHOW COLUMNS FROM " + quoted(view.schema, view.name))
            return self._definitions.view(view)
        except pymysql_errors() as error:
            number = error.args[0] if error.args else 0
            if number not in BROKEN_VIEW:
                raise
        why = f"The view {view} is left out: it does not work (error {number})."
        with self._lock:
            self._report.views -= 1
            self._report.left_out.append(why)
        try:
            sql = self._definitions.view(view).made.sql
        except pymysql_errors():  # not each server shows it
            return [why]
        return [why, sql.decode("utf-8", "replace") + ";"]

    def _programs(self, piece: plan.Programs) -> Iterator[bytes]:
        schema = piece.schema
        there = getattr(schema, piece.kind)
        if not there:
            return
        try:
            made = [self._definitions.program(schema, program) for program in there]
        except KeyError:
            raise DumpError(
                f"The account may not see the {piece.kind} of {printable(schema.name)}.",
                hint="GRANT SHOW_ROUTINE, TRIGGER, EVENT ON *.* gives it the right (on MariaDB "
                "SHOW CREATE ROUTINE, or SELECT ON mysql.proc).",
            ) from None
        yield b"\n" + script.use(schema.name)
        yield from script.programs(made, schema.name, schema.collation)
