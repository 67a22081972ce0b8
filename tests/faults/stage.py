"""A server on which loads are disturbed, resumed until they end, and compared with quiet ones."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil
import pymysql

from sidecar_magics.connection import connect_now
from sidecar_magics.load.journal.bookkeeping import JOURNAL_FROM_BYTES
from sidecar_magics.load.journal.pieces import SCHEMA
from tests.corpus.fingerprint import difference, fingerprint
from tests.faults import kinds, scripts
from tests.faults.cases import NOTED, Case, Course, Fault
from tests.faults.child import STOPS, Child, start_runner
from tests.faults.connections import others
from tests.faults.doubt import IN_DOUBT, load_with_client, untruths
from tests.faults.proxy import Proxy, Trigger
from tests.faults.watch import Watch

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.servers import Server

FAREWELL_S = 10.0
# Seconds for a server to start, after a crash too.
RESTART_S = 600.0
MOST_RESUMES = 10
assert not kinds.KINDS.keys() & scripts.SCRIPTS.keys(), "one name, two scripts"
PIECES_WAITED_FOR = 6
FAULTS_BY_US = {"setting init_file"}


class KillStage:
    """A server with scripts to load into it.

    Parameters
    ----------
    server : Server
        A running one that nobody else works on.
    folder : Path
        Where the scripts are put.
    size : Size
        Of the database that they are dumps of.
    """

    def __init__(self, server: Server, folder: Path, size: scripts.Size) -> None:
        self.server = server
        self._folder = folder
        self._size = size
        self._wholes: dict[str, dict[str, str]] = {}
        self._unlike: dict[str, str] = {}  # how an undisturbed load differs, until that is reported
        self._statements: dict[str, list[bytes]] = {}
        self._kinds: dict[str, kinds.Script] = {}
        self._next: subprocess.Popen[bytes] | None = None  # it is made ready meanwhile
        self._restart: threading.Thread | None = None
        self._lock = threading.RLock()  # a client may end before the fault that ends it is over

    def script(self, name: str) -> Path:
        """Return where a script is; all dumps are written the first time."""
        path = self._folder / f"{self.server.flavour}-{name}.sql"
        if name in kinds.KINDS:
            if name not in self._kinds:
                self._kinds[name] = kinds.write(name, path)
        elif not path.exists():
            self.server.drop_schemas()
            scripts.fill(self.server, self._size)
            for each, write in scripts.SCRIPTS.items():
                write(self.server, self._folder / f"{self.server.flavour}-{each}.sql")
            self.server.drop_schemas()
        return path

    def kind(self, name: str) -> kinds.Kind:
        """Return what is special about a script of `kinds`."""
        self.script(name)
        return self._kinds[name].kind

    def whole(self, name: str) -> dict[str, str]:
        """Return what an undisturbed load leaves: of the real client, or of ours for a dump.

        What the client makes of a dump, and whether ours does the same, is the corpus's.
        """
        if name not in self._wholes:
            path = self.script(name)
            self.server.drop_schemas()
            with Proxy(self.server.port) as proxy:
                proxy.records = True
                child = self._child(name, proxy)
                child.go()
                outcome = child.outcome()
            assert outcome["error"] is None, outcome
            self._statements[name] = proxy.statements
            self._wholes[name] = state = self.state(name)
            if name in kinds.KINDS:
                self.server.drop_schemas()
                load_with_client(self.server, path)
                self._wholes[name] = self.state(name)
                self._unlike[name] = difference(self._wholes[name], state)
        return self._wholes[name]

    def state(self, name: str) -> dict[str, str]:
        """Return what is in the server, but for what each start of it changes."""
        # A MySQL that was restarted says that tables count up from less, until they are opened.
        kind = self._kinds[name].kind if name in self._kinds else None
        fingerprint(self.server, dump=False)
        state = fingerprint(self.server, dump=kind is None)
        state = {key: text for key, text in state.items() if key not in FAULTS_BY_US}
        if kind is None:
            return state
        for table in kind.unlike:
            for what in ("auto_increment", "checksum", "rows", "table"):
                state.pop(f"{what} faults_k.{table}", None)
        # A checksum says that rows differ, and not which.
        shown = () if "a" in kind.unlike else (f"SELECT * FROM {kinds.SCHEMAS[0]}.a ORDER BY id",)
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            for question in (*shown, *kind.asks):
                try:
                    cursor.execute(question)
                    state[question] = "\n".join(map(str, cursor.fetchall()))
                except pymysql.MySQLError as error:
                    state[question] = str(error)
        return state

    def close(self) -> None:
        """End the process that was made ready for the next load."""
        if self._next is not None:
            self._next.communicate(b"", FAREWELL_S)
            self._next = None

    def __enter__(self) -> KillStage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def play(self, case: Case) -> Course:
        """Disturb a load, resume it until it ends, and compare."""
        course = Course(case)
        start = time.monotonic()
        whole = self.whole(case.script)
        unlike = self._unlike.pop(case.script, "")
        if unlike:
            course.failures.append(f"not disturbed at all:\n{unlike}")
        self.server.drop_schemas()
        with Proxy(self.server.port) as proxy:
            ended = self._load(case, proxy, course)
        self.settle()
        if ended and not course.is_in_doubt:
            course.failures += self.remains()
            unlike = difference(whole, self.state(case.script))
            if unlike:
                course.failures.append(f"first: as it should be, second: resumed\n{unlike}")
        course.seconds = time.monotonic() - start
        return course

    def disturb(self, name: str, fault: Fault) -> dict[str, Any]:
        """Load a script with one fault into the empty server, and return what the load says."""
        self.whole(name)
        assert any(fault.moment in sql for sql in self._statements[name]), "never at that moment"
        self.server.drop_schemas()
        course = Course(Case(0, name, ((fault,),)))
        with Proxy(self.server.port) as proxy:
            child = self._child(name, proxy)
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
                self._restart = None
            self.server.start()

    def remains(self) -> list[str]:
        """Return what is left of loads besides their data."""
        failures = []
        deadline = time.monotonic() + FAREWELL_S
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            while left := others(cursor):
                if time.monotonic() > deadline:
                    failures.append(f"connections are left: {left}, held by {_holders(left)}")
                    break
                time.sleep(0.02)
            # Only now: a server goes on with what a client that is gone has sent, such as a DROP.
            failures += unfinished(cursor)
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
        """Load until it ends well; return whether it did."""
        path = self.script(case.script)
        for attempt in range(MOST_RESUMES):
            faults = case.attempts[attempt] if attempt < len(case.attempts) else ()
            if attempt and self._is_complete():
                course.steps.append("it had just ended")
                return True
            # What is small is journaled on request only.
            resume = attempt > 0 or path.stat().st_size < JOURNAL_FROM_BYTES
            outcome = self._disturbed(case, faults, proxy, course, resume=resume)
            course.steps.append(_told(outcome))
            if outcome["error"] is None:
                return True
            if attempt and outcome["error"] == "ScriptError" and self._may_doubt(case, outcome):
                script = self._kinds[case.script]
                schemas = kinds.SCHEMAS
                course.is_in_doubt = True
                message = outcome["message"]
                course.failures += untruths(self.server, script, path, message, schemas)
                return True
            if outcome["error"] not in STOPS:
                course.failures.append(f"{outcome['error']}: {outcome['message']}")
                return False
            if not faults:
                course.failures.append(f"stopped without a fault: {outcome['message']}")
        course.failures.append("it does not come to its end")
        return False

    def _disturbed(
        self,
        case: Case,
        faults: tuple[Fault, ...],
        proxy: Proxy,
        course: Course,
        *,
        resume: bool,
    ) -> dict[str, Any]:
        """Load once, with these faults."""
        child = self._child(case.script, proxy, jobs=case.jobs, resume=resume, rows=case.rows)
        proxy.arm(
            *(
                self._trigger(fault, case, child, proxy, course)
                for fault in faults
                if fault.phase != NOTED
            )
        )
        watches = [
            self._watch(fault, case, child, proxy, course)
            for fault in faults
            if fault.phase == NOTED
        ]
        child.go()
        outcome = child.outcome()
        self._next = start_runner()
        proxy.arm()
        for watch in watches:
            watch.end()
        self.settle()
        proxy.take_again()
        return outcome

    def _may_doubt(self, case: Case, outcome: dict[str, Any]) -> bool:
        kind = self._kinds.get(case.script)
        return kind is not None and kind.kind.may_doubt and IN_DOUBT in outcome["message"]

    def _act(self, fault: Fault, child: Child, proxy: Proxy, course: Course) -> None:
        with self._lock:
            course.steps.append(str(fault))
            course.faults.append(fault.kind)
            self.fault(fault.kind, child, proxy)

    def _watch(self, fault: Fault, case: Case, child: Child, proxy: Proxy, course: Course) -> Watch:
        def act() -> None:
            time.sleep(fault.wait_s)
            self._act(fault, child, proxy, course)

        pieces = 1 + int(fault.place * PIECES_WAITED_FOR)
        return Watch(self.server, self._kinds[case.script], pieces, act)

    def _trigger(
        self, fault: Fault, case: Case, child: Child, proxy: Proxy, course: Course
    ) -> Trigger:
        statements = self._statements[case.script]
        moment = fault.moment if any(fault.moment in sql for sql in statements) else b""
        among = sum(moment in sql for sql in statements)

        def act() -> None:
            self._act(fault, child, proxy, course)

        nth = 1 + int(fault.place * among)
        return Trigger(moment, nth, fault.phase, act, fault.wait_s, fault.kind != "interrupt")

    def _child(self, name: str, proxy: Proxy, **chosen: Any) -> Child:
        process, self._next = self._next, None
        options = {"jobs": 4, "resume": True, **chosen}
        if name in self._kinds and self._kinds[name].kind.data:
            options["allow_local_infile"] = True
        return Child(self.script(name), self.server, port=proxy.port, process=process, **options)

    def _is_complete(self) -> bool:
        """Return whether the load had ended when its process was killed: it owes nothing."""
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            cursor.execute("SHOW SCHEMAS")
            schemas = {name for (name,) in cursor.fetchall()}
            if not schemas & {*scripts.SCHEMAS, *kinds.SCHEMAS}:
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


def _holders(left: Mapping[int, Sequence[Any]]) -> list[str]:
    """Return which processes hold the other end of connections."""
    ports = {int(does[1].rpartition(":")[2] or 0) for does in left.values() if does[1]}
    return [
        f"{psutil.Process(each.pid).cmdline()} (state {each.status})"
        for each in psutil.net_connections("tcp")
        if each.laddr and each.laddr.port in ports and each.pid is not None
    ]


def unfinished(cursor: Any) -> list[str]:
    """Return what the journal, if there is one, holds of loads that have not come to their end."""
    cursor.execute("SHOW SCHEMAS LIKE %s", (SCHEMA,))
    if not cursor.fetchall():
        return []
    cursor.execute(f"SHOW TABLES FROM {SCHEMA}")
    if not cursor.fetchall():
        return ["the journal's schema is left, without a table"]
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
