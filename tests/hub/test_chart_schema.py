"""Our mapping of z2jh's values against the chart's own schema, where a copy of that is at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.hub import chart
from tests.hub.values import DEPLOYMENTS, SEED, Deployment

# values.schema.yaml of zero-to-jupyterhub-k8s; the variable says where it is.
PLACES = (
    os.environ.get("Z2JH_SCHEMA", ""),
    str(Path(__file__).resolve().parents[3] / "shared" / "data" / "z2jh-values.schema.yaml"),
)
NAMES = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "object": dict,
    "string": str,
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    for place in PLACES:
        if place and Path(place).is_file():
            content: dict[str, Any] = yaml.safe_load(Path(place).read_text())
            return content
    pytest.skip("no schema of the chart: Z2JH_SCHEMA names its values.schema.yaml")


@pytest.mark.parametrize("deployment", [*DEPLOYMENTS, SEED], ids=str)
def test_the_chart_takes_every_file(schema: dict[str, Any], deployment: Deployment) -> None:
    # Helm gives the chart its own defaults below the values: those are not here.
    partial = {**schema, "required": []}
    complaints = [
        f"{list(error.absolute_path)}: {error.message}"
        for error in jsonschema.Draft7Validator(partial).iter_errors(deployment.values())
        if error.validator != "required"
    ]
    assert not complaints


def test_the_mapping_allows_no_more_than_the_chart(schema: dict[str, Any]) -> None:
    singleuser = schema["properties"]["singleuser"]["properties"]
    compare({key: kinds for key, (kinds, _) in chart.SINGLEUSER.items()}, singleuser)
    for place, ours in chart.BELOW.items():
        node = schema
        for key in place.split("."):
            node = node["properties"][key]
        compare(ours, node["properties"])
    images = schema["properties"]["prePuller"]["properties"]["extraImages"]
    compare(chart.PULLED_IMAGE, images["patternProperties"][".*"]["properties"])
    assert set(schema["properties"]) >= chart.TOP


def compare(ours: dict[str, tuple[type, ...]], theirs: dict[str, Any]) -> None:
    assert set(ours) <= set(theirs)
    for key, kinds in ours.items():
        if "type" in theirs[key]:
            named = theirs[key]["type"]
            allowed = {NAMES[name] for name in _list(named) if name in NAMES}
            assert set(kinds) <= allowed, key


def _list(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
