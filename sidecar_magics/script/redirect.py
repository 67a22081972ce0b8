"""Redirect a script of one schema into another schema.

That is sound only if the script is about one schema. If it is about two, or that is unclear, the
statement is refused, with a sentence, before it is sent.
"""

from __future__ import annotations

import re

from .classify import Classification, Kind
from .insertion import Insertion
from .names import Mention, Names
from .selection import is_system_schema
from .tokens import Edit, Shape, Token, quoted

_HAVE_BODIES = {Kind.ROUTINE, Kind.EVENT, Kind.TRIGGER}
OBJECTS = {Kind.TABLE, Kind.DATA, Kind.VIEW, Kind.TRIGGER, Kind.ROUTINE, Kind.EVENT}


# mysqldump and mariadb-dump: "-- Host: localhost    Database: shop"; nothing after it if there
# are several schemas in it.
_HEADING = re.compile(rb"^-- Host: [^\n]*?[ \t]Database: ([^\r\n]+)", re.MULTILINE)


def schema_of_heading(beginning: bytes) -> str | None:
    """Return the schema that a dump's heading names; None if it names none or several."""
    heading = _HEADING.search(beginning)
    return heading[1].decode("utf-8", "replace").strip() or None if heading else None


class RewriteError(ValueError):
    """A script cannot be changed as asked, for a reason that is one sentence.

    Parameters
    ----------
    message : str
        The reason.
    hint : str, default ""
        The next step.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Redirect:
    """The way from a script's own schema to another one.

    Parameters
    ----------
    into : str
        The other one.
    source : str, optional
        The script's own one, if known from elsewhere.

    Attributes
    ----------
    source : str or None
        The script's own schema, as soon as it has named it.
    notes : list of str
        Texts that were left as they are.
    """

    def __init__(self, into: str, source: str | None = None) -> None:
        self.into = into
        self.source = source
        self.notes: list[str] = []
        self._has_unqualified = False

    def settle(self, schema: str | None) -> None:
        """Take a default schema of the script as its own.

        Raises
        ------
        RewriteError
            It has another one already.
        """
        if schema is None or is_system_schema(schema):
            return
        if self.source is None:
            self.source = schema
        if schema != self.source:
            raise self._two(schema)

    def of_rows(self, rows: Insertion) -> list[Edit]:
        """Return the edit that sends rows to the other schema.

        Raises
        ------
        RewriteError
            They go to a second one.
        """
        if rows.schema is None or is_system_schema(rows.schema):
            return []
        self._check(rows.schema, rows.table, begins=True)
        return [] if self.source == self.into else [Edit(*rows.schema_at, quoted(self.into))]

    def see_unqualified(self) -> None:
        """Take note of a statement about something that has no schema before its name."""
        self._has_unqualified = self._has_unqualified or self.source is None

    def of_statement(
        self, statement: list[Token], names: Names, about: Classification
    ) -> list[Edit]:
        """Return the edits that send a statement to the other schema.

        Raises
        ------
        RewriteError
            It names a second schema, or a name that may be a schema or not.
        """
        edits = []
        kind = about.kind
        for number, mention in enumerate(names.mentions):
            if is_system_schema(mention.schema):
                continue
            schema = _unescaped(mention) if kind is Kind.ACCOUNT else mention.schema
            if not mention.certain:
                self._check_uncertain(schema, mention)
                continue
            # The schema of the statement's own object is the script's; that of another one need
            # not be.
            begins = number == 0 and about.schema is not None
            self._check(schema, mention.object, begins=begins)
            edits.append(self._edit(mention, escaped=schema != mention.schema))
        if kind is Kind.SCHEMA and edits:
            edits[0] = _unless_exists(statement, edits[0])
        if kind in _HAVE_BODIES:
            self._note_dynamic(statement, names)
        return [] if self.source == self.into else edits

    def _check(self, schema: str, name: str | None, *, begins: bool) -> None:
        if self.source is None and not begins:
            raise RewriteError(
                f"--into cannot know what `{schema}`.`{name}` is: the script has not said yet"
                " which schema is its own"
            )
        if self.source is None and self._has_unqualified and name is not None:
            raise RewriteError(
                f"--into takes a script of one schema, and this one names `{schema}`.`{name}`"
                " after tables without a schema"
            )
        self.source = self.source or schema
        if schema != self.source:
            raise self._two(schema, name)

    def _check_uncertain(self, schema: str, mention: Mention) -> None:
        if schema == self.source and schema != self.into:
            raise RewriteError(
                f"--into cannot know whether `{schema}`.`{mention.object}` is a table of the"
                " schema or a column of a table with its name"
            )

    def _two(self, schema: str, name: str | None = None) -> RewriteError:
        what = f"`{schema}`" if name is None else f"`{schema}`.`{name}`"
        return RewriteError(
            f"--into takes a script of one schema, and this one, of `{self.source}`, names {what}",
            hint=f"load the tables of one: --tables '{self.source}.*'.",
        )

    def _edit(self, mention: Mention, *, escaped: bool) -> Edit:
        into = self.into
        if escaped:
            into = into.replace("_", r"\_").replace("%", r"\%")
        return Edit(mention.token.start, mention.token.end, quoted(into))

    def _note_dynamic(self, statement: list[Token], names: Names) -> None:
        """Say that a body builds statements out of texts, which are left as they are."""
        source = (self.source or "").encode()
        builds = any(token.word in (b"PREPARE", b"IMMEDIATE") for token in statement)
        texts = (token.text for token in statement if token.shape is Shape.TEXT)
        if builds and source and any(source in text for text in texts):
            note = f"a text with {self.source} in it, which a routine may execute, is left as it is"
            if note not in self.notes:
                self.notes.append(note)


def _unescaped(mention: Mention) -> str:
    r"""Return the schema that rights are given on: GRANT has a pattern, ``my\_schema``."""
    if mention.object is not None:
        return mention.schema
    return mention.schema.replace(r"\_", "_").replace(r"\%", "%")


def _unless_exists(statement: list[Token], edit: Edit) -> Edit:
    """Let CREATE DATABASE stand for CREATE DATABASE IF NOT EXISTS: the schema may be there."""
    words = [token.word for token in statement if token.start < edit.start]
    if b"CREATE" in words and not {b"EXISTS", b"REPLACE"} & set(words):
        return edit._replace(text=b"IF NOT EXISTS " + edit.text)
    return edit
