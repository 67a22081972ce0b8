"""What --once says is true: whatever else was loaded in between, the whole content is there."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from tests.faults import kinds
from tests.faults.child import Child, Worker
from tests.faults.doubt import content, load_with_client
from tests.faults.proxy import Proxy, Trigger
from tests.turns import some

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.doubt import Content
    from tests.servers import Server

pytestmark = pytest.mark.server
ENDS = ("killed", "interrupted")
LIMIT_S = 60.0


class OnceStage:
    """A server, and a script for it that is large enough for a journal."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.worker = Worker(server)
        self.path = folder / "m.sql"
        self.script = kinds.write("converted", self.path)
        load_with_client(server, self.path)
        self.whole = self.content()
        server.drop_schemas()

    def content(self) -> Content:
        """Return what the server holds."""
        return content(self.server, kinds.SCHEMAS)

    def once(self) -> bool:
        """Load with --once; return whether it was there already."""
        return bool(self.load(self.path, jobs=4, once=True)["already_loaded"])

    def load(self, path: Path, **options: Any) -> dict[str, Any]:
        """Load a script, and return what is told."""
        told = self.worker.load(path, LIMIT_S, **options)
        assert told["error"] is None, told
        return told

    def load_sql(self, sql: str) -> None:
        """Load a few statements."""
        path = self.path.with_name("few.sql")
        path.write_text(sql)
        self.load(path)

    def stop(self, how: str, path: Path, **options: Any) -> None:
        """Load, and end that in the middle of the rows of `b`."""
        with Proxy(self.server.port) as proxy:
            # The rows of `b` as statements, to be counted.
            options = {"rows": "insert", **options}
            child = Child(path, self.server, port=proxy.port, jobs=4, **options)

            def act() -> None:
                if how == "killed":
                    child.process.kill()
                else:
                    child.process.send_signal(signal.SIGINT)

            proxy.arm(Trigger(b"INSERT INTO b", 4, "before", act, cuts=how == "killed"))
            child.go()
            outcome = child.outcome()
        assert outcome["error"] in ("killed", "Interrupted"), outcome
        assert self.content() != self.whole


@pytest.fixture
def stage(fault_server: Server, tmp_path: Path) -> Iterator[OnceStage]:
    stage = OnceStage(fault_server, tmp_path)
    with stage.worker:
        yield stage


def test_nothing_is_done_where_it_is_all_there(stage: OnceStage) -> None:
    assert not stage.once()
    assert stage.content() == stage.whole
    elsewhere = "CREATE DATABASE faults_other; CREATE TABLE faults_other.t (i INT PRIMARY KEY);"
    stage.load_sql(elsewhere)
    assert stage.once()
    assert stage.content() == stage.whole


@pytest.mark.parametrize(
    ("how", "options"),
    [
        *((how, {}) for how in ENDS),
        *((how, {"once": True}) for how in reversed(ENDS)),  # each end on each server
    ],
)
def test_a_load_that_was_stopped_is_not_taken_for_a_whole_one(
    how: str, options: dict[str, bool], stage: OnceStage
) -> None:
    if "once" not in options:
        stage.once()
    stage.stop(how, stage.path, **options)
    assert not stage.once()
    assert stage.content() == stage.whole
    assert stage.once()


@pytest.mark.parametrize("how", ENDS)
def test_another_script_that_was_stopped_ends_the_claim(
    how: str, stage: OnceStage, tmp_path: Path
) -> None:
    stage.once()
    other = tmp_path / "other.sql"
    kinds.write("functions", other)
    stage.stop(how, other)
    assert not stage.once()
    assert stage.content() == stage.whole


@some(
    "other",
    [
        "DROP TABLE faults_k.a;",
        "USE faults_k; DELETE FROM b WHERE id % 2 = 0;",
        "USE faults_k; INSERT INTO c VALUES (900, 'more', 1);",
        "INSERT INTO faults_k.c SELECT id + 5000, 'more', 1 FROM faults_k.c;",
        "CREATE PROCEDURE faults_l.p() DELETE FROM faults_k.c; CALL faults_l.p();",
        "ALTER TABLE faults_k.c ADD COLUMN more INT DEFAULT 7;",
        "SET @sql = 'TRUNCATE TABLE faults_k.c'; PREPARE s FROM @sql; EXECUTE s;",
    ],
    each=2,
)
def test_another_script_on_the_same_schemas_ends_the_claim(other: str, stage: OnceStage) -> None:
    stage.once()
    stage.load_sql(other)
    assert stage.content() != stage.whole
    with connect_now(stage.server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("DROP PROCEDURE IF EXISTS faults_l.p")
    assert not stage.once()
    assert stage.content() == stage.whole


def test_another_large_script_on_the_same_schemas_ends_the_claim(
    stage: OnceStage, tmp_path: Path
) -> None:
    stage.once()
    other = tmp_path / "other.sql"
    kinds.write("functions", other)
    stage.load(other, jobs=4, once=True)
    assert stage.content() != stage.whole
    assert not stage.once()
    assert stage.content() == stage.whole
