"""The walk finds the same about rows that begin as others did as if it looked at each afresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.load.planning.planner import Planner, Server
from sidecar_magics.load.policy import LoadPolicy
from sidecar_magics.load.reporting.report import LoadReport
from sidecar_magics.load.sources.opening import Sources
from sidecar_magics.load.walk import Walk
from sidecar_magics.script.quoting import Quoting

if TYPE_CHECKING:
    from sidecar_magics.errors import ScriptError
    from sidecar_magics.load.planning.tasks import Step
    from sidecar_magics.script.classify import Classification

ROW = "INSERT INTO t VALUES (1, ';');\n"

SCRIPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "many": ("USE a;\n" + ROW * 3, {}),
    "another schema": ("USE a;\n" + ROW * 2 + "USE b;\n" + ROW * 2, {}),
    "a schema that is gone": ("USE a;\n" + ROW * 2 + "DROP DATABASE a;\n" + ROW * 2, {}),
    "another table": ("USE a;\n" + ROW * 2 + ROW.replace("t V", "t2 V") * 2 + ROW, {}),
    "a qualified one": ("USE a;\n" + ROW * 2 + ROW.replace(" t ", " b.t ") * 2 + ROW * 2, {}),
    "listed": ("USE a;\n" + ROW * 2 + ROW.replace("t V", "t (i, s) V") * 2, {}),
    "rows of another kind": ("USE a;\n" + ROW * 2 + "INSERT INTO t VALUES ROW(1, 2);\n", {}),
    "another delimiter": (
        "USE a;\n" + ROW * 2 + "DELIMITER //\nINSERT INTO t VALUES (2, 2); DELETE FROM b.u//\n"
        "DELIMITER ;\n" + ROW,
        {},
    ),
    "some tables": ("USE a;\n" + ROW * 2 + ROW.replace(" t ", " u ") * 2 + ROW, {"tables": ("t",)}),
    "no rows": ("USE a;\n" + ROW * 2 + "UPDATE t SET i = 1;\n", {"schema_only": True}),
    "elsewhere": ("USE a;\n" + ROW * 3, {"into": "c"}),
    "the server's own": ("USE mysql;\n" + ROW * 2 + "USE a;\n" + ROW * 2, {}),
}


class Witness:
    """Takes down what the walk has found out about each statement."""

    host, is_loopback, dollar_quotes = "127.0.0.1", True, False

    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def quoting(self, before: Quoting) -> Quoting:
        return before

    def renew(self) -> None:
        pass

    def saw(self, step: Step, about: Classification, delimiter: bytes) -> None:
        schemas = sorted(step.schemas)
        self.seen.append((step.place, step.sql, step.table, step.is_data, schemas, about))

    def refuse(self, error: ScriptError, step: Step) -> None:
        raise error


def seen(script: str, options: dict[str, Any]) -> tuple[list[tuple[object, ...]], dict[str, int]]:
    witness, policy = Witness(), LoadPolicy(**options)
    report = LoadReport("s", flavour="mysql", server_version="8.0.36")
    walk = Walk(
        Planner(Server("mysql", 80036)),
        lambda source: policy.rewriter((), source),
        policy,
        target=witness,
        report=report,
        quoting=Quoting(),
    )
    list(walk.tasks(Sources.from_text(script)))
    return witness.seen, dict(report.skipped)


@pytest.mark.parametrize("name", SCRIPTS)
def test_rows_that_begin_alike(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script, options = SCRIPTS[name]
    found = seen(script, options)
    monkeypatch.setattr(Walk, "_remember", lambda *_: None)
    assert found == seen(script, options)
    assert found[0]


def test_most_rows_are_not_looked_at_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[bytes] = []
    original = Walk._rewritten

    def rewritten(walk: Walk, statement: Any, *rest: Any) -> bytes | None:
        looked.append(statement.sql)
        return original(walk, statement, *rest)

    monkeypatch.setattr(Walk, "_rewritten", rewritten)
    seen("USE a;\n" + ROW * 100, {})
    assert len(looked) == 2
