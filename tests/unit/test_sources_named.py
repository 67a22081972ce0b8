"""What a user names: paths, patterns, variables, folders, standard input."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import pty
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.sources.opening import Sources, open_sources
from tests.background import LIMIT_S, running


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = b"SELECT '%s';\n" % name.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def read(sources: Sources) -> list[bytes]:
    with contextlib.closing(sources):
        return [b"".join(source.chunks()) for source in sources]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_one_file(tmp_path: Path) -> None:
    make("a.sql.gz")
    sources = open_sources("a.sql.gz")
    assert (sources.name, sources.kind, sources.labels) == ("a.sql.gz", "file", ["a.sql.gz"])
    assert sources.paths == [Path("a.sql.gz")]
    assert sources.sha256 is None
    assert sources.position_bytes == 0
    assert read(sources) == [b"SELECT 'a.sql.gz';\n"]
    data = Path("a.sql.gz").read_bytes()
    assert sources.position_bytes == sources.size_bytes == len(data)
    assert sources.sha256 == sources.digest() == sha256(data)
    (source,) = sources
    assert not source.fresh_session
    assert source.path == (tmp_path / "a.sql.gz").resolve()
    assert source.folder == tmp_path.resolve()
    sources.close()


def test_several_files() -> None:
    make("data/t10.sql", "data/t9.sql", "data/T1.sql.gz", "data/sub/t2.sql")
    sources = open_sources("data/**/*.sql*")
    assert sources.labels == ["sub/t2.sql", "T1.sql.gz", "t9.sql", "t10.sql"]
    assert sources.kind == "glob"
    places = []
    for source in sources:
        assert source.fresh_session
        places.append(sources.position_bytes)
        for _ in source.chunks():
            places.append(sources.position_bytes)
    assert places == sorted(places)
    assert sources.position_bytes == sources.size_bytes
    lines = (f"{sha256(Path('data', label).read_bytes())}  {label}\n" for label in sources.labels)
    assert sources.sha256 == sources.digest() == sha256("".join(lines).encode())
    sources.close()
    assert sources.sha256 is not None


def test_digest_of_a_part_is_none() -> None:
    make("a.sql", "b.sql")
    sources = open_sources("*.sql")
    first, _ = sources
    assert sources.sha256 is None
    first.close()
    for _ in sources.open(1).chunks():
        pass
    assert sources.sha256 is None
    assert sources.position_bytes == sources.size_bytes
    for _ in sources.open(0).chunks():
        pass
    assert sources.sha256 == sources.digest()
    sources.close()


def test_each_is_closed_when_the_next_is_asked_for() -> None:
    make("a.sql", "b.sql")
    sources = iter(both := open_sources("*.sql"))
    first = next(sources)
    next(sources)
    with pytest.raises(ValueError, match="closed"):
        list(first.chunks())
    both.close()


@pytest.mark.parametrize("name", ["a*.sql", "b[1].sql", "what?.sql", "$NOT_SET.sql", "a.zip:b.sql"])
def test_what_is_there_as_it_is_written_wins(name: str) -> None:
    make(name, "ab.sql", "b1.sql", "whatx.sql")
    assert read(open_sources(name)) == [b"SELECT '%s';\n" % name.encode()]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_that_are_spelt_otherwise_on_the_disk(form: Literal["NFC", "NFD"]) -> None:
    other: Literal["NFC", "NFD"] = "NFD" if form == "NFC" else "NFC"
    make(unicodedata.normalize(form, "données/été.sql"))
    assert len(read(open_sources(unicodedata.normalize(other, "données/été.sql")))) == 1


def test_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make("data/a.sql", "data/b.sql")
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "data"))
    for spec in ("$DATA/a.sql", "${DATA}/a.sql", "~/a.sql", "$HOME/[a].sql"):
        assert read(open_sources(spec)) == [b"SELECT 'data/a.sql';\n"]
    assert len(open_sources("$DATA").paths) == 2
    with pytest.raises(ScriptError, match=r"^the variable \$UNHEARD_OF is not set\."):
        open_sources("$UNHEARD_OF/a.sql")
    with pytest.raises(ScriptError, match=r"^the variable \$\{UNHEARD_OF\} is not set\."):
        open_sources("${UNHEARD_OF}.sql")
    with pytest.raises(ScriptError, match=r"'~nobody-here/x' is no path"):
        open_sources("~nobody-here/x")


def test_nothing_of_that_name() -> None:
    make("data/dump.sql", "empty/x/y")
    with pytest.raises(ScriptError, match=r"no file matches 'data/\*\.txt'") as caught:
        open_sources("data/*.txt")
    assert caught.value.hint == "data has dump.sql."
    with pytest.raises(ScriptError, match=r"there is no file 'data/dmp\.sql' in ") as caught:
        open_sources("data/dmp.sql")
    assert caught.value.hint == "did you mean data/dump.sql?"
    with pytest.raises(ScriptError, match=r"the folder empty has no scripts") as caught:
        open_sources("empty")
    assert caught.value.hint.startswith("it has x/; ")
    Path("bare").mkdir()
    with pytest.raises(ScriptError, match=r"the folder bare is empty"):
        open_sources(Path("bare"))
    with pytest.raises(ScriptError, match=r"is no path"):
        open_sources("a\0b")
    for windows in (r"C:\data\x.sql", "C:/data/x.sql", "C:datax.sql", r"\\server\data\x.sql"):
        with pytest.raises(ScriptError) as caught:
            open_sources(windows)
        assert f"there is no file '{windows}'" in str(caught.value)
        assert "a path of a Windows machine" in caught.value.hint


def test_a_folder() -> None:
    make(
        "d/t2.sql",
        "d/t10.sql.gz",
        "d/README",
        "d/t1.SQL",
        "d/._t3.sql",
        "d/t4.sql.lz4",
        "d/s/x.sql",
    )
    sources = open_sources("d/")
    assert (sources.kind, sources.labels) == ("folder", ["t1.SQL", "t2.sql", "t10.sql.gz"])
    assert sources.notes == ("t4.sql.lz4 is left out: it is no script by its name.",)
    assert [source.fresh_session for source in sources] == [True] * 3
    assert [script.schema for script in sources.scripts] == [None] * 3
    sources.close()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["t.sql", "t.txt"], "mysqldump --tab"),
        (["@.json", "@.done.json", "db@t.sql"], "MySQL Shell"),
        (["xtrabackup_checkpoints", "ibdata1"], "server's data files"),
    ],
)
def test_other_kinds_of_dumps(names: list[str], message: str) -> None:
    make(*(f"d/{name}" for name in names))
    with pytest.raises(ScriptError, match=message) as caught:
        open_sources("d")
    assert caught.value.hint


def test_members_of_an_archive() -> None:
    with zipfile.ZipFile("a.zip", "w") as file:
        file.writestr("x/one.sql", "SELECT 1;")
        file.writestr("two.sql", "SELECT 2;")
    archive = Path("a.zip").read_bytes()
    digests = set()
    for name, script in (("x/one.sql", b"SELECT 1;"), ("two.sql", b"SELECT 2;")):
        for sources in (open_sources(f"a.zip:{name}"), open_sources("a.zip", member=name)):
            assert sources.name == f"a.zip:{name}"
            assert read(sources) == [script]
            assert sources.position_bytes == sources.size_bytes == len(archive)
            line = f"{sha256(archive)}  a.zip:{name}\n"
            assert sources.sha256 == sources.digest() == sha256(line.encode())
            digests.add(sources.sha256)
    assert len(digests) == 2
    with pytest.raises(ScriptError, match=r"has no member 'three\.sql'") as caught:
        read(open_sources("a.zip:three.sql"))
    assert caught.value.hint == "it has x/one.sql, two.sql."
    make("b.sql", "c.sql")
    with pytest.raises(ScriptError, match="is no zip archive"):
        read(open_sources("b.sql:x.sql"))
    with pytest.raises(ScriptError, match="a member is of one archive"):
        open_sources("*.sql", member="x.sql")


def test_the_stamp() -> None:
    make("d/a.sql", "d/b.sql")
    stamp = open_sources("d").stamp()
    assert stamp == json.loads(json.dumps(stamp))
    assert stamp is not None
    assert [file["name"] for file in stamp["files"]] == ["a.sql", "b.sql"]
    assert open_sources("d").stamp() == stamp
    os.utime("d/b.sql", ns=(1, 1))
    assert open_sources("d").stamp() != stamp
    assert Sources.from_text("SELECT 1;").stamp() is None


def test_a_text() -> None:
    sources = Sources.from_text("SELECT 'é';", first_line=3)
    for _ in range(2):
        (source,) = sources
        assert source.first_line == 3
    assert read(sources) == ["SELECT 'é';".encode()]
    assert (sources.kind, sources.size_bytes) == ("text", 12)
    assert sources.sha256 == sources.digest() == sha256("SELECT 'é';".encode())


# Standard input ---------------------------------------------------------------------------------

CHILD = """
from sidecar_magics.load.sources.opening import open_sources
sources = open_sources("-")
print(sources.name, sources.kind, sources.size_bytes, sources.can_reopen, sources.stamp())
for source in sources:
    print(b"".join(source.chunks()))
