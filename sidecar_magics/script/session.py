"""The state of a session after its SETs and USEs, followed without a server.

A dump changes its session all the time, and changes it back: character set, time zone, sql_mode,
checks. Lanes run parts of a script at other times, and on other connections, but each part needs
the session that it has in the script. So the state is a value: it can be kept with a statement, and
compared with that of a connection. If a statement's effect is not certain, the state is unknown.

A session starts as the client's does: with the server's defaults, and several statements in one
packet. Once a SET cannot be followed, the rest of the script runs in order on lane 0, in the real
session.

Source: "SET Syntax for Variable Assignment" and "SET NAMES Statement", MySQL 9 Reference Manual.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple, Union


class Literal(NamedTuple):
    """A value as the script spells it."""

    sql: bytes


class DefaultOf(NamedTuple):
    """The default collation of a character set, whatever the server has for it."""

    charset: bytes


class Initial(NamedTuple):
    """The value that a variable had when the connection was new."""

    variable: str


Value = Union[Literal, DefaultOf, Initial]


class Assignment(NamedTuple):
    """One ``name = value`` of a SET; the value may name another variable."""

    target: str  # with an @ for the user's own variables
    literal: bytes | None
    copied: str | None


Assigned = tuple[str, Value]
"""A variable, with an @ if it is the user's own, and the value that a SET gives it."""

# A statement's value for these is not the one that they have afterwards: they hold for the next
# statement or transaction only, or take part in how a server identifies its work.
_NOT_FOLLOWED = {
    "insert_id",
    "last_insert_id",
    "identity",
    "rand_seed1",
    "rand_seed2",
    "gtid_next",
    "pseudo_thread_id",
    "transaction_isolation",
    "transaction_read_only",
    "tx_isolation",
    "tx_read_only",
    "autocommit",
    "completion_type",  # with it COMMIT begins the next transaction, or ends the connection
}
# The values of these depend on earlier statements, on the connection, or on the time.
_NOT_COPIED = {
    "insert_id",
    "last_insert_id",
    "identity",
    "rand_seed1",
    "rand_seed2",
    "pseudo_thread_id",
    "timestamp",
    "warning_count",
    "error_count",
}
CHARSET = "character_set_connection"
COLLATION = "collation_connection"
_NAMED_BY_SET_NAMES = ("character_set_client", "character_set_results", CHARSET)
_OFF = {b"0", b"off", b"false"}

