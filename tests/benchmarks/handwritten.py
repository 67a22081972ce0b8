"""Scripts as people write them: each statement depends on the one before, so none can wait."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "journal"
ROWS_PER_INSERT = 500
STATEMENTS_PER_TRANSACTION = 500

BEGINNING = f"""\
DROP DATABASE IF EXISTS {SCHEMA};
CREATE DATABASE {SCHEMA};
USE {SCHEMA};

CREATE TABLE reading (
  id INT NOT NULL PRIMARY KEY, batch INT NOT NULL, value INT NOT NULL, times INT NOT NULL,
  note VARCHAR(80) NOT NULL, KEY batch (batch));
SET @batch = 0;

"""


def one_table(size_bytes: int) -> Iterator[bytes]:
    """Yield inserts of many rows into one table, each with a variable that the one before set.

    Every tenth row meets one that is there already.

    Parameters
    ----------
    size_bytes : int
        About how much.
    """
    draw = random.Random(5)
    yield BEGINNING.encode()
    total = last_id = 0
    while total < size_bytes:
        rows = []
        for _ in range(ROWS_PER_INSERT):
            again = last_id and draw.random() < 0.1
            row_id = 1 + int(draw.random() * last_id) if again else last_id + 1
            last_id = max(last_id, row_id)
            note = f"it\\'s {draw.getrandbits(160):040x}"
            rows.append(f"({row_id}, @batch, {int(draw.random() * 10**6)}, 1, '{note}')")
        values = ",\n  ".join(rows)
        statement = (
            f"INSERT INTO reading VALUES\n  {values}\n"
            "  ON DUPLICATE KEY UPDATE value = VALUES(value), times = times + 1;\n"
            "SET @batch = @batch + 1;\n"
        ).encode("ascii")
        total += len(statement)
        yield statement


def small_statements(count: int) -> Iterator[bytes]:
    """Yield statements of one row each, in transactions: inserts, updates, variables.

    Parameters
    ----------
    count : int
        How many.
    """
    draw = random.Random(6)
    yield BEGINNING.encode()
    last_id = 0
    for first in range(0, count, STATEMENTS_PER_TRANSACTION):
        lines = ["START TRANSACTION;"]
        for number in range(first, min(count, first + STATEMENTS_PER_TRANSACTION)):
            if number % 10 == 8:
                row_id = 1 + int(draw.random() * last_id)
                lines.append(f"UPDATE reading SET times = times + 1 WHERE id = {row_id};")
            elif number % 10 == 9:
                lines.append("SET @batch = @batch + 1;  -- the next one")
            else:
                last_id += 1
                value, note = int(draw.random() * 10**6), f"{draw.getrandbits(64):016x}"
                lines.append(
                    f"INSERT INTO reading VALUES ({last_id}, @batch, {value}, 1, '{note}');"
                )
        lines.append("COMMIT;\n")
        yield "\n".join(lines).encode("ascii")
