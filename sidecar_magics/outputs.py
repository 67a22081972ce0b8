"""Reports as IPython and pandas see them."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class CellOutput:
    """A dataclass that is the result of a cell, whose display may have shown it already.

    Attributes
    ----------
    is_on_screen : callable, optional
        Returns whether the output of the cell that runs now shows it. It belongs to this process:
        copies and pickles do not have it.
    """

    is_on_screen: Callable[[], bool] | None = None

    # Of the dataclass's fields, those that belong to this process, too.
    HIDDEN: tuple[str, ...] = ()

    def _ipython_display_(self) -> None:
        # Not implemented: IPython continues to the other forms.
        if self.is_on_screen is None or not self.is_on_screen():
            raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields that can be kept, pickled and copied."""
        names = [field.name for field in fields(self) if field.name not in self.HIDDEN]  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names}


def pandas_module() -> Any:
    """Return pandas, which is not a dependency.

    Raises
    ------
    ImportError
        It is not installed.
    """
    try:
        import pandas  # noqa: PLC0415
    except ImportError:
        message = "to_frame() needs pandas, which is not installed: pip install pandas"
        raise ImportError(message, name="pandas") from None
    return pandas
