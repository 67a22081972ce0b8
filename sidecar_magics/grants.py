"""An account's privileges, read from SHOW GRANTS.

Source: "SHOW GRANTS Statement" and "Account Access Control", MySQL 9 Reference Manual; "SHOW
GRANTS", MariaDB Knowledge Base. Both list the privileges of active roles, too: MySQL as those of
the account itself, MariaDB by role, with those of PUBLIC. Which of several patterns counts was
tried on MySQL 9.7 and MariaDB 10.11 (tests/integration/test_dump_rights.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_NAME = r"(?:`(?:[^`]|``)*`|\*|[\w$]+)"
_TEXT = rf"(?:{_NAME}|'(?:[^'\\]|\\.|'')*')"
_GRANTEE = rf"{_TEXT}(?:@{_TEXT})?"
_GRANT = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<privileges>.+?) ON "
    rf"(?:TABLE )?(?P<schema>{_NAME})\.(?P<table>{_NAME}) (?:TO|FROM) "
    rf"(?P<grantee>{_GRANTEE})(?P<rest>.*)\Z",
    re.DOTALL,
)
# SELECT (`a`, `b`) is a privilege on columns only, which is not enough to load a table.
_PRIVILEGE = re.compile(r"\s*([A-Za-z_ ]+?)\s*(\([^)]*\))?\s*(?:,|\Z)")
_ROLES = re.compile(rf"GRANT (?P<roles>{_GRANTEE}(?:, ?{_GRANTEE})*) TO .*", re.DOTALL)
_ALL = {"ALL PRIVILEGES", "ALL"}
# A server with --skip-grant-tables checks no rights, and so has none to show.
_UNCHECKED = frozenset({1290, 1141})
_NO_WILDCARD = 1 << 16


class SchemaGrant(NamedTuple):
    """Privileges on the schemas that a pattern fits.

    Attributes
    ----------
    grantee : str
        The account, or on MariaDB a role.
    pattern : re.Pattern
        Of the schemas' names.
    letters : int
        How many stand before the first wildcard; more than any name has, where there is none.
    privileges : set of str
        In capitals.
    text : str
        The pattern as it is granted, without quotes.
    """

    grantee: str
    pattern: re.Pattern[str]
    letters: int
    privileges: set[str]
    text: str


@dataclass
class Grants:
    """Privileges by where they hold, in capitals.

    Attributes
    ----------
    everywhere : set of str
        On ``*.*``.
    schemas : list of SchemaGrant
        On schemas.
    tables : dict
        By schema and table.
    revoked : dict
        By schema: privileges that hold everywhere but there (MySQL's partial_revokes).
    merges_patterns : bool
        Whether all patterns that fit a schema count: on MySQL while a role is active. Else the one
        with the most letters before its first wildcard hides the others. A schema's own name hides
        all patterns in any case.
    partial_revokes : bool
        Whether names of schemas are no patterns.
    idle_roles : tuple of str
        Roles that the account has, if none of them is active.
    """

    everywhere: set[str] = field(default_factory=set)
    schemas: list[SchemaGrant] = field(default_factory=list)
    tables: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    revoked: dict[str, set[str]] = field(default_factory=dict)
    merges_patterns: bool = False
    partial_revokes: bool = False
    idle_roles: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls,
        lines: Iterable[str],
        *,
        partial_revokes: bool = False,
        merges_patterns: bool = False,
    ) -> Grants:
        """Read the answer to SHOW GRANTS.

        Parameters
        ----------
        lines : iterable of str
            One grant each; those of roles, proxies and routines are passed over.
        partial_revokes : bool, default False
            Whether the server's variable of this name is on: then schemas are no patterns.
        merges_patterns : bool, default False
            As in the attribute.
        """
        grants = cls(merges_patterns=merges_patterns, partial_revokes=partial_revokes)
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
                letters = _NO_WILDCARD if partial_revokes else _letters(schema)
                compiled = re.compile(pattern, re.DOTALL)
                grants.schemas.append(
                    SchemaGrant(found["grantee"], compiled, letters, privileges, schema)
                )
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
        if self._allow_schema(privilege, schema):
            return True
        return table is not None and _includes(self.tables.get((schema, table), set()), privilege)

    def place(self, schema: str) -> str:
        """Return the schema pattern for a GRANT that takes no existing rights away.

        A right on a schema's own name hides those that the account has on a pattern.
        """
        fitting = [
            grant
            for grant in self.schemas
            if "@" in grant.grantee and grant.pattern.fullmatch(schema)
        ]
        if fitting:
            return max(fitting, key=lambda grant: grant.letters).text
        return schema if self.partial_revokes else re.sub(r"([%_\\])", r"\\\1", schema)

    def _allow_schema(self, privilege: str, schema: str) -> bool:
        by_grantee: dict[str, list[SchemaGrant]] = {}
        for grant in self.schemas:
            if grant.pattern.fullmatch(schema):
                by_grantee.setdefault(grant.grantee, []).append(grant)
        return any(self._one_allows(privilege, fitting) for fitting in by_grantee.values())

    def _one_allows(self, privilege: str, fitting: list[SchemaGrant]) -> bool:
        """Return whether those grants of one grantee that fit a schema have a privilege."""
        most = max(grant.letters for grant in fitting)
        if self.merges_patterns and most != _NO_WILDCARD:
            return any(_includes(grant.privileges, privilege) for grant in fitting)
        # Of two like `a%` and `a_` the older one counts, which is not shown.
        return all(
            _includes(grant.privileges, privilege) for grant in fitting if grant.letters == most
        )

    def any_of(self, *privileges: str) -> bool:
        """Return whether the account has one of these on the whole server."""
        return any(self.allow(privilege) for privilege in privileges)


def read_grants(
    ask: Callable[[str], Sequence[tuple[Any, ...]]], errors: tuple[type[Exception], ...]
) -> Grants:
    """Ask a server for the account's privileges.

    Parameters
    ----------
    ask : callable
        Asks the server, and returns rows.
    errors : tuple of exception types
        The error of `ask`, if the server refuses.

    Returns
    -------
    Grants
        Everything, on a server that checks no rights.
    """

    def value(sql: str) -> str:
        try:
            rows = ask(sql)
        except errors:  # older servers have no such variable, and no roles
            return ""
        return str(rows[0][0] or "") if rows else ""

    has_role = value("SELECT CURRENT_ROLE()") not in {"", "NONE"}
    is_mariadb = "MariaDB" in value("SELECT VERSION()")
    try:
        lines = [str(line) for (line,) in ask("SHOW GRANTS")]
    except errors as error:
        if error.args and error.args[0] in _UNCHECKED:
            return Grants(everywhere={"ALL PRIVILEGES"})
        raise
    grants = Grants.parse(
        lines,
        partial_revokes=value("SELECT @@partial_revokes") == "1",
        merges_patterns=has_role and not is_mariadb,  # which keeps the rights of roles apart
    )
    if not has_role:
        found = (_ROLES.fullmatch(line) for line in lines)
        grants.idle_roles = tuple(each["roles"] for each in found if each)
    return grants


def _includes(privileges: set[str], privilege: str) -> bool:
    return privilege in privileges or (privilege != "GRANT OPTION" and bool(privileges & _ALL))


def _privileges(text: str) -> set[str]:
    found = {name.upper() for name, columns in _PRIVILEGE.findall(text) if not columns}
    return found - {"USAGE"}


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _letters(schema: str) -> int:
    """Return how many letters stand before a pattern's first wildcard."""
    found = re.match(r"(?:\\.|[^%_\\])*", schema, re.DOTALL)
    letters = found.end() if found else 0
    return letters if letters < len(schema) else _NO_WILDCARD


def _pattern(schema: str) -> str:
    r"""Spell a schema's pattern as a regular expression: % and _ are wild, unless after a \."""
    pieces = []
    for escaped, character in re.findall(r"(\\?)(.)", schema, re.DOTALL):
        wild = {"%": ".*", "_": "."}.get(character)
        pieces.append(wild if wild and not escaped else re.escape(character))
    return "".join(pieces)
