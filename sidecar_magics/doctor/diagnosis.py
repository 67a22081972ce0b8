"""A diagnosis: one check a line, each with a verdict, a sentence and the next step."""

from __future__ import annotations

import enum
import os
import sys
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import printable, shown

if TYPE_CHECKING:
    from collections.abc import Iterator


class Verdict(enum.Enum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


TEXT_SHOWN = 1500
MARKS = {Verdict.OK: "✔", Verdict.WARNING: "⚠", Verdict.FAILURE: "✘"}


@dataclass(frozen=True)
class Check:
    """One check.

    Parameters
    ----------
    subject : str
        A stable word for its subject: ``settings``, ``login``, ``disk`` and so on.
    verdict : Verdict
        The verdict.
    message : str
        One sentence.
    hint : str, optional
        The next step; empty if all is well.
    """

    subject: str
    verdict: Verdict
    message: str
    hint: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return everything as plain values, for JSON."""
        return {**vars(self), "verdict": self.verdict.value}


def ok(subject: str, message: str) -> Check:
    """Return a check without a finding."""
    return _check(subject, Verdict.OK, message)


def warning(subject: str, message: str, hint: str) -> Check:
    """Return a check that found a possible problem."""
    return _check(subject, Verdict.WARNING, message, hint)


def failure(subject: str, message: str, hint: str) -> Check:
    """Return a check that found something broken, or open to strangers."""
    return _check(subject, Verdict.FAILURE, message, hint)


def _check(subject: str, verdict: Verdict, message: str, hint: str = "") -> Check:
    # Here, and not where it is shown: raw words of a server must reach neither a screen nor JSON.
    return Check(subject, verdict, shown(message, TEXT_SHOWN), shown(hint, TEXT_SHOWN))


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of a server, and of the way to it.

    Parameters
    ----------
    server : str
        Account and address; empty if they are not known.
    checks : tuple of Check
        In the order in which they were made.
    """

    server: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed; there may be warnings."""
        return not self.of(Verdict.FAILURE)

    def of(self, verdict: Verdict) -> tuple[Check, ...]:
        """Return the checks that ended like this."""
        return tuple(check for check in self.checks if check.verdict is verdict)

    def __getitem__(self, subject: str) -> Check:
        """Return the check of a subject; KeyError if it was not made."""
        for check in self.checks:
            if check.subject == subject:
                return check
        raise KeyError(subject)

    def __iter__(self) -> Iterator[Check]:
        """Yield each check."""
        return iter(self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        checks = [check.to_dict() for check in self.checks]
        return {"server": self.server, "ok": self.ok, "checks": checks}

    def summary(self) -> str:
        """Return the result in a few words."""
        counts = [
            f"{number} {verdict.value}{'s' if number > 1 else ''}"
            for verdict in (Verdict.FAILURE, Verdict.WARNING)
            if (number := len(self.of(verdict)))
        ]
        return ", ".join(counts) or f"all {len(self.checks)} checks passed"

    def __repr__(self) -> str:
        return "\n".join(
            [f"<Diagnosis of {printable(self.name)}: {self.summary()}>", *self._lines()]
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        del cycle
        if is_terminal(sys.stdout):
            from .terminal import for_terminal  # noqa: PLC0415 - it imports this module

            printer.text(for_terminal(self))
        else:
            printer.text(repr(self))

    @property
    def name(self) -> str:
        """The server, in words if it is not known."""
        return self.server or "an unknown server"

    def _lines(self) -> Iterator[str]:
        width = max((len(check.subject) for check in self.checks), default=0)
        for check in self.checks:
            yield self._columns(width, check.verdict.value, check.subject, check.message)
            if check.hint:
                yield self._columns(width, "", "", f"Hint: {check.hint}")

    @staticmethod
    def _columns(width: int, verdict: str, subject: str, text: str) -> str:
        return f"  {verdict:<7}  {subject:<{width}}  {printable(text)}"

    def _repr_html_(self) -> str:
        worst = next((v for v in (Verdict.FAILURE, Verdict.WARNING) if self.of(v)), Verdict.OK)
        rows = "".join(_html_row(check) for check in self.checks)
        return (
            f"<b>{MARKS[worst]} {escape(printable(self.name))}: {escape(self.summary())}</b>"
            f"<table style='text-align:left'>{rows}</table>"
        )


def is_terminal(stream: Any) -> bool:
    """Return whether a stream leads to a terminal that knows colours, and more than ASCII."""
    try:
        knows_marks = str(stream.encoding).lower().startswith("utf")
        return bool(stream.isatty()) and knows_marks and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def _html_row(check: Check) -> str:
    hint = f"<br><i>{escape(printable(check.hint))}</i>" if check.hint else ""
    cells = (
        f"{MARKS[check.verdict]}&nbsp;{check.verdict.value}",
        escape(check.subject),
        escape(printable(check.message)) + hint,
    )
    return "<tr>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in cells) + "</tr>"
