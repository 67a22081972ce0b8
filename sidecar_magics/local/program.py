"""A program, and how to start it: as it is, or from an unpacked root with its own libraries."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from ..errors import LocalServerError

PROGRAM_FOLDERS = ("usr/sbin", "usr/bin", "usr/libexec")
# Packages from before the merge of /lib into /usr/lib (2024) use both.
LIBRARY_FOLDERS = ("usr/lib/{triplet}", "lib/{triplet}", "usr/lib", "lib")
TRIPLETS = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu"}


@dataclass(frozen=True)
class Program:
    """A program that can be started.

    Parameters
    ----------
    path : Path
        The executable.
    root : Path or None, default None
        Unpacked root whose loader and libraries it needs; None if it is at home on this machine.
    """

    path: Path
    root: Path | None = None

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that starts the program with `arguments`.

        In an unpacked root that is the root's own dynamic loader, with the folders of its libraries
        as options: no environment variable is needed, so the program's children are not affected.
        """
        if self.root is None:
            return [str(self.path), *arguments]
        return [
            str(loader(self.root)),
            "--inhibit-cache",
            "--library-path",
            ":".join(map(str, library_folders(self.root))),
            str(self.path),
            *arguments,
        ]


def unpacked_program(root: Path, *names: str) -> Program:
    """Return the first of `names` that is in an unpacked root.

    Raises
    ------
    LocalServerError
        None is.
    """
    for name in names:
        for folder in PROGRAM_FOLDERS:
            path = root / folder / name
            if path.is_file():
                return Program(path, root)
    raise LocalServerError(f"There is no {' or '.join(names)} in {root}.")


def loader(root: Path) -> Path:
    """Return the root's dynamic loader, for instance ``ld-linux-x86-64.so.2``.

    Raises
    ------
    LocalServerError
        None is there.
    """
    inside = root.resolve()
    for folder in library_folders(root):
        for path in sorted(folder.glob("ld-linux*.so.*")):
            if inside in path.resolve().parents:  # else it would be this machine's own
                return path
    raise LocalServerError(f"There is no dynamic loader in {root}.")


def library_folders(root: Path) -> list[Path]:
    """Return the folders of an unpacked root that hold libraries."""
    machine = platform.machine()
    triplet = TRIPLETS.get(machine, f"{machine}-linux-gnu")
    candidates = (root / folder.format(triplet=triplet) for folder in LIBRARY_FOLDERS)
    return [folder for folder in candidates if folder.is_dir()]
