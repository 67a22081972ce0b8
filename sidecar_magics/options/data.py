"""Options of verbs that bring data into a server, and out of it: `load`, `dump`, `keep`."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from ..errors import UsageError
from .connecting import CONNECTION, QUIET
from .option import Option, Values, count, minutes, seconds

LOAD = (
    Option(
        "file",
        values=Values.SCRIPTS,
        nargs="?",
        help="The script: a file, plain or compressed (gz, bz2, xz, zst, zip), a pattern, a folder "
        "(mydumper's, or one file a table), an address (https, s3, ...), or - for standard input. "
        "A path is relative to the notebook.",
    ),
    *CONNECTION,
    Option(
        "--database",
        "-D",
        brief="schema to begin in",
        values=Values.SCHEMAS,
        metavar="NAME",
        help="Schema to work in until the script says otherwise; it must exist.",
    ),
    Option(
        "--jobs",
        "-j",
        brief="number of connections",
        values={"1": "strictly in order", "4": "four in parallel", "16": "the most by default"},
        type=count,
        metavar="N",
        help="Connections that work at the same time; 1 is strictly in order. Default: four for "
        "each core, at most 16, as far as the server has room; of those, rows use one more than "
        "there are cores.",
    ),
    Option(
        "--once",
        brief="do nothing if it was loaded before",
        action="store_true",
        help="Skip a script that was loaded before; a record is kept in the server.",
    ),
    Option(
        "--resume",
        brief="continue where a load stopped",
        action="store_true",
        help="Resume an earlier load of the same script where it stopped; skip it if it was "
        "completed with --resume or --once.",
    ),
    Option(
        "--check",
        brief="show what would happen; do not load",
        action="store_true",
        help="Do not load: read script and server, and show what would be created, replaced or "
        "dropped, and what would fail.",
    ),
    Option(
        "--explain",
        brief="show the plan; do not load",
        action="store_true",
        help="Do not load: show how the script would be loaded, without asking the server.",
    ),
    Option(
        "--into",
        brief="load into another schema",
        metavar="SCHEMA",
        help="Load all of it into another schema than its own.",
    ),
    Option(
        "--tables",
        brief="load these tables only",
        values=Values.TABLES,
        action="append",
        default=[],
        metavar="PATTERN",
        help="Load only these tables: `table` or `schema.table`, with * and ?. May be repeated.",
    ),
    Option("--schema-only", brief="load no rows", action="store_true", help="Load no rows."),
    Option(
        "--data-only", brief="load rows only", action="store_true", help="Load nothing but rows."
    ),
    Option(
        "--skip-definer",
        brief="leave DEFINER out",
        action="store_true",
        help="Leave DEFINER out: views, triggers and routines then belong to your account.",
    ),
    Option(
        "--collation-map",
        brief="replace collations",
        values=Values.COLLATIONS,
        metavar="FROM=TO,...",
        help="Collations to replace; `nearest` finds one for each that the server lacks, "
        "for a dump of MySQL 8 on MariaDB, or the other way round.",
    ),
    Option(
        "--system-schemas",
        brief="include mysql, sys, ...",
        action="store_true",
        help="Do not skip what the script does to mysql, sys and their like.",
    ),
    Option(
        "--force",
        brief="continue after refused statements",
        action="store_true",
        help="Continue after a statement that the server refuses; the report lists all of them.",
    ),
    Option(
        "--init",
        brief="SQL for each new connection",
        action="append",
        default=[],
        metavar="SQL",
        help="Statement for each new connection, before anything else. May be repeated.",
    ),
    Option(
        "--rows",
        brief="how rows reach the server",
        values={
            "auto": "LOAD DATA where it is proven and worth while",
            "insert": "as they stand in the script",
            "load-data": "LOAD DATA wherever it is proven",
        },
        choices=("auto", "insert", "load-data"),
        default="auto",
        help="How rows reach the server. `insert`: as they stand in the script. `load-data`: from "
        "memory through LOAD DATA LOCAL, which costs the server half as much, wherever the result "
        "is proven to be the same; an error if the server has local_infile off. Default: `auto`, "
        "in that way where it is worth while and the server takes it.",
    ),
    Option(
        "--binlog",
        brief="keep the binary log",
        action="store_true",
        help="Keep the server's binary log. Default: leave it out on this machine's own server, "
        "if no replica reads it.",
    ),
    Option(
        "--yes-remote",
        brief="allow DROP on another machine",
        action="store_true",
        help="Let a script drop things on a server that is not on this machine.",
    ),
    Option(
        "--allow-local-infile",
        brief="allow LOAD DATA LOCAL INFILE",
        action="store_true",
        help="Let the script use LOAD DATA LOCAL INFILE, which sends files of this machine to the "
        "server.",
    ),
    Option(
        "--allow-outside-source",
        brief="allow scripts outside its folder",
        action="store_true",
        help="Let the script `source` files outside its own folder, and a folder of scripts have "
        "links that lead out of it.",
    ),
    QUIET,
)


DUMP = (
    Option(
        "file",
        values=Values.SCRIPTS,
        nargs="?",
        help="The file to write; .gz, .zst, .xz or .bz2 at its end compresses it. A name that ends "
        "with a slash is a folder, with a file for each table. A path is relative to the notebook.",
    ),
    Option(
        "schemas",
        nargs="*",
        metavar="SCHEMA",
        help="Schemas to dump, with * and ?. Default: all but the server's own, and the journal of "
        "%%mysql_load.",
    ),
    *CONNECTION,
    Option(
        "--tables",
        brief="dump these tables only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="Dump only these tables and views: `table` or `schema.table`, with * and ?; then no "
        "routines and events. May be repeated.",
    ),
    Option(
        "--ignore-table",
        brief="leave out these tables",
        action="append",
        default=[],
        metavar="PATTERN",
        help="Leave out these tables and views: `table` or `schema.table`, with * and ?. May be "
        "repeated.",
    ),
    Option(
        "--schema-only",
        "--no-data",
        "-d",
        brief="dump no rows",
        action="store_true",
        help="Dump no rows.",
    ),
    Option(
        "--data-only",
        "--no-create-info",
        "-t",
        brief="dump rows only",
        action="store_true",
        help="Dump nothing but rows.",
    ),
    Option(
        "--where",
        "-w",
        brief="dump rows that meet a condition",
        metavar="CONDITION",
        help="Dump only rows that meet this condition, in each table.",
    ),
    Option(
        "--keep-definer",
        brief="keep DEFINER",
        action="store_true",
        help="Keep DEFINER. Default: leave it out, so that views, triggers and routines belong to "
        "the account that loads them.",
    ),
    Option(
        "--compress",
        brief="compress the files of a folder",
        values={"zst": "fast", "gz": "every tool reads it", "xz": "small, slow", "bz2": "slow"},
        choices=("zst", "gz", "xz", "bz2"),
        help="How to compress the files of a folder. Default: not at all.",
    ),
    Option(
        "--jobs",
        "-j",
        brief="number of connections",
        values={"1": "one connection", "4": "four in parallel"},
        type=count,
        metavar="N",
        help="Connections that read at the same time, all of one moment. Default: one for each "
        "core, at most 8; one if the account lacks the right RELOAD.",
    ),
    Option(
        "--verify",
        brief="load it into scratch schemas and compare",
        action="store_true",
        help="Before the dump takes its place, load it into scratch schemas of the same server and "
        "compare each table, view and program; a difference is an error. Takes room on the "
        "server, 2.5 times the size of the SQL.",
    ),
    Option(
        "--yes-remote",
        brief="allow --verify on another machine",
        action="store_true",
        help="Let --verify make and drop its scratch schemas on a server that is not on this "
        "machine.",
    ),
    Option(
        "--force",
        "-f",
        brief="dump what the account sees",
        action="store_true",
        help="Dump what the account sees, also where it lacks the rights to see all triggers, "
        "routines, events, views or tables; the report and the heading say what may be missing. "
        "Default: an error, with the GRANTs that it needs.",
    ),
    # Several options of mysqldump are our defaults.
    *(
        Option(*flags, action="store_true", help=argparse.SUPPRESS)
        for flags in (
            ("--single-transaction",),
            ("--hex-blob",),
            ("--routines", "-R"),
            ("--triggers",),
            ("--events", "-E"),
            ("--all-databases", "-A"),
            ("--databases", "-B"),
            ("--opt",),
            ("--quick",),
            ("--extended-insert", "-e"),
            ("--add-drop-table",),
            ("--no-tablespaces", "-y"),
            ("--skip-lock-tables",),
        )
    ),
    QUIET,
)


KEEP = (
    *CONNECTION,
    Option(
        "--now",
        brief="make a snapshot now",
        action="store_true",
        help="Make a snapshot now, if anything has changed; also of a server whose data did not "
        "come from the newest one.",
    ),
    Option(
        "--list",
        brief="show the snapshots",
        action="store_true",
        help="Show the snapshots that there are; do nothing else.",
    ),
    Option(
        "--status",
        brief="show the snapshots and their keeper",
        action="store_true",
        help="Show whether, where and by whom work is kept; do nothing else.",
    ),
    Option(
        "--restore",
        brief="restore this snapshot",
        values=Values.SNAPSHOTS,
        metavar="NAME",
        help="Restore this snapshot, which replaces the schemas that it holds; the server's data "
        "becomes a snapshot first.",
    ),
    Option(
        "--off",
        brief="stop keeping",
        action="store_true",
        help="Stop keeping in this notebook; the snapshots stay.",
    ),
    Option(
        "--every",
        brief="minutes between two looks",
        values={"5": "default", "1": "every minute", "30": "every half hour"},
        type=minutes,
        default=5.0,
        metavar="MINUTES",
        help="Minutes between two looks whether tables have changed. Default: 5.",
    ),
    Option(
        "--last",
        brief="number of snapshots that stay",
        values={"5": "default"},
        type=count,
        default=5,
        metavar="N",
        help="Snapshots that stay; of the seven days before, the last one of each stays, too. "
        "Default: 5.",
    ),
    Option(
        "--folder",
        brief="where snapshots are",
        values=Values.FOLDERS,
        metavar="FOLDER",
        help="Where snapshots are. Default: kept/sidecar in the user's data folder "
        "(~/.local/share/sidecar-magics on Linux).",
    ),
    Option(
        "--at-exit",
        brief="seconds it may take at the end",
        values={"10": "default", "0": "keep nothing then"},
        type=seconds,
        default=10.0,
        metavar="SECONDS",
        help="Seconds that keeping may take when the kernel ends; 0 keeps nothing then. "
        "Default: 10.",
    ),
    Option(
        "--state",
        brief="for containers: how far it is",
        metavar="FILE",
        help="In a terminal, or a container beside the server: wait for the server, keep trying "
        "if it cannot be restored or kept, and write one word into this file: `kept`, `failed`, "
        "`ending` or `ended`.",
    ),
    Option(
        "--yes-remote",
        brief="allow a server on another machine",
        action="store_true",
        help="Keep a server that is not on this machine, and restore it.",
    ),
    Option(
        "--force",
        brief="keep what the account sees",
        action="store_true",
        help="Keep what the account sees, also where it lacks the rights to see all triggers, "
        "routines, events, views or tables; the snapshots say what they may lack, and the newest "
        "complete one stays. Default: an error, with the GRANTs that it needs.",
    ),
    QUIET,
)


def take_names(arguments: argparse.Namespace, unknown: list[str]) -> list[str]:
    """Take schemas after an option, which argparse does not; return the words that are left.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of any verb; those that take schemas have ``schemas``.
    unknown : list of str
        Words that the parser did not take.
    """
    if not hasattr(arguments, "schemas") or any(word.startswith("-") for word in unknown):
        return unknown
    arguments.schemas += unknown
    return []


def loading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of a load, as the fields of `LoadPolicy`."""
    from ..load.policy import LoadPolicy  # noqa: PLC0415

    return {each.name: getattr(arguments, each.name) for each in dataclasses.fields(LoadPolicy)}


