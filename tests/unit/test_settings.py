from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sidecar_magics import mysql_dump, mysql_keep, mysql_load, mysql_wait
from sidecar_magics import settings as settings_module
from sidecar_magics.addresses import is_loopback, split_port
from sidecar_magics.errors import SettingsError
from sidecar_magics.local.state import LocalSidecar
from sidecar_magics.settings import ConnectionSettings, Secret, resolve

NO_FILE = Path("/nonexistent/my.cnf")


@pytest.fixture(autouse=True)
def _no_local_sidecar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "read_state", lambda: None)


def resolved(
    options: dict[str, Any] | None = None, option_file: Path = NO_FILE, **environ: str
) -> ConnectionSettings:
    return resolve(options, environ=environ, option_file=option_file)


def test_the_convention_is_what_a_tutorial_expects() -> None:
    settings = resolved()
    assert (settings.host, settings.port, settings.user) == ("127.0.0.1", 3306, "root")
    assert settings.password == "tutorial"
    assert set(settings.sources.values()) == {"the tutorial's convention", "default"}


# Each tier with a value for the port; the earlier one wins.
TIERS: list[tuple[str, dict[str, Any]]] = [
    ("option --port", {"options": {"port": 1}}),
    ("%config SidecarMagics.port", {"config": {"port": 2}}),
    ("%mysql_wait --port earlier in this kernel", {"earlier": {"port": 3}}),
    ("environment SIDECAR_MYSQL_PORT", {"environ": {"SIDECAR_MYSQL_PORT": "4"}}),
    ("environment MYSQL_TCP_PORT", {"environ": {"MYSQL_TCP_PORT": "5"}}),
    ("environment DJ_PORT", {"environ": {"DJ_PORT": "6"}}),
    ("my.cnf:2 [client]", {"option_file": "port=7"}),
    ("the sidecar that `sidecar-magics up` started", {"local": 8}),
]


