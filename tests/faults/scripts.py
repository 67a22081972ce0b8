"""Scripts whose load is disturbed: dumps of a generated database in several manners."""

from __future__ import annotations

import random
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from sidecar_magics.connection import connect_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import Server

SCHEMAS = ("faults_a", "faults_b")
# Statements large enough that indexes are put off, and many of them.
STATEMENT_BYTES = 200_000
ROWS_AT_ONCE = 2_000
DUMP_OPTIONS = {"mysql": ("--set-gtid-purged=OFF", "--no-tablespaces"), "mariadb": ()}


class Size(NamedTuple):
    """How many rows the tables get: `readings` has about 90 bytes a row."""

    devices: int
    readings: int
    loose: int
    pictures: int
    orders: int


FULL = Size(devices=300, readings=36_000, loose=9_000, pictures=60, orders=16_000)
SMALL = Size(devices=40, readings=6_500, loose=1_200, pictures=8, orders=3_000)

DEFINITIONS = """
CREATE DATABASE faults_a;
CREATE DATABASE faults_b;
USE faults_a;
CREATE TABLE devices (id INT NOT NULL, name VARCHAR(60) NOT NULL, PRIMARY KEY (id),
  UNIQUE KEY name (name));
CREATE TABLE readings (id INT NOT NULL AUTO_INCREMENT, device INT NOT NULL, at DATETIME NOT NULL,
  value DOUBLE, note VARCHAR(80), PRIMARY KEY (id), KEY device (device), KEY at (at, device),
  KEY note (note(20)), KEY value (value),
  CONSTRAINT of_device FOREIGN KEY (device) REFERENCES devices (id) ON DELETE CASCADE);
CREATE TABLE loose (at DATETIME, kind INT, text VARCHAR(120), KEY kind (kind));
CREATE TABLE pictures (id INT NOT NULL AUTO_INCREMENT, data MEDIUMBLOB, PRIMARY KEY (id));
CREATE TABLE untouched (id INT PRIMARY KEY, text TEXT);
CREATE TABLE watched (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, text VARCHAR(50), seen INT);
USE faults_b;
CREATE TABLE orders (id BIGINT NOT NULL, device INT, placed DATE, what VARCHAR(100),
  PRIMARY KEY (id), KEY device (device), KEY placed (placed), KEY what (what, placed),
  CONSTRAINT for_device FOREIGN KEY (device) REFERENCES faults_a.devices (id));
CREATE TABLE counts (kind INT PRIMARY KEY, n INT NOT NULL DEFAULT 0);
"""
# Not before the rows are there: they would be counted.
PROGRAMS = (
    "CREATE TRIGGER faults_a.see BEFORE INSERT ON faults_a.watched FOR EACH ROW"
    " SET NEW.seen = COALESCE(NEW.seen, 0) + 1",
    "CREATE VIEW faults_a.latest AS SELECT device, MAX(at) AS at FROM faults_a.readings"
    " GROUP BY device",
    "CREATE PROCEDURE faults_b.forget(IN k INT) BEGIN DELETE FROM counts WHERE kind = k; END",
    "CREATE FUNCTION faults_b.twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n",
)


