#!/usr/bin/env python3
"""Say whether each server of a hub gets its MySQL, and whether the hub keeps all that it had.

In force, in the hub's own container:

    kubectl --namespace NAMESPACE exec -i deploy/hub -- python3 - < check.py

Before deploying: what Helm would install, without and with the file from here, judged in the hub's
container too (or with `python3 check.py` alone, where JupyterHub and KubeSpawner are installed):

    helm template RELEASE CHART --values config.yaml > before.yaml
    helm template RELEASE CHART --values config.yaml --values inject.values.yaml > after.yaml
    python3 check.py --pack after.yaml --before before.yaml > packed.py
    kubectl --namespace NAMESPACE exec -i deploy/hub -- python3 - < packed.py

It loads the hub's real configuration, has KubeSpawner make pods (for a user, a hostile name, an
administrator, a named server, each profile and choice), and reads them. It asks the cluster for its
version and nothing else, and creates nothing; packed.py holds the hub's secrets, so delete it. Each
finding is one line, with its fix; it also names what it could not look at, and prints what MySQL
gets (`in force:`), to be compared with your settings. With --removed, MySQL has to be in no pod.
Status 0: nothing found; 1: findings; 2: the configuration cannot be loaded, or no server starts.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import copy
import importlib
import json
import logging
import os
import re
import shutil
import ssl
import sys
import tempfile
import types
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from unittest.mock import DEFAULT, MagicMock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# One file, and no package that a hub lacks: it comes through standard input into a container.
Tree = dict[str, Any]

# What `--pack` puts here: the rendered charts.
PACKED: str | None = None

HOME = "/usr/local/etc/jupyterhub"
CONFIG = "jupyterhub_config.py"
FIRST_PROCESS = Path("/proc/1/cmdline")
MOUNTS = Path("/proc/self/mountinfo")
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NEWEST = "1.34"
NATIVE = (1, 29)
# What z2jh 3.3 needs, and inject.values.yaml with it.
OLDEST = (1, 23)
LOOPBACK = ("127.0.0.1", "localhost")
NOT_SEEN = "not-seen-by-check"
CLUSTER_ONLY = "in the cluster only"
DATA = "/var/lib/mysql"
KEEPER = "mysql-keep"
OWNER = "mysql-data-owner"
MYSQLS_SCC = "MySQL's 999 is refused without the SCC nonroot-v2"
IMAGES_USER = "the image's user"
TUTORIAL = "tutorial"
MYSQL_IMAGES = ("mysql", "mariadb", "mysql-server", "percona", "sidecar-mysql")
MYSQL_PORT = 3306
# What the images make their first data with.
FIRST_PASSWORD = re.compile(
    r"(MYSQL|MARIADB)_((RANDOM_)?ROOT_PASSWORD(_FILE|_HASH)?|ALLOW_EMPTY(_ROOT)?_PASSWORD)"
)
PASSWORDS = ("MYSQL_PWD", "DJ_PASS")
OURS = ("MYSQL_HOST", "MYSQL_TCP_PORT", "DJ_HOST", "DJ_PORT", "DJ_USER", *PASSWORDS)
# What a profile's option may take that has no list of choices: an image, a number, a word.
TYPED = ("registry.example.org/check/notebook:1", "check/notebook:1", "4", "check")
HOSTILE = "../{0}$(X) 'Ünï\" %s"
# A stop writes what is in memory to the disk.
LEAST_GRACE_S = 20
# What a hub of another file than inject gets for its last snapshot.
LEAST_KEEPING_S = 30
IDLE_BYTES = 258 * 2**20
START_S = 60.0
LOAD_S = 300
MOST_STAND_INS = 20
SECRET = re.compile(r"(?i)password|key|token|secret|pepper")
SHORTEST_SECRET = 8
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
UNITS.update({"K": 2**10, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "m": 0.001})
# As the API server reads an amount.
QUANTITY = re.compile(r"(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]?|[eE][-+]?\d+)")
# What KubeSpawner formats, by the names of its own and of z2jh's values.
FORMATTED = {
    "init_containers": "initContainers",
    "extra_containers": "extraContainers",
    "volumes": "storage.extraVolumes",
    "volume_mounts": "storage.extraVolumeMounts",
    "extra_annotations": "extraAnnotations",
    "extra_labels": "extraLabels",
    "extra_pod_config": "extraPodConfig",
}
PARTS = ("init_containers", "extra_containers", "volumes", "volume_mounts")
BRACES = "write $(NAME) for ${NAME}, or double the braces that are meant: {{ and }}"
NO_NULL = (
    "render with the Helm that you deploy with (up to 3.16 null takes a key away that a chart "
    "around z2jh has, and 3.17 to 4.1 leave it), or take the key out of the file that has it"
)
# The file that a hub's command names, if it names one; it may be a line for a shell.
STARTED = re.compile(
    r"jupyterhub\s(?:.*?\s)?(?:--config|-f|--JupyterHub\.config_file)[\s=]+([^\s;&|]+)", re.DOTALL
)
WORKING_FOLDER = "/srv/jupyterhub"
LOG = "see the hub's log"
RUN_EXTRA = (
    "end that file with the lines `import z2jh` and `for _, code in "
    "sorted(z2jh.get_config('hub.extraConfig', {}).items()): exec(code)`"
)
UNPREPARED = (
    "if it needs what a login prepares (pre_spawn_start), or what only the cluster has: deploy, "
    f"and start a server of yours; else {LOG}"
)
OWN_FIX = "do so, or change that setting"
USE_INJECT = "use inject.values.yaml"


class Unreadable(Exception):
    """What was given is no hub's configuration, or it cannot be loaded."""


class Finding(NamedTuple):
    """What is wrong, and what to do."""

    what: str
    fix: str


STILL_THERE = Finding(
    "MySQL is still in the pod",
    "upgrade without its --values, and without --reuse-values; remove a container named mysql",
)


class Hub(NamedTuple):
    """A hub's configuration, as files.

    Parameters
    ----------
    root : Path
        Where all of the files are, each at its path in the hub's container.
    environment : dict
        Variables of the hub's container that are not set here.
    placeholder : dict or None
        What a placeholder pod requests, where Helm has rendered one.
    notes : list of str
        What of it cannot be seen.
    is_installed : bool
        It is the one of this container.
    starts_with : str
        The file that the hub loads, as the hub names it.
    """

    root: Path
    environment: dict[str, str]
    placeholder: Tree | None
    notes: list[str]
    is_installed: bool = False
    starts_with: str = f"{HOME}/{CONFIG}"

    @property
    def folder(self) -> Path:
        """The folder of z2jh's own files."""
        return _below(self.root, HOME)

    @property
    def is_of_z2jh(self) -> bool:
        """Whether the hub loads z2jh's own file."""
        return _below(self.root, self.starts_with) == self.folder / CONFIG


class Case(NamedTuple):
    """One server that a user starts."""

    label: str
    user: str = "check-user"
    server: str = ""
    is_admin: bool = False
    options: tuple[tuple[str, Any], ...] = ()
    groups: tuple[str, ...] = ()