def dumping_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of a dump, as the fields of `DumpPolicy`, and `compress`."""
    from ..dump.policy import DumpPolicy  # noqa: PLC0415

    fields = (each.name for each in dataclasses.fields(DumpPolicy))
    chosen = {name: getattr(arguments, name) for name in (*fields, "compress")}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in chosen.items()}


# Actions of a %mysql_keep; without any of them it begins to keep.
KEEP_ACTIONS = ("now", "restore", "off", "status", "list")


def keep_action(arguments: argparse.Namespace) -> str:
    """Return the action that a line of %mysql_keep asks for.

    Raises
    ------
    UsageError
        It asks for two things.
    """
    named = [name for name in KEEP_ACTIONS if getattr(arguments, name) not in (None, False)]
    if len(named) > 1:
        words = " and ".join(f"--{name}" for name in named)
        raise UsageError(f"{words} exclude each other.", hint="write a line for each.")
    if named and arguments.state is not None:
        raise UsageError(
            "--state is for keeping itself.", hint=f"leave out --{named[0]} or --state."
        )
    return named[0] if named else "begin"


def keeping_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of keeping, as the fields of `KeepPolicy`."""
    names = ("folder", "last", "yes_remote", "force")
    given = {name: getattr(arguments, name) for name in names}
    return {**given, "every_s": arguments.every * 60, "at_exit_s": arguments.at_exit}
