"""The notebooks on what pip installs: our wheel with its extra, the newest versions, both lines.

They run as people run them: all cells, twice, in one kernel; with papermill; as scripts in IPython.
`notebooks/01_Spyglass.ipynb` needs Spyglass, and is run in `tests/spyglass`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from tests.background import LIMIT_S
from tests.docs.snippets import PROJECT, snippets
from tests.notebooks.running import client_of, notebook_of, outputs_of, shown_by, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

# The first test of a line installs it, which takes longer than all of them.
pytestmark = [
    pytest.mark.server,
    pytest.mark.notebook,
    pytest.mark.thorough,
    pytest.mark.timeout(2400),
]

QUICK_START, SQL = "00_QuickStart.ipynb", "02_Pandas_and_JupySQL.ipynb"
RENAMED = "UPDATE common_subject.subject SET description = 'Mine' WHERE subject_id = 'rat1'"


def run(command: list[str], folder: Path, **variables: str) -> str:
    """Return what a command printed, which has to succeed."""
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def is_plot(outputs: list[Any]) -> bool:
    return any("image/png" in output.get("data", {}) for output in outputs)


def check_quick_start(notebook: Any, server: Server, *, is_first: bool = True) -> None:
    waited = outputs_of(notebook, "sidecar = %mysql_wait")
    assert f"MySQL is ready at 127.0.0.1:{server.port}" in text_of(waited[0])
    assert "root@127.0.0.1" in text_of(waited[-1])
    # One output: what was progress has become the report.
    (loaded,) = outputs_of(notebook, "%mysql_load")
    assert text_of(loaded).startswith("<LoadReport data/spyglass-prepopulate.sql.gz: ")
    assert "<progress" not in loaded["data"]["text/html"]
    if is_first:
        assert "296 tables in 60 schemas, 15 notes" in loaded["data"]["text/html"]
        assert "warning" not in text_of(loaded).lower()
    else:
        assert "already loaded at" in text_of(loaded)
    (connected,) = outputs_of(notebook, "%datajoint_connect")
    assert f"-> root@127.0.0.1:{server.port}, MySQL" in text_of(connected)
    assert "Frank Lab" in shown_by(notebook, "import datajoint")
    electrodes = shown_by(notebook, "ephys =")
    assert electrodes.count("tetrode_12.5") == electrodes.count("CA1") == 4
    intervals = shown_by(notebook, "import pandas").splitlines()
    raw = next(line for line in intervals if "raw data valid times  " in line)
    assert raw.split()[-2:] == ["0.0", "30.000"]
    assert shown_by(notebook, "from pathlib") == (
        "900 positions and 3000 samples of theta in 30 s\n"
    )
    assert is_plot(outputs_of(notebook, "import matplotlib"))
    quiet(notebook)


def check_sql(notebook: Any) -> None:
    assert "already loaded at" in shown_by(notebook, "%mysql_load")
    assert "common_" in shown_by(notebook, "%%sql\nSELECT table_schema")
    assert shown_by(notebook, "electrodes.DataFrame()").count("tetrode_12.5") == 4
    assert shown_by(notebook, "from pathlib").count("tutorial20260102_") == 2
    assert shown_by(notebook, "frames.to_sql") == "900"
    # Theta grows with speed.
    by_speed = shown_by(notebook, "by_speed = by_speed.DataFrame()").splitlines()[1:]
    theta_uv = [float(line.split()[3]) for line in by_speed]
    assert len(theta_uv) == 7
    assert theta_uv == sorted(theta_uv)
    assert theta_uv[-1] > 1.5 * theta_uv[0]
    assert len(shown_by(notebook, "pd.read_sql(\n").splitlines()) == 4
    assert is_plot(outputs_of(notebook, "import matplotlib"))
    printed, counted = outputs_of(notebook, "try:")
    assert "nothing was deleted" in text_of(printed)
    sides = [line.split()[-2:] for line in text_of(counted).splitlines()[1:]]
    assert [side for side, _ in sides] == ["left", "right"]
    assert sum(int(frames) for _, frames in sides) == 900
    quiet(notebook)


def quiet(notebook: Any) -> None:
    """Check that nothing alarms a newcomer."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output.text
            assert "Warning" not in text_of(output)


def test_nothing_but_the_wheel_is_installed(
    installed: tuple[str, Path], installed_kernel: str, tmp_path: Path
) -> None:
    del installed_kernel
    line, python = installed
    code = (
        "import datajoint, importlib.util, sidecar_magics\n"
        "print(datajoint.__version__)\n"
        "print(sidecar_magics.__file__)\n"
        "print([m for m in ('pytest', 'nbclient', 'ruff') if importlib.util.find_spec(m)])"
    )
    version, file, tools = run([str(python), "-c", code], tmp_path).splitlines()[-3:]
    assert version.startswith(f"{line}.")
    assert file.startswith(str(python.parents[1]))
    assert tools == "[]"


