"""How long after the server %mysql_wait returns, and what waiting costs.

Each round starts a stopped MySQL while two processes wait for it: ours, and a probe that tries to
log in without pause. The lag is ours against the moment the probe's first login succeeded.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import statistics
import time
from typing import TYPE_CHECKING, Any

import pymysql

from sidecar_magics.wait import wait
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from sidecar_magics.settings import ConnectionSettings

ROUNDS = 15
IDLE_S = 10.0


def our_wait(settings: ConnectionSettings, results: Any) -> None:
    wait(settings, timeout_s=60)
    results.put(("ours", time.time()))


def probe(settings: ConnectionSettings, results: Any) -> None:
    while True:
        try:
            pymysql.connect(
                host=settings.host,
                port=settings.port,
                user=settings.user,
                password=settings.password.reveal(),
                connect_timeout=1,
            ).close()
        except pymysql.err.MySQLError:
            continue
        results.put(("probe", time.time()))
        return


def measure_lag_ms(server: Server, settings: ConnectionSettings) -> float:
    server.stop()
    results: Any = multiprocessing.Queue()
    waiters = [
        multiprocessing.Process(target=target, args=(settings, results), daemon=True)
        for target in (our_wait, probe)
    ]
    for waiter in waiters:
        waiter.start()
    time.sleep(1)
    server.start()
    moments = dict(results.get(timeout=60) for _ in waiters)
    for waiter in waiters:
        waiter.join(60)
    return float(moments["ours"] - moments["probe"]) * 1000


def measure_idle_share(settings: ConnectionSettings) -> float:
    """Return the share of one core that waiting for a closed port takes."""
    with contextlib.suppress(TimeoutError):
        wait(settings, timeout_s=0)  # imports done
    before = time.process_time()
    with contextlib.suppress(TimeoutError):
        wait(settings, timeout_s=IDLE_S)
    return (time.process_time() - before) / IDLE_S


def main() -> None:
    with guarded_folder() as folder:
        server = Server("mysql", folder)
        settings = server.settings
        share = measure_idle_share(settings)
        with server:
            lags = [measure_lag_ms(server, settings) for _ in range(ROUNDS)]
    print(
        json.dumps(
            {
                "wait_lag_ms_median": round(statistics.median(lags), 1),
                "wait_lag_ms_min": round(min(lags), 1),
                "wait_lag_ms_max": round(max(lags), 1),
                "wait_cpu_percent_of_one_core": round(100 * share, 2),
            }
        )
    )


if __name__ == "__main__":
    main()
