"""Identifiers and times that a run of Spyglass draws, drawn the same each time.

Without this two runs would differ in: the object ids in NWB files (UUIDs), the names of analysis
files (ten random letters), and the times that tables note. `conda` is a stand-in as well, `~log` is
emptied, and the dump has no date and no AUTO_INCREMENT of its own. So two runs on one machine, with
one version of everything, give the same bytes; another server changes the dump's heading, another
processor may change last digits. It is for making the tutorial's data, never for data of worth.
"""

from __future__ import annotations

import datetime
import itertools
import random
import uuid
from typing import Any

SEED = 20260102
# A day after the session.
NOW = datetime.datetime(2026, 1, 3, 3, 4, 5, tzinfo=datetime.timezone.utc)


def hold_still() -> None:
    """Make identifiers and times of this process steady; call it before pynwb is imported."""
    numbers = itertools.count(1)
    random.seed(SEED)

    def uuid4() -> uuid.UUID:
        return uuid.UUID(
            bytes=uuid.uuid5(uuid.NAMESPACE_OID, f"{SEED}/{next(numbers)}").bytes, version=4
        )

    uuid.uuid4 = uuid4


def hold_server_still(connection: Any) -> None:
    """Let a connection's statements take place at `NOW`.

    Parameters
    ----------
    connection : datajoint.Connection
        It is not to be connected anew afterwards.
    """
    connection.query(f"SET SESSION timestamp = {NOW.timestamp():.0f}, time_zone = '+00:00'")
