"""What `sidecar-magics convert` says of DataJoint 2 is true of the real one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from sidecar_magics_convert.elsewhere import METHODS, NAMES, SCHEMAS_METHODS, SETTINGS
from tests.servers import needs_servers

PROJECT = Path(__file__).parents[2]
DATAJOINT_2 = PROJECT / ".venv-datajoint2" / "bin" / "python"
LIMIT_S = 120
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
import datajoint as dj

def fails(key):
    try:
        dj.config[key]
    except KeyError:
        return True
    return False

names, methods, settings, instead, schemas = json.loads(sys.argv[1])
print(json.dumps([
    [name for name in names if hasattr(dj, name)],
    [name for name in methods if hasattr(dj.config, name)],
    [key for key in settings if not fails(key)],
    [name for name in instead if not hasattr(dj, name)],
    [name for pair in schemas for name, is_there in zip(pair, (False, True))
     if hasattr(dj.Schema, name) != is_there],
    callable(dj.config) or not hasattr(dj.config, "override"),
]))
"""


def test_what_is_said_to_be_gone_is_gone_and_what_to_write_is_there(tmp_path: Path) -> None:
    if not DATAJOINT_2.exists():
        if needs_servers():
            pytest.fail("make .venv-datajoint2/ready has not been run")
        pytest.skip("DataJoint 2 has its own environment: make .venv-datajoint2/ready")
    instead = [each.partition(".")[2] for each in NAMES.values() if each]
    given = json.dumps(
        [sorted(NAMES), sorted(METHODS), sorted(SETTINGS), instead, [*SCHEMAS_METHODS.items()]]
    )
    done = subprocess.run(
        [str(DATAJOINT_2), "-c", PROGRAM, given],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_S,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [[], [], [], [], [], False]
