"""``%datajoint_connect --spyglass`` with Spyglass itself, in Pythons of their own."""

from __future__ import annotations

import json
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.background import LIMIT_S
from tools.tutorial_data.__main__ import PYTHON, environment

if TYPE_CHECKING:
    from tests.servers import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

PRELUDE = """
import json, os
from IPython.core.interactiveshell import InteractiveShell
from sidecar_magics.errors import SidecarError

shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "sidecar_magics")
out = {}

def connect(line):
    shell.run_line_magic("datajoint_connect", line)

def refused(line):
    try:
        connect(line)
    except SidecarError as error:
        return str(error)

def configured():
    import datajoint as dj
    custom = dj.config.get("custom", {}).get("spyglass_dirs", {}).get("base")
    host, port = dj.config["database.host"], dj.config["database.port"]
    raw = dj.config.get("stores", {}).get("raw", {}).get("location")
    names = ("SPYGLASS_BASE_DIR", "DJ_SUPPORT_FILEPATH_MANAGEMENT")
    return [custom, host, port, raw, *map(os.environ.get, names)]
"""

# As in the repository spyglass-demo, made on a hub.
DEMO_CONFIG = {
    "database.host": "localhost",
    "database.user": "root",
    "database.password": "tutorial",
    "database.port": 3306,
    "filepath_checksum_size_limit": 1073741824,
    "enable_python_native_blobs": True,
    "stores": {
        name: {
            "protocol": "file",
            "location": f"/home/jovyan/tutorial/notebooks/data/spyglass/{name}",
            "stage": f"/home/jovyan/tutorial/notebooks/data/spyglass/{name}",
        }
        for name in ("raw", "analysis")
    },
    "custom": {
        "spyglass_dirs": {"base": "/home/jovyan/tutorial/notebooks/data/spyglass"},
        "kachery_zone": "franklab.default",
    },
}


def run(server: Server, folder: Path, code: str) -> tuple[dict[str, Any], str]:
    """Run code after the prelude in a folder; return what it put into `out`, and what it said."""
    script = PRELUDE + textwrap.dedent(code) + "\nprint(json.dumps(out))\n"
    done = subprocess.run(
        [str(PYTHON), "-c", script],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=environment(server, folder.parent.parent),
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    out: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return out, done.stderr


def test_a_configuration_of_another_machine(mysql_server: Server, tutorial: Path) -> None:
    (tutorial.parent / "dj_local_conf.json").write_text(json.dumps(DEMO_CONFIG))
    out, said = run(
        mysql_server,
        tutorial,
        """
        shell.run_line_magic("mysql_load", "data/spyglass-prepopulate.sql.gz --quiet")
        connect("--config ../dj_local_conf.json --spyglass")
        from spyglass.common import Nwbfile, Session
        from spyglass.settings import base_dir, raw_dir
        out.update(base=base_dir, raw=raw_dir, configured=configured())
        out["file"] = Nwbfile.get_abs_path(Session.fetch1("nwb_file_name"))
        """,
    )
    base = str(tutorial / "data" / "spyglass")
    assert (out["base"], out["raw"]) == (base, f"{base}/raw")
    assert out["file"] == f"{base}/raw/tutorial20260102_.nwb"
    assert out["configured"] == [
        base, "127.0.0.1", mysql_server.port, f"{base}/raw", base, "TRUE"
    ]  # fmt: skip
    assert f"which is not on this machine; {base} is used." in said


def test_a_spyglass_that_was_imported_is_not_changed(mysql_server: Server, tutorial: Path) -> None:
    out, _ = run(
        mysql_server,
        tutorial,
        """
        connect("--spyglass data/spyglass")
        import spyglass.settings
        connect("--spyglass data/spyglass")
        out["before"] = configured()
        out["refused"] = refused("--spyglass data/other")
        out["after"] = configured()
        out["made"] = os.path.exists("data/other")
        """,
    )
    assert "Spyglass was imported already, with the base folder" in out["refused"]
    assert "restart the kernel" in out["refused"]
    assert out["before"] == out["after"]
    assert out["made"] is False


def test_a_spyglass_that_was_imported_too_early(mysql_server: Server, tutorial: Path) -> None:
    out, _ = run(
        mysql_server,
        tutorial,
        """
        import spyglass.settings
        out["refused"] = refused("--spyglass data/spyglass")
        """,
    )
    assert "without a base folder" in out["refused"]
    assert "restart the kernel" in out["refused"]


@pytest.mark.parametrize("line", ["--port 1 --spyglass data/new", "--spyglass data/new --save"])
def test_after_a_failure_all_is_as_it_was(line: str, mysql_server: Server, tutorial: Path) -> None:
    out, _ = run(
        mysql_server,
        tutorial,
        f"""
        import datajoint
        os.mkdir("dj_local_conf.json")  # so that saving fails, the last that can
        out["before"] = configured()
        out["refused"] = refused({line!r})
        out["after"] = configured()
        out["connected"] = hasattr(datajoint.conn, "connection")
        """,
    )
    assert out["refused"]
    assert out["before"] == out["after"]
    assert out["connected"] is False


def test_what_is_saved_is_found_by_a_kernel_without_our_lines(
    mysql_server: Server, tutorial: Path
) -> None:
    _, said = run(mysql_server, tutorial, 'connect("--spyglass data/spyglass --save")')
    assert "Saved in dj_local_conf.json, without a password." in said
    file = tutorial / "dj_local_conf.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert mysql_server.password not in file.read_text().replace(str(tutorial.parent), "")
    out, _ = run(
        mysql_server,
        tutorial,
        """
        from spyglass.settings import base_dir
        import datajoint as dj
        out.update(base=base_dir, port=dj.config["database.port"])
        """,
    )
    assert out == {"base": str(tutorial / "data" / "spyglass"), "port": mysql_server.port}
