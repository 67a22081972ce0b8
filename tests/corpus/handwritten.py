"""Scripts written by hand: in the style of other tools, and as nasty as can be."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.corpus.case import BOTH, MYSQL, Case

if TYPE_CHECKING:
    from tests.corpus.workshop import Workshop

PROJECT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).with_name("scripts")
FAILS = re.compile(r"fails-(\d+)-")

# Without it the client refuses bytes of zero. It also leaves CR LF as it is, as we do not: there is
# none in such a script.
AS_IT_IS = ("--binary-mode",)
BINARY = {"crazy_bytes.sql"}


@dataclass(frozen=True)
class ScriptCase(Case):
    """A script that is a file of its own."""

    path: Path = Path()

    def write(self, workshop: Workshop) -> Path:
        if self.path.suffix != ".gz":
            return self.path
        script = workshop.path(self.name)
        script.write_bytes(gzip.decompress(self.path.read_bytes()))
        return script


def _case(path: Path) -> ScriptCase:
    """Read what is to be known from a script's name: fails-1062-why.mysql.sql."""
    only = [flavour for flavour in BOTH if f".{flavour}." in path.name]
    fails = FAILS.match(path.name)
    return ScriptCase(
        path.name,
        tuple(only) or BOTH,
        errors=dict.fromkeys(BOTH, int(fails[1])) if fails else {},
        client_options=AS_IT_IS if path.name in BINARY else (),
        path=path,
    )


HANDWRITTEN: list[Case] = [
    *(_case(path) for path in sorted(SCRIPTS.glob("*.sql"))),
    ScriptCase("rich.sql", path=PROJECT / "tests/data/rich.sql"),
    ScriptCase("Spyglass", MYSQL, path=PROJECT / "notebooks/data/spyglass-prepopulate.sql.gz"),
]
