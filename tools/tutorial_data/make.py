"""The inner half of ``make tutorial-data``: Spyglass, after our three lines.

``python -m tools.tutorial_data.make BASE_DIR`` writes the session below the base folder, and
populates the server that the environment names (``SIDECAR_MYSQL_...``).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from . import conda, steady


def main() -> int:
    """Write and populate; the last line printed is what was made, as JSON."""
    base = Path(sys.argv[1]).resolve()
    conda.put_on_path(base / "tmp" / "bin")
    steady.hold_still()
    from .pipeline import populate
    from .session import NAME, write_session

    shell = InteractiveShell.instance()
    for line in ("load_ext sidecar_magics", "mysql_wait", f"datajoint_connect --spyglass '{base}'"):
        name, _, arguments = line.partition(" ")
        shell.run_line_magic(name, arguments)
    import datajoint

    steady.hold_server_still(datajoint.conn())
    write_session(base / "raw" / NAME)
    made = populate()
    print(json.dumps(made._asdict()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
