"""Scripts of makers that need more than a command line: DataJoint, and phpMyAdmin's way."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.corpus import bulk
from tests.corpus.case import Case

if TYPE_CHECKING:
    from tests.corpus.workshop import Workshop

DATAJOINT_SCHEMAS = ("corpus_dj_lab", "corpus_dj_session")
PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class DataJointCase(Case):
    """A dump of schemas that DataJoint declares: the way in which Spyglass's users share theirs."""

    options: tuple[str, ...] = ()

    def write(self, workshop: Workshop) -> Path:
        workshop.reset()
        server = workshop.target
        program = (sys.executable, "-m", "tests.corpus.datajoint_schemas")
        done = subprocess.run(
            [*program, str(server.port), *DATAJOINT_SCHEMAS],
            cwd=PROJECT,
            env={**os.environ, "CORPUS_PASSWORD": server.password},
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return workshop.dump(self.name, server, *self.options, "--databases", *DATAJOINT_SCHEMAS)


@dataclass(frozen=True)
class PhpMyAdminCase(Case):
    """A lot of data in phpMyAdmin's style: keys and constraints come after the rows."""

    def write(self, workshop: Workshop) -> Path:
        rows = workshop.dump(
            f"{self.name} rows",
            workshop.source,
            *("--no-create-info", "--skip-add-locks", "--skip-disable-keys", "--compact"),
            bulk.SCHEMA,
        )
        path = workshop.path(self.name)
        with path.open("wb") as script:
            script.write(
                b'SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";\nSTART TRANSACTION;\n'
                b"/*!40101 SET NAMES utf8mb4 */;\n"
                b"CREATE DATABASE php; USE php;\n"
            )
            for name, table in bulk.TABLES.items():
                columns = table.columns.replace(" AUTO_INCREMENT", "")
                script.write(f"CREATE TABLE `{name}` (\n{columns}\n) ENGINE=InnoDB;\n".encode())
            script.write(rows.read_bytes())
            for name, table in bulk.TABLES.items():
                keys = ",\n".join(f"  ADD {key}" for key in table.keys)
                script.write(f"ALTER TABLE `{name}`\n{keys};\n".encode())
            script.write(
                b"ALTER TABLE `child`\n  MODIFY `id` int NOT NULL AUTO_INCREMENT,"
                b" AUTO_INCREMENT=50001;\n"
                b"ALTER TABLE `child`\n  ADD CONSTRAINT `c1` FOREIGN KEY (`parent`)"
                b" REFERENCES `parent` (`id`) ON DELETE CASCADE;\nCOMMIT;\n"
            )
        return path


OTHERS: list[Case] = [
    DataJointCase("DataJoint"),
    DataJointCase("DataJoint --hex-blob", options=("--hex-blob", "--routines", "--triggers")),
    PhpMyAdminCase("phpMyAdmin with much data"),
]
