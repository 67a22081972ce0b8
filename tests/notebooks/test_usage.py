"""Wrong use in a real kernel: an error output, so that nbclient, nbconvert and papermill stop.

papermill up to 2.5 looks for an output of the type `error` and at nothing else: IPython's own
UsageError has none, and the run ended with 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.notebooks.conftest import PROJECT
from tests.notebooks.running import client_of, notebook_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.notebook

WRONG = {
    "%mysql_load my data/a.sql": "%mysql_load 'my data/a.sql'",
    "%mysql_load a.sql --onec": "did you mean --once?",
    "%mysql_load CREATE TABLE t (i INT)": "%%mysql_load (two %)",
    "%%mysql_load a.sql": "write %mysql_load a.sql (one %)",
    "%%mysql_load": "write %mysql_load FILE (one %)",
    "\n%%mysql_load a.sql\n\n": "write %mysql_load a.sql (one %)",
    "%%mysql_load a.sql\nSELECT 1;": "cell of its own",
    "%mysql_load --help": "write %mysql_load? for help",
    "%mysql_load a.sql;": "remove it",
    "%mysql_load < a.sql": "without `<`",
    "%mysql_load": "%mysql_load dump.sql",
    "%mysql_load 'a.sql": "in double quotes",
    "%mysql_load --jobs x a.sql": "%mysql_load? shows its options",
    "%mysql_wait 60": "did you mean --timeout 60?",
    "%mysql_wait --password hunter2": "--password-env",
    "%datajoint_connect --save": "add --spyglass BASE_DIR",
    "%mysql_doctor now": "--host NAME",
    "%mysql_laod a.sql": "did you mean %mysql_load?",
    "%mysql_wait()": "write a space after %mysql_wait",
    "%%mysql_wait\n%datajoint_connect": "did you mean %mysql_wait?",
    "report = %mysql_load my data/a.sql": "%mysql_load 'my data/a.sql'",
}


def test_wrong_use_leaves_an_error_in_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "my data").mkdir()
    for name in ("a.sql", "my data/a.sql"):
        (tmp_path / name).touch()
    notebook = notebook_of("%load_ext sidecar_magics", *WRONG)
    client = client_of(notebook, tmp_path)
    client.allow_errors = True
    client.execute()
    for cell, words in zip(notebook.cells[1:], WRONG.values()):
        (output,) = cell.outputs
        assert (output.output_type, output.ename) == ("error", "UsageError"), cell.source
        assert words in "\n".join(output.traceback), cell.source
        assert len(output.traceback) <= 3
        assert "hunter2" not in str(output)
