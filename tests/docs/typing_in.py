"""Type what a page says into one IPython: ``python -m tests.docs.typing_in CELLS.json``.

Every cell runs; the first that fails is named, and is the end.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell


def main() -> int:
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "sidecar_magics")
    for place, cell in json.loads(Path(sys.argv[1]).read_text()):
        result = shell.run_cell(cell)
        if not result.success:
            print(f"{place}: {result.error_before_exec or result.error_in_exec!r}")
            return 1
        print(f"{place}: done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
