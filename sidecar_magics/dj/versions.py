"""The lines of DataJoint under one interface: where each keeps its connection and configuration.

Up to 2.1 the shared connection is an attribute of the function ``dj.conn``, from 2.2 on it lives in
the module ``datajoint.instance`` (``_singleton_connection``). The configuration is a mapping that
takes any key in 0.14; in 2.x it is a model with checked types, behind a proxy without ``update``,
``keys`` or ``save``, and it has no ``custom``.

``dj.conn(host, user, password)`` has no argument for the port: it is ``database.port``, in 0.14 an
integer. A host of ``host:port`` connects there, but leaves the wrong port in ``dj.config``; an IPv6
address fails in both lines, which split it at its colons. Where user or password is None, 0.14 asks
(``input``, ``getpass``) and 2.x raises.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

from ..errors import DataJointConnectionError
from .driver import guard_datajoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

# Defaults of `dj.config`, in both lines.
BUILT_IN = {"database.host": "localhost", "database.port": 3306}
BACKEND = "database.backend"


class MappingConfig:
    """``dj.config`` of 0.14: a mapping that takes any key."""

    def __init__(self, config: Any) -> None:
        self._config = config

    def take(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return the present values of these keys, without keys that are not set."""
        return {key: self._config[key] for key in keys if key in self._config}

    def takes(self, key: str) -> bool:
        """Return whether there is a setting of this name."""
        del key
        return True

    def set(self, key: str, value: Any) -> None:
        """Set one key, as a user would."""
        self._config[key] = value

    def restore(self, keys: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Give these keys back what `take` found."""
        # Past the validators: a port that was read from a file as text has never met them.
        stored = self._config._conf
        for key in keys:
            stored.pop(key, None)
        stored.update(before)


class ModelConfig:
    """``dj.config`` of 2.x: settings in groups, with checked types."""

    def __init__(self, config: Any) -> None:
        self._config = config

    def take(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return the present values of these keys, without keys that are not set."""
        found = {}
        for key in keys:
            with contextlib.suppress(KeyError):
                value = self._config[key]
                found[key] = dict(value) if isinstance(value, dict) else value
        return found

    def takes(self, key: str) -> bool:
        """Return whether there is a setting of this name."""
        return key in self.take({key: None})

    def set(self, key: str, value: Any) -> None:
        """Set one key; 2.x's proxy has no ``update``."""
        if key == "stores":
            value = {**self._config["stores"], **value}
        self._config[key] = value

    def restore(self, keys: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Give these keys back what `take` found."""
        del keys
        for key, value in before.items():
            self._config[key] = value


class DataJoint:
    """The DataJoint of this kernel: its configuration, and the connection that its tables share.

    Parameters
    ----------
    module : module
        ``datajoint``, imported.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        guard_datajoint()
        self.version = str(module.__version__)
        instance: Any = sys.modules.get("datajoint.instance")
        self._instance = instance if hasattr(instance, "_singleton_connection") else None
        if self._instance is not None and self._instance._load_thread_safe():
            raise DataJointConnectionError(
                "DJ_THREAD_SAFE is set: DataJoint has no shared connection then.",
                hint="use dj.Instance(host, user, password), or unset DJ_THREAD_SAFE.",
            )
        config: Any = module.config
        self.config = MappingConfig(config) if hasattr(config, "keys") else ModelConfig(config)
        self.require_mysql(self.config.take({BACKEND: None}))

    def require_mysql(self, values: Mapping[str, Any]) -> None:
        """Raise DataJointConnectionError if these settings are for another kind of server."""
        backend = values.get(BACKEND, "mysql")
        if backend != "mysql":
            raise DataJointConnectionError(
                f"DataJoint is set to the backend {backend}; this connects it to MySQL only.",
                hint="set dj.config['database.backend'] = 'mysql', or unset DJ_BACKEND.",
            )

    @property
    def connection(self) -> Any:
        """The shared connection, or None; `dj.conn()` would connect, and in 0.14 ask questions."""
        if self._instance is not None:
            return self._instance._singleton_connection
        return getattr(self._module.conn, "connection", None)

    def put_back(self, connection: Any) -> None:
        """Make this the shared connection; None means that there is none."""
        if self._instance is not None:
            self._instance._singleton_connection = connection
        elif connection is not None:
            self._module.conn.connection = connection
        elif hasattr(self._module.conn, "connection"):
            del self._module.conn.connection

    def open(self, host: str, user: str, password: bytes, **use_tls: Any) -> Any:
        """Make a new shared connection to the port that is configured, and return it."""
        # Without reset=True the arguments are ignored once there is a connection; 2.x forgets
        # use_tls unless host, user and password are given.
        self._module.conn(host, user, password, reset=True, **use_tls)
        return self.connection


def load_datajoint() -> DataJoint:
    """Import DataJoint, quietly, and return its face.

    Raises
    ------
    DataJointConnectionError
        It is not installed, or is set up in a way that has no shared connection to MySQL.
    """
    with quiet(), warnings.catch_warnings():
        # 2.x warns that no datajoint.json was found; the configuration is what we are about to set.
        warnings.filterwarnings("ignore", "No datajoint.json", UserWarning)
        try:
            module = importlib.import_module("datajoint")
        except Exception as error:
            raise _not_imported(error) from None
        if not hasattr(module, "conn"):  # a folder of this name, beside the notebook say
            raise DataJointConnectionError(
                f"The module imported as datajoint is not DataJoint: {_place(module)}.",
                hint="rename that file or folder, then restart the kernel.",
            )
        return DataJoint(module)


def _not_imported(error: Exception) -> DataJointConnectionError:
    if isinstance(error, ModuleNotFoundError) and error.name == "datajoint":
        return DataJointConnectionError(
            "DataJoint is not installed in this kernel's environment.",
            hint="%pip install 'sidecar-magics[datajoint]', then restart the kernel.",
        )
    return DataJointConnectionError(
        f"DataJoint cannot be imported: {type(error).__name__}: {_first_words(error)}.",
        # 0.14 reads dj_local_conf.json or ~/.datajoint_config.json then; 2.x the variables.
        hint="look at DataJoint's configuration file and at the variables that begin with DJ_.",
    )


def _first_words(error: Exception) -> str:
    # pydantic's errors quote the values, which may be passwords; not so what `errors` returns.
    if hasattr(error, "errors"):
        wrong = error.errors(include_input=False, include_url=False)
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong)
    return (str(error).splitlines() or [""])[0].rstrip(".")


def _place(module: ModuleType) -> str:
    folders = getattr(module, "__path__", ["?"])
    return str(module.__file__ or next(iter(folders), "?"))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep DataJoint's log to warnings: at DEBUG, 0.14 writes passwords into it.

    By a filter and not by the level, which DataJoint sets itself, also while it is imported.
    """
    logger = logging.getLogger("datajoint")
    logger.addFilter(_is_warning)
    try:
        yield
    finally:
        logger.removeFilter(_is_warning)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
