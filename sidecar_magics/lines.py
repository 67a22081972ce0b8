"""Parse a magic's line, and explain a mistake by what was probably meant.

A message repeats nothing of a line that may be a password: only words of options, and paths that
exist.

Errors are exceptions with ``_render_traceback_``: real error outputs, at which nbclient and
papermill stop, without a traceback. IPython's own `UsageError` gives none (papermill 2.5 then exits
with 0), so ours is raised here, and IPython sees an empty line below a bare ``%%mysql_load``.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import glob
import os
import re
import shlex
from typing import TYPE_CHECKING

from .errors import UsageError
from .options import take_names

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = {"-h", "-?", "?", "--help", "-help", "--usage"}
_DASHES = re.compile("[\u2010-\u2015\u2212]+(?=[a-z])")  # what word processors make of `--`
_SQL = re.compile(
    r"(?:ALTER|BEGIN|CALL|CREATE|DELETE|DESCRIBE|DROP|EXPLAIN|GRANT|INSERT|RENAME|REPLACE|SELECT|SET"
    r"|SHOW|START|TRUNCATE|UPDATE|USE|WITH(?=.*\bAS\b))\s",
    re.IGNORECASE,
)
_CELL = re.compile(r"%%mysql_load(?:\s|\Z)")
# An address, perhaps with an account and a password before it.
_ADDRESS = re.compile(
    r"(?:[a-z+]+://)?(?:(?P<account>[^@/\s]*)@)?(?P<host>[\w-]+(?:\.[\w-]+)+|localhost)"
    r"(?::(?P<port>[0-9]{1,5}))?(?:/.*)?",
    re.IGNORECASE,
)
_SERVER = re.compile(r"(?:mysql|mariadb)(?:\+\w+)?://", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?s?")
# The option that a bare number is meant for.
_SECONDS = {"mysql_wait": "--timeout", "mysql_up": "--timeout", "datajoint_connect": "--wait"}


def split_line(line: str) -> list[str]:
    """Split a magic's line into words, as a shell does with quotes.

    On Windows a backslash is part of a path and escapes nothing.

    Raises
    ------
    ValueError
        A quote is not closed.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if os.name == "nt":
        lexer.escape = ""
    return list(lexer)


def give_a_body(lines: list[str]) -> list[str]:
    """Add an empty line to a cell that has nothing below ``%%mysql_load``, for IPython.

    Without it IPython would refuse the cell itself, with an error of the kind that leaves none in
    the notebook.
    """
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    rest = lines[first + 1 :]
    if first < len(lines) and _CELL.match(lines[first]) and not "".join(rest).strip():
        return [*lines[:first], lines[first].rstrip("\n") + "\n", "\n"]
    return lines


# IPython asks without this whether a cell is complete: in a terminal the body is still to come.
give_a_body.has_side_effects = True  # type: ignore[attr-defined]


def refuse_late_cells(lines: list[str]) -> list[str]:
    """Refuse a cell in which something stands above ``%%mysql_load``; IPython has a SyntaxError.

    Raises
    ------
    UsageError
        The line would be code: what is above it is complete, so it stands in no text.
    """
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    late = next((n for n, line in enumerate(lines) if n > first and _CELL.match(line)), None)
    if late is None or lines[first].startswith("%%") or not _is_complete("".join(lines[:late])):
        return lines
    raise UsageError(
        f"%%mysql_load is in line {late + 1} of its cell, and has to be the first line.",
        hint="move what is above it into a cell of its own; a comment of SQL can stand below it.",
    )


