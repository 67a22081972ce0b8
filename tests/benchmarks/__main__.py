"""All measurements, one after another: ``make bench``."""

from __future__ import annotations

from tests.benchmarks import imports, load, wait

imports.main()
wait.main()
load.main()
