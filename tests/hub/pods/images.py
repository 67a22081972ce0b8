"""Images for the pods, from the distribution's packages and PyPI, named as in the values.

MySQL's image is a stand-in for `datajoint/mysql:8.0`: another MySQL (the distribution's), with
entrypoints of our own that behave as the originals do, and what weighs of its my.cnf.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from sidecar_magics.local.archive import machine_archive
from sidecar_magics.local.find import PACKAGES, SUITES, WITHOUT
from sidecar_magics.local.packages import fetch
from tests.background import running
from tests.hub.chart import IMAGE, NETWORK_TOOLS_IMAGE
from tests.hub.pods.podman import CALL_S, ENVIRONMENT, call, install

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
FILES = Path(__file__).with_name("image")
MYSQL_IMAGE = "datajoint/mysql:8.0"
# What hub-config/image/Dockerfile begins with.
BASE_IMAGE = "mysql:9.7"
OUR_IMAGE = "localhost/sidecar-mysql:9.7"
TOOLS = ("bash", "coreutils", "findutils", "gzip")
PYTHON = ("python3", "libstdc++6", *TOOLS)
LAB_IMAGE = "localhost/hub-config-lab:latest"
LAB_PACKAGES = ("jupyterlab==4.4.*", "jupyterhub==5.5.0", "ipykernel")
# All cells are in the page, not only those in sight; and no question about news.
LAB_SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
NOTEBOOK_PACKAGES = ("datajoint==0.14.10", "h5py", "nbclient", "nbconvert")
ACCOUNTS = "root:x:0:0::/root:/bin/bash\nmysql:x:999:999::/var/lib/mysql:/bin/bash\n"
ACCOUNTS += "jovyan:x:1000:100::/home/jovyan:/bin/bash\n"
GROUPS = "root:x:0:\nusers:x:100:\nmysql:x:999:\n"
# The images' names and the pods' addresses belong to the machine, so runs on it take turns.
LOCK = Path(tempfile.gettempdir(), "sidecar-magics-pods.lock")


@contextmanager
def built(*, with_lab: bool = False) -> Iterator[None]:
    """Have podman and the images, which no other run replaces meanwhile.

    Parameters
    ----------
    with_lab : bool, default False
        Build the one with JupyterLab, too.

    Raises
    ------
    PodmanError
        podman, or an image, cannot be had here.
    filelock.Timeout
        Another run has had them for half an hour.
    """
    install()
    with filelock.FileLock(LOCK, timeout=CALL_S):
        _mysql()
        _dockerfile()
        _notebook()
        if with_lab:
            _lab()
        yield


def save(name: str, file: Path) -> None:
    """Write an image into an archive, for other engines: a short name stays one.

    podman calls such an image ``localhost/NAME``; Docker and containerd have a registry of their
    own for names without one.
    """
    call("podman", "save", "--quiet", "--format=docker-archive", "--output", str(file), name)
    if "." in name.partition("/")[0] or name.startswith("localhost/"):
        return
    renamed = file.with_suffix(".renamed")
    with tarfile.open(file) as saved, tarfile.open(renamed, "w") as other:
        for member in saved:
            data = saved.extractfile(member) if member.isfile() else None
            if data is not None and member.name == "manifest.json":
                text = data.read().replace(f'"localhost/{name}"'.encode(), f'"{name}"'.encode())
                member.size, data = len(text), io.BytesIO(text)
            if member.name != "repositories":  # an older form of the same
                other.addfile(member, data)
    renamed.replace(file)


def _mysql() -> None:
    suite = SUITES.get((machine_archive().distribution, "mysql"))
    name = _local("mysql", 2, suite, PACKAGES["mysql"], TOOLS, *_contents(FILES))
    if not _exists(name):
        with tempfile.TemporaryDirectory() as folder:
            packages = (*PACKAGES["mysql"], *TOOLS)
            root = fetch(packages, Path(folder, "root"), suite=suite, without=WITHOUT)
            _furnish(root)
            for script in FILES.glob("*.sh"):
                shutil.copy(script, root / "usr/local/bin")
            shutil.copy(FILES / "my.cnf", root / "etc/my.cnf")
            for place in ("var/lib/mysql", "var/run/mysqld", "var/lib/mysql-files"):
                (root / place).mkdir(parents=True)
                shutil.chown(root / place, 999, 999)
                (root / place).chmod(0o1777)
            start = 'ENTRYPOINT ["datajoint-entrypoint.sh"]'
            _import(root, name, start, "VOLUME /var/lib/mysql")
            # The init container that keeps users from the metadata server has nothing to do here.
            (root / "usr/local/bin/iptables").symlink_to("/usr/bin/true")
            # Its own entrypoint, and none of the settings: the official image.
            (root / "etc/my.cnf").write_text("[mysqld]\nsocket=/var/run/mysqld/mysqld.sock\n")
            _import(root, f"{name}-plain", 'ENTRYPOINT ["docker-entrypoint.sh"]')
    call("podman", "tag", name, MYSQL_IMAGE)
    call("podman", "tag", f"{name}-plain", BASE_IMAGE)
    call("podman", "tag", f"{name}-plain", NETWORK_TOOLS_IMAGE)


def _dockerfile() -> None:
    """Build hub-config/image as its own first lines say."""
    folder = str(ROOT / "hub-config" / "image")
    version = BASE_IMAGE.rpartition(":")[2]
    call(
        *("podman", "build", "--network=none", "--pull=never"),
        *("--tag", OUR_IMAGE, "--build-arg", f"MYSQL_VERSION={version}", folder),
    )


def _notebook() -> None:
    name = _local("notebook", 2, PYTHON, NOTEBOOK_PACKAGES, _requirements())
    if not _exists(name):
        with tempfile.TemporaryDirectory() as folder:
            root = fetch(PYTHON, Path(folder, "root"), without=WITHOUT)
            _furnish(root)
            (python,) = (root / "usr/lib").glob("python3.*")
            _install(root, python.name.removeprefix("python"))
            home = root / "home/jovyan"
            home.mkdir(parents=True)
            shutil.chown(home, 1000, 100)
            _import(root, name, "ENV PATH=/usr/local/bin:/usr/bin:/bin", "USER 1000:100")
    _add_package(name)


def _install(root: Path, version: str) -> None:
    """Install what notebooks need, for the image's Python."""
    target = root / "usr/local/lib" / f"python{version}" / "dist-packages"
    call(
        *(sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(target)),
        *("--python-version", version, "--only-binary=:all:"),
        *_requirements(),
        *NOTEBOOK_PACKAGES,
    )
    for script in _scripts(target):
        shutil.move(script, root / "usr/local/bin" / script.name)


