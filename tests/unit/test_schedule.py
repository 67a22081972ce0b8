from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar_magics.load.planning.tasks import Step, Table, Task, TaskKind
from sidecar_magics.load.running.handover import Handover
from sidecar_magics.load.running.scheduler import WINDOW_BYTES, WINDOW_TASKS, Scheduler
from sidecar_magics.script.items import Statement
from tests.background import LIMIT_S

NO_SOURCE: Any = None


def steps(size_bytes: int) -> list[Step]:
    return [Step(Statement(b"", 1, 1, 0, 0), NO_SOURCE, b"x" * size_bytes)]


def definition(*, reads: str = "", writes: str = "", size_bytes: int = 0) -> Task:
    return Task(
        TaskKind.DEFINITION, steps(size_bytes), reads=frozenset(reads), writes=frozenset(writes)
    )


def rows(table: Table, *, any_order: bool = True, writes: str = "") -> Task:
    return Task(TaskKind.ROWS, table=table, any_order=any_order, writes=frozenset(writes))


def barrier(kind: TaskKind = TaskKind.BARRIER) -> Task:
    return Task(kind)


def table(name: str = "t") -> Table:
    return Table(b"s", name.encode())


def handover(row_lanes: int | None = None) -> Handover:
    return Handover(Scheduler(row_lanes))


def scheduler_of(*tasks: Task) -> Handover:
    scheduler = handover()
    for task in tasks:
        assert scheduler.add(task)
    return scheduler


def takes(scheduler: Handover, *lanes: int) -> list[Task | None]:
    return [scheduler.take(lane, wait=False) for lane in lanes]


def locking(*names: str, kind: TaskKind = TaskKind.DEFINITION) -> Task:
    about = Table(b"s", b"t", any_order=True)
    return Task(kind, table=about, any_order=True, locks=frozenset(names))


def test_lanes_do_not_wait_for_each_others_locks() -> None:
    one, other, free = locking("child", "parent"), locking("sister", "parent"), locking("far")
    scheduler = scheduler_of(one, other, free)
    assert takes(scheduler, 0, 1, 2) == [one, free, None]
    scheduler.done([one])
    assert takes(scheduler, 2) == [other]


def test_rows_share_their_tables_lock_until_they_are_committed() -> None:
    rows, more = (locking("t", kind=TaskKind.ROWS) for _ in range(2))
    child = locking("child", "t")
    scheduler = scheduler_of(rows, more, child)
    assert takes(scheduler, 0, 1, 2) == [rows, more, None]
    scheduler.done([more])
    scheduler.executed(rows)
    assert takes(scheduler, 2) == [None]
    assert takes(scheduler, 0) == [child]  # it commits its own first


def test_a_lane_connects_when_there_is_something_for_it() -> None:
    scheduler = handover(row_lanes=1)
    answers: dict[int, bool] = {}
    threads = [
        threading.Thread(
            target=lambda n=n: answers.__setitem__(n, scheduler.await_work(n)), daemon=True
        )
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    scheduler.add(rows(table()))
    threads[0].join(LIMIT_S)
    assert answers == {0: True}
    scheduler.add(barrier())
    scheduler.add(definition(writes="a"))
    threads[1].join(LIMIT_S)
    threads[2].join(LIMIT_S)
    assert answers == {0: True, 1: True, 2: True}
    ended = handover()
    ended.add(barrier())
    ended.close()
    assert not ended.await_work(1)


def test_what_does_not_meet_runs_at_the_same_time() -> None:
    tasks = [definition(writes="a"), definition(writes="b"), definition(reads="c", writes="d")]
    scheduler = scheduler_of(*tasks)
    assert takes(scheduler, 2, 0, 1, 3) == [*tasks, None]
    assert scheduler.running == tasks
    assert [task.number for task in tasks] == [1, 2, 3]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (definition(writes="a"), definition(writes="a")),
        (definition(writes="a"), definition(reads="a")),
        (definition(reads="a"), definition(writes="a")),
        (definition(writes="ab"), definition(reads="bc")),
        (definition(reads="b", writes="a"), definition(reads="a", writes="b")),
    ],
)
def test_what_meets_runs_in_order(first: Task, second: Task) -> None:
    scheduler = scheduler_of(first, second)
    assert takes(scheduler, 0, 1, 0) == [first, None, None]
    assert scheduler.first_unfinished is first
    scheduler.done([first])
    assert scheduler.first_unfinished is second
    assert takes(scheduler, 1, 0) == [second, None]
    scheduler.done([second])
    assert scheduler.first_unfinished is None
    assert scheduler.drain()


