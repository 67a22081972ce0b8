"""One load in a world without threads, sockets or time: each step is drawn from a seed.

The loader's own reader, planner, scheduler, lanes and journal run here. What `load.threads` does
with threads and connections, the world does with a simulated server: it carries out what lanes ask
for, one small step after another, in an order that chance decides, and lets faults happen between
any two of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from sidecar_magics.load.running.link import Link, text
from sidecar_magics.load.running.operations import (
    Ask,
    AwaitServer,
    AwaitWork,
    Enter,
    Open,
    Record,
    Replies,
    Reply,
    Send,
    ShowCreate,
    Sleep,
    Stream,
    Take,
)
from sidecar_magics.load.running.reconnecting import get_lock
from sidecar_magics.server import Keep, Outcome, pymysql_errors
from sidecar_magics.settings import ConnectionSettings
from sidecar_magics.sidecar import Sidecar
from tests.simulation.language import Done, attempt
from tests.simulation.model import Blocked, Connection, Server, lost, refusal

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Sequence

    from sidecar_magics.load.planning.tasks import Task
    from sidecar_magics.load.running.inspector import Inspector
    from sidecar_magics.load.running.lane import Lane
    from sidecar_magics.load.running.operations import Operation
    from sidecar_magics.load.running.scheduler import Scheduler

SETTINGS = ConnectionSettings()
MOST_STEPS = 30_000
MOST_STEPS_BETWEEN = 12


class Hang(Exception):
    """Nobody can take a step, or it never ends."""


class Killed(BaseException):
    """The process of the load is gone."""


@dataclass
class Request:
    """Statements that were sent on a connection, and how far the server is with them."""

    connection: Connection
    statements: list[str]
    done: list[Done] = field(default_factory=list)
    error: Exception | None = None
    executed: bool = False

    def step(self) -> bool:
        """Let the server continue; whether it could."""
        connection = self.connection
        if self.executed:
            return False
        if connection.is_closed or connection.must_end:
            if not connection.is_closed:
                connection.close()
            return self._end(lost())
        try:
            done = attempt(connection, self.statements[len(self.done)])
        except Blocked as blocked:
            connection.waits_for = blocked
            if connection.server.is_circle(connection, blocked):
                connection.rollback()
                connection.exclusive.clear()
                connection.wants = None
                return self._end(refusal(1213, "Deadlock found"))
            return False
        except pymysql_errors() as error:
            connection.exclusive.clear()
            return self._end(error)
        connection.waits_for = None
        if done is not None:
            self.done.append(done)
            if not connection.in_transaction:
                connection.commit()
        if len(self.done) == len(self.statements):
            self.executed = True
        return True

    def _end(self, error: Exception) -> bool:
        self.connection.waits_for = self.connection.wants = None
        self.error, self.executed = error, True
        return True

    @property
    def may_step(self) -> bool:
        """Whether the server has something to do with it."""
        return not self.executed


class SimulatedLink(Link):
    """A link to the simulated server. The main thread's own wait for their answers at once."""

    def __init__(self, world: World, first: Iterable[bytes] = ()) -> None:
        super().__init__(SETTINGS, first)
        self._world = world
        self.connection: Connection | None = None

    def open(self) -> Sidecar:
        """Connect."""
        self.close()
        self.connection = self._world.server.connect()
        self._is_open = True
        self._restart_session()
        for sql in self._first:
            self.send(sql)
        return self._world.sidecar

    def close(self) -> None:
        """Close the connection; what it has not committed is undone."""
        if self._is_open:
            self._is_open = False
            if self.connection is not None:
                self._world.leave(self.connection)

    @property
    def thread_id(self) -> int:
        """The connection's number."""
        assert self.connection is not None
        return self.connection.number

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self.connection is not None and self.connection.in_transaction

    def send(self, sql: bytes, *, keep: Keep | None = None) -> Outcome:
        """Send a statement and wait for it."""
        del keep
        return Outcome(self._world.call(self.connection, sql.decode()).changed, 0)

    def send_each(
        self, statements: Sequence[bytes], *, keep: Keep | None = None
    ) -> Iterator[Outcome]:
        """Not used here."""
        raise NotImplementedError

    def cells(self, sql: str | bytes, *, limit_s: float | None = None) -> list[tuple[Any, ...]]:
        """Ask, and wait for the answer."""
        del limit_s
        sql = sql.decode() if isinstance(sql, bytes) else sql
        return list(self._world.call(self.connection, sql).rows)

    def _remember(self, name: str) -> bytes:
        if name not in self._initial:
            value = self.ask(f"SELECT @@{name}")
            self._initial[name] = value.encode() if value.isdigit() else f"'{value}'".encode()
        return self._initial[name]


