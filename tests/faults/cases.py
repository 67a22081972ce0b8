"""One case: a load that is disturbed, how and when; and what became of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.faults import kinds
from tests.faults.proxy import PHASES

# Statements that something interesting happens at, by what they have in them.
MOMENTS = (
    b"",
    b"COMMIT",
    b"START TRANSACTION",
    b"INSERT INTO `sidecar_magics`.`done`",
    b"`sidecar_magics`.`doubts`",
    b"`sidecar_magics`.`indexes`",
    b"sidecar_magics",
    b"CREATE TABLE",
    b"DROP TABLE",
    b" ADD KEY",
    b" DROP KEY",
    b"ALTER TABLE",
    b"INSERT INTO `",
    b"LOAD DATA",
    b"SAVEPOINT",
    b"TRIGGER",
    b"VIEW",
    b"SET ",
    b"GET_LOCK",
    b"DELETE FROM sidecar_magics",
    b"DROP DATABASE sidecar_magics",
)
# The moments that a load has most of.
USUAL_MOMENTS = (b"", b"", b"COMMIT", b"INSERT INTO `", b"LOAD DATA")
# How rows are sent, more often in the way that has more to it.
WAYS = ("load-data", "load-data", "auto", "insert")
FAULTS = ("kill client", "kill server", "cut", "cut gently", "cut and refuse", "interrupt")
KILLS = ("kill client", "kill server")  # more often than the others
WAITS_S = (0.0, 0.0005, 0.002, 0.01, 0.05)
# A phase of its own: as soon as the journal holds pieces of the rows of `b`, see `kinds`.
NOTED = "noted"


@dataclass(frozen=True)
class Fault:
    """What happens, and when: at which of the statements that have `moment` in them.

    Parameters
    ----------
    kind : str
        One of FAULTS.
    moment : bytes
        What the statement has in it.
    place : float
        Which of them, from 0 (the first) to 1 (the last).
    phase : str
        See `proxy.Trigger`; or ``noted``.
    wait_s : float
        See `proxy.Trigger`.
    """

    kind: str
    moment: bytes
    place: float
    phase: str
    wait_s: float

    @staticmethod
    def by(chance: random.Random, kind: kinds.Kind | None = None) -> Fault:
        """Return any fault; of a kind of statement, more often one that it may not survive."""
        faults: tuple[str, ...] = FAULTS + KILLS
        moments: tuple[bytes, ...] = MOMENTS + USUAL_MOMENTS * 4
        if kind is not None:
            if chance.random() < 0.35:
                place = chance.choice((0.0, 0.0, chance.random()))
                return Fault(KILLS[0], b"b", place, NOTED, chance.choice((0.0, *WAITS_S)))
            if not kind.keeps_transactions:
                faults = tuple(each for each in faults if each != "kill server")
            moments = chance.choice((moments, kind.moments))
        return Fault(
            chance.choice(faults),
            chance.choice(moments),
            chance.random(),
            chance.choice(PHASES),
            chance.choice(WAITS_S),
        )

    def __str__(self) -> str:
        moment = self.moment.decode().strip() or "any"
        return f"{self.kind} {self.phase} {moment} at {self.place:.2f}"


@dataclass(frozen=True)
class Case:
    """A script, and the faults of each attempt to load it; the attempts after those are quiet."""

    number: int
    script: str
    attempts: tuple[tuple[Fault, ...], ...]
    jobs: int = 4
    rows: str = "auto"

    @staticmethod
    def of(seed: int, number: int, script: str, rows: str | None = None) -> Case:
        """Return the case of this number, with a way of its own for rows unless one is given."""
        chance = random.Random(f"{seed} {number}")
        kind = kinds.KINDS[script](random.Random(script)) if script in kinds.KINDS else None
        counts = chance.choice(((1,), (1,), (1,), (2,), (1, 1), (2, 1), (1, 1, 1)))
        attempts = tuple(tuple(Fault.by(chance, kind) for _ in range(count)) for count in counts)
        jobs, way = chance.choice((2, 4, 4, 8)), chance.choice(WAYS)
        return Case(number, script, attempts, jobs, rows or way)


@dataclass
class Course:
    """What became of a case."""

    case: Case
    steps: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    is_in_doubt: bool = False  # what was done cannot be known, and that was said

    def __str__(self) -> str:
        result = "FAILED" if self.failures else "in doubt" if self.is_in_doubt else "ok"
        return (
            f"case {self.case.number} {self.case.script} ({self.case.rows}): {result}"
            f" ({self.seconds:.1f} s): " + "; ".join(self.steps)
        )
