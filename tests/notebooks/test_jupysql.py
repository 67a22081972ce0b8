"""JupySQL and pandas on a sidecar, in JupySQL's own ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest

from tests.notebooks.running import client_of, notebook_of, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.notebook, pytest.mark.timeout(1800)]

THREE_LINES = """\
%load_ext sidecar_magics
sidecar = %mysql_wait --quiet
%datajoint_connect --quiet"""
TABLES = """\
%%mysql_load
CREATE SCHEMA lab;
CREATE TABLE lab.unit (id INT PRIMARY KEY, region VARCHAR(20), rate_hz DOUBLE);
INSERT INTO lab.unit VALUES (1, 'CA1', 4.5), (2, 'CA1', 9), (3, 'Ménage🐀', 30.25);"""


@pytest.mark.usefixtures("environment")
def test_jupysql_goes_on_from_our_lines(mysql_server: Server, tmp_path: Path) -> None:
    notebook = notebook_of(
        THREE_LINES,
        TABLES,
        "%load_ext sql\nengine = sidecar.engine('lab')\n%sql engine",
        "%sql SELECT region FROM unit WHERE id = 3",
        "least = 5\n%sql SELECT COUNT(*) AS n FROM unit WHERE rate_hz > {{least}}",
        "%%sql --save fast --no-execute\nSELECT * FROM unit WHERE rate_hz > 5",
        "%%sql --with fast\nSELECT SUM(rate_hz) AS total FROM fast",
        "units = %sql SELECT * FROM unit ORDER BY id\nunits.DataFrame().rate_hz.sum()",
        "%sqlcmd tables",
        "%sqlcmd columns --table unit",
        "%sqlplot histogram --table unit --column rate_hz --bins 3",
        "%sql INSERT INTO unit VALUES (4, 'DG', 1)",
        "import pandas as pd\npd.read_sql('SELECT COUNT(*) AS n FROM unit', engine)",
        "import datajoint as dj\nlen(dj.FreeTable(dj.conn(), '`lab`.`unit`'))",
        "%sql --connections",
    )
    client_of(notebook, tmp_path).execute()
    shown = ["\n".join(map(text_of, cell.outputs)) for cell in notebook.cells]
    assert "Ménage🐀" in shown[3]
    assert "2" in shown[4].split()
    assert "39.25" in shown[6]
    assert "43.75" in shown[7]
    assert "unit" in shown[8]
    assert "rate_hz" in shown[9]
    assert "Axes" in shown[10]
    assert shown[12].split()[-1] == "4"
    assert shown[13] == "4"
    assert "lab" in shown[14]
    assert f":{mysql_server.password}@" not in nbformat.writes(notebook)
