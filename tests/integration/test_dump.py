"""Dumps of what is hard to spell, on real servers."""

from __future__ import annotations

import os
import random
import re
import struct
import subprocess
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import mysql_dump
from sidecar_magics.connection import connect_now
from sidecar_magics.dump import DumpReport, dump
from sidecar_magics.errors import DumpError, Interrupted, SettingsError
from sidecar_magics.load import load
from tests.servers import execute

if TYPE_CHECKING:
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from tests.servers import Server

pytestmark = pytest.mark.server

FLAVOURS = ("mysql", "mariadb")
SINGLE_BYTES = bytes(range(256))


@pytest.fixture(params=FLAVOURS)
def server(request: pytest.FixtureRequest) -> Server:
    """Return each server in turn, empty."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


def by_client(server: Server, path: Path) -> None:
    """Load a script with the real client."""
    with path.open("rb") as script:
        subprocess.run(server.client, stdin=script, check=True, timeout=120)


def brought_back(server: Server, folder: Path, question: str, **options: Any) -> tuple[Any, Any]:
    """Return the answer to a question before a dump, and after it was loaded again."""
    before = execute(server, question)
    dump(folder / "d.sql", server.settings, **options)
    server.drop_schemas()
    by_client(server, folder / "d.sql")
    return before, execute(server, question)


def test_floats_come_back_to_the_last_bit(server: Server, tmp_path: Path) -> None:
    draw = random.Random(7)
    doubles = [0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, 0.1, 1 / 3, 2.0**53 + 2]
    singles = [0.0, -0.0, 16777216.0, 16777218.0, 0.10000000149011612, 3.4028234663852886e38]
    while len(doubles) < 3000:
        (number,) = struct.unpack("<d", draw.randbytes(8))
        doubles += [number] if number == number and abs(number) < 1e308 else []
    while len(singles) < 3000:
        (number,) = struct.unpack("<f", draw.randbytes(4))
        singles += [number] if number == number and 1.2e-38 < abs(number) < 3.4e38 else []
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (id INT PRIMARY KEY, d DOUBLE, f FLOAT, g FLOAT NOT NULL)",
        "SELECT 1",
    )
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        rows = [(n, repr(d), repr(f), repr(f)) for n, (d, f) in enumerate(zip(doubles, singles))]
        cursor.executemany("INSERT INTO a.t VALUES (%s, %s, %s, %s)", rows)
        connection.commit()
    question = "SELECT id, CONCAT(d), CONCAT(f * 1e0), CONCAT(g * 1e0) FROM a.t ORDER BY id"
    before, after = brought_back(server, tmp_path, question)
    assert before == after
    assert float(before[1][1]) == 0.0
    assert before[1][1] == ("-0" if server.flavour == "mysql" else "0")  # MariaDB's looks alike


def test_a_schema_in_the_place_of_the_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY)")
    with pytest.raises(DumpError, match="a is a schema of the server") as caught:
        dump("a", server.settings)
    assert caught.value.hint == "name the file, and then the schema: a.sql.gz a"
    with pytest.raises(DumpError, match="a is a schema of the server") as caught:
        dump("a", server.settings, schemas="lab.sql")
    assert caught.value.hint == "name the file, and then the schema: lab.sql a"
    assert list(tmp_path.iterdir()) == []
    dump("a.sql.gz", server.settings, schemas="a")  # the hint, followed
    (tmp_path / "a").touch()  # a dump is there that has this name
    for target in ("a", "other", "a/"):
        if target == "a/":
            (tmp_path / "a").unlink()
        assert dump(target, server.settings).schemas == ["a"]


@pytest.mark.parametrize("mode", ["", "NO_BACKSLASH_ESCAPES,ANSI_QUOTES"])
def test_comments_of_programs_come_back(server: Server, tmp_path: Path, mode: str) -> None:
    r"""Under NO_BACKSLASH_ESCAPES a server shows ``'a\\b'`` of what was ``'a\b'``."""
    comment = "it's a\\b \\n\n'' \\' \"x\" -- ü"
    escaped = comment if mode else comment.replace("\\", "\\\\")
    literal = "'" + escaped.replace("'", "''") + "'"
    execute(
        server,
        "CREATE SCHEMA a",
        "USE a",
        f"SET sql_mode = '{mode}'",
        f"CREATE PROCEDURE p() COMMENT {literal} SELECT '\\\\', {literal}",
        f"CREATE FUNCTION f(x INT) RETURNS TEXT DETERMINISTIC COMMENT {literal} RETURN {literal}",
        "CREATE EVENT e ON SCHEDULE AT '2037-01-01 00:00:00' DISABLE"
        f" COMMENT {literal} DO SELECT {literal}",
        "CREATE PROCEDURE q() SELECT '\\\\'",
    )
    question = (
        "SELECT routine_name, routine_comment, sql_mode, routine_definition, a.f(1)"
        " FROM information_schema.routines WHERE routine_schema = 'a' UNION ALL"
        " SELECT event_name, event_comment, sql_mode, event_definition, ''"
        " FROM information_schema.events WHERE event_schema = 'a' ORDER BY 1"
    )
    before, after = brought_back(server, tmp_path, question, verify=True)
    assert [row[1] for row in before] == [comment, comment, comment, ""]
    assert after == before
    first = (tmp_path / "d.sql").read_bytes()
    dump(tmp_path / "d.sql", server.settings)
    assert (tmp_path / "d.sql").read_bytes() == first


def test_each_byte_of_each_character_set_comes_back(server: Server, tmp_path: Path) -> None:
    charsets = execute(
        server,
        "SELECT character_set_name, maxlen FROM information_schema.character_sets"
        " WHERE character_set_name <> 'binary' ORDER BY 1",
    )
    execute(server, "CREATE SCHEMA a")
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        for charset, longest in charsets:
            cursor.execute(
                f"CREATE TABLE a.{charset} (id INT AUTO_INCREMENT PRIMARY KEY,"
                f" v VARCHAR(9) CHARACTER SET {charset})"
            )
            letters = [bytes([n]) for n in range(256)]
            if longest > 1:
                letters += [bytes([a, b]) for a in range(128, 256) for b in range(48, 256, 5)]
            values = ", ".join(f"(x'{letter.hex()}')" for letter in letters)
            cursor.execute(f"INSERT INTO a.{charset} (v) VALUES {values}")
        connection.commit()
    question = " UNION ALL ".join(
        f"(SELECT '{charset}' c, id, HEX(v) FROM a.{charset})" for charset, _ in charsets
    )
    before, after = brought_back(server, tmp_path, question)
    assert sorted(before) == sorted(after)
    assert len(before) > 10_000


def test_bytes_and_ends_of_lines_come_back(server: Server, tmp_path: Path) -> None:
    awkward = [
        "a\nb",
        "a\r\nb",
        "\r",
        "\n-- Dump completed\n",
        "\\",
        "'",
        '"',
        "\x1a",
        "\0",
        "),\n(",
    ]
    awkward += ["\\'", "\\\n", "/*", "*/", "-- ", "NULL", "", " ", "\u2028", "🐀", "DELIMITER //\n"]
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (id INT AUTO_INCREMENT PRIMARY KEY, s TEXT, b BLOB,"
        " c VARCHAR(50) NOT NULL)",
        "SELECT 1",
    )
    with connect_now(server.settings) as connection, connection.cursor() as cursor:
        for text in awkward:
            blob = text.encode() + SINGLE_BYTES
            cursor.execute("INSERT INTO a.t (s, b, c) VALUES (%s, %s, %s)", (text, blob, text))
        cursor.execute("INSERT INTO a.t (s, b, c) VALUES (NULL, NULL, '')")
        connection.commit()
    question = "SELECT id, HEX(s), HEX(b), HEX(c) FROM a.t"
    before, after = brought_back(server, tmp_path, question)
    assert before == after
    load(tmp_path / "d.sql", server.settings)
    assert execute(server, question) == before


def test_rows_longer_than_the_server_can_spell_come_back(server: Server, tmp_path: Path) -> None:
    ((usual,),) = execute(server, "SELECT @@max_allowed_packet")
    limit = 32 * 2**20
    execute(server, f"SET GLOBAL max_allowed_packet = {limit}")
    try:
        check_long_rows(server, tmp_path, limit)
    finally:
        execute(server, f"SET GLOBAL max_allowed_packet = {usual}")


def check_long_rows(server: Server, folder: Path, limit: int) -> None:
    sizes = [100, 17_000_000, 300_000, limit - 1_000_000, 5]
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (id INT PRIMARY KEY, n INT, b LONGBLOB, s LONGTEXT)",
        "USE a",
        "SET sql_mode = ''",
        *(
            f"INSERT INTO a.t VALUES ({number}, NULL, REPEAT(x'01FF5A20', {size // 4}), 'x\\n')"
            for number, size in enumerate(sizes)
        ),
        "INSERT INTO a.t VALUES (10, 1, NULL, REPEAT('''ü\\n', 4500000))",
    )
    question = "SELECT id, n, LENGTH(b), SHA2(b, 256), LENGTH(s), SHA2(s, 256) FROM a.t"
    before = sorted(execute(server, question))
    assert [row[2] for row in before[:-1]] == [size // 4 * 4 for size in sizes]
    report = dump(folder / "d.sql", server.settings)
    assert report.rows == len(before)
    server.drop_schemas()
    load(folder / "d.sql", server.settings)
    assert sorted(execute(server, question)) == before


def test_what_is_special_of_columns_comes_back(server: Server, tmp_path: Path) -> None:
    hidden = "INVISIBLE DEFAULT 7"
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (id INT PRIMARY KEY, e ENUM('', 'a', 'b''c'), s SET('x', 'y'), y YEAR,"
        f" b BIT(64), z INT(6) UNSIGNED ZEROFILL, h INT {hidden}, g INT AS (id + 1) STORED,"
        " v VARCHAR(9) AS (CONCAT('n', id)) VIRTUAL, d DATE, t TIMESTAMP(6) NULL)",
        "CREATE TABLE a.only_ids (id INT PRIMARY KEY AUTO_INCREMENT) AUTO_INCREMENT = 77",
        "CREATE TABLE a.keyless (n INT)",
        "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+05:00'",
        "INSERT INTO a.only_ids VALUES (0), (-3)",
        "INSERT INTO a.keyless VALUES (3), (1), (NULL), (1)",
        "INSERT INTO a.t (id, e, s, y, b, z, h, d, t) VALUES"
        " (1, '', '', 0, b'101', 5, 1, '0000-00-00', '2020-01-01 00:00:00.5'),"
        " (2, 'nonsense', 'x,y', 1901, ~0, 123456, 2, '2020-00-00', NULL),"
        " (3, 'b''c', NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    question = "SELECT *, h, e + 0, UNIX_TIMESTAMP(t) FROM a.t"
    before, after = brought_back(server, tmp_path, question)
    assert before == after
    assert before[1][-2] == 0
    assert execute(server, "SELECT * FROM a.only_ids ORDER BY 1") == [(-3,), (0,)]
    assert execute(server, "SELECT * FROM a.keyless") == [(3,), (1,), (None,), (1,)]
    assert "AUTO_INCREMENT=77" in execute(server, "SHOW CREATE TABLE a.only_ids")[0][1]


def test_views_upon_views_stand_in_an_order_that_loads(server: Server, tmp_path: Path) -> None:
    # From the last of the alphabet to the first, over two schemas, one with a check.
    statements = ["CREATE SCHEMA a", "CREATE SCHEMA b", "CREATE TABLE b.t (n INT)"]
    statements.append("CREATE FUNCTION a.f(n INT) RETURNS INT DETERMINISTIC RETURN n + 1")
    below = "b.t"
    for number, name in enumerate("zyxwvu"):
        view = f"{'ab'[number % 2]}.{name}"
        statements.append(f"CREATE VIEW {view} AS SELECT n FROM {below} WHERE n > {number}")
        below = view
    statements.append(f"CREATE VIEW a.aa AS SELECT a.f(n) AS n FROM {below} WHERE n > 3")
    statements.append(f"CREATE VIEW a.ab AS SELECT n FROM {below} WITH CASCADED CHECK OPTION")
    statements.append("INSERT INTO b.t VALUES (1), (9)")
    execute(server, *statements)
    before, after = brought_back(server, tmp_path, "SELECT n FROM a.aa UNION SELECT n FROM a.ab")
    assert before == after == [(10,), (9,)]


def test_a_view_that_does_not_work_is_left_out_and_named(server: Server, tmp_path: Path) -> None:
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (n INT)",
        "CREATE VIEW a.broken AS SELECT n FROM a.t",
        "CREATE VIEW a.upon AS SELECT n FROM a.broken",
        "DROP TABLE a.t",
        "CREATE TABLE a.u (n INT)",
        "CREATE VIEW a.one AS SELECT n FROM a.u",
        "CREATE VIEW a.two AS SELECT n FROM a.one",
        "RENAME TABLE a.u TO a.v, a.two TO a.u",  # a view of itself
        "CREATE TABLE a.w (n INT)",
    )
    report = dump(tmp_path / "d.sql", server.settings)
    assert report.views == 0
    assert [note.partition(" is")[0] for note in report.left_out] == [
        "The view a.broken",
        "The view a.one",
        "The view a.u",
        "The view a.upon",
    ]
    assert "The view a.upon is left out" in repr(report)
    # For a person to repair.
    assert re.search(rb"\n-- CREATE [^\n]* VIEW `a`\.`upon` AS ", (tmp_path / "d.sql").read_bytes())
    server.drop_schemas()
    by_client(server, tmp_path / "d.sql")
    assert execute(server, "SHOW TABLES FROM a") == [("v",), ("w",)]


def test_options_choose_what_is_dumped(server: Server, tmp_path: Path) -> None:
    execute(
        server,
        "CREATE SCHEMA lab",
        "CREATE SCHEMA other",
        "CREATE TABLE lab.mouse (id INT PRIMARY KEY)",
        "CREATE TABLE lab.mouse_log (id INT)",
        "CREATE TABLE other.mouse (id INT)",
        "CREATE TABLE other.rat (id INT)",
        "CREATE TRIGGER lab.born AFTER INSERT ON lab.mouse FOR EACH ROW"
        " INSERT INTO lab.mouse_log VALUES (NEW.id)",
        "CREATE PROCEDURE lab.p() SELECT 1",
        "INSERT INTO lab.mouse VALUES (1), (2), (3)",
    )

    def of(**options: Any) -> tuple[DumpReport, str]:
        report = dump(tmp_path / "d.sql", server.settings, **options)
        return report, (tmp_path / "d.sql").read_text()

    report, text = of(schemas="lab")
    assert (sorted(report.tables), report.rows) == (["lab.mouse", "lab.mouse_log"], 6)
    assert (report.triggers, report.routines) == (1, 1)
    report, text = of(tables="mouse")
    assert sorted(report.tables) == ["lab.mouse", "other.mouse"]
    assert (report.triggers, report.routines) == (1, 0)
    report, text = of(tables=["lab.m*g"])
    assert list(report.tables) == ["lab.mouse_log"]
    report, text = of(ignore_table=["*_log", "other.rat"])
    assert sorted(report.tables) == ["lab.mouse", "other.mouse"]
    assert (report.triggers, report.routines) == (1, 1)
    assert (of(ignore_table="lab.mouse")[0].triggers, report.schemas) == (0, ["lab", "other"])
    assert list(of(tables="mouse*", ignore_table="mouse")[0].tables) == ["lab.mouse_log"]
    report, text = of(schema_only=True)
    assert (report.rows, "INSERT INTO `" in text, "CREATE TABLE" in text) == (0, False, True)
    report, text = of(data_only=True)
    assert (report.rows, "CREATE " in text) == (6, False)
    report, text = of(where="id > 1 OR id < 0", schemas=["l*"])
    assert report.rows == 4
    assert "DEFINER" not in of()[1]
    assert "DEFINER=`root`" in of(keep_definer=True)[1]
    with pytest.raises(DumpError, match="no schema nonsense"):
        of(schemas="nonsense")
    with pytest.raises(DumpError, match="no schema mouse") as caught:
        of(schemas=["lab", "mouse"])  # as mysqldump takes them
    assert caught.value.hint == "it has lab, other. For a table write: lab --tables mouse"
    with pytest.raises(DumpError, match=r"no schema lab\.mouse") as caught:
        of(schemas="lab.mouse")
    assert caught.value.hint == "it has lab, other. For a table write: lab --tables mouse"
    for option in ("tables", "ignore_table"):
        with pytest.raises(DumpError, match="No table or view fits --"):
            of(**{option: "nonsense"})
    with pytest.raises(SettingsError, match="own schemas"):
        of(schemas="mysql")
    with pytest.raises(DumpError, match=r"lab\.mouse: the server refuses --where") as caught:
        of(where="nonsense = 1", tables="lab.mouse")
    assert "leave others out with --ignore-table" in caught.value.hint


def test_the_journal_is_left_out(server: Server, tmp_path: Path) -> None:
    (tmp_path / "s.sql").write_text("CREATE SCHEMA a; CREATE TABLE a.t (n INT);")
    load(tmp_path / "s.sql", server.settings, once=True)
    assert dump(tmp_path / "d.sql", server.settings).schemas == ["a"]
    assert "sidecar_magics`" not in (tmp_path / "d.sql").read_text()


def test_a_dump_is_loaded_once_and_in_parallel(server: Server, tmp_path: Path) -> None:
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (id INT PRIMARY KEY)",
        "CREATE TABLE a.u (n INT)",
    )
    dump(tmp_path / "d.sql.gz", server.settings)
    server.drop_schemas()
    assert load(tmp_path / "d.sql.gz", server.settings, once=True, jobs=4).statements
    assert load(tmp_path / "d.sql.gz", server.settings, once=True, jobs=4).already_loaded


def test_what_is_cut_short_is_known_as_such(server: Server, tmp_path: Path) -> None:
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY)")
    dump(tmp_path / "d.sql", server.settings)
    whole = (tmp_path / "d.sql").read_bytes()
    (tmp_path / "d.sql").write_bytes(whole[: len(whole) // 2].rpartition(b";\n")[0] + b";\n")
    report = load(tmp_path / "d.sql", server.settings)
    assert "cut short" in report.notes[0]


def test_all_connections_see_one_moment(server: Server, tmp_path: Path) -> None:
    """Each transaction adds a row to two tables; no dump has one without the other."""
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (n INT)", "CREATE TABLE a.u (n INT)")
    ends = threading.Event()

    def write() -> None:
        with connect_now(server.settings) as connection, connection.cursor() as cursor:
            number = 0
            while not ends.is_set():
                number += 1
                cursor.execute("BEGIN")
                cursor.execute("INSERT INTO a.t VALUES (%s)", (number,))
                cursor.execute("INSERT INTO a.u VALUES (%s)", (number,))
                cursor.execute("COMMIT")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        for _ in range(10):
            report = dump(tmp_path / "d.sql", server.settings, jobs=3)
            assert report.jobs == 3
            assert report.tables["a.t"].rows == report.tables["a.u"].rows
    finally:
        ends.set()
        writer.join(60)


def test_without_reload_there_is_one_connection(server: Server, tmp_path: Path) -> None:
    execute(
        server,
        "CREATE SCHEMA a",
        "CREATE TABLE a.t (n INT)",
        "CREATE USER pupil@'%' IDENTIFIED BY 'tutorial'",
        "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON a.* TO pupil@'%'",
    )
    try:
        report = dump(tmp_path / "d.sql", replace(server.settings, user="pupil"), jobs=3)
    finally:
        execute(server, "DROP USER pupil@'%'")
    assert report.jobs == 1
    assert "RELOAD" in report.notes[0]


def test_a_dump_that_fails_leaves_the_last_good_one(server: Server, tmp_path: Path) -> None:
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (n INT)", "INSERT INTO a.t VALUES (1)")
    dump(tmp_path / "d.sql", server.settings)
    good = (tmp_path / "d.sql").read_bytes()
    with pytest.raises(DumpError, match="the server refuses"):
        dump(tmp_path / "d.sql", server.settings, where="nonsense = 1")
    assert (tmp_path / "d.sql").read_bytes() == good
    assert [path.name for path in tmp_path.iterdir()] == ["d.sql"]


def test_a_full_disk_leaves_the_last_good_one_and_one_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (n INT)")
    dump(tmp_path / "d.sql", server.settings)
    good = (tmp_path / "d.sql").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DumpError) as raised:
        dump(tmp_path / "d.sql", server.settings)
    assert "No space left on device" in raised.value.message
    assert (tmp_path / "d.sql").read_bytes() == good
    assert [path.name for path in tmp_path.iterdir()] == ["d.sql"]


def test_an_interrupt_leaves_the_last_good_one(server: Server, tmp_path: Path) -> None:
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (n INT)", "INSERT INTO a.t VALUES (1)")
    dump(tmp_path / "d.sql", server.settings)
    good = (tmp_path / "d.sql").read_bytes()

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="Nothing is left of the dump"):
        dump(tmp_path / "d.sql", server.settings, where="SLEEP(30) = 0", progress=stop)
    assert (tmp_path / "d.sql").read_bytes() == good
    assert [path.name for path in tmp_path.iterdir()] == ["d.sql"]


def test_a_lost_connection_is_one_sentence(server: Server, tmp_path: Path) -> None:
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (n INT)", "INSERT INTO a.t VALUES (1)")

    def kill(_: object) -> None:
        for (number,) in execute(
            server,
            "SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(30)%'"
            " AND id <> CONNECTION_ID()",
        ):
            execute(server, f"KILL {number}")

    with pytest.raises(DumpError, match="the connection to the server was lost"):
        dump(tmp_path / "d.sql", server.settings, where="SLEEP(30) = 0", progress=kill)
    assert list(tmp_path.iterdir()) == []


def test_the_magic_returns_the_report(
    server: Server, tmp_path: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", server.password)
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (n INT)", "INSERT INTO a.t VALUES (1)")
    line = f"{tmp_path}/d.sql.zst --port {server.port} --hex-blob a --quiet"
    report = shell.run_line_magic("mysql_dump", line)
    assert report.rows == 1
    assert "1 table in 1 schema, 1 row" in repr(report)
    assert "<b>1 table in 1 schema" in report._repr_html_()
    assert report.to_dict()["tables"]["a.t"]["rows"] == 1
    assert mysql_dump is dump


def test_a_table_that_is_altered_meanwhile_is_dumped_as_it_is_then(
    server: Server, tmp_path: Path
) -> None:
    """Rows and columns fit together: all is begun anew, and the second time nobody alters it."""
    execute(server, "CREATE SCHEMA a", "CREATE TABLE a.t (n INT)", "INSERT INTO a.t VALUES (1)")
    shown: list[object] = []

    def alter(progress: object) -> None:
        if not shown:
            execute(server, "ALTER TABLE a.t ADD COLUMN m INT DEFAULT 5")
        shown.append(progress)

    # Long enough for the alteration, which does not wait for rows of a table that is not open yet.
    execute(server, "CREATE TABLE a.s (n INT)", "INSERT INTO a.s VALUES (1)")
    dump(tmp_path / "d.sql", server.settings, jobs=1, where="SLEEP(1) = 0", progress=alter)
    server.drop_schemas()
    by_client(server, tmp_path / "d.sql")
    assert execute(server, "SELECT n, m FROM a.t") == [(1, 5)]
