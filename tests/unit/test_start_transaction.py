"""The plan for CREATE TABLE ... START TRANSACTION, which leaves a transaction open."""

from __future__ import annotations

import io
from pathlib import Path

from sidecar_magics.load.planning.planner import Planner, Server
from sidecar_magics.load.planning.tasks import Step
from sidecar_magics.load.sources.opening import Source
from sidecar_magics.script.splitter import Statement, split


def test_commit_goes_where_the_transaction_is_open() -> None:
    script = b"CREATE TABLE s.t (i INT) START TRANSACTION; COMMIT;"
    source = Source("s.sql", io.BytesIO(script), size_bytes=len(script), folder=Path())
    planner = Planner(Server("mysql", 90000), lambda *_, settled: None)
    tasks = [
        task
        for item in split([script])
        if isinstance(item, Statement)
        for task in planner.statement(Step(item, source, item.sql))
    ]
    (*_, commit) = [*tasks, *planner.finish()]
    assert commit.steps[-1].sql == b"COMMIT"
    assert commit.in_transaction
