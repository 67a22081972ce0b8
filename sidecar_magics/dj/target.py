"""Find the server for DataJoint.

`settings.resolve` finds it, as for waiting and loading; here DataJoint's own configuration counts,
too, after the environment and before the defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..settings import resolve, shown_host
from .config import KEYS, TLS_KEY, ConfigFile, connection_fields
from .identity import Memory
from .versions import BUILT_IN, load_datajoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..settings import ConnectionSettings, FoundValue
    from .versions import DataJoint

SOURCE = "dj.config"
# A value that is given in one of these ways overrides DataJoint's configuration on purpose.
DELIBERATE = ("option", "%config", "%mysql_wait", "environment", "given")


def resolve_target(
    options: Mapping[str, Any] | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    earlier: Mapping[str, Any] | None = None,
    config_file: ConfigFile | None = None,
) -> ConnectionSettings:
    """Resolve the server for DataJoint, each field by itself.

    The places are those of `settings.resolve`; after the environment come `config_file` and the
    values that the user, or a file that DataJoint found, has set in ``dj.config``. These do not
    count after a wait: the kernel continues with the server that it has waited for, and loaded.

    Parameters
    ----------
    options, config, earlier : mapping, optional
        As for `settings.resolve`. `earlier` is None if nothing was waited for; a mapping, which
        may be empty, if something was.
    config_file : ConfigFile, optional
        The file of ``--config``.

    Raises
    ------
    SettingsError
        A value is malformed, or there is no password.
    DataJointConnectionError
        There is no DataJoint that could be connected.
    """
    has_waited = earlier is not None
    places = {} if has_waited else wishes(load_datajoint(), config_file)
    return resolve(options, config=config, earlier=earlier, after_environment=places)


def wishes(
    datajoint: DataJoint, config_file: ConfigFile | None
) -> dict[str, Mapping[str, FoundValue]]:
    """Return the connection's settings in a configuration file and in ``dj.config``, by place."""
    values = datajoint.config.take(dict.fromkeys((*KEYS.values(), TLS_KEY)))
    written = Memory.of(datajoint.connection).written
    of_the_user = {
        key: value
        for key, value in values.items()
        if value != BUILT_IN.get(key) and (key not in written or value != written[key])
    }
    in_file = connection_fields(config_file.values, config_file.source) if config_file else {}
    return {"--config": in_file, SOURCE: connection_fields(of_the_user, SOURCE)}


def overruled(settings: ConnectionSettings, places: Mapping[str, Mapping[str, FoundValue]]) -> str:
    """Return a note if DataJoint's configuration names another server than the one that is used.

    Parameters
    ----------
    settings : ConnectionSettings
        The target.
    places : mapping of str to mapping
        As from `wishes`.
    """
    for place in places.values():
        other = [
            f"{name} {shown_host(place[name].value) if name == 'host' else place[name].value}"
            for name in ("host", "port", "user")
            if name in place
            and str(place[name].value).replace("localhost", "127.0.0.1")
            != str(getattr(settings, name))
            and not settings.sources.get(name, "given").startswith(DELIBERATE)
        ]
        if other:
            source = next(iter(place.values())).source
            return f"{source} says {', '.join(other)}; the server of %mysql_wait overrides it."
    return ""
