from __future__ import annotations

import pytest

from sidecar_magics.script.definers import definer, skip_definer

BODY = b" AS select 'DEFINER=`a`@`b`' AS `DEFINER`"

CASES: list[tuple[bytes, bytes, tuple[str, str | None] | None]] = [
    (
        b"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t x */",
        b"/*!50003 CREATE*/ /*!50003 TRIGGER t x */",
        ("root", "localhost"),
    ),
    (
        b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`a`@`b` SQL SECURITY DEFINER */"
        b"\n/*!50001 VIEW v" + BODY + b" */",
        b"/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 SQL SECURITY DEFINER */"
        b"\n/*!50001 VIEW v" + BODY + b" */",
        ("a", "b"),
    ),
    (
        b"/*!50106 CREATE*/ /*!50117 DEFINER=`a b`@`%`*/ /*!50106 EVENT e*/",
        b"/*!50106 CREATE*/ /*!50106 EVENT e*/",
        ("a b", "%"),
    ),
    (
        b"CREATE/*!50020 DEFINER=`a`@`b`*//*!50003 FUNCTION f()*/",
        b"CREATE /*!50003 FUNCTION f()*/",
        ("a", "b"),
    ),
    (b"CREATE DEFINER=`x`@`y` PROCEDURE p()", b"CREATE PROCEDURE p()", ("x", "y")),
    (b"CREATE DEFINER=CURRENT_USER VIEW v" + BODY, b"CREATE VIEW v" + BODY, None),
    (b"create definer = current_user ( ) view v", b"create view v", None),
    (b"CREATE OR REPLACE DEFINER='a'@\"b.c\" VIEW v", b"CREATE OR REPLACE VIEW v", ("a", "b.c")),
    (
        b"CREATE DEFINER=u@h.example-1.org FUNCTION f()",
        b"CREATE FUNCTION f()",
        ("u", "h.example-1.org"),
    ),
    (b"CREATE DEFINER=role PACKAGE BODY p", b"CREATE PACKAGE BODY p", ("role", None)),
    (b"ALTER DEFINER=`a`@`b` EVENT e DISABLE", b"ALTER EVENT e DISABLE", ("a", "b")),
    (
        b"ALTER ALGORITHM=MERGE DEFINER=a@b SQL SECURITY INVOKER VIEW v" + BODY,
        b"ALTER ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v" + BODY,
        ("a", "b"),
    ),
]


@pytest.mark.parametrize(("sql", "without", "who"), CASES)
def test_the_definer_goes_from_the_head_alone(
    sql: bytes, without: bytes, who: tuple[str, str | None] | None
) -> None:
    assert skip_definer(sql) == without
    assert definer(sql) == who
    assert definer(without) is None


@pytest.mark.parametrize(
    "sql",
    [
        b"CREATE PROCEDURE p() CREATE DEFINER=a@b VIEW v" + BODY,
        b"CREATE TABLE definer (definer int) COMMENT 'CREATE DEFINER=a@b VIEW v'",
        b"CREATE /* DEFINER=a@b */ VIEW v" + BODY,
        b"INSERT INTO t VALUES ('CREATE DEFINER=a@b VIEW v')",
        b"CREATE SQL SECURITY DEFINER VIEW v" + BODY,
        b"CREATE DEFINER=",
    ],
)
def test_what_only_looks_like_one_stays(sql: bytes) -> None:
    assert skip_definer(sql) is sql
    assert definer(sql) is None
