"""Make the tutorial's data: ``python -m tools.tutorial_data FOLDER``, in Spyglass's environment.

The folder gets Spyglass's base folder and a dump of its database. Spyglass and PyNWB draw the
names of analysis files and object ids at random, and tables note times: two runs differ in those.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from sidecar_magics import datajoint_connect
from tests.servers import Server
from tools.tutorial_data.base import make_base
from tools.tutorial_data.conda import stand_in
from tools.tutorial_data.dump import dump

SCRIPT = "spyglass-prepopulate.sql.gz"


def main() -> None:
    """Start a server, let Spyglass take the recording in, dump, and stop the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write; an empty one, or none yet")
    folder = parser.parse_args().folder
    make_base(folder / "base")
    with (
        tempfile.TemporaryDirectory() as scratch,
        stand_in(Path(scratch)),
        Server("mysql", Path(scratch) / "server") as server,
    ):
        datajoint_connect(server.settings)
        from tools.tutorial_data.pipeline import populate  # noqa: PLC0415 - imports Spyglass

        populate()
        dump(server.dump_client, server.schemas(), folder / SCRIPT)
    print(f"{folder / SCRIPT}, with the files that it names below {folder / 'base'}")


if __name__ == "__main__":
    main()
