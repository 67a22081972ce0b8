"""What z2jh's own file of this name does for pods: values become KubeSpawner's settings."""

from z2jh import all_values

from tests.hub import chart

c = get_config()  # noqa: F821 - traitlets' own
c.merge(chart.spawner_config(all_values()))
