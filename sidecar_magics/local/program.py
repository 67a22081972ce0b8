"""A program, and how to start it: as it is, or from an unpacked root with its own libraries."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from ..errors import LocalServerError

PROGRAM_FOLDERS = ("usr/sbin", "usr/bin", "usr/libexec")
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

        In an unpacked root that is the root's own dynamic loader, told to look for libraries
        there: no environment variable is needed, so the program's children are not affected.
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
    for folder in ("lib64", "lib", "usr/lib64", "usr/lib", *_expanded()):
        for path in sorted((root / folder).glob("ld-linux*.so.*")):
            if path.exists():  # not a link that leads out of the root
                return path
    raise LocalServerError(f"There is no dynamic loader in {root}.")


def library_folders(root: Path) -> list[Path]:
    """Return the folders of an unpacked root that hold libraries."""
    return [root / folder for folder in _expanded() if (root / folder).is_dir()]


def _expanded() -> list[str]:
    machine = platform.machine()
    triplet = TRIPLETS.get(machine, f"{machine}-linux-gnu")
    return [folder.format(triplet=triplet) for folder in LIBRARY_FOLDERS]
