"""A source package of the distribution: downloaded, checked by apt, unpacked and patched."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from sidecar_magics.local.archive import machine_archive
from sidecar_magics.local.packages import APT_CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COMMAND_S = 1200


class SourceError(Exception):
    """A source package cannot be had, or cannot be unpacked."""


def unpacked_source(package: str, suite: str, folder: Path) -> Path:
    """Return the patched tree of a source package, below a folder; nothing is installed.

    Parameters
    ----------
    package : str
        Name of the source package, of format "3.0 (quilt)".
    suite : str
        Suite of the distribution's archive, which this machine's own sources name.
    folder : Path
        Where to work. A tree that is there already is taken as it is.

    Raises
    ------
    SourceError
        A step failed: the message has the command and its last words.
    """
    tree = folder / "tree"
    if not tree.exists():
        _download(package, suite, folder)
        part = folder / "tree.part"
        part.mkdir()
        (upstream,) = folder.glob("*.orig.tar.*")
        (debian,) = folder.glob("*.debian.tar.*")
        run("tar", "-C", str(part), "--strip-components=1", "-xf", str(upstream), cwd=folder)
        run("tar", "-C", str(part), "-xf", str(debian), cwd=folder)
        for patch in (part / "debian/patches/series").read_text().split():
            run("patch", "-s", "-p1", "-i", f"debian/patches/{patch}", cwd=part)
        part.rename(tree)
    return tree


def _download(package: str, suite: str, folder: Path) -> None:
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / "apt" / name).mkdir(parents=True, exist_ok=True)
    (folder / "apt/status").touch()
    stanza = machine_archive().stanza(suite).replace("Types: deb\n", "Types: deb-src\n", 1)
    (folder / "apt/archive.sources").write_text(stanza)
    architecture = run("dpkg", "--print-architecture", cwd=folder).strip()
    configuration = folder / "apt/apt.conf"
    configuration.write_text(
        APT_CONFIGURATION.format(folder=folder / "apt", architecture=architecture)
    )
    apt = ("apt-get", "-qq", "-c", str(configuration))
    run(*apt, "update", cwd=folder)
    run(*apt, "source", "--download-only", package, cwd=folder)


def run(
    *command: str,
    cwd: Path,
    environment: dict[str, str] | None = None,
    timeout_s: float = COMMAND_S,
) -> str:
    """Run a command to its end, and return its output.

    Raises
    ------
    SourceError
        It failed.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise SourceError(f"{_short(command)}: {said}")
    return done.stdout


def _short(command: Sequence[str]) -> str:
    return " ".join(command[:4])
