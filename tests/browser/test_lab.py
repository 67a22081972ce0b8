"""JupyterLab as a user sees it: what pops up, how a load continues and ends, in both themes."""

from __future__ import annotations

import contextlib
import math
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

from tests.background import until
from tests.browser.lab import WAIT_MS, Notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from tests.browser.lab import Lab
    from tests.servers import Server

LAYOUT = Path(__file__).with_name("layout.js").read_text()
NARROW, WIDE = 800, 1280
HEIGHT = 900
# Where pictures for the documentation go, if that is asked for, and how they are made small.
PICTURES = os.environ.get("BROWSER_PICTURES")
COLOURS = 64
LARGEST_BYTES = 150_000

LOAD_EXTENSION, WAIT, LOAD, DOCTOR, REFUSED, PLOT, TYPED = range(7)
CELLS = [
    "%load_ext sidecar_magics",
    "sidecar = %mysql_wait\nsidecar",
    "%mysql_load prepopulate.sql",
    "%mysql_doctor",
    "%%mysql_load --database theta_rhythm\n"
    "-- the second has been there since the dump\n"
    "INSERT INTO session VALUES (1201, 'linear track'), (7, 'open field');",
    "import pandas as pd\n"
    "theta = pd.read_sql('SELECT * FROM theta_rhythm.lfp', sidecar.engine())\n"
    "theta.head(3000).plot('moment', 'potential', figsize=(6, 2), legend=False);",
    "",
]


def potential(moment: float) -> float:
    """Return a theta rhythm of 8 Hz whose amplitude changes."""
    return 180 * math.sin(50.3 * moment) * (1 + 0.4 * math.sin(4.4 * moment))


def dump() -> str:
    """Return a script like a tutorial's: some tables in two schemas, one of a megabyte."""
    lines = ["-- MySQL dump 10.13", "CREATE DATABASE common; USE common;"]
    for name in ("institution", "lab", "lab_member", "lab_member__lab_member_info", "subject"):
        lines.append(f"CREATE TABLE {name} (id int PRIMARY KEY, name varchar(60));")
        rows = ", ".join(f"({number}, '{name} {number}')" for number in range(1, 13))
        lines.append(f"INSERT INTO {name} VALUES {rows};")
    lines += [
        "CREATE DATABASE theta_rhythm; USE theta_rhythm;",
        "CREATE TABLE session (id int PRIMARY KEY, task varchar(40));",
        "INSERT INTO session VALUES "
        + ", ".join(f"({number}, 'linear track')" for number in range(1, 1201))
        + ";",
        "CREATE TABLE lfp (moment double PRIMARY KEY, potential double, note varchar(80));",
    ]
    for begin in range(0, 12_000, 1000):
        rows = ", ".join(
            f"({at / 1000:.3f}, {potential(at / 1000):.2f}, 'tetrode {at % 16}, filtered')"
            for at in range(begin, begin + 1000)
        )
        lines.append(f"INSERT INTO lfp VALUES {rows};")
    lines += ["INSERT INTO held.gate VALUES (1);", "-- Dump completed"]
    return "\n".join(lines)


@contextlib.contextmanager
def closed_gate(server: Server) -> Iterator[Any]:
    """Hold a table that the load fills, so that it stands still where it can be looked at."""
    with contextlib.closing(
        pymysql.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password.encode(),
            connect_timeout=60,
            read_timeout=60,
            write_timeout=60,
        )
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE held")
        cursor.execute("CREATE TABLE held.gate (id int PRIMARY KEY)")
        cursor.execute("LOCK TABLES held.gate WRITE")
        yield cursor


@pytest.fixture(params=["light", "dark"], scope="module")
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def opened(theme: str, lab: Lab, chromium: Browser) -> Iterator[Notebook]:
    """Yield the notebook in a page, which takes half a minute on a busy machine."""
    (lab.folder / "prepopulate.sql").write_text(dump())
    (lab.folder / "my data").mkdir(exist_ok=True)
    (lab.folder / "my data" / "spikes.sql.gz").touch()
    lab.set_theme(theme)
    # It gives each editor a language; without it some have none, which ours must not mind.
    lab.set_jupysql(is_on=theme == "dark")
    page = chromium.new_page(viewport={"width": WIDE, "height": HEIGHT})
    page.set_default_timeout(WAIT_MS)
    notebook = lab.open(page, f"{theme}.ipynb", CELLS)
    notebook.run(LOAD_EXTENSION)
    yield notebook
    page.close()


@pytest.fixture
def notebook(opened: Notebook, tmp_path: Path) -> Iterator[Notebook]:
    """Yield the notebook as the test before has left it; a failed one leaves a picture."""
    opened.page.set_viewport_size({"width": WIDE, "height": HEIGHT})
    yield opened
    opened.page.screenshot(path=str(tmp_path / "page.png"))


def faults(outputs: Locator) -> list[str]:
    """Return what is wrong with the look of outputs, narrow and wide."""
    page = outputs.page
    found = []
    for width in (WIDE, NARROW):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{width}: {fault}" for each in outputs.all() for fault in each.evaluate(LAYOUT)]
    return found


def unfold(outputs: Locator) -> None:
    """Open all that is folded, the outer ones first."""
    outputs.page.evaluate(
        "document.querySelectorAll('.jp-OutputArea details').forEach(each => { each.open = true })"
    )


