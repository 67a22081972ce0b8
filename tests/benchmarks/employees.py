"""A database of the shape of MySQL's "employees" sample, as a script, at any scale.

At scale 1: 300,024 employees, about 400,000 titles and 2.85 million salaries, with foreign keys and
secondary indexes, and 1,200 blobs of 2 to 40 kB as a laboratory's tables have them. Its mysqldump
is 186 MB. The same scale gives the same bytes, on each Python.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCHEMA = "employees"
MB_AT_SCALE_1 = 186
EMPLOYEES = 300_024
FIRST_NUMBER = 10_001
SESSIONS, UNITS_PER_SESSION = 60, 20
# What makes a statement of about 1 MB, as mysqldump does.
ROWS_PER_INSERT = {"employees": 16_000, "titles": 20_000, "salaries": 25_000, "unit": 24}

BEGINNING = f"""\
-- MySQL dump of a generated database
/*!50503 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;

CREATE DATABASE IF NOT EXISTS `{SCHEMA}`;

USE `{SCHEMA}`;
"""
TABLES = {
    "employees": """\
  `emp_no` int NOT NULL,
  `birth_date` date NOT NULL,
  `first_name` varchar(14) NOT NULL,
  `last_name` varchar(16) NOT NULL,
  `gender` enum('M','F') NOT NULL,
  `hire_date` date NOT NULL,
  PRIMARY KEY (`emp_no`),
  KEY `name` (`last_name`,`first_name`)""",
    "titles": """\
  `emp_no` int NOT NULL,
  `title` varchar(50) NOT NULL,
  `from_date` date NOT NULL,
  `to_date` date DEFAULT NULL,
  PRIMARY KEY (`emp_no`,`title`,`from_date`),
  CONSTRAINT `titles_ibfk_1` FOREIGN KEY (`emp_no`)
    REFERENCES `employees` (`emp_no`) ON DELETE CASCADE""",
    "salaries": """\
  `emp_no` int NOT NULL,
  `salary` int NOT NULL,
  `from_date` date NOT NULL,
  `to_date` date NOT NULL,
  PRIMARY KEY (`emp_no`,`from_date`),
  KEY `sal` (`salary`),
  CONSTRAINT `salaries_ibfk_1` FOREIGN KEY (`emp_no`)
    REFERENCES `employees` (`emp_no`) ON DELETE CASCADE""",
    "unit": """\
  `unit_id` int NOT NULL,
  `session` char(36) NOT NULL,
  `spikes` longblob NOT NULL,
  PRIMARY KEY (`session`,`unit_id`)""",
}
BEFORE_ROWS = """
DROP TABLE IF EXISTS `{table}`;
CREATE TABLE `{table}` (
{columns}
) ENGINE=InnoDB;

LOCK TABLES `{table}` WRITE;
/*!40000 ALTER TABLE `{table}` DISABLE KEYS */;
"""
AFTER_ROWS = """\
/*!40000 ALTER TABLE `{table}` ENABLE KEYS */;
UNLOCK TABLES;
"""
END = """
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;

-- Dump completed
"""
TITLES = (
    "Senior Engineer",
    "Staff",
    "Engineer",
    "Senior Staff",
    "Assistant Engineer",
    "Technique Leader",
    "Manager",
)


def script(scale: float) -> Iterator[bytes]:
    """Yield a script that makes the database, piece by piece, in the form of a mysqldump.

    Parameters
    ----------
    scale : float
        Share of the full number of rows; 10 gives ten times the data.
    """
    yield BEGINNING.encode()
    for table, rows in _rows(scale).items():
        yield BEFORE_ROWS.format(table=table, columns=TABLES[table]).encode()
        count = ROWS_PER_INSERT[table]
        for values in iter(_next_values(rows, count), ""):
            yield f"INSERT INTO `{table}` VALUES {values};\n".encode("ascii")
        yield AFTER_ROWS.format(table=table).encode()
    yield END.encode()


def handwritten(scale: float, rows_per_insert: int) -> Iterator[bytes]:
    """Yield a script that makes the same database in the manner of people.

    All tables come first, in one go, then their rows; there is no heading, no lock, no comment.

    Parameters
    ----------
    scale : float
        As for `script`.
    rows_per_insert : int
        How many rows a statement has; of the table with blobs, a hundredth.
    """
    yield f"DROP DATABASE IF EXISTS {SCHEMA}; CREATE DATABASE {SCHEMA}; USE {SCHEMA};\n".encode()
    yield b"SET foreign_key_checks=0;\n"
    for table, columns in TABLES.items():
        yield f"CREATE TABLE {table} (\n{columns}\n) ENGINE=InnoDB;\n".encode()
    for table, rows in _rows(scale).items():
        count = max(1, rows_per_insert // 100) if table == "unit" else rows_per_insert
        for values in iter(_next_values(rows, count), ""):
            yield f"INSERT INTO {table} VALUES {values};\n".encode("ascii")


def _rows(scale: float) -> dict[str, Iterator[str]]:
    people = range(FIRST_NUMBER, FIRST_NUMBER + round(EMPLOYEES * scale))
    return {
        "employees": _employees(people),
        "titles": _titles(people),
        "salaries": _salaries(people),
        "unit": _units(range(round(SESSIONS * scale))),
    }


def _next_values(rows: Iterator[str], count: int) -> Callable[[], str]:
    return lambda: ",".join(itertools.islice(rows, count))


def _employees(people: range) -> Iterator[str]:
    # Of all that `random` offers, random() and getrandbits() give the same on each Python.
    draw = random.Random(1).random
    names = [_name(draw) for _ in range(1_500)]
    for number in people:
        first, last = names[int(draw() * 1_500)], names[int(draw() * 1_500)]
        born, hired = _date(draw, 1952, 1965), _date(draw, 1985, 2000)
        yield f"({number},'{born}','{first}','{last}','{'MF'[draw() < 0.4]}','{hired}')"


def _titles(people: range) -> Iterator[str]:
    draw = random.Random(2).random
    for number in people:
        for year in range(1985, 1986 + (draw() < 1 / 3)):
            yield f"({number},'{TITLES[int(draw() * 7)]}','{year}-02-01','9999-01-01')"


def _salaries(people: range) -> Iterator[str]:
    draw = random.Random(3).random
    for number in people:
        salary = 38_000 + int(draw() * 60_000)
        for year in range(1985, 1990 + int(draw() * 10)):
            salary += int(draw() * 5_000)
            yield f"({number},{salary},'{year}-06-26','{year + 1}-06-26')"


def _units(sessions: range) -> Iterator[str]:
    draw = random.Random(4)
    for session in sessions:
        name = f"{session:08d}-0000-0000-0000-000000000000"
        for unit in range(UNITS_PER_SESSION):
            size_bytes = 2_000 + int(draw.random() * 38_000)
            blob = draw.getrandbits(8 * size_bytes)
            yield f"({unit},'{name}',0x{blob:0{2 * size_bytes}x})"


def _name(draw: Callable[[], float]) -> str:
    letters = ("abcdefghijklmnop"[int(draw() * 16)] for _ in range(3 + int(draw() * 10)))
    return "".join(letters).title()


def _date(draw: Callable[[], float], first_year: int, last_year: int) -> str:
    year = first_year + int(draw() * (last_year - first_year + 1))
    return f"{year}-{1 + int(draw() * 12):02d}-{1 + int(draw() * 28):02d}"
