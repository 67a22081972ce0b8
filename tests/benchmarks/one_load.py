"""A process that only loads: its time, its processor time and its memory are those of the load.

Started by the measurements, with the server's port and password, the file and the engine's further
arguments as JSON; prints its cost as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from sidecar_magics.load import load
from sidecar_magics.settings import ConnectionSettings, Secret


def peak_bytes() -> int:
    """Return the most memory that this process ever had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage() would count the process that started this one, if that was larger.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes


def main(port: str, password: str, file: str, arguments: str) -> None:
    settings = ConnectionSettings(port=int(port), password=Secret(password))
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    load(file, settings, **json.loads(arguments))
    cost = {
        "seconds": time.perf_counter() - start_s,
        "client_cpu_s": time.process_time() - start_cpu_s,
        "peak_mb": peak_bytes() / 1e6,
    }
    print(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
