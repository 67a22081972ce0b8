"""Which server a tutorial means, where it says so in many ways, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar_magics_convert import convert
from sidecar_magics_convert.notebook import Notebook
from tests.unit.test_convert import FIRST, IMPORT, PASTE, converted, folder_with, text_of

THREE = "%load_ext sidecar_magics\n%mysql_wait\n%datajoint_connect"


@pytest.mark.parametrize(
    "command",
    [
        "service mysql start",
        "sudo service mariadb status",
        "sudo systemctl start mysql.service",
        "/etc/init.d/mysql start",
        "mysqld_safe --user=mysql &",
        "brew services start mysql@8.0",
        "apt-get install -y mysql-server > /dev/null",
        "docker run -d --name db -p 3306:3306 -e MYSQL_ROOT_PASSWORD=tutorial datajoint/mysql:8.0",
        "docker run --rm --env=MYSQL_ROOT_PASSWORD=tutorial mysql",
        "docker pull mysql:8.4",
    ],
)
def test_what_starts_a_server_waits_for_the_sidecar(command: str) -> None:
    for source in (f"%%bash\n{command}", f"!{command}"):
        (cell,) = converted(source).changed
        assert cell.after == FIRST
        assert "`sidecar-magics up` starts one" in cell.notes[0]


def test_a_container_has_a_port_and_a_password_of_its_own() -> None:
    conversion = converted(
        "!docker run -d -p 127.0.0.1:3310:3306 -e MYSQL_ROOT_PASSWORD=hunter2 mysql:8.4",
        "%%bash\nmysql -h 127.0.0.1 -P 3310 -phunter2 < a.sql",
    )
    assert conversion.first == f"{FIRST} --port 3310"
    assert conversion.left == ()
    assert "hunter2" not in str(conversion)
    assert all("SIDECAR_MYSQL_PASSWORD" in cell.notes[0] for cell in conversion.changed[:1])
    assert "SIDECAR_MYSQL_PASSWORD" in "".join(conversion.changed[1].notes)


@pytest.mark.parametrize(
    ("cells", "place", "why"),
    [
        (["x = 1", IMPORT, "dj.conn()"], (2, None), "imports datajoint"),
        (["import os\n" + IMPORT + "schema = dj.schema('lab')"], (1, None), "imports datajoint"),
        (["import os\nos.chdir('..')\n\n" + IMPORT], (1, 3), "imports datajoint"),
        (["import os\nos.chdir(find())\n\n" + IMPORT], (1, 4), "imports datajoint"),
        (["import os\nos.chdir('..')", IMPORT], (2, None), "imports datajoint"),
        (["from lab.pipeline import *", "dj.Diagram(schema)"], (1, None), "imports what connects"),
        (["import lab", "lab.Subject & {'a': 1}"], (1, None), "imports what connects"),
        (["from datajoint import schema"], (1, None), "imports datajoint"),
        ([IMPORT + "print(dj.config['database.host'])"], (1, None), "imports datajoint"),
        ([IMPORT + "dj.config['database.host'] = HOST"], (1, None), "imports datajoint"),
    ],
)
def test_lines_that_are_missing_are_offered_with_their_place(
    cells: list[str], place: tuple[int, int | None], why: str
) -> None:
    conversion = converted(*cells)
    assert conversion.text == text_of(*cells)
    offer = conversion.offer
    assert offer is not None
    assert (offer.cell, offer.line) == place
    assert offer.source == THREE
    where = f"line {place[1]} of cell {place[0]}" if place[1] else f"cell {place[0]}"
    assert f"  add before {where}, which {why}" in str(conversion)


@pytest.mark.parametrize(
    "cells",
    [
        ["import numpy", "x & 1"],
        [f"{THREE}\n{IMPORT}", "dj.conn()"],
        ["from sidecar_magics import datajoint_connect\ndatajoint_connect()", IMPORT],
        [IMPORT + "dj.config['database.host'] = 'localhost'", "dj.conn()"],
    ],
)
def test_nothing_is_offered_where_nothing_is_missing(cells: list[str]) -> None:
    assert converted(*cells).offer is None


def test_who_has_waited_is_offered_the_connection_alone() -> None:
    for first in ("%load_ext sidecar_magics\n%mysql_wait", PASTE):
        offer = converted(first, IMPORT + "dj.conn()").offer
        assert offer is not None
        assert (offer.cell, offer.source) == (2, "%datajoint_connect")


def test_reading_the_configuration_is_not_setting_it() -> None:
    source = IMPORT + "print(dj.config['database.host'])\nhost = dj.config['database.host']"
    assert converted(source).cells == ()
    (left,) = converted(IMPORT + "for host in HOSTS:\n    dj.config['database.host'] = host").left
    assert "host of DataJoint's connection is set within other code" in left.why


def test_spyglass_is_offered_its_folders(tmp_path: Path) -> None:
    offer = converted("from spyglass.common import Session").offer
    assert offer is not None
    assert offer.why == "imports spyglass"
    assert "add --spyglass BASE_DIR" in offer.notes[0]
    folder = folder_with(tmp_path, "demo/notebooks/dj_local_conf.json")
    offer = converted("from spyglass.common import Session", folder=folder).offer
    assert offer is not None
    assert offer.source == f"{THREE} --spyglass"
    assert offer.notes == ()


@pytest.mark.parametrize("is_above", [False, True])
def test_settings_that_datajoint_finds_by_itself_are_not_lost(
    is_above: bool, tmp_path: Path
) -> None:
    values = {
        "database.host": "db.lab",
        "database.user": "ann",
        "database.password": "hunter2",
        "database.use_tls": True,
    }
    folder, gone = tmp_path, ""
    if is_above:
        folder, gone = tmp_path / "notebooks", "import os\nos.chdir('..')\n"
        folder.mkdir()
    (tmp_path / "dj_local_conf.json").write_text(json.dumps(values))
    conversion = converted(gone + IMPORT + "dj.conn()", folder=folder)
    assert conversion.offer is not None
    assert conversion.offer.source == (
        "%load_ext sidecar_magics\n%mysql_wait --host db.lab --user ann\n"
        "%datajoint_connect --tls required"
    )
    assert "the password in the file is not taken" in conversion.offer.notes[0]
    # A cell that sets one of them leaves the others to the file.
    cell = gone + IMPORT + "dj.config['database.user'] = 'bob'"
    conversion = converted(cell, folder=folder)
    assert conversion.first == f"{FIRST} --host db.lab --user bob"
    assert conversion.changed[0].after.endswith("%datajoint_connect --tls required")
    assert "the password in the file is not taken" in conversion.changed[0].notes[0]
    assert "hunter2" not in str(conversion)


def test_the_file_of_datajoint_2_is_found_up_to_the_repository(tmp_path: Path) -> None:
    nested = {"database": {"host": "db.lab", "port": 3307}}
    (tmp_path / "datajoint.json").write_text(json.dumps(nested))
    offer = converted(IMPORT, folder=tmp_path / "notebooks").offer
    assert offer is not None
    assert "--host db.lab --port 3307" in offer.source
    (tmp_path / "notebooks" / ".git").mkdir(parents=True)
    offer = converted(IMPORT, folder=tmp_path / "notebooks").offer
    assert offer is not None
    assert offer.source == THREE


def test_cells_that_say_one_thing_each_are_about_one_server() -> None:
    conversion = converted(
        IMPORT + "dj.config['database.host'] = 'db.lab'",
        "dj.config['database.user'] = 'ann'",
        "from getpass import getpass\ndj.config['database.password'] = getpass('Password: ')",
    )
    assert conversion.first == f"{FIRST} --host db.lab --user ann"
    assert conversion.left == ()
    assert "it asked for a password" in conversion.changed[2].notes[0]
    again = convert(Notebook(Path("/nowhere/a.ipynb"), conversion.text))
    assert again.text == conversion.text
    other = converted(
        IMPORT + "dj.config['database.host'] = 'db.lab'", "dj.config['database.host'] = 'db2.lab'"
    )
    assert [cell.why for cell in other.left] == ["it is for another server than cell 1."]


def test_what_goes_on_with_something_that_cannot_be_seen_is_left() -> None:
    conversion = converted(
        IMPORT + "dj.config['database.user'] = USER", "dj.config['database.port'] = 3307"
    )
    assert [cell.number for cell in conversion.left] == [1, 2]
    assert conversion.left[1].why == "it continues the configuration of cell 1."


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.environ['DJ_HOST'] = 'db.lab'\nos.environ['DJ_USER'] = 'ann'",
        IMPORT + "dj.config.database.host = 'db.lab'\ndj.config.database.user = 'ann'",
        IMPORT + "dj.config['database.host'] = 'db.lab:3306'\ndj.config['database.user'] = 'ann'",
    ],
)
def test_a_server_is_set_in_several_ways(source: str) -> None:
    conversion = converted(source)
    assert conversion.first == f"{FIRST} --host db.lab --user ann"
    assert conversion.changed[0].after.endswith("\n%datajoint_connect")


def test_a_kernel_of_another_language_is_left_alone() -> None:
    text = text_of(PASTE).replace('"name": "python3"', '"name": "ir", "language": "R"')
    conversion = convert(Notebook(Path("/nowhere/a.ipynb"), text))
    assert conversion.text == text
    assert "its kernel is for r" in str(conversion)
