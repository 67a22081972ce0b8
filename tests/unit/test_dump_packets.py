"""Rows are parted where they end, whatever the bytes between them are."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pymysql
import pytest

from sidecar_magics.dump import packets, parted
from sidecar_magics.dump.packets import Batch, read_rows
from sidecar_magics.dump.parted import PartedAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

SEEDS = 100
ERROR = b"\xff\x84\x05#HY000" + b"Table definition has changed, please retry transaction"


class Wire:
    """What a server sends after the columns, handed out in pieces; asked for more, it fails."""

    def __init__(self, data: bytes, draw: random.Random) -> None:
        self._data = data
        self._draw = draw

    def read1(self, size: int) -> bytes:
        assert self._data, "a real connection would wait for ever"
        piece = self._data[: min(size, self._draw.choice((1, 9, size)))]
        self._data = self._data[len(piece) :]
        return piece


class Result:
    unbuffered_active = True
    connection: object = None


class Connection:
    """As much of PyMySQL's as is used."""

    def __init__(self, wire: Wire) -> None:
        self._rfile = wire
        self._result = Result()

    def query(self, sql: bytes, *, unbuffered: bool) -> None:
        assert sql == b"SELECT 1"
        assert unbuffered


def sized(size: int) -> bytes:
    """Return a length as the protocol has it."""
    if size < 251:
        return bytes([size])
    if size < 65536:
        return b"\xfc" + size.to_bytes(2, "little")
    return b"\xfd" + size.to_bytes(3, "little")


def wire_of(rows: Sequence[bytes | None], first_number: int, end: bytes) -> bytes:
    parts, number = [], first_number
    for row in rows:
        data = b"\xfb" if row is None else sized(len(row) + 1) + row + b"\0"
        parts.append(len(data).to_bytes(3, "little") + bytes([number % 256]) + data)
        number += 1
    return b"".join(parts) + len(end).to_bytes(3, "little") + bytes([number % 256]) + end


def rows_of(
    data: bytes, draw: random.Random, *, may_be_null: bool = True
) -> tuple[list[bytes], bool]:
    connection = Connection(Wire(data, draw))
    batches = list(read_rows(connection, b"SELECT 1", may_be_null=may_be_null))
    assert not connection._result.unbuffered_active
    return [row for batch in batches for row in batch.rows], any(b.has_null for b in batches)


def some_rows(draw: random.Random) -> list[bytes | None]:
    sizes = [0, 1, 5, 100, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 1278]
    sizes += [1280, 2560, 5 * 256 + 2, 4000, 65531, 65532, 65533, 65534, 65536, 131072, 327680]
    letters = bytes(set(range(1, 256)) - {0xFF, 0xFB, 0xFE})
    rows: list[bytes | None] = []
    for _ in range(draw.randint(0, 20)):
        if draw.random() < 0.15:
            rows += [None] * draw.choice((1, 2, 60))
        inside = bytes(draw.choices(letters, k=min(draw.choice(sizes), 300)))
        rows.append(b"(" + (inside * 2000)[: draw.choice(sizes)] + b")")
    return rows


