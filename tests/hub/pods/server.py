"""A user's running server and its containers, whatever runs them: podman, or a real kubelet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from tests.background import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.hub.pods.podman import Result

# One statement; its rows, as text, a line each.
QUERY = """
import sys, pymysql
connection = pymysql.connect(
    host=sys.argv[1], user="root", password="tutorial", autocommit=True, connect_timeout=30,
    max_allowed_packet=2**30,
)
with connection, connection.cursor() as cursor:
    cursor.execute(sys.argv[2])
    for row in cursor.fetchall():
        print(*row, sep="\\t")
"""
KNOCK = """
import sys, socket
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
except OSError:
    sys.exit(1)
"""


class QueryError(Exception):
    """A statement has failed, or there is nobody to send it to."""


class EndOfContainer(Protocol):
    """How a container ended."""

    @property
    def exit_code(self) -> int: ...


class AnyContainer(Protocol):
    """A container of a running pod; what the parts mean: `tests.hub.pods.container.Container`."""

    @property
    def restarts(self) -> int: ...

    @property
    def ends(self) -> Sequence[EndOfContainer]: ...

    @property
    def last_words(self) -> str: ...

    async def execute(self, *command: str, timeout_s: float = LIMIT_S) -> Result: ...

    async def kill(self) -> None: ...


class AnyServer(ABC):
    """A user's server that has been started."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The pod's address."""

    @property
    @abstractmethod
    def notebook(self) -> AnyContainer: ...

    @property
    @abstractmethod
    def mysql(self) -> AnyContainer: ...

    @abstractmethod
    async def stop(self) -> Mapping[str, EndOfContainer]:
        """Stop the server as its user does, and return how each container ended."""

    async def query(self, sql: str, host: str = "127.0.0.1") -> list[str]:
        """Send a statement from the notebook's container.

        Raises
        ------
        QueryError
            It failed.
        """
        done = await self.notebook.execute("python3", "-c", QUERY, host, sql)
        if done.status:
            said = done.errors.strip().splitlines()  # nothing, where the container was killed
            raise QueryError(said[-1] if said else f"status {done.status}")
        return done.output.splitlines()

    async def reaches(self, address: str, port: int) -> bool:
        """Return whether something answers there, seen from the notebook's container."""
        done = await self.notebook.execute("python3", "-c", KNOCK, address, str(port))
        return done.status == 0