@pytest.mark.parametrize("first", range(len(TIERS)))
def test_the_first_tier_that_has_a_value_wins(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {"environ": {}, "option_file": NO_FILE}
    for _, tier in TIERS[first:]:
        for name, value in tier.items():
            if name == "environ":
                given["environ"].update(value)
            elif name == "option_file":
                given["option_file"] = tmp_path / "my.cnf"
                given["option_file"].write_text(f"[client]\n{value}\n")
            elif name == "local":
                monkeypatch.setattr(
                    settings_module, "read_state", partial(local_sidecar, port=value)
                )
            else:
                given[name] = value
    settings = resolve(**given)
    assert settings.port == first + 1
    assert settings.sources["port"].endswith(TIERS[first][0])


def test_each_field_is_resolved_by_itself() -> None:
    settings = resolved(
        {"port": 3310}, SIDECAR_MYSQL_USER="ann", MYSQL_PWD="a", DJ_HOST="h", DJ_USER="bob"
    )
    assert (settings.host, settings.port, settings.user) == ("h", 3310, "ann")
    assert settings.sources["password"] == "environment MYSQL_PWD"


def test_an_empty_password_is_a_password_but_an_empty_host_is_not_a_host() -> None:
    settings = resolved(SIDECAR_MYSQL_PASSWORD="", SIDECAR_MYSQL_HOST="", MYSQL_PWD="x")
    assert settings.password == ""
    assert settings.sources["password"] == "environment SIDECAR_MYSQL_PASSWORD"
    assert settings.host == "127.0.0.1"
    assert "(empty)" in settings.table()


@pytest.mark.parametrize("name", ["localhost", "LocalHost"])
def test_localhost_is_an_address_and_never_a_socket(name: str) -> None:
    assert resolved({"host": name}).host == "127.0.0.1"


@pytest.mark.parametrize("host", ["db.lab.example", "10.0.0.5", "127.0.0.1.example", "0.0.0.0"])
def test_the_conventions_password_leaves_this_machine_in_no_case(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolved(SIDECAR_MYSQL_HOST=host)
    text = str(caught.value)
    assert host in text
    for place in ("SIDECAR_MYSQL_PASSWORD", "MYSQL_PWD", "DJ_PASS", str(NO_FILE), "--password-env"):
        assert place in text
    assert resolved(SIDECAR_MYSQL_HOST=host, DJ_PASS="").password == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_addresses_get_the_conventions_password(host: str) -> None:
    assert is_loopback(host)
    assert resolved({"host": host}).password == "tutorial"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SIDECAR_MYSQL_PORT": "33o6"}, ["33o6", "SIDECAR_MYSQL_PORT", "1 to 65535"]),
        ({"MYSQL_TCP_PORT": "0"}, ["'0'", "MYSQL_TCP_PORT"]),
        ({"DJ_PORT": "65536"}, ["65536", "DJ_PORT"]),
        ({"DJ_HOST": "mysql://h"}, ["mysql://h", "DJ_HOST"]),
        ({"DJ_HOST": "a\tb"}, ["DJ_HOST"]),
        ({"DJ_HOST": "a b"}, ["DJ_HOST"]),
        ({"DJ_HOST": "localhost:mysql"}, ["'localhost:mysql'", "DJ_HOST", "not a host"]),
        ({"DJ_HOST": "[::1]:x"}, ["'[::1]:x'", "DJ_HOST", "not a host"]),
        ({"SIDECAR_MYSQL_HOST": "::1::2"}, ["'::1::2'", "not a host"]),
        ({"MYSQL_HOST": "mysql://root:hunter2@db:3306/x"}, ["'…@db:3306/x'", "not a host"]),
        ({"DJ_HOST": "root:hunter2@db:3306"}, ["'…@db:3306'", "account are other settings"]),
        ({"MYSQL_HOST": "127.0.0.1,"}, ["'127.0.0.1,'", "not a host"]),
        ({"MYSQL_HOST": '"db"'}, ["not a host"]),
        ({"DJ_HOST": "localhost or lmf-db.cin.ucsf.edu"}, ["not a host"]),
        ({"SIDECAR_MYSQL_HOST": "root@db"}, ["'…@db'", "not a host"]),
        ({"SIDECAR_MYSQL_TLS": "maybe"}, ["maybe", "SIDECAR_MYSQL_TLS", "auto or required"]),
        ({"SIDECAR_MYSQL_CA": "/no/ca.pem"}, ["/no/ca.pem", "SIDECAR_MYSQL_CA"]),
    ],
)
def test_a_malformed_value_is_named_with_its_source(
    environ: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(environ=environ, option_file=NO_FILE)
    for word in words:
        assert word in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("function", [mysql_wait, mysql_dump, mysql_keep, mysql_load])
def test_settings_that_are_none_are_named(function: Any, tmp_path: Path) -> None:
    (tmp_path / "a.sql").touch()
    given = [] if function in (mysql_wait, mysql_keep) else [tmp_path / "a.sql"]
    with pytest.raises(TypeError, match=r"what resolve\(\) returns, not str: write resolve\("):
        function(*given, "127.0.0.1")


def test_a_malformed_value_that_loses_does_no_harm() -> None:
    assert resolved({"port": 3310}, DJ_PORT="none").port == 3310


def test_the_password_is_taken_from_the_variable_that_the_line_names() -> None:
    settings = resolved({"password_env": "LAB"}, LAB="s3cret", SIDECAR_MYSQL_PASSWORD="other")
    assert settings.password == "s3cret"
    assert settings.sources["password"] == "option --password-env LAB"
    with pytest.raises(SettingsError, match=r"LAB.*is not set"):
        resolved({"password_env": "LAB"})


def test_the_password_shows_nowhere() -> None:
    settings = resolved(SIDECAR_MYSQL_PASSWORD="s3cret")
    shown = (
        f"{settings} {settings!r} {settings.password} {settings.password!r} "
        f"{settings.password:>20} {settings.table()} {settings._repr_html_()}"
    )
    assert "s3cret" not in shown
    assert "********" in settings.table()
    assert settings.password.reveal() == "s3cret"
    assert type(settings.password.reveal()) is str


def test_a_secret_still_encodes_and_compares() -> None:
    assert Secret("Pä€").encode() == "Pä€".encode()
    assert Secret("a") == "a"


def test_the_local_sidecar_counts_only_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar = local_sidecar(port=3307, password="its own")
    monkeypatch.setattr(settings_module, "read_state", lambda: sidecar)
    assert resolved().port == 3307
    assert resolved().password == "its own"
    assert resolved({"port": 3307}).password == "its own"
    # Another server on this machine is not to be given that password.
    assert resolved({"port": 3306}).password == "tutorial"


def test_option_files_are_read_as_mysqls_programs_do(tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(
        "# comment\n[mysqld]\nport=1\nskip-grant-tables\n[client]\nhost = db.example # lab\n"
        'loose_user=\'ann\'\npassword="p#\\"q\\s\\\\"\nport\nssl_mode=REQUIRED\n[client-x]\nport=2\n'
    )
    settings = resolved(option_file=file)
    assert (settings.host, settings.port, settings.user) == ("db.example", 3306, "ann")
    assert settings.password == 'p#"q \\'
    assert settings.tls == "required"
    assert settings.sources["password"] == f"{file}:8 [client]"


@pytest.mark.parametrize(
    ("value", "password"),
    [
        ("abc#def", "abc"),
        ("'abc#def' # x", "abc#def"),
        ('"a"b', '"a"b'),
        ("'it''s'", "it''s"),
        ("it's", "it's"),
        ("", ""),
        ("''", ""),
        (r"a\nb\xc", "a\nb\\xc"),
    ],
)
def test_values_are_read_as_my_print_defaults_does(
    value: str, password: str, tmp_path: Path
) -> None:
    file = tmp_path / "my.cnf"
    file.write_bytes(f"# caf\xe9\n[client] # c\npassword = {value}\n".encode("latin-1"))
    assert resolved(option_file=file).password == password


def test_a_damaged_option_file_is_an_error_without_its_contents(tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text("password=hush\n")
    with pytest.raises(SettingsError, match=r"my\.cnf") as caught:
        resolved(option_file=file)
    assert "hush" not in str(caught.value)


def test_an_address_with_colons_gets_brackets() -> None:
    assert resolved({"host": "::1"}).address == "[::1]:3306"
    assert resolved().address == "127.0.0.1:3306"


def local_sidecar(*, port: int, password: str = "tutorial") -> LocalSidecar:
    return LocalSidecar("127.0.0.1", port, "root", password, "mysql", "9.7.4")


def test_a_port_behind_datajoints_host_is_taken_as_datajoint_takes_it() -> None:
    settings = resolved(DJ_HOST="127.0.0.1:34120", DJ_PORT="3307", DJ_PASS="x")
    assert settings.address == "127.0.0.1:34120"
    assert settings.sources["port"] == "environment DJ_HOST"
    # What is before it keeps its place, and an IPv6 address has no port.
    assert resolved(DJ_HOST="db:34120", SIDECAR_MYSQL_PORT="5", DJ_PASS="x").address == "db:5"
    assert resolved(DJ_HOST="::1", DJ_PASS="x").address == "[::1]:3306"
    assert resolved(DJ_HOST="[::1]:34120", DJ_PASS="x").address == "[::1]:34120"


@pytest.mark.parametrize("variable", ["SIDECAR_MYSQL_HOST", "MYSQL_HOST"])
def test_a_port_behind_another_host_is_told_with_what_to_do(variable: str) -> None:
    with pytest.raises(SettingsError, match="has a port in it") as caught:
        resolve(environ={variable: "db:34120", "MYSQL_PWD": "x"}, option_file=NO_FILE)
    assert variable in str(caught.value)
    assert "db as the host and 34120 as the port" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("db:3307", ("db", "3307")),
        ("db", ("db", "")),
        ("::1", ("::1", "")),
        ("fe80::1:3306", ("fe80::1:3306", "")),
        ("db:", ("db:", "")),
        (":3306", (":3306", "")),
        ("db:x", ("db:x", "")),
        ("", ("", "")),
    ],
)
def test_an_address_is_split(address: str, parts: tuple[str, str]) -> None:
    assert split_port(address) == parts
