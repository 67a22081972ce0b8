"""Which indexes of a table may wait until its rows are there.

The rows of a dump come in the order of the primary key. A secondary index gets them out of order,
and once it does not fit into memory every row costs a read from disk; made afterwards it is sorted
once. SHOW CREATE TABLE lists secondary indexes in the order in which they were made, so only the
last ones may wait, and a foreign key's own index and that of an AUTO_INCREMENT column may not.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_COLUMNS = re.compile(rb"\((`(?:[^`]|``)+`)")
_COUNTS_UP = re.compile(rb"^  (`(?:[^`]|``)+`) .*\bAUTO_INCREMENT\b", re.MULTILINE)
_ENGINE = re.compile(rb"^\) ENGINE=(\w+)", re.MULTILINE)
_FOREIGN_KEY = re.compile(rb"\bFOREIGN KEY \((`(?:[^`]|``)+`)")
_NAME = re.compile(rb"(?:[A-Z]+ )?KEY (`(?:[^`]|``)+`) ")


class Indexes(NamedTuple):
    """What SHOW CREATE TABLE says about a table's indexes.

    Attributes
    ----------
    sorts_rows : bool
        InnoDB with a primary key: in whatever order rows come, they lie in the same one.
    last : list of bytes
        Definitions of the indexes that may wait, in their order.
    names : set of bytes
        Quoted names of all secondary indexes.
    """

    sorts_rows: bool
    last: list[bytes]
    names: set[bytes]


def read_indexes(create: bytes) -> Indexes:
    """Read the indexes of a table from the server's own SHOW CREATE TABLE.

    Parameters
    ----------
    create : bytes
        Its text, with names in backticks.
    """
    engine = _ENGINE.search(create)
    innodb = engine is not None and engine[1].lower() == b"innodb"
    lines = [line.strip().rstrip(b",") for line in create.splitlines()]
    needed = {*_FOREIGN_KEY.findall(create), *_COUNTS_UP.findall(create)}
    last: list[bytes] = []
    for line in lines:
        if line.startswith(b"SPATIAL KEY"):
            last = []  # keeps its place among the others
        if not line.startswith(b"KEY `"):
            continue
        first = _COLUMNS.search(line)
        # Text beyond ASCII would have to be sent in the character set that it came in, and a
        # backslash in the sql_mode.
        if first is None or first[1] in needed or not line.isascii() or b"\\" in line:
            last = []
        else:
            last.append(line)
    sorted_by = any(line.startswith(b"PRIMARY KEY") for line in lines)
    return Indexes(
        sorts_rows=innodb and sorted_by,
        last=last if innodb else [],
        names={found[1] for line in lines for found in [_NAME.match(line)] if found},
    )


def drop_clause(definitions: list[bytes]) -> bytes:
    """Return what ALTER TABLE needs to take indexes away."""
    names = [name[1] for name in map(_NAME.match, definitions) if name]
    return b", ".join(b"DROP KEY " + name for name in names)


def add_clause(definitions: list[bytes], present: set[bytes]) -> bytes:
    """Return what ALTER TABLE needs to make those indexes that are not there; b"" for none."""
    missing = []
    for definition in definitions:
        name = _NAME.match(definition)
        if name and name[1] not in present:
            missing.append(b"ADD " + definition)
    return b", ".join(missing)
