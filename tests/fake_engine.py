"""A program that answers as Docker's or podman's client does, and writes down what it was asked.

``install`` puts it into a folder as ``docker`` or ``podman``; its containers are entries of a file
beside it. `observations` is what both it and the real engines must show (`tests/hub/pods`).
"""

from __future__ import annotations

import base64
import json
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar_magics.local.containers.client import Client

STATE, CALLS, REFUSALS, PULLED = "state.json", "calls.jsonl", "refusals.json", "pulled.txt"
STARTED = "2026-11-27T19:00:00.123456789Z"


@dataclass(frozen=True)
class FakeEngine:
    """The program, as a test sees it.

    Parameters
    ----------
    folder : Path
        With its state; its parent is what belongs on PATH.
    kind : str
        ``docker`` or ``podman``.
    """

    folder: Path
    kind: str

    def calls(self, verb: str | None = None) -> list[list[str]]:
        """Return the arguments that it was called with, of one verb or of all."""
        path = self.folder / CALLS
        lines = path.read_text().splitlines() if path.exists() else []
        found: list[list[str]] = [json.loads(line)["arguments"] for line in lines]
        return [each for each in found if verb in {None, each[0]}]

    def given(self) -> bytes:
        """Return everything that came to it on standard input."""
        lines = (self.folder / CALLS).read_text().splitlines()
        return b"".join(base64.b64decode(json.loads(line)["given"]) for line in lines)

    def containers(self) -> dict[str, Any]:
        """Return its containers by name."""
        found: dict[str, Any] = json.loads((self.folder / STATE).read_text())["containers"]
        return found

    def refuse(self, verb: str, said: str) -> None:
        """Have a verb fail from now on, with these words."""
        path = self.folder / REFUSALS
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**known, verb: said}))

    def change(self, **values: Any) -> None:
        """Set values of its state: ``images``, ``info``."""
        path = self.folder / STATE
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    def alter(self, name: str, **values: Any) -> None:
        """Set values of one of its containers."""
        state = json.loads((self.folder / STATE).read_text())
        state["containers"][name].update(values)
        (self.folder / STATE).write_text(json.dumps(state))

    def add(self, name: str, image: str, port: int, *, running: bool, **more: Any) -> None:
        """Add a container that somebody has made."""
        state = json.loads((self.folder / STATE).read_text())
        state["containers"][name] = {
            "id": name.encode().hex().ljust(64, "0")[:64],
            "image": image,
            "host": "127.0.0.1",
            "port": port,
            "running": running,
            "environment": [],
            "labels": {},
            "volume": "somebodys",
            **more,
        }
        (self.folder / STATE).write_text(json.dumps(state))


def install(path: Path, kind: str, *, images: tuple[str, ...] = ()) -> FakeEngine:
    """Put the program into a folder of PATH, and return it."""
    folder = path / f".{kind}"
    folder.mkdir(parents=True)
    program = path / kind
    program.write_text(
        f"#!{sys.executable} -SE\nimport sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        f"from tests.fake_engine import main\nsys.exit(main({str(folder)!r}, sys.argv[1:]))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / STATE).write_text(json.dumps({"containers": {}, "volumes": [], "images": images}))
    return FakeEngine(folder, kind)


def observations(client: Client, image: str) -> dict[str, Any]:
    """Do with an engine what ``up`` does, without starting anything, and return what it showed."""
    from sidecar_magics.local.containers import found, recipe
    from sidecar_magics.local.containers.container import read
    from sidecar_magics.local.containers.password import put_password, read_password
    from sidecar_magics.local.containers.refusals import EngineRefusal

    name = "sidecar-magics-observed"
    seen: dict[str, Any] = {"missing": found.named(client, name)}
    identifier = client.run(*recipe.create_arguments(name, 23333, name)).decode().split()[-1]
    try:
        put_password(client, identifier, "it's \\ ü")
        seen["password"] = read_password(client, name)
        container = read(client.inspect(name)[0])
        seen["container"] = {
            field: getattr(container, field)
            for field in (
                "name",
                "image",
                "is_running",
                "host",
                "port",
                "volume",
                "restarts",
                "pid",
            )
        }
        seen["container"]["image"] = container.image.removeprefix("localhost/")  # podman's
        seen["label"] = container.labels[recipe.LABEL]
        seen["same id"] = container.id == identifier
        seen["no password"] = "it's" not in json.dumps(client.inspect(name))
        seen["others"] = [each.name for each in found.others(client) if each.name == name]
        try:
            client.run(*recipe.create_arguments(name, 23333, name))
        except EngineRefusal as refusal:
            seen["twice"] = "in use" in refusal.said
        seen["size needs it to run"] = _fails(client, "exec", name, "du", "-sk", "/")
    finally:
        client.run("rm", "--force", name)
        client.run("volume", "rm", name)
    seen["no image"] = _fails(client, "image", "inspect", "localhost/is/not:there")
    seen["image"] = _fails(client, "image", "inspect", "--format={{.Id}}", image)
    return seen


