"""What --once has loaded stays loaded in a dump of it: the user's changes are not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.dump import dump
from sidecar_magics.load import load, load_sql
from sidecar_magics.schemas import JOURNAL_SCHEMA
from tests.integration.test_load import query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

pytestmark = pytest.mark.server

TUTORIAL = (
    "CREATE DATABASE IF NOT EXISTS lab; USE lab;\nDROP TABLE IF EXISTS mouse;\n"
    "CREATE TABLE mouse (id INT PRIMARY KEY);\nINSERT INTO mouse VALUES (1), (2);\n"
)
OTHER = "CREATE DATABASE other; CREATE TABLE other.t (a INT);"


@pytest.fixture(params=["mysql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def tutorial(tmp_path: Path) -> Path:
    path = tmp_path / "tutorial.sql"
    path.write_text(TUTORIAL)
    return path


def mice(server: Server) -> list[tuple[int]]:
    rows: list[tuple[int]] = query(server.settings, "SELECT id FROM lab.mouse ORDER BY id")
    return rows


@pytest.mark.parametrize("name", ["work.sql.gz", "work/"])
@pytest.mark.parametrize("is_loaded_first", [True, False])
def test_a_dump_brings_the_record_along(
    server: Server, tutorial: Path, tmp_path: Path, name: str, is_loaded_first: bool
) -> None:
    load(tutorial, server.settings, once=True)
    load_sql("INSERT INTO lab.mouse VALUES (9999)", server.settings)
    work = f"{tmp_path}/{name}"
    dump(work, server.settings)
    server.drop_schemas()
    if is_loaded_first:
        load(tutorial, server.settings, once=True)
    load(work, server.settings)
    report = load(tutorial, server.settings, once=True)
    assert report.already_loaded
    assert mice(server) == [(1,), (2,), (9999,)]
    again = tmp_path / "again.sql"
    dump(again, server.settings)
    server.drop_schemas()
    load(again, server.settings)
    dump(tmp_path / "third.sql", server.settings)
    assert (tmp_path / "third.sql").read_bytes() == again.read_bytes()


def test_a_dump_that_is_not_whole_has_no_record(
    server: Server, tutorial: Path, tmp_path: Path
) -> None:
    load(tutorial, server.settings, once=True)
    load_sql(OTHER, server.settings)
    ways: dict[str, dict[str, Any]] = {
        "other": {"schemas": ("other",)},
        "rows": {"where": "id > 1", "tables": ("lab.*",)},
        "definitions": {"schema_only": True},
    }
    for name, options in ways.items():
        path = tmp_path / f"{name}.sql"
        dump(path, server.settings, **options)
        assert "--once" not in path.read_text()


def test_a_part_of_a_dump_enters_no_record(server: Server, tutorial: Path, tmp_path: Path) -> None:
    load(tutorial, server.settings, once=True)
    work = tmp_path / "work.sql"
    dump(work, server.settings)
    ways: list[dict[str, Any]] = [{"tables": ("lab.m*",)}, {"into": "mine"}, {"schema_only": True}]
    for options in ways:
        server.drop_schemas()
        load(work, server.settings, **options)
        assert not load(tutorial, server.settings, once=True).already_loaded


@pytest.mark.parametrize("edited", ["{}", "{", '{"name": "00"}', "[1]", '{"in_schemas": "zz"}'])
def test_a_record_that_was_edited_is_passed_over(
    server: Server, tutorial: Path, tmp_path: Path, edited: str
) -> None:
    load(tutorial, server.settings, once=True)
    work = tmp_path / "work.sql"
    dump(work, server.settings)
    text = work.read_text()
    begins = text.index(mark := "-- Loaded before with --once: ") + len(mark)
    work.write_text(text[:begins] + edited + text[text.index("\n", begins) :])
    server.drop_schemas()
    assert load(work, server.settings).notes == []
    assert mice(server) == [(1,), (2,)]
    assert JOURNAL_SCHEMA not in server.schemas()
