"""The values files of hub-config, read and merged as Helm does."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.hub.spawning import User

HUB_CONFIG = Path(__file__).resolve().parents[2] / "hub-config"

Values = dict[str, Any]


@dataclass(frozen=True)
class Deployment:
    """One way to use the files, as the README's table has it.

    Parameters
    ----------
    files : tuple of str
        Values files, without ``.values.yaml``, in the order of the command line.
    kubernetes : tuple of int, default (1, 25)
        Oldest version that its pods are for; (1, 29) is the first with native sidecars.
    profile : str or None, default None
        Profile that the user chooses.
    keeps_data : bool, default False
        Data survives a stop of the user's server.
    gates : bool, default True
        The notebook waits for MySQL.
    settings : tuple of pairs, default empty
        What an operator has changed in ``custom.sidecarMysql``.
    hub : str, default empty
        The hub's own values, as YAML, below the files.
    """

    files: tuple[str, ...]
    kubernetes: tuple[int, int] = (1, 25)
    profile: str | None = None
    keeps_data: bool = False
    gates: bool = True
    settings: tuple[tuple[str, str], ...] = ()
    hub: str = ""

    @property
    def is_native(self) -> bool:
        """Whether MySQL is a native sidecar, where the cluster has such."""
        if self.files[0] == "inject":
            return ("sidecar", "classic") not in self.settings
        return self.kubernetes >= NATIVE

    @property
    def user(self) -> User:
        """A user of it, who chooses its profile."""
        return User(profile=self.profile)

    def __str__(self) -> str:
        settings = ",".join(f"{name}={value}" for name, value in self.settings)
        parts = [part for part in (settings, "static" if self.hub else "") if part]
        more = f"[{','.join(parts)}]" if parts else ""
        return "+".join(self.files) + more + (f":{self.profile}" if self.profile else "")

    def values(self) -> Values:
        """Return the values that z2jh gets, from below the key of a chart that has it as a part."""
        layers = [yaml.safe_load(self.hub) or {}, *(read(name) for name in self.files)]
        if self.settings:
            layers.append({"custom": {"sidecarMysql": dict(self.settings)}})
        merged = merge(*layers)
        below: Values = merged.get("jupyterhub", merged)
        return below


NATIVE = (1, 29)
# Homes on one volume, made the user's by a container of the hub's.
STATIC = """
singleuser:
  storage: {type: static, static: {pvcName: home-nfs, subPath: "{username}"}}
"""
INJECT = Deployment(("inject",))
SIDECAR = Deployment(("sidecar",), NATIVE)
SEED = Deployment(("seed",), gates=False)
# Every file of hub-config is in one of these (test_values.py).
DEPLOYMENTS = (
    INJECT,
    Deployment(("inject",), settings=(("sidecar", "classic"),)),
    Deployment(("inject",), settings=(("data", "keep"),)),
    Deployment(("inject",), settings=(("data", "keep"), ("sidecar", "classic"))),
    Deployment(("inject",), settings=(("data", "home"),), keeps_data=True, gates=False),
    Deployment(("inject",), settings=(("data", "home"),), keeps_data=True, gates=False, hub=STATIC),
    Deployment(("inject",), settings=(("data", "claim"),), keeps_data=True, gates=False),
    SIDECAR,
    Deployment(("sidecar-classic",)),
    Deployment(("persistent",), NATIVE, keeps_data=True, gates=False),
    Deployment(("persistent-static",), NATIVE, keeps_data=True, gates=False, hub=STATIC),
    Deployment(("profiles",), profile="mysql"),
    Deployment(("basehub",)),
    Deployment(("sidecar", "ephemeral"), NATIVE),
    Deployment(("sidecar", "netpol"), NATIVE),
)


def read(name: str) -> Values:
    """Return the content of ``hub-config/NAME.values.yaml``."""
    values: Values = yaml.safe_load((HUB_CONFIG / f"{name}.values.yaml").read_text())
    return values


def merge(*layers: Values) -> Values:
    """Merge values, the last one on top, as ``helm -f a -f b`` does.

    Mappings are merged key by key; a list replaces the list below it; so does null, which does not
    take the key away (only a key of the chart's own values.yaml goes with it: `on_defaults`).
    """
    result: Values = {}
    for layer in layers:
        _put_on_top(result, layer)
    return result


def on_defaults(defaults: Values, values: Values) -> Values:
    """Return what a chart gets that has `defaults`, none of which is null, in its values.yaml."""
    result = copy.deepcopy(defaults)
    for key, value in values.items():
        default = result.get(key)
        if value is None and key in result:
            del result[key]
        elif isinstance(value, dict) and isinstance(default, dict):
            result[key] = on_defaults(default, value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def _put_on_top(below: Values, above: Values) -> None:
    for key, value in above.items():
        if isinstance(value, dict):
            if not isinstance(below.get(key), dict):
                below[key] = {}
            _put_on_top(below[key], value)
        else:
            below[key] = copy.deepcopy(value)
