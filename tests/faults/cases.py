"""One case: a load that is disturbed, resumed until it ends, and compared with a quiet one."""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pymysql

from sidecar_magics.connection import connect_now
from sidecar_magics.load.bookkeeping import JOURNAL_FROM_BYTES
from sidecar_magics.load.journal import SCHEMA
from tests.corpus.fingerprint import difference, fingerprint
from tests.faults import scripts
from tests.faults.child import STOPS, Child
from tests.faults.proxy import PHASES, Proxy, Trigger

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

FAREWELL_S = 240.0
# Seconds for a server to start, after a crash too.
RESTART_S = 600.0
MOST_RESUMES = 10

# Statements that something interesting happens at, by what they have in them.
MOMENTS = (
    b"",
    b"COMMIT",
    b"BEGIN",
    b"INSERT INTO `sidecar_magics`.`done`",
    b"`sidecar_magics`.`doubts`",
    b"`sidecar_magics`.`indexes`",
    b"sidecar_magics",
    b"CREATE TABLE",
    b"DROP TABLE",
    b" ADD KEY",
    b" DROP KEY",
    b"ALTER TABLE",
    b"INSERT INTO `",
    b"TRIGGER",
    b"VIEW",
    b"SET ",
    b"GET_LOCK",
    b"DELETE FROM sidecar_magics",
    b"DROP DATABASE sidecar_magics",
)
# The moments that a load has most of.
USUAL_MOMENTS = (b"", b"", b"COMMIT", b"INSERT INTO `")
FAULTS = ("kill client", "kill server", "cut", "cut gently", "cut and refuse", "interrupt")
KILLS = ("kill client", "kill server")  # more often than the others
FAULTS_BY_US = {"setting init_file"}


@dataclass(frozen=True)
class Fault:
    """What happens, and when: at which of the statements that have `moment` in them.

    Parameters
    ----------
    kind : str
        One of FAULTS.
    moment : bytes
        What the statement has in it.
    place : float
        Which of them, from 0 (the first) to 1 (the last).
    phase : str
        See `proxy.Trigger`.
    wait_s : float
        See `proxy.Trigger`.
    """

    kind: str
    moment: bytes
    place: float
    phase: str
    wait_s: float

    @staticmethod
    def by(chance: random.Random) -> Fault:
        """Return any fault."""
        return Fault(
            chance.choice(FAULTS + KILLS),
            chance.choice(MOMENTS + USUAL_MOMENTS * 4),
            chance.random(),
            chance.choice(PHASES),
            chance.choice((0.0, 0.0005, 0.002, 0.01, 0.05)),
        )

    def __str__(self) -> str:
        moment = self.moment.decode().strip() or "any"
        return f"{self.kind} {self.phase} {moment} at {self.place:.2f}"


@dataclass(frozen=True)
class Case:
    """A script, and the faults of each attempt to load it; the attempts after those are quiet."""

    number: int
    script: str
    attempts: tuple[tuple[Fault, ...], ...]

    @staticmethod
    def of(seed: int, number: int, script: str) -> Case:
        """Return the case of this number."""
        chance = random.Random(f"{seed} {number}")
        counts = chance.choice(((1,), (1,), (1,), (2,), (1, 1), (2, 1), (1, 1, 1)))
        attempts = tuple(tuple(Fault.by(chance) for _ in range(count)) for count in counts)
        return Case(number, script, attempts)


@dataclass
class Course:
    """What became of a case."""

    case: Case
    steps: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        result = "FAILED" if self.failures else "ok"
        return (
            f"case {self.case.number} {self.case.script}: {result} ({self.seconds:.1f} s): "
            + "; ".join(self.steps)
        )


