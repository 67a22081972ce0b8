"""Nothing in the tests can wait for ever, and none asserts on seconds: their code is read for it.

pytest-timeout would end such a test, but after minutes and with one sentence; and threads, and what
runs outside of pytest, have no other limit than their own.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]

# Without an argument these wait for ever: threads, processes, events, queues, locks, futures.
ENDLESS = {"join", "wait", "get", "acquire", "result"}
# What these wait for has to have a limit by name, or as so many arguments.
LIMITED = {
    "subprocess.run": None,
    "subprocess.call": None,
    "subprocess.check_call": None,
    "subprocess.check_output": None,
    "asyncio.wait": None,
    "urlopen": None,
    "create_connection": 2,
    "communicate": 2,
    "wait_for": 2,
    "select.select": 4,
}
# These cannot have a limit.
NEVER = {
    "os.wait": "tests.background.running",
    "os.waitpid": "tests.background.running",
    "os.wait3": "tests.background.running",
    "os.wait4": "tests.background.running",
    "os.system": "subprocess.run",
    "threading.Timer": "tests.background.meanwhile",
    "ThreadPoolExecutor": "tests.background.meanwhile",
    "ProcessPoolExecutor": "tests.background.meanwhile",
    "multiprocessing.Pool": "tests.background.meanwhile",
}
# Without daemon=True pytest does not end before they do.
DAEMONS = {"threading.Thread", "multiprocessing.Process"}
CLOCKS = {"monotonic", "perf_counter", "time", "thread_time", "process_time"}
DURATIONS = {"waited_s", "uptime_s", "elapsed_s"}

# Where a rule does not fit, by file and what is found there, and why.
ALLOWED: dict[tuple[str, str], str] = {}


def faults(code: str, *, measures: bool = False) -> Iterator[tuple[int, str, str]]:
    """Yield line, call and reason of all that may wait for ever in a module.

    Parameters
    ----------
    code : str
        The module's text.
    measures : bool
        Whether it is there to measure seconds.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.With):
            yield from _of_with(node)
        elif isinstance(node, ast.While):
            yield from _of_loop(node)
        elif isinstance(node, ast.Assert) and not measures:
            yield from _of_assertion(node)
    yield from _of_sockets(tree)


def _name(node: ast.expr) -> str:
    """Return the dotted name of what is called; of other expressions only what follows them."""
    if isinstance(node, ast.Attribute):
        before = _name(node.value)
        return f"{before}.{node.attr}" if before else f"?.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _is(call: ast.expr, *names: str) -> bool:
    """Tell whether something is a call of one of these, with whatever before their names."""
    found = _name(call.func) if isinstance(call, ast.Call) else ""
    return any(found == name or found.endswith(f".{name}") for name in names)


def _has_limit(call: ast.Call, number: int | None) -> bool:
    given = [each for each in call.keywords if each.arg in ("timeout", "timeout_s", None)]
    if any(each.arg is None or not _is_none(each.value) for each in given):
        return True
    return number is not None and len(call.args) >= number and not _is_none(call.args[number - 1])


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _of_call(call: ast.Call) -> Iterator[tuple[int, str, str]]:
    name = _name(call.func)
    last = name.rpartition(".")[2]
    nothing = not call.keywords and all(_is_none(each) for each in call.args)
    if "." in name and last in ENDLESS and nothing:
        yield call.lineno, f"{last}()", "has no limit"
    for limited, number in LIMITED.items():
        if _is(call, limited) and not _has_limit(call, number):
            yield call.lineno, limited, "has no timeout"
    for never, instead in NEVER.items():
        if _is(call, never):
            yield call.lineno, never, f"has no limit; take {instead}"
    if _is(call, *DAEMONS) and not any(
        each.arg == "daemon" and isinstance(each.value, ast.Constant) and each.value.value
        for each in call.keywords
    ):
        yield call.lineno, name, "is no daemon; take tests.background.meanwhile"
    if last == "settimeout" and nothing:
        yield call.lineno, "settimeout(None)", "takes a limit away"


def _of_with(node: ast.With) -> Iterator[tuple[int, str, str]]:
    for item in node.items:
        if _is(item.context_expr, "Popen"):
            yield node.lineno, "with Popen", "waits at its end; take tests.background.running"


def _of_loop(loop: ast.While) -> Iterator[tuple[int, str, str]]:
    inside = [each for part in loop.body for each in ast.walk(part)]
    naps = any(isinstance(each, ast.Call) and _is(each, "sleep") for each in inside)
    names = {each.id for each in ast.walk(loop) if isinstance(each, ast.Name)}
    if naps and not any("deadline" in name for name in names):
        yield loop.lineno, "while ... sleep", "has no deadline; take tests.background.until"


def _of_assertion(node: ast.Assert) -> Iterator[tuple[int, str, str]]:
    for each in ast.walk(node.test):
        if not isinstance(each, ast.Compare):
            continue
        for part in ast.walk(each):
            if isinstance(part, ast.Call) and _is(part, *(f"time.{clock}" for clock in CLOCKS)):
                yield node.lineno, "assert ... seconds", "asserts on a clock"
            elif (
                isinstance(part, ast.Attribute)
                and part.attr in DURATIONS
                and any(isinstance(operator, (ast.Lt, ast.LtE)) for operator in each.ops)
            ):
                yield node.lineno, "assert ... seconds", f"asserts that {part.attr} is short"


def _of_sockets(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
    if any(_is(each, "settimeout") for each in calls):
        return
    for each in calls:
        if _is(each, "accept", "recv", "recv_into", "recvfrom"):
            yield each.lineno, _name(each.func).rpartition(".")[2], "its socket has no limit"
