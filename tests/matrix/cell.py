"""One cell of the matrix, in an environment of its own: DataJoint against one server.

Prints as JSON what each check came to: nothing if all was well, else what was wrong.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import traceback
import warnings
from importlib import metadata
from typing import TYPE_CHECKING, Any

import datajoint as dj

from sidecar_magics import datajoint_connect, mysql_wait, resolve
from sidecar_magics.errors import AccessError, SidecarError, TlsError

if TYPE_CHECKING:
    from collections.abc import Callable

ODD_PASSWORD = "Pä€ß"
SCHEMA = "matrix_cell"
BLOB = "<blob>" if dj.__version__[0] == "2" else "longblob"
DROPPING = {"prompt": False} if dj.__version__[0] == "2" else {"force": True}
CONFIG = ("host", "port", "user", "password", "use_tls")


def settings(**options: Any) -> Any:
    """Return how to reach the server, as the environment says."""
    return resolve({"password_env": "CELL_PASSWORD", "port": os.environ["CELL_PORT"], **options})


def by_itself() -> str:
    """Connect DataJoint without us, with nothing but the address and the account set."""
    sidecar = settings()
    for name in ("host", "port", "user"):
        dj.config[f"database.{name}"] = getattr(sidecar, name)
    dj.config["database.password"] = sidecar.password.reveal()
    try:
        connection = dj.conn(reset=True)
    except Exception as error:
        return f"fails: {type(error).__name__} {str(error.args[0])[:60] if error.args else ''}"
    cipher = cipher_of(connection)
    connection.close()
    return f"encrypted, {cipher}" if cipher else "not encrypted"


def cipher_of(connection: Any) -> str:
    """Return the cipher of a connection; empty if it is not encrypted."""
    return str(connection.query("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1])


def pipeline() -> None:
    """Declare all kinds of tables, fill them, compute, read."""
    connection = datajoint_connect(settings()).connection
    schema = dj.Schema(SCHEMA, connection=connection)
    context = {"dj": dj}

    class Task(dj.Lookup):  # type: ignore[misc]
        definition = "task: varchar(20)"
        contents = (("run",), ("rést🐀",))

    class Session(dj.Manual):  # type: ignore[misc]
        definition = f"""
        session: int
        ---
        -> Task
        trace: {BLOB}
        """

    class Power(dj.Computed):  # type: ignore[misc]
        definition = """
        -> Session
        ---
        power: double
        """

        class Channel(dj.Part):  # type: ignore[misc]
            definition = """
            -> master
            channel: int
            """

        def make(self, key: dict[str, Any]) -> None:
            trace = (Session & key).fetch1("trace")  # type: ignore[operator]
            self.insert1({**key, "power": float(sum(x * x for x in trace))})
            self.Channel.insert([{**key, "channel": n} for n in range(2)])

    context.update(Task=Task, Session=Session, Power=Power)
    for table in (Task, Session, Power):
        schema(table, context=context)
    Session.insert1({"session": 1, "task": "rést🐀", "trace": [1.0, 2.0]})
    Power.populate()
    assert Power.fetch1("power") == 5.0
    assert len(Power.Channel()) == 2
    assert (Session * Task).fetch1("task") == "rést🐀"  # type: ignore[operator]
    assert SCHEMA in repr(dj.conn().schemas) or dj.conn() is connection


def repaired() -> None:
    """Lose the connection, and have the same table continue."""
    first = datajoint_connect(settings())
    table = dj.FreeTable(first.connection, f"`{SCHEMA}`.`session`")
    assert len(table) == 1
    (number,) = first.connection.query("SELECT CONNECTION_ID()").fetchone()
    with mysql_wait(settings()).connect() as other, other.cursor() as cursor:
        cursor.execute(f"KILL {number}")
    assert datajoint_connect(settings()).state == "reconnected"
    assert len(table) == 1


def required() -> None:
    """Be encrypted, or be refused; never be connected in the clear."""
    before = taken()
    try:
        connected = datajoint_connect(settings(tls="required"), reset=True)
    except TlsError:
        assert os.environ["CELL_TLS"] == "no"
        assert taken() == before
        return
    assert os.environ["CELL_TLS"] == "yes"
    assert cipher_of(connected.connection)


def refused() -> None:
    """Be told of a wrong password, and find DataJoint as it was."""
    before = taken()
    os.environ["CELL_WRONG"] = "wr0ng"
    with contextlib.suppress(AccessError):
        datajoint_connect(settings(password_env="CELL_WRONG"))
        raise AssertionError("a wrong password was taken")
    assert taken() == before
    assert dj.conn().query("SELECT 1").fetchone() == (1,)


def odd_password() -> None:
    """Log in with a password that PyMySQL cannot encode."""
    os.environ["CELL_ODD"] = ODD_PASSWORD
    with mysql_wait(settings()).connect() as other, other.cursor() as cursor:
        cursor.execute("CREATE USER odd IDENTIFIED BY %s", (ODD_PASSWORD,))
        try:
            datajoint_connect(settings(user="odd", password_env="CELL_ODD"))
            assert str(dj.conn().query("SELECT USER()").fetchone()[0]).startswith("odd@")
        finally:
            cursor.execute("DROP USER odd")


def hidden() -> None:
    """Find the password in nothing that is shown."""
    connected = datajoint_connect(settings())
    shown = [repr(dj.config), str(dj.config), repr(connected), str(connected)]
    shown += [repr(connected.connection), repr(connected.connection.conn_info)]
    assert not any(os.environ["CELL_PASSWORD"] in text for text in shown)
    assert dj.config["database.password"] == os.environ["CELL_PASSWORD"]


def taken() -> list[Any]:
    """Return what DataJoint is configured to."""
    return [dj.config[f"database.{name}"] for name in CONFIG]


def outcome(check: Callable[[], Any]) -> str:
    """Run a check; return what was wrong."""
    try:
        check()
    except (Exception, SidecarError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} {error} ({place.name}:{place.lineno})".strip()
    return ""


CHECKS = (pipeline, repaired, required, refused, odd_password, hidden)


def main() -> None:
    """Run all checks."""
    warnings.simplefilter("ignore")
    logging.getLogger("datajoint").setLevel(logging.CRITICAL)
    alone = by_itself()
    with mysql_wait(settings()).connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA}")
    cipher = datajoint_connect(settings()).tls_cipher
    found = {
        "datajoint": metadata.version("datajoint"),
        "pymysql": metadata.version("pymysql"),
        "cipher": cipher or "",
        "alone": alone,
        "checks": {check.__name__: outcome(check) for check in CHECKS},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