print(sources.sha256, sources.position_bytes)
"""


@pytest.mark.parametrize("packed", [b"SELECT 1;", gzip.compress(b"SELECT 1;", mtime=0)])
def test_a_pipe(packed: bytes) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=packed,
        stdout=subprocess.PIPE,
        check=True,
        timeout=LIMIT_S,
        env={**os.environ, "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}"},
    )
    assert child.stdout.decode().splitlines() == [
        "standard input stdin None False None",
        "b'SELECT 1;'",
        f"{sha256(packed)} {len(packed)}",
    ]


def test_a_redirected_file() -> None:
    make("a.sql")
    with Path("a.sql").open("rb") as file:
        sources = open_sources("-", stdin=file)
        assert sources.size_bytes == Path("a.sql").stat().st_size
        assert read(sources) == [b"SELECT 'a.sql';\n"]
        assert not file.closed
        with pytest.raises(ScriptError, match="standard input can be read only once"):
            list(sources)
        with pytest.raises(ScriptError, match="only once"):
            sources.digest()


def test_a_zip_in_a_pipe() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.sql", "SELECT 1;")
    reader, writer = os.pipe()
    os.write(writer, archive.getvalue())
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe, pytest.raises(ScriptError) as caught:
        read(open_sources("-", stdin=pipe))
    assert "list of members is at its end" in caught.value.message
    assert "unzip -p" in caught.value.hint


def test_a_terminal_is_refused() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "rb", buffering=0) as terminal, pytest.raises(ScriptError) as caught:
        open_sources("-", stdin=terminal)
    os.close(master)
    assert "standard input is this terminal" in caught.value.message


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ScriptError, match="there is no standard input"):
        open_sources("-")


def test_a_named_pipe(tmp_path: Path) -> None:
    os.mkfifo("fifo")
    sources = open_sources("fifo")
    assert (sources.size_bytes, sources.can_reopen, sources.stamp()) == (None, False, None)
    with running(["sh", "-c", "echo 'SELECT 1;' > fifo"], cwd=tmp_path):
        assert read(sources) == [b"SELECT 1;\n"]


def test_what_names_it_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make("data/a.sql", "data/b.sql")
    monkeypatch.setenv("DATA", str(tmp_path / "data"))
    here = Path.cwd().resolve()
    for spec in ("data/a.sql", "$DATA/a.sql", "data/../data/a.sql"):
        assert open_sources(spec).whereabouts == str(here / "data" / "a.sql")
    assert open_sources("data").whereabouts == str(here / "data")
    assert open_sources("data/*.sql").whereabouts == str(here / "data" / "*.sql")
    assert Sources.from_text("SELECT 1").whereabouts == ""


def test_a_name_that_was_mistyped() -> None:
    make(*(f"data/part{number}.sql" for number in range(1, 10)), "data/phpmyadmin.sql.gz", "a.sql")

    def hint(spec: str) -> str:
        with pytest.raises(ScriptError, match="there is no file") as caught:
            open_sources(spec)
        return caught.value.hint

    listed = "part1.sql, part2.sql, part3.sql, part4.sql, part5.sql and 4 more."
    assert hint("data/phpmyadmn.sql") == (
        f"did you mean data/phpmyadmin.sql.gz? data also has {listed}"
    )
    assert hint("data/PHPMYADMIN.SQL").startswith("did you mean data/phpmyadmin.sql.gz?")
    assert hint("dta/part1.sql") == "did you mean data/part1.sql?"
    assert hint("data/zzz").endswith("part5.sql and 5 more.")
    assert hint("nothing-like-it") == "this folder has a.sql."
    assert hint("dump.sql") == "this folder has a.sql."  # alike in their ending only
    assert hint("data/phpmyadmin").startswith("did you mean data/phpmyadmin.sql.gz?")
    assert hint("elsewhere/a.sql").startswith("there is no folder elsewhere")


def test_a_path_is_shown_without_the_folders_that_it_leaves(tmp_path: Path) -> None:
    make("data/a.sql", "notebooks/b.sql", "far/deep/c.sql")
    with contextlib.closing(open_sources(f"{tmp_path}/notebooks/../data/a.sql")) as sources:
        assert sources.name == f"{tmp_path}/data/a.sql"
    with contextlib.closing(open_sources("notebooks/../data/a.sql")) as sources:
        assert sources.name == "data/a.sql"
    # What is behind a link is elsewhere.
    Path("link").symlink_to("far/deep")
    Path("far/a.sql").touch()
    with contextlib.closing(open_sources("link/../a.sql")) as sources:
        assert sources.name == "link/../a.sql"
