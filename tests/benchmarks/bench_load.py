"""How fast %mysql_load is against the mysql client, and how much memory it takes.

Both load the same file into the same server, in turn, each into an empty one; what counts is the
ratio of each pair. The memory is the peak of a process that loads a generated dump of 1 GB.
"""

from __future__ import annotations

import gzip
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar_magics.load import load
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parents[2]
SPYGLASS = PROJECT / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"
PAIRS = 5
ROWS_PER_INSERT = 5000
ROWS_MB = 60
LARGE_MB = 1000


def with_client(server: Server, file: Path) -> None:
    with file.open("rb") as script:
        subprocess.run(server.client, stdin=script, check=True)


def with_ours(server: Server, file: Path) -> None:
    load(file, server.settings)


def timed_s(server: Server, way: Callable[[Server, Path], None], file: Path) -> float:
    server.drop_schemas()
    start = time.perf_counter()
    way(server, file)
    return time.perf_counter() - start


def ratio(server: Server, file: Path) -> dict[str, float]:
    """Return the client's time over ours, pair by pair: above 1 is faster than the client."""
    pairs = []
    for number in range(PAIRS):
        ways = [with_client, with_ours]
        # Each goes first in turn: the server is slower the longer it has been in use.
        seconds = {way: timed_s(server, way, file) for way in (ways if number % 2 else ways[::-1])}
        pairs.append((seconds[with_client], seconds[with_ours]))
    ratios = [client / ours for client, ours in pairs]
    return {
        "client_s": round(statistics.median(client for client, _ in pairs), 2),
        "ours_s": round(statistics.median(ours for _, ours in pairs), 2),
        "client_over_ours": round(statistics.median(ratios), 2),
    }


def write_rows(file: Path, size_mb: int) -> None:
    """Write a dump with extended inserts, as mysqldump makes them, of about `size_mb` MB."""
    numbers = random.Random(7)
    with file.open("w", encoding="ascii") as out:
        out.write("CREATE DATABASE bench; USE bench;\n")
        out.write("CREATE TABLE t (id INT PRIMARY KEY, a INT, d DATE, s VARCHAR(60));\n")
        row = 0
        while out.tell() < size_mb * 1_000_000:
            rows = []
            for _ in range(ROWS_PER_INSERT):
                row += 1
                text = f"it\\'s {numbers.getrandbits(128):032x}"
                rows.append(f"({row},{numbers.randrange(10**6)},'2026-01-02','{text}')")
            out.write(f"INSERT INTO t VALUES {','.join(rows)};\n")


def peak_mb(server: Server, file: Path) -> float:
    """Return the largest memory, in MB, of a process that does nothing but load `file`."""
    server.drop_schemas()
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, str(server.port), server.password, str(file)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def load_and_tell_peak(port: str, password: str, file: str) -> None:
    load(file, ConnectionSettings(port=int(port), password=Secret(password)))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Server("mysql", Path(folder) / "s") as server:
        spyglass = Path(folder) / "spyglass.sql"
        spyglass.write_bytes(gzip.decompress(SPYGLASS.read_bytes()))
        rows = Path(folder) / "rows.sql"
        write_rows(rows, ROWS_MB)
        results = {
            "spyglass_0.7_MB": ratio(server, spyglass),
            f"rows_{ROWS_MB}_MB": ratio(server, rows),
            "peak_MB_at_the_spyglass_dump": round(peak_mb(server, spyglass)),
            f"peak_MB_at_{ROWS_MB}_MB": round(peak_mb(server, rows)),
        }
        write_rows(rows, LARGE_MB)
        results[f"peak_MB_at_{LARGE_MB}_MB"] = round(peak_mb(server, rows))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main() if len(sys.argv) == 1 else load_and_tell_peak(*sys.argv[1:])
