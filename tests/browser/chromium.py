"""Debian's Chromium, unpacked below the cache: no root, the same fonts on every machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from sidecar_magics.errors import LocalServerError
from sidecar_magics.local.packages import fetch
from sidecar_magics.local.program import library_folders

ROOT = Path(__file__).resolve().parents[2] / ".cache" / "chromium"
PACKAGES = ("chromium", "fonts-dejavu-core")
# What a page in a browser without a window does not need: half of all that it depends on. The
# machine's C library and its loader are used, which are of the same distribution.
WITHOUT = (
    "adwaita-icon-theme",
    "dbus",
    "dbus-user-session",
    "debconf",
    "dpkg",
    "libc6",
    "libgl1-mesa-dri",
    "libgtk-3-0",
    "mount",
    "perl",
    "systemd",
    "x11-utils",
    "xdg-utils",
)
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{root}/usr/share/fonts</dir>
  <cachedir>{root}/var/cache/fontconfig</cachedir>
</fontconfig>
"""
ARGUMENTS = [
    "--no-sandbox",  # as root it has none; it sees nothing but our own server
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
]


def launch_options() -> dict[str, Any]:
    """Return what playwright starts Chromium with; the first call fetches it (200 MB).

    Raises
    ------
    LocalServerError
        It cannot be fetched, and the machine has none.
    """
    try:
        root = fetch(PACKAGES, ROOT, without=WITHOUT, progress=print)
    except LocalServerError:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        if program is None:
            raise
        return {"executable_path": program, "args": ARGUMENTS}
    fonts = root / "fonts.conf"
    fonts.write_text(FONTS.format(root=root))
    folders = library_folders(root)
    # Its libraries look for one of theirs at an absolute path, which is not below this root.
    private = [folder / "pulseaudio" for folder in folders]
    return {
        "executable_path": str(root / "usr" / "lib" / "chromium" / "chromium"),
        "args": ARGUMENTS,
        "env": {
            **os.environ,
            "LD_LIBRARY_PATH": ":".join(map(str, [*folders, *private])),
            "FONTCONFIG_FILE": str(fonts),
        },
    }
