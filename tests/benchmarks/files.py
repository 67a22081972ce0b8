"""The files that are measured: made once by the real tools, then kept."""

from __future__ import annotations

import contextlib
import gzip
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.background import running
from tests.benchmarks import employees, handwritten
from tests.benchmarks.peers import LOAD_S
from tests.guard import guarded_folder
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.benchmarks.peers import MyDumper

PROJECT = Path(__file__).parents[2]
SPYGLASS = PROJECT / "notebooks" / "data" / "spyglass-prepopulate.sql.gz"
# MariaDB 10.11 has none of MySQL 8's collations (error 1273).
COLLATIONS = {b"utf8mb4_0900_ai_ci": b"utf8mb4_general_ci", b"utf8mb4_0900_bin": b"utf8mb4_bin"}
ONE_TABLE_BYTES = 40_000_000
SMALL_STATEMENTS = 60_000
# Each row a statement and a transaction: what is 186 MB else would take half an hour.
SINGLE_ROWS_SHARE = 0.02
ROWS_PER_CHUNK = 250_000

# mydumper 1.0 ends with a segmentation fault at the tree that EXPLAIN gives from MySQL 9 on.
OPTIONS_FOR_DUMPS = ("--loose-explain-format=TRADITIONAL",)


class Files:
    """The files for one kind of server.

    Parameters
    ----------
    folder : Path
        Where they are kept; a file that is there is not made again.
    flavour : {"mysql", "mariadb"}
        Dumps are made by this server and its own dump program.
    scale : float
        Share of the full size.
    say : callable
        Called with a line of text at each step.
    """

    def __init__(
        self, folder: Path, flavour: str, scale: float, say: Callable[[str], None]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._flavour = flavour
        self._scale = scale
        self._say = say

    def employees(self) -> Path:
        """Return a dump of the employees shape."""
        path = self._path("employees", ".sql")
        if not path.exists():
            self._dump(path, self._scale)
        return path

    def single_rows(self) -> Path:
        """Return a dump of the employees shape with a statement for each row."""
        path = self._path("single-rows", ".sql")
        if not path.exists():
            self._dump(path, self._scale * SINGLE_ROWS_SHARE, "--skip-extended-insert")
        return path

    def mydumper(self, mydumper: MyDumper) -> dict[str, Path]:
        """Return folders of the employees shape: whole tables, and tables in chunks."""
        rows = {"whole": None, "chunks": max(1, round(ROWS_PER_CHUNK * self._scale))}
        paths = {
            kind: self._path("employees", f".mydumper-{mydumper.version}-{kind}") for kind in rows
        }
        missing = [kind for kind, path in paths.items() if not path.exists()]
        if missing:
            with self._filled_server(self._scale) as server:
                for kind in missing:
                    self._say(f"Dumping {paths[kind].name}.")
                    with _complete(paths[kind]) as partial:
                        mydumper.dump(server, employees.SCHEMA, partial, rows=rows[kind])
        return paths

    def spyglass(self) -> Path:
        """Return the Spyglass dump, unpacked: what the client can read."""
        path = self._path("spyglass", ".sql", 1)
        script = gzip.decompress(SPYGLASS.read_bytes())
        if self._flavour == "mariadb":
            for name, substitute in COLLATIONS.items():
                script = script.replace(name, substitute)
        return self._write(path, [script])

    def one_table(self) -> Path:
        """Return a script of many rows into one table."""
        size_bytes = round(ONE_TABLE_BYTES * self._scale)
        return self._write(self._path("one-table", ".sql"), handwritten.one_table(size_bytes))

    def small_statements(self) -> Path:
        """Return a script of many small statements."""
        count = round(SMALL_STATEMENTS * self._scale)
        path = self._path("small-statements", ".sql")
        return self._write(path, handwritten.small_statements(count))

    def large(self, size_gb: float) -> Path:
        """Return a script in a dump's form of about `size_gb` GB, made without a server.

        Raises
        ------
        OSError
            The disk has no room for it, its database and the logs.
        """
        path = self._folder / f"large-{size_gb:g}GB.sql"
        free_gb = shutil.disk_usage(self._folder).free / 1e9
        needed_gb = size_gb * (3 if path.exists() else 4)
        if free_gb < needed_gb:
            raise OSError(f"{free_gb:.0f} GB of disk are free, {needed_gb:g} GB are needed")
        return self._write(path, employees.script(1000 * size_gb / employees.MB_AT_SCALE_1))

    def _path(self, name: str, suffix: str, scale: float | None = None) -> Path:
        scale = self._scale if scale is None else scale
        size = "" if scale == 1 else f"-{scale:g}"
        flavour = "" if self._flavour == "mysql" else f".{self._flavour}"
        return self._folder / f"{name}{size}{flavour}{suffix}"

    def _write(self, path: Path, pieces: Iterable[bytes]) -> Path:
        if not path.exists():
            self._say(f"Writing {path.name}.")
            with _complete(path) as partial, partial.open("wb") as file:
                file.writelines(pieces)
        return path

    def _dump(self, path: Path, scale: float, *options: str) -> None:
        with self._filled_server(scale) as server, _complete(path) as partial:
            self._say(f"Dumping {path.name}.")
            if self._flavour == "mysql":
                # Else the second load of the dump is refused: its transactions are known (3546).
                options = ("--set-gtid-purged=OFF", *options)
            with partial.open("wb") as file:
                command = [*server.dump_client, *options, "--databases", employees.SCHEMA]
                subprocess.run(command, stdout=file, check=True, timeout=LOAD_S)

    @contextlib.contextmanager
    def _filled_server(self, scale: float) -> Iterator[Server]:
        """Provide a server of its own with the employees shape in it."""
        with (
            guarded_folder() as folder,
            Server(self._flavour, folder, options=OPTIONS_FOR_DUMPS) as server,
        ):
            self._say(f"Filling a {self._flavour} with the employees shape at scale {scale:g}.")
            with running(server.client, stdin=subprocess.PIPE) as client:
                assert client.stdin is not None
                with client.stdin as pipe:
                    pipe.writelines(employees.script(scale))
                if client.wait(LOAD_S):
                    raise RuntimeError("the client could not fill the server")
            yield server


@contextlib.contextmanager
def _complete(path: Path) -> Iterator[Path]:
    """Let a file or folder appear complete or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    if partial.is_dir():
        shutil.rmtree(partial)
    yield partial
    partial.replace(path)
