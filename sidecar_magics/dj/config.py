"""Set ``dj.config``, and undo that; read configuration files (``--config``)."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..addresses import split_port
from ..errors import DataJointConnectionError, SettingsError
from ..settings import FoundValue, Secret
from .masking import MaskedText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..settings import ConnectionSettings
    from .versions import DataJoint

KEYS = {name: f"database.{name}" for name in ("host", "port", "user", "password")}
TLS_KEY = "database.use_tls"
# Types of these settings in a file.
KINDS: dict[str, tuple[type, ...]] = {
    **{KEYS[name]: (str,) for name in ("host", "user", "password")},
    TLS_KEY: (bool, dict),
    "stores": (dict,),
    "custom": (dict,),
}
NAMES = {str: "a text", bool: "true or false", dict: "an object ({...})"}
# The groups that 2.x's files nest; 0.14's name their settings "group.name".
GROUPS = ("database", "connection", "display", "jobs", "provenance")


class ConfigFile(NamedTuple):
    """A configuration file of DataJoint, of either line.

    Parameters
    ----------
    path : Path
        Where it is.
    values : mapping
        Its settings, by flat name: ``database.host``, ``stores``, ``custom``.
    """

    path: Path
    values: Mapping[str, Any]

    @classmethod
    def read(cls, name: str) -> ConfigFile:
        """Read a file: 0.14's ``dj_local_conf.json`` or 2.x's ``datajoint.json``.

        Parameters
        ----------
        name : str
            Its path, which may begin with ``~``.

        Raises
        ------
        SettingsError
            It cannot be read, or has not the right form.
        """
        path = Path(os.path.expanduser(name))  # noqa: PTH111 - leaves ~nobody as it is
        try:
            values = json.loads(path.read_bytes())  # in UTF-8 or 16, with a mark or without
        except OSError as error:
            raise SettingsError(
                f"The configuration file {path} cannot be read: {error.strerror}.",
                hint=f"the path is relative to {Path.cwd()}.",
            ) from None
        except (ValueError, RecursionError) as error:
            # A part of the text is not shown: it may be a password.
            where = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise SettingsError(f"The configuration file {path}{where} is not JSON.") from None
        if not isinstance(values, dict):
            raise SettingsError(f"The configuration file {path} holds no settings.")
        flat = _flat(values)
        for key, kinds in KINDS.items():
            if flat.get(key) is not None and not isinstance(flat[key], kinds):
                names = " or ".join(NAMES[kind] for kind in kinds)
                raise SettingsError(f"{key} in the configuration file {path} must be {names}.")
        return cls(path, flat)

    @property
    def source(self) -> str:
        """How the file is named as a setting's source."""
        return f"{self.path} (--config)"

    @property
    def others(self) -> dict[str, Any]:
        """Its settings that do not say where the server is."""
        return {k: v for k, v in self.values.items() if k not in (*KEYS.values(), TLS_KEY)}


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    stores: dict[str, Any] = {}
    for name, value in values.items():
        if name in GROUPS and isinstance(value, dict):
            flat.update({f"{name}.{inner}": each for inner, each in value.items()})
        elif name == "stores" and isinstance(value, dict):
            stores.update(value)
        elif name.startswith("stores.") and name.count(".") == 2:  # 2.x takes stores.NAME.KEY, too
            _, store, key = name.split(".")
            stores[store] = {**stores.get(store, {}), key: value}
        else:
            flat[name] = value
    return {**flat, "stores": stores} if stores else flat


def connection_fields(values: Mapping[str, Any], source: str) -> dict[str, FoundValue]:
    """Return DataJoint's settings of the connection, by our fields.

    Parameters
    ----------
    values : mapping
        Settings by flat name; None counts as not set.
    source : str
        Where they are from.
    """
    given = {name: values[key] for name, key in KEYS.items() if values.get(key) is not None}
    host, port = split_port(str(given.get("host", "")))
    if port:
        given.update(host=host, port=port)
    if "password" in given:
        given["password"] = Secret(given["password"])
    use_tls = values.get(TLS_KEY)
    if use_tls:  # None and False ask for nothing
        given["tls"] = "required"
    if isinstance(use_tls, dict) and use_tls.get("ca"):
        given["ca"] = use_tls["ca"]
    return {name: FoundValue(value, source) for name, value in given.items()}


def assignments(settings: ConnectionSettings, *, encrypted: bool) -> dict[str, Any]:
    """Return the new values for ``dj.config``, by key.

    Parameters
    ----------
    settings : ConnectionSettings
        Where the server is.
    encrypted : bool
        Whether TLS is used. 2.x takes no dictionary here; the connection gets it directly.
    """
    return {
        KEYS["host"]: settings.host,
        KEYS["port"]: settings.port,  # an integer: 0.14 refuses a text
        KEYS["user"]: settings.user,
        KEYS["password"]: MaskedText(settings.password.reveal()),
        TLS_KEY: encrypted,
    }


@contextlib.contextmanager
def configured(datajoint: DataJoint, values: Mapping[str, Any]) -> Iterator[None]:
    """Set these values in ``dj.config``; if the block fails, restore the earlier ones.

    Parameters
    ----------
    datajoint : DataJoint
        Whose configuration.
    values : mapping
        Values by flat key.

    Raises
    ------
    DataJointConnectionError
        DataJoint does not take a value.
    """
    before = datajoint.config.take(values)
    logger = logging.getLogger("datajoint")
    level = logger.level  # "loglevel" sets it
    try:
        for key, value in values.items():
            _set(datajoint, key, value)
        yield
    except BaseException:
        datajoint.config.restore(values, before)
        logger.setLevel(level)
        raise


def _set(datajoint: DataJoint, key: str, value: Any) -> None:
    try:
        datajoint.config.set(key, value)
    except Exception as error:
        # Without the words of the error, which quote the value.
        raise DataJointConnectionError(
            f"DataJoint {datajoint.version} does not take the value of {key} "
            f"({type(error).__name__})."
        ) from None
