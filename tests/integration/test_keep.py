"""Work that is kept, and restored into a new server: on real servers."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import mysql_keep
from sidecar_magics.connection import connect_now
from sidecar_magics.dump import dump
from sidecar_magics.errors import Interrupted, KeepError
from sidecar_magics.keep import Keeper, KeepPolicy
from sidecar_magics.keep.fingerprints import Fingerprint
from sidecar_magics.keep.keeping import Keeping
from sidecar_magics.load import load
from sidecar_magics.settings import Secret
from tests.background import meanwhile, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from tests.servers import Server

pytestmark = pytest.mark.server

FLAVOURS = ("mysql", "mariadb")
LAB = """
CREATE DATABASE lab; USE lab;
CREATE TABLE mouse (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20));
CREATE TABLE session (id INT PRIMARY KEY, mouse INT,
  FOREIGN KEY (mouse) REFERENCES mouse (id) ON DELETE CASCADE);
CREATE TABLE `#drug` (name VARCHAR(20) PRIMARY KEY);
CREATE TABLE nothing (id INT PRIMARY KEY);
CREATE TABLE old (id INT) ENGINE=MyISAM;
CREATE VIEW named AS SELECT id, name FROM mouse WHERE name IS NOT NULL;
INSERT INTO mouse (name) VALUES ('Ada'), ('Émilie'), (NULL);
INSERT INTO session VALUES (1, 1), (2, 2);
INSERT INTO old VALUES (7);
INSERT INTO `#drug` VALUES ('salt');
CREATE TRIGGER counted AFTER INSERT ON session FOR EACH ROW SET @n = 1;
"""


@pytest.fixture(params=FLAVOURS)
def server(request: pytest.FixtureRequest) -> Server:
    """Return each server in turn, empty."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Return a tutorial's dump."""
    path = tmp_path / "lab.sql"
    path.write_text(LAB, encoding="utf-8")
    return path


class Work:
    """A user's keepers of one server and one folder; none is left at the end."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.keepers: list[Keeper] = []

    def keep(self, **options: Any) -> Keeper:
        keeper = mysql_keep(self.server.settings, folder=self.folder / "kept", **options)
        self.keepers.append(keeper)
        return keeper

    def new_server(self) -> None:
        """Leave a server as a new pod has it."""
        for keeper in self.keepers:
            keeper.off()
        self.server.drop_schemas()

    def text(self) -> bytes:
        """Return all that the server has."""
        path = self.folder / "now.sql"
        dump(path, self.server.settings)
        return path.read_bytes()

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        with connect_now(self.server.settings) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows = list(cursor.fetchall())
            connection.commit()
            return rows


@pytest.fixture
def work(server: Server, tmp_path: Path) -> Iterator[Work]:
    """Yield a server, and a folder in which its data is kept."""
    work = Work(server, tmp_path)
    yield work
    for keeper in work.keepers:
        keeper.off()


# The way there and back ----------------------------------------------------------------------


def test_a_new_server_gets_everything_back(work: Work, script: Path) -> None:
    settings = work.server.settings
    keeper = work.keep()
    assert keeper.status().snapshots == []
    assert not load(script, settings, once=True).already_loaded
    work.execute("INSERT INTO lab.mouse (name) VALUES ('mine')", "DELETE FROM lab.session")
    status = keeper.now()
    assert [each.rows for each in status.snapshots] == [6]
    before = work.text()
    for _ in range(2):  # a third pod as well
        work.new_server()
        keeper = work.keep()
        assert work.text() == before
        assert load(script, settings, once=True).already_loaded, "the user's row would be gone"
        assert work.text() == before
        keeper.now()
    assert len(keeper.status().snapshots) == 1, "nothing was changed"


def test_a_snapshot_is_a_dump_that_every_client_loads(work: Work, script: Path) -> None:
    load(script, work.server.settings)
    keeper = work.keep()
    (snapshot,) = keeper.now().snapshots
    before = work.text()
    work.new_server()
    load(work.folder / "kept" / snapshot.name, work.server.settings)
    assert work.text() == before


def test_only_what_changed_is_dumped_again(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A table proves nothing for some seconds after it was changed.
    monkeypatch.setattr(Fingerprint, "is_settled", Fingerprint.is_settled_if_alone)
    load(script, work.server.settings)
    wait_a_second(work)
    keeper = work.keep()
    keeper.now()
    wait_a_second(work)
    work.execute("INSERT INTO lab.session VALUES (3, 2)")
    keeper.now()
    new, old = (work.folder / "kept" / each.name for each in keeper.status().snapshots)
    same = {path.name for path in new.iterdir() if path.samefile(old / path.name)}
    everything = {path.name for path in new.iterdir()}
    assert everything - same == {"1.lab.session.sql.zst", "kept.json"}
    # Not because they came out the same; the one that was just changed may prove nothing yet.
    looks = keeper._keeping.folder.seen().tables
    assert set(looks) - {"lab.session"} == {"lab.#drug", "lab.mouse", "lab.nothing"}


def wait_a_second(work: Work) -> None:
    """Wait until the server's clock shows another second."""
    ((now,),) = work.execute("SELECT UNIX_TIMESTAMP()")
    until(lambda: work.execute("SELECT UNIX_TIMESTAMP()") != [(now,)])