def test_readers_do_not_wait_for_each_other_but_a_writer_for_all() -> None:
    one, other, writer = definition(reads="a"), definition(reads="a"), definition(writes="a")
    scheduler = scheduler_of(one, other, writer)
    assert takes(scheduler, 0, 1, 2) == [one, other, None]
    scheduler.done([other])
    assert takes(scheduler, 2) == [None]
    scheduler.done([one])
    assert takes(scheduler, 2) == [writer]


def test_a_lane_sees_its_own_work_before_it_is_committed() -> None:
    t = table()
    first, second = rows(t), rows(t)
    scheduler = scheduler_of(first, second)
    assert takes(scheduler, 1, 0, 1) == [first, None, None]
    scheduler.executed(first)
    assert scheduler.running == []
    assert takes(scheduler, 0, 1) == [None, second]


def test_rows_in_any_order_wait_for_the_release() -> None:
    t = table()
    first, second, third = rows(t), rows(t), rows(t)
    scheduler = scheduler_of(first, second, third)
    assert takes(scheduler, 0, 1) == [first, None]
    scheduler.release(first)
    assert t.any_order
    assert takes(scheduler, 1, 2) == [second, third]


def test_rows_whose_order_matters_stay_in_order_behind_the_release() -> None:
    t = table()
    t.any_order = True
    free, fixed, last = rows(t), rows(t, any_order=False), rows(t)
    scheduler = scheduler_of(free, fixed, last)
    assert takes(scheduler, 0, 1, 2) == [free, None, None]
    scheduler.done([free])
    assert takes(scheduler, 1, 2) == [fixed, None]
    scheduler.done([fixed])
    assert takes(scheduler, 2) == [last]


def test_rows_of_other_tables_do_not_wait() -> None:
    one, other = rows(table("a")), rows(table("b"))
    assert takes(scheduler_of(one, other), 0, 1) == [one, other]
    checked = [rows(table("a"), writes="k"), rows(table("b"), writes="k")]
    assert takes(scheduler_of(*checked), 0, 1) == [checked[0], None]


def test_rows_and_definitions_of_one_table() -> None:
    t = table()
    create = Task(TaskKind.DEFINITION, writes=frozenset({t.key}))
    one, other = rows(t), rows(t)
    indexes = Task(TaskKind.INDEXES, table=t, writes=frozenset({t.key}))
    more = rows(t)
    t.any_order = True
    scheduler = scheduler_of(create, one, other, indexes, more)
    assert takes(scheduler, 0, 1) == [create, None]
    scheduler.done([create])
    assert takes(scheduler, 0, 1, 2) == [one, other, None]
    scheduler.done([other])
    assert takes(scheduler, 2) == [None]
    scheduler.done([one])
    assert takes(scheduler, 2, 1) == [indexes, None]
    scheduler.done([indexes])
    assert takes(scheduler, 1) == [more]


@pytest.mark.parametrize("kind", [TaskKind.BARRIER, TaskKind.DATA])
def test_barriers_run_alone_on_the_first_lane(kind: TaskKind) -> None:
    before, alone, after = definition(writes="a"), barrier(kind), definition(writes="b")
    scheduler = scheduler_of(before, alone, after)
    assert takes(scheduler, 1, 0, 2) == [before, None, None]
    scheduler.done([before])
    assert takes(scheduler, 1, 2) == [None, None]
    assert takes(scheduler, 0, 1) == [alone, None]
    scheduler.done([alone])
    assert takes(scheduler, 1) == [after]


def test_barriers_follow_each_other_on_the_first_lane_before_they_are_committed() -> None:
    one, other, after = barrier(TaskKind.DATA), barrier(TaskKind.DATA), definition(writes="a")
    scheduler = scheduler_of(one, other, after)
    assert takes(scheduler, 0) == [one]
    scheduler.executed(one)
    assert takes(scheduler, 0) == [other]
    scheduler.executed(other)
    assert takes(scheduler, 1) == [None]
    scheduler.done([one, other])
    assert takes(scheduler, 1) == [after]


def test_the_window_is_bounded_in_tasks() -> None:
    tasks = [definition() for _ in range(WINDOW_TASKS + 1)]
    scheduler = scheduler_of(*tasks[:-1])
    waits: list[int] = []

    def make_room() -> None:
        waits.append(1)
        if len(waits) == 2:
            scheduler.done([tasks[7]])

    scheduler.on_wait = make_room
    assert scheduler.add(tasks[-1])
    assert len(waits) == 2


