"""Scripts at random, in which a server refuses some statements at random places."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SCHEMAS = ("refused_a", "refused_b")
# Small ones, those that are sent together, and those that make a load put off indexes.
ROWS_A_STATEMENT = (1, 8, 150, 900)
ROWS_OF_ALL = 6_000
NO_SUCH = "nosuch"


@dataclass
class Table:
    """A table that a script has made so far."""

    name: str
    schema: str
    parents: list[str]
    rows: int = 0
    indexes: list[str] = field(default_factory=list)

    @property
    def columns(self) -> str:
        """All columns, in order."""
        return ", ".join(["id", *(f"r{n}" for n in range(len(self.parents))), "v", "n"])


class Maker:
    """Makes one script.

    Parameters
    ----------
    seed : str
        What it depends on, alone.

    Attributes
    ----------
    statements : list of str
        What it consists of, each with its delimiter and the end of its line.
    mistakes : list of int
        Which of them are meant to be refused.
    """

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self._tables: list[Table] = []
        self._schema = ""
        self._number = 0
        self._rows = 0
        self.statements: list[str] = []
        self.mistakes: list[int] = []
        self._make()

    @property
    def text(self) -> str:
        """The script."""
        return "".join(self.statements)

    def at(self, line: int) -> int:
        """Return the index of the statement that a line, counted from 1, is in."""
        for index, statement in enumerate(self.statements):
            line -= statement.count("\n")
            if line < 1:
                return index
        return len(self.statements) - 1

    # The script --------------------------------------------------------------------------------

    def _make(self) -> None:
        chance = self._chance
        self._say("SET NAMES utf8mb4;")
        if chance.random() < 0.5:
            self._say("SET foreign_key_checks = 0;")
        for schema in SCHEMAS:
            self._say(f"CREATE DATABASE {schema};")
        self._use(SCHEMAS[0])
        count = chance.choice((3, 3, 4, 4, 5, 6, 8))
        steps = 6 * count
        places = {chance.randrange(2, steps) for _ in range(chance.randint(1, 3))}
        for step in range(steps):
            if step in places and self._tables:
                chance.choices((self._mistake, self._many), (4, 1))[0]()
            if len(self._tables) < count and (step < 2 or chance.random() < 0.4):
                self._table()
            else:
                chance.choices(
                    (self._insert, self._alter, self._program, self._set, self._switch),
                    (12, 3, 2, 2, 2),
                )[0]()

    def _say(self, sql: str) -> None:
        self.statements.append(sql + "\n" * self._chance.choice((1, 1, 1, 2)))

    def _use(self, schema: str) -> None:
        self._schema = schema
        self._say(f"USE {schema};")

    def _path(self, table: Table) -> str:
        if table.schema == self._schema and self._chance.random() < 0.7:
            return table.name
        return f"{table.schema}.{table.name}"

    def _new(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def _any(self) -> Table:
        return self._chance.choice(self._tables)

    def _table(self) -> None:
        chance = self._chance
        most = min(2, len(self._tables))
        parents = chance.sample(self._tables, chance.randint(0, most))
        table = Table(self._new("t"), self._schema, [parent.name for parent in parents])
        self._say(f"CREATE TABLE {table.name} ({self._definition(table, parents)});")
        self._tables.append(table)

    def _definition(self, table: Table, parents: list[Table]) -> str:
        chance = self._chance
        parts = ["id INT NOT NULL PRIMARY KEY"]
        parts += [f"r{n} INT" for n in range(len(parents))]
        parts += ["v VARCHAR(200) NOT NULL", "n INT NOT NULL DEFAULT 1"]
        for column in ("v", "n", "n, v"):
            if chance.random() < 0.5:
                table.indexes.append(self._new("k"))
                parts.append(f"KEY {table.indexes[-1]} ({column})")
        for n, parent in enumerate(parents):
            cascade = chance.choice(("", " ON DELETE CASCADE"))
            name = self._new("f")
            reference = f"REFERENCES {parent.schema}.{parent.name} (id){cascade}"
            parts.append(f"CONSTRAINT {name} FOREIGN KEY (r{n}) {reference}")
        return chance.choice((", ", ",\n  ")).join(parts)

    def _row(self, table: Table, number: int, v: str = "", n: str = "") -> str:
        chance = self._chance
        references = ["NULL" if chance.random() < 0.2 else "1" for _ in table.parents]
        text = v or "it''s; " + "".join(chance.choices("abcdef(),", k=chance.randint(60, 180)))
        return f"({', '.join([str(number), *references, repr_of(text), n or str(number % 9)])})"

    def _rows_of(self, table: Table, count: int) -> list[str]:
        first = table.rows + 1
        table.rows += count
        self._rows += count
        return [self._row(table, number) for number in range(first, first + count)]

    def _insert(self) -> None:
        table = self._any()
        count = self._chance.choice(ROWS_A_STATEMENT)
        if self._rows + count > ROWS_OF_ALL:
            count = 1
        for parent in self._tables:  # what is referred to is there
            if parent.name in table.parents and not parent.rows:
                self._put(parent, self._rows_of(parent, 1))
        self._put(table, self._rows_of(table, count))

    def _put(self, table: Table, rows: list[str]) -> None:
        columns = f" ({table.columns})" if self._chance.random() < 0.4 else ""
        between = self._chance.choice((",", ", ", ",\n"))
        self._say(f"INSERT INTO {self._path(table)}{columns} VALUES {between.join(rows)};")

    def _alter(self) -> None:
        table, chance = self._any(), self._chance
        index = self._new("k")
        table.indexes.append(index)
        column = chance.choice(("v", "n", "id, n"))
        what = chance.choice(
            (f"ADD INDEX {index} ({column})", f"ADD KEY {index} ({column})", "COMMENT = 'altered'")
        )
        if what.startswith("COMMENT"):
            table.indexes.pop()
        self._say(f"ALTER TABLE {self._path(table)} {what};")

    def _program(self) -> None:
        table, chance = self._any(), self._chance
        path = f"{table.schema}.{table.name}"
        if chance.random() < 0.6:
            view = self._new("w")
            self._say(f"CREATE VIEW {view} AS SELECT id, v FROM {path} WHERE n < 5;")
        else:
            trigger = f"{table.schema}.{self._new('g')}"
            head = f"CREATE TRIGGER {trigger} BEFORE INSERT ON {path} FOR EACH ROW"
            body = "BEGIN\n  SET NEW.n = NEW.n + 1;\nEND"
            if chance.random() < 0.5:
                self._say(f"DELIMITER $$\n{head} {body}$$\nDELIMITER ;")
            else:
                self._say(f"{head} SET NEW.n = NEW.n + 1;")

    def _set(self) -> None:
        self._say(
            self._chance.choice(
                (
                    "SET @x = 5;",
                    "SET NAMES utf8mb4;",
                    "SET time_zone = '+02:00';",
                    "SET @OLD_SQL_MODE = @@sql_mode, sql_mode = 'NO_AUTO_VALUE_ON_ZERO';",
                    "SET sql_mode = 'STRICT_ALL_TABLES';",
                    "/*!40101 SET character_set_client = utf8mb4 */;",
                )
            )
        )

    def _switch(self) -> None:
        self._use(self._chance.choice(SCHEMAS))

    # What the server refuses -------------------------------------------------------------------

    def _mistake(self) -> None:
        table = self._any()
        path = self._path(table)
        wrong = self._chance.choice(
            (self._wrong_rows, self._wrong_rows, self._wrong_table, self._wrong_word)
        )
        self.mistakes.append(len(self.statements))
        self._say(wrong(table, path))

    def _many(self) -> None:
        """Make mistakes in several tables, which several connections meet at the same time."""
        filled = [table for table in self._tables if table.rows]
        count = min(len(filled), self._chance.randint(2, 5))
        for table in self._chance.sample(filled, count):
            self.mistakes.append(len(self.statements))
            self._say(self._twice(table, self._path(table), ROWS_A_STATEMENT[-1]))

    def _twice(self, table: Table, path: str, count: int) -> str:
        """Return an INSERT whose last row is there already."""
        new = 1_000_000 + 10_000 * self._number
        rows = [self._row(table, new + n) for n in range(count)]
        twice = self._row(table, self._chance.randint(1, table.rows))
        return f"INSERT INTO {path} VALUES {','.join([*rows, twice])};"

    def _wrong_rows(self, table: Table, path: str) -> str:
        chance = self._chance
        new = 1_000_000 + self._number
        if table.rows and chance.random() < 0.4:
            return self._twice(table, path, chance.choice(ROWS_A_STATEMENT))
        return chance.choice(
            (
                f"INSERT INTO {path} (id, {NO_SUCH}) VALUES ({new}, 1);",
                f"INSERT INTO {path} VALUES {self._row(table, new, n=repr_of('much'))};",
                f"INSERT INTO {path} VALUES {self._row(table, new, v='x' * 300)};",
                f"INSERT INTO {path} VALUES ({new});",
                f"INSERT INTO {NO_SUCH} VALUES (1);",
                f"INSERT INTO {NO_SUCH}.t VALUES (1);",
                f"UPDATE {path} SET {NO_SUCH} = 1;",
                f"INSERT INTO {path} VALUES ({new}, ;",
            )
        )

    def _wrong_table(self, table: Table, path: str) -> str:
        new = self._new("x")
        reference = f"FOREIGN KEY (p) REFERENCES {table.schema}.{table.name} (id)"
        mistakes = [
            f"CREATE TABLE {new} (p INT, {reference}, b TEXT DEFAULT 'x');",
            f"CREATE TABLE {new} (p INT, {reference}, b INT NOT NULL DEFAULT 'x');",
            f"CREATE TABLE {new} (p INT, {reference}, b INT, b INT);",
            f"CREATE TABLE {new} (p INT, FOREIGN KEY (p) REFERENCES {NO_SUCH} (id));",
            f"CREATE TABLE {new} (p VARCHAR(9), {reference});",
            f"CREATE TABLE {NO_SUCH}.{new} (p INT);",
            f"CREATE TABLE {path} (p INT);",
            f"ALTER TABLE {path} ADD COLUMN v INT;",
            f"ALTER TABLE {path} ADD INDEX {new} ({NO_SUCH});",
            f"ALTER TABLE {path} ADD CONSTRAINT {new} FOREIGN KEY (n) REFERENCES {NO_SUCH} (id);",
            f"DROP TABLE {NO_SUCH};",
            f"DROP VIEW {NO_SUCH};",
            f"CREATE VIEW {new} AS SELECT {NO_SUCH} FROM {path};",
            f"CREATE TRIGGER {new} BEFORE INSERT ON {NO_SUCH} FOR EACH ROW SET NEW.n = 1;",
            f"CREATE DATABASE {SCHEMAS[0]};",
        ]
        if table.indexes:
            mistakes += [f"ALTER TABLE {path} ADD INDEX {table.indexes[0]} (n);"] * 3
        return self._chance.choice(mistakes)

    def _wrong_word(self, table: Table, path: str) -> str:
        del table
        return self._chance.choice(
            (
                f"USE {NO_SUCH};",
                "SET sql_mode = 'NO_SUCH_MODE';",
                f"SET NAMES {NO_SUCH};",
                f"SET {NO_SUCH} = 1;",
                f"SET @old = @@{NO_SUCH};",
                "SET time_zone = 'No/Where';",
                "SELEC 1;",
                f"CREATE TABEL x (i INT);\nINSERT INTO {path} VALEUS (1);",
                f"CALL {NO_SUCH}();",
            )
        )


def repr_of(text: str) -> str:
    """Return a text as a literal; its quotes are doubled already."""
    return f"'{text}'"
