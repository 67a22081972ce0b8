"""The lines in which dumps describe themselves: complete or not, the server, records of loads."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ...script.versioned import version_number

# The first line of a dump of ours, and a record of a load by --once in its heading.
OURS = b"-- sidecar-magics dump "
RECORD = b"-- Loaded before with --once: "
_LONGEST_HEADING_BYTES = 1024 * 1024

HEADERS = (b"\n-- MySQL dump 1", b"\n-- MariaDB dump 1", b"\n" + OURS)
FOOTER = b"\n-- Dump completed"
_BEGINNING = b"\n-- "
TAIL_BYTES = max(map(len, (*HEADERS, FOOTER))) - 1
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Source: mysqldump, mariadb-dump, phpMyAdmin, mydumper, and our own dump.
_SERVER = re.compile(
    rb"^-- (?:Server(?: version)?:?\s+(?:(?:MySQL|MariaDB) )?|M\w+ dump [^\n]*\bDistrib )"
    rb"(\d[^\s,]*)",
    re.MULTILINE,
)
# MariaDB's versions begin so, for old clients that expect one digit.
_REPLICATION_PREFIX = re.compile(r"\A5\.5\.5-(?=1\d\.)")


class Maker(NamedTuple):
    """The server that a dump is of: ``mysql`` or ``mariadb``, and its version."""

    flavour: str
    version: str

    def is_foreign_to(self, flavour: str, version: int) -> bool:
        """Return whether it is of another kind than a server, or of a later series.

        Parameters
        ----------
        flavour : str
            The server's kind.
        version : int
            Its version as versioned comments spell it: 80036 for 8.0.36.
        """
        own = version_number(_REPLICATION_PREFIX.sub("", self.version))
        return self.flavour != flavour or own // 100 > version // 100


def maker(heading: bytes) -> Maker | None:
    """Return the server that a dump's heading names; None if it names none."""
    # The lines below the server's own are about the tool.
    found = max(_SERVER.finditer(heading), key=lambda each: b"Server" in each[0], default=None)
    if found is None:
        return None
    flavour = "mariadb" if b"mariadb" in heading.lower() else "mysql"
    return Maker(flavour, found[1].decode("ascii", "replace"))


class DumpMarks:
    r"""Count the first and the last lines of dumps in a stream: mysqldump's, mariadb-dump's, ours.

    Several dumps may have been joined to one file; each of them must be whole. In their data such
    a line cannot occur, because a line's end in a string is written as ``\n``. A dump made with
    ``--skip-comments`` has neither line.
    """

    def __init__(self) -> None:
        self._begun = self._completed = 0
        self._tail = b"\n"
        self._start: bytes | None = b""

    @property
    def begun(self) -> bool:
        """Whether a dump has begun."""
        return self._begun > 0

    @property
    def open(self) -> bool:
        """Whether a dump has begun and not been completed."""
        return self._begun > self._completed

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        if self._start is not None:
            chunk = self._start + chunk
            if len(chunk) < len(BYTE_ORDER_MARK):
                self._start = chunk
                return
            self._start = None
            chunk = chunk[len(BYTE_ORDER_MARK) :] if chunk.startswith(BYTE_ORDER_MARK) else chunk
        # Most chunks hold nothing but rows: one look is enough.
        if _BEGINNING in chunk or _BEGINNING[:1] in self._tail:
            self._begun += sum(self._count(header, chunk) for header in HEADERS)
            self._completed += self._count(FOOTER, chunk)
        self._tail = (self._tail + chunk[-TAIL_BYTES:])[-TAIL_BYTES:]

    def _count(self, mark: bytes, chunk: bytes) -> int:
        # Neither half of the seam has room for the whole mark, so none is counted twice.
        most = len(mark) - 1
        seam = self._tail[-most:] + chunk[:most]
        return chunk.count(mark) + seam.count(mark)


class LoadedBefore:
    """Collect the records of loads that the heading of a dump of ours has.

    A script that `%mysql_load --once` loaded is in the dump, so a server that loads the dump must
    not load the script again, over the user's changes.
    """

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self._held: bytes | None = b""

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        if self._held is None:
            return
        self._held += chunk
        if not self._held.startswith(OURS[: len(self._held)]):
            self._held = None
            return
        heading, blank, _ = self._held.partition(b"\n\n")
        if blank:
            found = (_record(line) for line in heading.split(b"\n") if line.startswith(RECORD))
            self.records = [record for record in found if record]
        if blank or len(self._held) > _LONGEST_HEADING_BYTES:
            self._held = None


def _record(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line[len(RECORD) :])
    except ValueError:  # it was edited
        return {}
    return found if isinstance(found, dict) else {}
