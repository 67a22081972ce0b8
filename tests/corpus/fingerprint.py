"""Everything that the state of a server consists of, to compare what two loads have left.

`fingerprint` takes it down, `difference` says in words how two of them differ.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pymysql
import pymysql.cursors

from sidecar_magics.connection import connect_now
from sidecar_magics.schemas import SYSTEM_SCHEMAS
from tests.background import LIMIT_S, running

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tests.servers import Server

# Where the loader keeps what it needs to continue; no part of what a script makes.
JOURNAL_SCHEMA = "sidecar_magics"

# What would change how the server spells its answers.
PLAIN_SESSION = (
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = '', time_zone = '+00:00', sql_quote_show_create = 1",
)
# Statistics are otherwise a day old, AUTO_INCREMENT among them.
FRESH = {
    "mysql": (
        "SET SESSION information_schema_stats_expiry = 0",
        "SET SESSION print_identified_with_as_hex = ON",
    ),
    "mariadb": (),
}

DUMP_OPTIONS = {
    "mysql": ("--set-gtid-purged=OFF", "--no-tablespaces"),
    "mariadb": (),
}
DUMP_COMPLAINTS = (b"mysqldump: ", b"mariadb-dump: ")
DUMP_HEADING = re.compile(rb"-- (?:[A-Z][a-z]+ )+.*")
# When a row was written is part of a system-versioned table's checksum; and MySQL gives another
# checksum each time (seen in 9.7) where there is a key over the elements of a JSON array.
NO_CHECKSUM = ("SYSTEM VERSIONED", "SEQUENCE")
# MariaDB's (10.11) changes without its rows where a column is computed, be it stored or not.
COMPUTED = "GENERATED ALWAYS AS ("
MULTI_VALUED_KEY = " array)"
# A text of more bytes than this is kept as its digest.
READABLE_BYTES = 20_000

# Accounts that the servers make for themselves.
SYSTEM_ACCOUNTS = {"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys", "PUBLIC"}
# Salted anew each time that a password is set.
# One in about 300 has no unprintable character, and is shown as a text although hex is asked for.
SALTED = re.compile(
    r"(WITH '(?:caching_sha2_password|sha256_password)' AS )"
    r"(?:0x[0-9A-F]+|'(?:[^'\\]|\\.|'')*')",
    re.DOTALL,
)
# Settings that change by themselves, or with each start of a server.
VOLATILE_SETTING = re.compile(r"gtid_.*|.*_gtid_.*|server_uu?id|init_file|pid_file")

DIFFERENCES_SHOWN = 12
LINES_SHOWN = 30


def fingerprint(
    server: Server,
    *,
    only: Collection[str] | None = None,
    ignore: Collection[str] = (JOURNAL_SCHEMA,),
    dump: bool = True,
) -> dict[str, str]:
    """Return what the server holds, as texts by name: objects, rows, accounts, global settings.

    Parameters
    ----------
    server : Server
        A running one that nobody else works on.
    only : collection of str, optional
        Schemas to look at. Default: all but the server's own.
    ignore : collection of str, default the loader's journal
        Schemas to leave out.
    dump : bool, default True
        Also take down what ``mysqldump`` writes: as long as the data.
    """
    with connect_now(server.settings) as connection:
        reader = _Reader(connection)
        for sql in (*PLAIN_SESSION, *FRESH[server.flavour]):
            reader.rows(sql)
        schemas = [
            name
            for (name,) in reader.texts("SHOW SCHEMAS")
            if name not in SYSTEM_SCHEMAS and name not in ignore and (only is None or name in only)
        ]
        state: dict[str, str] = {}
        for schema in schemas:
            state[f"schema {schema}"] = reader.show(f"SHOW CREATE SCHEMA {quoted(schema)}")
            state.update(_tables(reader, schema))
            state.update(_programs(reader, schema))
        state.update(_accounts(reader, server.flavour))
        state.update(_settings(reader))
    if dump and schemas:
        timed = {name[len("history ") :] for name in state if name.startswith("history ")}
        state.update(_dump(server, schemas, timed))
    return state


def difference(first: dict[str, str], second: dict[str, str]) -> str:
    """Return in words how two fingerprints differ; an empty text if they are equal."""
    lines = []
    names = sorted(name for name in first.keys() | second if first.get(name) != second.get(name))
    for name in names[:DIFFERENCES_SHOWN]:
        if name not in second:
            lines.append(f"only in the first: {name}")
        elif name not in first:
            lines.append(f"only in the second: {name}")
        else:
            changes = difflib.unified_diff(
                first[name].split("\n"), second[name].split("\n"), lineterm="", n=1
            )
            shown = [line[:300] for line in list(changes)[2 : 2 + LINES_SHOWN]]
            lines += [f"differs: {name}", *(f"    {line}" for line in shown)]
    if len(names) > DIFFERENCES_SHOWN:
        lines.append(f"... and {len(names) - DIFFERENCES_SHOWN} more")
    return "\n".join(lines)


def quoted(name: str) -> str:
    """Return a name in backticks."""
    return "`" + name.replace("`", "``") + "`"


class _Reader:
    """Asks a server, and gets bytes: names and texts may be in any character set."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        connection.use_unicode = False
        connection.decoders = {}
        self._connection = connection

    def rows(self, sql: str, *values: str) -> list[tuple[bytes | None, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())

    def texts(self, sql: str, *values: str) -> list[list[str]]:
        return [[_text(value) for value in row] for row in self.rows(sql, *values)]

    def show(self, sql: str, *, without: Collection[str] = ()) -> str:
        """Return the rows that a SHOW gives, column by column, or why it gives none."""
        try:
            with self._connection.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute(sql)
                rows = list(cursor.fetchall())
        except pymysql.MySQLError as error:
            return f"error {error.args[0]}"
        return "\n".join(
            f"{name}: {_text(value)}"
            for row in rows
            for name, value in row.items()
            if name not in without
        )

    def stream(self, sql: str) -> Iterator[tuple[bytes | None, ...]]:
        with self._connection.cursor(pymysql.cursors.SSCursor) as cursor:
            cursor.execute(sql)
            yield from cursor


def _tables(reader: _Reader, schema: str) -> Iterator[tuple[str, str]]:
    tables = reader.texts(
        "SELECT table_name, table_type, auto_increment FROM information_schema.tables"
        " WHERE table_schema = %s ORDER BY BINARY table_name",
        schema,
    )
    keyed = {
        name
        for (name,) in reader.texts(
            "SELECT table_name FROM information_schema.statistics"
            " WHERE table_schema = %s AND index_name = 'PRIMARY'",
            schema,
        )
    }
    for table, kind, auto_increment in tables:
        name = f"{schema}.{table}"
        path = f"{quoted(schema)}.{quoted(table)}"
        if kind in ("VIEW", "SYSTEM VIEW"):
            yield f"view {name}", reader.show(f"SHOW CREATE VIEW {path}")
            continue
        definition = reader.show(f"SHOW CREATE TABLE {path}")
        yield f"table {name}", f"{kind}\n{definition}"
        # MySQL tells none for a new table until it has been opened for writing, and then 1.
        yield f"auto_increment {name}", "1" if auto_increment == "None" else auto_increment
        if kind == "SYSTEM VERSIONED":
            sql = f"SELECT COUNT(*) FROM {path} FOR SYSTEM_TIME ALL"
            yield f"history {name}", reader.show(sql)
        is_shaky = MULTI_VALUED_KEY in definition or COMPUTED in definition
        if kind in NO_CHECKSUM or is_shaky:
            yield f"rows {name}", _digest_of_rows(reader, _without_times(reader, schema, table))
            continue
        yield f"checksum {name}", reader.texts(f"CHECKSUM TABLE {path}")[0][1]
        if table not in keyed:
            # Without a key the order of rows is the order in which they came. No index: one that
            # has all columns would be read instead.
            rows = _digest_of_rows(reader, f"SELECT * FROM {path} USE INDEX ()")
            yield f"rows {name}", rows


def _without_times(reader: _Reader, schema: str, table: str) -> str:
    columns = reader.texts(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s"
        " AND COALESCE(generation_expression, '') NOT IN ('ROW START', 'ROW END')"
        " ORDER BY ordinal_position",
        schema,
        table,
    )
    names = ", ".join(quoted(name) for (name,) in columns)
    return f"SELECT {names} FROM {quoted(schema)}.{quoted(table)}"


def _digest_of_rows(reader: _Reader, select: str) -> str:
    digest, count = hashlib.sha256(), 0
    try:
        for row in reader.stream(select):
            digest.update(repr(row).encode())
            count += 1
    except pymysql.MySQLError as error:
        return f"error {error.args[0]}"
    return f"{count} rows in this order: {digest.hexdigest()}"


def _programs(reader: _Reader, schema: str) -> Iterator[tuple[str, str]]:
    for table, order, trigger in reader.texts(
        "SELECT event_object_table, CONCAT(action_timing, ' ', event_manipulation, ' ',"
        " action_order), trigger_name FROM information_schema.triggers WHERE trigger_schema = %s",
        schema,
    ):
        sql = f"SHOW CREATE TRIGGER {quoted(schema)}.{quoted(trigger)}"
        text = f"on {table} {order}\n" + reader.show(sql, without=("Created",))
        yield f"trigger {schema}.{trigger}", text
    for kind, routine in reader.texts(
        "SELECT routine_type, routine_name FROM information_schema.routines"
        " WHERE routine_schema = %s",
        schema,
    ):
        sql = f"SHOW CREATE {kind} {quoted(schema)}.{quoted(routine)}"
        yield f"{kind.lower()} {schema}.{routine}", reader.show(sql)
    for (event,) in reader.texts(
        "SELECT event_name FROM information_schema.events WHERE event_schema = %s", schema
    ):
        sql = f"SHOW CREATE EVENT {quoted(schema)}.{quoted(event)}"
        yield f"event {schema}.{event}", reader.show(sql)


def _accounts(reader: _Reader, flavour: str) -> Iterator[tuple[str, str]]:
    for user, host in reader.texts("SELECT user, host FROM mysql.user ORDER BY user, host"):
        if user in SYSTEM_ACCOUNTS:
            continue
        role = flavour == "mariadb" and not host
        account = quoted(user) if role else f"{quoted(user)}@{quoted(host)}"
        made = "role" if role else reader.show(f"SHOW CREATE USER {account}")
        grants = reader.show(f"SHOW GRANTS FOR {account}")
        yield f"account {user}@{host}", SALTED.sub(r"\1...", f"{made}\n{grants}")


def _settings(reader: _Reader) -> Iterator[tuple[str, str]]:
    for name, value in reader.texts("SHOW GLOBAL VARIABLES"):
        if not VOLATILE_SETTING.fullmatch(name):
            yield f"setting {name}", value


def _dump(
    server: Server, schemas: Collection[str], timed: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Take down what the real tool writes, cut at its headings, without the rows of `timed`."""
    command = [
        *server.dump_client,
        "--default-character-set=utf8mb4",
        "--routines",
        "--triggers",
        "--events",
        "--hex-blob",
        "--skip-dump-date",
        "--skip-lock-tables",
        "--force",
        *DUMP_OPTIONS[server.flavour],
        "--databases",
        *schemas,
    ]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        title, place = "dump", b""
        text, digest, size = bytearray(), hashlib.sha256(), 0
        without = {
            "dump {} Dumping data for table {}".format(*map(quoted, name.split(".", 1)))
            for name in timed
        }
        complaints = []
        for line in process.stdout:
            if line.startswith(DUMP_COMPLAINTS):
                complaints.append(line.decode("utf-8", "replace"))
            if DUMP_HEADING.match(line):
                if title not in without:
                    yield title, _short(text, digest.hexdigest(), size)
                if line.startswith(b"-- Current Database"):
                    place = line[len(b"-- Current Database: ") :].strip()
                title = f"dump {_text(place)} {_text(line[3:].strip())}"
                text, digest, size = bytearray(), hashlib.sha256(), 0
            digest.update(line)
            size += len(line)
            if size <= READABLE_BYTES:
                text += line
        yield title, _short(text, digest.hexdigest(), size)
        process.wait(LIMIT_S)
    yield "dump ended with", "\n".join([str(process.returncode), *complaints])


def _short(text: bytearray, digest: str, size: int) -> str:
    return _text(bytes(text)) if size <= READABLE_BYTES else f"{size} bytes, SHA-256 {digest}"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)