_NAME = rb"(?:`[^`]+`|[A-Za-z_][\w$]*)"
_TARGET = re.compile(
    rb"""\s*(?:
        @(?P<user>[\w$.]+|`[^`]+`)
      | (?:(?:SESSION|LOCAL)\s+|@@(?:(?:SESSION|LOCAL)\s*\.\s*)?)?(?P<system>%s)
    )\s*:?=\s*"""
    % _NAME,
    re.VERBOSE | re.IGNORECASE,
)
_VALUE = re.compile(
    rb"""(?:
        (?P<literal>'[^'\\]*' | "[^"\\]*" | [+-]?[0-9]+(?:\.[0-9]+)? | [A-Za-z][\w]*)
      | @(?P<user>[\w$.]+|`[^`]+`)
      | @@(?:(?:SESSION|LOCAL)\s*\.\s*)?(?P<system>%s)
    )\s*(?P<end>,|\Z)"""
    % _NAME,
    re.VERBOSE | re.IGNORECASE,
)
_SET = re.compile(rb"\s*SET\s+", re.IGNORECASE)
_SET_NAMES = re.compile(
    rb"\s*NAMES\s+(?P<quote>['\"]?)(?P<charset>\w+)(?P=quote)"
    rb"(?:\s+COLLATE\s+(?P<quote2>['\"]?)(?P<collation>\w+)(?P=quote2))?\s*\Z",
    re.IGNORECASE,
)
# Variables, and beginnings of their names, that no session has a value of its own of, or none that
# can be set: what a script gives them is the same for connections that are older and newer. With
# one that is missing here, the rest of a script runs in order.
_OF_THE_SERVER_ALONE = re.compile(
    rb"""\s*(?:PERSIST_ONLY\s|@@PERSIST_ONLY\s*\.
      | (?:(?:GLOBAL|PERSIST)\s+|@@(?:GLOBAL|PERSIST)\s*\.\s*)`?(?:
          TRANSACTION\s
        | (?: gtid_purged | max_allowed_packet | net_buffer_length | local_infile | event_scheduler
            | max_connections | max_connect_errors | connect_timeout | read_only | super_read_only
            | offline_mode | server_id | sync_binlog | expire_logs_days | key_buffer_size | flush
            | slow_query_log | slow_query_log_file | slow_launch_time | general_log
            | general_log_file | log_output | log_bin_trust_function_creators
            | binlog_expire_logs_seconds | query_cache_size | query_cache_limit
            | thread_cache_size | table_open_cache | table_definition_cache
            | default_password_lifetime | password_history | mandatory_roles
            | innodb_(?!lock_wait_timeout|strict_mode|table_locks|ft_|tmpdir|ddl_|parallel_
                |compression_default|default_)\w+
            | (?:validate_password|rpl_|slave_|replica_|master_|group_replication_|audit_log)\w*
          )\b (?!\.)
      )
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_NOT_VARIABLES = re.compile(
    rb"\s*(?:(?:GLOBAL|PERSIST|PERSIST_ONLY)\s|@@(?:GLOBAL|PERSIST|PERSIST_ONLY)\s*\.)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Session:
    """The state of a session, as far as it differs from a new one.

    Parameters
    ----------
    schema : bytes, optional
        The default schema.
    drops : int
        How often the default schema has been dropped: entering it once more is no repetition.
    variables, user_variables : mapping of str to Value
        By name in lower case; the others are as on a new connection.
    origins : mapping
        Where each was set, for messages; two sessions are the same without it.
    """

    schema: bytes | None = None
    drops: int = 0
    variables: Mapping[str, Value] = field(default_factory=dict)
    user_variables: Mapping[str, Value] = field(default_factory=dict)
    origins: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def using(self, schema: bytes | None) -> Session:
        """Return the session after ``USE schema``; None: after the default schema's end."""
        if schema is None:
            return replace(self, schema=None, drops=self.drops + 1)
        return self if schema == self.schema else replace(self, schema=schema)

    def setting(self, variable: str, sql: bytes) -> Session:
        """Return the session with another value of a variable, given as the text of a literal."""
        return replace(self, variables={**self.variables, variable: Literal(sql)})

    def after(self, sql: bytes, origin: Any = None) -> Session | None:
        """Return the session after a SET, or None if its effect is not certain.

        Parameters
        ----------
        sql : bytes
            The statement as the server reads it: without comments (`versioned.effective`).
        origin : object, optional
            Kept as the place of the change.
        """
        assignments = _parse(sql)
        if assignments is None:
            return None
        variables, user_variables = dict(self.variables), dict(self.user_variables)
        origins = dict(self.origins)
        for assignment in assignments:
            value = self._value(assignment)
            if value is None:
                return None
            target = assignment.target
            origins[target] = origin
            if target.startswith("@"):
                user_variables[target] = value
                continue
            if target == CHARSET:  # sets the collation, too: both variables are one state
                if not isinstance(value, Literal):
                    return None
                target, value = COLLATION, DefaultOf(value.sql.strip(b"'\""))
            if value == Initial(target):
                variables.pop(target, None)
            elif isinstance(value, DefaultOf) and target != COLLATION:
                return None
            else:
                variables[target] = value
        return Session(self.schema, self.drops, variables, user_variables, origins)

    def assigned_by(self, sql: bytes) -> frozenset[Assigned]:
        """Return the assignments of a SET in this session, except those that every server takes.

        Parameters
        ----------
        sql : bytes
            A statement that `after` can follow.
        """
        assigned = set()
        for assignment in _parse(sql) or ():
            value = self._value(assignment)
            is_own = assignment.target.startswith("@") and isinstance(value, Literal)
            if value is not None and not is_own:
                assigned.add((assignment.target, value))
        return frozenset(assigned)

    def is_like(self, other: Session, *, but_for: Collection[str]) -> bool:
        """Return whether another session is the same but for some variables, and user variables."""
        return (self.schema, self.drops) == (other.schema, other.drops) and all(
            self.variables.get(name) == other.variables.get(name)
            for name in {*self.variables, *other.variables}.difference(but_for)
        )

    def is_off(self, variable: str) -> bool:
        """Return whether the script has switched a variable off by a literal."""
        value = self.variables.get(variable)
        return isinstance(value, Literal) and value.sql.strip(b"'\"").lower() in _OFF

    def text(self, variable: str) -> str | None:
        """Return the text that the script gave a variable; None if it is as on a new connection."""
        value = self.variables.get(variable)
        if not isinstance(value, Literal):
            return None
        return value.sql.strip(b"'\"").decode("ascii", "replace")

    def connection_charset(self, initial: str) -> str | None:
        """Return the character set of texts in statements; None if that is not known.

        Parameters
        ----------
        initial : str
            That of a new connection.
        """
        if COLLATION not in self.variables:
            return initial
        value = _charset_of(self.variables[COLLATION])
        return value.sql.decode("ascii", "replace").lower() if isinstance(value, Literal) else None

    def _value(self, assignment: Assignment) -> Value | None:
        if assignment.literal is not None:
            return Literal(assignment.literal)
        name = assignment.copied or ""
        if name.startswith("@"):
            return self.user_variables.get(name)  # one that was never set is NULL: not followed
        if name == CHARSET and COLLATION in self.variables:
            return _charset_of(self.variables[COLLATION])
        return self.variables.get(name, Initial(name))


def _charset_of(collation: Value) -> Value | None:
    if isinstance(collation, DefaultOf):
        return Literal(collation.charset)
    if isinstance(collation, Literal):
        return Literal(collation.sql.strip(b"'\"").partition(b"_")[0])
    return None


def copies_user_variable(sql: bytes) -> bool:
    """Return whether a SET, without comments, takes a value from a user variable."""
    assignments = _parse(sql)
    return assignments is not None and any(
        assignment.copied is not None and assignment.copied.startswith("@")
        for assignment in assignments
    )


def sets_global_only(sql: bytes) -> bool:
    """Return whether a SET, without comments, is about the server and not about any session.

    ``SET GLOBAL time_zone = ...`` is about sessions: those of connections that are made later.
    """
    found = _SET.match(sql)
    return bool(found and _OF_THE_SERVER_ALONE.match(sql, found.end()) and b"," not in sql)


@lru_cache(maxsize=256)
def _parse(sql: bytes) -> tuple[Assignment, ...] | None:  # noqa: PLR0911 - each says why not
    """Read the assignments of a SET; None where one of them is more than a value."""
    start = _SET.match(sql)
    if not start:
        return None
    names = _SET_NAMES.match(sql, start.end())
    if names:
        return _names(names)
    assignments: list[Assignment] = []
    at = start.end()
    while True:
        if _NOT_VARIABLES.match(sql, at):
            return None
        target, value = _TARGET.match(sql, at), None
        if target:
            value = _VALUE.match(sql, target.end())
        if not target or not value:
            return None
        name = _name(target["user"], target["system"])
        copied = _name(value["user"], value["system"]) if value["literal"] is None else None
        # If a statement both sets and reads a variable, the server's order of evaluation decides.
        if name in _NOT_FOLLOWED or copied in _NOT_COPIED | {done.target for done in assignments}:
            return None
        if value["literal"] is not None and not value["literal"].isascii():
            return None  # it means something else in another character set
        assignments.append(Assignment(name, value["literal"], copied))
        at = value.end()
        if not value["end"]:
            return tuple(assignments)


def _names(names: re.Match[bytes]) -> tuple[Assignment, ...] | None:
    if b"default" in (names["charset"].lower(), (names["collation"] or b"").lower()):
        return None
    charset = [Assignment(name, names["charset"], None) for name in _NAMED_BY_SET_NAMES]
    if names["collation"]:
        charset[-1] = Assignment(COLLATION, names["collation"], None)
    return tuple(charset)


def _name(user: bytes | None, system: bytes | None) -> str:
    name = (user if user is not None else system or b"").strip(b"`").decode("utf-8", "replace")
    return ("@" if user is not None else "") + name.lower()
