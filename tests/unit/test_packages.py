"""Getting programs from the distribution's packages: what needs no network."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from sidecar_magics.cli import main
from sidecar_magics.errors import LocalServerError
from sidecar_magics.local import find, packages
from sidecar_magics.local.archive import (
    Archive,
    PackageSource,
    machine_archive,
    parse_deb822,
    parse_one_line,
)
from sidecar_magics.local.engine import Engine
from sidecar_magics.local.find import find_engine, installed_engines
from sidecar_magics.local.packages import fetch
from sidecar_magics.local.program import Program, loader, unpacked_program
from tests.background import LIMIT_S, until

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'
UBUNTU = "ID=ubuntu\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n"
MINT = 'ID=linuxmint\nVERSION_CODENAME=wilma\nID_LIKE="ubuntu debian"\nUBUNTU_CODENAME=noble\n'
FEDORA = 'PRETTY_NAME="Fedora Linux 42"\nID=fedora\n'

DEBIAN_SOURCES = """\
# the distribution
Types: deb deb-src
# a comment between two fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
THIRD_PARTY_SOURCES = """\
Types: deb
URIs: https://third.example/stable/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/third-archive-keyring.gpg
"""


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "apt" / "sources.list.d").mkdir(parents=True)
    (tmp_path / "keyrings").mkdir()
    (tmp_path / "os-release").write_text(DEBIAN)
    return tmp_path


def archive(etc: Path) -> Archive:
    return machine_archive(etc, etc / "keyrings")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "deb http://a.example/debian bookworm main contrib",
            PackageSource("http://a.example/debian", ("bookworm",), ("main", "contrib"), ""),
        ),
        (
            "deb [arch=amd64 signed-by=/k.gpg] http://a.example/ubuntu noble main # ours",
            PackageSource("http://a.example/ubuntu", ("noble",), ("main",), "/k.gpg"),
        ),
        (
            "  deb\t[ signed-by=/k.gpg ]  http://a.example/debian/   sid   main",
            PackageSource("http://a.example/debian/", ("sid",), ("main",), "/k.gpg"),
        ),
        ("deb http://a.example/ ./", PackageSource("http://a.example/", ("./",), (), "")),
        ("deb-src http://a.example/debian bookworm main", None),
        ("# deb http://a.example/debian bookworm main", None),
        ("deb http://a.example/debian", None),
        ("", None),
    ],
)
def test_one_line_sources(line: str, expected: PackageSource | None) -> None:
    assert list(parse_one_line(line)) == ([] if expected is None else [expected])


def test_deb822_sources() -> None:
    first, second = parse_deb822(DEBIAN_SOURCES)
    assert first.suites == ("bookworm", "bookworm-updates")
    assert first.components == ("main", "contrib")
    assert second.uri == "http://mirror.example/debian-security"


@pytest.mark.parametrize("disabled", ["Enabled: no", "enabled: False", "Types: deb-src"])
def test_deb822_stanza_that_is_off(disabled: str) -> None:
    text = f"Types: deb\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n{disabled}\n"
    assert list(parse_deb822(text)) == []


def test_deb822_key_written_out() -> None:
    text = (
        DEBIAN_SOURCES.split("Signed-By", maxsplit=1)[0]
        + "Signed-By:\n -----BEGIN-----\n .\n mDME\n"
    )
    (source,) = parse_deb822(text)
    assert source.signed_by == "\n -----BEGIN-----\n .\n mDME"
    stanza = Archive("debian", source.uri, "bookworm", source.signed_by).stanza("unstable")
    assert next(parse_deb822(stanza))[1:] == (("unstable",), ("main",), source.signed_by)


@pytest.mark.parametrize("third", ["a-third", "z-third"])
def test_main_archive_among_others(etc: Path, third: str) -> None:
    folder = etc / "apt" / "sources.list.d"
    (folder / "debian.sources").write_text(DEBIAN_SOURCES)
    (folder / f"{third}.sources").write_text(THIRD_PARTY_SOURCES)
    (folder / "off.sources.disabled").write_text(THIRD_PARTY_SOURCES)
    (folder / "cloud.list").write_text("deb https://cloud.example/apt cloud-sdk-bookworm main\n")
    (folder / "docker.list").write_text("deb https://d.example/linux/debian bookworm stable\n")
    found = archive(etc)
    assert found.uri == "http://mirror.example/debian"
    assert (found.distribution, found.suite) == ("debian", "bookworm")


