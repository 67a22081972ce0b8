"""All measurements, one after another: ``make bench``."""

from __future__ import annotations

from tests.benchmarks import bench_import, bench_load, bench_wait

bench_import.main()
bench_wait.main()
bench_load.main()
