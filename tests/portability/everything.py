"""Import every module of the package, and run what needs no server of this machine.

`python tests/portability/everything.py` runs as it is on Windows and macOS; `--pretend` makes any
other system look like Windows to the package; `--port N` adds what needs a server, which listens
there with the password in SIDECAR_MYSQL_PASSWORD. Nothing but the package and IPython is needed.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import pkgutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
SCRIPT = """CREATE DATABASE lab;
CREATE TABLE lab.t (id INT PRIMARY KEY);
INSERT INTO lab.t VALUES (1), (2);
"""
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": ["%%bash\n", "mysql -h 127.0.0.1 -u root --password=tutorial < dump.sql\n"],
        }
    ],
    "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}},
    "nbformat": 4,
    "nbformat_minor": 4,
}


def main() -> None:
    """Do all of it; an assertion or an error ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pretend", action="store_true", help="look like Windows to the package")
    parser.add_argument("--port", type=int, help="a server on 127.0.0.1")
    options = parser.parse_args()
    if options.pretend:
        from tests.portability.windows import pretend

        pretend()
    on_windows = options.pretend or os.name == "nt"
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["SIDECAR_MAGICS_HOME"] = str(Path(folder, "home"))
        os.environ["IPYTHONDIR"] = str(Path(folder, "ipython"))
        try:
            print(f"{imports()} modules imported")
            shell = new_shell()
            without_server(shell)
            in_a_terminal()
            if on_windows:
                no_server_is_started()
            if options.port:
                with_server(shell, options.port)
        finally:
            os.chdir(here)
    print("all is well")


def imports() -> int:
    """Import every module, and return how many there are."""
    packages = [path.parent for path in ROOT.glob("sidecar_magics*/__init__.py")]
    names = [package.name for package in packages]
    for package in packages:
        found = pkgutil.walk_packages([str(package)], f"{package.name}.")
        names += [each.name for each in found]
    for name in names:
        importlib.import_module(name)
    return len(names)


def new_shell() -> Any:
    """Return an IPython shell with the extension."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell: Any = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.extension_manager.load_extension("sidecar_magics")
    return shell


def without_server(shell: Any) -> None:
    """Run the magics where nothing listens."""

    Path("dump.sql").write_text(SCRIPT, encoding="utf-8")
    shown = shell.run_line_magic("mysql_wait", "--show --port 1")
    assert (shown.host, shown.port) == ("127.0.0.1", 1), shown
    plan = shell.run_line_magic("mysql_load", "dump.sql --explain")
    assert "lab" in str(plan), plan
    for magic, line in (
        ("mysql_wait", "--port 1 --timeout 0"),
        ("mysql_load", "dump.sql --port 1"),
        ("mysql_load", "dump.sql --port 1 --check"),
    ):
        error = refused(functools.partial(shell.run_line_magic, magic, line))
        assert "127.0.0.1:1" in str(error), error
    diagnosis = shell.run_line_magic("mysql_doctor", "--port 1")
    assert not diagnosis.ok, diagnosis
    # Neither our own completion nor IPython's may fail.
    assert "--once" in shell.complete("%mysql_load --on", "%mysql_load --on")[1]


def in_a_terminal() -> None:
    """Run the command's verbs that need no server."""
    from sidecar_magics.cli import main as command

    Path("old.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    assert command(["convert", "--write", "old.ipynb"]) == 0
    assert "mysql_load dump.sql" in Path("old.ipynb").read_text(encoding="utf-8")
    assert command(["wait", "--show"]) == 0
    assert command(["load", "dump.sql", "--explain"]) == 0
    assert command(["doctor", "--port", "1"]) == 1
    assert command(["status"]) == 0
    assert command(["down"]) == 0


def no_server_is_started() -> None:
    """See that `up` says one clear sentence on Windows, and that hints do not name it there."""
    from sidecar_magics import hints
    from sidecar_magics.local import native, packages

    error = refused(native.up)
    assert str(error).startswith("`sidecar-magics up` cannot start a server on Windows."), error
    assert "docker compose up" in error.hint, error
    assert hints.place({}) in {hints.Runtime.WINDOWS, hints.Runtime.DOCKER, hints.Runtime.CONTAINER}
    assert "apt" in str(refused(lambda: packages.fetch(["mysql-server-core"], Path("there"))))


def refused(call: Callable[[], Any]) -> Any:
    """Return the error of ours that a call raises."""
    from sidecar_magics.errors import SidecarError

    try:
        result = call()
    except SidecarError as error:
        return error
    raise AssertionError(f"no error, but {result!r}")


def with_server(shell: Any, port: int) -> None:
    """Wait, load twice, and read what was loaded."""
    sidecar = shell.run_line_magic("mysql_wait", f"--port {port}")
    report = shell.run_line_magic("mysql_load", "dump.sql --once")
    assert report.rows == 2, report
    again = shell.run_line_magic("mysql_load", "dump.sql --once")
    assert "already loaded" in repr(again), again
    with sidecar.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM lab.t")
        assert cursor.fetchall() == ((2,),)
    assert shell.run_line_magic("mysql_doctor", "")["address"].verdict.name == "OK"


if __name__ == "__main__":
    main()
