"""A load that gives up in doubt is believed only if what it says of the rest is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar_magics.connection import connect_now
from tests.faults import kinds
from tests.faults.doubt import IN_DOUBT, load_with_client, untruths
from tests.turns import some

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server


@some(
    "executed, harm, true",
    [
        (0, "DO 0", True),
        (1, "DO 0", True),
        (2, "DO 0", True),
        (0, "CALL faults_k.fill(7000)", False),
        (0, "DELETE FROM faults_k.a LIMIT 1", False),
        (1, "DELETE FROM faults_k.a LIMIT 1", False),
        (0, "UPDATE faults_k.a SET n = n + 1 LIMIT 1", False),
        (0, "DROP TABLE faults_k.a", False),
        (0, "DELETE FROM faults_k.p0", True),  # not looked at: rows that come in any order
    ],
    each=2,
)
def test_what_is_there_besides_the_statement_in_doubt(
    executed: int, harm: str, true: bool, mysql_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "script.sql"
    script = kinds.write("called", path)
    doubtful = next(n for n, chunk in enumerate(script.chunks) if chunk.startswith("CALL")) + 2
    prefix = tmp_path / "so far.sql"
    prefix.write_text("".join(script.chunks[: doubtful + executed]))
    load_with_client(mysql_server, prefix)
    with connect_now(mysql_server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(harm)
        connection.commit()
    line = 1 + "".join(script.chunks[:doubtful]).count("\n")
    message = f"{path}:{line}:1: {IN_DOUBT}, so ..."
    found = untruths(mysql_server, script, path, message, kinds.SCHEMAS)
    assert (not found) == true, found
