"""A pod's volumes as folders of this machine, with owners and modes as a kubelet gives them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.hub.apiserver import Manifest

OWNER_BITS = 0o2770  # of folders on a volume with an fsGroup
FILE_BITS = 0o660


class Volumes:
    """The volumes of one pod.

    Parameters
    ----------
    pod : Manifest
        The pod.
    folder : Path
        For what ends with the pod.
    claims : Path
        For what stays: a folder for each claim.
    files : mapping
        By key, the content of the secret that z2jh makes of ``singleuser.extraFiles``.
    shared_claims : frozenset of str, default empty
        Claims on a network file system, whose owners a kubelet leaves alone.
    """

    def __init__(
        self,
        pod: Manifest,
        folder: Path,
        claims: Path,
        files: Mapping[str, str],
        *,
        shared_claims: frozenset[str] = frozenset(),
    ) -> None:
        self._volumes = {each["name"]: each for each in pod["spec"].get("volumes") or []}
        self._group: int | None = (pod["spec"].get("securityContext") or {}).get("fsGroup")
        self._annotations: dict[str, str] = pod["metadata"].get("annotations") or {}
        self._folder, self._claims, self._files = folder, claims, files
        self._shared_claims = shared_claims
        self._ready: dict[str, Path] = {}

    def source(self, mount: Manifest) -> Path:
        """Return the folder or file that stands after a mount; a sub-path is made."""
        root = self._root(mount["name"])
        path = root / (mount.get("subPath") or "")
        missing = [each for each in (path, *path.parents) if not each.exists()]
        for each in reversed(missing):
            # As root, and with the mode of the volume's own folder.
            each.mkdir()
            each.chmod(root.stat().st_mode & 0o2777)
            shutil.chown(each, group=root.stat().st_gid)
        return path

    def remove(self) -> None:
        """Remove what ends with the pod."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _root(self, name: str) -> Path:
        if name not in self._ready:
            self._ready[name] = self._made(self._volumes[name])
        return self._ready[name]

    def _made(self, volume: Manifest) -> Path:
        if "secret" in volume:
            return self._secret(volume)
        if "downwardAPI" in volume:
            return self._downward(volume)
        claim = volume.get("persistentVolumeClaim")
        if claim:
            root, mode = self._claims / str(claim["claimName"]), 0o755  # a fresh file system's
        else:
            root, mode = self._folder / str(volume["name"]), 0o777  # an emptyDir's
        if not root.exists():
            root.mkdir(parents=True)
            root.chmod(mode)
        if self._group is not None and not (claim and claim["claimName"] in self._shared_claims):
            self._give_to_group(root, self._group)
        return root

    def _secret(self, volume: Manifest) -> Path:
        root = self._folder / str(volume["name"])
        root.mkdir(parents=True, exist_ok=True)
        for item in volume["secret"]["items"]:
            (root / item["path"]).write_text(self._files[item["key"]])
        return root

    def _downward(self, volume: Manifest) -> Path:
        """Write annotations of the pod into files."""
        root = self._folder / str(volume["name"])
        root.mkdir(parents=True, exist_ok=True)
        for item in volume["downwardAPI"]["items"]:
            key = item["fieldRef"]["fieldPath"].removeprefix("metadata.annotations['")
            (root / item["path"]).write_text(self._annotations[key.removesuffix("']")])
        return root

    @staticmethod
    def _give_to_group(root: Path, group: int) -> None:
        """Do what a kubelet does for fsGroup, at each start of a pod."""
        for path in (root, *root.rglob("*")):
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                continue
            shutil.chown(path, group=group)
            path.chmod(path.stat().st_mode & 0o7777 | (OWNER_BITS if path.is_dir() else FILE_BITS))
