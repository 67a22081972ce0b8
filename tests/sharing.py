"""How pytest-xdist deals out tests to the processes of `make test`, which have their own servers.

A process gets the tests of a file together, as its fixtures and servers are made once a file. The
corpus is one long file with servers of its own for each flavour: there a flavour is what stays
together. Where a test takes longest comes first, so that no process is alone with it at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

TESTS = Path(__file__).parent
# What takes longest, with few tests; then all that is not named; then what takes no time.
FIRST = (
    "notebooks/test_installed.py",
    "corpus",
    "faults",
    "notebooks",
    "integration/test_check.py",
    "matrix",
    "integration",
)
LAST = ("unit",)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put first what takes longest, where several processes share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal out the tests by `share_of`, in the order of `rank`."""
    from xdist.scheduler import LoadScopeScheduling  # only this hook needs it

    config.option.loadscopereorder = False
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = share_of
    return scheduler


def share_of(nodeid: str) -> str:
    """Return the name of what stays in one process: a file, and a flavour in the corpus."""
    path, _, test = nodeid.partition("::")
    if not path.endswith("corpus/test_faithful.py"):
        return path
    return f"{path}::{'mariadb' if 'mariadb, ' in test else 'mysql'}"


def rank(path: Path) -> int:
    """Return a file's place: the lower, the sooner it is begun."""
    name = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else path.as_posix()
    for place, prefix in enumerate(FIRST):
        if _is_below(name, [prefix]):
            return place
    return len(FIRST) + _is_below(name, LAST)


def _is_below(name: str, prefixes: Iterable[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}/") for prefix in prefixes)