class Worker:
    """A lane, what it is waiting for, and the answer once it is there."""

    def __init__(self, lane: Lane, world: World) -> None:
        self.lane = lane
        self._world = world
        self._work = lane.run()
        self._operation: Operation | None = None
        self._request: Request | None = None
        self._wakes_at = 0.0
        self.is_over = False
        self._resume(None, None)

    def step(self) -> bool:
        """Take a step, if there is one to take."""
        operation, world = self._operation, self._world
        if self.is_over or operation is None:
            return False
        if self._request is not None:
            return self._deliver(operation)
        if isinstance(operation, Take):
            task = world.scheduler.next_for(self.lane.number)
            if task is None and operation.wait and not world.scheduler.is_over:
                return False
            return self._resume(task, None)
        if isinstance(operation, AwaitWork):
            if world.scheduler.has_work_for(self.lane.number):
                return self._resume(not world.scheduler.has_ended, None)
            if world.scheduler.is_closed or world.scheduler.has_ended:
                return self._resume(False, None)
            return False
        if isinstance(operation, Sleep):
            if world.now_s < self._wakes_at:
                return False
            return self._resume(None, None)
        return self._begin(operation)

    def sleeps_until(self) -> float | None:
        """Return when it wakes, if it sleeps."""
        return self._wakes_at if isinstance(self._operation, Sleep) else None

    def cut(self) -> None:
        """Lose the connection; the server continues with what it was sent, and notices later."""
        if self.lane.link.connection is not None and self.lane.link.is_open:
            self._world.leave(self.lane.link.connection)
            if self._request is not None and not isinstance(self._operation, (ShowCreate, Record)):
                self._request = None
                self._resume_lost()

    def _begin(self, operation: Operation) -> bool:
        link, world = self.lane.link, self._world
        try:
            if isinstance(operation, AwaitServer):
                return self._resume(world.sidecar.uuid, None)
            if isinstance(operation, Open):
                link.open()
                return self._resume(link.ask(get_lock(operation.lock)) == "1", None)
            if isinstance(operation, Enter):
                link.enter(operation.session, user_variables=operation.user_variables)
                return self._resume(None, None)
        except Exception as error:  # the lane knows what it means
            return self._resume(None, error)
        if isinstance(operation, (ShowCreate, Record)):
            if world.is_busy(world.inspector_connection):
                return False
            statements = (
                operation.statements
                if isinstance(operation, Record)
                else (b"SHOW CREATE TABLE " + operation.table.quoted,)
            )
            self._request = world.request(world.inspector_connection, statements)
        elif isinstance(operation, Send):
            self._request = world.request(link.connection, operation.statements)
        elif isinstance(operation, Stream):
            file = operation.sql + b"\n" + b"".join(operation.rows)
            self._request = world.request(link.connection, [file])
        else:
            assert isinstance(operation, Ask)
            sql = operation.sql
            sql = sql.encode() if isinstance(sql, str) else sql
            self._request = world.request(link.connection, [sql])
        return True

    def _deliver(self, operation: Operation) -> bool:
        request = self._request
        assert request is not None
        if not request.executed:
            return False
        self._request = None
        self._world.forget(request)
        if isinstance(operation, (Send, Stream)):
            replies = [Reply(done.changed, done.warnings, 0.0) for done in request.done]
            return self._resume(Replies(replies, request.error), None)
        if isinstance(operation, ShowCreate):
            found = request.done[0].rows if request.done else ()
            return self._resume(found[0][1] if found else None, None)
        if request.error is not None:
            return self._resume(None, request.error)
        rows = [
            tuple(None if cell is None else text(cell) for cell in row)
            for row in request.done[0].rows
        ]
        return self._resume(rows, None)

    def _resume_lost(self) -> None:
        if isinstance(self._operation, (Send, Stream)):
            self._resume(Replies([], lost()), None)
        else:
            self._resume(None, lost())

    def _resume(self, answer: Any, error: Exception | None) -> bool:
        try:
            if error is not None:
                self._operation = self._work.throw(error)
            elif self._operation is None:
                self._operation = next(self._work)
            else:
                self._operation = self._work.send(answer)
        except StopIteration:
            self.is_over = True
            self._operation = None
            return True
        if isinstance(self._operation, Sleep):
            self._wakes_at = self._world.now_s + self._operation.seconds
        return True

    def __str__(self) -> str:
        return f"lane {self.lane.number}: {'over' if self.is_over else self._operation}"