CHANGES = {
    "insert": ["INSERT INTO lab.mouse (name) VALUES ('x')"],
    "update": ["UPDATE lab.mouse SET name = 'y' WHERE id = 1"],
    "delete": ["DELETE FROM lab.mouse WHERE id = 3"],
    "a foreign key's rows": ["DELETE FROM lab.mouse WHERE id = 1"],
    "a trigger's rows": [
        "CREATE TRIGGER lab.t AFTER INSERT ON lab.mouse FOR EACH ROW"
        " INSERT INTO lab.nothing VALUES (NEW.id)",
        "INSERT INTO lab.mouse (name) VALUES ('x')",
    ],
    "truncate": ["TRUNCATE lab.session"],
    "truncate and the same number again": [
        "TRUNCATE lab.session",
        "INSERT INTO lab.session VALUES (1, 2), (2, 1)",
    ],
    "rename": ["RENAME TABLE lab.nothing TO lab.something"],
    "two change places": [
        "CREATE TABLE lab.mouse2 LIKE lab.mouse",
        "INSERT INTO lab.mouse2 VALUES (1, 'b'), (2, 'a'), (3, NULL)",
        "SET foreign_key_checks = 0",
        "RENAME TABLE lab.mouse TO lab.x, lab.mouse2 TO lab.mouse, lab.x TO lab.mouse2",
    ],
    "a column": ["ALTER TABLE lab.mouse ADD COLUMN age INT DEFAULT 3"],
    "a default": ["ALTER TABLE lab.mouse ALTER COLUMN name SET DEFAULT 'z'"],
    "an index": ["ALTER TABLE lab.mouse ADD INDEX (name)"],
    "a counter": ["ALTER TABLE lab.mouse AUTO_INCREMENT = 900"],
    "a table": ["CREATE TABLE lab.more (id INT PRIMARY KEY)"],
    "no table": ["DROP TABLE lab.session"],
    "a view": ["CREATE OR REPLACE VIEW lab.named AS SELECT 1 AS id, 'a' AS name"],
    "a routine": ["CREATE PROCEDURE lab.p() SELECT 1"],
    "a schema": ["CREATE DATABASE another"],
    "a schema's collation": ["ALTER DATABASE lab COLLATE utf8mb4_bin"],
    "no schema": ["DROP DATABASE lab"],
    "another engine": ["INSERT INTO lab.old VALUES (8)"],
    "in an empty table": ["INSERT INTO lab.nothing VALUES (1)"],
    "prepared": [
        "XA START 'x'",
        "INSERT INTO lab.nothing VALUES (1)",
        "XA END 'x'",
        "XA PREPARE 'x'",
        "XA COMMIT 'x'",
    ],
    "a savepoint's rows": [
        "BEGIN",
        "INSERT INTO lab.nothing VALUES (1)",
        "SAVEPOINT s",
        "INSERT INTO lab.session VALUES (9, 1)",
        "ROLLBACK TO s",
        "COMMIT",
    ],
}


@pytest.mark.parametrize("settles", [True, pytest.param(False, marks=pytest.mark.campaign)])
@pytest.mark.thorough
def test_no_change_is_missed(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch, settles: bool
) -> None:
    """Make each kind of change after a snapshot, within a second and later."""
    if settles:
        monkeypatch.setattr(Fingerprint, "is_settled", Fingerprint.is_settled_if_alone)
    keeper = work.keep()
    missed = []
    for kind, statements in CHANGES.items():
        work.server.drop_schemas()
        load(script, work.server.settings)
        if settles:
            wait_a_second(work)
        keeper.now()
        work.execute(*statements)
        after = work.text()
        keeper.now()
        (newest, *_) = keeper.status().snapshots
        work.server.drop_schemas()
        load(work.folder / "kept" / newest.name, work.server.settings)
        if work.text() != after:
            missed.append(kind)
    assert missed == []


