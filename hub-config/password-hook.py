"""Give each user a password of their own instead of "tutorial", the same at every start.

For hubs where 127.0.0.1 alone is not trusted, and for whoever does not want a public password in a
database that keeps data. On top of any of the values files:

    helm upgrade ... -f sidecar.values.yaml \
        --set-file hub.extraConfig.sidecar-password=password-hook.py

at this and every later upgrade: without it the password is "tutorial" again. In a chart that has
z2jh as a part, it is jupyterhub.hub.extraConfig.sidecar-password.

The password is derived (HMAC) from the user's name and a key that stays in the hub: the value
custom.sidecarPasswordKey, or else the key that z2jh made for the hub's own encryption. So nothing
has to be stored, and who knows one password knows no other. Change the key, and users of a
persistent database are locked out of it, as are those whose data was made before with another
password: it is set when the data is made (the image of image/ sets it at each start). That is the
reason to set a key that is used for nothing else, in a values file that is kept secret:

    custom:
      sidecarPasswordKey: "..."        # what `openssl rand -hex 32` prints

All servers of a user have the same password, named ones too.

Who may read pods in the hub's namespace can read the passwords, as is the case without this hook.
"""

import hashlib
import hmac

from jupyterhub.utils import maybe_future
from z2jh import get_config, get_secret_value

CONTAINER = "mysql"
LEAST_LENGTH = 32
VARIABLES = {"mysql": ("MYSQL_ROOT_PASSWORD",), "notebook": ("MYSQL_PWD", "DJ_PASS")}


def sidecar_key():
    """Return the key that all passwords are made from.

    Raises
    ------
    ValueError
        It is short, so that it could be guessed, or no text. The hub does not start then.
    """
    key = get_config("custom.sidecarPasswordKey")
    if key is None:
        # There may be several, newest first.
        key = get_secret_value("hub.config.CryptKeeper.keys").split(";")[0]
    if not isinstance(key, str) or len(key) < LEAST_LENGTH:
        raise ValueError(
            f"custom.sidecarPasswordKey has to be text, in quotes, of at least {LEAST_LENGTH} "
            "characters; openssl rand -hex 32 prints a good one"
        )
    return key.encode()


def sidecar_password(username):
    """Return the password of `username`: 32 characters, letters and digits."""
    message = b"sidecar-mysql:" + username.encode()
    return hmac.new(KEY, message, hashlib.sha256).hexdigest()[:32]


def with_sidecar_password(earlier):
    """Return a hook that calls `earlier` (another hook, or None), then sets the password."""

    async def hook(spawner, pod):
        if earlier is not None:
            pod = await maybe_future(earlier(spawner, pod))
        containers = [*(pod.spec.init_containers or []), *pod.spec.containers]
        if any(container.name == CONTAINER for container in containers):
            password = sidecar_password(spawner.user.name)
            for container in containers:
                _set_variables(container, VARIABLES.get(container.name, ()), password)
        return pod

    return hook


def _set_variables(container, names, value):
    kept = [item for item in container.env or [] if _name(item) not in names]
    container.env = kept + [{"name": name, "value": value} for name in names]


def _name(item):
    # KubeSpawner's own variables are objects, those of the values files are dictionaries.
    return item["name"] if isinstance(item, dict) else item.name


KEY = sidecar_key()
c.KubeSpawner.modify_pod_hook = with_sidecar_password(  # noqa: F821 - c is JupyterHub's
    c.KubeSpawner.get("modify_pod_hook")  # noqa: F821
)
