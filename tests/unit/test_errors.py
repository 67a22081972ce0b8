"""Every error of the tree, in other processes and as a copy: it is the same, with all it knows."""

from __future__ import annotations

import copy
import importlib
import inspect
import multiprocessing
import pickle
import pkgutil
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Callable

import pytest

import sidecar_magics
from sidecar_magics import errors
from sidecar_magics.load.reporting.report import LoadReport
from tests.background import LIMIT_S, at_once

if TYPE_CHECKING:
    from collections.abc import Iterator


def classes() -> list[type[BaseException]]:
    """Return all errors that a user can meet, of whatever module."""
    for module in pkgutil.walk_packages(sidecar_magics.__path__, "sidecar_magics."):
        if module.name != "sidecar_magics.__main__":
            importlib.import_module(module.name)
    return [errors.Interrupted, *_below(errors.SidecarError)]


def _below(cls: type[BaseException]) -> Iterator[type[BaseException]]:
    yield cls
    for other in cls.__subclasses__():
        yield from _below(other)


def made(cls: type[BaseException]) -> BaseException:
    """Return an error with something else in each of its attributes."""
    names: dict[str, Any] = {}
    for base in cls.__mro__:
        if base.__module__.startswith("sidecar_magics") and "__init__" in vars(base):
            names.update(inspect.signature(base.__init__).parameters)  # type: ignore[misc]
    values: dict[str, Any] = {
        name: f"{name} of it" for name in names if name not in ("self", "message", "kwargs")
    }
    values.update({name: number for number, name in enumerate(values) if name in NUMBERS})
    if "details" in values:
        values["details"] = ("one", "two")
    if "report" in values:
        values["report"] = report()
    return cls("what happened", **values)


NUMBERS = {"waited_s", "attempts", "errno", "line", "column", "offset"}


def report() -> LoadReport:
    done = LoadReport("dump.sql", started=1.0)
    done.add("a.b", rows=3)
    done.is_on_screen = lambda: True
    return done


def raise_it(cls: type[BaseException]) -> None:
    raise made(cls)


def same(error: BaseException, other: BaseException) -> bool:
    return (
        type(error) is type(other)
        and error.args == other.args
        and str(error) == str(other)
        and vars(error) == vars(other)
    )


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.__name__)
@pytest.mark.parametrize(
    "through",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda error, protocol=protocol: pickle.loads(pickle.dumps(error, protocol))
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
    ids=["copy", "deepcopy", *(f"pickle-{n}" for n in range(pickle.HIGHEST_PROTOCOL + 1))],
)
def test_an_error_survives_a_copy(
    cls: type[BaseException], through: Callable[[BaseException], BaseException]
) -> None:
    error = made(cls)
    copied = through(error)
    assert copied is not error
    assert same(error, copied)
    if isinstance(copied, errors.SidecarError):
        assert copied._render_traceback_() == error._render_traceback_()  # type: ignore[attr-defined]


def test_a_note_is_kept() -> None:
    error = made(errors.AccessError)
    error.__notes__ = ["seen by a test"]  # add_note(), since Python 3.11
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["seen by a test"]


@pytest.fixture(scope="module")
def pool() -> Iterator[Any]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield pool


@pytest.mark.parametrize("cls", classes()[1:], ids=lambda cls: cls.__name__)
def test_an_error_comes_out_of_a_pool(cls: type[BaseException], pool: Any) -> None:
    with pytest.raises(cls) as caught:
        pool.apply_async(raise_it, (cls,)).get(LIMIT_S)
    assert same(caught.value, made(cls))


def test_errors_come_out_of_an_executor_as_joblib_has_one() -> None:
    def all_of_them() -> None:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
            for cls in classes()[1:]:
                error = executor.submit(raise_it, cls).exception(LIMIT_S)
                assert error is not None
                assert same(error, made(cls))

    at_once(all_of_them)  # an executor waits for its processes as long as they last
