"""Schemas that nobody would make, and their dumps: each comes back as it was, by every way."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar_magics import mysql_keep
from sidecar_magics.dump import dump
from sidecar_magics.load import load
from tests.servers import execute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

FLAVOURS = ("mysql", "mariadb")
SCHEMA = "odd.db `x` ünï"
# A path would be too long if its name were made of these letters as they are.
LONG = "ü" * 64
# In this order. InnoDB has 1,017 columns at most, MyISAM as many as the server.
WIDE = {"mysql": 4096, "mariadb": 2500}
BOTH = r"""
USE `odd.db ``x`` ünï`
CREATE TABLE `a``b.c d` (id INT AUTO_INCREMENT PRIMARY KEY, b BIT(13), y YEAR, t TIME(6), d DATETIME(3) DEFAULT '0000-00-00', s SET('a','b c') CHARACTER SET utf8mb4, e ENUM('','ü''x'), g GEOMETRY, p POINT, bl BLOB, de DECIMAL(65,30), inv INT INVISIBLE DEFAULT 7, gv INT AS (inv+1) VIRTUAL, gs VARCHAR(30) AS (CONCAT('x', y)) STORED, KEY(gv)) AUTO_INCREMENT=77
INSERT INTO `a``b.c d` (b,y,t,d,s,e,g,p,bl,de,inv) VALUES (b'1010101010101',2155,'-838:59:59.000001','0000-00-00 00:00:00','a,b c','ü''x',ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'),ST_GeomFromText('POINT(1e-300 -0)'),x'00FF1A0D0A5C27','-12345678901234567890123456789012345.123456789012345678901234567890',3), (NULL,0,NULL,'2020-13-45','','',NULL,NULL,'',0,NULL)
CREATE TABLE part (id INT, d DATE, PRIMARY KEY (id, d)) PARTITION BY RANGE (YEAR(d)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2000), PARTITION `p max` VALUES LESS THAN MAXVALUE)
INSERT INTO part VALUES (1,'1999-01-01'),(2,'2020-01-01')
CREATE TABLE spread (id INT PRIMARY KEY, t TEXT)
INSERT INTO spread VALUES (-2147483648,'a'),(-1,'b'),(0,'c'),(1,'d'),(67108863,'e'),(67108864,'f'),(2147483647,'g')
CREATE TABLE rec (id INT PRIMARY KEY, parent INT, CONSTRAINT `fk r` FOREIGN KEY (parent) REFERENCES rec (id) ON DELETE CASCADE)
SET foreign_key_checks=0
INSERT INTO rec VALUES (1,3),(2,1),(3,2)
CREATE TABLE my (a INT, b VARCHAR(10) CHARACTER SET sjis, FULLTEXT KEY (b)) ENGINE=MyISAM CHECKSUM=1 COMMENT='it''s -- /* ; \\ x'
INSERT INTO my VALUES (1, _sjis x'835C'), (1, _sjis x'835C')
CREATE TABLE onlyinv (a INT INVISIBLE, b INT AS (1) VIRTUAL)
INSERT INTO onlyinv (a) VALUES (5), (NULL)
CREATE TABLE nokey (a VARCHAR(5) COLLATE latin1_bin DEFAULT (CONCAT('a','b')), c CHAR(0), CHECK (a <> 'zz'))
INSERT INTO nokey VALUES (NULL,''),('x ',NULL)
CREATE VIEW odd2.v1 AS SELECT id AS `i``d`, 'ü' AS `ü . x` FROM `a``b.c d`
CREATE VIEW v0 AS SELECT * FROM odd2.v1
CREATE VIEW odd2.`a0` AS SELECT * FROM v0
CREATE DEFINER=nobody@nowhere TRIGGER `tr ``1` BEFORE INSERT ON rec FOR EACH ROW SET NEW.parent = IFNULL(NEW.parent, 1)
CREATE TRIGGER `tr 0` BEFORE INSERT ON rec FOR EACH ROW FOLLOWS `tr ``1` BEGIN IF NEW.id < 0 THEN SET NEW.id = 0; END IF; END
SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'
CREATE FUNCTION "f n"(x VARCHAR(9) CHARSET latin1) RETURNS VARCHAR(20) CHARSET utf8mb4 DETERMINISTIC RETURN x || '\' || "x"
SET sql_mode=''
CREATE PROCEDURE p(OUT `o p` INT) BEGIN DECLARE `;;` INT DEFAULT 1; SELECT 'DELIMITER ;', ';;' ; END
CREATE EVENT `ev ü` ON SCHEDULE EVERY '1:2' HOUR_MINUTE STARTS '2037-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'x' DO BEGIN SET @a = ';;'; END
"""  # noqa: E501 - a statement a line
ONLY = {
    "mysql": r"""
