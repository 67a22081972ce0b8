"""Run the matrix in full and write its table into the documentation: ``make test-matrix``."""

from __future__ import annotations

import sys

from tests.guard import guarded_folder
from tests.matrix.arena import KINDS, run_cell, server_of
from tests.matrix.environments import EVERY
from tests.matrix.table import DOCUMENT, Results, failures, with_tables


def main() -> int:
    """Run every cell; return 1 if a check failed in one."""
    results: Results = {}
    for name, kind in KINDS.items():
        with guarded_folder() as folder, server_of(kind, folder) as server:
            for environment in EVERY:
                found = run_cell(environment, kind, server)
                results[environment, name] = found
                verdict = "; ".join(failures(found)) or "all checks passed"
                print(f"{kind.title}: {' '.join(environment)}: {verdict}", flush=True)
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(with_tables(text, results), encoding="utf-8")
    return int(any(failures(found) for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
