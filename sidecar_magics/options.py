"""The options of each verb, written once: the magics and the command line are made from them."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import math
from typing import TYPE_CHECKING, Any

from .errors import SettingsError, UsageError
from .local.wish import BACKENDS
from .settings import FIELDS, TLS_MODES, TUTORIAL_PASSWORD, password_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def port_number(text: str) -> int:
    """Parse a TCP port, for argparse."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 65535")
    return int(digits)


def port_or_any(text: str) -> int:
    """Parse a TCP port, or 0 for any that is free, for argparse."""
    return 0 if text == "0" else port_number(text)


def line_count(text: str) -> int:
    """Parse a number of lines, for argparse."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**7):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def count(text: str) -> int:
    """Parse a number from 1 on, for argparse."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 999")
    return int(text)


def seconds(text: str) -> float:
    """Parse a number of seconds, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def minutes(text: str) -> float:
    """Parse a number of minutes, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes")
    return value


class _NoPassword(argparse.Action):
    """Refuse a password on the line, without repeating it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        parser.error(
            "a password has no place on a line that is saved; put it into an environment variable "
            "and name that with --password-env"
        )


class Values(enum.Enum):
    """Kinds of value that completion looks for where the code runs."""

    SCRIPTS = "files and folders that `load` takes"
    FOLDERS = "folders"
    CERTIFICATES = "files of certificates"
    CONFIGURATIONS = "DataJoint's configuration files"
    VARIABLES = "names of environment variables"
    SCHEMAS = "schemas that the script names"
    TABLES = "tables that the script names"
    COLLATIONS = "pairs of collations"
    SNAPSHOTS = "names of kept snapshots"


class Option:
    """One option or argument, in argparse's terms.

    Parameters
    ----------
    *flags : str
        ``--long``, ``-s``, or the name of a positional argument.
    brief : str, default ""
        What it is for, in a few words: completion shows it beside the option. Without one the
        option is not offered.
    values : Values or dict of str to str, optional
        What completion offers as its value, each with a few words.
    **keywords
        As for `argparse.ArgumentParser.add_argument`.
    """

    def __init__(
        self,
        *flags: str,
        brief: str = "",
        values: Values | Mapping[str, str] | None = None,
        **keywords: Any,
    ) -> None:
        self.flags = flags
        self.brief = brief
        self.values = {} if values is None else values
        self.keywords = keywords

    @property
    def takes_value(self) -> bool:
        """Whether a value follows it, or may follow."""
        return self.flags[0].startswith("-") and self.keywords.get("action") != "store_true"

    @property
    def is_repeatable(self) -> bool:
        """Whether a line may have it several times."""
        return self.keywords.get("action") == "append"

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Add the option to a parser."""
        parser.add_argument(*self.flags, **self.keywords)


CONNECTION = (
    Option(
        "--host",
        brief="name or address of the server",
        values={"127.0.0.1": "this machine, over TCP"},
        help="Name or address of the server. Default: 127.0.0.1.",
    ),
    Option(
        "--port",
        "-P",
        brief="TCP port of the server",
        values={"3306": "default"},
        type=port_number,
        help="TCP port of the server. Default: 3306.",
    ),
    Option(
        "--user",
        "-u",
        brief="account to log in with",
        values={"root": "default"},
        help="Account to log in with. Default: root.",
    ),
    Option(
        "--password-env",
        brief="environment variable with the password",
        values=Values.VARIABLES,
        metavar="VARIABLE",
        help="Environment variable that holds the password; a password itself has no place on a "
        "line that is saved. Default: what the settings say, at last the tutorial's.",
    ),
    Option(
        "--tls",
        brief="encrypt the connection",
        values={"auto": "where the server can", "required": "refuse a server that cannot"},
        choices=TLS_MODES,
        help="auto: encrypt where the server can (default); required: refuse a server that cannot.",
    ),
    Option("--password", "-p", nargs="?", action=_NoPassword, help=argparse.SUPPRESS),
    Option(
        "--ca",
        brief="check the server's certificate",
        values=Values.CERTIFICATES,
        metavar="FILE",
        help="Check the server's certificate against this authority.",
    ),
)

QUIET = Option(
    "--quiet",
    "-q",
    brief="show nothing but errors",
    action="store_true",
    help="Show nothing but errors.",
)

