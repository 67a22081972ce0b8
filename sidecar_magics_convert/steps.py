"""What a command of a shell script does, as a value."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import NamedTuple, Union

from sidecar_magics.addresses import split_port

from .words import Remark


class NamedServer(NamedTuple):
    """The server that something is for; None where it is the tutorial's convention."""

    host: str | None = None
    port: str | None = None
    user: str | None = None

    @classmethod
    def of(
        cls, host: str | None = None, port: str | None = None, user: str | None = None
    ) -> NamedServer:
        """Make a target of what a tutorial says, without what is said by default."""
        if host is not None:  # DataJoint takes a port there
            host, own_port = split_port(host)
            port = own_port or port
        return cls(
            None if host in ("localhost", "127.0.0.1") else host,
            None if port == "3306" else port,
            None if user == "root" else user,
        )

    def options(self) -> str:
        """Return the options of a magic that mean the same, each with a space before it."""
        return "".join(
            f" --{name} {shlex.quote(value)}"
            for name, value in self._asdict().items()
            if value is not None
        )


@dataclass(frozen=True)
class ClientCall:
    """A call of the ``mysql`` client: a file, or statements, for a server.

    Parameters
    ----------
    target : NamedServer
        The server.
    passwords : tuple of str
        What stood there, so that it can be kept out of what is shown.
    database : str or None
        The schema to begin in.
    force : bool
        Whether it continues after errors.
    file, sql : str or None
        One of them.
    """

    target: NamedServer
    passwords: tuple[str, ...] = ()
    database: str | None = None
    force: bool = False
    file: str | None = None
    sql: str | None = None


@dataclass(frozen=True)
class Wait:
    """A pause, a question whether a server is there, or the start of one.

    Parameters
    ----------
    target : NamedServer
        The server that is asked.
    passwords : tuple of str
        What stood there, so that it can be kept out of what is shown.
    starts : bool
        Whether it starts a server, or installs one.
    """

    target: NamedServer
    passwords: tuple[str, ...] = ()
    starts: bool = False


@dataclass(frozen=True)
class Dump:
    """A dump that is written into a file.

    Parameters
    ----------
    target : NamedServer
        The server.
    passwords : tuple of str
        What stood there, so that it can be kept out of what is shown.
    file : str
        The file.
    schemas, tables : tuple of str
        What is written; empty for all.
    options : tuple of str
        Options of the magic.
    where : str or None
        The condition that rows meet.
    is_bare : bool
        Whether the script names no schema, so that it can be loaded into any.
    """

    target: NamedServer
    passwords: tuple[str, ...]
    file: str
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    where: str | None = None
    is_bare: bool = False

    def line(self, name: str) -> str:
        """Return the magic's line, for a file's name."""
        words = ["%mysql_dump", shlex.quote(name), *map(shlex.quote, self.schemas)]
        words += [f"--tables {shlex.quote(table)}" for table in self.tables]
        words += [*self.options, *([f"--where {shlex.quote(self.where)}"] if self.where else [])]
        return " ".join(words)


class Say(NamedTuple):
    """A text that is printed."""

    text: str


ShellStep = Union[ClientCall, Dump, Wait, Say, Remark]
