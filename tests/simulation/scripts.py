"""Random scripts in the few statements that the simulated server knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random


class Script(NamedTuple):
    """A script, and whether a load of it can always be resumed.

    Attributes
    ----------
    text : str
        A statement a line.
    resumable : bool
        Nothing in it can be in doubt: no rows without transactions, and nothing that changes its
        session in an unknown way.
    """

    text: str
    resumable: bool


@dataclass
class _Author:
    """Writes a script, and keeps in mind what there is."""

    chance: random.Random
    mistakes: int
    lines: list[str] = field(default_factory=list)
    tables: dict[str, str] = field(default_factory=dict)  # name to kind
    next_id: int = 1
    resumable: bool = True
    in_transaction: bool = False
    watched: set[str] = field(default_factory=set)

    def write(self, count: int) -> Script:
        """Write about so many statements."""
        self.lines += ["CREATE DATABASE IF NOT EXISTS s;", "USE s;"]
        if self.chance.random() < 0.6:
            self.lines.append("SET foreign_key_checks = 0;")
        for _ in range(2):
            self._table()
        for _ in range(count):
            self._any()
        if self.in_transaction and self.chance.random() < 0.6:
            self.lines.append("COMMIT;")  # else it is rolled back
        for _ in range(self.mistakes):
            self._mistake()
        return Script("\n".join(self.lines) + "\n", self.resumable)

    def _any(self) -> None:
        choices = [
            (self._table, 5),
            (self._rows, 12),
            (self._more_rows, 6),
            (self._family, 3),
            (self._counted, 3),
            (self._computed, 3),
            (self._selected, 3),
            (self._updated, 2),
            (self._set, 4),
            (self._key, 3),
            (self._trigger, 1),
            (self._transaction, 1),
            (self._program, 1),
            (self._drop, 1),
            (self._rename, 1),
            (self._call, 0.4),
            (self._other_schema, 1),
        ]
        write = self.chance.choices([c[0] for c in choices], [c[1] for c in choices])[0]
        write()

    def _table(self) -> None:
        name = f"t{len(self.tables)}" if self.chance.random() < 0.85 else self._name()
        if name is None:
            return
        kind = self.chance.choices(
            ["plain", "child", "loose", "counted", "myisam"], [7, 8, 1, 3, 1]
        )[0]
        if self.chance.random() < 0.8 or name in self.tables:
            self.lines.append(f"DROP TABLE IF EXISTS {name};")
            self.watched.discard(name)
        parents = [t for t, k in self.tables.items() if k in ("plain", "child") and t != name]
        columns = ["id INT", "p INT", "v VARCHAR(20)"]
        if kind != "loose":
            columns.append("PRIMARY KEY (id)")
        if kind == "counted":
            columns[0] += " AUTO_INCREMENT"
        for index in range(self.chance.randrange(3)):
            columns.append(f"KEY k{index} (v)")
        if kind == "child" and parents:
            columns.append(f"FOREIGN KEY (p) REFERENCES {self.chance.choice(parents)} (id)")
        engine = "MyISAM" if kind == "myisam" else "InnoDB"
        self.lines.append(f"CREATE TABLE {name} ({', '.join(columns)}) ENGINE={engine};")
        self.tables[name] = kind
        self.in_transaction = False
        if kind == "myisam":
            self.resumable = False

    def _family(self) -> None:
        """Write tables with foreign keys to one, and rows for all of them, as for employees."""
        parent = self._name("plain")
        if parent is None:
            return
        self._fill(parent)
        children = [f"t{len(self.tables) + n}" for n in range(self.chance.randrange(2, 4))]
        for child in children:
            self._child(child, parent)
        self.in_transaction = False
        for _ in range(self.chance.randrange(2, 5)):
            self._fill(self.chance.choice([parent, *children]))
        if self.chance.random() < 0.5:
            self.lines.append(f"DROP TABLE IF EXISTS {children[0]};")
            self._child(children[0], parent)
        if self.chance.random() < 0.3:
            self.next_id += 1
            self.lines.append(f"ALTER TABLE {parent} ADD KEY x{self.next_id} (v);")

    def _child(self, name: str, parent: str) -> None:
        self.lines.append(
            f"CREATE TABLE {name} (id INT, p INT, v VARCHAR(20), PRIMARY KEY (id), KEY k0 (v),"
            f" FOREIGN KEY (p) REFERENCES {parent} (id)) ENGINE=InnoDB;"
        )
        self.tables[name] = "child"

    def _name(self, *kinds: str) -> str | None:
        names = [name for name, kind in self.tables.items() if not kinds or kind in kinds]
        return self.chance.choice(names) if names else None

    def _row(self) -> str:
        self.next_id += 1
        return f"({self.next_id},NULL,'{self.chance.choice('abc') * self.chance.randrange(9)}')"

    def _rows(self) -> None:
        name = self._name()
        if name is None:
            return
        count = self.chance.randrange(1, 6)
        if self.tables[name] == "counted" and self.chance.random() < 0.5:
            rows = ",".join(f"(NULL,NULL,'{n}')" for n in range(count))
        else:
            rows = ",".join(self._row() for _ in range(count))
        self.lines.append(f"INSERT INTO {name} VALUES {rows};")

    def _more_rows(self) -> None:
        """Several large statements for one table, as a dump has them."""
        name = self._name("plain", "child", "loose")
        if name is not None:
            self._fill(name)

    def _fill(self, name: str) -> None:
        for _ in range(self.chance.randrange(2, 6)):
            rows = ",".join(self._row() for _ in range(6))
            self.lines.append(f"INSERT INTO {name} VALUES {rows};")

    def _counted(self) -> None:
        """Write rows that the server numbers, some of which name the number before."""
        name = self._name("counted")
        for _ in range(self.chance.randrange(2, 6) if name else 0):
            given = self.chance.choice(["NULL", "LAST_INSERT_ID()"])
            self.lines.append(f"INSERT INTO {name} VALUES (NULL,{given},'a'),(NULL,NULL,'b');")

    def _computed(self) -> None:
        name = self._name("plain", "child", "loose", "myisam")
        if name:
            self.next_id += 1
            self.lines.append(f"INSERT INTO {name} VALUES ({self.next_id},NULL,UPPER('abc'));")

    def _selected(self) -> None:
        name, source = self._name("plain", "child"), self._name("plain", "child")
        if name and source:
            self.next_id += 5000
            self.lines.append(f"INSERT INTO {name} SELECT id + {self.next_id}, p, v FROM {source};")
            self.next_id += 5000

    def _updated(self) -> None:
        name = self._name()
        if name:
            self.lines.append(f"UPDATE {name} SET v = CONCAT(v, '+');")

    def _set(self) -> None:
        self.lines.append(
            self.chance.choice(
                [
                    "SET time_zone = '+00:00';",
                    "SET time_zone = '+01:00';",
                    "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';",
                    "SET sql_mode = '';",
                    "SET @old = @@time_zone;",
                    "SET unique_checks = 0;",
                ]
            )
        )

    def _key(self) -> None:
        name = self._name()
        if name:
            self.next_id += 1
            self.lines.append(f"ALTER TABLE {name} ADD KEY x{self.next_id} (v);")
            self.in_transaction = False

    def _trigger(self) -> None:
        name = self._name("plain")
        if name and name not in self.watched:
            self.next_id += 1
            log = f"log{self.next_id}"
            self.lines.append(
                f"CREATE TABLE {log} (id INT, p INT, v VARCHAR(20)) ENGINE=InnoDB;\n"
                f"CREATE TRIGGER tr{self.next_id} AFTER INSERT ON {name} FOR EACH ROW"
                f" INSERT INTO {log} VALUES (NEW.id);"
            )
            self.watched.add(name)
            self.in_transaction = False

    def _transaction(self) -> None:
        if self.in_transaction:
            ends = ["COMMIT;", "COMMIT;", "ROLLBACK;", "COMMIT;\nSTART TRANSACTION;\nCOMMIT;"]
            self.lines.append(self.chance.choice([*ends, "START TRANSACTION;\nCOMMIT;"]))
        else:
            self.lines.append("START TRANSACTION;")
        self.in_transaction = not self.in_transaction

    def _program(self) -> None:
        self.next_id += 1
        self.lines.append(f"CREATE VIEW view{self.next_id} AS SELECT 1;")
        self.in_transaction = False

    def _drop(self) -> None:
        name = self._name("plain", "loose")
        if name and len(self.tables) > 2 and not self._is_parent(name):
            self.lines.append(f"DROP TABLE {name};")
            del self.tables[name]
            self.watched.discard(name)
            self.in_transaction = False

    def _is_parent(self, name: str) -> bool:
        return any(f"REFERENCES {name} " in line for line in self.lines)

    def _rename(self) -> None:
        name = self._name("loose")
        if name and name not in self.watched:
            self.next_id += 1
            self.lines.append(f"RENAME TABLE {name} TO r{self.next_id};")
            self.tables[f"r{self.next_id}"] = self.tables.pop(name)
            self.in_transaction = False

    def _call(self) -> None:
        name = self._name("loose")
        if name:
            self.lines.append(f"CALL p({name});")
            self.resumable = False

    def _other_schema(self) -> None:
        self.next_id += 1
        name = f"u{self.next_id}"
        self.lines.append(
            f"CREATE DATABASE {name};\n"
            f"CREATE TABLE {name}.t (id INT, p INT, v VARCHAR(20), PRIMARY KEY (id))"
            " ENGINE=InnoDB;\n"
            f"INSERT INTO {name}.t VALUES {self._row()};"
        )
        self.in_transaction = False

    def _mistake(self) -> None:
        line = self.chance.choice(
            [
                "INSERT INTO nosuch VALUES (1,NULL,'');",
                "INSERT INTO t0 VALUES (1,2);",
                "SET sql_mode = 'NO_AUTO_CREATE_USER';",
                "SET nosuch = 1;",
                "SET @old = @@nosuch;",
                "CREATE TABLE bad (id INT, b TEXT DEFAULT 'x') ENGINE=InnoDB;",
                *[
                    "CREATE TABLE bad (id INT, p INT, b TEXT DEFAULT 'x',"
                    " FOREIGN KEY (p) REFERENCES t0 (id)) ENGINE=InnoDB;"
                ]
                * 3,
                "ALTER TABLE nosuch ADD KEY k (v);",
                "USE nosuch;",
                "INSERT INTO t1 VALUES (77,NULL,'a'),(77,NULL,'b');",
            ]
        )
        self.lines.insert(self.chance.randrange(2, len(self.lines) + 1), line)


def write(chance: random.Random, *, mistakes: int = 0) -> Script:
    """Return a script.

    Parameters
    ----------
    chance : random.Random
        Decides what is in it.
    mistakes : int, default 0
        How many statements are put into it that the server refuses.
    """
    return _Author(chance, mistakes).write(chance.randrange(4, 40))