class Choices(dict[str, Any]):
    """What a user has chosen; it notes which choices are asked for in vain."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.missing: list[str] = []

    def __missing__(self, key: str) -> Any:
        self.missing.append(key)
        raise KeyError(key)


def main() -> int:
    """Check what the command line names, print findings, and return the status."""
    options = _options()
    if options.pack:
        print(_packed(options))
        return 0
    with tempfile.TemporaryDirectory(prefix="sidecar-check-") as name:
        try:
            return _report(options, Path(name))
        except Unreadable as error:
            print(f"cannot check: {error}")
            return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="check.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rendered", nargs="?", type=Path, help="output of helm template")
    parser.add_argument("--before", type=Path, help="the same without MySQL, to compare with")
    parser.add_argument("--pack", action="store_true", help="print a script with both in it")
    parser.add_argument(
        "--kubernetes",
        type=_version_of,
        metavar="VERSION",
        help=f"the cluster's (asked of the cluster, or {NEWEST})",
    )
    parser.add_argument(
        "--pre-spawn-hook", action="store_true", help="run the hub's pre_spawn_hook as well"
    )
    parser.add_argument(
        "--removed", action="store_true", help="after going back: MySQL must be in no pod"
    )
    parser.add_argument(
        "--user-options",
        type=_choices_of,
        default={},
        metavar="JSON",
        help="what a user chooses in a form of the hub's own",
    )
    parser.add_argument("--verbose", action="store_true", help="show what the configuration prints")
    options = parser.parse_args()
    if (options.before or options.pack) and options.rendered is None:
        parser.error("name the output of helm template first")
    return options


def _version_of(text: str) -> tuple[int, int]:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text} is no version: write it like {NEWEST}")
    return int(found[1]), int(found[2])


def _choices_of(text: str) -> Tree:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f'{text} is no mapping: write it like {{"cores": 2}}')
    return found


def _packed(options: argparse.Namespace) -> str:
    texts = [path and path.read_text() for path in (options.rendered, options.before)]
    source = Path(__file__).read_text()
    empty = "\nPACKED: str | None = None\n"
    # Of the form that Python reads everywhere: no quote or backslash can end it early.
    content = base64.b64encode(json.dumps(texts).encode()).decode()
    return source.replace(empty, f'\nPACKED: str | None = "{content}"\n', 1)


def _report(options: argparse.Namespace, folder: Path) -> int:
    after, before = _hubs(options, folder)
    made = _make(after, options)
    notes = [*after.notes, *made["notes"]]
    base = None
    if before is None and made["facts"]["injects"] and after.is_of_z2jh:
        before = _without_ours(after, folder / "without")
    if before is not None:
        base = _make(before, options)
    else:
        notes.append("not compared with the hub as it was: --before (see the top of check.py)")
    notes += _of_users(made["pods"])
    if base is not None:
        notes += _failed_before(made["pods"], base["pods"])
    for note in dict.fromkeys(notes):
        print(f"note: {note}")
    failures = [each["failure"] for each in made["pods"].values()]
    if all(failures):
        fix = next(iter(made["pods"].values()))["fix"]
        starts = "no server of this hub starts"
        if base and not any(each["pod"] for each in base["pods"].values()):
            starts += ", nor did one without MySQL"
            fix = UNPREPARED if fix == LOG else fix
        raise Unreadable(f"{starts}: {failures[0]}. Fix: {fix}")
    findings = list(_findings(made, base, after, options))
    for line in _in_force(made["pods"]):
        print(f"in force: {line}")
    for line in _lines(findings, made["pods"]):
        print(line)
    count = len({finding for _, finding in findings})
    print(f"{_counted(failures)}, {count or 'no'} finding{'' if count == 1 else 's'}")
    return 1 if findings else 0


def _counted(failures: list[str | None]) -> str:
    """Return how many pods were made, of so many servers where some make none."""
    pods = failures.count(None)
    some = f"{pods} of {len(failures)}" if pods < len(failures) else f"{pods}"
    return f"{some} pods made"


def _lines(findings: list[tuple[str, Finding]], pods: Tree) -> Iterator[str]:
    """Yield a line for each finding, with all the pods that have it."""
    where: dict[Finding, list[str]] = {}
    for label, finding in findings:
        where.setdefault(finding, []).append(label)
    for finding, labels in where.items():
        found = [label for label in labels if label]
        place = "hub" if not found else "every pod" if len(found) == len(pods) else ", ".join(found)
        yield f"{place}: {finding.what}. Fix: {finding.fix}"


def _of_users(pods: Tree) -> Iterator[str]:
    whole = [each["pod"] for each in pods.values() if each["pod"]]
    if any(_mysqls(pod) and _user(_notebook(pod), pod) == IMAGES_USER for pod in whole):
        owns = any(_named(pod, OWNER) for pod in whole)
        refused = f"{OWNER}'s 0 is refused without the SCC anyuid"
        yield (
            "notebooks have no user id (singleuser.uid): where the cluster gives a random one "
            f"(OpenShift), {refused if owns else MYSQLS_SCC}"
        )
    users = [each for label, each in pods.items() if label in ("default", "hostile name")]
    claims = [_claim_of_data(each["pod"]) for each in users if each["pod"]]
    if len(claims) > 1 and claims[0] and len(set(claims)) == 1:
        yield (
            f"the data of all users is on one claim ({claims[0]}): if that is NFS, take data: keep "
            "(docs/hub-deployments.md, Homes on NFS)"
        )


def _claim_of_data(pod: Tree) -> str | None:
    """Return the claim that MySQL's data is on, if it is on one."""
    volumes = {each["name"]: each for each in pod["spec"].get("volumes") or []}
    for _, mysql in _mysqls(pod):
        mount = _mount_at(mysql, DATA)
        claim = mount and volumes.get(mount["name"], {}).get("persistentVolumeClaim")
        if claim:
            return str(claim["claimName"])
    return None


def _failed_before(pods: Tree, before: Tree) -> Iterator[str]:
    for label, each in pods.items():
        if each["failure"] and before.get(label, {}).get("failure"):
            yield (
                f"{label}: not looked at, since this server does not start without MySQL either: "
                f"{each['failure']}"
            )


def _in_force(pods: Tree) -> Iterator[str]:
    """Yield what MySQL gets, as the pods have it, with the labels where pods differ."""
    where: dict[str, list[str]] = {}
    for label, each in pods.items():
        if each["pod"]:
            text = "; ".join(_told(each, *found) for found in _mysqls(each["pod"]))
            where.setdefault(text or "no MySQL", []).append(label)
    for text, labels in where.items():
        yield text if len(where) == 1 else f"{text} ({', '.join(labels)})"


def _told(each: Tree, kind: str, mysql: Tree) -> str:
    resources = mysql.get("resources") or {}
    amounts = [
        "/".join(_plain(resources.get(of), key, unit) for of in ("requests", "limits"))
        for key, unit in (("memory", 2**30), ("cpu", 1))
    ]
    data = f"data={_data(each['pod'], mysql, each['home'])}"
    sidecar = "native" if kind == "init" else "classic"
    return f"{data}, memory {amounts[0]} GiB, cpu {amounts[1]}, {sidecar}"


def _plain(amounts: Tree | None, key: str, unit: int) -> str:
    """Return a quantity as a number of units, as it stands where it is none."""
    text = (amounts or {}).get(key)
    found = _amount(text)
    return str(text or "none") if found is None else f"{found / unit:.3g}"


def _data(pod: Tree, mysql: Tree, home: str) -> str:
    names = [each["name"] for each in mysql.get("volumeMounts") or [] if each["mountPath"] == DATA]
    if not names:
        return "the container's own"
    volumes = {each["name"]: each for each in pod["spec"].get("volumes") or []}
    if "emptyDir" in volumes.get(names[0], {}):
        return "keep" if _named(pod, KEEPER) else "ephemeral"
    mounts = _notebook(pod).get("volumeMounts") or []
    homes = [each["name"] for each in mounts if each["mountPath"].rstrip("/") == home.rstrip("/")]
    return "home" if names[0] in homes else "claim"


# The hub's files


def _hubs(options: argparse.Namespace, folder: Path) -> tuple[Hub, Hub | None]:
    if PACKED is not None:
        texts = json.loads(base64.b64decode(PACKED))
    elif options.rendered is not None:
        try:
            paths = (options.rendered, options.before)
            texts = [path and path.read_text() for path in paths]
        except OSError as error:
            raise Unreadable(str(error)) from error
    elif installed := _installed():
        return installed, None
    else:
        raise Unreadable(f"no {HOME}/{CONFIG} here, and no output of helm template was named")
    after = _rendered(texts[0], folder / "after")
    return after, texts[1] and _rendered(texts[1], folder / "before")


def _installed() -> Hub | None:
    """Return the hub of this container: what its first process has loaded, or z2jh's file."""
    try:
        words = FIRST_PROCESS.read_bytes().decode(errors="replace").split("\0")
    except OSError:
        words = []
    for path in (_starts_with({"args": words}), f"{HOME}/{CONFIG}"):
        if Path(path).is_file():
            return Hub(Path("/"), {}, None, [], is_installed=True, starts_with=path)
    return None


def _starts_with(container: Tree) -> str:
    """Return the file that a hub's container loads."""
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    found = STARTED.search(" ".join(map(str, words)))
    path = found[1].strip("'\"") if found else f"{HOME}/{CONFIG}"
    return str(Path(container.get("workingDir") or WORKING_FOLDER, path))


