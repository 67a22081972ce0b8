"""A JupyterLab of its own: its server in a process, a page of it in Chromium, cells to type in."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import nbformat

from tests.background import until
from tests.ports import quiet_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Locator, Page

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {
    # It would look for news and updates on the network, and ask.
    "apputils-extension/notification": {
        "checkForUpdates": False,
        "doNotDisturbMode": True,
        "fetchNews": "false",
    },
    # All cells are put into the page, also those out of sight.
    "notebook-extension/tracker": {"windowingMode": "none", "recordTiming": False},
}
END_S = 60
WAIT_MS = 240_000
IDLE = "text=Python 3 (ipykernel) | Idle"


@dataclass
class Lab:
    """A running JupyterLab.

    Parameters
    ----------
    url : str
        Where a browser finds it.
    token : str
        What lets it in.
    folder : Path
        Folder of the notebooks.
    settings : Path
        Folder of the user's settings, which a page reads when it is loaded.
    """

    url: str
    token: str
    folder: Path
    settings: Path

    def set_theme(self, theme: str) -> None:
        """Have pages that are loaded from now on look ``light`` or ``dark``."""
        self._set("apputils-extension/themes", {"theme": THEMES[theme]})

    def set_jupysql(self, *, is_on: bool) -> None:
        """Have pages that are loaded from now on with or without JupySQL's own extension."""
        path = self.settings.parent / ".jupyter" / "labconfig" / "page_config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"disabledExtensions": {"jupysql-plugin": not is_on}}))

    def _set(self, plugin: str, values: Mapping[str, object]) -> None:
        path = self.settings / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))

    def open(self, page: Page, name: str, cells: list[str]) -> Notebook:
        """Write a notebook with cells that are not run yet, and open it."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}},
        )
        nbformat.write(notebook, self.folder / name)
        # Each in a workspace of its own, with nothing open but this, and no file browser beside it.
        workspace = name.partition(".")[0]
        address = f"{self.url}/lab/workspaces/{workspace}/tree/{name}?token={self.token}"
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=WAIT_MS)
        page.wait_for_selector(IDLE, timeout=WAIT_MS)
        if page.locator("#jp-left-stack").is_visible():
            page.keyboard.press("Control+b")
            page.locator("#jp-left-stack").wait_for(state="hidden", timeout=WAIT_MS)
        return Notebook(page)


@dataclass
class Notebook:
    """A notebook that is open in a page."""

    page: Page

    def cell(self, number: int) -> Locator:
        """Return a cell, from 0 on."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def outputs(self, number: int) -> Locator:
        """Return what a cell shows; what was a bar is still there, with no height."""
        return self.cell(number).locator(".jp-OutputArea-output >> visible=true")

    def start(self, number: int) -> None:
        """Run a cell, and do not wait for its end."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def finish(self, number: int) -> str:
        """Wait until a cell that was started has run, and return the text of its outputs."""
        prompt = self.cell(number).locator(".jp-InputArea-prompt")
        until(lambda: prompt.inner_text().strip("[]: \n").isdigit())
        return "\n".join(self.outputs(number).all_inner_texts())

    def run(self, number: int) -> str:
        """Run a cell to its end, and return the text of its outputs."""
        self.start(number)
        return self.finish(number)

    def type(self, number: int, text: str) -> None:
        """Put a text into a cell, by keys, in the place of what was there."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        for at, line in enumerate(text.split("\n")):
            if at:
                self.page.keyboard.press("Enter")
            self.page.keyboard.type(line)

    def source(self, number: int) -> str:
        """Return a cell's text."""
        return "\n".join(self.cell(number).locator(".cm-line").all_inner_texts()).rstrip("\n")

    def complete(self, number: int, text: str) -> dict[str, str]:
        """Put a text into a cell, press Tab, return what pops up, with what stands beside each."""
        self.type(number, text)
        self.page.keyboard.press("Tab")
        self.popup.wait_for(timeout=WAIT_MS)
        texts = self.items.locator(".jp-Completer-match").all_inner_texts()
        beside = self.items.locator(".jp-Completer-typeExtended").all_inner_texts()
        # What has nothing beside it is JupyterLab's own: words of the notebook.
        return {
            text: said.replace("\N{NO-BREAK SPACE}", " ")
            for text, said in zip(texts, beside)
            if said
        }

    @property
    def popup(self) -> Locator:
        """The completions that have popped up."""
        return self.page.locator(".jp-Completer:visible")

    @property
    def items(self) -> Locator:
        """One of them each."""
        return self.popup.locator(".jp-Completer-item")


@contextlib.contextmanager
def running_lab(folder: Path, environment: Mapping[str, str]) -> Iterator[Lab]:
    """Yield a JupyterLab whose kernels have an environment, and the user's neither."""
    home, notebooks = folder / "home", folder / "notebooks"
    for each in (home, notebooks):
        each.mkdir(parents=True)
    lab = Lab(f"http://127.0.0.1:{quiet_port()}", "browser", notebooks, home / "settings")
    for plugin, values in SETTINGS.items():
        lab._set(plugin, values)
    lab.set_theme("light")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJ_", "SIDECAR_", "JUPYTER", "IPYTHON"))
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={lab.url.rpartition(':')[2]}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={lab.token}"),
        *(f"--ServerApp.root_dir={notebooks}", f"--LabApp.user_settings_dir={lab.settings}"),
        f"--LabApp.workspaces_dir={home / 'workspaces'}",
    ]
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=notebooks,
            env={
                **inherited,
                **environment,
                "HOME": str(home),
                "SIDECAR_MAGICS_HOME": str(home / "sidecar"),
                "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
                "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: _answers(lab, process))
        yield lab
    finally:
        process.terminate()  # its kernels end with it
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_S)


def _answers(lab: Lab, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "JupyterLab has ended; see lab.log"
    with contextlib.suppress(OSError), urlopen(f"{lab.url}/api?token={lab.token}", timeout=10):
        return True
    return False
