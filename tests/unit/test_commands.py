from __future__ import annotations

import pytest

from sidecar_magics.script.commands import (
    COMMANDS,
    Call,
    Effect,
    by_letter,
    by_word,
    effect_of,
    first_argument,
    parse_named,
    read_argument,
)


def test_names_and_letters_lead_to_the_same_command() -> None:
    for name, command in COMMANDS.items():
        assert command.name == name
        assert by_word(name.upper().encode()) is command
        assert effect_of(name) is command.effect
        if command.letter:
            assert by_letter(command.letter) is command
    letters = [command.letter for command in COMMANDS.values() if command.letter]
    assert len(set(letters)) == len(letters)
    assert by_word(b"exit") is COMMANDS["quit"]
    assert by_word(b"?") is by_letter(b"?") is COMMANDS["help"]
    assert by_word(b"select") is by_letter(b"N") is by_letter(b"") is None


def test_whatever_touches_the_users_machine_is_refused() -> None:
    refused = {name for name in COMMANDS if effect_of(name) is Effect.REFUSE}
    assert refused == {"system", "edit", "pager", "tee", "connect", "ssl_session_data_print"}


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        (b"use a", "use", b"a"),
        (b"USE\t `a b` ", "use", b"`a b`"),
        (b"source a b.sql", "source", b"a b.sql"),
        (b"delimiter", "delimiter", b""),
        (b"Status  ", "status", b""),
        (b"? x", "help", b"x"),
        (b"ssl_session_data_print", "ssl_session_data_print", b""),
    ],
)
def test_a_named_command(text: bytes, name: str, argument: bytes) -> None:
    assert parse_named(text) == Call(COMMANDS[name], argument)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SELECT 1",
        b" use a",
        b"user",
        b"use;",
        b"use`a`",
        b"use\na",
        b"use a\n.b",
        b"status of it",
        b"delimiter;",
        b"ssl_session_data_print_x",
    ],
)
def test_no_named_command(text: bytes) -> None:
    assert parse_named(text) is None


@pytest.mark.parametrize(
    ("text", "word", "end"),
    [
        (b"", b"", 0),
        (b"  ", b"", 2),
        (b" a b", b"a", 2),
        (b"a\r\n", b"a", 1),
        (b"'a b' c", b"a b", 5),
        (b'"a""b"c', b'a"b', 6),
        (b" `a``b`", b"a`b", 7),
        (b"'open", b"open", 5),
        (b"'", b"", 1),
        (b"''", b"", 2),
        (b"''''", b"'", 4),
        (b"//;", b"//;", 3),
    ],
)
def test_first_argument(text: bytes, word: bytes, end: int) -> None:
    assert first_argument(text) == (word, end)


@pytest.mark.parametrize(
    ("name", "text", "argument"),
    [
        ("delimiter", b" ;; -- c ", b";;"),
        ("use", b"`a``b` c", b"a`b"),
        ("charset", b" 'utf8mb4'", b"utf8mb4"),
        ("source", b" a 'b'.sql \r", b"a 'b'.sql"),
        ("sandbox", b" enable the sandbox mode ", b""),
        ("clear", b" SELECT 1 ", b" SELECT 1 "),
        ("clear", b"", b""),
        ("help", b"", b""),
    ],
)
def test_argument_as_the_command_takes_it(name: str, text: bytes, argument: bytes) -> None:
    assert read_argument(Call(COMMANDS[name], text)) == argument


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("delimiter", b" ", "delimiter must be followed by"),
        ("delimiter", b"''", "delimiter must be followed by"),
        ("delimiter", b"a\\b", "backslash"),
        ("use", b"", "use must be followed by"),
        ("source", b"\r", "source must be followed by"),
        ("charset", b"", "charset must be followed by"),
    ],
)
def test_an_argument_that_is_needed(name: str, text: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_argument(Call(COMMANDS[name], text))
