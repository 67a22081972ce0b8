"""DataJoint 0.14 and 2.x, connected to the sidecar without a question.

    establish.py  all of it in order: probe, configure, connect or repair, check, or undo
    target.py     the server: from the settings, and from DataJoint's own configuration
    tls.py        DataJoint's ``use_tls``, from the TLS of our own connection
    versions.py   the lines of DataJoint under one interface: connection and configuration
    config.py     setting ``dj.config``, and undoing that; ``--config FILE``
    spyglass.py   Spyglass's folders and stores, before it is imported; ``--spyglass``
    save.py       writing a configuration file; ``--save``
    identity.py   whether the server is still the one that this kernel knew
    shared.py     the connection that DataJoint has: reused, repaired in place, or replaced
    driver.py     PyMySQL as DataJoint sees it, with our careful login
    masking.py    passwords that are right but are not shown
    result.py     the result, as a value and as lines

All or nothing: after a failure, configuration, logger, connection and its state are as they were.
One thread connects at a time, because DataJoint has one configuration for a process. Nothing else
in the package imports DataJoint.

Facts about DataJoint are in the docstrings and comments of these modules, at the code that needs
them. They were read in the sources of 0.14.1, 0.14.10 and 2.3.5, and tried with PyMySQL 1.1.0 to
1.2.4 on MySQL 9.7.4 and MariaDB 10.11; docs/datajoint.md has the measurements.
"""

from __future__ import annotations

from .config import ConfigFile
from .establish import connect
from .result import DataJointConnection
from .save import save_path
from .target import resolve_target

__all__ = ["ConfigFile", "DataJointConnection", "connect", "resolve_target", "save_path"]