def test_after_a_restart_of_the_server_nothing_is_missed(work: Work, script: Path) -> None:
    load(script, work.server.settings)
    keeper = work.keep()
    keeper.now()
    work.server.stop()
    work.server.start()
    assert not keeper.now().made, "a restart changes nothing"
    work.execute("UPDATE lab.mouse SET name = 'y' WHERE id = 1")
    work.server.stop()
    work.server.start()
    before = work.text()
    assert keeper.now().made
    work.new_server()
    work.keep()
    assert work.text() == before


def test_several_notebooks_begin_at_once(work: Work, script: Path) -> None:
    load(script, work.server.settings, once=True)
    work.keep().now()
    before = work.text()
    work.new_server()
    restored = []

    def begin() -> None:
        keeping = Keeping(work.server.settings, KeepPolicy(folder=work.folder / "kept"))
        restored.append(keeping.begin())

    with meanwhile(begin), meanwhile(begin):
        begin()
    assert len(restored) == 3
    assert sum(each is not None for each in restored) == 1
    assert work.text() == before
    assert load(script, work.server.settings, once=True).already_loaded


# What is never overwritten -------------------------------------------------------------------


@pytest.mark.thorough
def test_data_of_another_origin_is_never_overwritten(work: Work, script: Path) -> None:
    load(script, work.server.settings)
    (first,) = work.keep().now().snapshots
    kept = work.text()
    work.new_server()
    work.execute("CREATE DATABASE other", "CREATE TABLE other.t (id INT PRIMARY KEY)")
    other = work.text()
    with pytest.raises(KeepError, match="did not get from there") as raised:
        work.keep()
    assert f"--restore {first.name}" in raised.value.hint
    assert work.text() == other
    keeper = mysql_keep(work.server.settings, folder=work.folder / "kept", begins=False)
    status = keeper.restore(first.name)
    assert status.restored is not None
    assert status.restored.earlier is not None
    assert work.text() != other
    work.execute("DROP DATABASE other")
    assert work.text() == kept
    earlier = keeper.restore(status.restored.earlier.name)
    assert earlier.restored is not None
    work.execute("DROP DATABASE lab")
    assert work.text() == other


@pytest.mark.thorough
def test_a_server_that_comes_with_data_is_a_new_one(work: Work, script: Path) -> None:
    """An operator's image has the tutorial in it, on each pod anew."""
    load(script, work.server.settings)
    work.execute("CREATE DATABASE extra", "CREATE TABLE extra.t (id INT PRIMARY KEY)")
    keeper = work.keep(last=1)
    assert len(keeper.status().snapshots) == 1, "what it came with is kept at once"
    work.execute("DROP DATABASE extra")
    for name in ("a", "b", "c"):
        work.execute(f"INSERT INTO lab.mouse (name) VALUES ('{name}')")
        keeper.now()
    before = work.text()
    for _ in range(2):
        work.new_server()
        load(script, work.server.settings)
        work.execute("CREATE DATABASE extra", "CREATE TABLE extra.t (id INT PRIMARY KEY)")
        work.keep(last=1)
        assert work.text() == before
    work.new_server()
    load(script, work.server.settings)
    work.execute("INSERT INTO lab.mouse (name) VALUES ('of somebody else')")
    with pytest.raises(KeepError, match="did not get from there"):
        work.keep()


@pytest.mark.thorough
def test_now_makes_a_servers_own_data_the_newest(work: Work, script: Path) -> None:
    load(script, work.server.settings)
    work.keep().now()
    work.new_server()
    work.execute("CREATE DATABASE other", "CREATE TABLE other.t (id INT PRIMARY KEY)")
    keeper = mysql_keep(work.server.settings, folder=work.folder / "kept", begins=False)
    assert keeper.now().made
    other = work.text()
    work.keep()
    work.new_server()
    work.keep()
    assert work.text() == other


def test_older_data_does_not_follow_what_is_newer(work: Work, script: Path, tmp_path: Path) -> None:
    """Two servers of one user, one after the other, with one folder."""
    load(script, work.server.settings)
    keeper = work.keep()
    keeper.now()
    (snapshot,) = keeper.status().snapshots
    place = work.folder / "kept" / snapshot.name
    newer = replace(snapshot, name="later", data_id="another", made=snapshot.made + 100)
    place.with_name("later").mkdir()
    newer.write(place.with_name("later"))
    work.execute("INSERT INTO lab.mouse (name) VALUES ('x')")
    with pytest.raises(KeepError, match="older data"):
        keeper._keeping.now(is_automatic=True)
    with pytest.raises(KeepError, match="older data"):
        work.keep()
    assert len(keeper.status().snapshots) == 2


