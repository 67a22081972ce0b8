"""What ``%load_ext sidecar_magics`` adds to the start of a bare IPython."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

PAIRS = 15
BARE = "from IPython.core.interactiveshell import InteractiveShell as S; S.instance()"
LOADED = f"{BARE}.extension_manager.load_extension('sidecar_magics')"


def start_ms(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    return (time.perf_counter() - start) * 1000


def main() -> None:
    start_ms(LOADED)  # compiles, and fills the disk's cache
    pairs = [(start_ms(BARE), start_ms(LOADED)) for _ in range(PAIRS)]
    print(
        json.dumps(
            {
                "bare_ipython_ms": round(statistics.median(bare for bare, _ in pairs)),
                "load_ext_adds_ms": round(statistics.median(full - bare for bare, full in pairs)),
            }
        )
    )


if __name__ == "__main__":
    main()
