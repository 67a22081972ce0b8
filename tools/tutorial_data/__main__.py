"""Make the tutorial's dump and NWB files anew: ``python -m tools.tutorial_data [FOLDER]``."""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sidecar_magics.connection import connect_now
from tests.guard import guarded_folder
from tests.servers import Server

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = PROJECT / ".venv-spyglass" / "bin" / "python"
DUMP = "spyglass-prepopulate.sql.gz"
FOLDERS = ("raw", "analysis")
# What the tutorial's dump is made with; its own `--hex-blob` keeps it valid UTF-8.
POPULATE_S = 1800
DUMP_OPTIONS = (
    "--single-transaction",
    "--set-gtid-purged=OFF",
    "--no-tablespaces",
    "--hex-blob",
    "--skip-dump-date",
    "--databases",
)


def main() -> int:
    """Start a server, let Spyglass populate it, and keep the dump and the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", type=Path, nargs="?", default=PROJECT / "notebooks" / "data", help="what gets it"
    )
    folder = parser.parse_args().folder.resolve()
    with guarded_folder("tutorial-data-") as scratch:
        base = scratch / "spyglass"
        with Server("mysql", scratch / "server") as server:
            populate(server, base)
            forget_logs(server)
            dump = dumped(server)
        keep(dump, base, folder)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.suffix == ".nwb" or path.name == DUMP):
            print(f"{path.stat().st_size:>9} {path.relative_to(folder)}")
    return 0


def populate(server: Server, base: Path, *, module: str = "make") -> str:
    """Run Spyglass on a server, in its own environment, and return what it printed.

    Parameters
    ----------
    server : Server
        A running MySQL, empty.
    base : Path
        Spyglass's base folder.
    module : str, default ``"make"``
        The module of this package that is run.
    """
    done = subprocess.run(
        [str(PYTHON), "-m", f"tools.tutorial_data.{module}", str(base)],
        check=True,
        cwd=PROJECT,
        env=environment(server, base.parent),
        stdout=subprocess.PIPE,
        text=True,
        timeout=POPULATE_S,
    )
    return done.stdout


def environment(server: Server, home: Path) -> dict[str, str]:
    """Return an environment that names the server, and has nothing of the user's settings."""
    own = ("DJ_", "SIDECAR_", "SPYGLASS_", "KACHERY_", "MYSQL_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(own)},
        "HOME": str(home),
        "PYTHONPATH": str(PROJECT),
        "SIDECAR_MYSQL_PORT": str(server.port),
        "SIDECAR_MYSQL_PASSWORD": server.password,
    }


def forget_logs(server: Server) -> None:
    """Empty DataJoint's log tables: they name this machine and its user."""
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema FROM information_schema.tables WHERE table_name = '~log'"
        )
        for (schema,) in cursor.fetchall():
            cursor.execute(f"TRUNCATE TABLE `{schema}`.`~log`")


def dumped(server: Server) -> bytes:
    """Return a dump of all that Spyglass declared."""
    command = [*server.dump_client, *DUMP_OPTIONS, *sorted(server.schemas())]
    text = subprocess.run(command, check=True, capture_output=True, timeout=600).stdout
    # The next number of a counter depends on tries that were undone; rows have their own.
    return re.sub(rb"AUTO_INCREMENT=\d+ ", b"", text)


def keep(dump: bytes, base: Path, folder: Path) -> None:
    """Put the dump and Spyglass's files where the notebooks look for them."""
    folder.mkdir(parents=True, exist_ok=True)
    # Without a name and a time, so that the same dump gives the same file.
    (folder / DUMP).write_bytes(gzip.compress(dump, compresslevel=9, mtime=0))
    for name in FOLDERS:
        shutil.rmtree(folder / "spyglass" / name, ignore_errors=True)
        shutil.copytree(base / name, folder / "spyglass" / name, symlinks=True)


if __name__ == "__main__":
    sys.exit(main())