def fill(server: Server, size: Size) -> None:
    """Make the database; its content is the same each time."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0, unique_checks = 0")
        for sql in DEFINITIONS.split(";\n"):
            if sql.strip():
                cursor.execute(sql)
        for table, rows in _rows(size).items():
            for batch in _batches(rows):
                places = ", ".join(["%s"] * len(batch[0]))
                cursor.executemany(f"INSERT INTO {table} VALUES ({places})", batch)
        connection.commit()
        for sql in PROGRAMS:
            cursor.execute(sql)


def _batches(rows: Iterator[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    batch: list[tuple[object, ...]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(size: Size) -> dict[str, Iterator[tuple[object, ...]]]:
    chance = random.Random(1)

    def time() -> str:
        return f"2020-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} 12:00:00"

    def text(length: int, start: str = "it's; ") -> str:
        return start + "".join(chance.choices("abcdefü", k=length))

    return {
        "faults_a.devices": ((n, f"device {n}") for n in range(size.devices)),
        "faults_a.readings": (
            (n + 1, chance.randrange(size.devices), time(), chance.random(), text(30))
            for n in range(size.readings)
        ),
        "faults_a.loose": (
            (time(), chance.randrange(9), text(60, "it's; ('),(")) for _ in range(size.loose)
        ),
        "faults_a.pictures": ((n + 1, chance.randbytes(15_000)) for n in range(size.pictures)),
        "faults_a.watched": ((n + 1, text(9), n % 4) for n in range(300)),
        "faults_b.orders": (
            (3 * n, chance.randrange(size.devices), time()[:10], text(40))
            for n in range(size.orders)
        ),
        "faults_b.counts": ((n, n * n) for n in range(9)),
    }


# What is loaded ----------------------------------------------------------------------------------


def dump(server: Server, path: Path, *options: str) -> None:
    """Write the database with the real tool."""
    command = [
        *server.dump_client,
        *DUMP_OPTIONS[server.flavour],
        f"--net-buffer-length={STATEMENT_BYTES}",
        "--routines",
        *options,
        "--databases",
        *SCHEMAS,
    ]
    with path.open("wb") as file:
        subprocess.run(command, stdout=file, check=True, timeout=60)


def _plain(server: Server, path: Path) -> None:
    dump(server, path)


def _nodrop(server: Server, path: Path) -> None:
    dump(server, path, "--skip-add-drop-table")


def _single(server: Server, path: Path) -> None:
    dump(server, path, "--skip-extended-insert")


def _checked(server: Server, path: Path) -> None:
    """Write a dump whose foreign keys are checked as it is loaded, and whose rows come in order."""
    dump(server, path, "--order-by-primary", "--compact")


def _loose(server: Server, path: Path) -> None:
    """Write a dump with a large table that knows no transactions, and is not dropped first."""
    dump(server, path, "--skip-add-drop-table")
    text = path.read_bytes()
    begins = text.index(b"CREATE TABLE `loose`")
    ends = text.index(b"ENGINE=InnoDB", begins)
    path.write_bytes(text[:ends] + b"ENGINE=MyISAM" + text[ends + len(b"ENGINE=InnoDB") :])


def _counted(server: Server, path: Path) -> None:
    """Write rows that the server numbers."""
    chance = random.Random(2)
    with path.open("w", encoding="utf-8") as file:
        file.write("CREATE DATABASE faults_a;\nUSE faults_a;\n")
        for table in "abc":
            file.write(
                f"CREATE TABLE counted_{table} (id INT AUTO_INCREMENT PRIMARY KEY, text TEXT);\n"
            )
        for _ in range(60):
            for table in "abc":
                rows = ", ".join(
                    "('" + "".join(chance.choices("abcdef", k=100)) + "')" for _ in range(100)
                )
                file.write(f"INSERT INTO counted_{table} (text) VALUES {rows};\n")


def _phpmyadmin(server: Server, path: Path) -> None:
    """Write a script in the manner of phpMyAdmin: keys at the end, all in one transaction."""
    dump(server, path, "--skip-comments", "--skip-triggers", "--skip-routines", "--skip-add-locks")
    out = [
        b'SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";\nSTART TRANSACTION;\n'
        b'SET time_zone = "+00:00";\n/*!40101 SET NAMES utf8mb4 */;\n'
    ]
    later: list[bytes] = []
    constraints: list[bytes] = []
    lines = iter(path.read_bytes().split(b"\n"))
    schema = b""
    for line in lines:
        if line.startswith(b"USE"):
            schema = line.split(b"`")[1]
            out.append(line)
        elif line.startswith((b"CREATE DATABASE", b"INSERT")):
            out.append(line)
            while not out[-1].endswith(b";"):  # mariadb-dump puts each row on a line of its own
                out.append(next(lines))
        elif line.startswith(b"CREATE TABLE"):
            table = b"`%s`.`%s`" % (schema, line.split(b"`")[1])
            out += _without_keys(line, table, lines, later, constraints)
    path.write_bytes(b"\n".join([*out, *later, *constraints, b"COMMIT;", b""]))


def _without_keys(
    head: bytes,
    table: bytes,
    lines: Iterator[bytes],
    later: list[bytes],
    constraints: list[bytes],
) -> list[bytes]:
    columns: list[bytes] = []
    keys: list[bytes] = []
    counts_up = b""
    for line in lines:
        part = line.strip().rstrip(b",")
        if line.startswith(b")"):
            ending = re.sub(rb" AUTO_INCREMENT=\d+", b"", line)
            break
        if part.startswith(b"CONSTRAINT"):
            constraints.append(b"ALTER TABLE %s\n  ADD %s;" % (table, part))
        elif re.match(rb"(?:PRIMARY |UNIQUE )?KEY", part):
            keys.append(b"  ADD " + part)
        else:
            if b"AUTO_INCREMENT" in part:
                counts_up = part
                part = part.replace(b" AUTO_INCREMENT", b"")
            columns.append(b"  " + part)
    if keys:
        later.append(b"ALTER TABLE %s\n%s;" % (table, b",\n".join(keys)))
    if counts_up:
        later.append(b"ALTER TABLE %s\n  MODIFY %s, AUTO_INCREMENT=50000;" % (table, counts_up))
    head = head.replace(b"CREATE TABLE `" + table.split(b"`")[3] + b"`", b"CREATE TABLE " + table)
    return [head, b",\n".join(columns), ending]


SCRIPTS: dict[str, Callable[[Server, Path], None]] = {
    "dump": _plain,
    "nodrop": _nodrop,
    "single": _single,
    "checked": _checked,
    "phpmyadmin": _phpmyadmin,
    "loose": _loose,
    "counted": _counted,
}