def test_main_archive_in_the_old_file_with_a_third_party_before_it(etc: Path) -> None:
    (etc / "apt" / "sources.list").write_text(
        "deb cdrom:[Debian 12]/ bookworm main\n"
        "deb https://third.example/apt bookworm main\n"
        "deb http://mirror.example/debian-security bookworm-security main\n"
        "deb http://mirror.example/debian bookworm main\n"
        "deb http://mirror.example/debian bookworm-updates main\n"
    )
    assert archive(etc).uri == "http://mirror.example/debian"


@pytest.mark.parametrize("release", [UBUNTU, MINT])
def test_ubuntu_and_what_is_made_of_it(etc: Path, release: str) -> None:
    (etc / "os-release").write_text(release)
    (etc / "apt" / "sources.list").write_text("deb http://u.example/ubuntu noble main universe\n")
    found = archive(etc)
    assert (found.distribution, found.suite) == ("ubuntu", "noble")
    assert "Components: main universe\n" in found.stanza()


def test_suite_by_its_role(etc: Path) -> None:
    (etc / "apt" / "sources.list").write_text("deb http://mirror.example/debian stable main\n")
    assert archive(etc).suite == "stable"


def test_whole_keyring_joins_the_machines_own(etc: Path) -> None:
    """The machine's may be the one of its suite, and `unstable` is signed with another key."""
    (etc / "apt" / "sources.list").write_text(
        "deb [signed-by=/k/stable.gpg] http://mirror.example/debian bookworm main\n"
    )
    assert archive(etc).signed_by == "/k/stable.gpg"
    whole = etc / "keyrings" / "debian-archive-keyring.gpg"
    whole.touch()
    assert archive(etc).signed_by == f"/k/stable.gpg,{whole}"


@pytest.mark.parametrize(
    ("release", "sources", "message"),
    [
        (FEDORA, "", "Fedora Linux 42 is neither Debian nor Ubuntu"),
        ("", "", "This system is neither Debian nor Ubuntu"),
        (DEBIAN, "", "no entry for debian's own archive"),
        (DEBIAN, "deb http://a.example/debian bookworm-security main", "no entry for debian's"),
    ],
)
def test_no_archive(etc: Path, release: str, sources: str, message: str) -> None:
    (etc / "os-release").write_text(release)
    (etc / "apt" / "sources.list").write_text(sources)
    with pytest.raises(LocalServerError, match=message):
        archive(etc)


def test_no_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalServerError, match="has no apt-get"):
        fetch(["hello"], tmp_path / "root")
    assert list(tmp_path.iterdir()) == []


class FakeApt:
    """Answers of apt and dpkg, by the program's name and verb."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        self.script("dpkg", "echo amd64")
        self.script("apt-get", "echo 'E: no such thing' >&2; exit 100")
        self.script("apt-cache", "echo hello")
        self.script("dpkg-deb", 'mkdir -p "$3/usr/bin"; echo hi > "$3/usr/bin/hello"')

    def script(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + textwrap.dedent(text) + "\n")
        path.chmod(0o755)


# apt-get -c FILE VERB ...: the private cache is beside the file.
WORKING_APT = """
    case "$*" in
        *--print-uris*) echo "'http://a.example/h.deb' h.deb 1000000 SHA256:0";;
        *--download-only*) touch "$(dirname "$2")/cache/archives/h.deb";;
    esac