def _scripts(target: Path) -> list[Path]:
    """Return the programs of what was installed into a folder, for the image's Python."""
    found = sorted((target / "bin").iterdir())
    for script in found:
        script.write_bytes(re.sub(rb"\A#!.*", b"#!/usr/bin/python3", script.read_bytes()))
    return found


def _requirements() -> list[str]:
    """Return what the package itself and its tutorial need."""
    found = importlib.metadata.requires("sidecar-magics") or []
    plain = [each for each in found if "extra ==" not in each]
    tutorial = [each.partition(";")[0] for each in found if "'tutorial'" in each]
    return [*plain, *tutorial]


def _add_package(base: str) -> None:
    """Put the package and the notebooks, as they are now, on top of the image."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder, "wheel")
        call(
            *(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"),
            *("--no-compile", "--target", str(wheel), str(ROOT)),
        )
        _scripts(wheel)
        _forget(LAB_IMAGE, IMAGE)  # the first is made from the second
        container = call("podman", "create", base, "true").strip()
        try:
            call("podman", "cp", str(wheel), f"{container}:/sidecar-magics")
            call("podman", "cp", str(ROOT / "notebooks"), f"{container}:/notebooks")
            path = "ENV PATH=/sidecar-magics/bin:/usr/local/bin:/usr/bin:/bin"
            changes = ("--change", "ENV PYTHONPATH=/sidecar-magics", "--change", path)
            call("podman", "commit", "-q", *changes, container, IMAGE)
        finally:
            call("podman", "rm", container)


def _lab() -> None:
    """Build the notebook's image with JupyterLab, as a hub's users have it."""
    name = _local("lab-packages", PYTHON, LAB_PACKAGES, LAB_SETTINGS)
    if not _exists(name):
        with tempfile.TemporaryDirectory() as folder:
            root = fetch(PYTHON, Path(folder, "python"), without=WITHOUT)
            (python,) = (root / "usr/lib").glob("python3.*")
            lab = Path(folder, "root", "lab")
            call(
                *(sys.executable, "-m", "pip", "install", "-q", "--no-compile"),
                *("--target", str(lab), "--only-binary=:all:"),
                *("--python-version", python.name.removeprefix("python"), *LAB_PACKAGES),
            )
            settings = lab / "share/jupyter/lab/settings/overrides.json"
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_text(json.dumps(LAB_SETTINGS))
            _import(lab.parent, name)
    container, other = call("podman", "create", IMAGE, "true").strip(), ""
    try:
        other = call("podman", "create", name, "true").strip()
        with tempfile.TemporaryDirectory() as folder:
            call("podman", "cp", f"{other}:/lab", folder)
            call("podman", "cp", str(Path(folder, "lab")), f"{container}:/lab")
        changes = (
            "ENV PYTHONPATH=/sidecar-magics:/lab",
            "ENV JUPYTERLAB_DIR=/lab/share/jupyter/lab",
            "ENV JUPYTER_PATH=/lab/share/jupyter",
            "ENV JUPYTER_CONFIG_PATH=/lab/etc/jupyter",
        )
        options = [part for change in changes for part in ("--change", change)]
        call("podman", "commit", "-q", *options, container, LAB_IMAGE)
    finally:
        call("podman", "rm", *(each for each in (container, other) if each))


def _furnish(root: Path) -> None:
    """Add what an installation would have made."""
    (root / "etc/passwd").write_text(ACCOUNTS)
    (root / "etc/group").write_text(GROUPS)
    for place in ("tmp", "root", "proc", "sys", "dev", "run", "usr/local/bin"):
        (root / place).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for folder in (root / "usr/bin", root / "bin"):  # which may be one, or not
        if (folder / "bash").exists() and not (folder / "sh").exists():
            (folder / "sh").symlink_to("bash")


def _import(root: Path, name: str, *changes: str) -> None:
    options = [part for change in changes for part in ("--change", change)]
    tar = ["tar", "--directory", str(root), "--create", "."]
    with running(tar, stdout=subprocess.PIPE) as packed:
        subprocess.run(
            ["podman", "import", "-q", *options, "-", name],
            stdin=packed.stdout,
            env=ENVIRONMENT,
            check=True,
            capture_output=True,
            timeout=CALL_S,
        )


def _exists(name: str) -> bool:
    command = ["podman", "image", "exists", name]
    done = subprocess.run(command, env=ENVIRONMENT, check=False, timeout=CALL_S)
    return done.returncode == 0


def _forget(*names: str) -> None:
    """Remove images that are recreated; one that a container still has stays, without a name."""
    command = ["podman", "rmi", *names]
    subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False, timeout=CALL_S)


def _local(kind: str, *recipe: object) -> str:
    digest = hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]
    return f"localhost/hub-config-{kind}:{digest}"


def _contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


if __name__ == "__main__":
    with built():
        pass
