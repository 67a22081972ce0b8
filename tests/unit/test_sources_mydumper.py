"""Folders by mydumper: 0.10, whose names are those of the tables, and later ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.sources.opening import Sources, open_sources
from sidecar_magics.script.splitter import split

FINISHED_0_10 = "Started dump at: 2026-11-23 02:18:50\nFinished dump at: 2026-11-23 02:18:50\n"
FINISHED_NEW = (
    "# Started dump at: 2026-05-24 12:00:00\n[config]\nquote-character = BACKTICK\n\n"
    "[`shop`.`mydumper_2`]\nreal_table_name=b.c\nrows = 2\n\n"
    "# Finished dump at: 2026-05-24 12:00:01\n"
)
TRIGGERS = (
    "SET character_set_client = utf8mb4;\n"
    "CREATE TRIGGER tr BEFORE UPDATE ON a FOR EACH ROW BEGIN\n"
    " SET NEW.t = 'q'; \n SET @a = 1; \nEND;\n"
    "SET character_set_client = @PREV_CHARACTER_SET_CLIENT;\n"
)


def make(folder: Path, names: dict[str, str]) -> Sources:
    folder.mkdir(exist_ok=True)
    for name, text in names.items():
        data = text.encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return open_sources(folder)


def plan(sources: Sources) -> list[tuple[str, str | None]]:
    return [(script.label, script.schema) for script in sources.scripts]


# What mydumper 0.10.1 wrote for such schemas; the order is that of its loader.
OLD = {
    "metadata": FINISHED_0_10,
    "odd-na.me-schema-create.sql": "CREATE DATABASE `odd-na.me`;\n",
    "odd-na.me.x.y-schema.sql": "",
    "odd-na.me.x.y.sql": "",
    "shop-schema-create.sql": "CREATE DATABASE `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n",
    "shop-schema-post.sql": "",
    "shop.a-schema-triggers.sql": TRIGGERS,
    "shop.a-schema.sql": "",
    "shop.a.00000.sql": "",
    "shop.a.00001.sql": "",
    "shop.a.00010.sql": "",
    "shop.a.00009.sql": "",
    "shop.a.100000.sql": "",
    "shop.b.c-schema.sql": "",
    "shop.b.c.00001.00002.sql": "",
    "shop.d-schema-schema.sql": "",
    "shop.d-schema.sql": "",
    "shop.v-schema-view.sql": "",
    "shop.v-schema.sql": "",
    "ключ-schema-create.sql": "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `ключ`;\n",
    "ключ.x-schema.sql": "",
    "ключ.x.sql": "",
}


def test_the_order_of_0_10(tmp_path: Path) -> None:
    sources = make(tmp_path / "dump", OLD)
    assert (sources.kind, sources.notes) == ("mydumper", ())
    assert plan(sources) == [
        ("odd-na.me-schema-create.sql", None),
        ("shop-schema-create.sql", None),
        ("ключ-schema-create.sql", None),
        ("odd-na.me.x.y-schema.sql", "odd-na.me"),
        ("shop.a-schema.sql", "shop"),
        ("shop.b.c-schema.sql", "shop"),
        ("shop.d-schema-schema.sql", "shop"),
        ("shop.v-schema.sql", "shop"),
        ("ключ.x-schema.sql", "ключ"),
        ("odd-na.me.x.y.sql", "odd-na.me"),
        ("shop.a.00000.sql", "shop"),
        ("shop.a.00001.sql", "shop"),
        ("shop.a.00009.sql", "shop"),
        ("shop.a.00010.sql", "shop"),
        ("shop.a.100000.sql", "shop"),
        ("shop.b.c.00001.00002.sql", "shop"),
        ("shop.d-schema.sql", "shop"),
        ("ключ.x.sql", "ключ"),
        ("shop.a-schema-triggers.sql", "shop"),
        ("shop-schema-post.sql", "shop"),
        ("shop.v-schema-view.sql", "shop"),
    ]
    opened = [(source.schema, source.fresh_session) for source in sources]
    assert opened == [(schema, True) for _, schema in plan(sources)]
    sources.close()


NEW = {
    "metadata": FINISHED_NEW,
    "mydumper_0-schema-create.sql.gz": "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `we``ird.x`;\n",
    "mydumper_0.t-schema.sql.gz": "",
    "mydumper_0.t.00000.sql.gz": "",
    "shop-schema-create.sql.gz": "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop`;\n",
    "shop-schema-triggers.sql.gz": "",
    "shop-schema-post.sql.gz": "",
    "shop.mydumper_2-schema.sql.gz": "",
    "shop.mydumper_2.00000.00001.sql.gz": "",
    "shop.mydumper_2.00000.sql.gz": "",
    "shop.seq-schema-sequence.sql.gz": "",
    "shop.mydumper_2-checksum": "",
    "all-schema-create-tablespace.sql": "",
}


def test_the_order_of_later_ones(tmp_path: Path) -> None:
    sources = make(tmp_path / "dump", NEW)
    assert plan(sources) == [
        ("mydumper_0-schema-create.sql.gz", None),
        ("shop-schema-create.sql.gz", None),
        ("shop.seq-schema-sequence.sql.gz", "shop"),
        ("mydumper_0.t-schema.sql.gz", "we`ird.x"),
        ("shop.mydumper_2-schema.sql.gz", "shop"),
        ("mydumper_0.t.00000.sql.gz", "we`ird.x"),
        ("shop.mydumper_2.00000.sql.gz", "shop"),
        ("shop.mydumper_2.00000.00001.sql.gz", "shop"),
        ("shop-schema-triggers.sql.gz", "shop"),
        ("shop-schema-post.sql.gz", "shop"),
    ]
    assert sources.notes == (
        "all-schema-create-tablespace.sql is left out: its name is none of mydumper's.",
    )


def test_bodies_end_where_a_line_ends(tmp_path: Path) -> None:
    sources = make(tmp_path / "dump", OLD)
    index = sources.labels.index("shop.a-schema-triggers.sql")
    source = sources.open(index)
    statements = list(split(source.chunks(), delimiter=source.delimiter))
    assert len(statements) == 3
    sources.close()
    delimiters = {script.label: script.delimiter for script in sources.scripts}
    assert delimiters["shop-schema-post.sql"] == b";\n"
    assert delimiters["shop.a.00000.sql"] == delimiters["shop.a-schema.sql"] == b";"


@pytest.mark.parametrize("pattern", ["dump/shop.a*", "dump/*.sql"])
def test_a_pattern_within_a_dump(tmp_path: Path, pattern: str) -> None:
    every = plan(make(tmp_path / "dump", OLD))
    sources = open_sources(tmp_path / pattern)
    assert sources.kind == "mydumper"
    chosen = [(name, schema) for name, schema in every if Path(f"dump/{name}").match(pattern)]
    assert plan(sources) == chosen
    assert len(chosen) in (7, 21)


@pytest.mark.parametrize(
    "names",
    [
        {"metadata": "Started dump at: 2026-11-23 02:18:50\n", "a.b.sql": ""},
        {"metadata.partial": "# Started dump at: x\n# Finished dump at: x\n", "a.b.sql": ""},
        {"metadata.header": "# Started dump at: x\n[config]\n", "a.b.00000.sql": ""},
    ],
)
def test_a_dump_that_was_not_finished(tmp_path: Path, names: dict[str, str]) -> None:
    sources = make(tmp_path / "dump", names)
    assert sources.kind == "mydumper"
    assert sources.notes == ("mydumper did not finish this dump: it may be incomplete.",)
    assert [schema for _, schema in plan(sources)] == ["a"]


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["db-schema-create.sql", "x.sql"], "mydumper"),
        (["db.t-schema.sql", "db.t.sql"], "mydumper"),
        (["db.t-schema.sql.zst", "db.t.00000.sql.zst"], "mydumper"),
        (["01-schema.sql", "02-data.sql"], "folder"),
        (["v1.2-schema.sql", "v1.2-data.sql"], "folder"),
        (["metadata", "db.t.sql"], "folder"),
        (["a.sql"], "folder"),
    ],
)
def test_whose_folder_it_is(tmp_path: Path, names: list[str], kind: str) -> None:
    sources = make(tmp_path / "dump", dict.fromkeys(names, "something else"))
    assert sources.kind == kind


def test_a_file_that_is_no_part(tmp_path: Path) -> None:
    sources = make(tmp_path / "dump", {**OLD, "grants.sql": "GRANT ..."})
    assert sources.notes == ("grants.sql is left out: its name is none of mydumper's.",)
    assert "grants.sql" not in sources.labels


def test_rows_in_other_files(tmp_path: Path) -> None:
    rows = {"metadata": FINISHED_NEW, "db.t-schema.sql": "", "db.t.00000.dat": "1\n"}
    with pytest.raises(ScriptError, match=r"db\.t\.00000\.dat and the like, and no script loads"):
        make(tmp_path / "dump", rows)
    sources = make(tmp_path / "dump", {"db.t.00000.sql": "LOAD DATA LOCAL INFILE ...;\n"})
    assert "1 other files, such as db.t.00000.dat" in sources.notes[0]
    assert "--load-data" in sources.notes[0]