class Fault(NamedTuple):
    """What happens, and at which step of the world."""

    kind: str  # "kill client", "kill server", "cut"
    at_step: int


class World:
    """Where a load runs: a runtime for `load.running.loader.Loader`.

    Parameters
    ----------
    server : Server
        Outlives the load.
    chance : random.Random
        Decides who is next.
    faults : list of Fault
        In the order of their steps.
    """

    def __init__(self, server: Server, chance: random.Random, faults: Iterable[Fault] = ()) -> None:
        self.server = server
        self.scheduler: Scheduler
        self.now_s = 0.0
        self.steps = 0
        self.sidecar = Sidecar(SETTINGS, "9.7.4", "mysql", "uuid", "utf8mb4", None, False, 1)
        self.inspector_link: Link | None = None
        self.on_wait: Callable[[], None] | None = None
        self._chance = chance
        self._faults = list(faults)
        self._workers: list[Worker] = []
        self._requests: list[Request] = []
        self._is_gone = False

    # What a load asks of its runtime -------------------------------------------------------------

    def clock(self) -> float:
        """Return the time of this world."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.now_s += seconds
        self._play(self._chance.randrange(MOST_STEPS_BETWEEN))

    def link(self, first: Iterable[bytes] = (), **may: bool) -> SimulatedLink:
        """Return a connection that is not open yet."""
        del may
        return SimulatedLink(self, first)

    def connect(self, timeout_s: float) -> Any:
        """Not used: no time goes by unnoticed."""
        raise NotImplementedError

    def handover(self, scheduler: Scheduler) -> World:
        """Return what passes tasks on: this world."""
        # On a machine with few cores some lanes get definitions only.
        scheduler._row_lanes = self._chance.choice((None, None, 1, 2))
        self.scheduler = scheduler
        return self

    def await_server(self) -> Sidecar:
        """Return the server, which is back at once."""
        return self.sidecar

    def start(self, lanes: Iterable[Lane], inspector: Inspector) -> None:
        """Let lanes begin."""
        self.inspector_link = inspector._link
        self._workers = [Worker(lane, self) for lane in lanes]

    def finish(self, on_wait: Callable[[], None]) -> None:
        """Play until all lanes are over."""
        del on_wait
        self.until(lambda: all(worker.is_over for worker in self._workers))

    def kill(self, lanes: Iterable[Lane]) -> None:
        """Not used: nobody interrupts."""

    @property
    def inspector_connection(self) -> Connection:
        """The connection that looks at tables; connected anew if it is lost."""
        assert self.inspector_link is not None
        connection: Connection | None = self.inspector_link.connection
        if connection is None or connection.is_closed or connection.must_end:
            self.inspector_link.open()
            connection = self.inspector_link.connection
        assert connection is not None
        return connection

    # What passes tasks on: see `load.handover.Handover` ------------------------------------------

    def add(self, task: Task) -> bool:
        """Add a task once there is room."""
        self._play(self._chance.randrange(MOST_STEPS_BETWEEN))
        self.until(lambda: self.scheduler.has_ended or self.scheduler.has_room(task))
        if self.scheduler.has_ended:
            return False
        self.scheduler.add(task)
        return True

    def drain(self) -> bool:
        """Play until every task is done."""
        self.until(lambda: self.scheduler.has_ended or self.scheduler.is_drained)
        return not self.scheduler.has_ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self.scheduler, name)

    # Steps ---------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], bool]) -> None:
        """Play until something is so.

        Raises
        ------
        Hang
            Nobody can take a step any more, or there is no end of it.
        """
        while not condition():
            if not self._step():
                self._wake()

    def call(self, connection: Connection | None, sql: str) -> Done:
        """Send a statement from the main thread, or from a lane that cannot wait for it."""
        assert connection is not None
        if self._is_gone:
            raise Killed
        self.until(lambda: not self.is_busy(connection))
        request = self.request(connection, [sql.encode()])
        if sql.startswith(("SET ", "USE ", "SELECT @@", "SELECT GET_LOCK", "DO GET_LOCK")):
            while not request.executed:
                assert request.step(), f"nothing may block {sql}"
        else:
            self.until(lambda: request.executed)
        self.forget(request)
        if request.error is not None:
            raise request.error
        return request.done[0]

    def request(self, connection: Connection | None, statements: Iterable[bytes]) -> Request:
        """Send statements to the server."""
        assert connection is not None
        request = Request(connection, [sql.decode() for sql in statements])
        self._requests.append(request)
        return request

    def forget(self, request: Request) -> None:
        """Take notice of an answer."""
        if request in self._requests:
            self._requests.remove(request)

    def is_busy(self, connection: Connection) -> bool:
        """Return whether something is under way on a connection."""
        return any(request.connection is connection for request in self._requests)

    def leave(self, connection: Connection) -> None:
        """Let a client go: the server finishes what it was sent, and notices then."""
        if self._is_gone:
            return
        mine = [r for r in self._requests if r.connection is connection]
        for request in mine:  # an answer that is there already reaches nobody
            self.forget(request)
        under_way = [r for r in mine if not r.executed]
        if under_way:
            self.server.orphans.append(under_way[0])
        elif not connection.is_closed:
            connection.close()

    def _play(self, steps: int) -> None:
        for _ in range(steps):
            if not self._step():
                return

    def _step(self) -> bool:
        """Let somebody who can take a step; whether there was one."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Hang(f"no end after {MOST_STEPS} steps\n{self}")
        if self._faults and self._faults[0].at_step <= self.steps:
            self._happen(self._faults.pop(0))
            return True
        orphans = self.server.orphans
        actors: list[Worker | Request] = [*self._workers, *self._requests, *orphans]
        self._chance.shuffle(actors)
        for actor in actors:
            if actor.step():
                self.now_s += 0.001
                for orphan in [orphan for orphan in orphans if orphan.executed]:
                    orphans.remove(orphan)
                    if not orphan.connection.is_closed:
                        orphan.connection.close()
                return True
        return False

    def _wake(self) -> None:
        times = [time for w in self._workers if (time := w.sleeps_until()) is not None]
        times = [time for time in times if time > self.now_s]
        if not times:
            raise Hang(f"nobody can take a step\n{self}")
        self.now_s = min(times)

    def _happen(self, fault: Fault) -> None:
        if fault.kind == "kill server":
            self.server.crash()
            self.server.orphans.clear()
        elif fault.kind == "cut":
            working = [worker for worker in self._workers if not worker.is_over]
            if working:
                self._chance.choice(working).cut()
        else:
            for connection in list(self.server.connections.values()):
                if not any(orphan.connection is connection for orphan in self.server.orphans):
                    self.leave(connection)
            self._is_gone = True
            raise Killed

    def __str__(self) -> str:
        lines = [str(worker)[:300] for worker in self._workers]
        lines += [
            f"connection {request.connection.number}: {request.statements[0][:100]}"
            f" waits for {[c.number for c in request.connection.waits_for.others]}"
            for request in self._requests
            if request.connection.waits_for
        ]
        return "\n".join(lines)
