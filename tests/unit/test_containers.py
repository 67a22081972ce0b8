"""What `up` asks of an engine, and what it makes of the answers: with a program that is none.

`tests/hub/pods/test_backends.py` holds that program to the real engines.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from sidecar_magics.cli import main
from sidecar_magics.doctor import Verdict, examine, own
from sidecar_magics.errors import AccessError, LocalServerError
from sidecar_magics.hints import Runtime
from sidecar_magics.local import backends, lifecycle, ports
from sidecar_magics.local.containers import found, recipe, starting
from sidecar_magics.local.containers.client import EngineFacts, _podman_facts, client_of
from sidecar_magics.local.containers.container import moment_s, read
from sidecar_magics.local.containers.pulling import layer_of
from sidecar_magics.local.containers.recipe import Limits
from sidecar_magics.local.containers.refusals import (
    EngineRefusal,
    NoImageError,
    NotHereError,
    NotPermittedError,
    RefusedError,
    explained,
)
from sidecar_magics.local.logs import shown_line
from sidecar_magics.local.native import NativeBackend
from sidecar_magics.local.state import LocalSidecar, read_record, read_state
from sidecar_magics.local.wish import Wish
from sidecar_magics.settings import ConnectionSettings, Secret
from tests.fake_engine import EXPECTED, FakeEngine, install, observations
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = recipe.IMAGE
PASSWORD = "a-password-of-this-test"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a PATH of our own, with nothing on it."""
    monkeypatch.setenv("SIDECAR_MAGICS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ports, "DEFAULT_PORT", quiet_port())
    return tmp_path / "home"


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """The logins that were waited for; each succeeds, but for the password `wrong`."""
    seen: list[tuple[int, str]] = []

    def wait(settings: Any, **_: Any) -> Any:
        seen.append((settings.port, settings.password.reveal()))
        if settings.password == "wrong":
            raise AccessError("The server refuses root.")
        return SimpleNamespace(flavour="mysql", version="8.0.36")

    monkeypatch.setattr(starting, "wait", wait)
    return seen


@pytest.fixture
def docker(tmp_path: Path, logins: list[tuple[int, str]]) -> FakeEngine:
    return install(tmp_path / "bin", "docker", images=(IMAGE,))


@pytest.fixture
def native_starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The native starts that were asked for; each succeeds."""
    seen: list[str] = []

    def start(_: NativeBackend, *__: object) -> LocalSidecar:
        seen.append("native")
        return LocalSidecar("127.0.0.1", 3306, "root", "x", "mysql", "9.7.4", pid=1, started=False)

    monkeypatch.setattr(NativeBackend, "start", start)
    monkeypatch.setattr(lifecycle, "write_record", lambda _: None)
    return seen


def test_the_fake_is_like_the_real_one(docker: FakeEngine) -> None:
    client = client_of("docker")
    assert client is not None
    assert observations(client, IMAGE) == EXPECTED


# What is asked of the engine ---------------------------------------------------------------------


def test_a_new_container(docker: FakeEngine, logins: list[tuple[int, str]]) -> None:
    lines: list[str] = []
    sidecar = lifecycle.up(progress=lines.append)
    (create,) = docker.calls("create")
    assert create == recipe.create_arguments(found.own_name(), sidecar.port, found.own_name())
    assert f"--publish=127.0.0.1:{sidecar.port}:3306" in create
    assert sidecar.port == ports.DEFAULT_PORT
    assert len(sidecar.password) >= 32
    assert set(logins) == {(sidecar.port, sidecar.password)}
    assert sidecar.password not in json.dumps(docker.calls())
    assert sidecar.password.encode() in docker.given()
    assert sidecar.password not in "".join(lines)
    assert read_state() == sidecar
    assert lines[-2] == f"{sidecar}: ready."
    assert not docker.calls("pull")


def test_down_and_up_again(docker: FakeEngine) -> None:
    first = lifecycle.up()
    lifecycle.down()
    assert docker.calls("stop") == [["stop", "--time=30", first.container.id]]  # type: ignore[union-attr]
    assert read_state() is None
    second = lifecycle.up()
    assert (second.port, second.password) == (first.port, first.password)
    assert len(docker.calls("create")) == 1


def test_another_recipe_makes_the_container_anew(
    docker: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update of this package that changes an option of the server."""
    first = lifecycle.up()
    lifecycle.down()
    monkeypatch.setattr(recipe, "COMMAND", (*recipe.COMMAND, "--one-more"))
    second = lifecycle.up()
    assert second.password == first.password
    made = docker.calls("create")
    assert len(made) == 2
    assert [each for each in made[1] if each.startswith("--volume")] == [
        f"--volume={found.own_name()}:/var/lib/mysql"
    ]
    assert not [call for call in docker.calls("rm") if "--volumes" in call]


def test_without_its_limits_where_podman_cannot_keep_them(
    tmp_path: Path, logins: list[tuple[int, str]]
) -> None:
    podman = install(tmp_path / "bin", "podman", images=(IMAGE,))
    lifecycle.up(backend="podman")
    (create,) = podman.calls("create")
    assert "--memory=2g" in create
    assert not [word for word in create if word.startswith("--cpus")]
    assert "--archive=false" in podman.calls("cp")[0]


@pytest.mark.parametrize(
    ("host", "limits"),
    [
        ({"security": {"rootless": False}, "cgroupVersion": "v1"}, Limits()),
        ({"security": {"rootless": True}, "cgroupVersion": "v1",
          "cgroupControllers": ["memory", "cpu"]}, Limits(memory=False, cpus=False)),
        ({"security": {"rootless": True}, "cgroupVersion": "v2",
          "cgroupControllers": ["memory", "cpu", "pids"]}, Limits()),
        ({"security": {"rootless": True}, "cgroupVersion": "v2", "cgroupControllers": None},
         Limits(memory=False, cpus=False)),
    ],
)  # fmt: skip
def test_limits_of_podman(host: dict[str, Any], limits: Limits) -> None:
    assert _podman_facts({"host": host}) == EngineFacts("", False, limits)


def test_the_image_is_fetched(docker: FakeEngine) -> None:
    docker.change(images=[])
    lines: list[str] = []
    layers: list[tuple[int, int]] = []
    lifecycle.up(progress=lines.append, layers=lambda *at: layers.append(at))
    assert docker.calls("pull") == [["pull", IMAGE]]
    assert f"Fetching {IMAGE} with Docker." in lines
    assert layers[0] == (0, 2)
    assert layers[-1] == (2, 2)
    assert sorted(done for done, _ in layers) == [done for done, _ in layers]


@pytest.mark.parametrize(
    ("line", "layer"),
    [
        ("a1b2c3d4e5f6: Pulling fs layer", ("a1b2c3d4e5f6", False)),
        ("a1b2c3d4e5f6: Pull complete", ("a1b2c3d4e5f6", True)),
        ("a1b2c3d4e5f6: Already exists", ("a1b2c3d4e5f6", True)),
        ("Copying blob sha256:a1b2", ("sha256:a1b2", False)),
        ("Copying blob a1b2 done   |", ("a1b2", True)),
        ("Copying blob a1b2 skipped: already exists", ("a1b2", True)),
        ("8.0: Pulling from datajoint/mysql", (None, False)),
        ("Digest: sha256:4745b2a30e51", (None, False)),
        ("Status: Downloaded newer image for x", (None, False)),
        ("", (None, False)),
    ],
)
def test_layers(line: str, layer: tuple[str | None, bool]) -> None:
    assert layer_of(line) == layer


# Containers of others ----------------------------------------------------------------------------


def spyglass(docker: FakeEngine, *, running: bool, port: int | None = None, **more: Any) -> int:
    port = quiet_port() if port is None else port
    docker.add(
        found.SPYGLASS_NAME, "datajoint/mysql:8.0", port, running=running,
        **{"environment": [f"MYSQL_ROOT_PASSWORD={PASSWORD}"], **more},
    )  # fmt: skip
    return port


@pytest.mark.parametrize("running", [True, False])
def test_spyglass_own_container_is_used(docker: FakeEngine, running: bool) -> None:
    port = spyglass(docker, running=running)
    sidecar = lifecycle.up()
    assert (sidecar.port, sidecar.password, sidecar.is_ours) == (port, PASSWORD, not running)
    assert len(docker.calls("start")) == (not running)
    assert not docker.calls("create")
    assert read_state() == sidecar
    stopped = lifecycle.down()
    assert stopped == sidecar
    assert docker.containers()[found.SPYGLASS_NAME]["running"] is running
    lifecycle.up()
    with pytest.raises(LocalServerError, match="not made by `up`"):
        lifecycle.delete_data()
    assert not docker.calls("rm")


def test_down_of_what_ran_before_says_that_it_keeps_running(
    docker: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    spyglass(docker, running=True)
    lifecycle.up()
    assert main(["down"]) == 0
    assert "it keeps running" in capsys.readouterr().out
    assert read_record() is None


@pytest.mark.parametrize(
    "wish", [{"ephemeral": True}, {"port": 1}, {"password": "another"}], ids=str
)
@pytest.mark.thorough
def test_a_container_that_is_not_what_was_asked_for_is_left(
    docker: FakeEngine, wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "change_password", lambda *_: None)
    spyglass(docker, running=True)
    if "port" in wish:
        wish["port"] = quiet_port()
    sidecar = lifecycle.up(backend="docker", **wish)
    assert sidecar.container is not None
    assert sidecar.container.name.startswith(found.own_name())


def test_a_container_with_another_password_by_now(
    docker: FakeEngine, logins: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = spyglass(docker, running=True, environment=["MYSQL_ROOT_PASSWORD=wrong"])
    assert lifecycle.up().password == "tutorial"
    assert logins[:2] == [(port, "wrong"), (port, "tutorial")]
    lifecycle.down()
    with pytest.raises(LocalServerError, match="not the one that it was made with") as caught:
        lifecycle.up(container=found.SPYGLASS_NAME, password="wrong")
    assert "--password-env" in caught.value.hint
    assert lifecycle.up(container=found.SPYGLASS_NAME, password="right").password == "right"


@pytest.mark.thorough
def test_several_that_could_be_meant(docker: FakeEngine) -> None:
    for name, host in (("lab", "registry.example/"), ("home", "registry.example:5000/mirror/")):
        docker.add(name, f"{host}datajoint/mysql:8.0.36", quiet_port(), running=False)
    with pytest.raises(LocalServerError, match=r"several containers .*: home, lab") as caught:
        lifecycle.up()
    assert "--container lab" in caught.value.hint
    assert lifecycle.up(container="home").container.name == "home"  # type: ignore[union-attr]
    lifecycle.down()
    assert lifecycle.up().container.name == "home", "as before"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("image", "more"),
    [
        ("mysql:8.0", {}),
        ("datajoint/mysqlx:8.0", {}),
        ("datajoint/mysql:8.0", {"port": 0}),
        ("datajoint/mysql:8.0", {"volume": ""}),
    ],
)
@pytest.mark.thorough
def test_what_is_no_container_of_theirs(
    docker: FakeEngine, image: str, more: dict[str, Any]
) -> None:
    docker.add("x", image, **{"port": quiet_port(), "running": True, **more})
    sidecar = lifecycle.up()
    assert sidecar.container is not None
    assert sidecar.container.name == found.own_name()


def test_a_container_that_is_not_there_or_not_published(docker: FakeEngine) -> None:
    with pytest.raises(LocalServerError, match="no container nowhere"):
        lifecycle.up(container="nowhere")
    docker.add("inner", "mysql:8", 0, running=True)
    with pytest.raises(LocalServerError, match="does not publish port 3306"):
        lifecycle.up(container="inner")


# The port ----------------------------------------------------------------------------------------


def test_who_has_the_port_is_said_and_the_next_free_one_taken(docker: FakeEngine) -> None:
    taken = ports.DEFAULT_PORT
    docker.add("lab", "mysql:8", taken, running=True)
    lines: list[str] = []
    with socket.create_server(("127.0.0.1", taken)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ports, "_process_at", lambda _: "docker-proxy (process 7 of root)")
            assert ports.holder(taken) == "the container lab of Docker"
            chosen = ports.choose_port(Wish(), lines.append)
            patch.setattr(ports, "_process_at", lambda _: None)
            assert ports.holder(taken) == "the container lab of Docker"
        assert ports.holder(taken).startswith("the program ")
        with pytest.raises(LocalServerError, match=f"Port {taken} is taken by the program"):
            ports.choose_port(Wish(port=taken), lines.append)
    assert taken < chosen <= taken + 50
    assert lines == [f"Port {taken} is taken by the container lab of Docker; using port {chosen}."]
    assert ports.choose_port(Wish(), lines.append, preferred=chosen) == chosen


@pytest.mark.parametrize(
    ("name", "words", "shown"),
    [
        ("mysqld", ["/usr/sbin/mysqld"], "mysqld"),
        ("ld-linux.so.2", ["/l/ld-linux.so.2", "--inhibit-cache", "--library-path", "/a:/b",
                           "/usr/sbin/mysqld", "--port=1"], "mysqld"),
        ("ld-linux.so.2", ["/l/ld-linux.so.2"], "ld-linux.so.2"),
        ("ld-linux.so.2", None, "ld-linux.so.2"),
    ],
)  # fmt: skip
def test_the_name_of_a_program_below_its_loader(
    name: str, words: list[str] | None, shown: str
) -> None:
    def cmdline() -> list[str]:
        if words is None:
            raise psutil.AccessDenied
        return words

    process: Any = SimpleNamespace(name=lambda: name, cmdline=cmdline)
    assert ports._name(process) == shown


@pytest.mark.thorough
def test_the_own_containers_port_is_taken_meanwhile(docker: FakeEngine) -> None:
    """It is made anew at the next free port, with its data and its password."""
    first = lifecycle.up()
    lifecycle.down()
    with socket.create_server(("127.0.0.1", first.port)):
        second = lifecycle.up(backend="docker")
    assert second.port > first.port
    assert second.password == first.password
    assert read_state() == second


# Which backend -----------------------------------------------------------------------------------


def test_native_where_there_is_no_engine(native_starts: list[str]) -> None:
    lifecycle.up()
    assert native_starts == ["native"]


def test_podman_that_nobody_uses_is_not_taken(tmp_path: Path, native_starts: list[str]) -> None:
    podman = install(tmp_path / "bin", "podman")
    lifecycle.up()
    assert native_starts == ["native"]
    assert not podman.calls("pull")


@pytest.mark.thorough
def test_native_where_the_image_cannot_be_had(docker: FakeEngine, native_starts: list[str]) -> None:
    docker.change(images=[])
    docker.refuse("pull", "dial tcp: lookup registry.example: no such host")
    lines: list[str] = []
    lifecycle.up(progress=lines.append)
    assert native_starts == ["native"]
    assert "its registry cannot be reached" in "".join(lines)
    with pytest.raises(NoImageError, match="no such host"):
        lifecycle.up(backend="docker")


@pytest.mark.thorough
def test_native_where_the_engine_starts_nothing(
    docker: FakeEngine, native_starts: list[str], home: Path
) -> None:
    """As podman with a runtime that its machine does not suit; but not where data would be left."""
    docker.refuse("start", "Error: OCI runtime error: crun: cgroups in hybrid mode not supported")
    lines: list[str] = []
    lifecycle.up(progress=lines.append)
    assert native_starts == ["native"]
    assert "cgroups in hybrid mode not supported" in "".join(lines)
    docker.add(found.own_name(), IMAGE, quiet_port(), running=False, labels={recipe.LABEL: "x"})
    with pytest.raises(LocalServerError):
        lifecycle.up()
    assert native_starts == ["native"]


def test_an_engine_that_is_not_for_this_account(
    docker: FakeEngine, native_starts: list[str]
) -> None:
    docker.refuse("version", PERMISSION)
    lines: list[str] = []
    lifecycle.up(progress=lines.append)
    assert native_starts == ["native"]
    assert "this account may not use it" in lines[0]
    with pytest.raises(NotPermittedError) as caught:
        lifecycle.up(backend="docker")
    assert "usermod -aG docker" in caught.value.hint


def test_mariadb_and_a_data_folder_are_native(
    docker: FakeEngine, native_starts: list[str], tmp_path: Path
) -> None:
    lifecycle.up(flavour="mariadb")
    lifecycle.up(datadir=tmp_path)
    assert native_starts == ["native"] * 2
    with pytest.raises(LocalServerError, match="image is MySQL's, not MariaDB's"):
        lifecycle.up(backend="docker", flavour="mariadb")


def test_data_of_a_native_server_are_not_left(
    docker: FakeEngine, native_starts: list[str], home: Path
) -> None:
    """Docker was installed later."""
    (home / "data" / "mysql" / "mysql.ibd").mkdir(parents=True)
    lifecycle.up()
    assert native_starts == ["native"]


@pytest.mark.thorough
def test_data_of_a_container_are_not_left(docker: FakeEngine, native_starts: list[str]) -> None:
    """Docker Desktop is not running today."""
    with pytest.MonkeyPatch.context() as patch:
        from sidecar_magics.local.state import write_record

        patch.setattr(lifecycle, "write_record", write_record)
        lifecycle.up()
    lifecycle.down()
    docker.refuse("version", NOT_RUNNING)
    with pytest.raises(
        LocalServerError, match=r"Your data are with docker .*does not run"
    ) as caught:
        lifecycle.up()
    assert "--backend native" in caught.value.hint
    assert native_starts == []
    assert lifecycle.status().trouble


def test_no_program() -> None:
    with pytest.raises(LocalServerError, match="no program `docker`"):
        lifecycle.up(backend="docker")


@pytest.mark.parametrize("variable", ["DOCKER_HOST", ""])
@pytest.mark.thorough
def test_an_engine_on_another_machine_is_not_used(
    docker: FakeEngine, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv(variable, "ssh://me@lab.example")
    else:
        docker.change(context="tcp://lab.example:2376")
    with pytest.raises(NotHereError, match=r"another machine .*lab\.example"):
        lifecycle.up(backend="docker")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    assert lifecycle.up(backend="docker").backend == "docker"


def test_another_backend_while_it_is_up(docker: FakeEngine) -> None:
    lifecycle.up()
    for wish in ({"backend": "native"}, {"container": "x"}, {"port": 1}, {"flavour": "mariadb"}):
        with pytest.raises(LocalServerError, match="already up"):
            lifecycle.up(**wish)


# Refusals ----------------------------------------------------------------------------------------

PERMISSION = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/"
    'docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.47/version": dial unix '
    "/var/run/docker.sock: connect: permission denied"
)
NOT_RUNNING = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
    "running?"
)


@pytest.mark.parametrize(
    ("verb", "said", "kind", "words"),
    [
        ("version", PERMISSION, NotPermittedError, "this account may not use it"),
        ("version", NOT_RUNNING, NotHereError, "does not run"),
        (
            "version",
            'error during connect: Get "http://%2F%2F.%2Fpipe%2FdockerDesktopLinuxEngine/v1": open '
            "//./pipe/dockerDesktopLinuxEngine: The system cannot find the file specified.",
            NotHereError,
            "does not run",
        ),
        (
            "info",
            "Cannot connect to Podman. Please verify your connection to the Linux system using "
            "`podman system connection list`, or try `podman machine init`",
            NotHereError,
            "does not run",
        ),
        (
            "info",
            'cannot find newuidmap: exec: "newuidmap": executable file not found in $PATH',
            NotHereError,
            "cannot make containers for this account",
        ),
        (
            "pull",
            'Error: short-name "datajoint/mysql:8.0" did not resolve to an alias and no '
            'unqualified-search registries are defined in "/etc/containers/registries.conf"',
            NoImageError,
            "does not know which registry to ask for it: .* unqualified-search registries",
        ),
        (
            "pull",
            "Error: short-name resolution enforced but cannot prompt without a TTY",
            NoImageError,
            "does not know which registry to ask for it",
        ),
        (
            "pull",
            'Error response from daemon: Get "https://registry.example/v2/": dial tcp: lookup '
            "registry.example: Temporary failure in name resolution",
            NoImageError,
            "registry cannot be reached",
        ),
        (
            "pull",
            'Error response from daemon: Get "https://registry.example/v2/": net/http: TLS '
            "handshake timeout",
            NoImageError,
            "registry cannot be reached",
        ),
        (
            "pull",
            "Error: initializing source docker://datajoint/mysql:8.0: pinging container registry "
            'registry.example: Get "https://registry.example/v2/": dial tcp 1.2.3.4:443: '
            "connect: connection refused",
            NoImageError,
            "registry cannot be reached",
        ),
        (
            "pull",
            "toomanyrequests: You have reached your pull rate limit.",
            NoImageError,
            "too often",
        ),
        (
            "pull",
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            NoImageError,
            "not made for this machine's processor",
        ),
        ("pull", "failed to register layer: no space left on device", LocalServerError, "full"),
        (
            "start",
            "Error response from daemon: driver failed programming external connectivity on "
            "endpoint x: Bind for 127.0.0.1:3306 failed: port is already allocated",
            LocalServerError,
            "cannot publish the port",
        ),
        ("start", "something\nelse\n", RefusedError, "refused `start`: else"),
        ("start", "", RefusedError, "it said nothing"),
        ("start", "Error: \x1b[2Jx", RefusedError, r"\\x1b\[2Jx"),
    ],
)
def test_refusals_are_sentences(
    verb: str, said: str, kind: type[LocalServerError], words: str
) -> None:
    error = explained(EngineRefusal("Docker", verb, said))
    assert type(error) is kind
    with pytest.raises(LocalServerError, match=words):
        raise error
    assert error.hint
    assert "\n" not in error.message


@pytest.mark.parametrize("engine", ["Docker", "podman"])
@pytest.mark.parametrize("said", ["no space left", "toomanyrequests", "unauthorized", "EOF"])
def test_hints_name_the_engines_own_program(engine: str, said: str) -> None:
    hint = explained(EngineRefusal(engine, "pull", said)).hint
    assert f"`{engine.lower()} " in hint
    assert "{" not in hint


def test_an_engine_that_hangs_is_left(docker: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(str(docker.folder.parent), "docker")
    program.write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    monkeypatch.setattr("sidecar_magics.local.containers.client.QUESTION_S", 0.2)
    with pytest.raises(NotHereError, match="did not end `version` within 0 s"):
        lifecycle.up(backend="docker")
    assert list(backends.usable_engines(lambda _: None)) == []


def test_what_was_made_goes_if_it_does_not_start(
    docker: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.refuse("start", "Error response from daemon: oops")
    with pytest.raises(LocalServerError, match="oops"):
        lifecycle.up(backend="docker")
    assert docker.containers() == {}
    assert read_record() is None


# What containers are, and what is shown ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02T00:00:00Z", 86400.0),
        ("1970-01-02T01:00:00.123456789+01:00", 86400.0),
        ("1970-01-02 00:00:00.5 +0000 UTC", 86400.0),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        ("yesterday", None),
    ],
)
def test_moments(text: str, seconds: float | None) -> None:
    assert moment_s(text) == seconds


def test_an_entry_with_nothing_in_it() -> None:
    container = read({"Id": "x"})
    assert (container.port, container.volume, container.is_running) == (0, None, False)
    assert not container.is_open


def test_a_port_for_everybody_is_open() -> None:
    bindings = {"3306/tcp": [{"HostIp": "", "HostPort": "3306"}]}
    assert read({"Id": "x", "HostConfig": {"PortBindings": bindings}}).is_open


def test_logs_show_no_password_and_do_nothing_to_a_screen(docker: FakeEngine) -> None:
    lifecycle.up()
    lines = list(lifecycle.logs(lines=2))
    assert lines == [
        "2026-11-27 [Note] [Entrypoint]: GENERATED ROOT PASSWORD: ********",
        r"[ERROR] [MY-010119] [Server] Aborting\x1b[2J",
    ]
    (asked,) = docker.calls("logs")
    assert "--tail=2" in asked
    assert (
        shown_line("[Note] A temporary password is generated for root@localhost: 7uYk\n")
        == "[Note] A temporary password is generated for root@localhost: ********"
    )


def test_status_as_json(docker: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    sidecar = lifecycle.up()
    assert main(["status", "--json"]) == 0
    text = capsys.readouterr().out
    known = json.loads(text)
    assert sidecar.password not in text
    assert (known["backend"], known["running"], known["port"]) == ("docker", True, sidecar.port)
    assert known["size_bytes"] == 1_024_000
    assert known["since"].startswith("2026-11-27T19:00:0")
    assert known["image"] == IMAGE
    lifecycle.down()
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["running"] is False


def test_no_data_are_removed_where_there_are_none(
    docker: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down", "--delete-data", "--yes"]) == 0
    assert capsys.readouterr().out == "There are no data of `sidecar-magics up` here.\n"
    assert not docker.calls("rm")


@pytest.mark.parametrize(
    ("answer", "gone"), [("yes", True), ("no", False), ("", False), (EOFError, False)]
)
def test_data_are_removed_after_a_question(
    docker: FakeEngine, answer: Any, gone: bool, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    lifecycle.up()
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", _answering(answer, asked))
    assert main(["down", "--delete-data"]) == (0 if gone else 1)
    assert found.own_name() in asked[0]
    assert (docker.containers() == {}) is gone
    assert ("Removed" in capsys.readouterr().out) is gone


def test_without_a_terminal_data_are_removed_only_with_yes(
    docker: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lifecycle.up()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    assert main(["down", "--delete-data"]) == 1
    assert "add --yes" in capsys.readouterr().err
    assert docker.containers()
    assert main(["down", "--delete-data", "--yes"]) == 0
    assert docker.containers() == {}
    assert main(["down", "--yes"]) == 1


# The doctor -------------------------------------------------------------------------------------


def test_the_doctor_says_which_engine_is_not_for_this_account(docker: FakeEngine) -> None:
    nowhere = ConnectionSettings(port=quiet_port())
    diagnosis = examine(nowhere)
    assert diagnosis["engine"].message == "Docker works here: `sidecar-magics up` can use it."
    docker.refuse("version", PERMISSION)
    diagnosis = examine(nowhere)
    assert (diagnosis["engine"].verdict, diagnosis["address"].verdict) == (
        Verdict.WARNING,
        Verdict.FAILURE,
    )
    assert "usermod" in diagnosis["engine"].hint


@pytest.mark.thorough
def test_the_doctor_knows_of_a_container_that_is_stopped(docker: FakeEngine) -> None:
    sidecar = lifecycle.up()
    settings = ConnectionSettings(port=sidecar.port)
    elsewhere = examine(ConnectionSettings(port=quiet_port()))
    assert f"runs at {sidecar.address}" in elsewhere["sidecar"].message
    lifecycle.down()
    check = examine(settings)["sidecar"]
    assert "is not running; its data remain: the volume" in check.message
    assert "sidecar-magics up" in check.hint
    assert "engine" not in [each.subject for each in examine(settings)]


@pytest.mark.parametrize(
    ("more", "words"),
    [({}, "its data: the volume"), ({"oom": True}, "want of memory"), ({"restarts": 3}, "3 times")],
)
@pytest.mark.thorough
def test_the_doctor_tells_how_the_container_is(
    docker: FakeEngine, more: dict[str, Any], words: str
) -> None:
    sidecar = lifecycle.up()
    docker.alter(found.own_name(), **more)
    settings = ConnectionSettings(port=sidecar.port)
    (check,) = own.checks(settings, Runtime.DOCKER, is_reached=True)
    assert words in check.message
    assert (check.verdict is Verdict.OK) == (not more)


def test_a_hub_and_another_machine_are_not_asked_for_engines(docker: FakeEngine) -> None:
    assert not list(own.checks(ConnectionSettings(), Runtime.HUB, is_reached=False))
    elsewhere = ConnectionSettings(host="db.lab", password=Secret("x"))
    assert not list(own.checks(elsewhere, Runtime.NATIVE, is_reached=False))
    assert docker.calls() == []


def _answering(answer: Any, asked: list[str]) -> Callable[[str], str]:
    def ask(question: str) -> str:
        asked.append(question)
        if isinstance(answer, type):
            raise answer
        return str(answer)

    return ask
