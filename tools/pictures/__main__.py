"""Make the pictures anew: ``python -m tools.pictures``."""

from __future__ import annotations

import sys

from tools import demo
from tools.pictures import quickstart, tables


def main() -> int:
    """Draw the tables, run the quick start, and draw what it shows."""
    tables.draw()
    print(f"Drawn: {tables.DRAWING}")
    status = demo.main()
    if status == 0:
        quickstart.take(demo.RESULTS / demo.NOTEBOOK.name)
        print(f"Drawn: {quickstart.PICTURE}")
    return status


if __name__ == "__main__":
    sys.exit(main())
