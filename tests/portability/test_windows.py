"""The package where POSIX's modules and functions are missing, as on Windows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar_magics import hints
from tests.background import LIMIT_S

if TYPE_CHECKING:
    from tests.servers import Server

SCRIPT = Path(__file__).with_name("everything.py")
PROJECT = SCRIPT.parents[2]
NO_FCNTL = "import sys; from tests.portability.windows import pretend; pretend(); {}"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SIDECAR_", "MYSQL_", "DJ_"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=PROJECT,
        env={**kept, **environment},
    )


def test_every_module_is_imported_and_what_needs_no_server_runs() -> None:
    done = run(str(SCRIPT), "--pretend")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
    count = sum(1 for _ in PROJECT.glob("sidecar_magics*/**/*.py"))
    assert f"{count} modules imported" in done.stdout


def test_the_same_runs_as_it_is_here() -> None:
    done = run(str(SCRIPT))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout


@pytest.mark.server
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_server_is_waited_for_and_loaded(flavour: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(f"{flavour}_server")
    done = run(
        str(SCRIPT),
        "--pretend",
        *("--port", str(server.port)),
        SIDECAR_MYSQL_PASSWORD=server.password,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
    assert server.password == "tutorial" or server.password not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "import pwd",
        "import os; os.fork",
        "import os; os.posix_spawn",
        "from os import geteuid",
        "import signal; signal.SIGKILL",
        "import sys; assert sys.platform != 'win32'",
    ],
)
def test_the_stand_ins_lack_what_windows_lacks(code: str) -> None:
    program = f"exec(compile({code!r}, 'x', 'exec'), {{'__name__': 'sidecar_magics.x'}})"
    done = run("-c", NO_FCNTL.format(program))
    assert done.returncode == 1
    assert (
        "Windows" in done.stderr
        or "AssertionError" in done.stderr
        or "cannot import" in done.stderr
    )
    elsewhere = run("-c", NO_FCNTL.format(code))
    assert elsewhere.returncode == 0, elsewhere.stderr


def test_each_place_has_a_next_step_that_is_possible_there() -> None:
    for place in hints.Runtime:
        assert hints.START_A_SERVER[place]
        assert hints.RESTART_IT[place]
    assert "in WSL" in hints.START_A_SERVER[hints.Runtime.WINDOWS]
