r"""The splitter against a slow reader of the same language, written straight from the manual.

The reference looks at one byte at a time and keeps nothing but what it is inside of. It knows
strings, comments, ``DELIMITER``, ``\g``, ``\G`` and ``\N``; where a script has another of the
client's commands it gives up, and so does the test.

Source: "String Literals", "Comments", "mysql Client Commands" and "CREATE PROCEDURE" (dollar
quotes), MySQL 9 Reference Manual.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sidecar_magics.script import patterns
from sidecar_magics.script.commands import COMMANDS
from sidecar_magics.script.splitter import ClientCommand, ScriptSyntaxError, Statement, split

if TYPE_CHECKING:
    from collections.abc import Iterator

BLANK = b" \t\n\r\v\f"
LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
OF_A_NAME = LETTERS + b"0123456789_" + bytes(range(0x80, 0x100))
# ``exit`` and ``?`` are other names for commands.
COMMAND_WORDS = {name.encode() for name in COMMANDS} | {b"exit", b"?"}


@pytest.fixture(autouse=True, params=[patterns.LEAP_BYTES, 0], scope="module")
def leaps(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let short scripts be read as long ones too: leaping over rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patterns, "LEAP_BYTES", request.param)
        yield


class BeyondReferenceError(Exception):
    """The script has a command that the reference doesn't know."""


class OpenAtTheEndError(Exception):
    """The script ends inside of quotes or of a comment."""


class Modes(NamedTuple):
    """What the splitter has to be told."""

    ansi_quotes: bool
    no_backslash_escapes: bool
    dollar_quotes: bool


class Reference:
    """Reads one script; `found` has what was read, also after an error."""

    def __init__(self, script: bytes, modes: Modes) -> None:
        self.script = script
        self.modes = modes
        self.at = 0
        self.delimiter = b";"
        self.found: list[tuple[str, bytes, int]] = []

    def read(self) -> None:
        while True:
            self.skip_what_is_no_statement()
            if self.at == len(self.script):
                return
            word = self.word()
            if word == b"delimiter" and self.byte(len(word)) in (b" ", b"\t"):
                self.read_delimiter()
            elif word in COMMAND_WORDS - {b"delimiter"} or self.sees(b"?"):
                raise BeyondReferenceError
            else:
                self.read_statement()

    def skip_what_is_no_statement(self) -> None:
        while self.at < len(self.script):
            if self.byte() in map(_byte, BLANK):
                self.at += 1
            elif self.sees(self.delimiter):
                self.at += len(self.delimiter)
            elif self.sees(b"\\g") or self.sees(b"\\G"):
                raise BeyondReferenceError  # an empty statement, or a command without one
            elif not self.skip_comment(hints=False):
                return

    def read_delimiter(self) -> None:
        start = self.at
        end = self.script.find(b"\n", start)
        end = len(self.script) if end < 0 else end
        argument = self.script[start + len(b"delimiter") : end].strip()
        quote = argument[:1]
        if quote in (b"'", b'"', b"`") or b"\\" in argument or not argument:
            raise BeyondReferenceError
        self.delimiter = argument.split()[0]
        self.found.append(("delimiter", self.delimiter, start))
        self.at = min(end + 1, len(self.script))

    def read_statement(self) -> None:
        start = self.at
        end = None
        while end is None:
            if self.at == len(self.script):
                end = self.at
            elif self.sees(b"\\N"):
                self.at += 2
            elif self.sees(b"\\g") or self.sees(b"\\G"):
                end = self.at
                self.at += 2
            elif self.sees(b"\\"):
                raise BeyondReferenceError
            elif self.sees(self.delimiter):
                end = self.at
                self.at += len(self.delimiter)
            elif self.sees(b"/*!") or self.sees(b"/*M!"):
                self.skip_version()
            elif not (self.skip_comment(hints=True) or self.skip_quotes(start)):
                self.at += 1
        text = self.script[start:end].rstrip()
        line = self.script[start:].partition(b"\n")[0].strip()
        if first_word(text) in COMMAND_WORDS or line.lower() == b"delimiter":
            raise BeyondReferenceError  # such as "go", cut off by a delimiter; or no argument
        self.found.append(("statement", text, start))

    def skip_version(self) -> None:
        """Continue to the content of a versioned comment, which counts."""
        self.at = self.script.index(b"!", self.at) + 1
        content = self.script[self.at :].lstrip(b"0123456789").lstrip(BLANK)
        if content.startswith(b"\\") and not content.startswith(b"\\N"):
            raise BeyondReferenceError  # a command may be hidden in it

    def skip_comment(self, *, hints: bool) -> bool:
        if self.sees(b"#") or self.begins_two_dashes():
            end = self.script.find(b"\n", self.at)
            self.at = len(self.script) if end < 0 else end + 1
            return True
        is_text = self.sees(b"/*!") or self.sees(b"/*M!") or (self.sees(b"/*+") and not hints)
        if not self.sees(b"/*") or is_text:
            return False
        end = self.script.find(b"*/", self.at + 2)
        if end < 0:
            raise OpenAtTheEndError
        self.at = end + 2
        return True

    def begins_two_dashes(self) -> bool:
        behind = self.byte(2)
        return self.sees(b"--") and (behind == b"" or behind[0] <= 0x20 or behind[0] == 0x7F)

    def skip_quotes(self, start: int) -> bool:
        if self.byte() in (b"'", b'"', b"`"):
            self.skip_string(self.byte())
            return True
        tag = self.dollar_tag(start) if self.modes.dollar_quotes else b""
        if not tag:
            return False
        end = self.script.find(tag, self.at + len(tag))
        if end < 0:
            raise OpenAtTheEndError
        self.at = end + len(tag)
        return True

    def skip_string(self, quote: bytes) -> None:
        # A doubled quote is as good as a string that ends and another that begins at once.
        is_name = quote == b"`" or (quote == b'"' and self.modes.ansi_quotes)
        escapes = not is_name and not self.modes.no_backslash_escapes
        self.at += 1
        while self.at < len(self.script):
            if self.byte() == quote:
                self.at += 1
                return
            self.at += 2 if escapes and self.byte() == b"\\" else 1
        raise OpenAtTheEndError

    def dollar_tag(self, start: int) -> bytes:
        """Return what opens a string in dollar quotes here, if anything does."""
        before = self.script[self.at - 1 : self.at] if self.at > start else b""
        if not self.sees(b"$") or (before and before in OF_A_NAME + b"$"):
            return b""
        end = self.at + 1
        while end < len(self.script) and self.script[end] in OF_A_NAME:
            end += 1
        is_tag = self.script[end : end + 1] == b"$" and end - self.at - 1 <= 64
        return self.script[self.at : end + 1] if is_tag else b""

    def sees(self, text: bytes) -> bool:
        return self.script.startswith(text, self.at)

    def byte(self, ahead: int = 0) -> bytes:
        return self.script[self.at + ahead : self.at + ahead + 1]

    def word(self) -> bytes:
        end = self.at
        while end < len(self.script) and self.script[end] in LETTERS + b"_":
            end += 1
        return self.script[self.at : end].lower()