def _fails(client: Client, *arguments: str) -> bool:
    from sidecar_magics.local.containers.refusals import EngineRefusal

    try:
        client.run(*arguments)
    except EngineRefusal:
        return True
    return False


EXPECTED: dict[str, Any] = {
    "missing": None,
    "password": "it's \\ ü",
    "container": {
        "name": "sidecar-magics-observed",
        "image": "datajoint/mysql:8.0",
        "is_running": False,
        "host": "127.0.0.1",
        "port": 23333,
        "volume": "sidecar-magics-observed",
        "restarts": 0,
        "pid": None,
    },
    "label": "sidecar-magics-observed",
    "same id": True,
    "no password": True,
    "others": [],
    "twice": True,
    "size needs it to run": True,
    "no image": True,
    "image": False,
}


# The program itself ------------------------------------------------------------------------------


def main(folder: str, arguments: list[str]) -> int:
    """Answer one call."""
    engine = _Answering(Path(folder))
    given = sys.stdin.buffer.read() if arguments[0] == "cp" and "-" in arguments[1:-1] else b""
    with (Path(folder) / CALLS).open("a") as calls:
        line = {"arguments": arguments, "given": base64.b64encode(given).decode()}
        calls.write(json.dumps(line) + "\n")
    refusals = Path(folder) / REFUSALS
    said = json.loads(refusals.read_text()).get(arguments[0]) if refusals.exists() else None
    if said is not None:
        print(said, file=sys.stderr)
        return 1
    try:
        getattr(engine, f"on_{arguments[0]}")(arguments[1:], given)
    except _No as no:
        print(no, file=sys.stderr)
        return 1
    engine.save()
    return 0


class _No(Exception):
    """What it refuses."""


