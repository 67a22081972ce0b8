"""Cells put together of lines that tutorials have: what holds for each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics_convert import convert
from sidecar_magics_convert.notebook import Notebook

SECRET = "hunter2"
SHELL = [
    f"mysql -uroot -p{SECRET} < a.sql",
    f"mysql -p{SECRET} \\\n  < /home/jovyan/data/x.sql # {SECRET}",
    "mysql -P 3307 < a.sql",
    "mysql -e 'CREATE DATABASE d'",
    "mysql -e 'source x.sql'",
    "zcat b.sql.gz | mysql db",
    "mysqladmin ping",
    f"mysqladmin -p{SECRET} ping",
    f"MYSQL_PWD={SECRET} mysql < y.sql",
    f"  # {SECRET}",
    "sleep 2",
    f"mysqldump -p{SECRET} d > c.sql",
    f"docker compose up -d mysql # {SECRET}",
    "set -e",
    "ls",
    f"# {SECRET}",
    "",
]
# Lines of which none is to be lost, and none to be taken for something else.
OTHERS = [
    "x = 1",
    "dj.conn()",
    "import spyglass",
    "%matplotlib inline",
    "s = '''\n!mysql < b.sql\n'''",
    "y = ('%s'\n  % 1)",
    "# a remark",
]
PYTHON = [
    *OTHERS,
    "import os",
    "import datajoint as dj",
    "dj.config['database.host'] = 'localhost'",
    "dj.config['database.host'] = 'db.lab'",
    f"dj.config['database.password'] = '{SECRET}'",
    "dj.config['database.password'] = os.environ['LAB']",
    "dj.config['database.user'] = ('root'\n  )",
    "dj.config.load('a.json')",
    "os.chdir('..')",
    "os.chdir('/home/jovyan/x')",
    f"%env DJ_PASS={SECRET}",
    "%set_env DJ_HOST db.lab",
    "time.sleep(3)",
    "!mysqladmin ping",
    f"!mysqldump -p{SECRET} d | gzip > d.sql.gz",
    f"!mysql -uroot -p{SECRET} < a.sql",
    "if x:\n    !zcat a.sql.gz | \\\n      mysql",
    "",
]
CELLS = st.one_of(
    st.lists(st.sampled_from(SHELL), min_size=1, max_size=4, unique=True).map(
        lambda lines: "\n".join(["%%bash", *lines])
    ),
    st.lists(st.sampled_from(PYTHON), min_size=1, max_size=7, unique=True).map("\n".join),
)


def notebook_of(sources: list[str]) -> str:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources)
    ]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=1) + "\n"


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_nothing_is_lost_or_shown_or_converted_twice(sources: list[str]) -> None:
    text = notebook_of(sources)
    conversion = convert(Notebook(Path("/nowhere/a.ipynb"), text))
    assert SECRET not in str(conversion)
    again = convert(Notebook(Path("/nowhere/a.ipynb"), conversion.text))
    assert again.text == conversion.text
    assert len(again.left) == len(conversion.left)
    changed = {cell.number for cell in conversion.changed}
    after = {cell["id"]: cell["source"] for cell in json.loads(conversion.text)["cells"]}
    for number, source in enumerate(sources):
        if number + 1 not in changed:
            assert after[f"c{number}"] == source
        elif not source.startswith("%%bash"):
            for other in OTHERS:
                assert (f"\n{other}\n" in f"\n{source}\n") == (
                    f"\n{other}\n" in f"\n{after[f'c{number}']}\n"
                )
