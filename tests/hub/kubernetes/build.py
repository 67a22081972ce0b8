"""Kubernetes' own programs, built from Debian's source package.

Debian makes only kubectl of it, but the package has the server's programs with all that they need.
They are kept in the user's cache (200 MB); building takes five minutes on two quiet cores, and
2.1 GB meanwhile. A build that was interrupted continues. ``python -m tests.hub.kubernetes.build``
only builds.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import sys
from pathlib import Path

import filelock

from sidecar_magics.local.packages import fetch
from sidecar_magics.local.state import folders
from tests.hub.kubernetes.source import run, unpacked_source

VERSION = (1, 20)
RELEASE = "1.20.2"
# The last suite whose source package has more than kubectl's part, and the Go that it builds with.
SUITE = "bookworm"
GO = ("golang-1.19-go", "golang-1.19-src")
# The API server first: it is enough for half of the tests.
API_SERVER = "kube-apiserver"
PROGRAMS = (API_SERVER, "kube-controller-manager", "kube-scheduler", "kubelet")
# Without the drivers of clouds, and without Docker: containerd runs the containers.
TAGS = "providerless dockerless"
BUILD_S = 3 * 3600
WAIT_S = 4 * 3600
# The one generated file that the package does not have, and who has to be in it.
GENERATED = "pkg/generated/openapi/zz_generated.openapi.go"
TAGGED = re.compile(r"^// \+k8s:openapi-gen=", re.MULTILINE)
NO_API = {"code-generator", "sample-apiserver", "gengo", "kube-openapi"}


@functools.cache
def programs(*names: str) -> Path:
    """Return the folder with Kubernetes' programs, which the first call on a machine builds.

    Parameters
    ----------
    *names : str
        Those that are needed, of `PROGRAMS`; none means all.

    Raises
    ------
    SourceError
        The source package cannot be had, or the build fails.
    """
    target = folders().cache / f"kubernetes-{RELEASE}-{platform.machine()}"
    wanted = [target / name for name in names or PROGRAMS]
    if all(path.exists() for path in wanted):  # another process may be building the others
        return target
    target.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(target / "lock", timeout=WAIT_S):
        for path in wanted:
            if not path.exists():
                _build(path)
        if all((target / name).exists() for name in PROGRAMS):
            shutil.rmtree(target / "build", ignore_errors=True)
    return target


def _build(program: Path) -> None:
    name, folder = program.name, program.parent / "build"
    folder.mkdir(exist_ok=True)
    tree = unpacked_source("kubernetes", SUITE, folder)
    go = fetch(GO, folder / "go", suite=SUITE, without=("libc6",))
    # Where Go looks for a package of that name; links to staging/ are a part of the tree.
    place = folder / "path/src/k8s.io/kubernetes"
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink():
        place.symlink_to(tree)
    environment = _environment(folder, go / "usr/lib/go-1.19")
    if not (tree / GENERATED).exists():
        _generate(tree, folder, place, environment)
    part = folder / name
    options = ("-p", "2", "-tags", TAGS, "-ldflags", _link_flags(), "-o", str(part))
    command = ("go", "build", *options, f"./cmd/{name}")
    run("nice", "-n", "15", *command, cwd=place, environment=environment, timeout_s=BUILD_S)
    part.rename(program)


def _environment(folder: Path, root: Path) -> dict[str, str]:
    return {
        "PATH": f"{root}/bin:{os.environ['PATH']}",
        "HOME": str(folder),
        "GOROOT": str(root),
        "GOPATH": str(folder / "path"),
        "GOCACHE": str(folder / "cache"),
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOPROXY": "off",
        "CGO_ENABLED": "0",
        # Else Go takes links for other places than those that they are reached by.
        "PWD": str(folder / "path/src/k8s.io/kubernetes"),
    }


def _generate(tree: Path, folder: Path, place: Path, environment: dict[str, str]) -> None:
    """Make the description of the API, from each package that is marked for it."""
    generator = folder / "openapi-gen"
    command = ("go", "build", "-o", str(generator), "./vendor/k8s.io/kube-openapi/cmd/openapi-gen")
    run("nice", "-n", "15", *command, cwd=place, environment=environment, timeout_s=BUILD_S)
    arguments = [
        f"--go-header-file={place}/hack/boilerplate/boilerplate.generatego.txt",
        f"--input-dirs={','.join(_marked(tree))}",
        "--output-package=k8s.io/kubernetes/pkg/generated/openapi",
        "--output-file-base=zz_generated.openapi",
        f"--output-base={folder / 'path/src'}",
        f"--report-filename={folder / 'violations'}",
    ]
    run(str(generator), *arguments, cwd=place, environment=environment, timeout_s=BUILD_S)


def _marked(tree: Path) -> list[str]:
    parts = [each for each in (tree / "vendor/k8s.io").iterdir() if each.name not in NO_API]
    roots = [tree / "pkg", tree / "plugin", tree / "cmd", *parts]
    found = {
        path.parent.relative_to(tree)
        for root in roots
        for path in root.rglob("*.go")
        if TAGGED.search(path.read_text())
    }
    return sorted(f"k8s.io/kubernetes/{each}" for each in found)


def _link_flags() -> str:
    """Return the linker's options that give the programs their version."""
    major, minor = VERSION
    values = {
        "gitVersion": f"v{RELEASE}",
        "gitMajor": str(major),
        "gitMinor": str(minor),
        "gitTreeState": "clean",
        "gitCommit": "debian",
    }
    places = [
        f"{prefix}k8s.io/{package}"
        for prefix in ("", "k8s.io/kubernetes/vendor/")
        for package in ("component-base/version", "client-go/pkg/version")
    ]
    settings = [f"-X {place}.{name}={value}" for place in places for name, value in values.items()]
    return " ".join(["-s", "-w", *settings])


if __name__ == "__main__":
    print(programs(*sys.argv[1:]))