def first_word(text: bytes) -> bytes:
    return text.replace(b"\t", b" ").partition(b" ")[0].lower()


def _byte(number: int) -> bytes:
    return bytes([number])


def found_by_splitter(
    chunks: list[bytes], modes: Modes
) -> tuple[list[tuple[str, bytes, int]], bool]:
    """Return what the splitter finds, and whether it ended with an error."""
    found: list[tuple[str, bytes, int]] = []
    try:
        for item in split(chunks, **modes._asdict()):
            if isinstance(item, Statement):
                found.append(("statement", item.sql, item.offset))
            else:
                assert isinstance(item, ClientCommand)
                found.append((item.name, item.argument, item.offset))
    except ScriptSyntaxError:
        return found, True
    return found, False


FRAGMENTS = [
    *map(_byte, b"'\"`\\;;;#-/*!+M$|aN \n\r\t\v\x00\x7f\xff"),
    *[b"SELECT 1", b"x", b"a1", b"\n", b" ", b";\n", b"'a;b'", b'"c;d"', b"`e;f`", b"''", b'""'],
    *[rb"'\''", rb'"\""', rb"'\\'", rb"`\`", b"'\"'", b'"\'"', b"'-- '", b"'/*'", b"'$$'"],
    *[b"-- g;'\n", b"# h;'\n", b"/* i;' */", b"--j", b"--", b"/*", b"*/", b"/**/", b"/*/"],
    *[b"/*!", b"/*!40101 ", b"/*M!100100 ", b"/*+ ;' */", b"/*!50003 k;' */", b"/*! /* */ */"],
    *[b"$$", b"$x$", b"$$;$$", b"$y$;$$;$y$", b"a$$", b"1$x$", b"'$"],
    *[rb"\g", rb"\G", rb"\N"],
    *[b"\nDELIMITER //\n", b"\ndelimiter ;\n", b"DELIMITER ;;\r\n", b"\n DELIMITER $$ x\n"],
    *[
        b"\nDelimiter |\n",
        b"\nDELIMITER --end_of_it\n",
        b"--end_of_it",
        b"DELIMITER go\n",
        b"delimiter END;\n",
        b"//",
        b"go",
        b"END;",
        b"delimiter",
    ],
]
scripts = st.lists(st.sampled_from(FRAGMENTS), max_size=20).map(b"".join)
modes = st.builds(Modes, st.booleans(), st.booleans(), st.booleans())
MANY = 15_000
MYSQL = Modes(ansi_quotes=False, no_backslash_escapes=False, dollar_quotes=True)


def check(script: bytes, modes: Modes, size: int) -> bool:
    """Compare the two, unless the script has what the reference doesn't know; tell which."""
    reference = Reference(script, modes)
    is_open = False
    try:
        reference.read()
    except OpenAtTheEndError:
        is_open = True
    except BeyondReferenceError:
        return False
    chunks = [script[at : at + size] for at in range(0, len(script), size)]
    found = found_by_splitter(chunks, modes)
    assert found == (reference.found, is_open), (script, modes, size)
    return True


@given(scripts, modes, st.integers(1, 40))
@example(b"DELIMITER //\nSELECT ';' -- //\n;// SELECT 2", MYSQL, 3)
@example(b"SELECT 'a\\';', $$;$$, a$$ /*! ; */; /*+ ; */", MYSQL, 1)
def test_the_splitter_reads_what_the_manual_says(script: bytes, modes: Modes, size: int) -> None:
    assume(check(script, modes, size))


@pytest.mark.slow
@pytest.mark.thorough
def test_it_does_so_for_very_many_scripts() -> None:
    chance = random.Random(7)
    known = sum(
        check(
            b"".join(chance.choices(FRAGMENTS, k=chance.randrange(25))),
            Modes(*(chance.random() < 0.5 for _ in range(3))),
            chance.choice([1, 3, 10, 1000]),
        )
        for _ in range(MANY)
    )
    assert known > MANY / 2
