"""Work of some days on many sidecars: random changes, each snapshot restored anywhere."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from sidecar_magics import mysql_keep
from sidecar_magics.connection import connect_now
from sidecar_magics.dump import dump
from sidecar_magics.keep.fingerprints import Fingerprint
from sidecar_magics.load import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

# More of them: KEEP_ROUNDS=500 KEEP_SEED=7 python -m pytest tests/integration/test_keep_work.py
ROUNDS = int(os.environ.get("KEEP_ROUNDS", "25"))
SCRIPT = """
CREATE DATABASE lab; USE lab;
CREATE TABLE mouse (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20));
CREATE TABLE dose (id INT PRIMARY KEY AUTO_INCREMENT, mouse INT, mg DOUBLE,
  FOREIGN KEY (mouse) REFERENCES mouse (id) ON DELETE CASCADE);
INSERT INTO mouse (name) VALUES ('Ada'), ('Ben'), ('Cleo');
INSERT INTO dose (mouse, mg) VALUES (1, 0.1), (2, 1e300), (2, -0.0);
"""
# What a user does; {} is a number that is new each time. What does not fit just now is refused.
DOES = (
    "INSERT INTO lab.mouse (name) VALUES ('m{}')",
    "INSERT INTO lab.dose (mouse, mg) SELECT id, {} / 7 FROM lab.mouse LIMIT 2",
    "UPDATE lab.mouse SET name = 'u{}' ORDER BY id LIMIT 1",
    "DELETE FROM lab.mouse ORDER BY id DESC LIMIT 1",
    "TRUNCATE lab.dose",
    "ALTER TABLE lab.mouse ADD COLUMN c{} INT DEFAULT {}",
    "ALTER TABLE lab.dose ENGINE = InnoDB",
    "CREATE TABLE lab.extra{} LIKE lab.dose",
    "RENAME TABLE lab.extra{} TO lab.other{}",
    "RENAME TABLE lab.swap TO lab.tmp, lab.swap2 TO lab.swap, lab.tmp TO lab.swap2",
    "CREATE TABLE lab.swap (id INT PRIMARY KEY) AS SELECT {} AS id",
    "CREATE TABLE lab.swap2 (id INT PRIMARY KEY) AS SELECT {} AS id",
    "DROP TABLE lab.swap",
    "CREATE OR REPLACE VIEW lab.seen AS SELECT {} AS n, COUNT(*) AS c FROM lab.mouse",
    "CREATE PROCEDURE lab.p{}() SELECT {}",
    "CREATE TRIGGER lab.g{} BEFORE INSERT ON lab.dose FOR EACH ROW SET NEW.mg = {}",
    "CREATE DATABASE lab{}",
    "CREATE TABLE lab{0}.t (id INT PRIMARY KEY) AS SELECT {0} AS id",
    "DROP DATABASE lab{}",
    "CREATE TABLE lab.plain (id INT) ENGINE = MyISAM AS SELECT {} AS id",
    "INSERT INTO lab.plain VALUES ({})",
)


@pytest.fixture(params=("mysql", "mariadb"))
def server(request: pytest.FixtureRequest) -> Server:
    """Return each server in turn, empty."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


class Days:
    """A user, a home folder, and one sidecar after the other."""

    def __init__(self, server: Server, home: Path, draw: random.Random) -> None:
        self.server = server
        self.home = home
        self.draw = draw
        self.keeper = self.begun()
        self.texts: dict[str, bytes] = {}  # by snapshot

    def begun(self) -> Any:
        return mysql_keep(self.server.settings, folder=self.home / "kept", last=6, every_s=1e9)

    def text(self) -> bytes:
        dump(self.home / "now.sql", self.server.settings)
        return (self.home / "now.sql").read_bytes()

    def load(self) -> bool:
        return bool(load(self.home / "lab.sql", self.server.settings, once=True).already_loaded)

    def work(self) -> None:
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            for _ in range(self.draw.randrange(6)):
                sql = self.draw.choice(DOES).format(*(self.draw.randrange(5) for _ in range(2)))
                try:
                    cursor.execute(sql)
                    connection.commit()
                except pymysql.MySQLError:
                    connection.rollback()

    def keep(self) -> None:
        self.work()
        self.keeper.now()
        newest = self.keeper.status().snapshots[0]
        self.texts[newest.name] = self.text()

    def move(self) -> None:
        """Leave the sidecar; a new one comes."""
        expected = self.texts[self.keeper.status().snapshots[0].name]
        self.keeper.off()
        self.server.drop_schemas()
        self.keeper = self.begun()
        assert self.text() == expected
        assert self.load(), "what was loaded once is known to be"
        assert self.text() == expected

    def crash(self) -> None:
        """Lose what was not kept."""
        self.work()
        self.move()

    def come_back(self) -> None:
        """Restart the kernel, the server stays."""
        self.keeper.off()
        before = self.text()
        self.keeper = self.begun()
        assert self.text() == before

    def go_back(self) -> None:
        """Restore one of the snapshots."""
        there = self.keeper.status().snapshots
        chosen = self.draw.choice(there)
        for name in self.server.schemas():  # those that it has not would stay
            if name not in (*chosen.schemas, "sidecar_magics"):
                with connect_now(self.server.settings) as connection:
                    connection.cursor().execute(f"DROP DATABASE {name}")
        before = self.text()
        earlier = self.keeper.restore(chosen.name).restored.earlier
        if earlier is not None:
            self.texts[earlier.name] = before
        assert self.text() == self.texts[chosen.name]
        newest = self.keeper.status().snapshots[0]
        self.texts[newest.name] = self.text()


@pytest.mark.timeout(300 + 20 * ROUNDS)
@pytest.mark.thorough
def test_what_was_kept_comes_back_anywhere(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fingerprint, "is_settled", Fingerprint.is_settled_if_alone)
    seed = int(os.environ.get("KEEP_SEED", random.randrange(10**6)))
    draw = random.Random(seed)
    (tmp_path / "lab.sql").write_text(SCRIPT)
    days = Days(server, tmp_path, draw)
    days.load()
    days.keep()
    events: list[Callable[[], None]] = [days.keep, days.keep, days.keep, days.keep]
    events += [days.move, days.crash, days.come_back, days.go_back]
    done = []
    try:
        for _ in range(ROUNDS):
            event = draw.choice(events)
            done.append(event.__name__)
            event()
    except BaseException:
        print(f"KEEP_SEED={seed}: {done}")
        raise
    finally:
        days.keeper.off()
