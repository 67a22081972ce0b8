"""Make the site, as `make docs` does: run its cells on a private server, and check its links."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar_magics.errors import SidecarError
from sidecar_magics.local import lifecycle
from sidecar_magics.local.process import is_taken
from sidecar_magics.local.state import HOME_VARIABLE, folders
from tools.project import PROJECT
from tools.site.links import broken
from tools.site.staging import BrokenLinkError, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD = PROJECT / "build" / "docs"
SOURCE, SITE = BUILD / "source", BUILD / "html"
# Where a reader's server would be, too.
PORT = 3306


def main() -> int:
    """Make the site, and tell where it is."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        shutil.rmtree(BUILD, ignore_errors=True)
        stage(SOURCE)
        with private_server():
            made = subprocess.run(
                [
                    *(sys.executable, "-m", "sphinx", "--builder", "html", "--fresh-env"),
                    *("--fail-on-warning", "--keep-going", "--quiet"),
                    *("--doctree-dir", str(BUILD / "doctrees"), str(SOURCE), str(SITE)),
                ],
                check=False,
            )
    except (SidecarError, BrokenLinkError) as error:
        print(error, file=sys.stderr)
        return 1
    if made.returncode:
        return 1
    wrong = list(broken(SITE))
    if wrong:
        print("\n".join(["Links that lead nowhere:", *wrong]), file=sys.stderr)
        return 1
    print(f"The site: {SITE / 'index.html'}")
    return 0


@contextmanager
def private_server() -> Iterator[None]:
    """Run a private server, which the cells find as a reader's cells find the reader's."""
    cache = folders().cache
    for name in list(os.environ):
        if name.startswith(("SIDECAR_MYSQL_", "MYSQL_", "DJ_")):
            del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="sidecar-docs-") as home:
        # The servers' programs are fetched once for all.
        cache.mkdir(parents=True, exist_ok=True)
        Path(home, "cache").symlink_to(cache)
        os.environ[HOME_VARIABLE] = home
        os.environ["HOME"] = home  # no ~/.my.cnf, and no settings of IPython's but these
        scripts = str(Path(sys.executable).parent)  # where the command is
        os.environ["PATH"] = f"{scripts}{os.pathsep}{os.environ['PATH']}"
        profile = Path(home, ".ipython", "profile_default")
        profile.mkdir(parents=True)
        (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n")
        lifecycle.up(
            backend="native", port=0 if is_taken(PORT) else PORT, flavour="mysql", ephemeral=True
        )
        try:
            yield
        finally:
            lifecycle.down()


if __name__ == "__main__":
    sys.exit(main())
