"""A diagnosis for a terminal: coloured, and as wide as the terminal is, broken between words."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

from ..errors import printable
from .diagnosis import MARKS, Verdict

if TYPE_CHECKING:
    from .diagnosis import Diagnosis

STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.FAILURE: "bold red"}
USUAL_COLUMNS = 80


def for_terminal(diagnosis: Diagnosis, *, columns: int | None = None) -> str:
    """Return a diagnosis with the terminal's codes for colours; none where NO_COLOR is set.

    Parameters
    ----------
    diagnosis : Diagnosis
        The diagnosis.
    columns : int, optional
        How wide. Default: as the terminal is.
    """
    # A diagnosis is made without rich: only terminals need the import.
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    width = columns or shutil.get_terminal_size((USUAL_COLUMNS, 24)).columns
    console = Console(file=io.StringIO(), width=width, force_terminal=True, force_jupyter=False)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in diagnosis:
        style = STYLES[check.verdict]
        mark = f"{MARKS[check.verdict]} {check.verdict.value}"
        text = Text(printable(check.message))
        if check.hint:
            text.append(f"\nHint: {printable(check.hint)}", style="italic")
        # A server's words are text, and never markup.
        table.add_row(Text(mark, style), Text(check.subject, "bold"), text)
    worst = next((v for v in (Verdict.FAILURE, Verdict.WARNING) if diagnosis.of(v)), Verdict.OK)
    heading = Text(printable(f"{diagnosis.name}: {diagnosis.summary()}"), f"bold {STYLES[worst]}")
    with console.capture() as captured:
        console.print(heading)
        console.print(table)
    return captured.get().rstrip()
