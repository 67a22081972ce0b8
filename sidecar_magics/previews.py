"""What a load would do, for the magic and the command line: ``--check`` and ``--explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import options
from .errors import SettingsError

if TYPE_CHECKING:
    import argparse

    from .load.check import CheckReport
    from .load.explain import LoadPlan
    from .settings import ConnectionSettings


def preview(arguments: argparse.Namespace, settings: ConnectionSettings) -> CheckReport | LoadPlan:
    """Return what loading a file would do; nothing on the server is changed.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the `options.LOAD` table, with ``check`` or ``explain``.
    settings : ConnectionSettings
        Where the server is; ``--explain`` asks none.

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
        from .load.explain import explain  # noqa: PLC0415 - nothing is imported before it is used
        from .load.policy import LoadPolicy  # noqa: PLC0415

        return explain(arguments.file, policy=LoadPolicy(**options.loading_options(arguments)))
    from .load.check import check  # noqa: PLC0415

    return check(arguments.file, settings, **options.loading_options(arguments))
