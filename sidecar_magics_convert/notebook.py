"""A notebook's file: read, changed in a few cells, and written as it was everywhere else.

An ``.ipynb`` is JSON, and only the text and the outputs of code cells matter here; so it is read
as that, and what is not known stays as it is. nbformat would also repair or sort the rest, and
neither IPython nor ipykernel brings it; the tests validate with it what is written here.
Source: nbformat's "The Notebook file format", 4.5.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar_magics import files
from sidecar_magics.errors import SettingsError

# From this minor version of format 4 on each cell has an id.
MINOR_WITH_IDS = 5
NEW_CELL_ID = "sidecar-magics"


@dataclass(frozen=True)
class TextLayout:
    """How the text of a file is laid out."""

    indent: str | None
    ascii_only: bool
    newline: str
    end: str

    @classmethod
    def of(cls, text: str) -> TextLayout:
        """Return the layout of a text; Jupyter's own has an indent of one."""
        match = re.match(r"\s*\{\r?\n(\s+)", text)
        escaped = text.isascii() and re.search(r"\\u[0-9a-fA-F]{4}", text) is not None
        newline = "\r\n" if "\r\n" in text else "\n"
        return cls(match[1] if match else None, escaped, newline, newline * text.endswith("\n"))

    def text(self, value: Any) -> str:
        """Return a value laid out like this."""
        text = json.dumps(value, indent=self.indent, ensure_ascii=self.ascii_only)
        if not _can_be_written(text):
            text = json.dumps(value, indent=self.indent)
        return text.replace("\n", self.newline) + self.end


class Notebook:
    """A notebook: its cells, and how they are written.

    Parameters
    ----------
    path : Path
        Where it is.
    text : str
        What is in it.

    Raises
    ------
    SettingsError
        It is no notebook, or one of before format 4.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        try:
            self._content = json.loads(text)
            version = self._content["nbformat"]
            self.cells: list[dict[str, Any]] = self._content["cells"] if version == 4 else []
            self._has_ids = self._content.get("nbformat_minor", 0) >= MINOR_WITH_IDS
            self.sources = ["".join(cell["source"]) for cell in self.cells]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SettingsError(f"{path} is not a notebook.", hint="name an .ipynb file.") from None
        if version != 4:
            raise SettingsError(
                f"{path} is a notebook of format {version}, and this reads format 4.",
                hint="open and save it in Jupyter first.",
            )

    @classmethod
    def read(cls, path: Path) -> Notebook:
        """Read a file.

        Raises
        ------
        SettingsError
            It cannot be read, or is no notebook.
        """
        try:
            with path.open(encoding="utf-8", newline="") as file:
                return cls(path, file.read())
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{path} is not a notebook.", hint="name an .ipynb file.") from None

    @property
    def language(self) -> str:
        """The language of its kernel, in lower case; Python's where it does not say."""
        metadata = self._content.get("metadata")
        for group, key in (("kernelspec", "language"), ("language_info", "name")):
            values = metadata.get(group) if isinstance(metadata, dict) else None
            if isinstance(values, dict) and isinstance(values.get(key), str) and values[key]:
                return str(values[key]).lower()
        return "python"

    def code(self) -> list[int]:
        """Return the numbers of the code cells, counted from 0."""
        return [at for at, cell in enumerate(self.cells) if cell.get("cell_type") == "code"]

    def written(self, changes: dict[int, str], first: str | None) -> str:
        """Return the notebook's text with some cells changed.

        Parameters
        ----------
        changes : dict of int to str
            New sources by the cell's number. Their outputs are dropped; all else stays.
        first : str, optional
            A cell to be put before the first of these.
        """
        if not changes:
            return self.text
        cells: list[dict[str, Any]] = [
            {
                **cell,
                "source": _as(cell["source"], changes[at]),
                "outputs": [],
                "execution_count": None,
            }
            if at in changes
            else cell
            for at, cell in enumerate(self.cells)
        ]
        if first is not None:
            at = min(changes)
            cells.insert(at, self._new_cell(first, self.cells[at]["source"]))
        return TextLayout.of(self.text).text({**self._content, "cells": cells})

    def _new_cell(self, source: str, like: Any) -> dict[str, Any]:
        taken = {cell.get("id") for cell in self.cells}
        names = (f"{NEW_CELL_ID}{number or ''}" for number in range(len(taken) + 1))
        identity = (
            {"id": next(name for name in names if name not in taken)} if self._has_ids else {}
        )
        return {
            "cell_type": "code",
            "execution_count": None,
            **identity,
            "metadata": {},
            "outputs": [],
            "source": _as(like, source),
        }


def _can_be_written(text: str) -> bool:
    """Return whether a text can be UTF-8; half a pair of surrogates, as JSON may have, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as(old: Any, source: str) -> Any:
    """Return a source as a text, or as a list of lines, as the old one is."""
    return source if isinstance(old, str) else source.splitlines(keepends=True)


def replace(path: Path, text: str, *, keep: bool) -> Path | None:
    """Write a file as a whole or not at all; return where the old one was kept.

    Parameters
    ----------
    path : Path
        The file; a new one may be there or not, as a link or itself.
    text : str
        What it is to hold.
    keep : bool
        Whether to keep what it was, as ``.bak``, ``.bak2`` and so on: the first name that is free.

    Raises
    ------
    SettingsError
        It cannot be written; then it is as it was.
    """
    try:
        backup = files.keep(path) if keep else None
        files.write(path, text)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from None
    return backup
