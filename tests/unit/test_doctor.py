"""What a doctor makes of facts; that the facts are true is asked of real servers elsewhere."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len

from sidecar_magics.cli import main
from sidecar_magics.doctor import condition, examine, here, packages, reaching
from sidecar_magics.doctor.diagnosis import MARKS, Diagnosis, Verdict, failure, ok, warning
from sidecar_magics.doctor.facts import ServerFacts
from sidecar_magics.doctor.terminal import for_terminal
from sidecar_magics.errors import SettingsError
from sidecar_magics.hints import Runtime
from sidecar_magics.load.journal.loads import LoadCall, Unfinished
from sidecar_magics.settings import ConnectionSettings, Secret, resolve
from sidecar_magics.sidecar import Sidecar
from tests.background import LIMIT_S, running
from tests.ports import quiet_port

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from sidecar_magics.doctor.diagnosis import Check

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what DataJoint imports

PROJECT = Path(__file__).parents[2]
HERE = ConnectionSettings(password=Secret("tutorial"))
ELSEWHERE = replace(HERE, host="db.lab")
GB = 1000**3
SIDECAR = Sidecar(
    settings=HERE,
    version="9.7.4",
    flavour="mysql",
    uuid="1b2c",
    charset="utf8mb4",
    tls_cipher="TLS_AES_128_GCM_SHA256",
    weak_tls=False,
    uptime_s=4000,
)


def facts(settings: ConnectionSettings = HERE, **variables: str) -> ServerFacts:
    return ServerFacts(settings, SIDECAR, variables)


def described(**changes: Any) -> ServerFacts:
    return ServerFacts(HERE, replace(SIDECAR, **changes))


# What is said --------------------------------------------------------------------------------


def test_a_diagnosis_is_a_list_with_the_next_steps() -> None:
    checks = (ok("login", "fine."), warning("packet", "<small>", "more"), failure("x", "no\n", "y"))
    diagnosis = Diagnosis("root@127.0.0.1:3306", checks)
    assert repr(diagnosis).splitlines() == [
        "<Diagnosis of root@127.0.0.1:3306: 1 failure, 1 warning>",
        "  ok       login   fine.",
        "  warning  packet  <small>",
        "                   Hint: more",
        "  failure  x       no\\n",
        "                   Hint: y",
    ]
    assert not diagnosis.ok
    html = diagnosis._repr_html_()
    assert "✘ root@127.0.0.1:3306: 1 failure, 1 warning" in html
    assert "&lt;small&gt;" in html
    assert "<small>" not in html
    assert diagnosis.to_dict()["checks"][1]["verdict"] == "warning"
    assert diagnosis["packet"].hint == "more"


def test_warnings_alone_are_no_failure() -> None:
    assert Diagnosis("a", (warning("packet", "small.", "more"),)).ok
    assert Diagnosis("a", (ok("packet", "."),)).summary() == "all 1 checks passed"


# The way there -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"MYSQL_TCP_PORT": "3306", "DJ_PORT": "3307"}, "MYSQL_TCP_PORT is 3306 but DJ_PORT is 33"),
        ({"MYSQL_HOST": "localhost", "DJ_HOST": "127.0.0.1"}, ""),
        ({"MYSQL_HOST": "a", "DJ_HOST": ""}, ""),
        ({"MYSQL_HOST": "127.0.0.1", "MYSQL_TCP_PORT": "3307", "DJ_HOST": "localhost:3307"}, ""),
        (
            {"SIDECAR_MYSQL_PORT": "3306", "DJ_HOST": "localhost:3307"},
            "SIDECAR_MYSQL_PORT is 3306 but DJ_HOST is 3307",
        ),
        ({"MYSQL_PWD": "s3cret", "DJ_PASS": "s3cret"}, ""),
        (
            {"MYSQL_PWD": "s3cret", "DJ_PASS": "tut0rial"},
            "MYSQL_PWD and DJ_PASS are different passwords",
        ),
    ],
)
def test_an_environment_that_disagrees_with_itself_is_told(
    environ: dict[str, str], words: str
) -> None:
    check = reaching.settings_found(HERE, environ)
    assert (check.verdict is Verdict.WARNING) == bool(words)
    assert words in check.message
    assert "s3cret" not in str(check)
    assert "tut0rial" not in str(check)


OWN = [("10.0.0.7", 3306), ("fd00::2", 33060)]


@pytest.mark.parametrize(
    ("settings", "open_at", "place", "verdict", "words"),
    [
        (HERE, [], Runtime.HUB, Verdict.OK, "refuse the server's ports."),
        (HERE, [], Runtime.NATIVE, Verdict.OK, "its own accounts can all log in"),
        (replace(HERE, password=Secret("own")), [], Runtime.NATIVE, Verdict.OK, "server's ports."),
        (
            HERE,
            OWN,
            Runtime.HUB,
            Verdict.FAILURE,
            "10.0.0.7:3306, [fd00::2]:33060 answer: other pods",
        ),
        (HERE, OWN, Runtime.NATIVE, Verdict.WARNING, "other machines"),
        (replace(HERE, password=Secret("own")), OWN, Runtime.HUB, Verdict.WARNING, "can connect"),
        (replace(HERE, password=Secret("")), OWN, Runtime.HUB, Verdict.FAILURE, "public"),
        (ELSEWHERE, [], Runtime.NATIVE, Verdict.WARNING, "db.lab is open to others"),
        (ELSEWHERE, [], Runtime.HUB, Verdict.FAILURE, "db.lab is open to others"),
        (replace(ELSEWHERE, password=Secret("own")), [], Runtime.HUB, Verdict.OK, "of its own"),
    ],
)
def test_who_can_reach_it(
    settings: ConnectionSettings,
    open_at: list[tuple[str, int]],
    place: Runtime,
    verdict: Verdict,
    words: str,
) -> None:
    check = reaching.exposure(settings, open_at, place)
    assert check.verdict is verdict
    assert words in check.message
    assert bool(check.hint) == (verdict is not Verdict.OK)


def test_own_addresses_are_tried_and_loopback_is_none() -> None:
    assert not [each for each in here.own_addresses() if each.startswith(("127.", "::1"))]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert here.open_ports(["127.0.0.1"], [port]) == (("127.0.0.1", port),)
    assert here.open_ports(["127.0.0.1"], [port]) == ()


def test_a_connection_to_another_host_is_encrypted_or_told() -> None:
    plain = replace(SIDECAR, tls_cipher=None)
    assert reaching.encryption(HERE, plain).verdict is Verdict.OK
    assert reaching.encryption(ELSEWHERE, SIDECAR).verdict is Verdict.OK
    assert reaching.encryption(ELSEWHERE, plain).verdict is Verdict.WARNING
    assert "refuse" in reaching.encryption(HERE, replace(SIDECAR, weak_tls=True)).message


def test_a_slow_login_is_told() -> None:
    assert reaching.logged_in(HERE, 0.01).verdict is Verdict.OK
    assert reaching.logged_in(HERE, 5.0).verdict is Verdict.WARNING


# The server's condition ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "verdict", "words"),
    [
        (condition.kind(described()), Verdict.OK, "MySQL 9.7.4, identity 1b2c."),
        (condition.kind(described(version="5.7.44")), Verdict.WARNING, "MySQL 5.7.44 is older"),
        (
            condition.kind(described(version="10.11.6-MariaDB", flavour="mariadb", uuid=None)),
            Verdict.OK,
            "MariaDB 10.11.6-MariaDB.",
        ),
        (condition.writable(facts()), Verdict.OK, ""),
        (condition.writable(facts(read_only="ON")), Verdict.FAILURE, "read_only is on"),
        (condition.writable(facts(innodb_force_recovery="1")), Verdict.FAILURE, "damaged"),
        (condition.packet(facts(max_allowed_packet="67108864")), Verdict.OK, "67.1 MB"),
        (condition.packet(facts(max_allowed_packet="16777216")), Verdict.WARNING, "16.8 MB"),
        (condition.charset(described(charset="latin1")), Verdict.WARNING, "latin1"),
        (
            condition.connections(replace(facts(max_connections="60"), connections=9)),
            Verdict.OK,
            "",
        ),
        (
            condition.connections(replace(facts(max_connections="60"), connections=58)),
            Verdict.WARNING,
            "58 of 60",
        ),
        (condition.clock(facts(time_zone="SYSTEM", system_time_zone="UTC")), Verdict.OK, "is UTC"),
        (condition.clock(replace(facts(), ahead_s=-90.0)), Verdict.WARNING, "1 min 30 s behind"),
        (condition.disk(facts(), free_bytes=50 * GB), Verdict.OK, "50 GB are free"),
        (condition.disk(facts(), free_bytes=GB // 2), Verdict.WARNING, "500 MB are free"),
        (condition.disk(facts(), free_bytes=1000), Verdict.FAILURE, "will fail"),
        (
            condition.disk(replace(facts(), table_bytes=2 * GB), free_bytes=None),
            Verdict.OK,
            "tables take 2 GB; the free space of its disk cannot be seen",
        ),
    ],
)
def test_the_condition_of_a_server(check: Check, verdict: Verdict, words: str) -> None:
    assert check.verdict is verdict
    assert words in check.message
    assert bool(check.hint) == (verdict is not Verdict.OK)


@pytest.mark.parametrize(
    ("settings", "age_s", "place", "verdict"),
    [
        (HERE, 4100.0, Runtime.HUB, Verdict.OK),  # they started together
        (HERE, 9000.0, Runtime.HUB, Verdict.WARNING),
        (HERE, None, Runtime.HUB, Verdict.OK),
        (HERE, 9000.0, Runtime.NATIVE, Verdict.OK),
        (ELSEWHERE, 9000.0, Runtime.HUB, Verdict.OK),
    ],
)
def test_a_server_that_was_started_anew_beside_its_notebook(
    settings: ConnectionSettings, age_s: float | None, place: Runtime, verdict: Verdict
) -> None:
    assert condition.uptime(facts(settings), age_s=age_s, place=place).verdict is verdict


@pytest.mark.parametrize(
    ("pool", "memory_bytes", "is_here", "place", "verdict"),
    [
        (GB, 8 * GB, True, Runtime.NATIVE, Verdict.OK),
        (5 * GB, 8 * GB, True, Runtime.NATIVE, Verdict.WARNING),
        (5 * GB, 8 * GB, False, Runtime.DOCKER, Verdict.WARNING),
        (1024**3, 64 * GB, False, Runtime.HUB, Verdict.OK),
        (4 * 1024**3, 64 * GB, False, Runtime.HUB, Verdict.WARNING),
        (4 * 1024**3, 64 * GB, True, Runtime.HUB, Verdict.OK),
    ],
)
def test_a_pool_that_is_larger_than_its_memory(
    pool: int, memory_bytes: int, is_here: bool, place: Runtime, verdict: Verdict
) -> None:
    server = facts(innodb_buffer_pool_size=str(pool))
    check = condition.memory(server, memory_bytes=memory_bytes, is_here=is_here, place=place)
    assert check.verdict is verdict


def test_a_containers_limit_is_read_as_the_kernel_shows_it(tmp_path: Path) -> None:
    assert here.memory_bytes(tmp_path) == here.machine_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    assert here.memory_bytes(tmp_path) == here.machine_bytes()
    (tmp_path / "memory.max").write_text("104857600\n")
    assert here.memory_bytes(tmp_path) == 104857600
    (tmp_path / "memory.max").unlink()
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("52428800\n")
    assert here.memory_bytes(tmp_path) == 52428800


def test_a_load_that_was_killed_is_not_one_that_runs() -> None:
    running = Unfinished("a.sql", "2026-01-01 10:00:00", True, 1)
    broken = Unfinished("my dump.sql", "2026-01-01 09:00:00", False, 1234)
    assert condition.journal(facts()).message == "no load is unfinished."
    check = condition.journal(replace(facts(), unfinished=(running,)))
    assert check.verdict is Verdict.OK
    assert check.message == "under way: a.sql (began 2026-01-01 10:00:00, 1 piece done)."
    check = condition.journal(replace(facts(), unfinished=(running, broken)))
    assert check.verdict is Verdict.WARNING
    broken_said, _, running_said = check.message.partition(" Under way: ")
    assert broken_said == (
        "not loaded completely: my dump.sql (began 2026-01-01 09:00:00, 1,234 pieces done)."
    )
    assert running_said.startswith("a.sql ")
    assert check.hint.startswith("run %mysql_load 'my dump.sql' --resume, ")


def test_a_load_that_stopped_is_named_as_it_can_be_loaded_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--into", "my lab", "--init", "...")
    began = "2026-01-01 09:00:00"

    def hint(where: str, name: str = "x.sql") -> str:
        broken = Unfinished(name, began, False, 2, LoadCall(where, options if where else ()))
        check = condition.journal(replace(facts(), unfinished=(broken,)))
        assert check.verdict is Verdict.WARNING
        return check.hint

    assert hint(f"{tmp_path}/data/x.sql").startswith(
        "run %mysql_load data/x.sql --into 'my lab' --init ... --resume to finish"
    )
    assert hint("/elsewhere/data", "a.sql\nb.sql").startswith("run %mysql_load /elsewhere/data --i")
    assert hint("", "a.sql\nb.sql").startswith("run %mysql_load 'a.sql, b.sql' --resume, with its")
    assert hint("", "cell").startswith("run its cell again")


def test_a_load_of_which_nothing_is_done_cannot_be_resumed() -> None:
    began = "2026-01-01 09:00:00"
    check = condition.journal(
        replace(
            facts(), unfinished=(Unfinished("cell", began, False), Unfinished("a", began, True))
        )
    )
    assert check.verdict is Verdict.OK
    assert check.message.startswith("under way: a (")


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"options": 1}', '{"where": null}', "\0"])
def test_what_the_journal_says_of_a_call_may_be_anything(text: str) -> None:
    assert isinstance(LoadCall.from_json(text).where, str)
    assert LoadCall.from_json(LoadCall("x" * 9000).to_json()) == LoadCall()


# In a terminal -------------------------------------------------------------------------------


def test_a_terminal_has_colours_and_lines_that_end_between_words() -> None:
    words = "alpha beta gamma delta " * 12
    checks = (
        failure("login", f"[red]{words}\x1b[2J", "try this."),
        ok("disk", "研究室" * 30),
    )
    text = for_terminal(Diagnosis("root@[::1]:3306", checks), columns=60)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert text != plain
    assert "\x1b" not in plain  # of what a server said, nothing reaches the screen as a command
    assert "[red]alpha" in plain
    assert all(cell_len(line) <= 60 for line in plain.splitlines())
    said = {word for line in plain.splitlines() for word in line.split() if word.isascii()}
    assert {"alpha", "beta", "gamma", "delta"} <= said
    assert not {word for word in said if word != "delta" and "delta".startswith(word)}
    assert "Hint: try this." in plain


@pytest.mark.slow
@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_command_has_colours_in_a_terminal_only(is_terminal: bool) -> None:
    command = [sys.executable, "-m", "sidecar_magics.cli", "doctor", "--port", str(quiet_port())]
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    for name in ("NO_COLOR", "COLUMNS", "FORCE_COLOR"):
        environment.pop(name, None)
    stdout: int = slave if is_terminal else subprocess.PIPE
    with running(command, stdout=stdout, stderr=slave, env=environment) as process:
        os.close(slave)
        if process.stdout is not None:
            written = process.stdout.read()
        else:
            written = b""
            while select.select([master], [], [], LIMIT_S)[0]:
                try:
                    written += os.read(master, 65536)
                except OSError:  # EIO: the other side is closed
                    break
        assert process.wait(LIMIT_S) == 1
    os.close(master)
    text = written.decode()
    assert (f"\x1b[1;31m{MARKS[Verdict.FAILURE]} failure" in text) is is_terminal
    assert text.startswith("<Diagnosis of") is not is_terminal
    if is_terminal:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert all(cell_len(line) <= 60 for line in plain.splitlines())


def test_who_wants_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = for_terminal(Diagnosis("x", (failure("login", "no", "try."),)), columns=60)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", text)


# Packages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (
            {"PyMySQL": "1.1.0", "DataJoint": "0.14.1"},
            Verdict.OK,
            "PyMySQL 1.1.0, DataJoint 0.14.1",
        ),
        ({"PyMySQL": "1.0.2"}, Verdict.FAILURE, "PyMySQL 1.0.2 is older than 1.1"),
        ({"IPython": "8.9.0"}, Verdict.FAILURE, "IPython 8.9.0 is older than 8.18"),
        ({"DataJoint": "0.13.8"}, Verdict.FAILURE, "older than 0.14.1"),
        ({"DataJoint": "2.3.5", "Spyglass": "0.6.0"}, Verdict.FAILURE, "needs DataJoint 0.14"),
        ({"DataJoint": "0.14.10", "Spyglass": "0.6.0"}, Verdict.OK, "Spyglass 0.6.0"),
        ({"DataJoint": "3.0.0rc1"}, Verdict.WARNING, "newer than 2.3.5"),
    ],
)
def test_versions_are_compared_with_what_was_tried(
    found: dict[str, str], verdict: Verdict, words: str
) -> None:
    check = packages.versions(found)
    assert check.verdict is verdict
    assert words in check.message


def test_versions_are_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert packages.versions(packages.installed()).verdict is Verdict.OK
    metadata = tmp_path / "datajoint-0.13.8.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: datajoint\nVersion: 0.13.8\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert packages.installed()["DataJoint"] == "0.13.8"


def test_the_versions_are_those_of_the_project() -> None:
    project = (PROJECT / "pyproject.toml").read_text()
    for name, least in packages.OLDEST.items():
        distribution = packages.DISTRIBUTIONS[name]
        assert re.search(rf'"{distribution}(\[\w+\])?>={re.escape(least)}"', project), name
    page = (PROJECT / "docs" / "datajoint.md").read_text()
    tried = re.findall(r"^\| (\d[\d.]+) \| \d", page, re.MULTILINE)
    assert max(tried, key=packages.release) == packages.NEWEST_DATAJOINT


# Without a server ----------------------------------------------------------------------------


def test_settings_that_are_wrong_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECAR_MYSQL_PORT", "many")
    diagnosis = examine(resolve)
    assert not diagnosis.ok
    assert diagnosis["settings"].verdict is Verdict.FAILURE
    assert "SIDECAR_MYSQL_PORT" in diagnosis["settings"].message
    assert "an unknown server" in repr(diagnosis)
    assert "versions" in repr(diagnosis)


def test_only_what_was_asked_is_taken_for_a_finding() -> None:
    def broken() -> ConnectionSettings:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        examine(broken)
    with pytest.raises(SettingsError):
        resolve({"port": "many"})


def test_where_nothing_listens_the_address_fails_and_nothing_else_is_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    assert main(["doctor", "--port", "1", "--password-env", "SECRET"]) == 1
    shown = capsys.readouterr().out
    assert "failure  address" in shown
    assert "connection refused" in shown
    assert "login" not in shown
    assert "s3cret" not in shown


def test_the_magic_returns_what_the_command_prints(shell: InteractiveShell) -> None:
    diagnosis = shell.run_line_magic("mysql_doctor", "--port 1")
    assert diagnosis["address"].verdict is Verdict.FAILURE
    assert diagnosis["address"].hint
