"""What z2jh's module of this name offers to hub.extraConfig."""

from functools import cache
from pathlib import Path

import yaml

SECRET = Path("/usr/local/etc/jupyterhub/secret")


@cache
def all_values():
    """Return the values that Helm gave the chart."""
    return yaml.safe_load((SECRET / "values.yaml").read_text())


def get_config(key, default=None):
    """Return the value at `key`, whose parts have dots between them."""
    node = all_values()
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return default
        node = node[part]
    return node


def get_secret_value(key):
    """Return one of the values that the chart makes itself."""
    return (SECRET / key).read_text()
