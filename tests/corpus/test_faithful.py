"""A load leaves what the real client leaves, byte for byte: scripts of many makers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar_magics.errors import LocalServerError, StatementError
from sidecar_magics.load import load
from tests.corpus.case import BOTH, Case
from tests.corpus.diagonal import each_cell
from tests.corpus.dumps import DUMPS
from tests.corpus.fingerprint import difference, fingerprint
from tests.corpus.folders import FOLDERS, FolderCase
from tests.corpus.handwritten import HANDWRITTEN
from tests.corpus.hazards import HAZARDS
from tests.corpus.others import OTHERS
from tests.servers import needs_servers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.corpus.workshop import Workshop

pytestmark = pytest.mark.server

CASES = [*DUMPS, *OTHERS, *HANDWRITTEN, *HAZARDS]


def our_load(path: Path, workshop: Workshop, **options: Any) -> int | None:
    """Load, and return the number of the error that ended it."""
    try:
        load(path, workshop.target.settings, system_schemas=True, **options)
    except StatementError as error:
        return error.errno
    return None


@each_cell("case", CASES, lambda case: case.flavours)
def test_the_state_is_the_clients(workshop: Workshop, case: Case, jobs: int) -> None:
    script = workshop.script(case)
    theirs = workshop.by_client(case)
    assert theirs.errno == case.errors.get(workshop.flavour)
    workshop.prepare(case)

    errno = our_load(script, workshop, database=case.database, jobs=jobs)

    assert errno == theirs.errno
    # Where several connections are at work when a statement fails, others may be ahead of it.
    if errno is None or jobs == 1:
        assert difference(theirs.state, fingerprint(workshop.target)) == ""


def of_the_schema(state: dict[str, str], left_out: str) -> dict[str, str]:
    """Return what two servers with different accounts and settings have in common."""
    own = ("setting ", "account ")
    return {
        name: value
        for name, value in state.items()
        if not name.startswith(own) and left_out not in name
    }


@each_cell("folder", FOLDERS, lambda _: BOTH)
def test_a_folder_becomes_what_it_was_made_from(
    workshop: Workshop, folder: FolderCase, jobs: int
) -> None:
    try:
        path = folder.write(workshop)
    except LocalServerError as error:
        if needs_servers():
            raise
        pytest.skip(f"no mydumper: {error}")
    source = fingerprint(workshop.source, only=(folder.schema,))
    workshop.reset()

    assert our_load(path, workshop, jobs=jobs) is None

    first = of_the_schema(source, folder.left_out)
    assert difference(first, of_the_schema(fingerprint(workshop.target), folder.left_out)) == ""
