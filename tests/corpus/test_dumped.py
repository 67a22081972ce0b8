"""What is dumped comes back, byte for byte: databases of many makers, loaded with the client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sidecar_magics.dump import dump
from sidecar_magics.load import load
from tests.corpus.case import BOTH, Case
from tests.corpus.diagonal import each_on_a_server
from tests.corpus.fingerprint import difference, fingerprint
from tests.corpus.test_faithful import CASES
from tests.corpus.workshop import WITH_COMMENTS

if TYPE_CHECKING:
    from tests.corpus.workshop import Workshop

pytestmark = pytest.mark.server

SCRIPTS = [case for case in CASES if not case.spoils_server]
# Dumps of one database with other options ("dump --hex-blob") make the same database again.
DATABASES = {case.name.partition(" --")[0]: case for case in reversed(SCRIPTS)}
each_case = each_on_a_server(
    "case",
    SCRIPTS,
    lambda case: case.flavours,
    among=DATABASES.values(),
    long=("dump", "Spyglass"),  # as long as all others together
)
each_flavour = pytest.mark.parametrize("flavour", BOTH)

# MySQL shows the character set of a column's collation or not, by how the column was once declared;
# what a table that it has shown is shown as may be the other.
NEEDLESS = re.compile(r" CHARACTER SET \w+(?= COLLATE)")


# What of these databases cannot be loaded again beside itself, and compared.
NOT_VERIFIED = re.compile(
    r"\w+ in it may be|comments or ends of lines|its time is over|\w+ in its def"
)


def needful(script: bytes) -> bytes:
    return re.sub(NEEDLESS.pattern.encode(), b"", script)


def state_of(workshop: Workshop) -> dict[str, str]:
    """Return what the target holds, but for the history of tables, which no dump has."""
    state = fingerprint(workshop.target)
    return {
        name: NEEDLESS.sub("", text)
        for name, text in state.items()
        if not name.startswith("history ")
    }


@each_case
def test_it_is_verified_and_the_client_brings_it_back(workshop: Workshop, case: Case) -> None:
    workshop.prepare(case)
    workshop.run_client(workshop.target, workshop.script(case), case.database, case.client_options)
    before = state_of(workshop)

    report = dump(
        workshop.folder / "first.sql", workshop.target.settings, keep_definer=True, verify=True
    )

    assert report.is_verified
    assert {
        name: why for name, why in report.not_verified.items() if not NOT_VERIFIED.match(why)
    } == {}
    assert difference(before, state_of(workshop)) == ""

    # Accounts stay: a dump has none.
    workshop.target.drop_schemas()
    workshop.run_client(
        workshop.target, workshop.folder / "first.sql", options=WITH_COMMENTS, check=True
    )

    assert difference(before, state_of(workshop)) == ""
    first = workshop.folder.joinpath("first.sql").read_bytes()
    second = workshop.folder / "second.sql"
    dump(second, workshop.target.settings, keep_definer=True)
    assert needful(second.read_bytes()) == needful(first)


@each_flavour
@pytest.mark.parametrize("ending", [".sql", ".sql.gz", ".sql.zst", ".sql.xz", "/"])
def test_we_bring_all_of_it_back(workshop: Workshop, ending: str) -> None:
    case = next(case for case in CASES if case.name == "dump")
    workshop.prepare(case)
    workshop.run_client(workshop.target, workshop.script(case), check=True)
    before = state_of(workshop)
    path = f"{workshop.folder}/ours{ending}"
    dump(path, workshop.target.settings, keep_definer=True, jobs=3)
    workshop.target.drop_schemas()

    load(path, workshop.target.settings)

    after = state_of(workshop)
    if workshop.flavour == "mariadb":  # a load sends programs without comments, as its client does
        before, after = without_programs(before), without_programs(after)
    assert difference(before, after) == ""


def without_programs(state: dict[str, str]) -> dict[str, str]:
    kinds = ("trigger ", "procedure ", "function ", "event ", "dump ")
    return {name: text for name, text in state.items() if not name.startswith(kinds)}


@each_flavour
def test_the_same_database_gives_the_same_dump_over_many_connections(workshop: Workshop) -> None:
    settings = workshop.source.settings
    texts = []
    for jobs in (1, 2, 4):
        dump(workshop.folder / "jobs.sql", settings, jobs=jobs)
        texts.append((workshop.folder / "jobs.sql").read_bytes())
    assert texts[0] == texts[1] == texts[2]
