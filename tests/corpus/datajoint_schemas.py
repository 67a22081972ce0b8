"""Declare schemas with DataJoint and fill them; run as a program, since a connection is for life.

    python -m tests.corpus.datajoint_schemas PORT LAB SESSIONS

The last two are the names of the schemas; root's password is in CORPUS_PASSWORD.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import datajoint as dj
import numpy as np


def declare(folder: Path, *names: str) -> None:
    """Make two schemas, one of which refers to the other."""
    lab, sessions = map(dj.schema, names)
    dj.config["stores"] = {"here": {"protocol": "file", "location": str(folder)}}
    dj.config["enable_python_native_blobs"] = True
    chance = np.random.default_rng(3)

    @lab
    class Species(dj.Lookup):  # type: ignore[misc]
        definition = """
        # the species; of a subject
        species: varchar(30)
        ---
        nickname='': varchar(30)
        """
        contents = (("rat; brown", "it's"), ("mouse", ""))

    @lab
    class Subject(dj.Manual):  # type: ignore[misc]
        definition = """
        subject: int auto_increment
        ---
        -> Species
        born=null: date
        kind: enum('a', 'b;c')
        index (born)
        """

    @sessions
    class Session(dj.Manual):  # type: ignore[misc]
        definition = """
        -> Subject
        session: int
        ---
        trace: longblob
        notes=null: varchar(2000)
        at=CURRENT_TIMESTAMP: timestamp
        attached=null: attach
        """

        class Unit(dj.Part):  # type: ignore[misc]
            definition = """
            -> master
            unit: int
            ---
            spikes: blob
            """

    @sessions
    class Mean(dj.Computed):  # type: ignore[misc]
        definition = """
        -> Session
        ---
        mean: double
        """

        def make(self, key: dict[str, Any]) -> None:
            self.insert1({**key, "mean": float((Session() & key).fetch1("trace").mean())})

    attached = folder / "attached;.bin"
    attached.write_bytes(bytes(range(256)))
    Subject.insert(
        [
            {"subject": 1, "species": "rat; brown", "born": None, "kind": "a"},
            {"subject": 7, "species": "mouse", "born": "2020-02-29", "kind": "b;c"},
        ]
    )
    for subject, number in ((1, 1), (1, 2), (7, 1)):
        key = {"subject": subject, "session": number}
        row = {"trace": chance.normal(size=2000), "notes": "-- ;'\\", "attached": str(attached)}
        Session.insert1({**key, **row, "at": "2020-01-01 00:00:00"})
        units = range(3)
        Session.Unit.insert(
            [{**key, "unit": unit, "spikes": {"n": unit, "x": [1, "'"]}} for unit in units]
        )
    Mean.populate()


if __name__ == "__main__":
    dj.config["database.host"] = "127.0.0.1"
    dj.config["database.port"] = int(sys.argv[1])
    dj.config["database.user"] = "root"
    dj.config["database.password"] = os.environ["CORPUS_PASSWORD"]
    dj.config["database.use_tls"] = False  # the default fails with a server that has none
    dj.config["safemode"] = False
    with tempfile.TemporaryDirectory() as name:
        declare(Path(name), *sys.argv[2:])