WAIT = (
    *CONNECTION,
    Option(
        "--timeout",
        "-t",
        brief="seconds to wait at most",
        values={"0": "try once", "120": "default", "600": "ten minutes"},
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="Seconds to wait at most. Default: 120; 0 tries once.",
    ),
    Option(
        "--show",
        brief="show the settings, do nothing else",
        action="store_true",
        help="Do not wait: show each setting and where it came from, without the password.",
    ),
    QUIET,
)

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
    # What mysqldump has as options is done anyway.
    *(
        Option(*flags, action="store_true", help=argparse.SUPPRESS)
        for flags in (
            ("--single-transaction",),
            ("--hex-blob",),
            ("--routines", "-R"),
            ("--triggers",),
            ("--events", "-E"),
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
        brief="show what is kept, and by whom",
        action="store_true",
        help="Show whether, where and by whom work is kept; do nothing else.",
    ),
    Option(
        "--restore",
        brief="restore this snapshot",
        values=Values.SNAPSHOTS,
        metavar="NAME",
        help="Restore this snapshot, in the place of the schemas that it holds; what the server "
        "has becomes a snapshot first.",
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
        help="In a terminal, or a container beside the server: wait for the server, go on trying "
        "if it cannot be restored or kept, and write one word into this file: `kept`, `failed`, "
        "`ending` or `ended`.",
    ),
    Option(
        "--yes-remote",
        brief="allow a server on another machine",
        action="store_true",
        help="Keep a server that is not on this machine, and restore it.",
    ),
    QUIET,
)

CONNECT = (
    *CONNECTION,
    Option(
        "--config",
        brief="DataJoint's configuration file",
        values=Values.CONFIGURATIONS,
        metavar="FILE",
        help="Configuration file of DataJoint, of either line: its other settings (stores, ...) "
        "are set as well, and what it says about the server ranks after the environment and "
        "%%mysql_wait.",
    ),
    Option(
        "--wait",
        "-w",
        brief="wait for the server first",
        values={"120": "default", "600": "ten minutes"},
        nargs="?",
        type=seconds,
        const=120.0,
        metavar="SECONDS",
        help="Wait for the server first, as %%mysql_wait does; at most 120 seconds if none given.",
    ),
    Option(
        "--spyglass",
        brief="prepare Spyglass; its base folder",
        values=Values.FOLDERS,
        nargs="?",
        const="",
        metavar="BASE_DIR",
        help="Prepare Spyglass, before it is imported: its base folder and those below it, "
        "DataJoint's stores, files in tables. The folder may be relative; without one it is what "
        "DataJoint's configuration or SPYGLASS_BASE_DIR names, also if the tutorial was moved.",
    ),
    Option(
        "--save",
        brief="write the configuration file",
        action="store_true",
        help="Write what was set into the file of --config, or else dj_local_conf.json, for you "
        "only (0600) and without the password; the earlier version is kept as .bak.",
    ),
    Option(
        "--reset",
        brief="make a new connection",
        action="store_true",
        help="Make a new connection even if one is alive.",
    ),
    Option(
        "--assign",
        "-a",
        brief="variable for the connection",
        values={"conn": "as DataJoint's documentation names it"},
        metavar="NAME",
        help="Variable that gets DataJoint's connection.",
    ),
    Option(
        "--show",
        brief="show the settings, do nothing else",
        action="store_true",
        help="Do not connect: show each setting and where it came from, without the password.",
    ),
    QUIET,
)

DOCTOR = CONNECTION

CONVERT = (
    Option("notebooks", nargs="+", metavar="NOTEBOOK", help="Notebooks (.ipynb) to convert."),
    Option(
        "--write",
        action="store_true",
        help="Write each converted notebook in place, and keep the original as .bak. "
        "Default: only show what would be changed.",
    ),
    Option(
        "--output", "-o", metavar="FILE", help="Write the converted notebook there; for one only."
    ),
)

UP = (
    Option(
        "--backend",
        brief="what runs the server",
        values=BACKENDS,
        choices=tuple(BACKENDS),
        default="auto",
        help="What runs the server: a container of docker or podman, with the image, settings and "
        "limits of compose.yaml; native, a process of yours, which needs neither; auto (default): "
        "what answers already, else what the data are with, else docker or podman if it works "
        "here, else native.",
    ),
    Option(
        "--port",
        "-P",
        brief="TCP port of the server",
        values={"3306": "default, or the next free one", "0": "any"},
        type=port_or_any,
        help="TCP port; 0 is any that is free. Default: 3306, or the next free one if it is taken.",
    ),
    Option(
        "--flavour",
        brief="kind of server",
        values={"mysql": "default", "mariadb": "native only"},
        choices=("mysql", "mariadb"),
        help="Kind of server. Default: MySQL; native, MariaDB if only that can be had.",
    ),
    Option(
        "--password-env",
        brief="environment variable with the password",
        values=Values.VARIABLES,
        metavar="VARIABLE",
        help="Environment variable that holds root's password. Default: the one that the data had "
        "last, at first a random one; notebooks find it by themselves, `status` shows how other "
        "programs do. A container that `up` did not make keeps its own: name that here, if it is "
        "not the one that the container was made with.",
    ),
    Option("--password", "-p", nargs="?", action=_NoPassword, help=argparse.SUPPRESS),
    Option(
        "--tutorial-password",
        brief="give root the tutorial's password",
        action="store_true",
        help="Give root the password `tutorial`, for notebooks that have it written down; then "
        "every account of this machine can log in.",
    ),
    Option(
        "--ephemeral",
        brief="delete the data at `down`",
        action="store_true",
        help="Delete the data at `down`.",
    ),
    Option(
        "--container",
        brief="use this container",
        values={"spyglass-db": "as Spyglass's users name it"},
        metavar="NAME",
        help="Use this container of docker or podman, and start it if it is stopped. Default: the "
        "one that `up` made, else spyglass-db, else the only one of datajoint/mysql, else a new "
        "one.",
    ),
    Option(
        "--timeout",
        brief="seconds to wait at most",
        values={"120": "default", "600": "ten minutes"},
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="Seconds to wait for the server at most, without downloads. Default: 120.",
    ),
    QUIET,
)