class Stage:
    """A server with scripts to load into it.

    Parameters
    ----------
    server : Server
        A running one that nobody else works on.
    folder : Path
        Where the scripts are put.
    size : Size
        Of the database that they are dumps of.
    jobs : int, default 4
        Connections of each load.
    """

    def __init__(self, server: Server, folder: Path, size: scripts.Size, jobs: int = 4) -> None:
        self.server = server
        self.jobs = jobs
        self._folder = folder
        self._size = size
        self._wholes: dict[str, dict[str, str]] = {}
        self._statements: dict[str, list[bytes]] = {}
        self._restart: threading.Thread | None = None
        self._lock = threading.RLock()  # a client may end before the fault that ends it is over

    def script(self, name: str) -> Path:
        """Return where a script is; all are written the first time."""
        path = self._folder / f"{self.server.flavour}-{name}.sql"
        if not path.exists():
            self.server.drop_schemas()
            scripts.fill(self.server, self._size)
            for each, write in scripts.SCRIPTS.items():
                write(self.server, self._folder / f"{self.server.flavour}-{each}.sql")
            self.server.drop_schemas()
        return path

    def whole(self, name: str) -> dict[str, str]:
        """Return what an undisturbed load of a script leaves."""
        if name not in self._wholes:
            path = self.script(name)
            self.server.drop_schemas()
            with Proxy(self.server.port) as proxy:
                proxy.records = True
                child = self._child(path, proxy)
                child.go()
                outcome = child.outcome()
            assert outcome["error"] is None, outcome
            self._statements[name] = proxy.statements
            self._wholes[name] = self.state()
        return self._wholes[name]

    def state(self) -> dict[str, str]:
        """Return what is in the server, but for what each start of it changes."""
        # A MySQL that was restarted says that tables count up from less, until they are opened.
        fingerprint(self.server, dump=False)
        state = fingerprint(self.server)
        return {name: text for name, text in state.items() if name not in FAULTS_BY_US}

    def play(self, case: Case) -> Course:
        """Disturb a load, resume it until it ends, and compare."""
        course = Course(case)
        start = time.monotonic()
        whole = self.whole(case.script)
        self.server.drop_schemas()
        with Proxy(self.server.port) as proxy:
            ended = self._load(case, proxy, course)
        self.settle()
        if ended:
            course.failures += self.remains()
            unlike = difference(whole, self.state())
            if unlike:
                course.failures.append(f"first: undisturbed, second: resumed\n{unlike}")
        course.seconds = time.monotonic() - start
        return course

    def disturb(self, name: str, fault: Fault) -> dict[str, Any]:
        """Load a script with one fault into the empty server, and return what the load says."""
        self.whole(name)
        self.server.drop_schemas()
        course = Course(Case(0, name, ((fault,),)))
        with Proxy(self.server.port) as proxy:
            child = self._child(self.script(name), proxy)
            proxy.arm(self._trigger(fault, course.case, child, proxy, course))
            child.go()
            outcome = child.outcome()
        self.settle()
        assert course.faults == [fault.kind]
        return outcome

    def settle(self) -> None:
        """Wait until the server runs again."""
        with self._lock:
            if self._restart is not None:
                self._restart.join(RESTART_S)
                assert not self._restart.is_alive(), "the server does not start"
                self._restart = None
            self.server.start()

    def tidy(self) -> None:
        """End what a failed case may have left."""
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            for number in _others(cursor):
                try:
                    cursor.execute(f"KILL {number}")
                except pymysql.MySQLError:  # it has just ended
                    continue

    def remains(self) -> list[str]:
        """Return what is left of loads besides their data."""
        failures = []
        deadline = time.monotonic() + FAREWELL_S
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            failures += unfinished(cursor)
            while others := _others(cursor):
                if time.monotonic() > deadline:
                    failures.append(f"connections are left: {others}")
                    break
                time.sleep(0.02)
        return failures

    def fault(self, kind: str, child: Child, proxy: Proxy) -> None:
        """Make a fault happen."""
        if kind == "kill client":
            child.process.kill()
        elif kind == "interrupt":
            child.process.send_signal(signal.SIGINT)
        elif kind in ("kill server", "renew server"):
            self.settle()  # where two faults hit it
            self.server.kill()
            if kind == "renew server":  # it makes itself another UUID
                (self.server.datadir / "auto.cnf").unlink()
            self._restart = threading.Thread(target=self.server.start, daemon=True)
            self._restart.start()
        elif kind == "cut and refuse":
            proxy.refuse(0.7)
            proxy.cut()
        else:
            proxy.cut(reset=kind == "cut")

    def _load(self, case: Case, proxy: Proxy, course: Course) -> bool:
        """Load until it ends well; tell whether it did."""
        path = self.script(case.script)
        for attempt in range(MOST_RESUMES):
            faults = case.attempts[attempt] if attempt < len(case.attempts) else ()
            if attempt and self._is_complete():
                course.steps.append("it had just ended")
                return True
            # What is small is journaled on request only.
            resume = attempt > 0 or path.stat().st_size < JOURNAL_FROM_BYTES
            child = self._child(path, proxy, resume=resume)
            proxy.arm(*(self._trigger(fault, case, child, proxy, course) for fault in faults))
            child.go()
            outcome = child.outcome()
            proxy.arm()
            self.settle()
            proxy.take_again()
            course.steps.append(_told(outcome))
            if outcome["error"] is None:
                return True
            if outcome["error"] not in STOPS:
                course.failures.append(f"{outcome['error']}: {outcome['message']}")
                return False
            if not faults:
                course.failures.append(f"stopped without a fault: {outcome['message']}")
        course.failures.append("it does not come to its end")
        return False

    def _trigger(
        self, fault: Fault, case: Case, child: Child, proxy: Proxy, course: Course
    ) -> Trigger:
        statements = self._statements[case.script]
        moment = fault.moment if any(fault.moment in sql for sql in statements) else b""
        among = sum(moment in sql for sql in statements)

        def act() -> None:
            with self._lock:
                course.steps.append(str(fault))
                course.faults.append(fault.kind)
                self.fault(fault.kind, child, proxy)

        nth = 1 + int(fault.place * among)
        return Trigger(moment, nth, fault.phase, act, fault.wait_s, fault.kind != "interrupt")

    def _child(self, path: Path, proxy: Proxy, *, resume: bool = True) -> Child:
        return Child(path, proxy.port, password=self.server.password, jobs=self.jobs, resume=resume)

    def _is_complete(self) -> bool:
        """Tell whether the load had ended when its process was killed: it owes nothing any more."""
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW SCHEMAS")
            schemas = {name for (name,) in cursor.fetchall()}
            if not schemas & {*scripts.SCHEMAS}:
                return False
            if SCHEMA in schemas:
                try:
                    cursor.execute(f"SELECT 1 FROM {SCHEMA}.loads WHERE finished IS NULL")
                    if cursor.fetchall():
                        return False
                except pymysql.MySQLError:
                    pass
                cursor.execute(f"DROP DATABASE {SCHEMA}")
        return True


def unfinished(cursor: Any) -> list[str]:
    """Return what the journal, if there is one, holds of loads that have not come to their end."""
    cursor.execute("SHOW SCHEMAS LIKE %s", (SCHEMA,))
    if not cursor.fetchall():
        return []
    left = {"loads": "WHERE finished IS NULL", "done": "", "doubts": "", "indexes": ""}
    found = []
    for table, where in left.items():
        cursor.execute(f"SELECT COUNT(*) FROM {SCHEMA}.{table} {where}")
        if cursor.fetchone()[0]:
            found.append(f"the journal still has {table}")
    return found


def _told(outcome: dict[str, Any]) -> str:
    if outcome["error"] is None:
        return f"-> done after {outcome['retries']} retries" if outcome["retries"] else "-> done"
    first = outcome["message"].partition("\n")[0]
    return f"-> {outcome['error']} {first[-90:]}".rstrip()


def _others(cursor: Any) -> list[int]:
    cursor.execute(
        "SELECT id FROM information_schema.processlist"
        " WHERE id <> CONNECTION_ID() AND user NOT IN ('event_scheduler', 'system user')"
    )
    return [number for (number,) in cursor.fetchall()]
