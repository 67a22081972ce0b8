"""The session at a place of a script: schema, sql_mode and the other variables that matter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...script.session import Session
from .assignments import assignments, unquoted_text
from .inventory import State

if TYPE_CHECKING:
    from .inventory import Inventory, Position

_SQL_MODE = "sql_mode"
_SYSTEM_VARIABLE = re.compile(
    rb"@@(?:(?:SESSION|LOCAL|GLOBAL)\s*\.\s*)?`?([A-Za-z_][\w$]*)", re.IGNORECASE
)


class ReadSession:
    """A script's session at the place that is being read.

    Parameters
    ----------
    sql_mode : str
        Of a new session.

    Attributes
    ----------
    schema : str or None
        The default schema.
    sql_mode : str
        In capitals.
    state : State
        Variables that decide whether a statement is refused.
    """

    def __init__(self, sql_mode: str) -> None:
        self._first_mode = self.sql_mode = sql_mode.upper()
        self._variables = Session()
        self.schema: str | None = None
        self.state = State()

    def set(self, sql: bytes, place: Position, inventory: Inventory) -> None:
        """Follow a SET, and take its names down."""
        for variable in _SYSTEM_VARIABLE.findall(sql):
            inventory.read_variables.add(variable.decode().lower(), place)
        for scope, name, value in assignments(sql):
            if scope == "global":
                inventory.global_variables.add(name, place)
            elif scope == "session":
                _take_down(name, value, place, inventory)
        variables = self._variables.after(sql)
        if variables is not None:
            self._variables = variables
            mode = variables.text(_SQL_MODE)
            self.sql_mode = self._first_mode if mode is None else mode.upper()
        elif _SQL_MODE in sql.decode("latin-1").lower():
            # Computed; the modes that it mentions are taken to be on.
            self.sql_mode += "," + sql.decode("latin-1").upper()
        self.state = State(
            self._switch("foreign_key_checks"),
            self.sql_mode,
            self._switch("sql_require_primary_key"),
        )

    def _switch(self, variable: str) -> bool | None:
        if variable not in self._variables.variables:
            return None
        return not self._variables.is_off(variable)


def _take_down(name: str, value: bytes, place: Position, inventory: Inventory) -> None:
    text = unquoted_text(value)
    if name == "time_zone" and text is not None:
        inventory.time_zones.add(text, place)
    elif name == _SQL_MODE and text is not None:
        for mode in text.upper().split(","):
            if mode.strip():
                inventory.sql_modes.add(mode.strip(), place)
    if name != "names":
        inventory.session_variables.add(name, place)
