"""Each rule of the walk and of the scheduler is broken once: a test has to fail."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.mutants import MUTANTS, PROJECT, mutated

LIMIT_S = 540.0
MODULES = sorted({mutant.module for mutant in MUTANTS})


@pytest.mark.parametrize("module", MODULES)
def test_each_rule_stands_there_once(module: str) -> None:
    rules = [mutant.rule for mutant in MUTANTS if mutant.module == module and mutated(mutant)]
    assert rules
    assert len(set(rules)) == len(rules)


@pytest.mark.campaign
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")
@pytest.mark.parametrize("module", MODULES)
def test_a_broken_rule_is_noticed(module: str) -> None:
    """One that is not is printed; the comment on the rule says which test is to have it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.mutants", module],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
