"""Operations that a lane asks the outside world for: plain values, which its generator yields.

A lane decides; it does not wait, open sockets or start threads. Its driver carries out each
operation and sends the result back into the generator, or throws the error. `drive` does that with
a real connection in a thread; a simulation does it with a server of its own.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, Union

if TYPE_CHECKING:
    from ...script.session import Session
    from ...server import Fetched
    from ..planning.tasks import Table


class AwaitWork(NamedTuple):
    """Wait for a task for this lane, to run now or later; bool: whether one came."""


class Take(NamedTuple):
    """Get the next task, a `Task` or None; `wait` for it."""

    wait: bool


class Open(NamedTuple):
    """Connect, or connect again, and take the lock that shows that the lane's connection lives.

    Answer: whether the lock was free, bool.
    """

    lock: str


class Send(NamedTuple):
    """Send statements at once. Answer: `Replies`; a statement that is refused raises nothing.

    With `keeps_rows`, the first rows of their results come with the replies.
    """

    statements: tuple[bytes, ...]
    keeps_rows: bool = False


class Stream(NamedTuple):
    """Send a LOAD DATA LOCAL INFILE of our own, with rows in the file's place. Answer: `Replies`.

    `rows` are those of INSERT statements as they stand.
    """

    sql: bytes
    rows: tuple[memoryview, ...]


class Ask(NamedTuple):
    """Ask a question on the lane's connection. Answer: rows, as tuples of text or None."""

    sql: str | bytes


class Enter(NamedTuple):
    """Bring the connection into a session's state; see `Link.enter`."""

    session: Session
    user_variables: bool


class ShowCreate(NamedTuple):
    """Ask for SHOW CREATE TABLE on a connection in the default state. Answer: bytes, or None."""

    table: Table


class Record(NamedTuple):
    """Write into the journal on a connection that commits by itself. Raises as a statement does.

    For a lane that is within a transaction of the script's own, which may be undone. No row of the
    journal that it writes may be one that the transaction has written.
    """

    statements: tuple[bytes, ...]


class Sleep(NamedTuple):
    """Do nothing for some seconds."""

    seconds: float


class AwaitServer(NamedTuple):
    """Wait until the server can be logged in to. Answer: its UUID, str or None."""


Operation = Union[
    AwaitWork, Take, Open, Send, Stream, Ask, Enter, ShowCreate, Record, Sleep, AwaitServer
]


class Reply(NamedTuple):
    """The outcome of one statement.

    Attributes
    ----------
    changed, warnings : int
        Rows that it changed, and warnings and notes of the server.
    seconds : float
        How long it took.
    results : int
        How many result sets it returned.
    last : Fetched or None
        The last of them, if rows were to be kept.
    """

    changed: int
    warnings: int
    seconds: float
    results: int = 0
    last: Fetched | None = None


class Replies(NamedTuple):
    """What statements that were sent at once did.

    Attributes
    ----------
    done : list of Reply
        One for each that was executed, in order.
    error : Exception or None
        Why the next one was not, and none after it.
    """

    done: list[Reply]
    error: Exception | None


Result = TypeVar("Result")
# Answers are of the kind that the operation says; a generator cannot be typed more closely.
Work = Generator[Operation, Any, Result]
