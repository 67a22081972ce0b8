"""IPython magics for the MySQL sidecar beside a notebook.

In a notebook::

    %load_ext sidecar_magics
    %mysql_wait
    %mysql_load data/prepopulate.sql.gz
    %datajoint_connect

`%mysql_up` starts a server where there is none, `%mysql_keep` keeps the data of a server that ends
with the session, `%mysql_dump` writes your data into a file, and `%mysql_doctor` finds out what is
wrong. Python has functions of the same names: `mysql_wait`, `mysql_load` (`mysql_load_sql` for
text), `mysql_keep`, `mysql_dump`, `mysql_doctor` and `datajoint_connect`, which take the settings
that `resolve` returns, and `mysql_up`. (They are not called `wait` and `load`: importing a
submodule binds its name on the package, and would hide a function of that name.)

Modules: the entrances,

    magics.py            each magic: parse its line, make one call
    cli.py               the same verbs in a terminal
    __main__.py          the same for `python -m sidecar_magics`
    lines.py             a magic's line: cut into words, parsed, its mistakes explained
    misnamed.py          a magic's name that is nearly one of ours
    previews.py          `--check` and `--explain`, for both
    shell_completion.py  Tab in a shell

the output,

    display.py           progress: one line that updates in place
    fetching.py          the same for the downloads of `up`
    outputs.py           reports in IPython and pandas
    formatters.py        DataJoint's configuration as a cell's last line, without passwords
    errors.py            the errors, and how a notebook shows them
    hints.py             the next step after a failed connection, for hub, Docker or bare machine
    units.py             sizes, numbers and times as people read them

where the server is,

    settings.py          address, account, password; each value remembers where it came from
    option_files.py      MySQL's option files
    addresses.py         hosts and ports as people write them

and the server:

    server.py            opens every connection: socket, TLS, login; sends statements
    protocol.py          the greeting and refusals, and whether waiting helps
    authentication.py    logins that do not give the password away
    connection.py        one attempt to connect, and the error that explains its failure
    wait.py              attempts to connect, until the server can be used
    sidecar.py           the server that answered, and addresses of it for other tools
    limits.py            limits of time and bytes for a server's answers
    questions.py         our own questions, with checked answers
    local_infile.py      LOAD DATA LOCAL: only the file that the statement names
    grants.py            an account's privileges
    locks.py             which connections hold which locks
    blockers.py          which of them block a statement
    schemas.py           schemas without data of users: the server's own, and the journal
    scratch.py           scratch schemas of `--check` and `--verify`
    files.py             files that are written as a whole or not at all
    process_lock.py      locks that end with their process
    cores.py             how many cores this process may use
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .dj import connect as datajoint_connect
    from .doctor import examine as mysql_doctor
    from .dump import dump as mysql_dump
    from .keep import keep as mysql_keep
    from .load import load as mysql_load
    from .load import load_sql as mysql_load_sql
    from .local.lifecycle import up as mysql_up
    from .settings import resolve
    from .wait import wait as mysql_wait

__version__ = "0.2.0"
__all__ = [
    "datajoint_connect",
    "load_ipython_extension",
    "mysql_doctor",
    "mysql_dump",
    "mysql_keep",
    "mysql_load",
    "mysql_load_sql",
    "mysql_up",
    "mysql_wait",
    "resolve",
    "unload_ipython_extension",
]

_HOMES = {
    "datajoint_connect": ("dj", "connect"),
    "mysql_doctor": ("doctor", "examine"),
    "mysql_dump": ("dump", "dump"),
    "mysql_keep": ("keep", "keep"),
    "mysql_load": ("load", "load"),
    "mysql_load_sql": ("load", "load_sql"),
    "mysql_up": ("local.lifecycle", "up"),
    "mysql_wait": ("wait", "wait"),
    "resolve": ("settings", "resolve"),
}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics and their completion: ``%load_ext sidecar_magics``."""
    from .completion import complete  # noqa: PLC0415
    from .formatters import mask_datajoint  # noqa: PLC0415
    from .lines import give_a_body, refuse_late_cells  # noqa: PLC0415
    from .magics import SidecarMagics  # noqa: PLC0415
    from .misnamed import Misnamed  # noqa: PLC0415

    unload_ipython_extension(shell)
    shell.register_magics(SidecarMagics)
    mask_datajoint(shell)
    shell.input_transformers_cleanup[:0] = [give_a_body, refuse_late_cells]
    shell.ast_transformers.append(Misnamed(shell))
    if shell.Completer is not None:
        shell.Completer.custom_matchers.append(complete)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Undo `load_ipython_extension`; IPython itself has no way to unregister a magic."""
    from .completion import complete  # noqa: PLC0415
    from .formatters import unmask_datajoint  # noqa: PLC0415
    from .lines import give_a_body, refuse_late_cells  # noqa: PLC0415
    from .magics import SidecarMagics  # noqa: PLC0415

    manager = shell.magics_manager
    registered = manager.registry.get(SidecarMagics.__name__)
    if registered is not None:
        registered.end_keeping()
    for kind, names in SidecarMagics.magics.items():
        for name in names:
            manager.magics[kind].pop(name, None)
    manager.registry.pop(SidecarMagics.__name__, None)
    shell.configurables[:] = [
        each for each in shell.configurables if type(each).__name__ != SidecarMagics.__name__
    ]
    unmask_datajoint(shell)
    transformers = shell.input_transformers_cleanup
    ours = (give_a_body, refuse_late_cells)
    transformers[:] = [each for each in transformers if each not in ours]
    shell.ast_transformers[:] = [
        each for each in shell.ast_transformers if type(each).__name__ != "Misnamed"
    ]
    if shell.Completer is not None and complete in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(complete)


def __getattr__(name: str) -> Any:
    # The functions are imported when first used: a notebook that only loads the extension does not
    # wait for the import of PyMySQL, SQLAlchemy and DataJoint.
    if name in _HOMES:
        module, function = _HOMES[name]
        return getattr(importlib.import_module(f".{module}", __name__), function)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
