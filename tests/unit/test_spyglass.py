"""Spyglass's folders and stores, and the configuration file that is written."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.dj.config import ConfigFile
from sidecar_magics.dj.save import save
from sidecar_magics.dj.spyglass import look_for, missing
from sidecar_magics.errors import DataJointConnectionError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

LINE: Any = SimpleNamespace(version="0.14.10")


def base_in(folder: object) -> dict[str, Any]:
    return {"custom": {"spyglass_dirs": {"base": str(folder)}}}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a tutorial's folder of notebooks; nothing is said in the environment."""
    for name in ("SPYGLASS_BASE_DIR", "DJ_SUPPORT_FILEPATH_MANAGEMENT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path.resolve() / "demo" / "notebooks"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


# Which folder -------------------------------------------------------------------------------------


def test_a_folder_may_be_relative_and_need_not_exist(here: Path) -> None:
    assert look_for("../data", LINE, {}).base == here.parent / "data"
    assert not (here.parent / "data").exists()


def test_a_folder_on_the_line_goes_before_the_configuration(here: Path) -> None:
    found = look_for("data", LINE, base_in("/home/jovyan/demo"))
    assert found.base == here / "data"
    assert found.notes == (
        'dj.config["custom"]["spyglass_dirs"]["base"] names /home/jovyan/demo; '
        "--spyglass overrides it.",
    )
    assert look_for("data", LINE, base_in(here / "data")).notes == ()


def test_without_a_folder_it_is_the_configured_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPYGLASS_BASE_DIR", str(here / "b"))
    (here / "a").mkdir()
    (here / "b").mkdir()
    assert look_for("", LINE, base_in(here / "a")).base == here / "a"
    assert look_for("", LINE, {"custom": None}).base == here / "b"
    assert look_for("", LINE, base_in("new")).base == here / "new"


def test_a_folder_of_another_machine_is_found_on_this_one(here: Path) -> None:
    (here.parent / "data").mkdir()
    found = look_for("", LINE, base_in("/home/jovyan/demo/data"))
    assert found.base == here.parent / "data"
    assert found.notes[0].endswith(
        f"names /home/jovyan/demo/data, which is not on this machine; {found.base} is used."
    )
    # The whole tutorial as base folder.
    assert look_for("", LINE, base_in("/home/jovyan/demo")).base == here.parent


def test_the_longer_end_of_a_path_is_the_better_one(here: Path) -> None:
    (here / "data").mkdir()
    (here.parent / "data").mkdir()
    assert look_for("", LINE, base_in("/home/jovyan/demo/data")).base == here.parent / "data"


def test_a_folder_that_is_nowhere_is_explained() -> None:
    with pytest.raises(SettingsError, match="/home/jovyan/elsewhere") as caught:
        look_for("", LINE, base_in("/home/jovyan/elsewhere"))
    assert "--spyglass BASE_DIR" in caught.value.hint
    with pytest.raises(SettingsError, match="nor SPYGLASS_BASE_DIR names one"):
        look_for("", LINE, {})


def test_a_file_is_no_folder(here: Path) -> None:
    (here / "data").touch()
    with pytest.raises(SettingsError, match="is a file"):
        look_for("data", LINE, {})


def test_spyglass_in_test_mode_wants_a_folder_called_tests(here: Path) -> None:
    values = {"custom": {"test_mode": "true"}}
    with pytest.raises(SettingsError, match="test_mode"):
        look_for("data", LINE, values)
    assert look_for("tests/data", LINE, values).base == here / "tests" / "data"


def test_datajoint_2_is_refused() -> None:
    newer: Any = SimpleNamespace(version="2.3.5")
    with pytest.raises(
        DataJointConnectionError, match=r"needs DataJoint 0\.14, and this kernel has 2\.3"
    ):
        look_for("data", newer, {})


@pytest.mark.parametrize("imported", [None, "/another"])
def test_an_imported_spyglass_cannot_be_changed(
    imported: str | None, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Any = ModuleType("spyglass.settings")
    module.base_dir = imported
    monkeypatch.setitem(sys.modules, "spyglass.settings", module)
    with pytest.raises(DataJointConnectionError, match="imported already") as caught:
        look_for("data", LINE, {})
    assert "restart the kernel" in caught.value.hint
    module.base_dir = str(here / "data")
    assert look_for("data", LINE, {}).base == here / "data"


def test_a_variable_in_the_folder_is_taken(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB", str(here / "lab"))
    assert look_for("$LAB/data", LINE, {}).base == here / "lab" / "data"


@pytest.mark.parametrize(
    ("name", "unknown"),
    [
        ("$NOWHERE/data", "$NOWHERE"),
        ("{variable}/data", "{variable}"),  # IPython leaves what it does not know
        ("~nobody-of-this-name/data", "~nobody-of-this-name"),
    ],
)
def test_no_folder_is_made_of_what_is_not_known(here: Path, name: str, unknown: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"names {unknown}, which")):
        look_for(name, LINE, {})
    assert list(here.iterdir()) == []


def test_folders_below_the_old_base_move_with_it(here: Path) -> None:
    values = base_in("/home/jovyan/demo")
    values["custom"]["spyglass_dirs"]["raw"] = "/home/jovyan/demo/nwb/raw"
    found = look_for("data", LINE, values)
    assert found.folders["spyglass_dirs"]["raw"] == here / "data" / "nwb" / "raw"
    assert found.settings(values)["stores"]["raw"]["location"] == str(here / "data" / "nwb" / "raw")
    assert len(found.notes) == 1, "the base was another, and no more than that"


def test_a_folder_elsewhere_stays_if_it_is_on_this_machine(here: Path) -> None:
    (here / "laboratory").mkdir()
    values: dict[str, Any] = {
        "custom": {
            "spyglass_dirs": {"raw": str(here / "laboratory"), "video": "/nowhere", "temp": None},
            "dlc_dirs": "not a group",
        }
    }
    found = look_for("data", LINE, values)
    assert found.folders["spyglass_dirs"]["raw"] == here / "laboratory"
    assert found.folders["spyglass_dirs"]["video"] == here / "data" / "video"
    assert found.folders["spyglass_dirs"]["temp"] == here / "data" / "tmp"
    assert found.notes == (
        f"Not below the base folder, as configured: spyglass_dirs raw {here / 'laboratory'}.",
    )


def test_a_base_of_another_machine_is_told_without_being_asked(here: Path) -> None:
    assert missing({}) == ""
    assert missing(base_in(here)) == ""
    assert missing({"custom": ["by hand"]}) == ""
    assert "/home/jovyan/demo, from dj.config" in missing(base_in("/home/jovyan/demo"))


# What is set --------------------------------------------------------------------------------------


def test_other_stores_and_settings_are_kept(here: Path) -> None:
    other = {"protocol": "s3", "bucket": "b"}
    before: dict[str, Any] = {
        "stores": {"s": other, "raw": {"location": "/home/jovyan/raw"}},
        "custom": {"spyglass_dirs": {"raw": "/home/jovyan/raw"}, "kachery_zone": "z"},
    }
    new = look_for(".", LINE, before).settings(before)
    assert new["stores"]["s"] == other
    assert new["stores"]["raw"] == {
        "protocol": "file",
        "location": str(here / "raw"),
        "stage": str(here / "raw"),
    }
    assert new["custom"]["kachery_zone"] == "z"
    assert new["custom"]["spyglass_dirs"]["base"] == str(here)
    assert new["custom"]["spyglass_dirs"]["sorting"] == str(here / "spikesorting")
    assert "jovyan" not in json.dumps(new)
    assert before["custom"]["spyglass_dirs"] == {"raw": "/home/jovyan/raw"}, "as it was given"
    assert list(before["custom"]) == ["spyglass_dirs", "kachery_zone"]


def test_the_environment_is_put_back_after_a_failure(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPYGLASS_BASE_DIR", "before")
    failing = look_for("data", LINE, {}).prepared()
    with pytest.raises(ZeroDivisionError), failing:  # noqa: PT012 - what is within is looked at
        assert os.environ["SPYGLASS_BASE_DIR"] == str(here / "data")
        assert os.environ["DJ_SUPPORT_FILEPATH_MANAGEMENT"] == "TRUE"
        assert (here / "data" / "spikesorting").is_dir()
        raise ZeroDivisionError
    assert os.environ["SPYGLASS_BASE_DIR"] == "before"
    assert "DJ_SUPPORT_FILEPATH_MANAGEMENT" not in os.environ


def test_a_folder_that_cannot_be_made_is_named(here: Path) -> None:
    (here / "file").touch()
    with pytest.raises(SettingsError, match="cannot be made: Not a directory"):
        look_for("file/data", LINE, {}).prepared().__enter__()
    assert "SPYGLASS_BASE_DIR" not in os.environ


# The file -----------------------------------------------------------------------------------------

VALUES = {
    "database.host": "127.0.0.1",
    "database.password": "s3cret",
    "stores": {"raw": {"location": "/new"}, "s": {"bucket": "b", "secret_key": "s3cret"}},
}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_for_its_owner_only(here: Path) -> None:
    path = here / "dj_local_conf.json"
    assert save(path, VALUES) == "Saved in dj_local_conf.json, without a password."
    assert mode_of(path) == 0o600
    assert "s3cret" not in path.read_text()
    assert json.loads(path.read_text())["stores"]["s"] == {"bucket": "b"}
    assert [each.name for each in here.iterdir()] == [path.name]
    assert save(path, VALUES) == "dj_local_conf.json has these settings already."


def test_a_file_is_changed_and_kept(here: Path) -> None:
    path = here / "c.json"
    before = json.dumps(
        {
            "database.password": "of the file",
            "fetch_format": "frame",
            "stores": {"raw": {"location": "/old"}, "s": {"secret_key": "own"}},
        }
    )
    path.write_text(before)
    said = save(path, VALUES)
    assert said.endswith("contains an earlier password; the earlier version is in c.json.bak.")
    after = json.loads(path.read_text())
    assert after["database.password"] == "of the file"
    assert after["fetch_format"] == "frame"
    assert after["stores"] == {
        "raw": {"location": "/new"},
        "s": {"secret_key": "own", "bucket": "b"},
    }
    assert (here / "c.json.bak").read_text() == before
    assert mode_of(here / "c.json.bak") == mode_of(path) == 0o600
    save(path, {"fetch_format": "array"})
    assert (here / "c.json.bak").read_text() == before, "the first is not lost"
    assert json.loads((here / "c.json.bak2").read_text()) == after


def test_a_link_goes_on_being_one(here: Path) -> None:
    (here / "real.json").write_text("{}")
    (here / "link.json").symlink_to("real.json")
    save(here / "link.json", VALUES)
    assert (here / "link.json").is_symlink()
    assert json.loads((here / "real.json").read_text())["database.host"] == "127.0.0.1"


def test_a_file_that_cannot_be_written_is_as_it_was(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here / "c.json"
    path.write_text("{}")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="cannot be written: No space left"):
        save(path, VALUES)
    assert path.read_text() == "{}"
    assert [each.name for each in here.iterdir()] == ["c.json"]


@pytest.mark.parametrize("text", ["{nothing", "[" * 100_000, ""])
def test_a_file_that_is_no_json_is_left_alone(here: Path, text: str) -> None:
    path = here / "c.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match="is not JSON"):
        save(path, VALUES)
    assert path.read_text() == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_may_be_written_by_an_editor_of_windows(here: Path, encoding: str) -> None:
    path = here / "c.json"
    path.write_text('{"custom": {"name": "Ångström"}}', encoding=encoding)
    assert ConfigFile.read("c.json").others == {"custom": {"name": "Ångström"}}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"database.password": 12345}, "database.password in the configuration file c.json"),
        ({"database": {"host": ["a"]}}, "database.host in"),
        ({"database.use_tls": "false"}, "must be true or false or an object"),
        ({"stores": "raw"}, "stores in"),
        ({"custom": [1]}, "custom in"),
    ],
)
def test_a_value_of_another_kind_is_told(here: Path, values: Any, told: str) -> None:
    (here / "c.json").write_text(json.dumps(values))
    with pytest.raises(SettingsError, match=re.escape(told)) as error:
        ConfigFile.read("c.json")
    assert "12345" not in str(error.value)
