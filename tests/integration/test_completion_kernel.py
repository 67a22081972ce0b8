"""Completion as a frontend asks for it: by the kernel's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel

from tests.background import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BLANK = "\N{NO-BREAK SPACE}"


@pytest.fixture(params=[True, False], ids=["jedi", "no jedi"])
def complete(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], tuple[list[str], list[str]]]]:
    """Yield a function from a cell to what it can be completed to, and what is said of each."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "my data").mkdir()
    (tmp_path / "my data" / "dump.sql").write_text("CREATE TABLE lab.session (id int);")
    manager, client = start_new_kernel(
        startup_timeout=LIMIT_S,
        cwd=str(tmp_path),
        extra_arguments=[f"--IPCompleter.use_jedi={request.param}"],
    )
    try:
        client.execute_interactive("%load_ext sidecar_magics", timeout=LIMIT_S)

        def ask(cell: str) -> tuple[list[str], list[str]]:
            reply: dict[str, Any] = client.complete(cell, reply=True, timeout=LIMIT_S)["content"]
            assert reply["status"] == "ok"
            begin, end = reply["cursor_start"], reply["cursor_end"]
            assert end == len(cell)
            found = reply["metadata"]["_jupyter_types_experimental"]
            assert [each["text"] for each in found] == reply["matches"]
            return [cell[:begin] + text for text in reply["matches"]], [
                each["type"] for each in found
            ]

        yield ask
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_frontend_gets_completions_with_what_they_are_for(
    complete: Callable[[str], tuple[list[str], list[str]]],
) -> None:
    # JupyterLab would wrap blanks over the line below.
    assert complete("x = 1\nreport = %mysql_load --schema") == (
        ["x = 1\nreport = %mysql_load --schema-only"],
        [f"load{BLANK}no{BLANK}rows"],
    )
    assert complete("%time %mysql_load --tls ")[0] == [
        "%time %mysql_load --tls auto",
        "%time %mysql_load --tls required",
    ]
    assert complete("%%mysql_load --pass")[0] == ["%%mysql_load --password-env"]
    assert complete("%mysql_load 'my d") == (["%mysql_load 'my data/"], ["folder"])
    assert complete("%mysql_load 'my data/dump.sql' --tables ")[0] == [
        "%mysql_load 'my data/dump.sql' --tables lab.session",
        "%mysql_load 'my data/dump.sql' --tables lab.*",
    ]
    # Python is completed as ever.
    assert "impor" + "t" in complete("impor")[0]
