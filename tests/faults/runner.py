"""A load in a process of its own: in comes what it is to do, out goes what became of it, as JSON.

    echo '{"file": "dump.sql", "port": 3306, "password": "...", "resume": true}' | \
        python -m tests.faults.runner
"""

from __future__ import annotations

import faulthandler
import json
import signal
import sys
from typing import Any

from sidecar_magics.load import load
from sidecar_magics.settings import ConnectionSettings, Secret


def main() -> None:
    """Load, and print what became of it."""
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    # Who starts this in the background may have taken it away.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted: dict[str, Any] = json.loads(sys.stdin.readline())
    settings = ConnectionSettings(port=wanted["port"], password=Secret(wanted["password"]))
    outcome: dict[str, Any]
    try:
        report = load(
            wanted["file"], settings, jobs=wanted.get("jobs"), resume=wanted.get("resume", False)
        )
        outcome = {
            "error": None,
            "message": repr(report),
            "notes": report.notes,
            "retries": report.retries,
            "deferred": report.deferred_indexes,
        }
    except BaseException as error:  # whatever it is, it is to be told
        outcome = {"error": type(error).__name__, "message": str(error)}
        if outcome["error"] not in EXPECTED:
            faulthandler.dump_traceback(all_threads=True)
            import traceback

            traceback.print_exc()
    print(json.dumps(outcome), flush=True)


EXPECTED = ("Interrupted", "LoadStoppedError", "ServerNotReadyError", "AccessError")

if __name__ == "__main__":
    main()