def test_the_window_is_bounded_in_bytes() -> None:
    large, small = definition(size_bytes=WINDOW_BYTES), definition(size_bytes=1)
    scheduler = scheduler_of(large)
    scheduler.on_wait = lambda: scheduler.done([large])
    assert scheduler.add(small)
    assert large.done


def test_what_is_done_leaves_room_beside_what_is_not() -> None:
    scheduler = Scheduler()
    large, small = definition(size_bytes=WINDOW_BYTES - 1), definition(size_bytes=1)
    scheduler.add(large)
    scheduler.add(small)
    assert not scheduler.has_room(large)
    scheduler.done([large])
    assert scheduler.unfinished_bytes == 1
    assert scheduler.has_room(definition(size_bytes=WINDOW_BYTES - 1))
    assert not scheduler.has_room(definition(size_bytes=WINDOW_BYTES))


def test_lanes_stay_for_what_stands_before_a_failure() -> None:
    first, second, bad = definition(writes="a"), definition(writes="a"), definition(writes="b")
    scheduler = Scheduler()
    for task in (first, second, bad):
        scheduler.add(task)
    assert [scheduler.next_for(0), scheduler.next_for(1)] == [first, bad]
    scheduler.fail(bad)
    assert not scheduler.is_over
    scheduler.done([first])
    assert scheduler.next_for(1) is second
    assert scheduler.is_over


def test_of_two_failures_the_first_in_the_script_counts() -> None:
    tasks = [definition(writes=letter) for letter in "abc"]
    scheduler = Scheduler()
    for task in tasks:
        scheduler.add(task)
    scheduler.fail(tasks[0])
    scheduler.fail(tasks[2])
    assert scheduler.next_for(0) is tasks[0]
    assert scheduler.next_for(0) is None


def test_a_lost_lane_ends_the_load() -> None:
    scheduler = Scheduler()
    scheduler.add(definition())
    assert not scheduler.has_ended
    scheduler.halt()
    assert scheduler.has_ended
    assert scheduler.is_over
    assert scheduler.next_for(0) is None


def test_a_task_larger_than_the_window_comes_alone() -> None:
    assert scheduler_of(definition(size_bytes=WINDOW_BYTES + 1))


def test_a_full_window_ends_with_the_load() -> None:
    large = definition(size_bytes=WINDOW_BYTES)
    scheduler = scheduler_of(large)
    scheduler.on_wait = scheduler.abort
    assert not scheduler.add(definition(size_bytes=1))


def test_behind_a_failure_only_what_is_before_it_runs() -> None:
    tasks = [definition(writes=letter) for letter in "abcd"]
    scheduler = scheduler_of(*tasks)
    assert takes(scheduler, 0) == tasks[:1]
    assert takes(scheduler, 1, 2) == tasks[1:3]
    scheduler.fail(tasks[2])
    scheduler.fail(tasks[1])  # the first one in the script counts
    assert scheduler.has_ended
    assert not scheduler.was_aborted
    assert takes(scheduler, 0, 1, 2) == [None, None, None]
    assert scheduler.take(0, wait=True) is None
    assert not scheduler.add(definition())
    assert not scheduler.drain()


def test_what_stands_before_a_failure_still_runs() -> None:
    t = table()
    first, second, bad, behind = rows(t), rows(t), definition(writes="a"), definition(writes="b")
    scheduler = scheduler_of(first, second, bad, behind)
    assert takes(scheduler, 0, 1) == [first, bad]
    scheduler.fail(bad)
    assert takes(scheduler, 1) == [None]
    scheduler.done([first])
    assert scheduler.take(1, wait=True) is second
    assert scheduler.take(0, wait=True) is None


def test_an_abort_ends_everything_at_once() -> None:
    scheduler = scheduler_of(definition(writes="a"))
    scheduler.abort()
    assert scheduler.was_aborted
    assert scheduler.has_ended
    assert scheduler.take(0, wait=True) is None
    assert not scheduler.add(definition())
    assert not scheduler.drain()


def test_lanes_end_when_nothing_more_comes() -> None:
    task = definition()
    scheduler = scheduler_of(task)
    scheduler.close()
    assert scheduler.take(0, wait=True) is task
    assert scheduler.take(1, wait=True) is None


def test_some_lanes_get_definitions_only() -> None:
    scheduler = handover(row_lanes=1)
    first, second, made = rows(table("a")), rows(table("b")), definition(writes="c")
    for task in (first, second, made):
        scheduler.add(task)
    assert takes(scheduler, 1, 0, 1) == [made, first, None]
    scheduler.done([first])
    assert takes(scheduler, 1, 0) == [None, second]


