"""Scripts that the real tools write: mysqldump and mariadb-dump with their many options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.corpus import bulk
from tests.corpus.case import BOTH, MARIADB, MYSQL, Case
from tests.corpus.workshop import WIDE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.corpus.workshop import Workshop

# A dump that doesn't switch them off itself.
NO_CHECKS = b"SET foreign_key_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO';\n"
CHILD_FIRST = {"mysql": 1824, "mariadb": 1005}

PROGRAMS = ("--routines", "--triggers", "--events")
ALL = (*PROGRAMS, "--databases", *WIDE)
BULK = ("--databases", bulk.SCHEMA)
# With triggers, with rows that refer to each other, and without a key.
SOME = ("numbers", "times", "texts", "no_key", "counted", "tree", "journal", "by_range", "my_isam")
# All but the long tables.
EVERYTHING = (
    "--all-databases",
    *(f"--ignore-table={bulk.SCHEMA}.{table}" for table in bulk.TABLES),
)


@dataclass(frozen=True)
class DumpCase(Case):
    """What the server's own tool writes with these options, below a `head`."""

    options: tuple[str, ...] = ()
    head: bytes = b""

    def write(self, workshop: Workshop) -> Path:
        return workshop.dump(self.name, workshop.source, *self.options, head=self.head)


def _wide(
    *options: str,
    flavours: tuple[str, ...] = BOTH,
    head: bytes = b"",
    errors: Mapping[str, int] | None = None,
) -> DumpCase:
    name = " ".join(["dump", *options, *(["below a head"] if head else [])])
    return DumpCase(name, flavours, errors=errors or {}, options=(*options, *ALL), head=head)


def _some(*options: str, flavours: tuple[str, ...] = BOTH) -> DumpCase:
    """Take a few tables of each kind, for options that treat all tables alike."""
    name = " ".join(["dump", *options])
    return DumpCase(name, flavours, database="corpus_a", options=(*options, "corpus_a", *SOME))


def _bulk(*options: str, first: Case | None = None, head: bytes = b"") -> DumpCase:
    name = " ".join(["dump of much", *options])
    return DumpCase(name, first=first, options=(*options, *BULK), head=head)


def _western(character_set: str) -> DumpCase:
    """Take the tables whose names are the same in all character sets."""
    option = f"--default-character-set={character_set}"
    tables = ("numbers", "times", "western", "no_key", "places", "counted")
    return DumpCase(f"dump {option}", database="other", options=(option, "corpus_a", *tables))


NO_DATA = _wide("--no-data")
NO_DATA_BULK = _bulk("--no-data")

DUMPS: list[Case] = [
    _wide(),
    NO_DATA,
    # The triggers that are there already fire.
    DumpCase(
        "dump --no-create-info into what --no-data made",
        first=NO_DATA,
        options=("--no-create-info", "--skip-triggers", "--databases", *WIDE),
    ),
    DumpCase(
        "dump --no-create-info --replace --complete-insert",
        first=NO_DATA,
        options=(
            *("--no-create-info", "--no-create-db", "--skip-triggers", "--replace"),
            *("--complete-insert", "--databases", *WIDE),
        ),
    ),
    DumpCase("dump --all-databases", spoils_server=True, options=(*EVERYTHING, *PROGRAMS)),
    DumpCase("dump of one schema", database="corpus_a", options=(*PROGRAMS, "corpus_a")),
    DumpCase("dump of one schema into another", database="other", options=("corpus_bulk", "loose")),
    _wide("--hex-blob"),
    _some("--skip-extended-insert"),
    _some("--complete-insert"),
    _some("--skip-tz-utc"),
    _wide("--skip-opt"),
    _some("--skip-opt", "--create-options"),
    _wide("--compact", head=NO_CHECKS),
    _wide("--compact", errors=CHILD_FIRST),
    # The tool leaves out AUTO_INCREMENT.
    _wide(
        *("--compatible=ansi", "--default-character-set=utf8mb4"),
        errors={"mysql": 1075, "mariadb": 1075},
    ),
    DumpCase(
        "dump of much --compatible=ansi",
        database="other",
        options=("--compatible=ansi", bulk.SCHEMA, "loose", "parent"),
    ),
    _wide("--no-autocommit"),
    _some("--order-by-primary"),
    _wide("--replace"),
    _some("--insert-ignore"),
    _western("latin1"),
    _western("binary"),
    _some("--skip-set-charset"),
    _some("--net-buffer-length=4096"),
    _wide("--add-drop-database"),
    # The tool doesn't quote the names of triggers.
    _wide("--add-drop-trigger", errors={"mysql": 1064, "mariadb": 1064}),
    _some("--skip-add-drop-table"),
    _some("--skip-add-locks"),
    _some("--skip-disable-keys"),
    _some("--skip-comments"),
    _some("--single-transaction", "--flush-privileges", "--skip-dump-date"),
    _some("--set-gtid-purged=OFF", flavours=MYSQL),
    _wide("--column-statistics", flavours=MYSQL),
    _wide("--dump-history", flavours=MARIADB),
    DumpCase(
        "dump --system=all --insert-ignore",
        MARIADB,
        spoils_server=True,
        options=("--system=all", "--insert-ignore", *ALL),
    ),
    _bulk(),
    NO_DATA_BULK,
    _bulk("--no-create-info", first=NO_DATA_BULK),
    _bulk("--hex-blob"),
    _bulk("--no-autocommit"),
    _bulk("--net-buffer-length=16384", "--replace"),
    _bulk("--skip-quote-names", "--compact", head=NO_CHECKS),
]
