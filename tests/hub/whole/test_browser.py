"""What a user sees: a login, a server, the quick start in JupyterLab, all cells run, a plot."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.hub.values import SIDECAR
from tests.hub.whole.hub_process import whole_hub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

SPAWN_MS = 180_000
RUN_MS = 180_000
# Where screenshots for the documentation go, if that is asked for.
SCREENSHOTS = os.environ.get("HUB_SCREENSHOTS")
ERROR = '[data-mime-type="application/vnd.jupyter.error"]'
KERNEL = "Python 3 (ipykernel)"
PROMPT = ".jp-CodeCell .jp-InputPrompt"
OUTPUT = ".jp-OutputArea-output"


@asynccontextmanager
async def browser_page(folder: Path) -> AsyncIterator[Page]:
    """Yield a page of Debian's Chromium; after a failure there is a picture of it in a folder."""
    from playwright import async_api as api

    async with api.async_playwright() as playwright:
        # As root it has no sandbox; it sees nothing but our own hub.
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        page = await browser.new_page(viewport={"width": 1200, "height": 900})
        try:
            yield page
        except BaseException:
            await page.screenshot(path=str(folder / "failure.png"))
            raise
        finally:
            await browser.close()


async def picture(page: Page, name: str) -> None:
    if SCREENSHOTS:
        await page.screenshot(path=str(Path(SCREENSHOTS, f"{name}.png")))


async def log_in(page: Page, url: str, user: str) -> None:
    """Log in, and wait for the server that the hub then starts."""
    await page.goto(f"{url}/hub/login")
    await page.fill("input[name=username]", user)
    await page.fill("input[name=password]", "anything")
    await page.click("#login_submit")
    await page.wait_for_url("**/hub/spawn-pending/**", timeout=SPAWN_MS)
    await picture(page, "hub-start")
    await page.wait_for_url(f"**/user/{user}/lab**", timeout=SPAWN_MS)


async def run_all(page: Page, url: str, user: str, notebook: str) -> None:
    """Open a notebook in JupyterLab and run all its cells."""
    await page.goto(f"{url}/user/{user}/lab/tree/{notebook}")
    await page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=SPAWN_MS)
    await page.wait_for_selector(f"text={KERNEL} | Idle")  # else it asks which one
    await page.click('.lm-MenuBar-itemLabel:text-is("Run")')
    await page.click('.lm-Menu-itemLabel:text-is("Run All Cells")')


def test_the_quick_start_in_jupyterlab(tmp_path: Path) -> None:
    async def go() -> None:
        async with whole_hub(SIDECAR, tmp_path) as here, browser_page(tmp_path) as page:
            await log_in(page, here.url, "maria")
            await run_all(page, here.url, "maria", "00_QuickStart.ipynb")
            plot = page.locator(f"{OUTPUT} img").last
            await plot.wait_for(timeout=RUN_MS)
            await page.wait_for_selector(f"text={KERNEL} | Idle", timeout=RUN_MS)
            texts = " ".join(await page.locator(OUTPUT).all_inner_texts())
            assert "296 tables in 60 schemas" in texts
            assert "datajoint 0.14" in texts
            assert await page.locator(ERROR).count() == 0
            box = await plot.bounding_box()
            assert box is not None
            assert box["width"] > 100
            await plot.scroll_into_view_if_needed()
            await picture(page, "hub-plot")

    asyncio.run(go())
