"""Every test begins in the same environment, whatever the machine's is and earlier tests left.

A shell of IPython's in this process asks all that it starts for colours; a developer's may, too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Variables that change what programs print, or where they find a server: FORCE_COLOR and its like,
# https://force-color.org; the client's of MySQL and MariaDB; DataJoint's and Spyglass's.
SETTINGS = (
    *("FORCE_COLOR", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PY_COLORS", "PYTHON_COLORS"),
    # Without compiled modules each of a thousand processes would read all of its own anew.
    *("PYTHONDONTWRITEBYTECODE",),
    *("COLUMNS", "LINES", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTEST_ADDOPTS"),
    *("DJ_HOST", "DJ_PORT", "DJ_USER", "DJ_PASS", "SPYGLASS_BASE_DIR"),
    *("MYSQL_PWD", "MYSQL_HOST", "MYSQL_TCP_PORT", "MYSQL_UNIX_PORT", "MARIADB_HOST"),
    *("SIDECAR_MYSQL_HOST", "SIDECAR_MYSQL_PORT", "SIDECAR_MYSQL_USER", "SIDECAR_MYSQL_PASSWORD"),
)


def pytest_configure() -> None:
    """Take the machine's own settings from all tests and from what they start."""
    for name in SETTINGS:
        os.environ.pop(name, None)
    # Else an example that takes 0.2 s fails, and data that is made slowly: as on a busy machine.
    slow = [HealthCheck.too_slow]
    settings.register_profile("unhurried", deadline=None, suppress_health_check=slow)
    settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _surroundings() -> Iterator[None]:
    """Undo what a test changes in the environment, and leave the folder to which it went."""
    variables, folder = dict(os.environ), Path.cwd()
    yield
    os.chdir(folder)
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)