@pytest.mark.thorough
def test_a_server_that_was_exchanged_is_not_kept(work: Work, script: Path) -> None:
    """The sidecar's container starts anew, without its data, in the midst of a session."""
    load(script, work.server.settings)
    keeper = work.keep(every_s=0.05)
    until(lambda: keeper.status().snapshots)
    kept = work.text()
    # First what makes it this server's: else the thread sees one that has lost its tables.
    work.execute("DROP DATABASE sidecar_magics")
    work.server.drop_schemas()
    until(lambda: "is a new one" in keeper.status().problem)
    assert "is a new one" in str(keeper.news())
    assert keeper.news() is None, "once is enough"
    time.sleep(0.2)  # for more of the thread's looks: a moment, not a condition
    assert len(keeper.status().snapshots) == 1
    work.keep()
    assert work.text() == kept


# The thread ----------------------------------------------------------------------------------


@pytest.mark.thorough
def test_what_changes_is_kept_meanwhile(work: Work, script: Path) -> None:
    keeper = work.keep(every_s=0.05, last=3)
    load(script, work.server.settings)
    until(lambda: keeper.status().snapshots)
    for name in ("a", "b", "c"):
        newest = keeper.status().snapshots[0]
        work.execute(f"INSERT INTO lab.mouse (name) VALUES ('{name}')")
        until(lambda: keeper.status().snapshots[0] != newest)  # noqa: B023 - used at once
    until(lambda: len(keeper.status().snapshots) == 3)
    before = work.text()
    work.new_server()
    work.keep()
    assert work.text() == before


