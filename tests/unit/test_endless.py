"""Nothing in the tests can wait for ever, and none asserts on seconds: their code is read for it.

pytest-timeout would end such a test, but after minutes and with one sentence; and threads, and what
runs outside of pytest, have no other limit than their own.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
ALLOWED = {
    ("benchmarks/peers.py", "threading.Timer"): "kills the process that wait4 waits for",
    ("benchmarks/peers.py", "os.wait4"): "only it tells what the process took; a timer kills that",
    ("hub/apiserver.py", "get()"): "ends with the client's time, when its task is cancelled",
    ("hub/pods/hub.py", "result()"): "of a task that is done",
    ("hub/pods/kubelet.py", "result()"): "of a task that is done",
    ("hub/pods/kubelet.py", "while ... sleep"): "a kubelet looks until its task is cancelled",
    ("hub/pods/podman.py", "communicate"): "wait_for is around its task",
    ("unit/test_errors.py", "ProcessPoolExecutor"): "is itself tested, in a thread with a limit",
}
# Notebooks as other people write them.
NOT_OURS = TESTS / "notebooks" / "tutorials"


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
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not measures:
            yield from _of_test(node)
    yield from _of_sockets(tree)


def _name(node: ast.expr) -> str:
    """Return the dotted name of what is called; of other expressions only what follows them."""
    if isinstance(node, ast.Attribute):
        before = _name(node.value)
        return f"{before}.{node.attr}" if before else f"?.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _is(call: ast.expr, *names: str) -> bool:
    """Return whether something is a call of one of these, with whatever before their names."""
    found = _name(call.func) if isinstance(call, ast.Call) else ""
    return any(found == name or found.endswith(f".{name}") for name in names)


def _has_limit(call: ast.Call, number: int | None) -> bool:
    given = [each for each in call.keywords if each.arg in ("timeout", "timeout_s", None)]
    if any(each.arg is None or not _is_none(each.value) for each in given):
        return True
    return number is not None and len(call.args) >= number and not _is_none(call.args[number - 1])


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _mentions_deadline(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and "deadline" in node.id


def _of_call(call: ast.Call) -> Iterator[tuple[int, str, str]]:
    name = _name(call.func)
    last = name.rpartition(".")[2]
    given = [*call.args, *(each.value for each in call.keywords)]
    nothing = all(_is_none(each) for each in given)
    if "." in name and last in ENDLESS and nothing:
        yield call.lineno, f"{last}()", "has no limit"
    for limited, number in LIMITED.items():
        if _is(call, limited) and not _has_limit(call, number):
            yield call.lineno, limited, "has no timeout"
    for never, instead in NEVER.items():
        if _is(call, never) and "WNOHANG" not in ast.dump(call):
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
    if naps and not any(_mentions_deadline(each) for each in ast.walk(loop)):
        yield loop.lineno, "while ... sleep", "has no deadline; take tests.background.until"


def _of_test(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str, str]]:
    """Find a test that looks at the clock without its mark; a deadline measures nothing."""
    if not test.name.startswith("test_") or any(map(_is_timing, test.decorator_list)):
        return
    for line in ast.walk(test):
        if not isinstance(line, (ast.Assign, ast.Expr, ast.Return)) or any(
            _mentions_deadline(part) for part in ast.walk(line)
        ):
            continue
        for each in ast.walk(line):
            if isinstance(each, ast.Call) and _is(each, *(f"time.{clock}" for clock in CLOCKS)):
                yield each.lineno, "clock", "is for tests with the mark timing"


def _is_timing(decorator: ast.expr) -> bool:
    return _name(decorator) == "pytest.mark.timing"


def _of_assertion(node: ast.Assert) -> Iterator[tuple[int, str, str]]:
    for each in ast.walk(node.test):
        if not isinstance(each, ast.Compare):
            continue
        if any(_mentions_deadline(part) for part in ast.walk(each)):
            continue  # of a poll
        for part in ast.walk(each):
            if isinstance(part, ast.Call) and _is(part, *(f"time.{clock}" for clock in CLOCKS)):
                yield node.lineno, "assert ... seconds", "asserts on a clock"
            elif (
                isinstance(part, ast.Attribute)
                and part.attr in DURATIONS
                and any(isinstance(other, ast.Constant) for other in each.comparators)
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


def test_nothing_waits_for_ever() -> None:
    found, allowed = [], set()
    for path in sorted(TESTS.rglob("*.py")):
        if NOT_OURS in path.parents:
            continue
        name = path.relative_to(TESTS)
        for line, what, why in faults(path.read_text(), measures=name.parts[0] == "benchmarks"):
            if (name.as_posix(), what) in ALLOWED:
                allowed.add((name.as_posix(), what))
            else:
                found.append(f"tests/{name}:{line}: {what} {why}")
    assert not found, "\n" + "\n".join(found)
    assert allowed == ALLOWED.keys(), "what is not needed any more is not allowed any more"


@pytest.mark.parametrize(
    "code",
    [
        "thread.join()",
        "event.wait()",
        "event.wait(None)",
        "event.wait(timeout=None)",
        "self.queue.get()",
        "lock.acquire()",
        "future.result()",
        "process.communicate()",
        "process.communicate(b'x')",
        "process.communicate(timeout=None)",
        "subprocess.run(command, check=True)",
        "subprocess.check_output(command)",
        "os.system('sleep 9')",
        "os.waitpid(pid, 0)",
        "with subprocess.Popen(command) as process: pass",
        "socket.create_connection(where)",
        "urlopen(url)",
        "select.select([a], [], [])",
        "await asyncio.wait({task})",
        "threading.Thread(target=f).start()",
        "threading.Thread(target=f, daemon=False).start()",
        "threading.Timer(1, f).start()",
        "with ThreadPoolExecutor() as pool: pass",
        "server.accept()",
        "connection.recv(9)",
        "sock.settimeout(None)",
        "while not seen: time.sleep(0.01)",
        "while True:\n    if seen: break\n    time.sleep(1)",
        "while not await ready(): await asyncio.sleep(1)",
        "assert time.monotonic() - start < 5",
        "assert 0.5 <= time.monotonic() - start",
        "assert sidecar.waited_s < 10",
        "start = time.monotonic()\nwait()\ntook = time.monotonic() - start\nassert took < 5",
        "seen.append(time.perf_counter())",
        "def look():\n    return time.time()",
    ],
)
def test_what_is_found(code: str) -> None:
    indented = code.replace("\n", "\n    ")
    prefix = "async " if "await" in code else ""
    assert list(faults(f"{prefix}def test_it():\n    {indented}\n")), code


@pytest.mark.parametrize(
    "code",
    [
        "thread.join(5)",
        "', '.join(names)",
        "event.wait(timeout=5)",
        "known.get('x')",
        "process.communicate(b'x', timeout=5)",
        "process.communicate(b'x', 5)",
        "subprocess.run(command, timeout=5)",
        "subprocess.run(command, **options)",
        "subprocess.Popen(command)",
        "os.waitpid(pid, os.WNOHANG)",
        "socket.create_connection(where, 5)",
        "threading.Thread(target=f, daemon=True)",
        "await asyncio.wait({task}, timeout=1)",
        "server.settimeout(5); server.accept()",
        "while time.monotonic() < deadline: time.sleep(0.1)",
        "while queue: queue.pop()",
        "assert time.monotonic() < deadline_s",
        "assert sidecar.waited_s > 0",
        "assert 0 < sidecar.waited_s <= took_s",
        "deadline_s = time.monotonic() + 5",
    ],
)
def test_what_is_not(code: str) -> None:
    prefix = "async " if "await" in code else ""
    assert not list(faults(f"{prefix}def test_it():\n    {code}\n"))


def test_measurements_may_be_compared() -> None:
    code = "assert time.monotonic() - start < 5"
    assert list(faults(code))
    assert not list(faults(code, measures=True))


def test_a_test_with_the_mark_may_look_at_the_clock() -> None:
    code = "def test_it():\n    start = time.monotonic()\n"
    assert list(faults(code))
    assert not list(faults(f"@pytest.mark.timing\n{code}"))
    assert list(faults(f"@pytest.mark.slow\n{code}"))