def test_what_was_done_before_is_only_counted() -> None:
    skipped, task = definition(writes="a"), definition(writes="a")
    scheduler = handover()
    scheduler.skip(skipped)
    scheduler.add(task)
    assert (skipped.number, task.number, skipped.done) == (1, 2, True)
    assert takes(scheduler, 0) == [task]


@pytest.mark.parametrize("end", ["done", "fail", "abort"])
def test_lanes_that_wait_are_woken(end: str) -> None:
    first, second = definition(writes="a"), definition(writes="a")
    scheduler = scheduler_of(first, second)
    assert takes(scheduler, 0) == [first]
    found: list[Task | None] = []
    lane = threading.Thread(target=lambda: found.append(scheduler.take(1, wait=True)), daemon=True)
    lane.start()
    {
        "done": lambda: scheduler.done([first]),
        "fail": lambda: scheduler.fail(first),
        "abort": scheduler.abort,
    }[end]()
    lane.join(LIMIT_S)
    assert found == [second if end == "done" else None]


def test_lanes_in_threads() -> None:
    scheduler, log, lock = handover(), [], threading.Lock()
    tables = [table(name) for name in "abcde"]

    def lane(number: int) -> None:
        while task := scheduler.take(number, wait=True):
            with lock:
                log.append(task.number)
            scheduler.done([task])

    lanes = [threading.Thread(target=lane, args=(n,), daemon=True) for n in range(4)]
    for thread in lanes:
        thread.start()
    tasks = [barrier() if n % 50 == 0 else rows(tables[n * 7 % 5]) for n in range(600)]
    assert all(scheduler.add(task) for task in tasks)
    assert scheduler.drain()
    scheduler.close()
    for thread in lanes:
        thread.join(LIMIT_S)
    assert sorted(log) == list(range(1, 601))
    for t in tables:
        mine = [n for n in log if tasks[n - 1].table is t]
        assert mine == sorted(mine)
    for n in range(1, 601, 50):
        assert set(log[: n - 1]) == set(range(1, n))


def test_what_is_done_is_forgotten() -> None:
    scheduler = handover()
    left: list[weakref.ref[Task]] = []
    for number in range(20):
        task = rows(table(str(number)))
        left.append(weakref.ref(task))
        scheduler.add(task)
        assert takes(scheduler, 0) == [task]
        scheduler.done([task])
    del task
    gc.collect()
    assert sum(ref() is not None for ref in left) <= 1


# Lanes that do their work in any order that they can ------------------------------------------

keys = st.sets(st.sampled_from("abc"), max_size=2).map(frozenset)


@st.composite
def scripts(draw: st.DrawFn) -> list[Task]:
    tables = [table(name) for name in "xyz"]
    definitions = st.builds(
        lambda r, w: Task(TaskKind.DEFINITION, reads=r - w, writes=w), keys, keys
    )
    on_tables = st.builds(
        lambda t, kind: Task(kind, table=t, writes=frozenset({t.key})),
        st.sampled_from(tables),
        st.sampled_from([TaskKind.DEFINITION, TaskKind.INDEXES]),
    )
    fillings = st.builds(
        lambda t, any_order, r, w: Task(
            TaskKind.ROWS, table=t, any_order=any_order, reads=r - w, writes=w
        ),
        st.sampled_from(tables),
        st.booleans(),
        keys,
        st.sampled_from([frozenset(), frozenset(), frozenset("k")]),
    )
    alone = st.sampled_from([TaskKind.BARRIER, TaskKind.DATA]).map(Task)
    mixed = fillings | fillings | definitions | on_tables | alone
    return draw(st.lists(mixed, max_size=20))


def must_wait(later: Task, earlier: Task) -> bool:
    """Return whether a task may not run before another is done, as the documentation has it."""
    if later.is_barrier or earlier.is_barrier:
        return True
    if later.writes & (earlier.reads | earlier.writes) or later.reads & earlier.writes:
        return True
    one, other = later.table, earlier.table
    if one is None or other is None or one.key != other.key:
        return False
    both_rows = later.kind is earlier.kind is TaskKind.ROWS
    return not (both_rows and later.any_order and earlier.any_order and one.any_order)