def test_the_second_keeper_takes_over(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar_magics.keep.thread.TAKE_OVER_S", 0.05)
    load(script, work.server.settings)
    first, second = work.keep(), work.keep()
    assert f"Kept by process {os.getpid()}" in repr(second.status())
    work.execute("INSERT INTO lab.mouse (name) VALUES ('x')")
    assert second.now().made, "who asks for a snapshot gets it"
    first.off()
    until(lambda: second.status().keeper is None)
    assert "Kept every" in repr(second.status())


def test_the_thread_needs_no_other(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interpreter that ends starts no thread (Python 3.12), and that is when it matters."""
    load(script, work.server.settings)
    keeper = work.keep()

    work.execute("INSERT INTO lab.mouse (name) VALUES ('x')")

    def refuse(*_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr("threading.Thread.start", refuse)
    assert keeper._keeping.now(is_automatic=True) is not None


def test_it_waits_for_a_load(work: Work, script: Path) -> None:
    load(script, work.server.settings, once=True)
    keeper = work.keep()
    with connect_now(work.server.settings) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sidecar_magics.loads (name, size_bytes, options, token, jobs)"
            " VALUES ('x', 1, '', 'abc', 1)"
        )
        connection.commit()
        cursor.execute("INSERT INTO lab.mouse (name) VALUES ('x')")
        connection.commit()
        cursor.execute("SELECT GET_LOCK('sidecar_magics.abc.0', 0)")
        assert keeper._keeping.now(is_automatic=True) is None
        cursor.execute("DO RELEASE_LOCK('sidecar_magics.abc.0')")
    assert keeper._keeping.now(is_automatic=True) is not None


# What goes wrong -----------------------------------------------------------------------------


def test_a_damaged_snapshot_is_not_restored_in_part(work: Work, script: Path) -> None:
    load(script, work.server.settings)
    keeper = work.keep()
    (first,) = keeper.now().snapshots
    before = work.text()
    work.execute("INSERT INTO lab.mouse (name) VALUES ('x')")
    second = keeper.now().snapshots[0]
    work.new_server()
    file = work.folder / "kept" / second.name / "1.lab.mouse.sql.zst"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(KeepError, match=f"{second.name} is damaged: 1.lab.mouse"):
        work.keep()
    assert work.server.schemas() == []
    keeper = mysql_keep(work.server.settings, folder=work.folder / "kept", begins=False)
    keeper.restore(first.name)
    assert work.text() == before


def test_a_damaged_newest_snapshot_is_not_passed_over(work: Work, script: Path) -> None:
    load(script, work.server.settings)
    keeper = work.keep()
    (first,) = keeper.now().snapshots
    work.execute("INSERT INTO lab.mouse (name) VALUES ('x')")
    second = keeper.now().snapshots[0]
    work.new_server()
    (work.folder / "kept" / second.name / "kept.json").write_text("")
    with pytest.raises(KeepError, match=f"{second.name} is damaged"):
        work.keep()
    assert work.server.schemas() == []
    assert keeper.restore(first.name).restored


@pytest.mark.thorough
def test_a_locked_table_is_not_waited_for_without_end(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar_magics.keep.saving.LOCK_WAIT_S", 1)
    load(script, work.server.settings)
    keeper = work.keep()
    with connect_now(work.server.settings) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO lab.mouse (name) VALUES ('x')")
        connection.commit()
        cursor.execute("LOCK TABLES lab.mouse WRITE")
        with pytest.raises(KeepError, match="1205"):
            keeper._keeping.now(is_automatic=True)
        cursor.execute("UNLOCK TABLES")
    assert keeper._keeping.now(is_automatic=True) is not None


@pytest.mark.thorough
def test_the_next_sidecar_may_be_of_the_other_kind(
    mysql_server: Server, mariadb_server: Server, tmp_path: Path, script: Path
) -> None:
    # A trigger has the sql_mode that it was made in, and MariaDB's usual one is unknown to MySQL.
    script.write_text(LAB.partition("CREATE TRIGGER")[0], encoding="utf-8")
    for one, other in ((mysql_server, mariadb_server), (mariadb_server, mysql_server)):
        first, second = Work(one, tmp_path / one.flavour), Work(other, tmp_path / one.flavour)
        first.folder.mkdir()
        load(script, one.settings, once=True)
        first.keep().now()
        rows = first.execute("SELECT * FROM lab.mouse")
        first.new_server()
        second.keep()
        assert second.execute("SELECT * FROM lab.mouse") == rows
        assert load(script, other.settings, once=True).already_loaded
        second.new_server()


def test_a_restore_that_stopped_begins_anew(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(script, work.server.settings)
    work.keep().now()
    before = work.text()
    work.new_server()

    def half(place: Path, settings: Any, **options: Any) -> Any:
        load(place / "0.schemas.sql.zst", settings)
        load(place / "1.lab.mouse.sql.zst", settings)
        stop = place.parent / "stop.sql"
        stop.write_text("nonsense;")
        return load(stop, settings)

    with monkeypatch.context() as patch:
        patch.setattr("sidecar_magics.keep.restoring.load", half)
        with pytest.raises(KeepError, match="only half restored") as raised:
            work.keep()
    assert "%mysql_keep once more" in raised.value.hint
    keeper = mysql_keep(work.server.settings, folder=work.folder / "kept", begins=False)
    with pytest.raises(KeepError, match="half restored, so this is not kept"):
        keeper.now()
    assert work.keep().status().snapshots
    assert work.text() == before


def test_a_restore_that_was_interrupted_begins_anew(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(script, work.server.settings)
    work.keep().now()
    before = work.text()
    work.new_server()

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sidecar_magics.keep.restoring.load", stop)
        with pytest.raises(Interrupted, match="the next %mysql_keep begins anew"):
            work.keep()
    work.keep()
    assert work.text() == before


def test_a_full_disk_harms_nothing(
    work: Work, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(script, work.server.settings)
    keeper = work.keep()
    keeper.now()
    before = work.text()
    work.execute("INSERT INTO lab.mouse (name) VALUES ('x')")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for place in (
        "sidecar_magics.dump.output.OrderedFile._opened",
        "sidecar_magics.keep.saving.share",
        "sidecar_magics.keep.manifest.Manifest.write",
        "sidecar_magics.dump.output.Destination.complete",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(KeepError, match="No space left on device") as raised:
                keeper.now()
            assert "is as it was" in str(raised.value)
            assert "make room" in raised.value.hint
        names = {path.name for path in (work.folder / "kept").iterdir() if path.is_dir()}
        assert names == {keeper.status().snapshots[0].name}, place
    work.new_server()
    work.keep()
    assert work.text() == before


def test_a_server_that_is_gone_is_a_problem_and_no_end(work: Work, script: Path) -> None:
    load(script, work.server.settings)
    keeper = work.keep(every_s=0.05)
    until(lambda: keeper.status().snapshots)
    work.server.stop()
    until(lambda: keeper.status().problem)
    work.server.start()
    until(lambda: not keeper.status().problem)
    before = keeper.status().snapshots[0]
    work.execute("INSERT INTO lab.mouse (name) VALUES ('x')")
    until(lambda: keeper.status().snapshots[0] != before)


def test_an_account_without_rights_hears_which(work: Work) -> None:
    work.execute("CREATE USER poor@'%' IDENTIFIED BY 'x1_Y'")
    try:
        settings = replace(work.server.settings, user="poor", password=Secret("x1_Y"))
        with pytest.raises(Exception, match="the mark of %mysql_keep") as raised:
            mysql_keep(settings, folder=work.folder / "kept")
        assert "CREATE and INSERT" in str(raised.value)
    finally:
        work.execute("DROP USER poor@'%'")


def test_a_password_is_in_no_file(work: Work, script: Path) -> None:
    load(script, work.server.settings, once=True)
    work.keep().now()
    password = work.server.password.encode()
    for path in (work.folder / "kept").rglob("*"):
        if path.is_file():
            assert password not in path.read_bytes(), path


# The magic -----------------------------------------------------------------------------------


def test_the_magic(work: Work, shell: InteractiveShell, script: Path) -> None:
    settings = work.server.settings
    where = f"--host {settings.host} --port {settings.port} --password-env KEEP_PASSWORD"
    os.environ["KEEP_PASSWORD"] = work.server.password
    try:
        run(shell, f"mysql_wait {where}")
        status = run(shell, "mysql_keep --every 30")
        assert "Kept every 30 minutes, and at the end; 0 snapshots" in repr(status)
        run(shell, f"mysql_load {script} --once")
        assert "Kept 5 tables in 1 schema" in repr(run(shell, "mysql_keep --now"))
        assert "Nothing has changed" in repr(run(shell, "mysql_keep --now"))
        listed = run(shell, "mysql_keep --list")
        (snapshot,) = listed.snapshots
        assert f"{snapshot.name}: 5 tables" in repr(listed)
        work.execute("DELETE FROM lab.session")
        restored = run(shell, f"mysql_keep --restore {snapshot.name}")
        assert "Restored 5 tables" in repr(restored)
        assert "is kept as" in repr(restored)
        assert len(work.execute("SELECT * FROM lab.session")) == 2
        assert run(shell, "mysql_keep --status").is_on
        assert run(shell, "mysql_keep --every 1").every_s == 60
        assert not run(shell, "mysql_keep --off").is_on
        assert not run(shell, "mysql_keep --status").is_on
    finally:
        run(shell, "mysql_keep --off")
        del os.environ["KEEP_PASSWORD"]


def test_a_line_that_fails_leaves_what_keeps_already(
    work: Work, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(work.server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", work.server.password)
    (work.folder / "taken").touch()
    wrong = f"mysql_keep --folder {work.folder / 'taken'}"
    with pytest.raises(KeepError, match="a file in its place"):
        run(shell, wrong)
    # The next line is not stopped by it, and neither does it end what keeps.
    first = run(shell, f"mysql_keep --folder {work.folder / 'kept'}")
    assert first.is_on
    magics: Any = shell.magics_manager.registry["SidecarMagics"]
    thread = magics._keeper._thread
    with pytest.raises(KeepError, match="a file in its place"):
        run(shell, wrong)
    assert thread.is_on
    assert run(shell, f"mysql_keep --folder {work.folder / 'other'}").is_on
    assert not thread.is_on
    assert not run(shell, "mysql_keep --off").is_on


def test_a_problem_is_shown_before_the_next_cell_and_once(
    work: Work,
    shell: InteractiveShell,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", str(work.server.port))
    monkeypatch.setenv("SIDECAR_MYSQL_PASSWORD", work.server.password)
    run(shell, "mysql_keep --every 600")
    magics: Any = shell.magics_manager.registry["SidecarMagics"]
    thread = magics._keeper._thread
    thread._fail(KeepError("The disk is full.", hint="make room."))
    shell.run_cell("pass")
    assert "%mysql_keep: The disk is full." in capsys.readouterr().err
    thread._fail(KeepError("The disk is full.", hint="make room."))
    shell.run_cell("pass")
    assert "full" not in capsys.readouterr().err
    assert "The last attempt failed: The disk is full." in repr(run(shell, "mysql_keep --status"))
    manager: Any = shell.extension_manager
    manager.unload_extension("sidecar_magics")
    assert not thread.is_on, "what was unloaded keeps nothing"
    shell.run_cell("pass")


def run(shell: InteractiveShell, line: str) -> Any:
    magic, _, rest = line.partition(" ")
    return shell.run_line_magic(magic, rest)
