from __future__ import annotations

import pytest

from sidecar_magics.local_infile import PACKET_BYTES, _send_rows, named_files


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        (b"LOAD DATA LOCAL INFILE '/a/b' INTO TABLE t", {b"/a/b"}),
        (b'load xml concurrent local infile "it\'s" into table t', {b"it's"}),
        (b"/* c */ LOAD DATA # d\n LOW_PRIORITY LOCAL INFILE'x'INTO TABLE t", {b"x"}),
        (b"LOAD DATA /*!50000 LOCAL */ INFILE 'x' INTO TABLE t", {b"x"}),
        (b"/*!50000 LOAD DATA LOCAL INFILE 'x' INTO TABLE t */", {b"x"}),
        (b"LOAD DATA LOCAL INFILE 'it''s' INTO TABLE t", {b"it's"}),
        (rb"LOAD DATA LOCAL INFILE 'it\'s' INTO TABLE t", {b"it's", b"it\\"}),
        (rb"LOAD DATA LOCAL INFILE 'C:\tmp\\x\_' INTO TABLE t", {b"C:\tmp\\x\\_", rb"C:\tmp\\x\_"}),
        (rb"LOAD DATA LOCAL INFILE 'a\0b' INTO TABLE t", {b"a", rb"a\0b"}),
        (b"LOAD DATA LOCAL INFILE '\xe9' INTO TABLE t", {b"\xe9"}),
        (b"LOAD DATA INFILE 'x' INTO TABLE t", set()),
        (b"LOAD DATA LOCAL INFILE", set()),
        (b"LOAD DATA LOCAL INFILE 'x", set()),
        (b"LOAD DATA LOCAL INFILE '' INTO TABLE t", set()),
        (b"LOAD DATA LOCAL INFILE `x` INTO TABLE t", set()),
        (b"LOAD DATA LOCAL x INFILE 'x' INTO TABLE t", set()),
        (b"INSERT INTO t VALUES ('LOAD DATA LOCAL INFILE ''x'' INTO TABLE t')", set()),
        (b"SELECT 1; LOAD DATA LOCAL INFILE 'x' INTO TABLE t", set()),
        (b"LOAD DATA INFILE 'x' INTO TABLE t; LOAD DATA LOCAL INFILE 'y' INTO TABLE t", set()),
        (b"/*!50000 SELECT */ 1; LOAD DATA LOCAL INFILE 'x' INTO TABLE t", set()),
    ],
)
def test_only_the_file_that_is_named_may_be_sent(sql: bytes, names: set[bytes]) -> None:
    assert named_files(sql) == names


class Packets:
    """Takes packets as a connection does."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write_packet(self, payload: bytes) -> None:
        self.sent.append(bytes(payload))


@pytest.mark.parametrize(
    "sizes",
    [[], [1], [PACKET_BYTES], [9] * 10_000, [3, 5 * PACKET_BYTES + 1, 4], [PACKET_BYTES - 1] * 3],
)
def test_rows_are_sent_in_few_packets_and_in_order(sizes: list[int]) -> None:
    pieces = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    packets = Packets()
    _send_rows(packets, map(memoryview, pieces))
    *rows, end = packets.sent
    assert end == b""
    assert b"".join(rows) == b"".join(pieces)
    assert all(0 < len(row) <= PACKET_BYTES for row in rows)
    assert len(rows) <= 2 + 2 * sum(sizes) // PACKET_BYTES
