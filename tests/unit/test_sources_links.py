"""Who makes a folder, or an archive, chooses no file of this machine that is elsewhere."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.planning.explain import explain
from sidecar_magics.load.policy import LoadPolicy
from sidecar_magics.load.sources.opening import open_sources

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "CREATE TABLE secret (a int);\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a script, beside a file that is nobody's business."""
    (tmp_path / "secret").write_text(SECRET)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.sql").write_text("CREATE TABLE a (a int);\n")
    monkeypatch.chdir(tmp_path)
    return folder


def read(spec: str) -> bytes:
    sources = open_sources(spec)
    try:
        return b"".join(chunk for source in sources for chunk in source.chunks())
    finally:
        sources.close()


def _link(folder: Path) -> str:
    (folder / "b.sql").symlink_to(folder.parent / "secret")
    return "data"


def _relative(folder: Path) -> str:
    (folder / "b.sql").symlink_to("../secret")
    return str(folder)


def _of_a_link(folder: Path) -> str:
    (folder / "c.sql.gz").symlink_to("b.txt")
    (folder / "b.txt").symlink_to("../secret")
    return "data/"


def _pattern(folder: Path) -> str:
    _link(folder)
    return "data/*.sql"


def _folder_in_a_pattern(folder: Path) -> str:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.sql").write_text(SECRET)
    (folder / "sub").symlink_to(elsewhere)
    return "data/*/*.sql"


def _deep_pattern(folder: Path) -> str:
    (folder / "sub").mkdir()
    (folder / "sub/b.sql").symlink_to(folder.parent / "secret")
    return "data/**/*.sql"


def _mydumper(folder: Path) -> str:
    (folder / "metadata").write_text("Started dump at: x\nFinished dump at: y\n")
    (folder / "s.t-schema.sql").symlink_to("../secret")
    (folder / "s.t.sql").write_text("INSERT INTO t VALUES (1);\n")
    return "data"


def _sibling(folder: Path) -> str:
    """Be no prefix of the folder's name: data is not data2."""
    (folder.parent / "data2").mkdir()
    (folder.parent / "data2/b.sql").write_text(SECRET)
    (folder / "b.sql").symlink_to("../data2/b.sql")
    return "data"


STRAY = [
    _link,
    _relative,
    _of_a_link,
    _pattern,
    _folder_in_a_pattern,
    _deep_pattern,
    _mydumper,
    _sibling,
]


@pytest.mark.parametrize("make", STRAY, ids=lambda make: make.__name__[1:])
def test_a_link_out_of_the_folder_is_refused(folder: Path, make: Callable[[Path], str]) -> None:
    spec = make(folder)
    with pytest.raises(ScriptError, match=r"is a link to .*, outside of its folder") as caught:
        explain(spec)
    assert "--allow-outside-source" in caught.value.hint
    assert "secret" not in str(open_sources(spec).labels)
    assert explain(spec, policy=LoadPolicy(allow_outside_source=True)).tasks


def _inside(folder: Path) -> str:
    (folder / "b.sql").symlink_to("a.sql")
    return "data"


def _config_map(folder: Path) -> str:
    """Be as Kubernetes mounts a ConfigMap."""
    (folder / "..2026").mkdir()
    (folder / "..2026/b.sql").write_text(SECRET)
    (folder / "..data").symlink_to("..2026")
    (folder / "b.sql").symlink_to("..data/b.sql")
    return "data"


def _folder_that_is_a_link(folder: Path) -> str:
    (folder.parent / "link").symlink_to("data")
    return "link"


def _pattern_in_a_link(folder: Path) -> str:
    (folder.parent / "link").symlink_to("data")
    return "link/*.sql"


def _file_that_is_a_link(folder: Path) -> str:
    _link(folder)
    return "data/b.sql"


def _parent(folder: Path) -> str:
    (folder / "sub").mkdir()
    return "data/sub/../*.sql"


NAMED = [
    _inside,
    _config_map,
    _folder_that_is_a_link,
    _pattern_in_a_link,
    _file_that_is_a_link,
    _parent,
]


@pytest.mark.parametrize("make", NAMED, ids=lambda make: make.__name__[1:])
def test_what_a_user_names_may_be_a_link(folder: Path, make: Callable[[Path], str]) -> None:
    assert explain(make(folder)).tasks


@pytest.mark.parametrize("name", ["../../secret.sql", "/etc/secret.sql", "..\\secret.sql"])
def test_a_member_is_read_from_its_archive_alone(folder: Path, name: str) -> None:
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr(name, "SELECT 'of the archive';")
    before = sorted(folder.parent.rglob("*"))
    for spec in ("data/z.zip", f"data/z.zip:{name}"):
        assert read(spec) == b"SELECT 'of the archive';"
    assert sorted(folder.parent.rglob("*")) == before


def test_a_member_that_is_a_link_is_none(folder: Path) -> None:
    member = zipfile.ZipInfo("b.sql")
    member.create_system = 3
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr(member, "../secret")
    with pytest.raises(ScriptError, match=r"'b\.sql' as a link to a file"):
        read("data/z.zip")
