"""Whether pods can be run on this machine: ``python -m tests.hub.pods.able``; if not, it says why.

It installs podman where that is missing. Pods need root, Debian's packages, namespaces and cgroups
that may be changed: a container that is not privileged gives none of that.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.hub.pods.podman import PodmanError, call, install

CGROUPS = Path("/sys/fs/cgroup")


def reason() -> str:
    """Return why no pods can be run here; empty if they can."""
    try:
        install()
        call("podman", "info")
        call("unshare", "--net", "--mount", "true")
    except PodmanError as error:
        return str(error)
    return "" if os.access(CGROUPS, os.W_OK) else f"{CGROUPS} cannot be written to"


if __name__ == "__main__":
    why = reason()
    sys.exit(f"No pods can be run here: {why}." if why else 0)
