"""Folders that mydumper writes: a file for each table, or several, and one for each definition."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tests.benchmarks.peers import MyDumper
from tests.corpus import bulk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.corpus.workshop import Workshop

PROGRAMS = ("--triggers", "--routines", "--events")


@dataclass(frozen=True)
class FolderCase:
    """What mydumper writes for one schema with these options, for all tables but one."""

    name: str
    schema: str
    options: tuple[str, ...] = ()
    left_out: str = "no table"

    def write(self, workshop: Workshop) -> Path:
        """Return the folder, written when first asked for."""
        folder = workshop.path(self.name, "")
        if folder.exists():
            return folder
        mydumper = _mydumper()
        command = mydumper.dumper.command(
            *mydumper._login(workshop.source),
            *("--database", self.schema, "--outputdir", str(folder)),
            *self.options,
        )
        environment = {**os.environ, "MARIADB_PLUGIN_DIR": mydumper._plugins}
        done = subprocess.run(
            command, env=environment, capture_output=True, timeout=60, check=False
        )
        # Its code counts warnings too; what it renames last tells whether it is complete.
        assert (folder / "metadata").exists(), done.stderr
        return folder


@lru_cache(maxsize=1)
def _mydumper() -> MyDumper:
    return MyDumper(None, lambda line: None)


FOLDERS = [
    FolderCase("mydumper", "corpus_folder", PROGRAMS),
    FolderCase("mydumper --compress", "corpus_folder", ("--compress", *PROGRAMS)),
    FolderCase("mydumper --less-locking", "corpus_folder", ("--less-locking", *PROGRAMS)),
    FolderCase("mydumper of much", bulk.SCHEMA),
    FolderCase("mydumper --statement-size", bulk.SCHEMA, ("--statement-size", "100000")),
    # Not the table without a primary key: it would be cut by another key, and come in its order.
    FolderCase(
        "mydumper --rows",
        bulk.SCHEMA,
        ("--rows", "5000", "--regex", rf"^{bulk.SCHEMA}\.(?!loose$)"),
        left_out="loose",
    ),
    FolderCase("mydumper --chunk-filesize", bulk.SCHEMA, ("--chunk-filesize", "1")),
]