class Lanes:
    """Lanes without threads, which do one thing after another as they are told."""

    def __init__(self, script: list[Task], count: int, bad: Task | None) -> None:
        self.script, self.bad = script, bad
        self.scheduler = handover()
        self.added: list[Task] = []
        self.ran: list[Task] = []
        self.batches: list[list[Task]] = [[] for _ in range(count)]
        self.gone: set[int] = set()

    def add(self) -> bool:
        if len(self.added) == len(self.script):
            return False
        task = self.script[len(self.added)]
        if self.scheduler.has_ended or not self.scheduler.add(task):
            return False
        self.added.append(task)
        return True

    def commit(self, lane: int) -> bool:
        batch, self.batches[lane] = self.batches[lane], []
        self.scheduler.done(batch)
        return bool(batch)

    def work(self, lane: int) -> bool:
        task = None if lane in self.gone else self.scheduler.take(lane, wait=False)
        if task is None:
            return self.commit(lane)
        self.check(task, lane)
        self.ran.append(task)
        if task is self.bad:
            self.commit(lane)
            self.scheduler.fail(task)
            self.gone.add(lane)
        elif task.shares_transaction:
            self.batches[lane].append(task)
            self.scheduler.executed(task)
        else:
            self.commit(lane)
            self.scheduler.done([task])
        return True

    def check(self, task: Task, lane: int) -> None:
        assert task not in self.ran
        assert lane == 0 or not task.is_barrier
        for earlier in self.script[: self.script.index(task)]:
            if must_wait(task, earlier):
                assert earlier.done or earlier in self.batches[lane]

    def run(self, data: st.DataObject) -> None:
        choices = st.sampled_from(["add", "commit", "release", *["work"] * 4])
        for what, lane in data.draw(
            st.lists(st.tuples(choices, st.integers(0, len(self.batches) - 1)), max_size=60)
        ):
            if what == "add":
                self.add()
            elif what == "commit":
                self.commit(lane)
            elif what == "release" and self.ran:
                self.scheduler.release(self.ran[-1])
            else:
                self.work(lane)
        # To the end; if nobody can do anything any more, that is it.
        while any([self.add(), *(self.work(lane) for lane in range(len(self.batches)))]):
            pass


@given(scripts(), st.integers(1, 4), st.data())
def test_any_lanes_do_any_script_in_order(script: list[Task], count: int, data: Any) -> None:
    lanes = Lanes(script, count, bad=None)
    lanes.run(data)
    assert sorted(lanes.ran, key=script.index) == script
    assert all(task.done for task in script)
    assert lanes.scheduler.drain()


@given(scripts().filter(bool), st.integers(2, 4), st.data())
def test_a_failure_leaves_the_script_done_up_to_it(
    script: list[Task], count: int, data: Any
) -> None:
    bad = data.draw(st.sampled_from(script))
    lanes = Lanes(script, count, bad)
    lanes.run(data)
    place = script.index(bad)
    if bad.is_barrier:  # nothing ran beside it
        assert lanes.ran == [task for task in lanes.ran if script.index(task) <= place]
    assert all(task.done for task in script[:place])
    assert not bad.done
    assert all(task.done for task in lanes.ran if task is not bad)
    assert not any(task.done for task in script[place:] if task not in lanes.ran)


def test_nothing_is_begun_once_a_lane_is_lost_with_what_it_did_not_commit() -> None:
    """Another lane may wait for just that; what is executed elsewhere is still committed."""
    filled = table("filled")
    lost, kept = rows(filled), rows(table("kept"))
    behind = Task(TaskKind.DEFINITION, writes=frozenset([filled.key]))
    scheduler = scheduler_of(lost, kept, behind, rows(table("other")))
    assert takes(scheduler, 0, 1) == [lost, kept]
    scheduler.executed(lost)
    scheduler.executed(kept)
    left: list[Task | None] = []
    waiting = threading.Thread(
        target=lambda: left.append(scheduler.take(2, wait=True)), daemon=True
    )
    assert takes(scheduler, 2) != [None]
    waiting.start()
    scheduler.fail(lost)
    scheduler.halt()
    waiting.join(LIMIT_S)
    assert left == [None]
    assert takes(scheduler, 1) == [None]
    scheduler.done([kept])
    assert kept.done
    assert scheduler.has_ended
    assert not scheduler.add(definition())


def test_a_failed_task_keeps_nobody_out() -> None:
    """Its locks are gone with it: what comes before it in the script still needs them."""
    before, bad = locking("child", "parent"), locking("sister", "parent")
    first = locking("parent")
    scheduler = scheduler_of(first, before, bad)
    assert takes(scheduler, 0) == [first]
    scheduler.done([first])
    assert takes(scheduler, 0) == [before]
    scheduler.done([before])
    other, late = locking("x", "parent"), locking("y")
    scheduler.add(other)
    scheduler.add(late)
    assert takes(scheduler, 1, 0) == [bad, late]
    scheduler.fail(late)
    scheduler.fail(bad)
    assert scheduler.running == []
