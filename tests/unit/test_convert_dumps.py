"""Tutorials that write a dump with ``mysqldump``."""

from __future__ import annotations

import pytest

from sidecar_magics import lines
from sidecar_magics.magics import SidecarMagics
from sidecar_magics_convert import Left
from tests.unit.test_convert import FIRST, converted, only


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("mysqldump -u root -ptutorial lab > lab.sql", "%mysql_dump lab.sql lab"),
        ("mysqldump lab 2>/dev/null | gzip -9 > a/lab.sql.gz", "%mysql_dump a/lab.sql.gz lab"),
        ("mysqldump --databases a b | xz > 'my ab.sql.xz'", "%mysql_dump 'my ab.sql.xz' a b"),
        ("mysqldump -B a --result-file=a.sql", "%mysql_dump a.sql a"),
        ("MYSQL_PWD=x mariadb-dump -A -r all.sql", "%mysql_dump all.sql"),
        ("mysqldump d t u -d > a.sql", "%mysql_dump a.sql d --tables t --tables u --schema-only"),
        (
            "mysqldump -t --where='id < 5' d > a.sql",
            "%mysql_dump a.sql d --data-only --where 'id < 5'",
        ),
        (
            "mysqldump --single-transaction --set-gtid-purged=OFF --no-tablespaces d > x",
            "%mysql_dump x d",
        ),
        ("docker exec db /usr/bin/mysqldump d > a.sql", "%mysql_dump a.sql d"),
        (
            "mysqldump d > a.sql\nmysql d < a.sql",
            "%mysql_dump a.sql d\n%mysql_load a.sql --once --database d",
        ),
    ],
)
def test_a_plain_mysqldump_becomes_the_magic(command: str, line: str) -> None:
    assert only(f"%%bash\n{command}") == line
    for each in line.splitlines():  # the magic takes it
        magic, _, rest = each[1:].partition(" ")
        lines.parse(getattr(SidecarMagics, magic).parser, magic, rest)
    assert only("\n".join(f"!{each}" for each in command.split("\n"))) == line


@pytest.mark.parametrize(
    "command",
    [
        "mysqldump -ps3cret d",
        "mysqldump d >> a.sql",
        "mysqldump > a.sql",
        "mysqldump --all-databases d > a.sql",
        "mysqldump d | mysql e",
        "mysqldump d | ssh host",
        "mysqldump d | gzip",
        "mysqldump d | gzip > a.sql",
        "mysqldump d > a.sql.gz",
        "mysqldump d > folder/",
        "mysqldump --tab=/tmp d > a.sql",
        "mysqldump --skip-triggers d > a.sql",
        "mysqldump -u a -u b d > a.sql",
        "mysqldump d -r a.sql > b.sql",
        "mysqldump --where='a = \"{b}\"' d > a.sql",
        "mysqldump 'a*' > a.sql",
        "mysqldump d < x > a.sql",
    ],
)
def test_any_other_is_left_with_the_magics_name(command: str) -> None:
    conversion = converted(f"%%bash\n{command}")
    (cell,) = conversion.cells
    assert isinstance(cell, Left)
    assert "use %mysql_dump FILE [SCHEMA ...]" in cell.why
    assert "s3cret" not in str(conversion)


def test_a_dump_is_of_a_server_and_its_password_is_not_shown() -> None:
    conversion = converted("!mysqldump -h db.lab -u ann -phunter2 d > /backup/a.sql", "%cd ..")
    assert conversion.first == f"{FIRST} --host db.lab --user ann"
    assert "hunter2" not in str(conversion)
    (cell,) = conversion.changed
    assert "such as a.sql" in cell.notes[0]
    (cell,) = converted("!mysqldump d > a.sql", "%cd ..").changed
    assert cell.after == "%mysql_dump '{_dh[0]}/a.sql' d"
    assert [cell.number for cell in converted("!mysqldump d > a.sql", "!mysql -h x < b").left] == [
        2
    ]


def test_a_dump_of_one_schema_is_not_loaded_into_another_unseen() -> None:
    conversion = converted("!mysqldump d > ./a.sql", "!mysql copy < a.sql")
    assert "--into SCHEMA" in conversion.changed[0].notes[0]
    assert [cell.why for cell in conversion.left] == [
        "it loads the dump of d into another schema: use %mysql_load FILE --into copy."
    ]
    # With --databases the script names its schema, for the client as for us.
    conversion = converted("!mysqldump -B d > a.sql", "!mysql copy < a.sql")
    assert conversion.left == ()
    assert conversion.changed[0].notes == ()
