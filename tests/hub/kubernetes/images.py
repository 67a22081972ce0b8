"""The images of the pods, as files: those of podman, and the one that holds a pod's network."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.hub.chart import IMAGE, NETWORK_TOOLS_IMAGE
from tests.hub.kubernetes.layout import PAUSE_IMAGE
from tests.hub.kubernetes.programs import runtime
from tests.hub.pods import images
from tests.hub.pods.podman import call

NAMES = (PAUSE_IMAGE, images.MYSQL_IMAGE, NETWORK_TOOLS_IMAGE, IMAGE)


def save_images(folder: Path) -> None:
    """Write an archive of each image into a folder; those that are missing are built."""
    with images.built():
        _build_pause()
        for number, name in enumerate(NAMES):
            images.save(name, folder / f"{number}.tar")


def _build_pause() -> None:
    """Make the image whose one process does nothing, and ends when it is told to."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        shutil.copy(runtime() / "usr/bin/catatonit", root / "pause")
        archive = shutil.make_archive(str(Path(folder, "pause")), "tar", root)
        start = 'ENTRYPOINT ["/pause", "-P"]'
        call("podman", "import", "--quiet", "--change", start, archive, PAUSE_IMAGE)
