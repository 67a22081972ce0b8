"""Show DataJoint's configuration, as the last line of a cell, without passwords.

DataJoint 0.14 shows the password in plain text, 0.14 and 2.x show the keys of stores, and a
notebook saves its outputs. Passwords that we set are masked anyway (`dj.masking`); this is for
those from elsewhere, such as ``dj.config.load``. The formatter is registered by the name of the
class, together with the extension, so it is there before DataJoint is imported, and does not import
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# The class of `dj.config`: in 0.14 to 2.1, and from 2.2 on.
CONFIG_CLASSES = (("datajoint.settings", "Config"), ("datajoint.instance", "_ConfigProxy"))


def mask_datajoint(shell: InteractiveShell | None) -> None:
    """Have IPython show ``dj.config`` masked."""
    for module, name in CONFIG_CLASSES:
        _plain_text(shell).for_type_by_name(module, name, _show_masked)


def unmask_datajoint(shell: InteractiveShell | None) -> None:
    """Undo `mask_datajoint`."""
    for module, name in CONFIG_CLASSES:
        _plain_text(shell).pop(f"{module}.{name}", None)


def _show_masked(config: Any, printer: Any, cycle: bool) -> None:
    from .dj.masking import masked  # noqa: PLC0415 - %load_ext does not pay for it

    del cycle
    printer.text(masked(config))


def _plain_text(shell: Any) -> Any:
    return shell.display_formatter.formatters["text/plain"]
