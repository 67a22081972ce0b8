"""``mysqldump`` in a shell script: the ``%mysql_dump`` that writes the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .steps import Dump, NamedServer
from .words import Sign, Uncertain

if TYPE_CHECKING:
    from collections.abc import Sequence

DUMPERS = {"mysqldump", "mariadb-dump"}
# What compresses a dump on its way into a file, and how such a file ends.
_PACKERS = {"gzip": ".gz", "pigz": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst"}
_PACKED = (*_PACKERS.values(), "/")
_PACKING = re.compile(r"-(?:[1-9]|c|-fast|-best|-stdout)+")
_SERVER = {
    **{"-h": "host", "-P": "port", "-u": "user"},
    **{"--host": "host", "--port": "port", "--user": "user"},
}
_VALUED = {
    **_SERVER,
    **{"-r": "file", "--result-file": "file", "-w": "where", "--where": "where"},
}
_MEANT = {
    **{"-d": "--schema-only", "--no-data": "--schema-only"},
    **{"-t": "--data-only", "--no-create-info": "--data-only"},
}
# What %mysql_dump does anyway, or what only changes how the script looks.
_WITHOUT_EFFECT = re.compile(
    r"-[REcvqQ]+|(?i:--(?:single-transaction|hex-blob|routines|events|triggers|opt|quick"
    r"|verbose|no-tablespaces|lock-tables(?:=false)?|skip-lock-tables|set-gtid-purged=off"
    r"|column-statistics=0|skip-column-statistics|add-drop-table|add-drop-database|create-options"
    r"|extended-insert|complete-insert|disable-keys|quote-names|comments|skip-comments"
    r"|skip-dump-date|compact|compress|protocol=tcp|ssl-mode=disabled|ssl-mode=preferred|skip-ssl"
    r"|max-allowed-packet=\w+|default-character-set=utf8(?:mb4)?))"
)
_PASSWORD = re.compile(r"(?:-p(?=.)|--password=)(.*)|-p|--password", re.DOTALL)
_NAME = re.compile(r"\w[\w$-]*")
INSTEAD = "use %mysql_dump FILE [SCHEMA ...]"


def dump(words: Sequence[str], passwords: Sequence[str]) -> Dump:
    """Return what ``mysqldump`` with its options, arguments and file writes.

    Parameters
    ----------
    words : sequence of str
        The command from its name on, with the pipe that compresses it.
    passwords : sequence of str
        Passwords that stood before it.

    Raises
    ------
    Uncertain
        It does what ``%mysql_dump`` does not do alike.
    """
    name = words[0]
    reader = _Reader(name)
    rest = list(words[1:])
    while rest:
        reader.take(rest)
    found = reader.found
    file = found.get("file", "")
    if not file or re.search(r"[*?\[{$]", file) or file.startswith("/dev/"):
        raise Uncertain(f"where {name} writes to cannot be seen: {INSTEAD}")
    end = _PACKERS.get(reader.packer or "", "")
    if not file.endswith(end) or (not end and file.endswith(_PACKED)):
        raise Uncertain(f"the file of {name} does not end as it is compressed: {INSTEAD}")
    if re.search(r"[{$\n]", found.get("where", "")):  # IPython puts it in
        raise Uncertain(f"a variable may be put into the condition of {name}: {INSTEAD}")
    schemas, tables = reader.schemas_and_tables()
    target = NamedServer.of(found.get("host"), found.get("port"), found.get("user"))
    given = (*passwords, *reader.passwords)
    options = tuple(reader.options)
    return Dump(target, given, file, schemas, tables, options, found.get("where"), reader.is_bare)


class _Reader:
    """Goes through the words after the program's name, and collects what they say."""

    def __init__(self, name: str) -> None:
        self.found: dict[str, str] = {}
        self.options: list[str] = []
        self.passwords: list[str] = []
        self.packer: str | None = None
        self._name = name
        self._names: list[str] = []
        self._takes_all = False
        self._takes_schemas = False

    @property
    def is_bare(self) -> bool:
        """Whether its script names no schema: it can be loaded into any."""
        return not self._takes_all and not self._takes_schemas

    def take(self, rest: list[str]) -> None:
        """Take one option or argument off the list."""
        word = rest.pop(0)
        if isinstance(word, Sign):
            self._take_sign(word, rest)
        elif password := _PASSWORD.fullmatch(word):
            self.passwords += [] if password[1] is None else [password[1]]
        elif word in ("-A", "--all-databases"):
            self._takes_all = True
        elif word in ("-B", "--databases"):
            self._takes_schemas = True
        elif word in _MEANT:
            self.options.append(_MEANT[word])
        elif self._takes_value(word, rest):
            return
        elif word.startswith("-"):
            self._ignore(word)
        elif _NAME.fullmatch(word):
            self._names.append(word)
        else:
            raise Uncertain(f"{self._name} has an argument that is not known here: {INSTEAD}")

    def schemas_and_tables(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which schemas are written, none for all, and which tables, none for all."""
        names = tuple(self._names)
        if self._takes_all != (not names):
            raise Uncertain(f"which schemas {self._name} writes cannot be seen: {INSTEAD}")
        return (names[:1], names[1:]) if self.is_bare else (names, ())

    def _take_sign(self, sign: Sign, rest: list[str]) -> None:
        if sign in (">", ">|") and rest and not isinstance(rest[0], Sign):
            self._note("file", rest.pop(0))
        elif sign == "|" and rest and rest[0] in _PACKERS and self.packer is None:
            self.packer = rest.pop(0)
            while rest and _PACKING.fullmatch(rest[0]):
                del rest[0]
            if not rest or not isinstance(rest[0], Sign):
                raise Uncertain(f"where {self._name} writes to cannot be seen: {INSTEAD}")
        elif sign == "|":
            raise Uncertain(
                f"{self._name} pipes into another command: {INSTEAD}, then %mysql_load FILE, with "
                "--into SCHEMA for another schema"
            )
        else:
            raise Uncertain(f"{self._name} is followed by {sign}: {INSTEAD}")

    def _takes_value(self, word: str, rest: list[str]) -> bool:
        flag, equals, value = word.partition("=")
        if word in _VALUED and rest and not isinstance(rest[0], Sign):
            self._note(_VALUED[word], rest.pop(0))
        elif flag in _VALUED and equals and flag.startswith("--"):
            self._note(_VALUED[flag], value)
        elif word[:2] in _VALUED and len(word) > 2:
            self._note(_VALUED[word[:2]], word[2:])
        else:
            return False
        return True

    def _ignore(self, word: str) -> None:
        if not _WITHOUT_EFFECT.fullmatch(word.replace("_", "-")):
            option = re.match(r"--[a-z_-]+|-[A-Za-z]", word)
            named = f" {option.group()}," if option else ""
            raise Uncertain(f"{self._name} has an option,{named} that is not known here: {INSTEAD}")

    def _note(self, key: str, value: str) -> None:
        if key in self.found:
            raise Uncertain(f"{self._name} is given its {key} twice: {INSTEAD}")
        self.found[key] = value
