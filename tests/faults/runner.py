"""Loads in a process of its own: in comes what it is to do, out goes what became of it, as JSON.

    echo '{"file": "dump.sql", "port": 3306, "password": "...", "options": {"resume": true}}' | \
        python -m tests.faults.runner

A line is a load; the process ends with its input. With "tells", what `progress` is called with
comes out as well, a line each.
"""

from __future__ import annotations

import faulthandler
import json
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

from sidecar_magics.load import load
from sidecar_magics.settings import ConnectionSettings, Secret

if TYPE_CHECKING:
    from sidecar_magics.load import LoadReport, Progress


def main() -> None:
    """Do load after load, and print what became of each."""
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    # Who starts this in the background may have taken it away.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        print(json.dumps(_outcome(json.loads(line))), flush=True)


def _outcome(wanted: dict[str, Any]) -> dict[str, Any]:
    settings = ConnectionSettings(port=wanted["port"], password=Secret(wanted["password"]))
    options = dict(wanted.get("options", {}))
    if wanted.get("tells"):
        options["progress"] = _tell
    try:
        return _told(load(wanted["file"], settings, **options))
    except BaseException as error:  # whatever it is, it is to be told
        outcome = {"error": type(error).__name__, "message": str(error)}
        for name in ("errno", "line", "source"):
            if hasattr(error, name):
                outcome[name] = getattr(error, name)
        if outcome["error"] not in KNOWN:
            faulthandler.dump_traceback(all_threads=True)
            traceback.print_exc()
        return outcome


def _told(report: LoadReport) -> dict[str, Any]:
    return {
        "error": None,
        "message": repr(report),
        "notes": report.notes,
        "retries": report.retries,
        "deferred": report.deferred_indexes,
        "already_loaded": report.already_loaded,
        "streamed": report.streamed_rows,
        "errors": [[int(error.place.split(":")[-2]), error.errno] for error in report.errors],
    }


def _tell(progress: Progress) -> None:
    print(json.dumps({"progress": repr(progress)}), flush=True)


EXPECTED = ("Interrupted", "LoadStoppedError", "ServerNotReadyError", "AccessError")
# How a load may end whose script the server refuses, or that cannot be resumed.
KNOWN = (*EXPECTED, "StatementError", "ScriptError")

if __name__ == "__main__":
    main()
