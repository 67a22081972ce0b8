"""Play courses of the simulation by hand.

python -m tests.simulation --first 1 --count 10000
python -m tests.simulation --seed 4711
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext

from tests.simulation.course import play
from tests.simulation.mutations import MUTATIONS


def main() -> int:
    """Play, and return how many courses failed."""
    parser = argparse.ArgumentParser(prog="tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one, and print it")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--most", type=int, default=5, help="stop after so many failures")
    names = {mutation.__name__: mutation for mutation in MUTATIONS}
    parser.add_argument("--mutation", choices=names, help="put a fault back in")
    chosen = parser.parse_args()
    with names[chosen.mutation]() if chosen.mutation else nullcontext():
        if chosen.seed is None:
            return _play_many(chosen)
        course = play(chosen.seed)
        print(course)
        return int(bool(course.failure))


def _play_many(chosen: argparse.Namespace) -> int:
    start, failed = time.monotonic(), 0
    for seed in range(chosen.first, chosen.first + chosen.count):
        course = play(seed)
        if course.failure:
            failed += 1
            print(f"{course}\n", flush=True)
            if failed == chosen.most:
                break
    played = seed - chosen.first + 1
    print(f"{played} courses in {time.monotonic() - start:.0f} s, {failed} failed")
    return min(failed, 99)


if __name__ == "__main__":
    sys.exit(main())
