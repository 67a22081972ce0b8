"""What the scripts of `kinds` are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

A_COLUMNS = (
    "id INT NOT NULL, text VARCHAR(200), n INT NOT NULL DEFAULT 0, PRIMARY KEY (id), KEY (n)"
)


@dataclass
class Kind:
    """What is special about a script.

    Parameters
    ----------
    fills : list of str
        What makes and fills `a`, a statement each (or a few with their DELIMITER).
    later : list of str
        More of that after the rows of `b`.
    moments : tuple of bytes
        What the statements have in them that something interesting happens at.
    heading : bool, default False
        Begin as mysqldump does, so that its own transactions are left out.
    checks_keys : bool, default False
        Leave foreign keys to be checked, which dumps do not.
    keeps_transactions : bool, default True
        Whether a killed statement leaves nothing; MyISAM keeps what it has.
    in_parts : bool, default False
        Whether a chunk is several statements, of which some may be done.
    may_doubt : bool, default False
        Whether a statement can have been executed and have left no trace that a resumed load
        sees: the error that says so is as good as the whole content.
    asks : tuple of str
        What the server is asked instead of looking at `unlike`.
    unlike : tuple of str
        Tables that hold numbers of the server's own, which may have gaps.
    data : str
        Content of a file beside the script, in whose place ``{data}`` stands.
    """

    fills: list[str]
    later: list[str]
    moments: tuple[bytes, ...] = (b"INTO a ",)
    heading: bool = False
    checks_keys: bool = False
    keeps_transactions: bool = True
    in_parts: bool = False
    may_doubt: bool = False
    asks: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    data: str = ""


def made(table: str, columns: str, end: str = "ENGINE=InnoDB") -> list[str]:
    return [f"DROP TABLE IF EXISTS {table};\n", f"CREATE TABLE {table} ({columns}) {end};\n"]


def text_of(chance: random.Random, length: int = 60) -> str:
    return "it''s; " + "".join(chance.choices("abcdef(),", k=length))


def rows_of(chance: random.Random, first: int, count: int) -> str:
    return ",".join(f"({first + n},'{text_of(chance)}',{n % 9})" for n in range(count))


def each(template: str, first: int, count: int, chance: random.Random) -> list[str]:
    """Return statements of one form, with ``{id}``, ``{text}`` and ``{n}`` of their own."""
    return [
        template.replace("{id}", str(number))
        .replace("{text}", text_of(chance))
        .replace("{n}", str(number % 9))
        + "\n"
        for number in range(first, first + count)
    ]


def plain(chance: random.Random, table: str, first: int, statements: int) -> list[str]:
    return [
        f"INSERT INTO {table} VALUES {rows_of(chance, first + 100 * n, 100)};\n"
        for n in range(statements)
    ]