def test_the_notebooks_run_twice_in_one_kernel(
    mysql_server: Server, installed_kernel: str, notebooks: Path
) -> None:
    quick_start, sql = (
        nbformat.read(notebooks / name, as_version=4) for name in (QUICK_START, SQL)
    )
    change = notebook_of(f"%%mysql_load\n{RENAMED};")
    kept = notebook_of("""pd.read_sql("SELECT description FROM common_subject.subject", engine)""")
    client = client_of(quick_start, notebooks, kernel=installed_kernel)
    with client.setup_kernel():
        for turn in range(2):
            for notebook in (quick_start, sql):
                execute_in(client, notebook)
            check_quick_start(quick_start, mysql_server, is_first=turn == 0)
            check_sql(sql)
            connected = shown_by(quick_start, "%datajoint_connect")
            assert ("(already connected)" in connected) == (turn == 1)
            if turn == 0:
                execute_in(client, change)
        execute_in(client, kept)
    # "Run All" has kept what its reader did.
    assert "Mine" in text_of(kept.cells[0].outputs[0])
    for notebook in (quick_start, sql):
        assert f'"{mysql_server.password}"' not in nbformat.writes(notebook)
        assert f":{mysql_server.password}@" not in nbformat.writes(notebook)


def execute_in(client: Any, notebook: Any) -> None:
    """Execute a notebook in the kernel of another one's client."""
    client.nb = notebook
    client.reset_execution_trackers()
    for index, cell in enumerate(notebook.cells):
        client.execute_cell(cell, index)


def test_papermill_runs_the_notebooks(
    mysql_server: Server, installed_kernel: str, notebooks: Path, tmp_path: Path
) -> None:
    for name in (QUICK_START, SQL):
        done = tmp_path / name
        command = [sys.executable, "-m", "papermill", name, str(done), "-k", installed_kernel]
        run([*command, "--execution-timeout", str(int(LIMIT_S))], notebooks)
        notebook = nbformat.read(done, as_version=4)
        if name == QUICK_START:
            check_quick_start(notebook, mysql_server)
        else:
            check_sql(notebook)


@pytest.mark.thorough
def test_the_notebooks_run_as_scripts_in_ipython(
    installed: tuple[str, Path], installed_kernel: str, notebooks: Path, mysql_server: Server
) -> None:
    del installed_kernel
    convert = [sys.executable, "-m", "nbconvert", "--to", "script", QUICK_START, SQL]
    run(convert, notebooks)
    ipython = str(installed[1].with_name("ipython"))
    printed = ""
    for name in (QUICK_START, SQL):
        script = notebooks / name.replace(".ipynb", ".py")
        assert script.exists(), "language_info has the ending of a script's name"
        with script.open("a") as file:
            file.write("\nprint('to the end')\n")
        command = [ipython, "--no-banner", "--colors=NoColor", script.name]
        shown = run(command, notebooks, MPLBACKEND="Agg")  # there is no screen
        assert "to the end" in shown.splitlines()
        printed += shown
    assert "900 positions and 3000 samples of theta in 30 s" in printed
    assert "nothing was deleted" in printed
    assert "tutorial_path" in mysql_server.schemas()


@pytest.mark.thorough
def test_a_dump_of_0_14_is_read_as_the_page_says(
    installed: tuple[str, Path], installed_kernel: str, mysql_server: Server, notebooks: Path
) -> None:
    del mysql_server
    page = (PROJECT / "docs" / "datajoint.md").read_text(encoding="utf-8")
    codes = [found.text for found in snippets(page, "datajoint.md") if found.kind == "python"]
    (reading,) = [code for code in codes if "from datajoint.blob import unpack" in code]
    (joined,) = [line for line in reading.splitlines() if ".join(" in line]
    joined = joined.partition("  #")[0]
    (changing,) = [code for code in codes if "datajoint.migrate" in code]
    fresh = 'dj.VirtualModule("{0}", "common_{0}")'
    after = (
        f"ephys, region = {fresh.format('ephys')}, {fresh.format('region')}\n"
        f"interval = {fresh.format('interval')}\n"
        "key = \"interval_list_name = 'raw data valid times'\"\n"
        "times = (interval.IntervalList & key).fetch1('valid_times')\n"
        "len(ephys.Electrode * region.BrainRegion), times.shape"
    )
    notebook = notebook_of(
        "%load_ext sidecar_magics\n%mysql_wait --quiet\n%datajoint_connect --quiet",
        "%mysql_load data/spyglass-prepopulate.sql.gz --quiet",
        f"{reading}\ntimes.shape",
        f"len({joined})",
        *([changing, after] if installed[0] == "2" else []),
    )
    client_of(notebook, notebooks, kernel=installed_kernel).execute()
    shown = ["\n".join(map(text_of, cell.outputs)) for cell in notebook.cells]
    assert shown[2].splitlines()[-1] == "(1, 2)"
    assert shown[3].splitlines()[-1] == "4"
    if installed[0] == "2":
        assert shown[5].splitlines()[-1] == "(4, (1, 2))"
        defaults = notebook_of(  # what the change has left as it was
            "%load_ext sidecar_magics\nsidecar = %mysql_wait --quiet",
            "import pandas as pd\n"
            "sql = 'SHOW CREATE TABLE common_region.`#brain_region`'\n"
            "'AUTO_INCREMENT' in pd.read_sql(sql, sidecar.engine()).iloc[0, 1]",
        )
        client_of(defaults, notebooks, kernel=installed_kernel).execute()
        assert text_of(defaults.cells[1].outputs[0]) == "True"
