from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar_magics.script import patterns
from sidecar_magics.script.classify import classify, may_change_quoting, reads_local_file
from sidecar_magics.script.splitter import (
    ClientCommand,
    Item,
    ScriptSyntaxError,
    Splitter,
    Statement,
    split,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, params=[patterns.LEAP_BYTES, 0], scope="module")
def leaps(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let short scripts be read as long ones too: leaping over rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patterns, "LEAP_BYTES", request.param)
        yield


FRAGMENTS = [
    *(bytes([byte]) for byte in b"'\"`\\;#-/*!+M$|aN \n\r\t\x00\xff"),
    *[b"''", rb"\'", rb"\\", b"';'", b'";"', b"`;`", b"-- ;\n", b"# '\n", b"/* ; */", b"/*"],
    *[b"*/", b"/*!40101 ", b"/*M!100100 ", b"/*+ ; */", b"--", b"\r\n", b"$$", b"$x$", b"go"],
    *[
        b"SELECT 1",
        b"\nDELIMITER |\n",
        b"\nDELIMITER ;;\r\n",
        b"\ndelimiter ;\n",
        b"\nDELIMITER go\n",
    ],
    *[
        b"DELIMITER ",
        b"use x",
        b"\nuse `y`\n",
        b"\nsource a b.sql\n",
        b"quit",
        b"\nhelp x",
        b"status",
    ],
    *[rb"\g", rb"\G", rb"\c", rb"\q", rb"\N", rb"\u z", rb"\. f", rb"\d //", rb"\p", b"//"],
    *[rb"/*!999999\- enable the sandbox mode */", rb"/*M!999999\- x */", rb"/*!\C utf8mb4 */"],
    *[b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff"],
]
scripts = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map(b"".join)
modes = st.fixed_dictionaries(
    {
        "ansi_quotes": st.booleans(),
        "no_backslash_escapes": st.booleans(),
        "dollar_quotes": st.booleans(),
    }
)


def outcome(chunks: list[bytes], modes: dict[str, bool]) -> tuple[list[Item], str | None]:
    """Return the items up to the end or the error, and the error."""
    items: list[Item] = []
    try:
        for item in split(
            chunks,
            ansi_quotes=modes["ansi_quotes"],
            no_backslash_escapes=modes["no_backslash_escapes"],
            dollar_quotes=modes["dollar_quotes"],
            max_statement_bytes=300,
        ):
            items.append(item)
    except ScriptSyntaxError as error:
        return items, repr(error)
    return items, None


@given(scripts, modes, st.lists(st.integers(0, 200)))
def test_chunks_make_no_difference(script: bytes, modes: dict[str, bool], cuts: list[int]) -> None:
    whole = outcome([script], modes)
    edges = [0, *sorted(cut for cut in cuts if cut < len(script)), len(script)]
    assert outcome([script[a:b] for a, b in zip(edges, edges[1:])], modes) == whole
    assert outcome([script[at : at + 1] for at in range(len(script))], modes) == whole


COMMENT = re.compile(
    rb"(?: --(?=[\x00-\x20\x7f]|\Z) | \# ) [^\n]* | /\*(?!!|M!|\+).*?\*/", re.VERBOSE | re.DOTALL
)


def is_between(text: bytes, delimiter: bytes) -> bool:
    """Return whether *text* is only blanks, plain comments and delimiters."""
    while text := text.lstrip():
        comment = COMMENT.match(text)
        if text.startswith(delimiter):
            text = text[len(delimiter) :]
        elif comment:
            text = text[comment.end() :]
        else:
            return False
    return True


@given(scripts, modes)
@example(
    b"\xef\xbb\xbf a ; -- b\n\\c /* ; */",
    {"ansi_quotes": False, "no_backslash_escapes": False, "dollar_quotes": False},
)
def test_bytes_are_conserved(script: bytes, modes: dict[str, bool]) -> None:
    items, error = outcome([script], modes)
    end, delimiter = 3 if script.startswith(b"\xef\xbb\xbf") else 0, b";"
    for item in items:
        assert end <= item.offset <= item.end
        assert is_between(script[end : item.offset], delimiter)
        if isinstance(item, Statement):
            assert script[item.offset :][: len(item.sql)] == item.sql
            assert item.sql == item.sql.strip(b" \t\n\v\f\r") != b""
            rest = script[item.offset + len(item.sql) : item.end].lstrip()
            assert rest in (delimiter, b"", rb"\g", rb"\G")
        elif item.name == "delimiter":
            delimiter = item.argument
        end = item.end
    if error is None:
        assert is_between(script[end:], delimiter)


@given(scripts, modes)
def test_places_are_where_the_bytes_are(script: bytes, modes: dict[str, bool]) -> None:
    for item in outcome([script], modes)[0]:
        before = script[: item.offset]
        assert item.line == before.count(b"\n") + 1
        mark = 3 if item.line == 1 and script.startswith(b"\xef\xbb\xbf") else 0
        assert item.column == len(before) - (before.rfind(b"\n") + 1) + 1 - mark


@given(scripts, st.lists(st.integers(0, 3), min_size=1))
def test_iterators_may_be_left_at_any_time(script: bytes, takes: list[int]) -> None:
    expected, error = outcome(
        [script], {"ansi_quotes": False, "no_backslash_escapes": False, "dollar_quotes": False}
    )
    splitter = Splitter(max_statement_bytes=300)
    found: list[Item] = []
    try:
        for turn, at in enumerate(range(0, len(script), 5)):
            iterator = splitter.feed(script[at : at + 5])
            for _ in range(takes[turn % len(takes)]):
                item = next(iterator, None)
                if item:
                    found.append(item)
        found.extend(splitter.finish())
    except ScriptSyntaxError:
        assert error
    assert found == expected[: len(found)]
    assert error or found == expected


# Literals that every sql_mode reads alike, so that the script can be built from its statements.
words = st.sampled_from([b"SELECT", b"1", b"a/b", b"a-b", b"\xff", b"x\x00y", b"/*! c */", b"\\N"])
quoted = st.builds(
    lambda quote, text: quote + text.replace(quote, quote * 2).replace(b"\\", b"") + quote,
    st.sampled_from([b"'", b'"', b"`"]),
    st.binary(max_size=10),
)
statements = st.builds(
    lambda first, rest: b" ".join([first, *rest]), words, st.lists(words | quoted, max_size=5)
)
separators = st.sampled_from([b";", b" ;\n", b";;", b";-- ';\n", b'\n; /* ;" */', b";\r\n# `\n"])


@given(st.lists(st.tuples(statements, separators), max_size=6), modes)
def test_what_was_joined_is_split(parts: list[tuple[bytes, bytes]], modes: dict[str, bool]) -> None:
    script = b"".join(sql + separator for sql, separator in parts)
    found, _ = outcome([script], modes)
    assert [item.sql for item in found if isinstance(item, Statement)] == [sql for sql, _ in parts]
    assert not any(isinstance(item, ClientCommand) for item in found)


@given(scripts | st.binary())
def test_any_bytes_can_be_classified(sql: bytes) -> None:
    classify(sql)
    assert reads_local_file(sql) in (True, False)
    assert may_change_quoting(sql, classify(sql).kind) in (True, False)
