"""hub-config/check.py on charts that Helm has rendered."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.hub import helm
from tests.hub.prepared import Prepared
from tests.hub.values import HUB_CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.hub.values import Values

FOLDER = Path(__file__).parent
SMALL = FOLDER / "charts" / "jupyterhub"
SHAPES = FOLDER / "shapes"
CHECK = HUB_CONFIG / "check.py"
# A copy of z2jh's chart, to be taken in the place of ours.
REAL = os.environ.get("Z2JH_CHART", "")
CHECK_S = 300
BELOW = "# below: "
_PREPARED = Prepared()


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """End what `check` has started."""
    try:
        yield
    finally:
        _PREPARED.close()


@dataclass(frozen=True)
class Shape:
    """The values of a hub, as one might find them.

    Parameters
    ----------
    path : Path
        The file. A first line ``# below: a.b`` says that z2jh is in the chart ``b`` in ``a``.
    """

    path: Path

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that z2jh's own values stand below, in the file."""
        first = self.path.read_text().partition("\n")[0]
        return tuple(first[len(BELOW) :].split(".")) if first.startswith(BELOW) else ()

    def __str__(self) -> str:
        return self.path.stem


ALL_SHAPES = tuple(Shape(path) for path in sorted(SHAPES.glob("*.yaml")))


@dataclass(frozen=True)
class Answer:
    """What check.py says."""

    status: int
    output: str

    @property
    def findings(self) -> list[str]:
        """Its findings, without notes, the settings in force and the last line."""
        lines = self.output.splitlines()[:-1]
        return [line for line in lines if not line.startswith(("note: ", "in force: "))]


def nested(path: Path, keys: Sequence[str], folder: Path) -> Path:
    """Return a values file whose content stands below keys, as the README says how."""
    for key in reversed(keys):
        deeper = folder / f"{key}.{path.name}"
        script = f"{{ echo {key}:; sed 's/^/  /' {path}; }} > {deeper}"
        subprocess.run(["sh", "-c", script], check=True, timeout=CHECK_S)
        path = deeper
    return path


def written(values: Values, path: Path) -> Path:
    """Write values into a file, and return its path."""
    path.write_text(yaml.safe_dump(values))
    return path


def render(files: Sequence[Path], path: Path, keys: Sequence[str] = ()) -> Path:
    """Render the chart with values files, below `keys` in charts around it; return the output."""
    part = Path(REAL) if REAL else SMALL
    options = ["--kube-version", "1.34"]
    if keys:
        part = helm.chart_with(part, path.parent / f"{path.stem}-chart", "around", *keys[:-1])
    path.write_text(helm.template(part, files, *options))
    return path


def check(*arguments: str | Path, script: str | None = None) -> Answer:
    """Run check.py in a prepared process, or a script that it has packed from standard input."""
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parents[1])}
    given = [str(argument) for argument in arguments]
    if script is None:
        status, output, errors = _PREPARED.run([str(CHECK), *given], CHECK_S, environment)
    else:
        status, output, errors = _started([sys.executable, "-", *given], script, environment)
    assert "Traceback" not in errors, errors
    return Answer(status, output)


def started(*arguments: str | Path) -> Answer:
    """Run check.py as an operator does, in a process of its own."""
    command = [sys.executable, str(CHECK), *map(str, arguments)]
    status, output, errors = _started(command, "", dict(os.environ))
    assert "Traceback" not in errors, errors
    return Answer(status, output)


def _started(command: list[str], script: str, environment: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(
        command,
        input=script,
        capture_output=True,
        text=True,
        timeout=CHECK_S,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def shape(number: int) -> Path:
    """Return the file of the shape with this number."""
    (found,) = [each.path for each in ALL_SHAPES if str(each).startswith(f"{number:02}-")]
    return found


def checked(folder: Path, *layers: Path | Values, before: Path | Values | None = None) -> Answer:
    """Check a hub with these values, the last on top, against one with `before`."""
    files = [
        layer if not isinstance(layer, dict) else written(layer, folder / f"layer{index}.yaml")
        for index, layer in enumerate(layers)
    ]
    after = render(files, folder / "after.yaml")
    if before is None:
        return check(after)
    path = written(before, folder / "was.yaml") if isinstance(before, dict) else before
    return check(after, "--before", render([path], folder / "before.yaml"))


def extra(**code: str) -> Values:
    """Return values whose hub runs this code as well."""
    return {"hub": {"extraConfig": code}}


def setting(**settings: object) -> Values:
    """Return values with these settings of inject.values.yaml."""
    return {"custom": {"sidecarMysql": settings}}