CREATE TABLE js (j JSON, ts TIMESTAMP(2) NULL)
INSERT INTO js VALUES ('{"a": [1, 2.50, "ü\\n"]}', '1970-01-02 00:00:01.99'), (NULL, NULL)
""",
    "mariadb": r"""
CREATE SEQUENCE sq START WITH 5 INCREMENT BY -3 MINVALUE -100 MAXVALUE 10 CYCLE CACHE 0
DO NEXTVAL(sq)
CREATE TABLE sv (id INT PRIMARY KEY DEFAULT NEXTVAL(sq), u UUID, i INET6, x4 INET4)
INSERT INTO sv VALUES (1,'123e4567-e89b-12d3-a456-426655440000','::ffff:1.2.3.4','1.2.3.4')
CREATE TABLE comp (a TEXT COMPRESSED, p1 DATE, p2 DATE, PERIOD FOR life (p1,p2))
INSERT INTO comp VALUES (REPEAT('ab',500),'2000-01-01','2001-01-01')
""",
}


@pytest.fixture(params=FLAVOURS)
def server(request: pytest.FixtureRequest) -> Server:
    """Return each server in turn, with odd schemas."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    quoted = "`" + SCHEMA.replace("`", "``") + "`"
    lines = (BOTH.strip() + ONLY[request.param]).splitlines()
    columns = ", ".join(f"c{number} TINYINT" for number in range(WIDE[request.param]))
    execute(
        found,
        "SET sql_mode = ''",
        f"CREATE DATABASE {quoted} CHARACTER SET latin1",
        "CREATE DATABASE odd2",
        *filter(None, lines),
        f"CREATE TABLE `{LONG}` (`{LONG}` INT PRIMARY KEY)",
        f"INSERT INTO `{LONG}` VALUES (1)",
        f"CREATE TABLE odd2.wide ({columns}) ENGINE=MyISAM",
        "INSERT INTO odd2.wide (c0) VALUES (1), (NULL)",
    )
    return found


@pytest.mark.thorough
def test_odd_schemas_come_back(server: Server, tmp_path: Path) -> None:
    """By the client and by us, from a file and from a folder; and by keep."""
    first, again, folder = tmp_path / "1.sql", tmp_path / "2.sql", tmp_path / "f"
    report = dump(first, server.settings, verify=True)
    assert report.is_verified
    before = first.read_bytes()
    server.drop_schemas()
    with first.open("rb") as script:
        subprocess.run(server.client, stdin=script, check=True, timeout=120)
    dump(again, server.settings)
    assert again.read_bytes() == before, "by the client"
    dump(f"{folder}/", server.settings, jobs=2)
    server.drop_schemas()
    load(folder, server.settings, jobs=4)
    dump(again, server.settings)
    assert again.read_bytes() == before, "by us, from a folder"
    mysql_keep(server.settings, folder=tmp_path / "kept").off()
    server.drop_schemas()
    mysql_keep(server.settings, folder=tmp_path / "kept").off()
    dump(again, server.settings)
    assert again.read_bytes() == before, "by keep"
