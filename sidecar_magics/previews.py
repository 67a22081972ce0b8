"""``--check`` and ``--explain``, for the magic and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import options
from .errors import SettingsError

if TYPE_CHECKING:
    import argparse

    from .load.check import CheckReport
    from .load.planning.explain import LoadPlan
    from .settings import ConnectionSettings


def preview(
    arguments: argparse.Namespace, settings: ConnectionSettings, *, cell: str | None = None
) -> CheckReport | LoadPlan:
    """Return a report of what a load of a file, or a cell, would do; it changes nothing.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the `options.LOAD` table, with ``check`` or ``explain``.
    settings : ConnectionSettings
        Where the server is; ``--explain`` asks none.
    cell : str, optional
        SQL instead of a file: the body of a cell whose first line is the magic.

    Raises
    ------
    SettingsError
        Both are asked for.
    ScriptError
        The script is missing, damaged or broken.
    ServerNotReadyError, AccessError
        There is no connection to check with.
    """
    if arguments.explain and arguments.check:
        raise SettingsError(
            "--check and --explain exclude each other.", hint="--explain asks no server."
        )
    if arguments.explain:
        # Nothing is imported before it is used.
        from .load.planning.explain import explain, explain_sql  # noqa: PLC0415
        from .load.policy import LoadPolicy  # noqa: PLC0415

        policy = LoadPolicy(**options.loading_options(arguments))
        if cell is None:
            return explain(arguments.file, policy=policy)
        return explain_sql(cell, policy=policy, first_line=2)
    from .load.check import check, check_sql  # noqa: PLC0415

    chosen = options.loading_options(arguments)
    if cell is None:
        return check(arguments.file, settings, **chosen)
    return check_sql(cell, settings, first_line=2, **chosen)
