"""Accounts that may not see everything: what they dump and keep says what it may lack."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.connection import connect_now
from sidecar_magics.dump import dump
from sidecar_magics.errors import DumpError, KeepError
from sidecar_magics.keep import KeepPolicy
from sidecar_magics.keep.keeping import Keeping
from sidecar_magics.settings import ConnectionSettings, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from tests.servers import Server

pytestmark = pytest.mark.server

LAB = (
    "CREATE DATABASE lab",
    "CREATE TABLE lab.t (id INT PRIMARY KEY, v INT)",
    "CREATE TABLE lab.u (id INT PRIMARY KEY, v INT)",
    "INSERT INTO lab.t VALUES (1, 1)",
    "CREATE TRIGGER lab.tr BEFORE INSERT ON lab.t FOR EACH ROW SET NEW.v = 5",
    "CREATE TRIGGER lab.ur BEFORE INSERT ON lab.u FOR EACH ROW SET NEW.v = 5",
    "CREATE VIEW lab.vw AS SELECT * FROM lab.t",
    "CREATE PROCEDURE lab.p() SELECT 1",
    "CREATE FUNCTION lab.f() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE EVENT lab.ev ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
)
OBJECTS = {
    "tables": ("TABLE `t`", "TABLE `u`"),
    "views": ("VIEW `lab`.`vw`",),
    "triggers": ("Trigger tr", "Trigger ur"),
    "routines": ("PROCEDURE `p`", "FUNCTION `f`"),
    "events": ("EVENT `ev`",),
}
LACKS = ("tables", "views", "triggers", "routines", "events")
ME = "me@'%'"
Rights = tuple[str, ...]
MOST = "SELECT, SHOW VIEW, TRIGGER, EVENT"
WHOLE = f"{MOST}, EXECUTE"
# Grants, and what the account may not see then; `r` is a role of its own that is active.
EVERYWHERE: dict[str, tuple[Rights, tuple[str, ...]]] = {
    "all": (("ALL ON *.* TO me",), ()),
    "all of the schema": (("ALL ON lab.* TO me",), ("routines",)),
    "select": (("SELECT ON *.* TO me",), ("views", "triggers", "events")),
    "select of the schema": (("SELECT ON lab.* TO me",), LACKS[1:]),
    "no trigger": (("SELECT, SHOW VIEW, EVENT ON *.* TO me",), ("triggers",)),
    "no event": (("SELECT, SHOW VIEW, TRIGGER ON *.* TO me",), ("events",)),
    "no view": (("SELECT, EVENT, TRIGGER ON *.* TO me",), ("views",)),
    "no routine": ((f"{MOST} ON lab.* TO me",), ("routines",)),
    "routines by name": ((f"{MOST}, EXECUTE ON lab.* TO me",), ("routines",)),
    "one routine": (
        (f"{MOST} ON lab.* TO me", "EXECUTE ON PROCEDURE lab.p TO me"),
        ("routines",),
    ),
    "one table": (("SELECT, TRIGGER ON lab.t TO me",), LACKS),
    "tables": (
        ("SELECT, TRIGGER ON lab.t TO me", "SELECT ON lab.u TO me"),
        LACKS,
    ),
    "each table": (
        (
            "SELECT, TRIGGER ON lab.t TO me",
            "SELECT, TRIGGER ON lab.u TO me",
            "SELECT, SHOW VIEW ON lab.vw TO me",
            "SELECT ON lab.* TO me",
            "EVENT ON lab.* TO me",
        ),
        ("routines",),
    ),
    "pattern": ((f"{WHOLE} ON `l_b`.* TO me",), ("routines",)),
    "other pattern": ((f"{WHOLE} ON `l\\_b`.* TO me", "SELECT ON lab.* TO me"), LACKS[1:]),
    "name before pattern": ((f"{WHOLE} ON `la%`.* TO me", "SELECT ON lab.* TO me"), LACKS[1:]),
    "longer pattern": (
        (f"{WHOLE} ON `l%`.* TO me", "SELECT ON `la%`.* TO me"),
        LACKS[1:],
    ),
    "role": ((f"{WHOLE} ON *.* TO r",), ()),
    "role and own": ((f"{MOST} ON *.* TO r", "EXECUTE ON lab.* TO me"), ()),
}
# What only one of the servers has, or what differs.
OF_ONE: dict[str, dict[str, tuple[Rights, tuple[str, ...]]]] = {
    "mysql": {
        "show_routine": ((f"{MOST} ON lab.* TO me", "SHOW_ROUTINE ON *.* TO me"), ()),
        "no more than mysql": ((f"{MOST} ON lab.* TO me", "SELECT ON mysql.* TO me"), LACKS[3:4]),
        "revoked": (
            (f"{WHOLE} ON *.* TO me", "REVOKE TRIGGER, EVENT ON lab.* FROM me"),
            ("triggers", "events"),
        ),
        "revoked of routines": (
            (f"{WHOLE} ON *.* TO me", "REVOKE SELECT, EXECUTE ON lab.* FROM me"),
            ("routines",),
        ),
        "name before pattern of a role": (
            (f"{WHOLE} ON `la%`.* TO r", "SELECT ON lab.* TO me"),
            LACKS[1:],
        ),
        "patterns with a role": (
            (f"{WHOLE} ON `l%`.* TO me", "SELECT ON `la%`.* TO r"),
            ("routines",),
        ),
    },
    "mariadb": {
        "mysql.proc": ((f"{MOST} ON lab.* TO me", "SELECT ON mysql.proc TO me"), ()),
        "mysql": ((f"{MOST} ON lab.* TO me", "SELECT ON mysql.* TO me"), ()),
        "public": (
            ("SELECT ON lab.* TO me", "SHOW VIEW, TRIGGER, EVENT ON lab.* TO PUBLIC"),
            LACKS[3:4],
        ),
        "pattern of a role": (
            (f"{WHOLE} ON `la%`.* TO r", "SELECT ON lab.* TO me"),
            ("routines",),
        ),
    },
}


class Lab:
    """A server with something of everything, and an account."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.root = server.settings
        self.has_public = False
        self.me: ConnectionSettings = replace(server.settings, user="me", password=Secret("x"))

    def execute(self, *statements: str) -> None:
        with connect_now(self.root) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def make(self) -> None:
        self.execute(*LAB)
        self.execute(f"CREATE USER {ME} IDENTIFIED BY 'x'", "CREATE ROLE r", f"GRANT r TO {ME}")

    def grant(self, *rights: str, activate: bool = True) -> None:
        for right in rights:
            self.has_public = self.has_public or right.endswith(" TO PUBLIC")
            if right.startswith("REVOKE"):
                self.execute("SET GLOBAL partial_revokes = ON", f"{right[:-2]}{ME}")
            else:
                self.execute("GRANT " + re.sub(r" TO me\Z", f" TO {ME}", right))
        if activate and any(right.endswith(" TO r") for right in rights):
            word = "TO" if self.server.flavour == "mysql" else "FOR"
            self.execute(f"SET DEFAULT ROLE r {word} {ME}")

    def tidy(self) -> None:
        self.execute(f"DROP USER {ME}", "DROP ROLE r")
        if self.server.flavour == "mysql":
            self.execute("SET GLOBAL partial_revokes = OFF")
        elif self.has_public:
            self.execute("REVOKE ALL PRIVILEGES, GRANT OPTION FROM PUBLIC")

    def text(self, settings: ConnectionSettings, folder: Path, *, force: bool = False) -> str:
        dump(folder / "d.sql", settings, schemas="lab", force=force)
        return (folder / "d.sql").read_text(encoding="utf-8")


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Yield a server with a schema, and an account without any rights."""
    flavour = getattr(request, "param", "mysql")
    lab = Lab(request.getfixturevalue(f"{flavour}_server"))
    lab.make()
    yield lab
    lab.tidy()


both = pytest.mark.parametrize("lab", ["mysql", "mariadb"], indirect=True)


def lacking(text: str, whole: str) -> set[str]:
    """Return of what kinds a dump has less than another one."""
    words = ((kind, word) for kind, those in OBJECTS.items() for word in those)
    return {kind for kind, word in words if word in whole and word not in text}


@both
@pytest.mark.parametrize("name", EVERYWHERE)
def test_what_an_account_does_not_see_is_said(lab: Lab, name: str, tmp_path: Path) -> None:
    check_rights(lab, *EVERYWHERE[name], tmp_path)


@pytest.mark.parametrize(
    ("lab", "name"),
    [(flavour, name) for flavour, cases in OF_ONE.items() for name in cases],
    indirect=["lab"],
)
def test_what_an_account_of_one_kind_of_server_does_not_see_is_said(
    lab: Lab, name: str, tmp_path: Path
) -> None:
    check_rights(lab, *OF_ONE[lab.server.flavour][name], tmp_path)


def check_rights(lab: Lab, rights: Rights, hidden: tuple[str, ...], folder: Path) -> None:
    """Check that whoever has these rights hears of what is hidden, and how to see it."""
    lab.grant(*rights)
    whole = lab.text(lab.root, folder)
    assert lacking("", whole) == set(LACKS), "root's has everything"
    if not hidden:
        assert lab.text(lab.me, folder) == whole
        return
    (folder / "d.sql").unlink()
    with pytest.raises(DumpError, match="The account me@% does not see all") as caught:
        lab.text(lab.me, folder)
    assert not (folder / "d.sql").exists()
    said = re.search(r"does not see all (.*) of lab:", caught.value.message)
    assert said
    assert set(re.split(r", | and ", said[1])) == set(hidden)
    is_revoked = any(word.startswith("REVOKE") for word in rights)
    if not is_revoked:  # or its rows are refused
        check_forced(lab, hidden, whole, folder)
    # What it says is enough, and takes nothing away; no right on a schema ends what is revoked.
    if not is_revoked:
        lab.execute(*(line for line in caught.value.details if line.startswith("GRANT ")))
        assert lab.text(lab.me, folder) == whole


def check_forced(lab: Lab, hidden: tuple[str, ...], whole: str, folder: Path) -> None:
    """Check that what is missing with --force is named in the report and in the file."""
    report = dump(folder / "mine.sql", lab.me, schemas="lab", force=True)
    text = (folder / "mine.sql").read_text(encoding="utf-8")
    assert set() < lacking(text, whole) <= set(hidden)
    (sentence,) = report.hidden
    assert all(kind in sentence for kind in hidden)
    assert sentence in str(report)
    assert f"-- {sentence}\n" in text


@both
def test_a_part_of_a_schema_needs_fewer_rights(lab: Lab, tmp_path: Path) -> None:
    lab.grant("SELECT ON lab.t TO me")
    rows_of_it: tuple[dict[str, Any], ...] = (
        {"tables": "lab.t", "data_only": True},
        {"tables": ["t"], "data_only": True},
    )
    for options in rows_of_it:
        assert dump(tmp_path / "d.sql", lab.me, schemas="lab", **options).rows == 1
    with pytest.raises(DumpError, match="all triggers of lab:"):
        dump(tmp_path / "d.sql", lab.me, schemas="lab", tables="lab.t")
    with pytest.raises(DumpError, match="all tables of lab:"):
        dump(tmp_path / "d.sql", lab.me, schemas="lab", tables="*", data_only=True)
    lab.grant("TRIGGER ON lab.t TO me")
    report = dump(tmp_path / "d.sql", lab.me, schemas="lab", tables="lab.t")
    assert (report.triggers, report.hidden) == (1, [])


@both
def test_schemas_that_an_account_does_not_see_are_said(lab: Lab, tmp_path: Path) -> None:
    lab.grant(
        f"{WHOLE} ON lab.* TO me",
        "SELECT ON mysql.proc TO me" if is_mariadb(lab) else "SHOW_ROUTINE ON *.* TO me",
    )
    lab.execute("CREATE DATABASE other")
    report = dump(tmp_path / "d.sql", lab.me)
    assert report.schemas == ["lab"]
    assert "sees some schemas only" in str(report)
    assert "some schemas only" not in str(dump(tmp_path / "d.sql", lab.me, schemas="lab"))
    assert "some schemas only" not in str(dump(tmp_path / "d.sql", lab.root))


@both
def test_a_role_that_is_not_active_is_named(lab: Lab, tmp_path: Path) -> None:
    lab.grant("SELECT ON *.* TO me", f"{WHOLE} ON *.* TO r", activate=False)
    with pytest.raises(DumpError) as caught:
        lab.text(lab.me, tmp_path)
    assert caught.value.details[0].startswith("Its roles are not active: `r`")
    assert len(str(caught.value).splitlines()) <= 8


@both
def test_keeping_stops_rather_than_lose_something(lab: Lab, tmp_path: Path) -> None:
    lab.grant(
        "SELECT, SHOW VIEW, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, EXECUTE ON *.* TO me"
    )
    folder = tmp_path / "kept"
    by_root = Keeping(lab.root, KeepPolicy(folder=folder, last=1))
    whole = by_root.now()
    lab.execute("INSERT INTO lab.t VALUES (2, 2)")
    with pytest.raises(KeepError, match="all triggers and events of lab") as caught:
        Keeping(lab.me, KeepPolicy(folder=folder, last=1)).now()
    assert any(line.startswith("GRANT TRIGGER, EVENT ON `lab`") for line in caught.value.details)
    assert len(str(caught.value).splitlines()) <= 8
    assert by_root.snapshots() == [whole]
    forced = Keeping(lab.me, KeepPolicy(folder=folder, last=1, force=True))
    partial = forced.now()
    assert partial is not None
    assert partial.is_partial
    assert any(line.startswith("May lack triggers") for line in partial.left_out)
    lab.execute("INSERT INTO lab.t VALUES (3, 3)")
    last = forced.now()
    # The whole one stays, however many follow it.
    assert by_root.snapshots() == [last, whole]
    # What may be lost by it is not restored over.
    with pytest.raises(KeepError, match="all triggers and events"):
        Keeping(lab.me, KeepPolicy(folder=folder)).restore(str(whole and whole.name))


def test_through_the_magic(
    lab: Lab, tmp_path: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.grant("SELECT ON *.* TO me")
    monkeypatch.setenv("MYSQL_PWD", "x")
    where = f"--host 127.0.0.1 --port {lab.me.port} --user me"
    with pytest.raises(DumpError, match="does not see all views, triggers and events"):
        shell.run_line_magic("mysql_dump", f"{tmp_path}/d.sql lab {where}")
    report = shell.run_line_magic("mysql_dump", f"{tmp_path}/d.sql lab --force {where}")
    assert report.hidden


def is_mariadb(lab: Lab) -> bool:
    return lab.server.flavour == "mariadb"
