"""What MariaDB's system schemas are made from, and how servers are started, without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar_magics.errors import LocalServerError
from sidecar_magics.local.engine import Engine, bootstrap_sql
from sidecar_magics.local.program import Program

# As the packages of 10.11 and of 11.8 have them.
OLD = (
    "mysql_system_tables.sql",
    "mysql_performance_tables.sql",
    "mysql_system_tables_data.sql",
    "fill_help_tables.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mysql_sys_schema.sql",
)
NEW = tuple(name.replace("mysql_", "mariadb_") for name in OLD)


@pytest.mark.parametrize("names", [OLD, NEW], ids=["10.11", "11.8"])
def test_the_scripts_are_found_under_their_old_and_new_names(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    for name in (*names, "mariadb_test_db.sql"):
        (tmp_path / name).write_text(f"-- {name}")
    sql = bootstrap_sql(tmp_path)
    places = [sql.index(f"-- {name}") for name in names]
    assert places == sorted(places)
    assert "test_db" not in sql


def test_a_folder_with_both_names_is_read_once(tmp_path: Path) -> None:
    for name in (*OLD, *NEW):
        (tmp_path / name).write_text("-- here")
    assert bootstrap_sql(tmp_path).count("-- here") == len(OLD)


def test_a_folder_without_the_system_tables_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "fill_help_tables.sql").write_text("INSERT INTO help_topic VALUES (1);")
    with pytest.raises(LocalServerError, match="system tables"):
        bootstrap_sql(tmp_path)


@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_rows_can_be_sent_in_the_way_that_costs_the_server_half(
    flavour: str, tmp_path: Path
) -> None:
    engine = Engine(flavour, "9.7", Program(tmp_path / "mysqld"))
    command = engine.command(tmp_path, port=3306, log=tmp_path / "log", init_file=tmp_path / "init")
    assert "--local-infile=ON" in command
