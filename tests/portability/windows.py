"""What this package meets on Windows, made on any system: no POSIX modules, no POSIX functions.

Only modules of ours see it: what they import is looked at, and `os`, `sys`, `signal`
and `socket` are given to them as stand-ins. IPython, PyMySQL and the others, which know Windows by
themselves, continue as usual.

Sources: https://docs.python.org/3/library/os.html and its neighbours ("Availability: Unix").
"""

from __future__ import annotations

import builtins
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

PACKAGE = "sidecar_magics"


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


MISSING = words(
    "crypt fcntl grp nis ossaudiodev posix pty pwd readline resource spwd syslog termios tty"
)
OS = words(
    """
    EX_OK O_ASYNC O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK O_PATH O_SYNC O_TMPFILE
    POSIX_SPAWN_CLOSE POSIX_SPAWN_DUP2 POSIX_SPAWN_OPEN WNOHANG
    chflags chown chroot confstr copy_file_range ctermid eventfd fchdir fork forkpty fwalk getegid
    geteuid getgid getgroups getloadavg getpgid getpgrp getpriority getresuid getsid getuid
    initgroups killpg lchown lockf major makedev memfd_create minor mkfifo mknod nice openpty
    pathconf pidfd_open posix_fadvise posix_fallocate posix_spawn posix_spawnp pread preadv pwrite
    pwritev readv register_at_fork sched_getaffinity sched_setaffinity sched_yield sendfile setegid
    seteuid setgid setgroups setns setpgid setpriority setsid setuid splice statvfs fstatvfs sync
    sysconf tcgetpgrp tcsetpgrp ttyname uname unshare wait wait3 wait4 waitid writev
    """
)
SIGNALS = words(
    """
    SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGIO SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSTOP SIGTSTP
    SIGTTIN SIGTTOU SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH alarm getitimer pause pthread_kill
    pthread_sigmask setitimer siginterrupt sigpending sigtimedwait sigwait sigwaitinfo
    """
)
SOCKETS = words("AF_UNIX MSG_DONTWAIT MSG_NOSIGNAL SO_REUSEPORT SOCK_CLOEXEC SOCK_NONBLOCK")


class StandIn(types.ModuleType):
    """A module of the standard library, without some of its names and with some others.

    Parameters
    ----------
    real : module
        The real one.
    missing : set of str
        Names that Windows has not.
    instead : mapping
        Names that have another value there.
    """

    def __init__(
        self, real: types.ModuleType, missing: AbstractSet[str], instead: Mapping[str, Any]
    ) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(_real=real, _missing=missing, **instead)

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._real, name)


def pretend() -> None:
    """Let our packages, not imported yet, be on Windows from now on, in this process."""
    import os
    import signal
    import socket

    assert not any(name.startswith(PACKAGE) for name in sys.modules), "imported already"
    stand_ins = {
        "os": StandIn(os, OS, {"name": "nt"}),
        "sys": StandIn(sys, words("abiflags getdlopenflags"), {"platform": "win32"}),
        "signal": StandIn(signal, SIGNALS, {}),
        "socket": StandIn(socket, SOCKETS, {}),
    }
    genuine = builtins.__import__

    def importing(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - as Python calls it
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        asking = str((globals or {}).get("__name__", ""))
        if not asking.startswith(PACKAGE) or level:
            return genuine(name, globals, locals, fromlist or (), level)
        top = name.partition(".")[0]
        if top in MISSING:
            raise ModuleNotFoundError(f"No module named {top!r} on Windows", name=top)
        return stand_ins.get(name) or genuine(name, globals, locals, fromlist or (), level)

    builtins.__import__ = importing
