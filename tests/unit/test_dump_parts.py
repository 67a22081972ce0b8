"""What a dump is made of, without a server: parts of tables, names of files, order of views."""

from __future__ import annotations

import contextlib
import gzip
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.dump.catalogue import StoredTable
from sidecar_magics.dump.compression import compressor
from sidecar_magics.dump.definitions import ShownView, in_order
from sidecar_magics.dump.output import Destination, OrderedFile
from sidecar_magics.dump.plan import FileNames
from sidecar_magics.dump.rows import LARGE_BYTES, WHOLE, parts
from sidecar_magics.dump.script import Made, Setting
from sidecar_magics.errors import DumpError, SettingsError
from tests.background import meanwhile

if TYPE_CHECKING:
    from pathlib import Path


@given(
    st.integers(-(2**63), 2**64 - 1),
    st.integers(0, 2**65),
    st.sampled_from([0, LARGE_BYTES]),
)
def test_each_number_is_in_one_part(lowest: int, span: int, size_bytes: int) -> None:
    found = parts(lowest, lowest + span, size_bytes)
    assert 1 <= len(found) <= 130
    assert (found[0].first, found[-1].end) == (None, None)
    for one, other in zip(found, found[1:]):
        assert one.end == other.first
        assert one.end is not None
        assert lowest < one.end <= lowest + span
    assert len(found) > 1 or found == [WHOLE]


def test_a_dump_imports_nothing_that_loads() -> None:
    """Its start takes as long as reading 20 MB."""
    code = (
        "import sys, sidecar_magics.dump\n"
        "heavy = ('load.running', 'load.planning', 'load.check', 'load.walk', 'dump.verify')\n"
        "print([name for name in sys.modules if name.startswith(\n"
        "    tuple('sidecar_magics.' + each for each in heavy))], 'psutil' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[] False"


def test_names_of_files_differ_also_where_capitals_do_not_count() -> None:
    names = FileNames()
    tables = ["t", "T", "t/../x", "a.b", "größe", "x-schema", "x" * 64, "x" * 63 + "/" * 64]
    found = [names.of(StoredTable("s", table)) for table in tables]
    assert len({name.casefold() for name in found}) == len(tables)
    assert found[0] == "1.s.t.sql"
    assert all(name.isascii() and "/" not in name and len(name) < 250 for name in found)


def view(name: str, *below: str) -> ShownView:
    paths = frozenset(f"`s`.`{each}`".encode() for each in (name, *below))
    return ShownView(Made("VIEW", name, b"", Setting("utf8mb4", "x")), "s", paths)


def test_views_come_after_those_that_they_are_made_of() -> None:
    deep = [view(f"v{n:04}", f"v{n + 1:04}", "no_view") for n in range(3000)]
    names = [each.made.name for each in in_order([*deep, view("v3000")])]
    assert names == sorted(names, reverse=True)
    circle = [view("a", "b"), view("b", "c"), view("c", "a")]
    assert sorted(each.made.name for each in in_order(circle)) == ["a", "b", "c"]


def test_parts_stand_in_order_whoever_is_first(tmp_path: Path) -> None:
    file = OrderedFile(tmp_path / "x.gz", compressor("x.gz"), tmp_path / "x.gz")
    pieces = [file.part() for _ in range(20)]

    def write(number: int) -> None:
        for _ in range(50):
            pieces[number].write(b"%d," % number * 100)
        pieces[number].close()

    with contextlib.ExitStack() as running:
        for number in reversed(range(20)):
            running.enter_context(meanwhile(write, number))
    expected = b"".join(b"%d," % number * 5000 for number in range(20))
    assert gzip.decompress((tmp_path / "x.gz").read_bytes()) == expected


def test_what_cannot_be_written_is_known_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(DumpError, match="no dump of ours"):
        Destination(tmp_path / "mine", is_folder=True)
    with pytest.raises(DumpError, match="there is no folder"):
        Destination(tmp_path / "nowhere" / "d.sql", is_folder=False)
    with pytest.raises(DumpError, match="is a folder"):
        Destination(tmp_path / "mine", is_folder=False)
    with pytest.raises(SettingsError, match=r"compressed as \.zip"):
        compressor("d.sql.zip")