def _below(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _rendered(text: str, root: Path) -> Hub:
    """Lay the files of a rendered hub's container out below a folder."""
    import yaml  # noqa: PLC0415 - in a hub it is there, where only --pack is asked it need not be

    try:
        objects = [each for each in yaml.safe_load_all(text) if isinstance(each, dict)]
    except yaml.YAMLError as error:
        raise Unreadable(f"no output of helm template: {str(error).splitlines()[0]}") from error
    if objects and not any("kind" in each for each in objects):
        raise Unreadable(
            "this is a file of values, not the output of `helm template`: name that output instead "
            "(helm template RELEASE jupyterhub/jupyterhub -f config.yaml -f ... > rendered.yaml)"
        )
    hubs = [(each, found) for each in objects for found in _hub_containers(each)]
    hubs = [each for each in hubs if _has_config(each[1])] or hubs
    if len(hubs) != 1:
        raise Unreadable(f"{len(hubs)} hubs in the output of helm template, where one is needed")
    ((deployment, container),) = hubs
    kept = {(each["kind"], each["metadata"]["name"]): _content(each) for each in objects}
    volumes = {each["name"]: each for each in deployment["spec"]["template"]["spec"]["volumes"]}
    notes, laid = [], [HOME]
    for mount in container.get("volumeMounts") or []:
        volume = volumes.get(mount["name"], {})
        source = volume.get("configMap") or volume.get("secret") or {}
        key = ("ConfigMap" if "configMap" in volume else "Secret", _name_of(source))
        if source and key in kept:
            _lay(root, mount, kept[key], source.get("items"))
            laid.append(mount["mountPath"].rstrip("/"))
        elif not _taken(root, mount["mountPath"]) and source:
            notes.append(f"{key[0]} {key[1]} is {CLUSTER_ONLY}: its values are not seen")
    _take_images(root)
    path = _starts_with(container)
    if not _below(root, path).is_file():
        raise Unreadable(
            f"the hub starts with {path}, which is no file of the chart's but one of its image: "
            "deploy, then check in the hub's own container (at the top of check.py)"
        )
    turn = _turn_paths(root, laid)
    environment = {**_services(objects), **_variables(container, kept)}
    unseen = ", ".join(name for name, value in environment.items() if value == NOT_SEEN)
    if unseen:
        notes.append(f"variables of the hub whose values are {CLUSTER_ONLY}: {unseen}")
    environment = {name: turn(value) for name, value in environment.items()}
    return Hub(root, environment, _placeholder(objects), notes, starts_with=path)


def _name_of(source: Tree) -> str:
    return str(source.get("name") or source.get("secretName"))


def _hub_containers(item: Tree) -> Iterator[Tree]:
    if item.get("kind") == "Deployment":
        for container in item["spec"]["template"]["spec"]["containers"]:
            words = [*(container.get("command") or []), *(container.get("args") or [])]
            if _has_config(container) or STARTED.search(" ".join(map(str, words))):
                yield container


def _has_config(container: Tree) -> bool:
    mounts = container.get("volumeMounts") or []
    return any(CONFIG in str(mount.get("mountPath")) for mount in mounts)


def _content(item: Tree) -> dict[str, bytes]:
    """Return the files of a ConfigMap or Secret."""
    plain, data = {**(item.get("stringData") or {})}, item.get("data") or {}
    if item["kind"] == "ConfigMap":
        plain.update(data)
        data = item.get("binaryData") or {}
    if item["kind"] not in ("ConfigMap", "Secret"):
        return {}
    files = {key: base64.b64decode(value or "") for key, value in data.items()}
    return {**files, **{key: str(value).encode() for key, value in plain.items()}}


def _lay(root: Path, mount: Tree, files: dict[str, bytes], items: list[Tree] | None) -> None:
    if items is not None:
        files = {each["path"]: files[each["key"]] for each in items if each["key"] in files}
    place = root / mount["mountPath"].lstrip("/")
    if "subPath" in mount:
        if mount["subPath"] in files:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(files[mount["subPath"]])
        return
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _taken(root: Path, place: str) -> bool:
    """Take over what this container, if it is the hub's, has among z2jh's files.

    What a hub's code looks for elsewhere, it finds in that container by itself.
    """
    source = Path(place)
    if PACKED is None or not source.exists():
        return False
    if source.is_dir() and source.is_relative_to(HOME):
        _copied(source, _below(root, place))
    elif source.is_relative_to(HOME):
        _below(root, place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, _below(root, place))
    return True


def _take_images(root: Path) -> None:
    """Take over what the hub's image has among z2jh's files, but not what an older chart mounts."""
    if PACKED is None or not Path(HOME).is_dir():
        return
    with contextlib.suppress(OSError):
        mounted = [line.split()[4] for line in MOUNTS.read_text().splitlines()]
        for path in Path(HOME).iterdir():
            is_mounted = any(Path(each).is_relative_to(path) for each in mounted)
            if not is_mounted and not _below(root, str(path)).exists():
                _taken(root, str(path))


def _copied(source: Path, place: Path) -> None:
    # A mounted Secret's files are links into a folder of such a name, and may be read-only.
    shutil.copytree(
        source,
        place,
        ignore=lambda _, names: [name for name in names if name.startswith("..")],
        copy_function=shutil.copyfile,
        dirs_exist_ok=True,
    )


def _turn_paths(root: Path, places: Iterable[str], was: Path = Path("/")) -> Callable[[str], str]:
    """Have code look below `root` for what it looked for at the same places below `was`."""
    import yaml  # noqa: PLC0415

    turned = {str(_below(was, name)): str(_below(root, name)) for name in places}
    # All at once: a folder may be in another, and none must be turned twice.
    names = "|".join(map(re.escape, sorted(turned, key=len, reverse=True)))
    whole = re.compile(rf"(?<![\w.}}-])({names})(?![\w.-])")

    def turn(text: str) -> str:
        return whole.sub(lambda found: turned[found[0]], text)

    files = {path for place in turned.values() for path in (Path(place), *Path(place).rglob("*"))}
    for path in files:
        if path.suffix == ".py" and path.is_file():
            path.write_text(turn(path.read_text()))
    for path in _below(root, HOME).glob("*secret/values.yaml"):
        values = yaml.safe_load(path.read_text()) or {}
        extra = (values.get("hub") or {}).get("extraConfig") or {}
        for key, code in extra.items():
            extra[key] = turn(code) if isinstance(code, str) else code
        path.write_text(yaml.safe_dump(values))
    return turn


def _services(objects: list[Tree]) -> dict[str, str]:
    """Return the variables that Kubernetes sets in each container for the services."""
    told = {}
    for each in objects:
        if each.get("kind") == "Service" and (each["spec"].get("ports")):
            name = each["metadata"]["name"].upper().replace("-", "_")
            told[f"{name}_SERVICE_HOST"] = "127.0.0.1"
            told[f"{name}_SERVICE_PORT"] = str(each["spec"]["ports"][0]["port"])
    return told


def _variables(container: Tree, kept: dict[tuple[str, str], dict[str, bytes]]) -> dict[str, str]:
    told = {"POD_NAMESPACE": "check", "HOSTNAME": "hub"}
    for each in container.get("env") or []:
        source = each.get("valueFrom") or {}
        reference = source.get("secretKeyRef") or source.get("configMapKeyRef") or {}
        kind = "Secret" if "secretKeyRef" in source else "ConfigMap"
        content = kept.get((kind, reference.get("name", "")), {})
        if "value" in each:
            told[each["name"]] = str(each["value"])
        elif reference.get("key") in content:
            told[each["name"]] = content[reference["key"]].decode()
        elif reference and each["name"] not in os.environ:
            told[each["name"]] = NOT_SEEN  # the hub's code may not do without
    return told


def _placeholder(objects: list[Tree]) -> Tree | None:
    for each in objects:
        if each.get("kind") == "StatefulSet" and "user-placeholder" in each["metadata"]["name"]:
            if not each["spec"].get("replicas"):
                return None
            (pause,) = each["spec"]["template"]["spec"]["containers"]
            found: Tree = (pause.get("resources") or {}).get("requests") or {}
            return found
    return None


def _without_ours(hub: Hub, root: Path) -> Hub:
    """Return a copy of a hub that has nothing of inject.values.yaml."""
    import yaml  # noqa: PLC0415

    folder = _below(root, HOME)
    _copied(hub.folder, folder)
    _turn_paths(root, [HOME], hub.root)
    for path in folder.glob("*secret/values.yaml"):
        values = yaml.safe_load(path.read_text()) or {}
        extra = (values.get("hub") or {}).get("extraConfig") or {}
        for key in [key for key, code in extra.items() if _is_ours(code)]:
            del extra[key]
        (values.get("custom") or {}).pop("sidecarMysql", None)
        path.write_text(yaml.safe_dump(values))
    return hub._replace(root=root, is_installed=False)


def _is_ours(code: object) -> bool:
    return "def sidecar_mysql()" in str(code)


# Making pods, in a process of their own: what a configuration does to Python's modules ends with it


def _make(hub: Hub, options: argparse.Namespace) -> Tree:
    try:
        # Before the children, so that it is done once.
        import jupyterhub.user  # noqa: F401, PLC0415
        import kubespawner  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        raise Unreadable(f"{error.name} is not installed here: see --pack") from error
    stand_ins: list[str] = []
    while True:
        made = _in_child(lambda: _pods(hub, options, stand_ins), verbose=options.verbose)
        missing = made.get("missing")
        if missing is None or hub.is_installed or missing in stand_ins:
            break
        stand_ins.append(missing)
        if len(stand_ins) > MOST_STAND_INS:
            break
    secrets = _secrets(hub)
    if "failed" in made:
        failed = _masked(made["failed"], secrets)
        if not hub.is_installed:
            failed = failed.replace(f"{hub.root}/", "/")
        is_ours = "custom.sidecarMysql" in failed
        if made["raised"] and not (is_ours or hub.is_installed or PACKED is not None):
            failed += " (what is missing here may be in the hub's own container: --pack)"
        raise Unreadable(failed)
    facts = made["facts"]
    if stand_ins and facts["injects"] and not facts["ran"] and not facts["passes over"]:
        raise Unreadable(
            f"without {', '.join(stand_ins)}, which is not installed here, the hub's code does not "
            "come to hub.extraConfig: check in the hub's own container (--pack)"
        )
    for each in made["pods"].values():
        each["failure"] = each["failure"] and _masked(each["failure"], secrets)
    made["notes"] = [_masked(note, secrets) for note in made["notes"]]
    if stand_ins:
        made["notes"].append(
            f"not installed here, so stand-ins took their place: {', '.join(stand_ins)}; "
            "in the hub's container (--pack) it is exact"
        )
    return made


def _secrets(hub: Hub) -> list[str]:
    """Return what a message of the hub's own code must not show, the longest first."""
    import yaml  # noqa: PLC0415

    found: set[str] = set()

    def look(node: object, name: str = "") -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                look(value, str(key))
        elif isinstance(node, list):
            for value in node:
                look(value, name)
        elif isinstance(node, str) and SECRET.search(name) and len(node) >= SHORTEST_SECRET:
            found.add(node)

    for path in hub.folder.glob("*secret/*"):
        if path.name == "values.yaml":
            look(yaml.safe_load(path.read_text()))
        elif path.is_file():
            found.add(path.read_text(errors="ignore"))
    return sorted(filter(None, found), key=len, reverse=True)


def _masked(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _in_child(work: Callable[[], Tree], *, verbose: bool) -> Tree:
    """Return what a function returns in a child of this process."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        printed = tempfile.TemporaryFile()  # noqa: SIM115 - until the child ends
        if not verbose:
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
        try:
            made = work()
        except BaseException as error:  # SystemExit is what z2jh refuses with
            said = _said(error)
            if isinstance(error, SystemExit):
                said = _last_line(printed) or said
            raised = isinstance(error, Exception) and not isinstance(error, Unreadable)
            made = {"failed": said, "raised": raised, "missing": _missing(error)}
        with os.fdopen(writing, "w") as pipe:
            json.dump(made, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    if not text:
        raise Unreadable("the process that loaded the configuration was killed")
    found: Tree = json.loads(text)
    return found


def _last_line(printed: IO[bytes]) -> str:
    sys.stdout.flush()
    sys.stderr.flush()
    printed.seek(0)
    lines = printed.read().decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _said(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    if isinstance(error, Unreadable):
        return lines[0]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _missing(error: BaseException) -> str | None:
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    return name.partition(".")[0] if name else None


def _pods(hub: Hub, options: argparse.Namespace, stand_ins: Iterable[str]) -> Tree:
    """Load a configuration and make its pods; runs in the child."""
    os.environ.update(hub.environment)
    for name in stand_ins:
        sys.meta_path.append(_StandIns(name))
    from tornado.httpclient import AsyncHTTPClient  # noqa: PLC0415 - here, in the child
    from traitlets.config.loader import PyFileConfigLoader  # noqa: PLC0415

    if not options.verbose:
        logging.disable(logging.CRITICAL)
    AsyncHTTPClient.configure = lambda *_, **__: None  # what z2jh names needs a library of C's
    version, assumed = _version(options, asks=hub.is_installed or PACKED is not None)
    _no_cluster(version)
    sys.path[:0] = [
        str(hub.folder),
        *filter(None, hub.environment.get("PYTHONPATH", "").split(":")),
    ]
    path = _below(hub.root, hub.starts_with)
    config = PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    values = _values()
    facts = {**_facts(values, config), "kubernetes": version}
    if not hub.is_of_z2jh and "extraConfig" not in path.read_text():
        facts["passes over"] = hub.starts_with
    made: Tree = {"notes": [assumed] if assumed else [], "facts": facts, "pods": {}}
    hooks = [config[kind].get("pre_spawn_hook") for kind in ("Spawner", "KubeSpawner")]
    if any(hooks) and not options.pre_spawn_hook:
        made["notes"].append("the hub's pre_spawn_hook was not run: add --pre-spawn-hook to run it")
    made["notes"] += [
        f"{each} was not run: what it sets is not seen" for each in _of_logins(config)
    ]
    asyncio.run(_make_all(config, values, made, options))
    return made


def _of_logins(config: Any) -> Iterator[str]:
    """Yield what a hub runs before a start, with what only a login knows."""
    kind = config.JupyterHub.get("authenticator_class")
    for each in kind.__mro__ if isinstance(kind, type) else ():
        if "pre_spawn_start" in vars(each):
            if each.__module__.partition(".")[0] not in ("jupyterhub", "oauthenticator"):
                yield "the authenticator's pre_spawn_start"
            break
    if any(config[kind].get("auth_state_hook") for kind in ("Spawner", "KubeSpawner")):
        yield "the hub's auth_state_hook"


class _StandIns:
    """Finds modules below a name that is not installed: each name in them is a new class."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, *_: object) -> Any:
        from importlib.machinery import ModuleSpec  # noqa: PLC0415

        if name.partition(".")[0] != self._name:
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        module = types.ModuleType(spec.name)
        module.__getattr__ = _stand_in  # type: ignore[method-assign]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Take Kubernetes' models from the client that a hub has; all else is made when asked."""
        if self._name != "kubernetes":
            return
        here = importlib.import_module("kubernetes_asyncio.client")
        for name, found in vars(here).items():
            if isinstance(found, type) and ".models." in found.__module__:
                setattr(module, name, found)
        below = {"kubernetes": "client", "kubernetes.client": "models"}.get(module.__name__)
        if below:
            setattr(module, below, importlib.import_module(f"{module.__name__}.{below}"))


def _stand_in(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name.endswith(("Error", "Exception")):
        return type(name, (Exception,), {})
    if not name[:1].islower():
        return type(name, (), {"__init__": lambda *_, **__: None})
    from traitlets.config import Config  # noqa: PLC0415

    def called(*arguments: Any, **_: object) -> Any:
        # What sets something up, and returns the configuration.
        return arguments[0] if arguments and isinstance(arguments[0], Config) else DEFAULT

    return MagicMock(name=name, side_effect=called)


def _version(options: argparse.Namespace, *, asks: bool) -> tuple[tuple[int, int], str | None]:
    """Return the cluster's version, and a note where it is assumed."""
    if options.kubernetes:
        return options.kubernetes, None
    if asks:
        # ArgumentTypeError is what a version that is none raises.
        with contextlib.suppress(OSError, ValueError, KeyError, argparse.ArgumentTypeError):
            return _version_of(_cluster_version()), None
    note = f"Kubernetes {NEWEST} is assumed, since the cluster was not asked: --kubernetes VERSION"
    return _version_of(NEWEST), note


def _cluster_version() -> str:
    """Ask the API server; every pod's account may."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(
        f"https://{host}:{port}/version",
        headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}"},
    )
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310
        told = json.load(answer)
    return f"{told['major']}.{told['minor']}"


def _no_cluster(version: tuple[int, int]) -> None:
    """Put stand-ins where KubeSpawner, and hooks of the hub, ask the cluster."""
    import kubespawner.spawner as module  # noqa: PLC0415
    from kubernetes_asyncio import client  # noqa: PLC0415

    class VersionApi:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        async def get_code(self, **_: object) -> Any:
            return types.SimpleNamespace(major=str(version[0]), minor=str(version[1]))

    async def watch(*_: object, **__: object) -> None:
        return None

    client.VersionApi = VersionApi
    module.load_config = lambda *_, **__: None
    module.shared_client = lambda *_, **__: _Api()
    for name in ("_start_watching_pods", "_start_watching_events"):
        setattr(module.KubeSpawner, name, watch)


class _Made(Exception):
    """The pod that a start sends."""


class _Api:
    """Takes all that is sent to a cluster, and keeps nothing but names."""

    def __init__(self) -> None:
        from kubernetes_asyncio.client import ApiClient, Configuration  # noqa: PLC0415

        # Without its constructor, which opens a session: only its way to write objects is used.
        self.api_client = ApiClient.__new__(ApiClient)
        self.api_client.configuration = Configuration()
        self.claims: list[str] = []

    async def create_namespaced_pod(self, namespace: str, body: Any, **__: object) -> None:
        raise _Made(body)

    async def create_namespaced_persistent_volume_claim(
        self, namespace: str, body: Any, **__: object
    ) -> Any:
        self.claims.append(self.api_client.sanitize_for_serialization(body)["metadata"]["name"])
        return body

    async def read_namespaced_persistent_volume_claim(self, *_: object, **__: object) -> None:
        from kubernetes_asyncio.client.rest import ApiException  # noqa: PLC0415

        raise ApiException(status=404, reason="Not Found")

    def __getattr__(self, name: str) -> Any:
        async def call(*_: object, **__: object) -> Any:
            return MagicMock(name=name)

        return call


def _values() -> Tree:
    """Return the values that the hub has, as its own module reads them."""
    import z2jh  # noqa: PLC0415

    keys = ("custom", "hub", "prePuller", "scheduling", "singleuser")
    return {key: z2jh.get_config(key) or {} for key in keys}


def _facts(values: Tree, config: Any) -> Tree:
    extra = values["hub"].get("extraConfig") or {}
    custom = values["custom"]
    settings = dict(custom.get("sidecarMysql") or {})
    settings.pop("passwordKey", None)
    pulled = values["prePuller"]
    return {
        "injects": any(_is_ours(code) for code in extra.values()),
        "passes over": None,
        "ran": bool(config["SidecarMysql"].get("after")),
        "settings": settings,
        "own passwords": settings.get("password") == "perUser",
        "pulls": any((pulled.get(kind) or {}).get("enabled") for kind in ("hook", "continuous")),
        "pulled": [
            f"{each.get('name')}:{each.get('tag')}"
            for each in (pulled.get("extraImages") or {}).values()
            if each
        ],
        "placeholder": _wanted_placeholder(values),
        "named": bool(config.JupyterHub.get("allow_named_servers")),
        "profiles": [],
    }


def _wanted_placeholder(values: Tree) -> Tree | None:
    placeholder = values["scheduling"].get("userPlaceholder") or {}
    if not placeholder.get("enabled") or not placeholder.get("replicas"):
        return None
    requests: Tree | None = (placeholder.get("resources") or {}).get("requests")
    if requests is None:
        guarantee = (values["singleuser"].get("memory") or {}).get("guarantee")
        requests = {"memory": guarantee} if guarantee else {}
    return requests


async def _make_all(config: Any, values: Tree, made: Tree, options: argparse.Namespace) -> None:
    from jupyterhub import orm  # noqa: PLC0415

    session = orm.new_session_factory("sqlite:///:memory:")()
    profiles, note = await _profiles(config, values, session)
    if note:
        made["notes"].append(note)
    made["notes"] += _untyped(profiles)
    made["facts"]["profiles"] = sorted(_names_of(profiles))
    cases = list(_cases(made["facts"]["named"], profiles))
    cases += _of_groups(config, cases[0].options)
    for case in cases:
        chosen = {**options.user_options, **dict(case.options)}
        spawner = _spawner(config, session, case._replace(options=tuple(chosen.items())))
        if profiles:
            spawner.profile_list = copy.deepcopy(profiles)
        home = (values["singleuser"].get("storage") or {}).get("homeMountPath", "/home/jovyan")
        made["pods"][case.label] = await _made_by(spawner, home, runs_hook=options.pre_spawn_hook)


def _spawner(config: Any, session: Any, case: Case) -> Any:
    from jupyterhub import orm  # noqa: PLC0415
    from jupyterhub.objects import Hub as HubServer  # noqa: PLC0415
    from jupyterhub.objects import Server  # noqa: PLC0415
    from jupyterhub.user import User  # noqa: PLC0415
    from traitlets import import_item  # noqa: PLC0415

    kind = config.JupyterHub.get("spawner_class", "kubespawner.KubeSpawner")
    if isinstance(kind, str):
        kind = import_item(kind if "." in kind else "kubespawner.KubeSpawner")
    if not hasattr(kind, "get_pod_manifest"):
        raise Unreadable(
            f"the hub's spawner {getattr(kind, '__name__', kind)} is none that KubeSpawner is in, "
            "which these values need; where it is only not installed here, check in the hub's own "
            "container (--pack)"
        )
    row = session.query(orm.User).filter_by(name=case.user).first()
    if row is None:
        row = orm.User(name=case.user)
        session.add(row)
    row.admin = case.is_admin
    row.groups = [
        session.query(orm.Group).filter_by(name=name).first() or orm.Group(name=name)
        for name in case.groups
    ]
    session.commit()
    hub = HubServer(ip="127.0.0.1", port=8081)
    user = User(row, {"config": config, "hub": hub, "base_url": "/"}, db=session)
    spawner = user._new_spawner(case.server, spawner_class=kind)
    server = orm.Server(base_url=f"/user/check/{case.server}".rstrip("/") + "/")
    session.add(server)
    session.commit()
    spawner.server = Server(orm_server=server)
    spawner.api_token = "a token of the hub"  # noqa: S105 - none
    spawner.user_options = Choices(case.options)
    if getattr(spawner, "auth_enabled", True) is False:
        # A BinderHub starts what it has built, with a token of its own, for users without a name.
        spawner.user_options |= {"image": spawner.image, "token": "a token of BinderHub"}
    return spawner


async def _profiles(config: Any, values: Tree, session: Any) -> tuple[list[Tree], str | None]:
    """Return all profiles, also those that are for some groups only, and what is not known."""
    spawner = _spawner(config, session, Case("profiles"))
    found = spawner.profile_list
    if callable(found):
        listed = values["singleuser"].get("profileList")
        if listed:
            found = listed  # a hook chooses among these for each user
        else:
            try:
                found = found(spawner)
                found = await found if asyncio.iscoroutine(found) else found
            except Exception as error:
                return [], f"the profiles are not known: {_said(error)}"
            if not found:
                return [], "the profiles are not known: the hub's code gives a made-up user none"
    if isinstance(found, dict):
        found = [found[key] for key in sorted(found)]
    profiles: list[Tree] = copy.deepcopy(list(found or []))
    for profile in profiles:
        if not profile.get("slug"):
            from slugify import slugify  # noqa: PLC0415

            profile["slug"] = slugify(profile["display_name"])
    return profiles, None


def _names_of(profiles: list[Tree]) -> Iterator[str]:
    for profile in profiles:
        yield profile["slug"]
        yield profile["display_name"]
        for option, content in (profile.get("profile_options") or {}).items():
            for choice in content.get("choices") or {}:
                yield f"{profile['slug']}/{option}/{choice}"


def _cases(has_named: bool, profiles: list[Tree]) -> Iterator[Case]:
    first = [each for each in profiles if each.get("default")] or profiles[:1]
    usual = _needed(first[0]) if first else {}
    options = tuple({"profile": first[0]["slug"], **usual}.items()) if usual else ()
    yield Case("default", options=options)
    yield Case("hostile name", user=HOSTILE, options=options)
    yield Case("administrator", user="check-admin", is_admin=True, options=options)
    if has_named:
        yield Case("named server", server=f"2nd {HOSTILE}", options=options)
    for profile in profiles:
        chosen = {"profile": profile["slug"], **_needed(profile)}
        label = f"profile {profile['slug']}"
        yield Case(label, options=tuple(chosen.items()))
        for option, content in (profile.get("profile_options") or {}).items():
            key, typed = _typed(option, content)
            for choice in content.get("choices") or {}:
                more = {**chosen, option: choice}
                yield Case(f"{label}/{option}/{choice}", options=tuple(more.items()))
            if typed and key not in chosen:
                more = {**chosen, key: typed}
                yield Case(f"{label}/{option}, typed in", options=tuple(more.items()))


def _of_groups(config: Any, options: tuple[tuple[str, Any], ...]) -> Iterator[Case]:
    """Yield a server for each of the settings that only members of a group have."""
    found: Tree = {}
    for kind in ("Spawner", "KubeSpawner"):
        overrides = config[kind].get("group_overrides")
        found.update(overrides if isinstance(overrides, dict) else {})
    for name, content in found.items():
        groups = tuple(map(str, content.get("groups") or []))[:1]
        label = f"group_overrides {name}"
        yield Case(label, user="check-member", groups=groups, options=options)


def _needed(profile: Tree) -> dict[str, str]:
    """Return what a user has to type in for a profile, where there is nothing to choose among."""
    options = profile.get("profile_options") or {}
    typed = [_typed(name, each) for name, each in options.items() if not each.get("choices")]
    return {key: text for key, text in typed if text}


def _typed(option: str, content: Tree) -> tuple[str, str]:
    """Return an option's key for what is typed in, and such a text; empty where none is known."""
    unlisted, key = content.get("unlisted_choice") or {}, f"{option}--unlisted-choice"
    if not unlisted.get("enabled"):
        return key, ""
    pattern = unlisted.get("validation_regex") or ""
    begins = re.match(r"\^?((?:[\w/:-]|\\.)*)", pattern)
    begin = begins[1].replace("\\", "") if begins else ""
    texts = (*TYPED, *(begin + each for each in TYPED))
    return key, next((each for each in texts if re.match(pattern, each)), "")


def _untyped(profiles: list[Tree]) -> Iterator[str]:
    for profile in profiles:
        for option, content in (profile.get("profile_options") or {}).items():
            is_open = (content.get("unlisted_choice") or {}).get("enabled")
            if is_open and not _typed(option, content)[1]:
                yield f"profile {profile['slug']}/{option}: what users type in was not looked at"


async def _made_by(spawner: Any, home: str, *, runs_hook: bool) -> Tree:
    from jupyterhub.utils import maybe_future  # noqa: PLC0415

    pod = cause = None
    try:
        await _prepare(spawner)
        if runs_hook:
            await maybe_future(spawner.run_pre_spawn_hook())
        await asyncio.wait_for(spawner.start(), START_S)
        failure = "it sends no pod"
    except _Made as sent:
        pod, failure = spawner.api.api_client.sanitize_for_serialization(sent.args[0]), None
    except Exception as error:
        failure = _said(error)
        cause = _cause(spawner) or _choice(spawner, error)
    fix = OWN_FIX if "custom.sidecarMysql." in (failure or "") else LOG
    return {
        "pod": pod,
        "home": home if failure else spawner._expand_all(home),
        "failure": f"{cause.what} ({failure})" if cause else failure,
        "fix": cause.fix if cause else fix,
        "grace_s": getattr(spawner, "delete_grace_period", 1),
        "start_s": spawner.start_timeout,
        "claims": getattr(spawner.api, "claims", []),
    }


async def _prepare(spawner: Any) -> None:
    """Do what a hub does before a start, where its JupyterHub is new enough (5.3)."""
    if hasattr(spawner, "apply_group_overrides"):
        await spawner.apply_group_overrides()
    if hasattr(spawner, "_run_apply_user_options"):
        await spawner._run_apply_user_options(spawner.user_options)


def _choice(spawner: Any, error: Exception) -> Finding | None:
    """Return the choice in a form of the hub's own that a start fails without."""
    missing = getattr(spawner.user_options, "missing", [])
    if not isinstance(error, KeyError) or not missing or error.args[0] != missing[-1]:
        return None
    example = json.dumps({missing[-1]: "..."})
    return Finding(
        f"a start needs {missing[-1]} of the hub's own form (user_options)",
        f"give check.py what users choose there: --user-options '{example}'",
    )


def _cause(spawner: Any) -> Finding | None:
    """Return the place that KubeSpawner cannot make a pod of, if it is one that is known."""

    def fails(node: object) -> bool:
        try:
            spawner._expand_all(node)
        except (AttributeError, IndexError, KeyError, ValueError):
            return True
        return False

    for name, value in spawner.environment.items():
        if isinstance(value, (bool, int, float)):
            return Finding(
                f"the variable {name} (singleuser.extraEnv) is {_yaml(value)}, and no text",
                f'write {name}: "{_yaml(value)}"',
            )
        if fails(value):
            what = f"KubeSpawner cannot format the variable {name} (singleuser.extraEnv)"
            return Finding(what, BRACES)
    for trait, key in FORMATTED.items():
        found = getattr(spawner, trait, None)
        if fails(found):
            return Finding(f"KubeSpawner cannot format a text in singleuser.{key}", BRACES)
        # Labels and annotations may be empty; what lists a pod's parts may not.
        pairs = found.items() if isinstance(found, dict) else enumerate(found or [])
        empty = [str(name) for name, content in pairs if content is None]
        if empty and trait in PARTS:
            what = f"singleuser.{key} has null at {', '.join(empty)}"
            return Finding(what, NO_NULL)
    return None


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# Judging pods


def _findings(
    made: Tree, base: Tree | None, hub: Hub, options: argparse.Namespace
) -> Iterator[tuple[str, Finding]]:
    """Yield what is wrong, each with the pod's label, or with none for the hub as a whole."""
    facts, pods = made["facts"], made["pods"]
    is_whole = {label: each for label, each in pods.items() if each["pod"]}
    has_mysql = {label for label, each in is_whole.items() if _mysqls(each["pod"])}
    if is_whole and not has_mysql and not options.removed:
        for finding in _absence(facts):
            yield "", finding
    if options.removed:
        for label in has_mysql:
            yield label, STILL_THERE
        if facts["injects"]:
            yield "", Finding("the hub still has inject.values.yaml", STILL_THERE.fix)
    for label, each in pods.items():
        was = base["pods"].get(label) if base else None
        if each["pod"] is None:
            if was is None or was["pod"] is not None:
                yield (
                    label,
                    Finding(f"the server does not start: {each['failure']}", each["fix"]),
                )
            continue
        for finding in _of_pod(each, was, facts, is_alone=label not in has_mysql and has_mysql):
            yield label, finding
    if has_mysql:
        for finding in _of_version(facts):
            yield "", finding
    for finding in _of_hub(is_whole, facts, hub):
        yield "", finding


def _absence(facts: Tree) -> Iterator[Finding]:
    """Yield why no pod has MySQL; a profile that does not exist has a finding of its own."""
    what = "no pod has MySQL"
    if not facts["injects"]:
        yield Finding(
            f"{what}: the hub has nothing of these values",
            "put the file's content below the key of the chart that has z2jh inside "
            "(jupyterhub:), and give the file to helm at every upgrade",
        )
    elif facts["passes over"] and not facts["ran"]:
        yield Finding(
            f"{what}: the hub starts with {facts['passes over']}, which does not run "
            "hub.extraConfig",
            RUN_EXTRA,
        )
    elif not _chooses(facts):
        yield Finding(f"{what}, and the hub has inject.values.yaml", f"{LOG} at a start")
    elif not list(_unknown(facts)):
        yield Finding(
            f"{what}: onlyProfiles and exceptProfiles leave none",
            f"choose others; there is: {_profiles_of(facts)}",
        )


def _unknown(facts: Tree) -> Iterator[Finding]:
    for key in ("onlyProfiles", "exceptProfiles"):
        for name in facts["settings"].get(key) or []:
            if name not in facts["profiles"]:
                yield Finding(
                    f"custom.sidecarMysql.{key} names {name}, which is no profile",
                    f"there is: {_profiles_of(facts)}",
                )


def _profiles_of(facts: Tree) -> str:
    return ", ".join(sorted(facts["profiles"])) or "none"


def _of_version(facts: Tree) -> Iterator[Finding]:
    version = tuple(facts["kubernetes"])
    if version < OLDEST:
        yield Finding(
            f"Kubernetes {_dotted(version)} is too old: these values need {_dotted(OLDEST)}",
            "upgrade the cluster",
        )


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def _of_pod(each: Tree, was: Tree | None, facts: Tree, *, is_alone: object) -> Iterator[Finding]:
    pod = each["pod"]
    found = _mysqls(pod)
    theirs = [container["name"] for _, container in found if not _is_injected(container)]
    if facts["injects"] and theirs:
        also = "brings one more" if len(found) > 1 else "adds nothing"
        yield Finding(
            f"the hub has a MySQL of its own in the pod (container {', '.join(theirs)}), and "
            f"inject.values.yaml {also}",
            "give helm no other file that brings MySQL, and remove that container from your "
            "values (extraContainers, initContainers, profiles)",
        )
        return
    yield from _volumes(pod)
    yield from _amounts(pod)
    yield from _texts(pod)
    yield from _roots(pod)
    if was and was["pod"]:
        yield from _lost(was["pod"], pod, each["home"])
    if len(found) > 1:
        names = " and ".join(container["name"] for _, container in found)
        yield Finding(
            f"MySQL is there {len(found)} times ({names})",
            "remove the other file that brings one, or the other container",
        )
    elif not found:
        if _text(_notebook(pod), "MYSQL_HOST") in LOOPBACK:
            yield Finding(
                "no MySQL in the pod, but the notebook has MYSQL_HOST",
                "the profile's extra_containers or init_containers replace the hub's: "
                f"{USE_INJECT}, or copy the container into the profile",
            )
        elif is_alone and facts["injects"] and not _chooses(facts):
            yield Finding("no MySQL in the pod", f"{LOG} at a start")
    else:
        ((kind, mysql),) = found
        yield from _of_mysql(each, kind, mysql, facts)


def _is_injected(mysql: Tree) -> bool:
    """Say whether inject.values.yaml has made it: it alone mounts volumes with such names."""
    return any(
        each["name"].startswith("sidecar-mysql-") for each in mysql.get("volumeMounts") or []
    )


def _chooses(facts: Tree) -> bool:
    settings = facts["settings"]
    return bool(settings.get("onlyProfiles") or settings.get("exceptProfiles"))


def _mysqls(pod: Tree) -> list[tuple[str, Tree]]:
    """Return the containers that run a database server, each with its kind."""
    spec = pod["spec"]
    found = []
    for kind, key in (("init", "initContainers"), ("regular", "containers")):
        for container in spec.get(key) or []:
            stays = kind == "regular" or container.get("restartPolicy") == "Always"
            if stays and _serves(container):
                found.append((kind, container))
    return found


def _serves(container: Tree) -> bool:
    """Say whether a container is a database server at MySQL's port, whatever its name."""
    image = container.get("image", "").rpartition("/")[2].partition("@")[0].partition(":")[0]
    ports = [each.get("containerPort") for each in container.get("ports") or []]
    variables = [each["name"] for each in container.get("env") or []]
    return (
        container["name"] == "mysql"
        or image in MYSQL_IMAGES
        or MYSQL_PORT in ports
        or any(FIRST_PASSWORD.fullmatch(name) for name in variables)
    )


def _notebook(pod: Tree) -> Tree:
    containers: list[Tree] = pod["spec"]["containers"]
    return next((each for each in containers if each["name"] == "notebook"), containers[0])


def _text(container: Tree, name: str) -> str | None:
    values = [each.get("value") for each in container.get("env") or [] if each["name"] == name]
    return values[-1] if values else None


def _every(pod: Tree) -> list[Tree]:
    spec = pod["spec"]
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def _volumes(pod: Tree) -> Iterator[Finding]:
    names = [each["name"] for each in pod["spec"].get("volumes") or []]
    for container in _every(pod):
        mounts = container.get("volumeMounts") or []
        for mount in mounts:
            if mount["name"] not in names:
                yield Finding(
                    f"container {container['name']} mounts the volume {mount['name']}, which is "
                    "not in the pod",
                    "extraVolumes as a list and as a mapping replace each other, and so do a "
                    f"profile's volumes: {USE_INJECT}, or write all in one form",
                )
        for path in _twice(mount["mountPath"] for mount in mounts):
            yield Finding(
                f"container {container['name']} has two mounts at {path}", "remove one of them"
            )
    for name in _twice(names):
        yield Finding(f"two volumes are named {name}", "keep one file that brings MySQL")
    for name in _twice(container["name"] for container in _every(pod)):
        yield Finding(f"two containers are named {name}", "keep one file that brings MySQL")


def _amounts(pod: Tree) -> Iterator[Finding]:
    """Yield amounts for which the API server refuses the pod."""
    for container in _every(pod):
        place = f"container {container['name']}: resources"
        resources = container.get("resources") or {}
        requests, limits = (resources.get(kind) or {} for kind in ("requests", "limits"))
        for kind, amounts in (("requests", requests), ("limits", limits)):
            for key, text in amounts.items():
                yield from _quantity(f"{place}.{kind}.{key}", text)
        for key in requests.keys() & limits.keys():
            request, limit = _amount(requests[key]), _amount(limits[key])
            if request is not None and limit is not None and request > limit:
                yield Finding(
                    f"{place}.requests.{key} is {requests[key]}, and its limit is {limits[key]}, "
                    "so that Kubernetes refuses the pod",
                    "lower the request or raise the limit",
                )
    for volume in pod["spec"].get("volumes") or []:
        limit = (volume.get("emptyDir") or {}).get("sizeLimit")
        if limit is not None:
            yield from _quantity(f"volume {volume['name']}: emptyDir.sizeLimit", limit)


def _quantity(place: str, text: object) -> Iterator[Finding]:
    if not QUANTITY.fullmatch(str(text)):
        example = "500m or 0.5" if place.endswith(".cpu") else "20Gi or 20G, and not 20GB"
        yield Finding(
            f"{place} is {text}, and Kubernetes refuses the pod", f"write it like {example}"
        )


def _texts(pod: Tree) -> Iterator[Finding]:
    """Yield numbers and truth values where the API server takes text only."""
    places = {
        f"the {kind[:-1]} {name}": value
        for kind in ("labels", "annotations")
        for name, value in (pod["metadata"].get(kind) or {}).items()
    }
    for container in _every(pod):
        for variable in container.get("env") or []:
            places[f"the variable {variable['name']} of {container['name']}"] = variable.get(
                "value"
            )
        for key in ("command", "args"):
            for word in container.get(key) or []:
                places[f"a word in the {key} of {container['name']}"] = word
    for place, value in places.items():
        if isinstance(value, (bool, int, float)):
            yield Finding(
                f"{place} is {_yaml(value)}, and no text: Kubernetes refuses the pod",
                f'write "{_yaml(value)}"',
            )


def _roots(pod: Tree) -> Iterator[Finding]:
    """Yield containers that a kubelet never starts: the API server takes their pod."""
    for container in _every(pod):
        contexts = (
            container.get("securityContext") or {},
            pod["spec"].get("securityContext") or {},
        )
        user, never_root = (
            next((each[key] for each in contexts if each.get(key) is not None), None)
            for key in ("runAsUser", "runAsNonRoot")
        )
        if never_root and user == 0:
            yield Finding(
                f"container {container['name']} is root, and must not be (runAsNonRoot): no node "
                "starts it, and the server waits in vain",
                "runAsNonRoot: false in its own securityContext, or another runAsUser",
            )


def _twice(names: Iterable[str]) -> list[str]:
    seen = list(names)
    return [name for name in dict.fromkeys(seen) if seen.count(name) > 1]


def _of_mysql(each: Tree, kind: str, mysql: Tree, facts: Tree) -> Iterator[Finding]:
    pod = each["pod"]
    version = tuple(facts["kubernetes"])
    if kind == "init" and version < NATIVE:
        auto = "custom.sidecarMysql.sidecar: auto"
        yield Finding(
            f"MySQL is a native sidecar, and Kubernetes {_dotted(version)} has none: it needs "
            f"{_dotted(NATIVE)}, and no server starts before that",
            auto if facts["injects"] else f"{USE_INJECT}, or sidecar-classic.values.yaml",
        )
    yield from _environment(pod, mysql, facts)
    yield from _end(each)
    yield from _sizes(mysql)
    yield from _exposure(mysql)
    yield from _place(each, kind, mysql)
    yield from _kept(each, kind, mysql, facts)
    patience_s = _patience_s(mysql.get("startupProbe") or mysql.get("readinessProbe"))
    if patience_s > each["start_s"] and "startupProbe" in mysql:
        yield Finding(
            f"MySQL may take {patience_s} s to start, and the hub gives up after "
            f"{each['start_s']:g} s",
            "singleuser.startTimeout: 300",
        )


def _environment(pod: Tree, mysql: Tree, facts: Tree) -> Iterator[Finding]:
    notebook = _notebook(pod)
    password = _text(mysql, "MYSQL_ROOT_PASSWORD")
    for name in ("MYSQL_HOST", "DJ_HOST"):
        told = _text(notebook, name)
        if told is None:
            yield Finding(f"the notebook has no variable {name} for MySQL", USE_INJECT)
        elif told not in LOOPBACK:
            yield Finding(
                f"the notebook's {name} is {told}",
                f"remove {name} from singleuser.extraEnv, or leave it if that database is meant",
            )
    if password is None:
        yield Finding("MySQL has no password", "set MYSQL_ROOT_PASSWORD in its env")
    for name, host in zip(PASSWORDS, ("MYSQL_HOST", "DJ_HOST")):
        told = _text(notebook, name)
        if _text(notebook, host) in LOOPBACK and password is not None and told != password:
            yield Finding(
                f"the notebook's {name} is not MySQL's password", "write the same in both"
            )
    if facts["own passwords"] and password == TUTORIAL:
        yield Finding(
            "users have no password of their own: it is the public one",
            f"another key of hub.extraConfig replaces modify_pod_hook: {USE_INJECT}",
        )
    if _text(mysql, "MYSQL_HOST"):
        yield Finding("with MYSQL_HOST in its env MySQL cannot make its first data", "take it out")


def _end(each: Tree) -> Iterator[Finding]:
    if each["grace_s"] < LEAST_GRACE_S:
        yield Finding(
            f"MySQL is killed {each['grace_s']} s after a stop has begun",
            "hub.config.KubeSpawner.delete_grace_period: 30",
        )
    pods_s = each["pod"]["spec"].get("terminationGracePeriodSeconds", 30)
    if pods_s < LEAST_GRACE_S:
        yield Finding(
            f"MySQL is killed {pods_s} s after its node is drained",
            "singleuser.extraPodConfig.terminationGracePeriodSeconds: 30",
        )


def _sizes(mysql: Tree) -> Iterator[Finding]:
    resources = mysql.get("resources") or {}
    limit = _amount((resources.get("limits") or {}).get("memory"))
    request = _amount((resources.get("requests") or {}).get("memory")) or limit
    pool = next(
        (
            argument.partition("=")[2]
            for argument in reversed(_arguments(mysql))
            if re.match(r"--(loose[-_])?innodb[-_]buffer[-_]pool[-_]size=", argument)
        ),
        None,
    )
    if limit is None:
        yield Finding("one user's MySQL may take the node's memory", "set a memory limit of 2Gi")
    elif pool is None:
        yield Finding(
            "the buffer pool is the image's", "--innodb-buffer-pool-size: half of the limit"
        )
    elif (
        size := _amount(re.sub(r"(?i)([kmg])$", lambda unit: f"{unit[1].upper()}i", pool))
    ) is None:
        yield Finding(f"MySQL takes no buffer pool of {pool}", "K, M or G, and not Gi")
    elif size * 2 > limit:
        yield Finding(
            f"the buffer pool of {pool} is more than half of the memory limit",
            "--innodb-buffer-pool-size: half of the limit",
        )
    if request is None or request < IDLE_BYTES:
        yield Finding("MySQL requests less memory than it takes when idle", "request 512Mi")


def _arguments(container: Tree) -> list[str]:
    return [
        str(each) for each in (*(container.get("command") or []), *(container.get("args") or []))
    ]


def _amount(text: object) -> float | None:
    """Return bytes or cores of a quantity; None where there is none, or it is not one."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([a-zA-Z]*)", str(text)) if text is not None else None
    return float(found[1]) * UNITS[found[2]] if found and found[2] in UNITS else None


def _exposure(mysql: Tree) -> Iterator[Finding]:
    bound = [each.partition("=")[2] for each in _arguments(mysql) if "bind" in each and "=" in each]
    if not bound or bound[-1] not in LOOPBACK:
        yield Finding(
            "other pods can connect where network policies are not enforced",
            "--bind-address=127.0.0.1",
        )


def _place(each: Tree, kind: str, mysql: Tree) -> Iterator[Finding]:
    pod = each["pod"]
    mounts = [mount for mount in mysql.get("volumeMounts") or [] if mount["mountPath"] == DATA]
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
    if not mounts:
        yield Finding(f"nothing is mounted at {DATA}: a restart loses the data", USE_INJECT)
        return
    volume = volumes.get(mounts[0]["name"], {})
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if "emptyDir" in volume and not (volume["emptyDir"] or {}).get("sizeLimit"):
        yield Finding("one user's data may fill the node's disk", "set emptyDir.sizeLimit")
    if "emptyDir" not in volume and volume:
        gates = mysql.get("startupProbe") or (kind == "regular" and mysql.get("readinessProbe"))
        if gates:
            yield Finding(
                "data that is damaged or full keeps the user from the notebook",
                "remove the startup or readiness probe where data is kept",
            )
        if not mounts[0].get("subPath"):
            yield Finding("the data has no folder of its own in its volume", "set subPath")
    homes = {
        mount["name"]: mount
        for mount in _notebook(pod).get("volumeMounts") or []
        if mount["mountPath"] == each["home"]
    }
    if claim and mounts[0]["name"] not in homes and claim not in each["claims"]:
        yield Finding(
            "the claim for the data is never created",
            f"another key of hub.extraConfig replaces modify_pod_hook: {USE_INJECT}",
        )
    for container in pod["spec"].get("initContainers") or []:
        if container["name"] == OWNER:
            yield from _owned(container, homes, each["home"])


def _kept(each: Tree, kind: str, mysql: Tree, facts: Tree) -> Iterator[Finding]:
    """Yield what hinders the container that keeps data in the home."""
    pod = each["pod"]
    keeper = _named(pod, KEEPER)
    if keeper is None:
        if facts["settings"].get("data") == "keep":
            yield Finding(f"data is keep, and there is no container {KEEPER}", USE_INJECT)
        return
    notebook = _notebook(pod)
    if keeper.get("image") != notebook.get("image"):
        yield Finding(
            f"{KEEPER} has the image {keeper.get('image')}, and the notebook has another",
            f"give both one image, with sidecar-magics in it: {USE_INJECT}",
        )
    yield from _sees_home(keeper, notebook, each["home"])
    users = [_user(container, pod) for container in (keeper, notebook)]
    if users[0] != users[1]:
        yield Finding(
            f"{KEEPER} runs as {users[0]}, and the notebook as {users[1]}: neither may read the "
            "other's snapshots",
            f"runAsUser: {users[1]}",
        )
    yield from _keepers_end(each, kind, mysql, keeper, facts)
    patience_s = _patience_s(keeper.get("startupProbe"))
    if "startupProbe" in keeper and patience_s > each["start_s"]:
        yield Finding(
            f"{KEEPER} may take {patience_s} s to restore, and the hub gives up after "
            f"{each['start_s']:g} s",
            "singleuser.startTimeout: 300",
        )


def _sees_home(keeper: Tree, notebook: Tree, path: str) -> Iterator[Finding]:
    mount, home = _mount_at(keeper, path), _mount_at(notebook, path)
    keys = ("name", "subPath", "subPathExpr")
    if not mount or not home or any(mount.get(key) != home.get(key) for key in keys):
        yield Finding(
            f"{KEEPER} does not have the user's home at {path}, so nothing is kept",
            f"mount there what the notebook mounts: {USE_INJECT}",
        )
    elif mount.get("readOnly"):
        yield Finding(f"{KEEPER} cannot write into the home", "take readOnly from its mount")


def _mount_at(container: Tree, path: str) -> Tree | None:
    mounts = container.get("volumeMounts") or []
    return next(
        (each for each in mounts if each["mountPath"].rstrip("/") == path.rstrip("/")), None
    )


def _keepers_end(
    each: Tree, kind: str, mysql: Tree, keeper: Tree, facts: Tree
) -> Iterator[Finding]:
    pod = each["pod"]
    before = pod["spec"].get("initContainers") or []
    is_native = keeper in before
    if is_native and keeper.get("restartPolicy") != "Always":
        yield Finding(f"the pod waits for {KEEPER} to end", "restartPolicy: Always")
    elif is_native != (kind == "init") or (
        is_native and before.index(keeper) < before.index(mysql)
    ):
        yield Finding(
            f"{KEEPER} starts before MySQL, and ends after it: neither is data restored, nor what "
            "was done last kept",
            f"put {KEEPER} after mysql in the same list: {USE_INJECT}",
        )
    elif not is_native and "preStop" not in (mysql.get("lifecycle") or {}):
        yield Finding(
            f"MySQL ends at the same moment as {KEEPER}, so what was done last is not kept",
            f"native sidecars (Kubernetes {_dotted(NATIVE)}), or a preStop hook: {USE_INJECT}",
        )
    needed_s = facts["settings"].get("keepEnd", LEAST_KEEPING_S) + LEAST_GRACE_S
    pods_s = pod["spec"].get("terminationGracePeriodSeconds", 30)
    least_s = min(each["grace_s"], pods_s)
    if LEAST_GRACE_S <= least_s < needed_s:
        yield Finding(
            f"a stop has {least_s} s, and the last snapshot and MySQL's end may take {needed_s} s",
            f"delete_grace_period and terminationGracePeriodSeconds of {needed_s}, or less keepEnd",
        )
    elif least_s > each["start_s"]:
        yield Finding(
            f"a stop may take {least_s} s, and the hub waits {each['start_s']:g} s for it",
            f"singleuser.startTimeout: {least_s + 60}, or less keepEnd",
        )


def _named(pod: Tree, name: str) -> Tree | None:
    return next((each for each in _every(pod) if each["name"] == name), None)


def _user(container: Tree, pod: Tree) -> str:
    contexts = (container.get("securityContext") or {}, pod["spec"].get("securityContext") or {})
    users = [each["runAsUser"] for each in contexts if each.get("runAsUser") is not None]
    return str(users[0]) if users else IMAGES_USER


def _owned(owner: Tree, homes: Tree, path: str) -> Iterator[Finding]:
    for mount in owner.get("volumeMounts") or []:
        home = homes.get(mount["name"])
        if mount["mountPath"] == path and (not home or home.get("subPath") != mount.get("subPath")):
            yield Finding(
                f"{OWNER} changes the owner of {mount.get('subPath')}, which is not the "
                "user's home",
                f"{USE_INJECT}, with data: home",
            )


def _patience_s(probe: Tree | None) -> int:
    probe = probe or {}
    every_s, failures = probe.get("periodSeconds", 10), probe.get("failureThreshold", 3)
    return int(probe.get("initialDelaySeconds", 0) + every_s * failures)


def _lost(was: Tree, now: Tree, home: str) -> Iterator[Finding]:
    """Yield what a pod had before MySQL came, and has not any more."""
    replaced = f"a list or a hook of yours was replaced: {USE_INJECT}"
    before, after = _parts(was), _parts(now)
    for place, content in before.items():
        if place not in after:
            yield Finding(f"{place} is gone", replaced)
        elif after[place] != content and place != f"the mount at {home} of notebook":
            yield Finding(f"{place} is not what it was", replaced)
    place = f"the mount at {home} of notebook"
    if place in before and after.get(place, before[place]) != before[place]:
        yield Finding(
            "the home is another one: users see an empty folder",
            f"remove storage from the values for MySQL: {USE_INJECT}",
        )
    names = [
        [each["name"] for each in pod["spec"].get("initContainers") or []] for pod in (was, now)
    ]
    if [name for name in names[1] if name in names[0]] != [n for n in names[0] if n in names[1]]:
        yield Finding("the init containers run in another order", replaced)


def _parts(pod: Tree) -> Tree:
    """Return a pod as pieces by name, each of which has to stay as it is."""
    spec = pod["spec"]
    parts: Tree = {}
    for key in ("labels", "annotations"):
        for name, value in (pod["metadata"].get(key) or {}).items():
            parts[f"the {key[:-1]} {name}"] = value
    for volume in spec.get("volumes") or []:
        parts[f"the volume {volume['name']}"] = volume
    for kind, key in (("init container", "initContainers"), ("container", "containers")):
        for container in spec.get(key) or []:
            parts.update(_parts_of(container, kind))
    others = set(spec) - {"volumes", "initContainers", "containers"}
    for key in others - {"terminationGracePeriodSeconds"}:
        parts[f"the pod's {key}"] = spec[key]
    return parts


def _parts_of(container: Tree, kind: str) -> Iterator[tuple[str, Any]]:
    name = container["name"]
    pieces = {key: value for key, value in container.items() if key not in ("env", "volumeMounts")}
    yield f"the {kind} {name}", pieces
    for mount in container.get("volumeMounts") or []:
        yield f"the mount at {mount['mountPath']} of {name}", mount
    for variable in container.get("env") or []:
        ours = name == "notebook" and variable["name"] in OURS
        is_elsewhere = variable["name"].endswith("_HOST") and variable.get("value") not in LOOPBACK
        if not ours or is_elsewhere:
            yield f"the variable {variable['name']} of {name}", variable


def _of_hub(pods: Tree, facts: Tree, hub: Hub) -> Iterator[Finding]:
    """Yield what shows only in several pods, or beside them."""
    found = {label: _mysqls(each["pod"]) for label, each in pods.items()}
    one = {label: each[0][1] for label, each in found.items() if len(each) == 1}
    passwords = {
        label: _text(mysql, "MYSQL_ROOT_PASSWORD")
        for label, mysql in one.items()
        if label in ("default", "hostile name", "named server")
    }
    alike = passwords.get("default") == passwords.get("hostile name", "")
    if facts["own passwords"] and alike and TUTORIAL not in passwords.values():
        yield Finding("two users have the same password", USE_INJECT)
    yield from _shared(pods, one)
    yield from _unknown(facts)
    if "default" in one and facts["pulls"] and one["default"]["image"] not in facts["pulled"]:
        image = one["default"]["image"]
        if facts["injects"] or len(one) < len(pods):
            yield Finding(
                f"{image} is not pulled ahead: the first start on each node waits for it",
                "name it in prePuller.extraImages",
            )
    wanted = hub.placeholder if hub.placeholder is not None else facts["placeholder"]
    if "default" in one and wanted is not None:
        yield from _placeholders(pods["default"]["pod"], wanted)


def _shared(pods: Tree, one: Tree) -> Iterator[Finding]:
    """Yield a finding where two servers would have one data folder on one volume."""
    places: dict[tuple[str, str], str] = {}
    for label in ("default", "hostile name", "named server"):
        if label not in one:
            continue
        volumes = {each["name"]: each for each in pods[label]["pod"]["spec"].get("volumes") or []}
        for mount in one[label].get("volumeMounts") or []:
            claim = volumes.get(mount["name"], {}).get("persistentVolumeClaim")
            if mount["mountPath"] == DATA and claim:
                place = (claim["claimName"], mount.get("subPath", ""))
                if place in places:
                    yield Finding(
                        f"{places[place]} and {label} have one data folder: the second MySQL "
                        "cannot start",
                        USE_INJECT,
                    )
                places[place] = label


def _placeholders(pod: Tree, wanted: Tree) -> Iterator[Finding]:
    needed = sum(
        _amount(((each.get("resources") or {}).get("requests") or {}).get("memory")) or 0
        for each in _every(pod)
        if each in pod["spec"]["containers"] or each.get("restartPolicy") == "Always"
    )
    if (_amount(wanted.get("memory")) or 0) < needed:
        yield Finding(
            "placeholder pods request less memory than a user's pod, so that users wait for nodes",
            "scheduling.userPlaceholder.resources.requests.memory: "
            f"{int(-(-needed // 2**20))}Mi (and cpu as in your guarantee)",
        )


if __name__ == "__main__":
    sys.exit(main())