class _Answering:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = json.loads((folder / STATE).read_text())

    def save(self) -> None:
        (self.folder / STATE).write_text(json.dumps(self.state))

    def on_version(self, _: list[str], __: bytes) -> None:
        print("28.2.2")

    def on_context(self, _: list[str], __: bytes) -> None:
        print(self.state.get("context", "unix:///var/run/docker.sock"))

    def on_info(self, _: list[str], __: bytes) -> None:
        usual = {
            "host": {"cgroupVersion": "v2", "cgroupControllers": ["memory"],
                     "security": {"rootless": True}},
            "store": {"imageStore": {"number": len(self.state["images"])},
                      "containerStore": {"number": len(self.state["containers"])}},
            "version": {"Version": "4.3.1"},
        }  # fmt: skip
        print(json.dumps(self.state.get("info", usual)))

    def on_image(self, words: list[str], _: bytes) -> None:
        if words[-1] not in self.state["images"]:
            raise _No(f"Error: No such image: {words[-1]}")
        print("sha256:1")

    def on_pull(self, words: list[str], _: bytes) -> None:
        print(f"8.0: Pulling from {words[-1]}")
        for layer in ("a1b2c3d4e5f6", "0123456789ab"):
            print(f"{layer}: Pulling fs layer")
        for layer in ("a1b2c3d4e5f6", "0123456789ab"):
            print(f"{layer}: Download complete\n{layer}: Pull complete")
        self.state["images"].append(words[-1])

    def on_create(self, words: list[str], _: bytes) -> None:
        options = [word for word in words if word.startswith("--") and "=" in word]
        values: dict[str, list[str]] = {}
        for word in options:
            name, _equals, value = word.partition("=")
            values.setdefault(name, []).append(value)
        (name,) = values["--name"]
        if name in self.state["containers"]:
            raise _No(f'Error: the container name "{name}" is already in use')
        host, port, _inside = values["--publish"][0].rsplit(":", 2)
        volume = values["--volume"][0].rpartition(":")[0] or "f" * 64
        image = next(word for word in words[1:] if not word.startswith("--"))
        self.state["volumes"].append(volume)
        self.state["containers"][name] = {
            "id": name.encode().hex().ljust(64, "0")[:64],
            "image": image,
            "host": host,
            "port": int(port),
            "running": False,
            "environment": values["--env"],
            "labels": dict(each.split("=", 1) for each in values["--label"]),
            "volume": volume,
        }
        print(self.state["containers"][name]["id"])

    def on_cp(self, words: list[str], given: bytes) -> None:
        if words[-1] == "-":
            name, _colon, _path = words[-2].partition(":")
            file = self._named(name).get("file")
            if file is None:
                raise _No("Error: Could not find the file")
            sys.stdout.buffer.write(base64.b64decode(file))
        else:
            self._named(words[-1].partition(":")[0])["file"] = base64.b64encode(given).decode()

    def on_start(self, words: list[str], _: bytes) -> None:
        self._named(words[-1])["running"] = True
        print(words[-1])

    def on_stop(self, words: list[str], _: bytes) -> None:
        self._named(words[-1])["running"] = False

    def on_rm(self, words: list[str], _: bytes) -> None:
        wanted = self._named(words[-1])
        kept = self.state["containers"].items()
        self.state["containers"] = {name: each for name, each in kept if each is not wanted}

    def on_volume(self, words: list[str], _: bytes) -> None:
        if words[-1] not in self.state["volumes"]:
            raise _No(f"Error: no such volume {words[-1]}")
        if words[0] == "rm":
            self.state["volumes"].remove(words[-1])
        print(words[-1])

    def on_exec(self, words: list[str], _: bytes) -> None:
        if not self._named(words[0])["running"]:
            raise _No("Error: container is not running")
        print("1000\t/var/lib/mysql")

    def on_logs(self, words: list[str], _: bytes) -> None:
        self._named(words[-1])
        print("2026-11-27 [Note] [Entrypoint]: GENERATED ROOT PASSWORD: hunter2")
        print("[ERROR] [MY-010119] [Server] Aborting\x1b[2J")

    def on_ps(self, _: list[str], __: bytes) -> None:
        for name, each in self.state["containers"].items():
            ports = f"{each['host']}:{each['port']}->3306/tcp" if each["running"] else ""
            print("\t".join(map(json.dumps, (each["id"], each["image"], name, ports))))

    def on_inspect(self, words: list[str], _: bytes) -> None:
        names = [word for word in words if not word.startswith("--")]
        print(json.dumps([self._described(name) for name in names]))

    def _described(self, wanted: str) -> dict[str, Any]:
        each = self._named(wanted)
        name = next(name for name, one in self.state["containers"].items() if one is each)
        binding = {"3306/tcp": [{"HostIp": each["host"], "HostPort": str(each["port"])}]}
        bindings = binding if each["port"] else {}
        return {
            "Id": each["id"],
            "Name": f"/{name}",
            "RestartCount": each.get("restarts", 0),
            "State": {
                "Running": each["running"],
                "Pid": 0,
                "StartedAt": STARTED if each["running"] else "0001-01-01T00:00:00Z",
                "ExitCode": 0,
                "OOMKilled": each.get("oom", False),
            },
            "Config": {
                "Image": each["image"],
                "Env": each["environment"],
                "Labels": each["labels"],
            },
            "HostConfig": {"PortBindings": bindings},
            "NetworkSettings": {"Ports": bindings if each["running"] else {}},
            "Mounts": [{"Type": "volume", "Name": each["volume"], "Destination": "/var/lib/mysql"}],
        }

    def _named(self, name: str) -> dict[str, Any]:
        for known, each in self.state["containers"].items():
            if name == known or each["id"].startswith(name):
                found: dict[str, Any] = each
                return found
        raise _No(f"Error: No such container: {name}")