DOWN = (
    Option(
        "--delete-data",
        action="store_true",
        help="Remove the data as well, for good; asks first.",
    ),
    Option(
        "--yes",
        action="store_true",
        help="With --delete-data: do not ask.",
    ),
)

STATUS = (
    Option(
        "--json",
        action="store_true",
        help="Print it as JSON, for programs; without the password.",
    ),
)

LOGS = (
    Option(
        "--lines",
        "-n",
        type=line_count,
        default=100,
        metavar="N",
        help="Show the last N lines. Default: 100.",
    ),
    Option(
        "--follow",
        "-f",
        action="store_true",
        help="Keep showing new lines, until the server ends, or Ctrl-C.",
    ),
)


def starting_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `up`, as `lifecycle.up` takes them.

    Raises
    ------
    SettingsError
        There is no such variable, or two passwords are named.
    """
    names = ("backend", "port", "flavour", "ephemeral", "container")
    given = {name: getattr(arguments, name) for name in names}
    return {**given, "password": _password_to_give(arguments), "timeout_s": arguments.timeout}


def _password_to_give(arguments: argparse.Namespace) -> str | None:
    """Return the password that `up` is to give to root; None for one that nobody knows."""
    if arguments.password_env is None:
        return TUTORIAL_PASSWORD.reveal() if arguments.tutorial_password else None
    if arguments.tutorial_password:
        raise SettingsError("--tutorial-password and --password-env exclude each other.")
    return password_in(arguments.password_env).reveal()


def take_names(arguments: argparse.Namespace, unknown: list[str]) -> list[str]:
    """Take schemas that stand after an option, which argparse does not; return what is left.

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


def connection_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say where the server is, for `settings.resolve`."""
    names = {*FIELDS, "password_env"} - {"password"}
    return {name: value for name, value in vars(arguments).items() if name in names}


def loading_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say how to load, as the fields of `LoadPolicy`."""
    from .load.policy import LoadPolicy  # noqa: PLC0415

    return {each.name: getattr(arguments, each.name) for each in dataclasses.fields(LoadPolicy)}


def dumping_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that say what to dump, as the fields of `DumpPolicy`, and `compress`."""
    from .dump.policy import DumpPolicy  # noqa: PLC0415

    fields = (each.name for each in dataclasses.fields(DumpPolicy))
    chosen = {name: getattr(arguments, name) for name in (*fields, "compress")}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in chosen.items()}


# What a line of %mysql_keep may ask for; without any of them it begins to keep.
KEEP_ACTIONS = ("now", "restore", "off", "status", "list")


def keep_action(arguments: argparse.Namespace) -> str:
    """Return what a line of %mysql_keep asks for.

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
    """Return the options that say how to keep, as the fields of `KeepPolicy`."""
    names = ("folder", "last", "yes_remote")
    given = {name: getattr(arguments, name) for name in names}
    return {**given, "every_s": arguments.every * 60, "at_exit_s": arguments.at_exit}


def magic_arguments(
    verb: tuple[Option, ...],
) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator that gives a magic the options of `verb`, and its help text."""
    from IPython.core import magic_arguments as ipython  # noqa: PLC0415

    def decorate(function: Callable[..., Any]) -> Any:
        # Decorators are applied from the last to the first.
        for option in reversed(verb):
            function = ipython.argument(*option.flags, **option.keywords)(function)
        decorated: Any = ipython.magic_arguments()(function)
        # `--password` must not be taken for the beginning of `--password-env`.
        decorated.parser.allow_abbrev = False
        return decorated

    return decorate
