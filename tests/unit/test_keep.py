"""What is decided about kept snapshots, and their manifests, without a server."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics import cli
from sidecar_magics.errors import KeepError, SettingsError, UsageError
from sidecar_magics.keep.choice import FirstStep, choose, too_old
from sidecar_magics.keep.fingerprints import Activity
from sidecar_magics.keep.folder import KeepFolder, Seen
from sidecar_magics.keep.manifest import (
    MANIFEST,
    KeptTable,
    Manifest,
    described,
    read_manifest,
    verify,
)
from sidecar_magics.keep.marker import Marker
from sidecar_magics.keep.policy import KeepPolicy
from sidecar_magics.keep.report import KeepStatus
from sidecar_magics.keep.saving import share
from sidecar_magics.settings import ConnectionSettings
from tests.background import running

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86400.0
NOON = 20_000 * DAY_S + 43200


def made(at: float, data_id: str = "a", **facts: Any) -> Manifest:
    return Manifest(f"s{at:.0f}", at, data_id, **facts)


def put(
    folder: KeepFolder, at: float, data_id: str = "a", text: bytes = b"SELECT 1;\n"
) -> Manifest:
    """Make a snapshot of one file."""
    snapshot = made(at, data_id)
    place = folder.place(snapshot)
    place.mkdir(parents=True)
    (place / "1.sql").write_bytes(text)
    snapshot = replace(
        snapshot,
        schemas=("lab",),
        tables={"lab.t": KeptTable("1.sql", 3)},
        files={"1.sql": described(place / "1.sql")},
    )
    snapshot.write(place)
    return snapshot


# What to do first ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marker", "newest", "has_data", "step"),
    [
        (None, None, False, FirstStep.CONTINUE),
        (None, None, True, FirstStep.CONTINUE),
        (None, "a", False, FirstStep.RESTORE),
        (None, "a", True, FirstStep.REFUSE_UNKNOWN),
        (Marker("a"), "a", True, FirstStep.CONTINUE),
        (Marker("a"), "a", False, FirstStep.CONTINUE),  # the user has dropped everything
        (Marker("b", "s2"), "a", True, FirstStep.CONTINUE),  # it was restored from there
        (Marker("b", "s1"), "a", True, FirstStep.REFUSE_OTHER),
        (Marker("b", "s1"), "a", False, FirstStep.RESTORE),
        (Marker("b"), None, True, FirstStep.CONTINUE),
        (Marker("b", "s2", is_restoring=True), "a", True, FirstStep.RESTORE_AGAIN),
        (Marker("b", "gone", is_restoring=True), "a", True, FirstStep.RESTORE_AGAIN),
        (Marker("b", "gone", is_restoring=True), None, True, FirstStep.CONTINUE),
    ],
)
def test_what_is_done_first(
    marker: Marker | None, newest: str | None, has_data: bool, step: FirstStep
) -> None:
    snapshots = [made(2, newest), made(1, "b")] if newest else []
    assert choose(marker, snapshots, has_data=has_data).step is step


def test_a_half_restored_snapshot_is_restored_again_and_not_the_newest() -> None:
    marker = Marker("b", "s1", is_restoring=True)
    assert choose(marker, [made(2), made(1)], has_data=True).snapshot == made(1)


# Which go ------------------------------------------------------------------------------------


def test_the_last_ones_stay_and_one_of_each_earlier_day() -> None:
    hours = [NOON - hour * 3600 for hour in range(24 * 20)]
    snapshots = [made(at) for at in hours]
    doomed = too_old(snapshots, 5)
    left = [each for each in snapshots if each not in doomed]
    assert left[:5] == snapshots[:5]
    days = [int(each.made // DAY_S) for each in left[5:]]
    assert days == [20_000 - day for day in range(1, 8)]
    for each in left[5:]:
        assert each.made % DAY_S == 23 * 3600, "the last one of its day"


def test_what_servers_had_at_first_stays() -> None:
    snapshots = [made(NOON - hour * 3600, is_first=hour % 3 == 2) for hour in range(24 * 20)]
    left = [each for each in snapshots if each not in too_old(snapshots, 5)]
    assert [each for each in left if each.is_first][:3] == snapshots[2:9:3]
    assert len(left) <= 5 + 7 + 3


def test_the_newest_complete_one_stays() -> None:
    snapshots = [made(NOON - hour, is_partial=hour < 30) for hour in range(60)]
    left = [each for each in snapshots if each not in too_old(snapshots, 5)]
    assert left == [*snapshots[:5], snapshots[30]]


def test_the_newest_always_stays() -> None:
    draw = random.Random(3)
    for _ in range(300):
        moments = sorted(draw.uniform(0, 40 * DAY_S) for _ in range(draw.randrange(1, 30)))
        snapshots = [made(at) for at in reversed(moments)]
        last = draw.randrange(1, 8)
        doomed = too_old(snapshots, last)
        assert not {each.name for each in snapshots[:last]} & {each.name for each in doomed}
        left = [each for each in snapshots if each not in doomed]
        assert too_old(left, last) == [], "a second look removes nothing"
        assert len(left) <= last + 7
    assert too_old([], 3) == []


# Manifests -----------------------------------------------------------------------------------


def test_a_manifest_comes_back(tmp_path: Path) -> None:
    folder = KeepFolder(tmp_path / "kept")
    snapshot = put(folder, NOON)
    assert read_manifest(folder.place(snapshot)) == snapshot
    assert folder.snapshots() == [snapshot]
    assert folder.snapshot(snapshot.name) == snapshot
    verify(folder.place(snapshot), snapshot)
    assert (snapshot.rows, snapshot.size_bytes) == (3, 10)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda place: (place / "1.sql").write_bytes(b"SELECT 2;\n"), "another content"),
        (lambda place: (place / "1.sql").write_bytes(b""), "another size"),
        (lambda place: (place / "1.sql").unlink(), "No such file"),
        (lambda place: (place / MANIFEST).write_text("{"), "cannot be read"),
        (lambda place: (place / MANIFEST).write_text("[]"), "cannot be read"),
        (lambda place: (place / MANIFEST).write_text('{"form": 1}'), "not whole"),
        (lambda place: (place / MANIFEST).write_text('{"form": 2}'), "later version"),
    ],
)
def test_a_damaged_snapshot_is_named(tmp_path: Path, damage: Any, words: str) -> None:
    folder = KeepFolder(tmp_path / "kept")
    snapshot = put(folder, NOON)
    damage(folder.place(snapshot))
    with pytest.raises(KeepError, match=words) as raised:
        verify(folder.place(snapshot), folder.snapshot(snapshot.name))
    assert snapshot.name in raised.value.message
    assert "restore" in raised.value.hint


def test_what_is_no_snapshot_is_left_out(tmp_path: Path) -> None:
    folder = KeepFolder(tmp_path / "kept")
    assert folder.snapshots() == []
    good = put(folder, NOON)
    folder.place(put(folder, NOON + 1)).joinpath(MANIFEST).unlink()
    folder.place(put(folder, NOON + 2)).rename(folder.path / ".hidden.partial")
    (folder.path / "file").touch()
    assert folder.snapshots() == [good]
    with pytest.raises(KeepError, match="no snapshot x") as raised:
        folder.snapshot("x")
    assert good.name in raised.value.hint
    with pytest.raises(KeepError, match="no snapshot"):
        folder.snapshot("../kept/" + good.name)


# The folder ----------------------------------------------------------------------------------


def test_old_snapshots_and_leftovers_go(tmp_path: Path) -> None:
    folder = KeepFolder(tmp_path / "kept")
    snapshots = [put(folder, NOON + number) for number in range(8)]
    folder.place(put(folder, NOON + 100)).rename(folder.path / ".x.host-1-2.partial")
    folder.tidy(3)
    assert folder.snapshots() == snapshots[:4:-1]
    left = {path.name for path in folder.path.iterdir() if path.is_dir()}
    assert left == {each.name for each in snapshots[5:]}


def test_names_differ_within_a_second(tmp_path: Path) -> None:
    folder = KeepFolder(tmp_path / "kept")
    names = []
    for _ in range(3):
        names.append(folder.new_name(NOON))
        (folder.path / names[-1]).mkdir(parents=True)
    assert len(set(names)) == 3
    assert sorted(names) == names


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = KeepFolder(tmp_path / "new" / "kept")
    folder.make()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(KeepError, match="cannot be written: Permission denied") as raised:
        KeepFolder(tmp_path / "kept").make()
    assert "--folder" in raised.value.hint


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(KeepError, match="cannot be written: there is a file in its place"):
        KeepFolder(tmp_path / "kept").make()


def test_what_was_seen_is_known_until_it_is_damaged(tmp_path: Path) -> None:
    folder = KeepFolder(tmp_path)
    assert folder.seen() == Seen()
    seen = Seen("a", "s1", {"lab.t": "x"}, Activity(5, 6, "7 8 9"))
    folder.write_seen(seen)
    assert folder.seen() == seen
    for text in ("", "{}", "[1]", '["a", "b", 3]'):
        (tmp_path / ".seen.json").write_text(text)
        assert folder.seen() == Seen()


def test_a_shared_file_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    share(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").samefile(tmp_path / "a")

    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    share(tmp_path / "a", tmp_path / "c")
    assert (tmp_path / "c").read_text() == "a"
    assert not (tmp_path / "c").samefile(tmp_path / "a")


HOLDS = """
import sys
from pathlib import Path
from sidecar_magics.keep.folder import KeepFolder
folder = KeepFolder(Path(sys.argv[1]))
print(folder.become_keeper("127.0.0.1:3306"), flush=True)
sys.stdin.read()
"""


def test_one_process_keeps_and_the_next_takes_over(tmp_path: Path) -> None:
    folder = KeepFolder(tmp_path)
    assert folder.keeper() is None
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"True"
        assert not folder.become_keeper("127.0.0.1:3306")
        holder = folder.keeper()
        assert holder is not None
        assert str(holder) == f"process {other.pid}"
        assert not folder.was_keeper_killed()
        other.kill()
        other.wait(60)
    assert folder.keeper() is None
    assert folder.was_keeper_killed(), "its end may be missing"
    assert folder.become_keeper("127.0.0.1:3306")
    folder.stop_keeping()
    assert folder.keeper() is None
    assert not folder.was_keeper_killed()


def test_one_writes_at_a_time(tmp_path: Path) -> None:
    one, two = KeepFolder(tmp_path), KeepFolder(tmp_path)
    refused = pytest.raises(KeepError, match="Another process has been writing")
    with one.writing(), refused, two.writing(0.1):
        pass
    with two.writing(0.1):
        pass


# What proves that nothing was written ----------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "is_idle"),
    [
        (Activity(1000, 900, "1 2 3"), True),
        (Activity(1001, 900, "1 2 3"), True),  # seconds are rounded
        (Activity(1000, 900, "1 2 4"), False),
        (Activity(1500, 400, "1 2 3"), False),  # a restart that ended at the same numbers
        (Activity(), False),
    ],
)
def test_an_idle_server_is_known(now: Activity, is_idle: bool) -> None:
    assert now.goes_on_from(Activity(1000, 50, "1 2 3")) is is_idle
    assert not now.goes_on_from(Activity(1000, 1, "1 2 3")), "it may have restarted at once"
    assert not now.goes_on_from(Activity())


# Choices of the user -------------------------------------------------------------------------


def test_each_of_a_hubs_named_servers_has_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them share the home, and each has a MySQL of its own."""
    found = []
    for name in ("", "two", "a b", "a_b", "../x", "ü" * 255):
        monkeypatch.setenv("JUPYTERHUB_SERVER_NAME", name)
        found.append(KeepPolicy().folder_for(ConnectionSettings("127.0.0.1", 3306, "root")))
    assert found[0].name == "sidecar"
    assert len(set(found)) == len(found)
    assert {path.parent for path in found} == {found[0].parent}
    assert max(len(os.fsencode(path.name)) for path in found) < 255


