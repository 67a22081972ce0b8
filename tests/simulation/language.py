"""What the simulated server makes of a statement: which locks it needs, and what it does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from tests.simulation.model import (
    INITIAL,
    REFUSED_VALUES,
    Blocked,
    Cell,
    Connection,
    Name,
    Table,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

JOURNAL = "sidecar_magics"


class Done(NamedTuple):
    """The answer to a statement."""

    changed: int = 0
    rows: tuple[tuple[Any, ...], ...] = ()
    warnings: int = 0


class _Statement(NamedTuple):
    pattern: re.Pattern[str]
    locks: Callable[[Connection, re.Match[str]], Iterable[str]] | None
    run: Callable[[Connection, re.Match[str]], Done]


_STATEMENTS: list[_Statement] = []
_N = r"((?:`?\w+`?\.)?`?\w+`?)"


def _statement(
    pattern: str, locks: Callable[[Connection, re.Match[str]], Iterable[str]] | None = None
) -> Callable[[Callable[[Connection, re.Match[str]], Done]], None]:
    """Register what a statement does; with `locks` it is a definition, which commits by itself."""
    spaced = re.compile(pattern.replace(" ", r"\s+") + r"\s*\Z", re.IGNORECASE | re.DOTALL)

    def register(run: Callable[[Connection, re.Match[str]], Done]) -> None:
        _STATEMENTS.append(_Statement(spaced, locks, run))

    return register


def attempt(connection: Connection, sql: str) -> Done | None:
    """Run a statement as far as it can; None if it has its locks and is about to be carried out.

    Raises
    ------
    Blocked
        It has to wait.
    pymysql.err.MySQLError
        It is refused.
    """
    sql = sql.strip()
    for statement in _STATEMENTS:
        match = statement.pattern.match(sql)
        if not match:
            continue
        if statement.locks is None:
            return statement.run(connection, match)
        if not connection.exclusive:
            connection.commit()
        wanted = sorted(set(statement.locks(connection, match)))
        had = len(connection.exclusive)
        for key in wanted:
            connection.server.take_exclusive(connection, key)
        if len(connection.exclusive) > had:
            return None  # definitions take time, with their locks
        try:
            return statement.run(connection, match)
        finally:
            connection.exclusive.clear()
    raise AssertionError(f"the simulation does not know this statement: {sql[:200]}")


def _key(name: Name) -> str:
    return ".".join(name)


def _table(connection: Connection, text: str) -> tuple[Name, Table]:
    name = connection.name(text)
    if name[0] not in connection.server.schemas:
        raise refusal(1049, f"Unknown database '{name[0]}'")
    if name not in connection.server.tables:
        raise refusal(1146, f"Table '{_key(name)}' doesn't exist")
    return name, connection.server.tables[name]


# Sessions ----------------------------------------------------------------------------------------


@_statement(r"SET (?:SESSION )?last_insert_id = (\d+|\(SELECT .* load_id = (?P<load>\d+) .*\))")
def _set_last_id(connection: Connection, match: re.Match[str]) -> Done:
    numbers = connection.server.tables.get((JOURNAL, "numbers"))
    if match["load"] is None:
        connection.last_id = int(match[1])
    elif numbers is None:
        raise refusal(1146, "Table 'sidecar_magics.numbers' doesn't exist")
    else:
        noted = [
            int(cell.values[-1])
            for cell in numbers.rows
            if cell.values[:2] == (match["load"], "''") and cell.owner is None
        ]
        connection.last_id = max(noted, default=0)
    return Done()


@_statement(r"SET (?:SESSION )?(@?`?\w+`?) = '?([^']*?)'?")
def _set(connection: Connection, match: re.Match[str]) -> Done:
    name, value = match[1].lower(), match[2]
    if value.startswith("@@"):
        if value[2:] not in INITIAL:
            raise refusal(1193, f"Unknown system variable '{value[2:]}'")
        value = connection.variables[value[2:]]
    elif value.startswith("@"):
        value = connection.user_variables.get(value.strip("`@"), "")
    if name.startswith("@"):
        connection.user_variables[name.strip("`@")] = value
        return Done()
    if name not in INITIAL:
        raise refusal(1193, f"Unknown system variable '{name}'")
    if value in REFUSED_VALUES:
        raise refusal(1231, f"Variable '{name}' can't be set to the value of '{value}'")
    connection.variables[name] = value
    return Done()


@_statement(r"USE `?(\w+)`?")
def _use(connection: Connection, match: re.Match[str]) -> Done:
    if match[1] not in connection.server.schemas:
        raise refusal(1049, f"Unknown database '{match[1]}'")
    connection.schema = match[1]
    return Done()


@_statement(r"(?:BEGIN|START TRANSACTION)")
def _begin(connection: Connection, match: re.Match[str]) -> Done:
    del match
    connection.commit()
    connection.in_transaction = True
    return Done()


@_statement(r"COMMIT")
def _commit(connection: Connection, match: re.Match[str]) -> Done:
    del match
    connection.commit()
    return Done()


@_statement(r"ROLLBACK")
def _rollback(connection: Connection, match: re.Match[str]) -> Done:
    del match
    connection.rollback()
    return Done()


# Definitions -------------------------------------------------------------------------------------


def _schema_locks(connection: Connection, match: re.Match[str]) -> Iterable[str]:
    schema = match["schema"]
    return [schema, *(_key(name) for name in connection.server.tables if name[0] == schema)]


@_statement(r"CREATE DATABASE (?P<unless>IF NOT EXISTS )?`?(?P<schema>\w+)`?", _schema_locks)
def _create_schema(connection: Connection, match: re.Match[str]) -> Done:
    schemas = connection.server.schemas
    if match["schema"] in schemas and not match["unless"]:
        raise refusal(1007, f"Can't create database '{match['schema']}'; database exists")
    schemas.add(match["schema"])
    return Done()


@_statement(r"DROP DATABASE (?P<if>IF EXISTS )?`?(?P<schema>\w+)`?", _schema_locks)
def _drop_schema(connection: Connection, match: re.Match[str]) -> Done:
    server, schema = connection.server, match["schema"]
    if schema not in server.schemas and not match["if"]:
        raise refusal(1008, f"Can't drop database '{schema}'; database doesn't exist")
    server.schemas.discard(schema)
    for name in [name for name in server.tables if name[0] == schema]:
        del server.tables[name]
    if connection.schema == schema:
        connection.schema = None
    if schema == JOURNAL:
        server.loads.clear()
    return Done()


def _create_locks(connection: Connection, match: re.Match[str]) -> Iterable[str]:
    name = connection.name(match[1])
    yield _key(name)
    parent = re.search(rf"REFERENCES {_N}", match[2])
    if parent:
        yield _key((name[0], connection.name(parent[1])[1]))
    yield from map(_key, connection.server.referring(name))


@_statement(
    rf"CREATE TABLE (?!IF NOT EXISTS sidecar_magics){_N} \((.*)\) ENGINE=(\w+)", _create_locks
)
def _create_table(connection: Connection, match: re.Match[str]) -> Done:
    name, columns = connection.name(match[1]), match[2]
    if name[0] not in connection.server.schemas:
        raise refusal(1049, f"Unknown database '{name[0]}'")
    if name in connection.server.tables:
        raise refusal(1050, f"Table '{_key(name)}' already exists")
    if "DEFAULT 'x'" in columns:
        raise refusal(1101, "BLOB, TEXT, GEOMETRY or JSON column can't have a default value")
    parent = re.search(rf"REFERENCES {_N}", columns)
    refers_to = connection.name(parent[1]) if parent else None
    checks = connection.variables["foreign_key_checks"] == "1"
    if refers_to and checks and refers_to not in connection.server.tables:
        raise refusal(1824, f"Failed to open the referenced table '{refers_to[1]}'")
    connection.server.tables[name] = Table(
        keyed="PRIMARY KEY" in columns,
        innodb=match[3].lower() == "innodb",
        counts="AUTO_INCREMENT" in columns,
        parent=refers_to,
        indexes=re.findall(r"(?<!PRIMARY )(?<!FOREIGN )KEY `?(\w+)`? \(", columns),
        made_under=connection.variables["sql_mode"],
    )
    return Done()


def _family_locks(connection: Connection, match: re.Match[str]) -> Iterable[str]:
    """Lock a table, and those that its foreign keys, or foreign keys to it, lead to."""
    name = connection.name(match["name"])
    yield _key(name)
    table = connection.server.tables.get(name)
    if table and table.parent:
        yield _key(table.parent)
    yield from map(_key, connection.server.referring(name))


@_statement(rf"DROP TABLE (?P<if>IF EXISTS )?(?P<name>{_N[1:-1]})", _family_locks)
def _drop_table(connection: Connection, match: re.Match[str]) -> Done:
    name = connection.name(match["name"])
    if name not in connection.server.tables:
        if match["if"]:
            return Done()
        raise refusal(1051, f"Unknown table '{_key(name)}'")
    checks = connection.variables["foreign_key_checks"] == "1"
    if checks and any(other != name for other in connection.server.referring(name)):
        raise refusal(3730, f"Cannot drop table '{name[1]}' referenced by a foreign key")
    del connection.server.tables[name]
    return Done()


def _table_lock(connection: Connection, match: re.Match[str]) -> Iterable[str]:
    return [_key(connection.name(match["name"]))]


@_statement(rf"ALTER TABLE (?P<name>{_N[1:-1]}) (?P<changes>(?:ADD|DROP) KEY .*)", _family_locks)
def _alter(connection: Connection, match: re.Match[str]) -> Done:
    _, table = _table(connection, match["name"])
    indexes = list(table.indexes)
    for verb, index in re.findall(r"(ADD|DROP) KEY `?(\w+)`?", match["changes"]):
        if verb == "ADD" and index in indexes:
            raise refusal(1061, f"Duplicate key name '{index}'")
        if verb == "DROP" and index not in indexes:
            raise refusal(1091, f"Can't DROP '{index}'; check that column/key exists")
        if verb == "ADD":
            indexes.append(index)
        else:
            indexes.remove(index)
    table.indexes = indexes
    return Done()


@_statement(rf"ALTER TABLE (?P<name>{_N[1:-1]}) AUTO_INCREMENT = (?P<number>\d+)", _family_locks)
def _set_next_number(connection: Connection, match: re.Match[str]) -> Done:
    _, table = _table(connection, match["name"])
    ids = [int(cell.values[0]) for cell in table.rows if str(cell.values[0]).isdigit()]
    table.next_id = max(int(match["number"]), *(number + 1 for number in ids), 1)
    return Done()


@_statement(
    rf"CREATE TRIGGER \w+ AFTER INSERT ON (?P<name>{_N[1:-1]}) FOR EACH ROW"
    rf" INSERT INTO (?P<log>{_N[1:-1]}) VALUES \(NEW.id\)",
    _table_lock,
)
def _create_trigger(connection: Connection, match: re.Match[str]) -> Done:
    _, table = _table(connection, match["name"])
    if table.log:
        raise refusal(1359, "Trigger already exists")
    table.log = connection.name(match["log"])
    return Done()


def _rename_locks(connection: Connection, match: re.Match[str]) -> Iterable[str]:
    return [_key(connection.name(match["name"])), _key(connection.name(match["to"]))]


@_statement(rf"RENAME TABLE (?P<name>{_N[1:-1]}) TO (?P<to>{_N[1:-1]})", _rename_locks)
def _rename(connection: Connection, match: re.Match[str]) -> Done:
    name, _ = _table(connection, match["name"])
    other = connection.name(match["to"])
    if other in connection.server.tables:
        raise refusal(1050, f"Table '{_key(other)}' already exists")
    connection.server.tables[other] = connection.server.tables.pop(name)
    return Done()


@_statement(r"CREATE (?P<what>VIEW|PROCEDURE) (?P<program>\w+).*", lambda *_: ["programs"])
def _create_program(connection: Connection, match: re.Match[str]) -> Done:
    key = f"{connection.schema}.{match['program']}"
    if key in connection.server.programs:
        raise refusal(1050 if match["what"] == "VIEW" else 1304, f"'{key}' already exists")
    connection.server.programs[key] = connection.variables["sql_mode"]
    return Done()


@_statement(r"SAVEPOINT sidecar_rows")
def _savepoint(connection: Connection, match: re.Match[str]) -> Done:
    del match
    assert connection.in_transaction, "a savepoint of no use"
    connection.savepoint = len(connection.undo)
    return Done()


@_statement(r"ROLLBACK TO SAVEPOINT sidecar_rows")
def _rollback_to(connection: Connection, match: re.Match[str]) -> Done:
    del match
    connection.rollback_to_savepoint()
    return Done()


# Rows --------------------------------------------------------------------------------------------


def _locked_by(connection: Connection, table: Table, key: Any) -> Cell | None:
    return next((cell for cell in table.rows if cell.values[0] == key), None)


def _insert(
    connection: Connection, name: Name, table: Table, values: list[tuple[Any, ...]], ignore: bool
) -> Done:
    keep = connection.in_transaction
    connection.server.take_shared(connection, _key(name), keep=keep)
    checks = connection.variables["foreign_key_checks"] == "1"
    parent = connection.server.tables.get(table.parent) if table.parent else None
    if table.parent and checks:
        connection.server.take_shared(connection, _key(table.parent), keep=keep)
    log = connection.server.tables.get(table.log) if table.log else None
    if table.log:
        connection.server.take_shared(connection, _key(table.log), keep=keep)
        if log is None:
            raise refusal(1146, f"Table '{_key(table.log)}' doesn't exist")
    fresh: list[tuple[Any, ...]] = []
    warnings = 0
    for row in values:
        if table.keyed and not table.counts:
            there = _locked_by(connection, table, row[0])
            if there is not None and there.owner not in (None, connection):
                raise Blocked([there.owner], metadata=False)
            if there is not None or any(row[0] == other[0] for other in fresh):
                if ignore:
                    warnings += 1
                    continue
                raise refusal(1062, f"Duplicate entry '{row[0]}' for key 'PRIMARY'")
        if table.parent and checks and row[1] != "NULL":
            there = _locked_by(connection, parent, row[1]) if parent else None
            if there is None and ignore:
                warnings += 1
                continue
            if there is None:
                raise refusal(1452, "Cannot add or update a child row")
            if there.owner not in (None, connection):
                raise Blocked([there.owner], metadata=False)
        fresh.append(row)
    first_number = 0
    for given in fresh:
        row, number = _numbered(table, given) if table.counts else (given, 0)
        first_number = first_number or number
        _add(connection, table, row)
        if log is not None:
            _add(connection, log, ("logged", row[0]))
    connection.last_id = first_number or connection.last_id
    return Done(len(fresh), warnings=warnings)


def _numbered(table: Table, row: tuple[Any, ...]) -> tuple[tuple[Any, ...], int]:
    """Return a row with its number, and that if it was given one; numbers are never taken back."""
    if row[0] != "NULL":
        if str(row[0]).isdigit():
            table.next_id = max(table.next_id, int(row[0]) + 1)
        return row, 0
    number = table.next_id
    table.next_id += 1
    return (str(number), *row[1:]), number


def _add(connection: Connection, table: Table, row: tuple[Any, ...]) -> None:
    transactional = table.innodb and connection.in_transaction
    cell = Cell(row, connection if transactional else None)
    table.rows.append(cell)
    if transactional:
        connection.owned.append(cell)
        connection.undo.append(lambda: table.rows.remove(cell))


@_statement(rf"INSERT INTO {_N} VALUES (\(.*\))")
def _insert_values(connection: Connection, match: re.Match[str]) -> Done:
    name, table = _table(connection, match[1])
    zone = connection.variables["time_zone"]
    values = []
    given = match[2].replace("LAST_INSERT_ID()", str(connection.last_id))
    for text in re.findall(r"\(([^()]*(?:UPPER\('\w*'\))?[^()]*)\)", given):
        parts = [part.strip() for part in text.split(",")]
        parts = [re.sub(r"UPPER\('(\w*)'\)", lambda m: f"'{m[1].upper()}'", p) for p in parts]
        if len(parts) != 3:
            raise refusal(1136, "Column count doesn't match value count at row 1")
        values.append((*parts, zone))
    return _insert(connection, name, table, values, ignore=False)


@_statement(rf"LOAD DATA LOCAL INFILE 'rows' INTO TABLE {_N} CHARACTER .*? BY '\)'\n(.*)")
def _load_data(connection: Connection, match: re.Match[str]) -> Done:
    """Read rows as INSERT does, but that what it would refuse is a warning here."""
    name, table = _table(connection, match[1])
    zone = connection.variables["time_zone"]
    rows = [text.split(",") for text in re.findall(r"\(([^()]*)\)", match[2])]
    server = connection.server
    server.streamed += 1
    spoils = server.spoils_every and server.streamed % server.spoils_every == 0
    values = [(row[0], *(["spoilt"] * 2 if spoils else row[1:3]), zone) for row in rows]
    done = _insert(connection, name, table, values, ignore=True)
    unlike = sum(len(row) != 3 for row in rows)
    return done._replace(warnings=done.warnings + unlike + bool(spoils))


@_statement(rf"INSERT INTO {_N} SELECT id \+ (\d+), p, v FROM {_N}")
def _insert_select(connection: Connection, match: re.Match[str]) -> Done:
    name, table = _table(connection, match[1])
    other, source = _table(connection, match[3])
    connection.server.take_shared(connection, _key(other), keep=connection.in_transaction)
    zone = connection.variables["time_zone"]
    values = [
        (str(int(cell.values[0]) + int(match[2])), *cell.values[1:3], zone)
        for cell in source.rows
        if cell.owner in (None, connection)
    ]
    return _insert(connection, name, table, values, ignore=False)


@_statement(rf"UPDATE {_N} SET v = CONCAT\(v, '\+'\)")
def _update(connection: Connection, match: re.Match[str]) -> Done:
    name, table = _table(connection, match[1])
    connection.server.take_shared(connection, _key(name), keep=connection.in_transaction)
    owners = {cell.owner for cell in table.rows} - {None, connection}
    if owners:
        raise Blocked([owner for owner in owners if owner], metadata=False)
    before = [(cell, cell.values) for cell in table.rows]

    def put_back() -> None:
        for cell, values in before:
            cell.values = values

    for cell, values in before:
        cell.values = (*values[:2], values[2] + "+", *values[3:])
    if table.innodb and connection.in_transaction:
        connection.undo.append(put_back)
    return Done(len(before))


@_statement(rf"CALL \w+\({_N}\)")
def _call(connection: Connection, match: re.Match[str]) -> Done:
    name, table = _table(connection, match[1])
    return _insert(connection, name, table, [("called", "NULL", "''", "")], ignore=False)


# What the loader asks, and its journal -----------------------------------------------------------


@_statement(rf"SHOW CREATE TABLE {_N}")
def _show_create(connection: Connection, match: re.Match[str]) -> Done:
    name, table = _table(connection, match[1])
    connection.server.take_shared(connection, _key(name), keep=False)
    lines = ["  `id` int", "  `p` int DEFAULT NULL", "  `v` varchar(99) DEFAULT NULL"]
    lines += ["  PRIMARY KEY (`id`)"] if table.keyed else []
    lines += [f"  KEY `{index}` (`v`)" for index in table.indexes]
    engine = "InnoDB" if table.innodb else "MyISAM"
    text = f"CREATE TABLE `{name[1]}` (\n" + ",\n".join(lines) + f"\n) ENGINE={engine}"
    return Done(rows=((name[1].encode(), text.encode()),))


@_statement(rf"SELECT 1 FROM {_N} LIMIT 1")
def _select_one(connection: Connection, match: re.Match[str]) -> Done:
    name = connection.name(match[1])
    if name == (JOURNAL, "loads"):
        return Done(rows=((b"1",),) if connection.server.loads else ())
    name, table = _table(connection, match[1])
    connection.server.take_shared(connection, _key(name), keep=connection.in_transaction)
    there = any(cell.owner in (None, connection) for cell in table.rows)
    return Done(rows=((b"1",),) if there else ())


@_statement(r"SELECT table_type = 'BASE TABLE'.*table_schema = (.*?) AND table_name = (.*)")
def _look_up(connection: Connection, match: re.Match[str]) -> Done:
    schema, table_name = (
        bytes.fromhex(re.findall(r"x'([0-9a-f]*)'", part)[-1]).decode() for part in match.groups()
    )
    table = connection.server.tables.get((schema, table_name))
    if table is None:
        return Done()
    counter = f"1 {b'id'.hex()}".encode() if table.counts else None
    flags = (b"1", b"1" if table.innodb else b"0", b"1" if table.log else b"0")
    return Done(rows=((*flags, counter),))


@_statement(
    r"SELECT HEX\(CONVERT\(t.table_schema .* FROM information_schema.tables t WHERE \((.*?)\) AND "
    r"(?:EXISTS|t\.auto_increment) .* UNION ALL SELECT NULL, NULL, LAST_INSERT_ID\(\) "
    r"LIMIT 18446744073709551615"
)
def _next_numbers(connection: Connection, match: re.Match[str]) -> Done:
    rows: list[tuple[bytes | None, ...]] = [(None, None, str(connection.last_id).encode())]
    for condition in match[1].split(" OR "):
        schema, *names = (bytes.fromhex(x).decode() for x in re.findall(r"x'(\w*)'", condition))
        for (of, name), table in connection.server.tables.items():
            if table.counts and of == schema and names in ([], [name]):
                hexed = (of.encode().hex().encode(), name.encode().hex().encode())
                rows.append((*hexed, str(table.next_id).encode()))
    return Done(rows=tuple(rows))


@_statement(r"(?:SELECT|DO) GET_LOCK\('([^']*)', \d+\)")
def _get_lock(connection: Connection, match: re.Match[str]) -> Done:
    holders = [c for c in connection.server.connections.values() if match[1] in c.named]
    if holders and holders != [connection]:
        return Done(rows=((b"0",),))
    connection.named.add(match[1])
    return Done(rows=((b"1",),))


@_statement(r"SELECT IS_USED_LOCK\('([^']*)'\)")
def _is_used_lock(connection: Connection, match: re.Match[str]) -> Done:
    for other in connection.server.connections.values():
        if match[1] in other.named:
            return Done(rows=((str(other.number).encode(),),))
    return Done(rows=((None,),))


@_statement(r"SELECT id(?:, user, host, time)? FROM information_schema.processlist .*")
def _processlist(connection: Connection, match: re.Match[str]) -> Done:
    del connection, match
    return Done()


@_statement(r"KILL (\d+)")
def _kill(connection: Connection, match: re.Match[str]) -> Done:
    other = connection.server.connections.get(int(match[1]))
    if other is None:
        raise refusal(1094, "Unknown thread id")
    other.must_end = True
    return Done()


@_statement(r"SELECT 1")
def _one(connection: Connection, match: re.Match[str]) -> Done:
    del connection, match
    return Done(rows=((b"1",),))


SETTINGS = {
    "max_allowed_packet": "67108864",
    "innodb_flush_log_at_trx_commit": "1",
    "max_connections": "100",
    "lower_case_table_names": "0",
    "default_storage_engine": "InnoDB",
    "max_user_connections": "0",
    "log_bin": "0",
}


@_statement(r"SELECT @@local_infile, @@sql_mode, .*")
def _ask_how_it_reads(connection: Connection, match: re.Match[str]) -> Done:
    del connection, match
    return Done(rows=((b"1", b"STRICT_TRANS_TABLES", b"utf8mb4", b"utf8mb4", b"1"),))


@_statement(r"SELECT @@(\w+)")
def _ask_variable(connection: Connection, match: re.Match[str]) -> Done:
    name = match[1].lower()
    value = {**SETTINGS, **connection.server.settings}.get(name) or connection.variables.get(name)
    if value is None:
        raise refusal(1193, f"Unknown system variable '{name}'")
    return Done(rows=((value.encode(),),))


@_statement(r"SHOW GLOBAL STATUS .*")
def _status(connection: Connection, match: re.Match[str]) -> Done:
    del match
    return Done(rows=((b"Threads_connected", str(len(connection.server.connections)).encode()),))


def _row_key(table: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[: {"done": 3, "doubts": 3, "indexes": 3, "numbers": 3}[table]]


@_statement(r"(INSERT IGNORE|REPLACE) INTO `sidecar_magics`.`(\w+)` (?:\([^)]*\) )?VALUES (.*)")
def _note(connection: Connection, match: re.Match[str]) -> Done:
    table = connection.server.tables[JOURNAL, match[2]]
    given = match[3].replace("LAST_INSERT_ID()", str(connection.last_id))
    rows = [tuple(row.split(",")) for row in re.findall(r"\(([^()]*)\)", given)]
    for row in rows:
        for cell in table.rows:
            same = _row_key(match[2], cell.values) == _row_key(match[2], row)
            if same and cell.owner not in (None, connection):
                raise Blocked([cell.owner], metadata=False)
    for row in rows:
        same_cells = [
            cell
            for cell in table.rows
            if _row_key(match[2], cell.values) == _row_key(match[2], row)
        ]
        if same_cells and match[1].upper() == "INSERT IGNORE":
            continue
        for cell in same_cells:
            _remove(connection, table, cell)
        _add(connection, table, row)
    return Done(len(rows))


def _remove(connection: Connection, table: Table, cell: Cell) -> None:
    def put_back() -> None:
        table.rows.append(cell)

    table.rows.remove(cell)
    if connection.in_transaction:
        connection.undo.append(put_back)


@_statement(r"DELETE FROM `?sidecar_magics`?.`?(\w+)`? WHERE (.*)")
def _delete(connection: Connection, match: re.Match[str]) -> Done:
    wanted = dict(re.findall(r"(\w+) (?:=) (x?'?[0-9a-f]*'?)", match[2]))
    if match[1] == "loads":
        return _delete_loads(connection, match[2], wanted)
    table = connection.server.tables[JOURNAL, match[1]]
    for cell in list(table.rows):
        values = cell.values
        columns = {"load_id": values[0], "table_schema": values[1], "table_name": values[2]}
        if all(columns[name] == value for name, value in wanted.items()):
            if cell.owner not in (None, connection):
                raise Blocked([cell.owner], metadata=False)
            _remove(connection, table, cell)
    return Done()


def _delete_loads(connection: Connection, where: str, wanted: dict[str, str]) -> Done:
    loads = connection.server.loads
    before = dict(loads)
    for number, load in before.items():
        is_other = "id <>" in where and number != int(re.findall(r"id <> (\d+)", where)[0])
        same = load.get("name") == wanted.get("name") and load["finished"]
        if wanted.get("id") == str(number) or (is_other and same):
            del loads[number]
    if connection.in_transaction:
        connection.undo.append(lambda: loads.update(before))
    return Done()


@_statement(
    r"SELECT 1 FROM `sidecar_magics`.`done`"
    r" WHERE load_id = (\d+) AND source = (\d+) AND begins = (\d+)"
)
def _find(connection: Connection, match: re.Match[str]) -> Done:
    table = connection.server.tables[JOURNAL, "done"]
    there = any(
        cell.values[:3] == match.groups() and cell.owner in (None, connection)
        for cell in table.rows
    )
    return Done(rows=((b"1",),) if there else ())


@_statement(
    r"SELECT (source, begins, ends, crc|source, begins, before_crc)"
    r" FROM sidecar_magics.(\w+) WHERE load_id = (\d+).*"
)
def _read_pieces(connection: Connection, match: re.Match[str]) -> Done:
    table = connection.server.tables[JOURNAL, match[2]]
    rows = [
        tuple(int(value) for value in cell.values[1:])
        for cell in table.rows
        if cell.values[0] == match[3] and cell.owner is None
    ]
    return Done(rows=tuple(tuple(str(v).encode() for v in row) for row in sorted(rows)))


@_statement(
    r"SELECT HEX\(table_schema\), HEX\(table_name\), source, begins, next_number"
    r" FROM sidecar_magics.numbers WHERE load_id = (\d+) AND table_name <> ''"
)
def _read_numbers(connection: Connection, match: re.Match[str]) -> Done:
    table = connection.server.tables[JOURNAL, "numbers"]
    rows = [
        (*(name[2:-1].encode() for name in cell.values[1:3]), *map(str.encode, cell.values[3:]))
        for cell in table.rows
        if cell.owner is None and cell.values[0] == match[1] and cell.values[2] != "''"
    ]
    return Done(rows=tuple(rows))


@_statement(r"SELECT HEX\((?:i.)?table_schema\).* FROM sidecar_magics.indexes (.*)")
def _read_indexes(connection: Connection, match: re.Match[str]) -> Done:
    where = re.search(r"load_id = (\d+)\s*\Z", match[1])
    table = connection.server.tables[JOURNAL, "indexes"]
    rows = []
    for cell in table.rows:
        if cell.owner is not None or (where and cell.values[0] != where[1]):
            continue
        if not where and _is_running(connection, int(cell.values[0])):
            continue
        rows.append(tuple(value[2:-1].encode() for value in cell.values[1:]))
    return Done(rows=tuple(rows))


def _is_running(connection: Connection, number: int) -> bool:
    load = connection.server.loads.get(number)
    lock = f"sidecar_magics.{load['token']}.0" if load else ""
    return any(lock in other.named for other in connection.server.connections.values())


@_statement(
    r"SELECT 1 FROM information_schema.(tables|routines)"
    r" WHERE (?:table|routine)_schema = 'sidecar_magics'(.*)"
)
def _journal_exists(connection: Connection, match: re.Match[str]) -> Done:
    named = re.search(r"table_name = '(\w+)'", match[2])
    if named:
        return Done(rows=((b"1",),) if (JOURNAL, named[1]) in connection.server.tables else ())
    return Done()  # nothing else is in its schema


@_statement(r"SELECT table_name FROM information_schema.tables WHERE .* AND NOT .*")
def _in_the_journals_way(connection: Connection, match: re.Match[str]) -> Done:
    del connection, match
    return Done()


@_statement(r"CREATE TABLE IF NOT EXISTS sidecar_magics.(\w+) .*", lambda *_: ["journal"])
def _create_journal(connection: Connection, match: re.Match[str]) -> Done:
    if match[1] != "loads":
        connection.server.tables.setdefault((JOURNAL, match[1]), Table(keyed=False))
    return Done()


@_statement(
    r"INSERT INTO sidecar_magics.loads \(name, size_bytes, options, token, jobs, stamp\)"
    r" VALUES \((.*)\)"
)
def _insert_load(connection: Connection, match: re.Match[str]) -> Done:
    name, size, options, token, jobs, stamp = (part.strip() for part in match[1].split(","))
    connection.last_id = connection.server.next_load()
    connection.server.loads[connection.last_id] = {
        "name": name,
        "size_bytes": size,
        "options": options,
        "token": token.strip("'"),
        "jobs": jobs,
        "stamp": stamp,
        "finished": "",
    }
    return Done(1)


@_statement(r"SELECT LAST_INSERT_ID\(\)")
def _last_id(connection: Connection, match: re.Match[str]) -> Done:
    del match
    return Done(rows=((str(connection.last_id).encode(),),))


@_statement(
    r"SELECT (started|token|HEX\(name\), HEX\(options\)) FROM sidecar_magics.loads WHERE id = (\d+)"
)
def _read_load(connection: Connection, match: re.Match[str]) -> Done:
    load = connection.server.loads.get(int(match[2]))
    if load is None:
        return Done()
    answers = {"started": ("now",), "token": (load["token"],)}
    hexed = (load["name"][2:-1], load["options"][2:-1])
    return Done(rows=(tuple(text.encode() for text in answers.get(match[1], hexed)),))


@_statement(
    r"SELECT id, token, jobs, started FROM sidecar_magics.loads WHERE finished IS NULL"
    r" AND name = (\S+) AND size_bytes = (\d+) AND options = (\S+) .*"
)
def _unfinished(connection: Connection, match: re.Match[str]) -> Done:
    for number, load in sorted(connection.server.loads.items(), reverse=True):
        known = (load["name"], load["size_bytes"], load["options"])
        if not load["finished"] and known == match.groups():
            row = (str(number), load["token"], load["jobs"], "now")
            return Done(rows=(tuple(text.encode() for text in row),))
    return Done()


@_statement(
    r"SELECT id, started, finished, .* FROM sidecar_magics.loads WHERE finished IS NOT NULL"
    r" AND options = (\S+) AND size_bytes = (\d+) .*"
)
def _finished(connection: Connection, match: re.Match[str]) -> Done:
    rows = []
    for number, load in sorted(connection.server.loads.items(), reverse=True):
        if load["finished"] and (load["options"], load["size_bytes"]) == match.groups():
            known = (load["sha256"], load["stamp"][2:-1], load["in_schemas"][2:-1])
            row = (str(number), "now", "now", "1", "1", *known)
            rows.append(tuple(text.encode() for text in row))
    return Done(rows=tuple(rows))


@_statement(
    r"SELECT id, HEX\(stamp\) FROM sidecar_magics.loads WHERE finished IS NULL"
    r" AND id <> (\d+) AND .*"
)
def _stopped(connection: Connection, match: re.Match[str]) -> Done:
    rows = [
        (str(number).encode(), load["stamp"][2:-1].encode())
        for number, load in connection.server.loads.items()
        if not load["finished"] and str(number) != match[1] and not _is_running(connection, number)
    ]
    return Done(rows=tuple(rows))


@_statement(r"SELECT id, HEX\(in_schemas\) FROM sidecar_magics.loads WHERE finished IS NOT NULL")
def _finished_in(connection: Connection, match: re.Match[str]) -> Done:
    del match
    loads = connection.server.loads
    rows = [
        (str(number).encode(), loads[number]["in_schemas"][2:-1].encode())
        for number in loads
        if loads[number]["finished"]
    ]
    return Done(rows=tuple(rows))


@_statement(r"SELECT schema_name FROM information_schema.schemata")
def _schemata(connection: Connection, match: re.Match[str]) -> Done:
    del match
    return Done(rows=tuple((schema.encode(),) for schema in sorted(connection.server.schemas)))


@_statement(r"UPDATE sidecar_magics.loads SET (.*) WHERE id = (\d+)")
def _update_load(connection: Connection, match: re.Match[str]) -> Done:
    load = connection.server.loads[int(match[2])]
    before = dict(load)
    token = re.search(r"token = '(\w+)', jobs = (\d+)", match[1])
    if token:
        load.update(token=token[1], jobs=token[2])
    else:
        load["finished"] = "now"
        for name, value in re.findall(r"(stamp|sha256|in_schemas) = (x?'[0-9a-f]*')", match[1]):
            load[name] = value.strip("'") if name == "sha256" else value
    if connection.in_transaction:
        connection.undo.append(lambda: load.update(before))
    return Done(1)
