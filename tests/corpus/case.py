"""One script of the corpus: who makes it, and how the real client is to load it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.corpus.workshop import Workshop

BOTH = ("mysql", "mariadb")
MYSQL = ("mysql",)
MARIADB = ("mariadb",)


@dataclass(frozen=True)
class Case(ABC):
    """A script, and what is known about it before it is made.

    Parameters
    ----------
    name : str
        Maker and option, as a failing test shows them.
    flavours : tuple of str, default both servers
        Which servers take it.
    database : str or None, default None
        Schema to make and to choose beforehand.
    first : Case or None, default None
        A script that the client loads beforehand.
    errors : mapping, default {}
        By flavour, the number of the error that the script ends with, if it does.
    client_options : tuple of str, default ()
        What the client needs to be told to read the script as it stands.
    spoils_server : bool, default False
        Whether it changes what only a new server has again: the schema ``mysql``.
    """

    name: str
    flavours: tuple[str, ...] = BOTH
    database: str | None = None
    first: Case | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    client_options: tuple[str, ...] = ()
    spoils_server: bool = False

    @abstractmethod
    def write(self, workshop: Workshop) -> Path:
        """Write the script, unless it is a file of its own, and return where it is."""
