from __future__ import annotations

import pytest

from sidecar_magics.load.check.mirror import reaches_out
from sidecar_magics.script.tokens import tokens


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        (b"CREATE TABLE t (i INT) DATA DIRECTORY = '/tmp'", "DIRECTORY"),
        (b"CREATE TABLE t (i INT) index /*!50000 directory */ '/tmp'", "directory"),
        (b"CREATE TABLE t (i INT) ENGINE=federated CONNECTION='mysql://u:p@h/d/t'", "federated"),
        (b"CREATE TABLE t (i INT) CONNECTION 'elsewhere'", "CONNECTION"),
        (b"CREATE TABLE t (i INT) ENGINE 'S3'", "S3"),
        (b"CREATE TABLE t (i INT) ENGINE /*!50000 = */ `Spider`", "Spider"),
        (b"CREATE TABLE t (i INT) TABLESPACE s", "TABLESPACE"),
        (b"SELECT 1 INTO OUTFILE '/tmp/x'", "OUTFILE"),
        (b"CREATE VIEW v AS SELECT load_file ('/etc/passwd')", "load_file"),
        (b"CREATE TABLE t AS SELECT SLEEP(9)", "SLEEP"),
    ],
)
def test_what_reaches_beyond_its_schema(sql: bytes, word: str) -> None:
    assert reaches_out(tokens(sql)) == word


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT s3.city FROM supplier s1, supplier s2, supplier s3",
        b"CREATE TABLE t (connection INT, connect TIME, sleep INT, directory TEXT, spider INT)",
        b"CREATE TABLE t (directory TEXT COMMENT 'DATA DIRECTORY') ENGINE=InnoDB",
        b"SELECT get_lock, sleep FROM nights WHERE engine IN ('S3', 'V8')",
        b"INSERT INTO files (directory, connection) VALUES ('OUTFILE', 'S3')",
    ],
)
def test_words_that_are_names(sql: bytes) -> None:
    assert reaches_out(tokens(sql)) is None