END = b"\xfe\x00\x00\x22\x00"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_all_rows_come_as_they_are(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(packets, "BATCH_BYTES", draw.choice((1, 64, 700, 70_000)))
    rows = some_rows(draw)
    end = b"\xfe" + bytes(draw.choices(range(256), k=4))
    got, has_null = rows_of(wire_of(rows, draw.randint(0, 255), end), draw)
    assert got == [row for row in rows if row is not None]
    assert has_null == (None in rows)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rows_without_null_are_parted_as_those_with(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(packets, "BATCH_BYTES", draw.choice((1, 64, 700, 70_000)))
    rows = [row for row in some_rows(draw) if row is not None]
    data = wire_of(rows, draw.randint(0, 255), b"\xfe" + bytes(draw.choices(range(256), k=4)))
    assert rows_of(data, draw, may_be_null=False) == (rows, False)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_null_that_cannot_be_loses_no_row_unseen(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(packets, "BATCH_BYTES", draw.choice((1, 64, 700, 70_000)))
    rows = some_rows(draw)
    rows.insert(draw.randint(0, len(rows)), None)
    with pytest.raises(pymysql.err.OperationalError, match="2027"):
        rows_of(wire_of(rows, draw.randint(0, 255), END), draw, may_be_null=False)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_an_error_behind_any_rows_is_raised(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(packets, "BATCH_BYTES", draw.choice((1, 64, 70_000)))
    data = wire_of(some_rows(draw), draw.randint(0, 255), ERROR)
    with pytest.raises(pymysql.err.OperationalError) as raised:
        rows_of(data, draw)
    assert raised.value.args[0] == 1412


def test_where_a_batch_ends_depends_on_the_rows_alone() -> None:
    rows = [b"(%d,'%s')" % (n, b"x" * (n % 300)) for n in range(20_000)]
    data = wire_of(rows, 4, END)

    def sizes(seed: int) -> list[int]:
        connection = Connection(Wire(data, random.Random(seed)))
        return [len(batch.rows) for batch in read_rows(connection, b"SELECT 1")]

    assert sizes(1) == sizes(2) == sizes(3)
    assert len(sizes(1)) > 2


def keyed_rows(draw: random.Random) -> list[tuple[int, bytes]]:
    """Return rows with their keys, in order: short and long ones, several of one key."""
    key, rows = draw.choice((-300, 0, 10_000)), []
    for _ in range(draw.choice((0, 1, 50, 1500))):
        key += draw.choice((0, 0, 1, 1, 1, 40))
        # Heads of rows beyond 66,051 bytes have no zero in them.
        seldom = draw.choice((5000, 66_100)) if draw.random() < 0.02 else 1
        size = draw.choice((0, 0, 3, 9, 30, 240, 250, seldom))
        rows.append((key, b"(%d%s)" % (key, b",'%s'" % (b"7" * size) if size else b"")))
    return rows


@pytest.mark.parametrize("seed", range(SEEDS))
def test_parts_of_an_answer_are_what_each_gives_by_itself(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(packets, "BATCH_BYTES", draw.choice((1, 64, 700, 70_000)))
    monkeypatch.setattr(parted, "_LOOK_BYTES", draw.choice((1, 100, 3000, 70_000)))
    monkeypatch.setattr(parted, "_WALK_BYTES", draw.choice((20, 100, 3000)))
    rows = keyed_rows(draw)
    borders = sorted({draw.randint(-400, 12_000) for _ in range(draw.randint(0, 8))})
    borders += [key for key, _ in rows[:: draw.choice((60, 400))]]
    ends = [*sorted({*borders}), None]

    def alone(first: int | None, behind: int | None) -> list[Batch]:
        there = [
            row
            for key, row in rows
            if (first is None or key >= first) and (behind is None or key < behind)
        ]
        wire = Wire(wire_of(there, draw.randint(0, 255), END), draw)
        return list(read_rows(Connection(wire), b"SELECT 1", may_be_null=False))

    connection = Connection(Wire(wire_of([row for _, row in rows], seed, END), draw))
    answer = PartedAnswer(connection, b"SELECT 1")
    assert not connection._result.unbuffered_active
    for first, behind in zip([None, *ends], ends):
        assert list(answer.batches(behind)) == alone(first, behind)


@pytest.mark.parametrize("odd", [None, b"('a',1)", b"(NULL)"])
def test_a_row_without_a_key_is_an_error(odd: bytes | None) -> None:
    rows = [b"(%d,'some text')" % key for key in range(50)]
    data = wire_of([*rows, odd, *rows], 7, END)
    answer = PartedAnswer(Connection(Wire(data, random.Random(1))), b"SELECT 1")
    with pytest.raises(pymysql.err.OperationalError, match="2027"):
        list(answer.batches(60))


@pytest.mark.parametrize("seed", range(20))
def test_an_error_is_raised_in_the_part_where_it_stands(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    monkeypatch.setattr(parted, "_LOOK_BYTES", draw.choice((1, 100, 3000)))
    rows = [b"(%d,'some text')" % key for key in range(2000)]
    answer = PartedAnswer(Connection(Wire(wire_of(rows, seed, ERROR), draw)), b"SELECT 1")
    assert sum(len(batch.rows) for batch in answer.batches(1000)) == 1000
    with pytest.raises(pymysql.err.OperationalError) as raised:
        list(answer.batches(5000))
    assert raised.value.args[0] == 1412


def test_a_connection_that_ends_within_a_row_is_lost() -> None:
    class Ending(Wire):
        def read1(self, size: int) -> bytes:
            return super().read1(size) if self._data else b""

    data = wire_of([b"(1)", b"(2)"], 4, END)
    connection = Connection(Ending(data[:12], random.Random(1)))
    with pytest.raises(pymysql.err.OperationalError, match="2013"):
        list(read_rows(connection, b"SELECT 1"))