"""
ARCHIVE = Archive("debian", "http://a.example/debian", "bookworm", "/k.gpg")


@pytest.fixture
def fake_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeApt:
    return FakeApt(tmp_path / "programs", monkeypatch)


def test_fetch_and_fetch_again(fake_apt: FakeApt, tmp_path: Path) -> None:
    fake_apt.script("apt-get", WORKING_APT)
    lines: list[str] = []
    root = tmp_path / "cache" / "root"
    left_over = tmp_path / "cache" / ".root.partial-killed"
    left_over.mkdir(parents=True)
    for _ in range(2):
        assert fetch(["hello"], root, archive=ARCHIVE, progress=lines.append) == root
    assert lines == [
        "Reading the package index of Debian bookworm.",
        "Downloading hello from Debian bookworm: 1 MB.",
        "Unpacking 1 packages.",
    ]
    assert unpacked_program(root, "hi", "hello").path == root / "usr" / "bin" / "hello"
    assert sorted(path.name for path in root.parent.iterdir()) == [".root.lock", "root"]


def test_fetch_takes_the_alternative_that_exists(fake_apt: FakeApt, tmp_path: Path) -> None:
    fake_apt.script("apt-get", WORKING_APT)
    lines: list[str] = []
    fetch(["greet | hello"], tmp_path / "root", archive=ARCHIVE, progress=lines.append)
    assert "Downloading hello from" in lines[1]


def test_fetch_something_else_replaces(fake_apt: FakeApt, tmp_path: Path) -> None:
    fake_apt.script("apt-get", WORKING_APT)
    root = fetch(["hello"], tmp_path / "root", archive=ARCHIVE)
    (root / "old").touch()
    fetch(["hello"], root, suite="unstable", archive=ARCHIVE)
    assert not (root / "old").exists()


def test_stale_mirror_is_said_and_used(fake_apt: FakeApt, tmp_path: Path) -> None:
    fake_apt.script(
        "apt-get",
        """
        case "$*" in
            *Check-Valid-Until=false*) exit 0;;
            *update*) echo "E: Release file for http://a.example is expired (1d)." >&2; exit 100;;
        esac
        """
        + WORKING_APT,
    )
    lines: list[str] = []
    fetch(["hello"], tmp_path / "root", archive=ARCHIVE, progress=lines.append)
    assert lines[1] == "The mirror's index is past its date; its signature is checked all the same."


def test_the_signature_is_never_waived() -> None:
    source = Path(packages.__file__).read_text() + ARCHIVE.stanza()
    for word in ("allow-unauthenticated", "trusted=yes", "Trusted: yes", "allow-insecure"):
        assert word.lower() not in source.lower()


PERMISSIVE = """\
Acquire::AllowInsecureRepositories "true";
Acquire::AllowWeakRepositories "true";
Acquire::AllowDowngradeToInsecureRepositories "true";
APT::Get::AllowUnauthenticated "true";
APT::Hashes::MD5::Untrusted "false";
APT::Hashes::MD5::Weak "false";
Binary::apt-get::Acquire::AllowInsecureRepositories "true";
Binary::apt-get::APT::Get::AllowUnauthenticated "true";
"""


@pytest.fixture
def unsigned(tmp_path: Path) -> Archive:
    """A real archive with one package, on this disk, that nobody has signed."""
    archive, package = tmp_path / "archive", tmp_path / "hello"
    index = archive / "dists" / "bookworm" / "main" / "binary-all"
    index.mkdir(parents=True)
    (package / "DEBIAN").mkdir(parents=True)
    control = "Package: hello\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n"
    (package / "DEBIAN" / "control").write_text(control)
    deb = archive / "hello.deb"
    command = ["dpkg-deb", "--build", str(package), str(deb)]
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    listed = f"{control}Filename: hello.deb\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"
    (index / "Packages").write_text(listed)
    entry = f" {hashlib.sha256(listed.encode()).hexdigest()} {len(listed)} "
    (index.parents[1] / "Release").write_text(
        "Suite: bookworm\nCodename: bookworm\nComponents: main\nArchitectures: all\n"
        "Date: Thu, 01 Jan 2026 00:00:00 UTC\n"
        f"SHA256:\n{entry}main/binary-all/Packages\n"
    )
    return Archive("debian", f"file:{archive}", "bookworm", "")


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="this machine has no apt-get")
@pytest.mark.parametrize("configuration", ["", PERMISSIVE], ids=["usual", "permissive"])
def test_an_unsigned_archive_is_refused_whatever_the_machine_allows(
    unsigned: Archive, configuration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = tmp_path / "machine.conf"
    machine.write_text(configuration)
    monkeypatch.setenv("APT_CONFIG", str(machine))
    with pytest.raises(LocalServerError, match="package index of Debian bookworm") as caught:
        fetch(["hello"], tmp_path / "root", archive=unsigned)
    assert any("is not signed" in line for line in caught.value.details)
    assert not (tmp_path / "root").exists()


@pytest.mark.skipif(shutil.which("apt-config") is None, reason="this machine has no apt-config")
def test_our_configuration_has_the_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, ours = tmp_path / "machine.conf", tmp_path / "ours.conf"
    machine.write_text(PERMISSIVE)
    ours.write_text(packages.APT_CONFIGURATION.format(folder=tmp_path, architecture="amd64"))
    monkeypatch.setenv("APT_CONFIG", str(machine))
    command = ["apt-config", "-c", str(ours), "dump"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT_S)
    dump = answer.stdout
    for line in PERMISSIVE.splitlines()[:4]:
        assert line.replace("true", "false") in dump
        assert line not in dump.splitlines()
    assert "APT::Hashes::" not in dump


@pytest.mark.parametrize(
    ("apt_get", "apt_cache", "message"),
    [
        ("echo 'E: offline' >&2; exit 100", "", "package index of Debian bookworm could not be"),
        (WORKING_APT, "echo other", "Debian bookworm has no package hello"),
        (
            'case "$*" in *install*) echo "E: unmet" >&2; exit 100;; esac',
            "echo hello",
            "hello cannot be had from Debian bookworm",
        ),
        (
            'case "$*" in *only*) echo "E: No space left" >&2; exit 100;; esac',
            "echo hello",
            "hello could not be downloaded from Debian bookworm",
        ),
    ],
)
def test_failures_leave_nothing(
    fake_apt: FakeApt, tmp_path: Path, apt_get: str, apt_cache: str, message: str
) -> None:
    fake_apt.script("apt-get", apt_get)
    fake_apt.script("apt-cache", apt_cache)
    with pytest.raises(LocalServerError, match=message) as caught:
        fetch(["hello"], tmp_path / "cache" / "root", archive=ARCHIVE)
    assert all(line.startswith("apt: ") for line in caught.value.details)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".root.lock"]


def test_full_disk_while_unpacking(fake_apt: FakeApt, tmp_path: Path) -> None:
    fake_apt.script("apt-get", WORKING_APT)
    fake_apt.script("dpkg-deb", "echo 'tar: usr/x: No space left on device' >&2; exit 2")
    with pytest.raises(LocalServerError, match="dpkg-deb --extract failed") as caught:
        fetch(["hello"], tmp_path / "cache" / "root", archive=ARCHIVE)
    assert caught.value.details == ("tar: usr/x: No space left on device",)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".root.lock"]


def test_program_at_home() -> None:
    assert Program(Path("/usr/sbin/mysqld")).command("--help") == ["/usr/sbin/mysqld", "--help"]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("lib", ["lib", "usr/lib"])
def test_unpacked_program_uses_its_own_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, lib: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    own = tmp_path / lib / f"{machine}-linux-gnu" / f"ld-linux-{machine}.so.2"
    own.parent.mkdir(parents=True)
    own.touch()
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/mysqld").touch()
    command = unpacked_program(tmp_path, "mysqld").command("--version")
    assert command[0] == str(own)
    assert str(own.parent) in command[command.index("--library-path") + 1].split(":")
    assert command[-2:] == [str(tmp_path / "usr/sbin/mysqld"), "--version"]


def test_loader_of_this_machine_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    outside = tmp_path_factory.mktemp("machine") / "ld-linux-x86-64.so.2"
    outside.touch()
    folder = tmp_path / "lib" / "x86_64-linux-gnu"
    folder.mkdir(parents=True)
    (folder / "ld-linux-x86-64.so.2").symlink_to(outside)
    with pytest.raises(LocalServerError, match="no dynamic loader"):
        loader(tmp_path)


class FakeServers:
    """Server programs on PATH that tell a version, and a distribution that may have others."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.packaged: set[str] = set()
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        monkeypatch.setattr(find, "_folders", lambda: [folder])
        monkeypatch.setattr(find, "packaged_engine", self.packaged_engine)

    def install(self, name: str, says: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\necho '{says}'\n")
        path.chmod(0o755)

    def packaged_engine(self, flavour: str, progress: object, download: object) -> Engine:
        del progress, download
        if flavour in self.packaged:
            return Engine(flavour, "9.9.9", Program(Path("/unpacked")))
        raise LocalServerError("This machine has no apt-get.")


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeServers:
    return FakeServers(tmp_path, monkeypatch)


MYSQL_SAYS = "/usr/sbin/mysqld  Ver 8.4.3 for Linux on x86_64 (MySQL Community Server - GPL)"
MARIADB_SAYS = "mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)"


def test_find_installed(servers: FakeServers) -> None:
    servers.install("mysqld", MYSQL_SAYS)
    servers.install("mariadbd", MARIADB_SAYS)
    assert [str(engine) for engine in installed_engines()] == ["MySQL 8.4.3", "MariaDB 10.11.6"]
    assert str(find_engine()) == "MySQL 8.4.3"
    assert str(find_engine("mariadb")) == "MariaDB 10.11.6"


def test_find_knows_mariadb_by_the_name_of_mysqld(servers: FakeServers) -> None:
    servers.install("mariadbd", MARIADB_SAYS)
    (servers.folder / "mysqld").symlink_to("mariadbd")
    assert [engine.flavour for engine in installed_engines()] == ["mariadb"]


def test_find_passes_over_what_cannot_be_run(servers: FakeServers) -> None:
    servers.install("mysqld", "Segmentation fault")
    assert list(installed_engines()) == []


def test_find_mysql_of_the_packages_before_an_installed_mariadb(servers: FakeServers) -> None:
    servers.install("mariadbd", MARIADB_SAYS)
    assert str(find_engine()) == "MariaDB 10.11.6"
    servers.packaged.add("mysql")
    assert str(find_engine()) == "MySQL 9.9.9"


@pytest.mark.usefixtures("servers")
def test_find_nothing_says_what_to_install() -> None:
    with pytest.raises(LocalServerError, match="this machine has no apt-get") as caught:
        find_engine()
    for way in ("brew install mysql", "conda-forge", "Docker", "apt install"):
        assert way in caught.value.hint


def test_needs_nothing_but_the_standard_library() -> None:
    """It also gets pip, before anything is installed."""
    project = Path(packages.__file__).parents[2]
    command = ["python3", "-S", "-I", "-c"]
    script = f"import sys; sys.path.insert(0, {str(project)!r}); import {packages.__name__}"
    subprocess.run([*command, script], check=True, timeout=LIMIT_S)


def test_a_download_is_watched_while_it_grows(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    (tmp_path / "partial").mkdir()
    with packages._watched(tmp_path, 1000, lambda *at: seen.append(at)):
        (tmp_path / "partial" / "a.deb").write_bytes(b"x" * 300)
        until(lambda: (300, 1000) in seen)
        (tmp_path / "partial" / "a.deb").rename(tmp_path / "a.deb")
        (tmp_path / "b.deb").write_bytes(b"x" * 700)
        until(lambda: (999, 1000) in seen)  # whether it is all, apt says
    assert not [thread for thread in threading.enumerate() if "download" in thread.name]


def test_up_shows_its_download(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def up(**keywords: Any) -> None:
        keywords["download"](30_000_000, 60_000_000)
        keywords["download"](60_000_000, 60_000_000)

    monkeypatch.setattr("sidecar_magics.local.lifecycle.up", up)
    monkeypatch.setattr("sidecar_magics.display.PLAIN_INTERVAL_S", 0.0)
    assert main(["up"]) == 0
    first, last = capsys.readouterr().err.splitlines()
    assert " 50% packages: 30 MB of 60 MB · " in first
    assert last == "Downloaded 60 MB."
