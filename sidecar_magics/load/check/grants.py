"""What an account may do, read from its SHOW GRANTS.

Source: "SHOW GRANTS Statement" and "Account Access Control", MySQL 9 Reference Manual; "SHOW
GRANTS", MariaDB Knowledge Base. Both list the privileges of active roles, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = r"(?:`(?:[^`]|``)*`|\*|[\w$]+)"
_GRANT = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<privileges>.+?) ON "
    rf"(?:TABLE )?(?P<schema>{_NAME})\.(?P<table>{_NAME}) (?:TO|FROM) (?P<rest>.*)\Z",
    re.DOTALL,
)
# SELECT (`a`, `b`) is a privilege on columns only, which is not enough to load a table.
_PRIVILEGE = re.compile(r"\s*([A-Za-z_ ]+?)\s*(\([^)]*\))?\s*(?:,|\Z)")
_ALL = {"ALL PRIVILEGES", "ALL"}


@dataclass
class Grants:
    """Privileges by where they hold, in capitals.

    Attributes
    ----------
    everywhere : set of str
        On ``*.*``.
    schemas : list of tuple
        Patterns of schemas, as regular expressions, with their privileges.
    tables : dict
        By schema and table.
    revoked : dict
        By schema, what holds everywhere but there (MySQL's partial_revokes).
    """

    everywhere: set[str] = field(default_factory=set)
    schemas: list[tuple[re.Pattern[str], set[str]]] = field(default_factory=list)
    tables: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    revoked: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, lines: Iterable[str], *, partial_revokes: bool = False) -> Grants:
        """Read the answer to SHOW GRANTS.

        Parameters
        ----------
        lines : iterable of str
            One grant each; those of roles, proxies and routines are passed over.
        partial_revokes : bool, default False
            Whether the server's variable of this name is on: then schemas are no patterns.
        """
        grants = cls()
        for line in lines:
            found = _GRANT.match(line)
            if not found:
                continue
            privileges = _privileges(found["privileges"])
            if " WITH GRANT OPTION" in found["rest"]:
                privileges.add("GRANT OPTION")
            schema, table = _unquoted(found["schema"]), _unquoted(found["table"])
            if found["verb"] == "REVOKE":
                grants.revoked.setdefault(schema, set()).update(privileges)
            elif found["schema"] == "*":
                grants.everywhere |= privileges
            elif found["table"] == "*":
                pattern = re.escape(schema) if partial_revokes else _pattern(schema)
                grants.schemas.append((re.compile(pattern, re.DOTALL), privileges))
            else:
                grants.tables.setdefault((schema, table), set()).update(privileges)
        return grants

    def allow(self, privilege: str, schema: str | None = None, table: str | None = None) -> bool:
        """Return whether the account has a privilege on a table, a schema or the whole server."""
        revoked = self.revoked.get(schema, set()) if schema is not None else set()
        if _includes(self.everywhere, privilege) and not _includes(revoked, privilege):
            return True
        if schema is None:
            return False
        if any(
            _includes(privileges, privilege) and pattern.fullmatch(schema)
            for pattern, privileges in self.schemas
        ):
            return True
        return table is not None and _includes(self.tables.get((schema, table), set()), privilege)

    def any_of(self, *privileges: str) -> bool:
        """Return whether the account has one of these on the whole server."""
        return any(self.allow(privilege) for privilege in privileges)


def _includes(privileges: set[str], privilege: str) -> bool:
    return privilege in privileges or (privilege != "GRANT OPTION" and bool(privileges & _ALL))


def _privileges(text: str) -> set[str]:
    found = {name.upper() for name, columns in _PRIVILEGE.findall(text) if not columns}
    return found - {"USAGE"}


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _pattern(schema: str) -> str:
    r"""Spell a schema's pattern as a regular expression: % and _ are wild, unless after a \."""
    pieces = []
    for escaped, character in re.findall(r"(\\?)(.)", schema, re.DOTALL):
        wild = {"%": ".*", "_": "."}.get(character)
        pieces.append(wild if wild and not escaped else re.escape(character))
    return "".join(pieces)