def _is_complete(code: str) -> bool:
    """Return whether code of a cell, with its magics, can end here."""
    from IPython.core.inputtransformer2 import TransformerManager  # noqa: PLC0415

    try:
        ast.parse(TransformerManager().transform_cell(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


refuse_late_cells.has_side_effects = True  # type: ignore[attr-defined]


def parse(parser: argparse.ArgumentParser, magic: str, line: str) -> argparse.Namespace:
    """Parse the line of a magic with the parser that `options.magic_arguments` gave it.

    Raises
    ------
    UsageError
        The line does not fit the options. IPython's own error of this name would leave no error
        in the notebook, so that papermill continues as if nothing had happened.
    """
    from IPython.core.error import UsageError as IPythonUsageError  # noqa: PLC0415

    try:
        words = split_line(line)
    except ValueError:
        raise UsageError(
            f"%{magic}: a quote is not closed.",
            hint='put a path with an apostrophe in double quotes: "it\'s.sql".',
        ) from None
    if line.rstrip().endswith(";") and not _exists(words[-1]) and not _SQL.match(line.lstrip()):
        raise UsageError(
            f"%{magic}: a `;` is at the end of the line.",
            hint="remove it; --quiet shows nothing but errors.",
        )
    _check_for_variables(magic, words)
    try:
        arguments, unknown = parser.parse_known_args(words)
        unknown = take_names(arguments, unknown)
    except IPythonUsageError as error:
        _check_for_habits(magic, words)
        hint = _plain_number(str(error)) or f"%{magic}? shows its options."
        raise UsageError(f"%{magic}: {error}.", hint=hint) from None
    file = getattr(arguments, "file", None)
    if unknown:
        _check_for_habits(magic, words)
        raise _unknown(parser, magic, line, [file, *unknown] if file is not None else unknown)
    if file is not None and not _exists(file):
        _check_for_habits(magic, [file])
        if _SERVER.match(file):
            raise UsageError(
                f"%{magic} takes a file, and this is a server's address.", hint=_of_address(file)
            )
        if _SQL.match(file):
            raise _sql_on_the_line(magic)
    return arguments


def check_load(arguments: argparse.Namespace, cell: str | None) -> None:
    """Check that %mysql_load has a file, or %%mysql_load a cell, and never both.

    Raises
    ------
    UsageError
        It has not.
    """
    if cell is not None and not cell.strip():
        name = "FILE" if arguments.file is None else shlex.quote(arguments.file)
        raise UsageError(
            "%%mysql_load has no SQL below it.", hint=f"write %mysql_load {name} (one %)."
        )
    if arguments.file is None and cell is None:
        raise UsageError(
            "%mysql_load takes a file, %%mysql_load a cell of SQL.",
            hint="name the file: %mysql_load dump.sql",
        )
    if arguments.file is not None and cell is not None:
        is_schema = arguments.file.isidentifier() and not _exists(arguments.file)
        raise UsageError(
            "%%mysql_load takes a file or the SQL below it, not both.",
            hint=f"did you mean --database {arguments.file}?"
            if is_schema
            else "move one of them to a cell of its own.",
        )
    for option in ("database", "into"):
        name = getattr(arguments, option)
        if name == "":
            raise UsageError(f"--{option} is empty.", hint="name a schema, or leave it out.")
        if name and name[0] == name[-1] == "`":
            raise UsageError(
                f"--{option}: a name here has no backticks.", hint=f"write --{option} {name[1:-1]}."
            )
    if arguments.file == "-":
        raise UsageError(
            "%mysql_load: a notebook has no standard input.",
            hint="name a file, or write the SQL into a cell below %%mysql_load.",
        )


def check_command(file: str) -> None:
    """Check that ``sidecar-magics load`` is given a file, and neither SQL nor a server's address.

    Raises
    ------
    UsageError
        It is not.
    """
    if _exists(file):
        return
    if _SQL.match(file):
        raise UsageError(
            "load takes a file, and this looks like SQL.",
            hint="send it to standard input: echo 'SELECT 1' | sidecar-magics load -",
        )
    if _SERVER.match(file):
        raise UsageError(
            "load takes a file, and this is a server's address.", hint=_of_address(file)
        )


def check_dump(arguments: argparse.Namespace) -> None:
    """Check that a dump has a file to go into.

    Raises
    ------
    UsageError
        It has not.
    """
    if arguments.file in (None, "", "-"):
        raise UsageError(
            "A dump is written to a file, not to standard output."
            if arguments.file == "-"
            else "A dump goes into a file, which is not named.",
            hint="name it, and then the schemas: dump.sql.gz my_schema",
        )


# Options of other programs for the arguments that our magics take without an option.
_SCHEMA_OPTIONS = {"--schema", "--schemas", "--database", "-D"}

# What people call an option; the first of them that a verb has is meant.
_CALLED = {
    "--continue": ("--force",),
    "--db": ("--database",),
    "--dry-run": ("--check",),
    "--hostname": ("--host",),
    "--parallel": ("--jobs",),
    "--passwd": ("--password-env",),
    "--pwd": ("--password-env",),
    "--schema": ("--database",),
    "--ssl": ("--tls",),
    "--ssl-ca": ("--ca",),
    "--ssl-mode": ("--tls",),
    "--threads": ("--jobs",),
    "--timeout": ("--wait",),
    "--username": ("--user",),
    "--wait": ("--timeout",),
    "--workers": ("--jobs",),
}


def misspelt(parser: argparse.ArgumentParser, unknown: Sequence[str]) -> str:
    """Suggest the known option that is most like the first unknown one.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Knows the options.
    unknown : sequence of str
        Words that the parser did not take.

    Returns
    -------
    str
        The question; empty if no option is like it.
    """
    known = _long_options(parser)
    flag = _flag(unknown[0])
    wanted = "--" + flag.strip("-").lower().replace("_", "-")
    called = [option for option in _CALLED.get(wanted, ()) if option in known]
    if called:
        return f"did you mean {called[0]}?"
    begin = [option for option in known if option.startswith(wanted)]
    # Without their hyphens: all options are alike in those.
    names = [option.lstrip("-") for option in known]
    near = begin[:1] or difflib.get_close_matches(wanted.lstrip("-"), names, n=1)
    return f"did you mean --{near[0].lstrip('-')}?" if near else ""


def _flag(word: str) -> str:
    """Return an option without its value, which may be a password."""
    return word.partition("=")[0]


def _long_options(parser: argparse.ArgumentParser) -> list[str]:
    return [
        name
        for action in parser._actions
        if action.help is not argparse.SUPPRESS
        for name in action.option_strings
        if name.startswith("--")
    ]


# What people write out of habit ------------------------------------------------------------------


def _check_for_habits(magic: str, words: list[str]) -> None:
    """Raise the error for a line that would be right in Python, in a shell or on paper."""
    for word, following in zip(words, [*words[1:], ""]):
        if word in _HELP and not (word == "-h" and following and not following.startswith("-")):
            raise UsageError(f"%{magic} has no option {word}.", hint=f"write %{magic}? for help.")
        if word == "-h":
            raise UsageError(f"%{magic} has no option -h.", hint="did you mean --host?")
        if _DASHES.match(word):
            plain = _DASHES.sub("--", _flag(word))
            raise UsageError(
                f"%{magic}: an option begins with two hyphens, and here is a dash.",
                hint=f"write {plain}.",
            )
        if (word == "--" and following) or (word.startswith("#") and not _exists(word)):
            raise UsageError(
                f"%{magic} takes no comment on its line.", hint="move it to a line of its own."
            )
        is_end = word.endswith(";") and following and not _SQL.match(" ".join(words) + " ")
        if is_end and not _exists(word):
            raise UsageError(
                f"%{magic}: a `;` is on the line.",
                hint="remove it, and move what follows to a line of its own.",
            )
        if word[:1] in ("<", ">", "|") or word in ("&&", "&", "2>", "2>&1"):
            raise UsageError(f"%{magic} is not a shell.", hint=_instead_of(word, magic))


def _instead_of(word: str, magic: str) -> str:
    if word.startswith("<") and magic == "mysql_load":
        return "write the file's name without `<`: %mysql_load FILE."
    return "remove the shell's words; a magic returns its result: report = %" + magic + " ..."


# IPython's form of a Python variable, where it has found one of that name.
_BRACES = re.compile(r"\{([A-Za-z_][\w.]*(?:\[[^\]{}]*\])?)\}")


def _check_for_variables(magic: str, words: list[str]) -> None:
    """Raise what a line has in braces: IPython leaves them where it finds no such variable."""
    for word in words:
        found = _BRACES.search(word)
        if found and not _exists(word):
            raise UsageError(
                f"%{magic}: {found[0]} stands for a Python variable, and was not replaced.",
                hint=f"check that {found[1]} is defined above; write other braces on the line "
                "twice: {{ and }}.",
            )


_NOT_SECONDS = re.compile(r"'([0-9.]+) ?(s|sec|m|min|h)\w*' is not a number of (seconds|minutes)\Z")
_IN_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}


def _plain_number(error: str) -> str:
    """Return the number to write for a time with a unit; empty if it is no such mistake."""
    found = _NOT_SECONDS.search(error)
    if found is None or found[1].count(".") > 1 or not found[1].strip("."):
        return ""
    value = float(found[1]) * _IN_SECONDS[found[2]] / (60 if found[3] == "minutes" else 1)
    return f"write the number alone: {value:g} ({found[3]})."


# More words than there are arguments -------------------------------------------------------------


def _unknown(
    parser: argparse.ArgumentParser, magic: str, line: str, given: list[str]
) -> UsageError:
    """Return the error for words that are no arguments; an option is named without its value."""
    flags = [word for word in given if word.startswith("-") and word != "-"]
    if flags and magic == "mysql_dump" and _flag(flags[0]) in _SCHEMA_OPTIONS:
        return UsageError(
            f"%{magic} has no option {_flag(flags[0])}.",
            hint="name the schemas after the file: %mysql_dump dump.sql.gz my_schema",
        )
    if flags:
        return UsageError(
            f"%{magic} has no option {_flag(flags[0])}.",
            hint=misspelt(parser, flags) or f"%{magic}? shows its options.",
        )
    path = _path_in(line, given)
    if magic == "mysql_load" and not path and _SQL.match(" ".join(given) + " "):
        return _sql_on_the_line(magic)
    options = _long_options(parser)
    for word in given:
        name = "--" + _flag(word).lower().replace("_", "-")
        if name in options and not _exists(word):
            return UsageError(f"%{magic}: an option has no hyphens.", hint=f"did you mean {name}?")
    if magic != "mysql_load":
        return UsageError(f"%{magic} takes options only.", hint=options_for(magic, given))
    return UsageError(
        f"%mysql_load takes one file, and here are {len(given)} words.",
        hint=_quoted(path, line, given),
    )


def options_for(magic: str, given: list[str]) -> str:
    """Return the options that words are meant for; of the words only an address is repeated.

    Parameters
    ----------
    magic : str
        A magic that takes nothing but options.
    given : list of str
        The words.
    """
    seconds = _SECONDS.get(magic)
    if seconds and _NUMBER.fullmatch(given[0]):
        return f"did you mean {seconds} {given[0].rstrip('s')}?"
    if len(given) == 1 and _ADDRESS.fullmatch(given[0]):
        return _of_address(given[0])
    return (
        "name what you give: --host NAME, --user NAME; a password only in a variable of the "
        f"environment, --password-env VARIABLE; %{magic}? shows its options."
    )


def _of_address(word: str) -> str:
    """Return the options for a server's address, without the account's name and password."""
    found = _ADDRESS.fullmatch(word)
    if found is None:
        return "name the server with --host NAME --port NUMBER --user NAME."
    port = f" --port {found['port']}" if found["port"] else ""
    user = ""
    if found["account"]:
        user = " --user NAME"
        if ":" in found["account"]:
            user += " --password-env VARIABLE"
    return f"did you mean --host {found['host']}{port}{user}?"


def _path_in(line: str, given: list[str]) -> str:
    """Return the path that is there if several of a line's words are one; empty if none is."""
    for length in range(len(given), 1, -1):
        for start in range(len(given) - length + 1):
            words = given[start : start + length]
            found = re.search(r"\s+".join(map(re.escape, words)), line)
            path = found[0] if found else " ".join(words)
            if _exists(path):
                return path
    return ""


def _quoted(path: str, line: str, given: list[str]) -> str:
    """Return the hint for several words instead of one path: mostly, to quote them."""
    if path:
        return f"put a path with spaces in quotes: %mysql_load {shlex.quote(path)}"
    if len(given) == 2 and _exists(given[0]) and given[1].isidentifier():
        return f"did you mean --database {given[1]}?"
    if re.search(r"--init[ =]\s*[A-Za-z]", line):
        return 'put the statement of --init in quotes: --init "SET ..."'
    if all(map(_exists, given)):
        return "load one file a line, or all that fit a pattern: %mysql_load 'data/*.sql'"
    return "put a path with spaces in quotes: %mysql_load 'my data/dump.sql'"


def _sql_on_the_line(magic: str) -> UsageError:
    return UsageError(
        f"%{magic} takes a file, and this looks like SQL.",
        hint=f"write %%{magic} (two %) alone in the first line of a cell, and the SQL below it.",
    )


def _exists(path: str) -> bool:
    """Return whether there is a file, a folder or something that fits a pattern."""
    try:
        return bool(glob.glob(os.path.expanduser(path)))  # noqa: PTH111, PTH207 - leaves ~nobody
    except (OSError, ValueError):
        return False
