"""Break each rule of the walk and of the scheduler once, and run the tests that have to notice.

python -m tests.unit.mutants load/walk.py
python -m tests.unit.mutants load/walk.py "quit ends a script"

A mutant is one edit of a module. Each runs in a fork of this process, which has imported what takes
long; so it costs about a second. A rule of lanes may also be noticed by the simulation, in one of
its first courses. Older faults of theirs are in `tests/simulation/mutations.py`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import tests.conftest  # noqa: F401 - what it imports takes longest
from tests.background import until
from tests.simulation.course import play

PROJECT = Path(__file__).parents[2]
# Of one mutant, and of one of its tests; one that takes longer is not noticed.
LIMIT_S = 240
TEST_S = 30
# Of the simulation, which has most rules of lanes.
COURSES = 1000
LANE, DOUBTS, AGAIN = (f"load/running/{name}.py" for name in ("lane", "doubts", "reconnecting"))
WALK, SCHEDULER = "load/walk.py", "load/running/scheduler.py"
TESTS = {
    WALK: ("tests/unit/test_walk_rules.py", "tests/unit/test_walk.py"),
    SCHEDULER: ("tests/unit/test_schedule.py",),
    LANE: ("tests/unit/test_lane.py",),
    DOUBTS: ("tests/unit/test_doubts.py",),
    AGAIN: ("tests/unit/test_reconnecting.py",),
}


class Mutant(NamedTuple):
    """A rule that is broken: in which module, and how; `before` stands there once."""

    rule: str
    module: str
    before: str
    after: str


def walk(rule: str, before: str, after: str) -> Mutant:
    """Return a mutant of the walk."""
    return Mutant(rule, WALK, before, after)


def lane(rule: str, before: str, after: str, module: str = LANE) -> Mutant:
    """Return a mutant of what lanes do."""
    return Mutant(rule, module, before, after)


def scheduler(rule: str, before: str, after: str) -> Mutant:
    """Return a mutant of the scheduler."""
    return Mutant(rule, SCHEDULER, before, after)


MUTANTS = (
    # Where scripts begin and end
    walk("links are checked first", "scripts.check_inside()", "pass"),
    walk("a fresh session begins", "if source.fresh_session:", "if False:"),
    walk("its schema is the file's", "begin_session(schema)", "begin_session(None)"),
    walk(
        "the script's schema is the file's",
        "self._script_schema = source.schema",
        "self._script_schema = None",
    ),
    walk("an unknown session is renewed", "        if unknown:\n", "        if False:\n"),
    walk("a known one is not", "        if unknown:\n", "        if True:\n"),
    walk("the database is entered", "if self._policy.database is not None:", "if False:"),
    walk(
        "--database is the script's schema, too",
        "self._script_schema = self._policy.database",
        "pass",
    ),
    walk("each script has its delimiter", "self._delimiter = source.delimiter", "pass"),
    walk(
        "all is read for the digest",
        "        for chunk in source.chunks():\n            unread",
        "        for chunk in ():\n            unread",
    ),
    walk("a dump that was cut is reported", "if source.looks_truncated:", "if False:"),
    walk(
        "what was held back comes at the end",
        "        yield from self._planner.finish()\n        self._report_rewriting()",
        "        self._report_rewriting()",
    ),
    walk(
        "what was held back comes before an error",
        "        except SidecarError:\n            yield from self._planner.finish()\n",
        "        except SidecarError:\n",
    ),
    walk(
        "what was left out is counted",
        "self._report.skipped = dict(rewriter.skipped)",
        "pass",
    ),
    walk("an empty script is reported", "if not self._has_statements:", "if False:"),
    walk("patterns that match nothing are", "in rewriter.unmatched:", "in ():"),
    walk(
        "a dump is known by its beginning",
        'chunk.lstrip(b"\\xef\\xbb\\xbf\\r\\n ").startswith(\n                        _DUMP_MARKS\n'
        "                    )",
        "False",
    ),
    walk(
        "each script is a dump by itself",
        "self._planner.is_dump = chunk.lstrip",
        "self._planner.is_dump |= chunk.lstrip",
    ),
    walk(
        "--into knows the heading's schema",
        "self.rewriter = self._make_rewriter(schema_of_heading(chunk))",
        "pass",
    ),
    # Scripts in scripts
    walk(
        "a sourced script begins with the delimiter",
        "            self._delimiter = splitter.delimiter\n",
        "",
    ),
    walk(
        "what follows has the sourced script's",
        "            splitter.delimiter = self._delimiter\n",
        "",
    ),
    walk("quit ends a script", "            self._ended = True\n", "            pass\n"),
    walk("and no other", "        self._ended = False\n        self._fed", "        self._fed"),
    walk("what quit leaves is reported", "self._note_unread(item, source)", "pass"),
    walk("source is relative to its script", "path = step.source.folder", "path = Path()"),
    walk("a missing script is refused", "self._server.refuse(error, step)", "raise"),
    walk("the sandbox is known", "            self._sandboxed = True\n", "            pass\n"),
    walk(
        "scripts outside are refused",
        "home not in path.parents and not self._policy.allow_outside_source",
        "False",
    ),
    walk(
        "unless they are allowed",
        "path.parents and not self._policy.allow_outside_source",
        "path.parents",
    ),
    walk(
        "no script sources itself",
        "any(path == source.path for source in self._opened)",
        "False",
    ),
    walk("a script is closed in its own place", "        self._opened.pop()\n", ""),
    # Commands
    walk("use is a USE", "if effect is Effect.USE:", "if False:"),
    walk("charset is SET NAMES", 'b"SET NAMES " + argument', 'b"SET NAMES x"'),
    walk(
        "other commands are refused",
        "effect in (Effect.REFUSE, Effect.RESET_CONNECTION)",
        "effect is Effect.RESET_CONNECTION",
    ),
    walk(
        "so is a new session",
        "effect in (Effect.REFUSE, Effect.RESET_CONNECTION)",
        "effect is Effect.REFUSE",
    ),
    walk(
        "a schema that is not wanted is not entered",
        "        if wanted is None:\n            return\n        schema = (",
        "        wanted = wanted or statement.sql\n        schema = (",
    ),
    walk(
        "a use that is rewritten is entered so",
        'schema = (classify(wanted).schema or "").encode()',
        "pass",
    ),
    walk(
        "a use is counted",
        "        yield from self._enter(schema, step)\n        self.absorbed += 1",
        "        yield from self._enter(schema, step)",
    ),
    # Statements
    walk(
        "the client's bytes are sent",
        "yield from self._statement(sent, source)",
        "yield from self._statement(item, source)",
    ),
    walk(
        "what is not wanted is not sent",
        "        if sql is None:\n            return\n",
        "        sql = sql or statement.sql\n",
    ),
    walk(
        "a rewritten statement is looked at again",
        "            about = classify(sql)\n        if self._policy.into",
        "            pass\n        if self._policy.into",
    ),
    walk(
        "--into enters its schema",
        "if self._policy.into is not None and about.kind in _NEEDS_SCHEMA:",
        "if False:",
    ),
    walk(
        "unless the script has entered one",
        "if self._planner.session.schema is not None or self._planner.in_order:",
        "if self._planner.in_order:",
    ),
    walk("a table is that of its schema", "{about.schema or default or '?'}", "{default or '?'}"),
    walk("or of the default one", "{about.schema or default or '?'}", "{about.schema or '?'}"),
    walk(
        "changes are in the default schema",
        "            schema=default,\n",
        "            schema=None,\n",
    ),
    walk("rows are data", "is_data=about.kind is Kind.DATA,", "is_data=False,"),
    walk(
        "files of this machine are refused",
        "if reads_local_file(sql) and not self._policy.allow_local_infile:",
        "if False:",
    ),
    walk(
        "unless that is allowed",
        "reads_local_file(sql) and not self._policy.allow_local_infile",
        "reads_local_file(sql)",
    ),
    walk(
        "nothing is dropped elsewhere",
        "if not self._may_drop and forms.may_drop(sql):",
        "if False:",
    ),
    walk(
        "unless it is meant",
        "self._server.is_loopback or self._policy.yes_remote",
        "self._server.is_loopback",
    ),
    walk(
        "a dump's rows stay",
        "about.kind is Kind.TRANSACTION and self._planner.would_undo(sql)",
        "False",
    ),
    walk(
        "a refusal is no task",
        "            self._refuse(step, *refusal)\n            return\n        self._remember",
        "            self._refuse(step, *refusal)\n        self._remember",
    ),
    walk("tasks count what has none", "self.absorbed += planner.absorbed - absorbed", "pass"),
    walk(
        "the consumer sees each statement",
        "        self._server.saw(step, about, self._delimiter)\n",
        "",
    ),
    walk(
        "and each schema that is entered",
        'b";")\n        yield from self._planner.use(',
        'b";") if False else None\n        yield from self._planner.use(',
    ),
    walk(
        "the script's schema follows USE",
        "            self._script_schema = about.schema\n",
        "            pass\n",
    ),
    # Rows that begin alike
    walk("alike in one schema only", " and alike.names == self._names()", ""),
    walk("alike under one delimiter only", 'holds = self._delimiter == b";" and', "holds ="),
    walk("alike is looked at once", "if rows is not None and holds and", "if False and"),
    walk("not if it was rewritten", " and step.sql is statement.sql:", ":"),
    # How strings are read
    walk("a SET decides", "if isinstance(mode, Literal):", "if False:"),
    walk(
        "from the beginning",
        "        self._set_quoting(splitter)\n        self._fed",
        "        self._fed",
    ),
    walk("after each statement", "            self._set_quoting(splitter)\n", ""),
    walk("the server is asked", "self._quoting = self._server.quoting(self._quoting)", "pass"),
    walk("once it is not followed any more", "(followed or several or", "(several or"),
    walk("and when it may change", " or may_change_quoting(step.sql, about.kind))", ")"),
    walk("or several may", "(followed or several or", "(followed or"),
    walk("and not otherwise", "if planner.in_order and (", "if planner.in_order and (True or "),
    # Lanes
    lane(
        "nothing is uncommitted before a definition",
        "            return\n        yield from self._settle()\n        if task.kind",
        "            return\n        if task.kind",
    ),
    lane(
        "rows that were lost are sent once more",
        "            self._batch.remove(task)\n            raise",
        "            raise",
    ),
    lane(
        "rows are noted in their transaction",
        "own([note.sql, *self._last_id_of(self._batch)], step)",
        "own([*self._last_id_of(self._batch)], step)",
    ),
    lane(
        "a commit that was lost may have come to pass",
        "            self._committing = note\n",
        "",
    ),
    lane(
        "what was lost of a batch is done once more",
        "elif attempt and self._batch:",
        "elif False:",
    ),
    lane(
        "the last number is noted with rows",
        "        return (journal.note_last_id(),)",
        "        return ()",
    ),
    lane(
        "a session changes between transactions",
        "if self._batch and self.link.differs(session):",
        "if False:",
    ),
    lane(
        "each task has its session",
        "        yield from self._bring_into(session, task)\n\n    def _bring",
        "        yield from ()\n\n    def _bring",
    ),
    lane(
        "a replay has its session",
        "                    yield from self._bring_into(task.session, task)",
        "                    pass",
    ),
    lane(
        "what stands before a refused statement is kept",
        "            self._batch.append(replace(task, steps=task.steps[:at]))",
        "            pass",
    ),
    lane(
        "a refused statement holds no locks",
        '            yield Send((b"ROLLBACK",))\n\n    # Doing it',
        "            pass\n\n    # Doing it",
    ),
    lane(
        "a definition is noted",
        "            yield from self._complete(task)",
        "            pass",
    ),
    lane(
        "a definition that was lost may be done",
        "                maybe_done = True\n",
        "",
    ),
    lane(
        "a deadlock is tried again",
        "                yield Sleep(RETRY_PAUSE_S * (attempt + 1))\n                yield Send",
        "                raise\n                yield Send",
    ),
    lane(
        "the script's own transaction is noted where it commits",
        "own([note.sql, journal.note_last_id()], step)",
        "own([journal.note_last_id()], step)",
    ),
    lane(
        "what it rolled back is done",
        "                journal.completed(self._own_notes.pop())",
        "                self._own_notes.pop()",
    ),
    lane(
        "indexes are built", "            yield from self._build_indexes(task)", "            pass"
    ),
    lane(
        "owed indexes are not put off again",
        "            table.deferred = owed",
        "            pass",
    ),
    lane(
        "what must not run twice is noted",
        "        yield from self._note(step, before)\n",
        "        yield from ()\n",
        DOUBTS,
    ),
    lane(
        "a table that has changed was altered",
        "return (yield from self._state_of(task)) != before",
        "return False and (yield from self._state_of(task)) != before",
        DOUBTS,
    ),
    lane(
        "what no rollback takes back is noted",
        "load.report)\n        yield from self._record(step, 0)",
        "load.report)",
        DOUBTS,
    ),
    lane(
        "it is in doubt after a kill",
        "        if journal.doubt(step) not in (None, REFUSED):",
        "        if False:",
        DOUBTS,
    ),
    lane(
        "an unknown session is noted",
        "            journal.is_past_resuming = True\n            yield from self._record(step, 0)",
        "            journal.is_past_resuming = True",
        DOUBTS,
    ),
    lane("the lost connection is gone first", "while not is_free:", "while False:", AGAIN),
    lane("it is ended", "            yield from end_holder(lock)\n", "", AGAIN),
    lane("for a minute at most", "if load.clock() > deadline:", "if False:", AGAIN),
    lane("an interrupt ends it", "load.tasks.was_aborted or not", "not", AGAIN),
    lane("as does a server that may forget", " or not load.may_retry or", " or", AGAIN),
    lane("and many attempts", " or attempt == RETRIES:", ":", AGAIN),
    lane("a new server is not loaded into", "if uuid != load.uuid:", "if False:", AGAIN),
    lane("nor is another's load", "if journal and rows != [", "if False and rows != [", AGAIN),
    lane(
        "a refused login ends it", "(ServerNotReadyError, AccessError)", "ZeroDivisionError", AGAIN
    ),
    lane("so does a lost one", "except pymysql_errors():", "except ZeroDivisionError:", AGAIN),
    lane("it is reported", "    load.report.add_retry()\n", "", AGAIN),
    # The window
    scheduler(
        "an empty window takes anything",
        "        if not self._unfinished:\n            return True\n",
        "",
    ),
    scheduler("bytes are bounded", "self._bytes + task.size_bytes <= WINDOW_BYTES", "True"),
    scheduler("tasks are bounded", "len(self._unfinished) < WINDOW_TASKS", "True"),
    scheduler(
        "a task that is done leaves room", "            self._bytes -= task.size_bytes\n", ""
    ),
    scheduler("and is not unfinished", "            self._unfinished.pop(task, None)\n", ""),
    scheduler(
        "nor running",
        "            self._running.pop(task, None)\n            self._bytes",
        "            self._bytes",
    ),
    scheduler(
        "tasks have numbers",
        "        self._count += 1\n        task.number = self._count\n        self._bytes",
        "        task.number = self._count\n        self._bytes",
    ),
    scheduler(
        "also those that are skipped",
        "        self._count += 1\n        task.number = self._count\n        task.done",
        "        task.number = self._count\n        task.done",
    ),
    scheduler(
        "what is skipped is done",
        "        task.number = self._count\n        task.done = True",
        "        task.number = self._count",
    ),
    # The end
    scheduler(
        "an abort ends the load",
        "return self.was_aborted or self._halted or self._failed is not None",
        "return self._halted or self._failed is not None",
    ),
    scheduler(
        "so does a lost lane",
        "return self.was_aborted or self._halted or self._failed is not None",
        "return self.was_aborted or self._failed is not None",
    ),
    scheduler(
        "so does a failure",
        "return self.was_aborted or self._halted or self._failed is not None",
        "return self.was_aborted or self._halted",
    ),
    scheduler(
        "nothing begins after an end",
        "        if self.was_aborted or self._halted:\n            return None\n",
        "",
    ),
    scheduler(
        "nothing after a failure begins",
        "if self._failed and task.number > self._failed.number:",
        "if False:",
    ),
    scheduler(
        "what is before it does",
        "return not self._waiting or self._waiting[0].number > self._failed.number",
        "return True",
    ),
    scheduler(
        "the first failure counts",
        "if self._failed is None or task.number < self._failed.number:",
        "if True:",
    ),
    scheduler(
        "a failed task holds nothing",
        "        self._running.pop(task, None)\n        if self._failed",
        "        if self._failed",
    ),
    scheduler("lanes end", "return self.is_closed and not self._waiting", "return False"),
    scheduler(
        "but not before the script",
        "return self.is_closed and not self._waiting",
        "return not self._waiting",
    ),
    # Which lane
    scheduler(
        "barriers are the first lane's",
        "            return lane == 0\n",
        "            return True\n",
    ),
    scheduler(
        "rows are not for all lanes",
        "self._row_lanes is None or lane < self._row_lanes or task.kind not in _BUSY_KINDS",
        "True",
    ),
    scheduler("definitions are", " or task.kind not in _BUSY_KINDS", ""),
    scheduler(
        "a lane sees its own work",
        "task.done or (task.executed and task.lane == lane)",
        "task.done",
    ),
    scheduler(
        "and no other's",
        "task.done or (task.executed and task.lane == lane)",
        "task.done or task.executed",
    ),
    scheduler("a task keeps its lane", "                task.lane = lane\n", ""),
    scheduler(
        "no lane waits for another's lock",
        "            if self._may_run(task, lane) and not self._would_block(task, lane):",
        "            if self._may_run(task, lane):",
    ),
    scheduler("its own locks are no matter", "if other.lane != lane and not (", "if not ("),
    scheduler("rows share a lock", "not (is_about_rows and other.kind is TaskKind.ROWS)", "True"),
    # The order
    scheduler("all before a barrier", "            wait_for(*self._unfinished)\n", ""),
    scheduler("a barrier before all", "            wait_for(self._barrier)\n", ""),
    scheduler(
        "readers after the writer",
        "                wait_for(traffic.writer)\n                traffic.readers",
        "                traffic.readers",
    ),
    scheduler(
        "writers after the writer",
        "wait_for(traffic.writer, *traffic.readers, *traffic.rows)",
        "wait_for(*traffic.readers, *traffic.rows)",
    ),
    scheduler(
        "writers after readers",
        "wait_for(traffic.writer, *traffic.readers, *traffic.rows)",
        "wait_for(traffic.writer, *traffic.rows)",
    ),
    scheduler(
        "writers after rows",
        "wait_for(traffic.writer, *traffic.readers, *traffic.rows)",
        "wait_for(traffic.writer, *traffic.readers)",
    ),
    scheduler(
        "all readers count",
        "traffic.readers = [*_undone(traffic.readers), task]",
        "traffic.readers = [task]",
    ),
    scheduler(
        "rows after the writer",
        "        wait_for(traffic.writer)\n        rows =",
        "        rows =",
    ),
    scheduler("rows after those with a place", "            wait_for(traffic.last_ordered)\n", ""),
    scheduler(
        "rows before the release in order",
        "task.before_rows = rows[-1] if rows else None",
        "task.before_rows = None",
    ),
    scheduler("rows with a place after all", "            wait_for(*rows)\n", ""),
    scheduler("they are the place", "            traffic.last_ordered = task\n", ""),
    scheduler("all rows count", "traffic.rows = [*rows, task]", "traffic.rows = [task]"),
    scheduler(
        "the release frees rows", "            task.table.any_order = True\n", "            pass\n"
    ),
    scheduler(
        "only the release does",
        "if first and not (task.table and task.table.any_order) and",
        "if False and",
    ),
    scheduler(
        "all must be done",
        "return all(_is_visible(other, lane) for other in reversed(after))",
        "return True",
    ),
    # Memory
    scheduler("what is done is forgotten", "            self._forget(task)\n", ""),
    scheduler("also by those after it", "            task.before_rows = None\n", ""),
)


def mutated(mutant: Mutant) -> str:
    """Return the text of a module with a rule broken.

    Raises
    ------
    ValueError
        What is to be replaced does not stand there once.
    """
    whole = PROJECT.joinpath("sidecar_magics", mutant.module).read_text(encoding="utf-8")
    if whole.count(mutant.before) != 1:
        raise ValueError(f"{mutant.rule}: {whole.count(mutant.before)} times in {mutant.module}")
    return whole.replace(mutant.before, mutant.after)


def ending(module: str, text: str | None) -> int:
    """Return how the tests end in a process that has another text for a module.

    0 if they pass, 1 if one fails; negative if a signal ended them, since they took too long.
    """
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = _run(module, text)
        finally:
            os._exit(code)
    ended: list[int] = []

    def has_ended() -> bool:
        process, status = os.waitpid(child, os.WNOHANG)
        ended.extend([status] if process else [])
        return bool(process)

    try:
        until(has_ended, limit_s=LIMIT_S)
    except AssertionError:
        os.kill(child, signal.SIGKILL)
        return -signal.SIGKILL
    return os.waitstatus_to_exitcode(ended[0])


def _run(module: str, text: str | None) -> int:
    if text is not None:
        _replace("sidecar_magics." + module[: -len(".py")].replace("/", "."), text)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", f"--timeout={TEST_S}"]
        code = int(pytest.main([*options, *TESTS[module]]))
    # tests.limits ends a pytest that does not end.
    faulthandler.cancel_dump_traceback_later()
    if code == 0 and module == LANE and text is not None:
        return int(any(_fails(seed) for seed in range(1, COURSES + 1)))
    return code


def _fails(seed: int) -> bool:
    """Return whether the simulation's course of a seed fails, or cannot be played."""
    try:
        return bool(play(seed).failure)
    except Exception:
        return True


def _replace(name: str, text: str) -> None:
    """Execute another text for a module; who has imported its names gets the new ones."""
    module = importlib.import_module(name)
    before = dict(vars(module))
    exec(compile(text, str(module.__file__), "exec"), vars(module))
    for other in list(sys.modules.values()):
        if getattr(other, "__name__", "").startswith(("sidecar_magics", "tests")):
            for key, value in list(vars(other).items()):
                if key in before and value is before[key]:
                    setattr(other, key, vars(module)[key])


def main() -> int:
    """Return how many mutants were not noticed."""
    module, *rules = sys.argv[1:]
    if ending(module, None) != 0:
        print("The tests fail although nothing is broken.")
        return 99
    survivors = 0
    for mutant in MUTANTS:
        if mutant.module != module or (rules and mutant.rule not in rules):
            continue
        code = ending(module, mutated(mutant))
        if code != 1:
            survivors += 1
            print(f"not noticed ({code}): {mutant.rule}", flush=True)
    return survivors


if __name__ == "__main__":
    sys.exit(main())
