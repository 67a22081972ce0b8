"""JupyterHub as z2jh configures it, as far as a user sees it; read by JupyterHub itself.

What is particular to one run comes as JSON from the file that HUB_SETTINGS names.
"""

import json
import os
from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub's
settings = json.loads(Path(os.environ["HUB_SETTINGS"]).read_text())

c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
c.KubeSpawner.update(settings["spawner"])
c.KubeSpawner.namespace = settings["namespace"]

# Any name, any password: nobody else reaches the hub.
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True

c.JupyterHub.bind_url = settings["url"]
# On the pods' own network, where servers report to the hub.
c.JupyterHub.hub_bind_url = settings["hub_url"]
c.ConfigurableHTTPProxy.command = settings["proxy"]
c.ConfigurableHTTPProxy.api_url = settings["proxy_api_url"]
c.JupyterHub.db_url = "sqlite:///:memory:"