def picture(page: Page, area: Locator, name: str, *, more: int = 0) -> None:
    """Keep a picture of a cell, with so many pixels below and beside it, if that is asked for."""
    if not PICTURES:
        return
    from PIL import Image

    page.set_viewport_size({"width": NARROW, "height": HEIGHT})
    page.mouse.move(0, 0)
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    height = min(box["height"] + more, HEIGHT - box["y"])
    shot = page.screenshot(
        clip={
            "x": box["x"],
            "y": box["y"],
            "width": min(box["width"] + more, NARROW - box["x"]),
            "height": height,
        }
    )
    drawn = Image.open(BytesIO(shot)).convert("RGB")
    path = Path(PICTURES, f"lab-{name}.png")
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < LARGEST_BYTES


def test_a_session(notebook: Notebook, theme: str, mysql_server: Server) -> None:
    page = notebook.page
    assert "MySQL is ready" in notebook.run(WAIT)

    with closed_gate(mysql_server) as gate:
        notebook.start(LOAD)
        outputs = notebook.outputs(LOAD)
        outputs.locator("progress").wait_for(timeout=WAIT_MS)
        until(lambda: "waiting for" in outputs.inner_text())
        assert faults(outputs) == []
        picture(page, notebook.cell(LOAD), f"progress-{theme}")
        gate.execute("UNLOCK TABLES")
        assert "8 tables" in notebook.finish(LOAD)
    assert outputs.count() == 1
    assert outputs.locator("progress").count() == 0
    unfold(outputs)
    assert "lab_member__lab_member_info" in outputs.inner_text()
    assert faults(outputs) == []
    picture(page, notebook.cell(LOAD), f"report-{theme}")

    assert "settings" in notebook.run(DOCTOR)
    assert faults(notebook.outputs(DOCTOR)) == []
    picture(page, notebook.cell(DOCTOR), f"doctor-{theme}")

    refused = notebook.run(REFUSED)
    assert "Duplicate entry '7'" in refused
    assert "Traceback" not in refused
    assert faults(notebook.outputs(REFUSED)) == []
    picture(page, notebook.cell(REFUSED), f"error-{theme}")

    notebook.run(PLOT)
    drawn = notebook.outputs(PLOT).locator("img")
    box = drawn.bounding_box()
    assert box is not None
    assert box["width"] > 300
    assert faults(notebook.outputs(PLOT)) == []
    picture(page, notebook.cell(PLOT), f"plot-{theme}")


def test_completion_pops_up_with_what_each_is_for(notebook: Notebook, theme: str) -> None:
    page = notebook.page
    page.set_viewport_size({"width": NARROW, "height": HEIGHT})
    offered = notebook.complete(TYPED, "report = %mysql_load prepopulate.sql --")
    assert offered["--schema-only"] == "load no rows"
    assert "--once" in offered
    assert "--password" not in offered
    # A line each, within the page; the colours are JupyterLab's own.
    popup = notebook.popup.bounding_box()
    assert popup is not None
    assert popup["x"] + popup["width"] <= NARROW
    beside = notebook.items.locator(".jp-Completer-typeExtended")
    lines = "each => new Set([...each.getClientRects()].map(({ top }) => top)).size"
    inside = (
        "each => each.scrollHeight <= each.clientHeight && each.scrollWidth <= each.clientWidth"
    )
    for each in beside.all():
        assert each.evaluate(lines) == 1
        assert each.evaluate(inside)
    picture(page, notebook.cell(TYPED), f"completion-{theme}", more=260)
    page.keyboard.press("Escape")

    assert list(notebook.complete(TYPED, "%mysql_load --tls "))[:2] == ["auto", "required"]
    page.keyboard.press("Escape")
    tables = notebook.complete(TYPED, "%mysql_load prepopulate.sql --tables th")
    assert "theta_rhythm.lfp" in tables
    page.keyboard.press("Escape")
    # A folder whose name has a blank, then the file in it.
    assert "'my data/" in notebook.complete(TYPED, "%mysql_load my")
    page.keyboard.press("Enter")
    until(lambda: notebook.source(TYPED) == "%mysql_load 'my data/")
    page.keyboard.press("Tab")
    until(notebook.popup.is_visible)
    page.keyboard.press("Enter")
    until(lambda: notebook.source(TYPED) == "%mysql_load 'my data/spikes.sql.gz'")


def test_sql_below_the_magic_is_highlighted(notebook: Notebook) -> None:
    def looks(number: int) -> dict[str, tuple[str, str]]:
        """Return the colour and weight of each piece of a cell."""
        return {
            text: (colour, weight)
            for text, colour, weight in notebook.cell(number).evaluate(
                """cell => [...cell.querySelectorAll('.cm-line span')].map(each => {
                    const { color, fontWeight } = getComputedStyle(each);
                    return [each.textContent, color, fontWeight];
                })"""
            )
        }

    until(lambda: "INSERT" in looks(REFUSED))
    of_sql = looks(REFUSED)
    assert of_sql["INSERT"] == of_sql["VALUES"]
    comment = next(look for text, look in of_sql.items() if text.startswith("-- "))
    assert len({of_sql["INSERT"], of_sql["1201"], of_sql["'linear track'"], comment}) == 4
    # In the first line, `--database` is no comment and no word of SQL.
    assert of_sql["database"] not in (of_sql["INSERT"], comment)

    # Typed, with another magic before it, and taken away again.
    notebook.type(TYPED, "%%time\n%%mysql_load\nSELECT 1")
    until(lambda: looks(TYPED).get("SELECT") == of_sql["INSERT"])
    notebook.type(TYPED, "# %%mysql_load\nSELECT = 1")
    until(lambda: looks(TYPED).get("SELECT") != of_sql["INSERT"])
