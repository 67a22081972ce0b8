"""Graphviz's ``dot``, which DataJoint's diagrams are drawn with; the machine's, or fetched."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sidecar_magics.errors import LocalServerError
from sidecar_magics.local.packages import fetch
from sidecar_magics.local.program import library_folders, unpacked_program
from sidecar_magics.local.state import folders
from tests.background import LIMIT_S


def folder_with_dot() -> Path:
    """Return a folder for PATH that has ``dot``; fetch the distribution's if there is none."""
    installed = shutil.which("dot")
    if installed:
        return Path(installed).parent
    try:
        root = fetch(["graphviz"], folders().cache / "graphviz")
    except LocalServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no dot: {error}")
    plugins = next(path for each in library_folders(root) if (path := each / "graphviz").is_dir())
    command = shlex.join(unpacked_program(root, "dot").command())
    program = root / "bin" / "dot"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nGVBINDIR={shlex.quote(str(plugins))} exec {command} "$@"\n')
    program.chmod(0o755)
    if not (plugins / "config6a").exists():  # made by the package when it is installed
        subprocess.run([str(program), "-c"], check=True, timeout=LIMIT_S)
    return program.parent