def test_a_server_elsewhere_needs_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path))
    here, there = ConnectionSettings(port=3307), ConnectionSettings("db.lab.org")
    assert KeepPolicy().folder_for(here) == tmp_path / "data" / "kept" / "sidecar"
    with pytest.raises(SettingsError, match="not on this machine") as raised:
        KeepPolicy(folder=tmp_path).folder_for(there)
    assert "--yes-remote" in raised.value.hint
    found = KeepPolicy(yes_remote=True).folder_for(there)
    assert found == tmp_path / "data" / "kept" / "db.lab.org_3306"
    assert KeepPolicy(yes_remote=True, folder=tmp_path).folder_for(there) == tmp_path


@pytest.mark.parametrize("choice", [{"every_s": 0}, {"last": 0}, {"at_exit_s": -1}])
def test_choices_that_make_no_sense_are_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        KeepPolicy(**choice)


def test_a_line_does_one_thing() -> None:
    from sidecar_magics import options

    class Line:
        now = True
        restore = "x"
        off = status = list = False

    with pytest.raises(UsageError, match="--now and --restore exclude each other"):
        options.keep_action(Line())  # type: ignore[arg-type]


def test_a_state_is_for_keeping_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["keep", "--now", "--state", "state"]) == 1
    assert "--state is for keeping itself." in capsys.readouterr().err


def test_a_status_is_plain_for_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOON + 90)
    snapshot = made(NOON, schemas=("lab",), tables={"lab.t": KeptTable("f", 2)})
    status = KeepStatus("/kept", [snapshot], lists=True)
    assert "1 table in 1 schema, 2 rows" in repr(status)
    assert "1 min 30 s ago" in repr(status)
    json.dumps(status.to_dict())
