"""The content of a snapshot: written last into its folder, so a folder without it is none.

A snapshot's folder is renamed into its place when it is complete. Unchanged tables are hard links
to the snapshot before, so a snapshot is removed by removing its folder.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import KeepError, printable
from ..files import OWNER_ONLY, write
from ..units import duration

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MANIFEST = "kept.json"
# A later version's form gets an error of its own.
FORM = 1
_PIECE_BYTES = 1024 * 1024


class KeptFile(NamedTuple):
    """A file of a snapshot, as it is on disk."""

    sha256: str
    size_bytes: int


class KeptTable(NamedTuple):
    """A table of a snapshot: its file, and how many rows it has."""

    file: str
    rows: int


@dataclass(frozen=True)
class Manifest:
    """The content of a snapshot.

    Parameters
    ----------
    name : str
        Its folder's name.
    made : float
        The moment that it shows, in seconds since 1970; later than that of each earlier one.
    data_id : str
        Identity of its data; see `marker.Marker`.
    server, flavour : str
        Kind and version of the server; ``mysql`` or ``mariadb``.
    schemas : tuple of str
        Which schemas.
    tables : dict of str to KeptTable
        By ``schema.table``.
    files : dict of str to KeptFile
        By name, without this manifest's own.
    is_first : bool
        Whether it has the data that a server had when it was first kept.
    left_out : tuple of str
        Objects of the server that are not in it, a sentence each.
    is_partial : bool
        Whether the account may not see everything, so that it may lack something.
    """

    name: str
    made: float
    data_id: str
    server: str = ""
    flavour: str = "mysql"
    schemas: tuple[str, ...] = ()
    tables: dict[str, KeptTable] = field(default_factory=dict)
    files: dict[str, KeptFile] = field(default_factory=dict)
    is_first: bool = False
    left_out: tuple[str, ...] = ()
    is_partial: bool = False

    @property
    def rows(self) -> int:
        """How many rows, in all tables."""
        return sum(table.rows for table in self.tables.values())

    @property
    def size_bytes(self) -> int:
        """Size of its files, some of which it may share with other snapshots."""
        return sum(file.size_bytes for file in self.files.values())

    @property
    def when(self) -> str:
        """Its moment, in this machine's zone, and how long ago that is."""
        return f"{moment(self.made)} ({duration(max(0.0, time.time() - self.made))} ago)"

    def holds_the_same(self, other: Manifest) -> bool:
        """Return whether another snapshot would restore the same."""
        return (self.files, self.schemas) == (other.files, other.schemas)

    def write(self, folder: Path) -> None:
        """Write it into a folder.

        Raises
        ------
        OSError
            It cannot be written.
        """
        text = json.dumps({"form": FORM, **asdict(self)}, indent=0)
        write(folder / MANIFEST, text + "\n", mode=OWNER_ONLY)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a snapshot.

    Parameters
    ----------
    folder : Path
        The snapshot's.

    Raises
    ------
    KeepError
        There is none, or it is damaged, or written by a later version.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        form = values.pop("form")
    except FileNotFoundError:
        raise KeepError(
            f"There is no snapshot {printable(folder.name)} in {printable(str(folder.parent))}.",
            hint="`%mysql_keep --list` shows those that there are.",
        ) from None
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        raise _damaged(folder, f"{MANIFEST} cannot be read") from None
    if form != FORM:
        raise KeepError(
            f"The snapshot {printable(folder.name)} is by a later version of sidecar-magics.",
            hint="update sidecar-magics, or restore another snapshot.",
        )
    try:
        return _from_values({**values, "name": folder.name})
    except (TypeError, ValueError, AttributeError, KeyError):
        raise _damaged(folder, f"{MANIFEST} is not whole") from None


def verify(folder: Path, manifest: Manifest) -> None:
    """Check that no file of a snapshot has changed.

    Raises
    ------
    KeepError
        One is not.
    """
    for name, kept in manifest.files.items():
        try:
            found = described(folder / name)
        except OSError as error:
            raise _damaged(folder, f"{name}: {error.strerror or error}") from None
        if found != kept:
            what = "size" if found.size_bytes != kept.size_bytes else "content"
            raise _damaged(folder, f"{name} has another {what} than was written")


def described(path: Path) -> KeptFile:
    """Return the content of a file.

    Raises
    ------
    OSError
        It cannot be read.
    """
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        for piece in _pieces(file):
            digest.update(piece)
            size_bytes += len(piece)
    return KeptFile(digest.hexdigest(), size_bytes)


def _pieces(file: Any) -> Iterable[bytes]:
    return iter(lambda: file.read(_PIECE_BYTES), b"")


def _damaged(folder: Path, why: str) -> KeepError:
    return KeepError(
        f"The snapshot {printable(folder.name)} is damaged: {printable(why)}.",
        hint="restore an earlier one: `%mysql_keep --list`, then `%mysql_keep --restore NAME`.",
    )


def _from_values(values: dict[str, Any]) -> Manifest:
    return Manifest(
        **{
            **values,
            "made": float(values["made"]),
            "schemas": tuple(values["schemas"]),
            "left_out": tuple(values.get("left_out", ())),
            "tables": {name: KeptTable(*kept) for name, kept in values["tables"].items()},
            "files": {name: KeptFile(*kept) for name, kept in values["files"].items()},
        }
    )


def moment(made: float) -> str:
    """Return a moment in this machine's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(made))
