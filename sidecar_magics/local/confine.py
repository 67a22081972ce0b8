"""Keep a program from writing outside its own folders, whatever a statement asks for.

A server's SQL has many ways to a file: INTO OUTFILE, log files, DATA DIRECTORY, CLONE and more in
the next version. So we do not look at statements: Linux's Landlock takes the right to write from
the process itself, for good, also from its children, and needs no root. Reading and running stay
allowed: ``secure_file_priv`` decides what a server may read.

Run as a program, this file confines itself and becomes the command after ``--``. Standard library
only, and nothing of ours, so that this takes a few milliseconds.

Options cannot close every way: log files, CLONE and DATA DIRECTORY take any path at runtime. Rights
of accounts cannot either: SET GLOBAL is one right for all variables, and a MariaDB account that may
change ``mysql.global_priv`` grants itself the rest. A mount namespace would need rights that Ubuntu
24.04 and most containers refuse. `tests/integration/test_private.py` tries every known way; 24 of
them once worked.

Source: https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The numbers are the same on every architecture that MySQL or MariaDB is built for.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
RULE_PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38

WRITE_FILE = 1 << 1
# REMOVE_DIR to MAKE_SYM: changes of a folder.
CHANGE_FOLDER = sum(1 << bit for bit in range(4, 13))
# By the version that brought them. Without REFER nothing may be moved to another folder at all.
REFER, REFER_SINCE = 1 << 13, 2
TRUNCATE, TRUNCATE_SINCE = 1 << 14, 3


def landlock_version() -> int:
    """Return the version of Landlock that this kernel offers; 0 if it has none.

    It has none before Linux 5.13, if it is switched off at boot, and where a container's filter of
    system calls refuses it; nor has any other system.
    """
    if not sys.platform.startswith("linux") or not sys.executable:
        return 0
    answer = _syscall_or_error(CREATE_RULESET, None, 0, ASK_VERSION)
    return max(answer, 0)


def confined(command: Sequence[str], *, folder: Path, files: Sequence[Path]) -> list[str]:
    """Return the command line that starts `command` without the right to write elsewhere.

    The process that it starts becomes `command`, under the same number.

    Parameters
    ----------
    command : sequence of str
        The program, by its path, and its arguments.
    folder : Path
        The folder below which it may write, make, rename and remove.
    files : sequence of Path
        Files beside it that it may write as well; each must be there.
    """
    allowed = [str(path) for path in (folder, *files)]
    return [sys.executable, "-I", "-S", "-B", __file__, *allowed, "--", *command]


def restrict(folder: Path, files: Sequence[Path], version: int) -> None:
    """Give up the right to write anywhere but below `folder` and into `files`.

    Raises
    ------
    OSError
        A path is not there, or the kernel refuses.
    """
    content = WRITE_FILE | (TRUNCATE if version >= TRUNCATE_SINCE else 0)
    everything = content | CHANGE_FOLDER | (REFER if version >= REFER_SINCE else 0)
    handled = ctypes.c_uint64(everything)
    ruleset = _syscall(CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    _allow(ruleset, folder, everything)
    for path in (*files, Path(os.devnull)):
        _allow(ruleset, path, content)
    # Without it the kernel takes rules from root only: a setuid program would be surprised by them.
    if _libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise _last_error()
    _syscall(RESTRICT_SELF, ruleset, 0, None)
    os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, "Landlock is a part of Linux")
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        # struct landlock_path_beneath_attr, which is packed: the rights, and an open file.
        rule = struct.pack("=Qi", rights, handle)
        _syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.create_string_buffer(rule), 0)
    finally:
        os.close(handle)


def _syscall(number: int, *arguments: object) -> int:
    answer = _syscall_or_error(number, *arguments)
    if answer < 0:
        raise _last_error()
    return answer


def _syscall_or_error(number: int, *arguments: object) -> int:
    # A C long each: a narrower type would leave the upper half of a register undefined.
    longs = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    return int(_libc().syscall(ctypes.c_long(number), *longs))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


def main(arguments: Sequence[str]) -> None:
    """Confine this process to the paths before ``--``, and become the command after it."""
    separator = arguments.index("--")
    folder, *files = map(Path, arguments[:separator])
    command = list(arguments[separator + 1 :])
    try:
        restrict(folder, files, landlock_version())
    except OSError as error:
        # The log's reader takes lines with this mark for what ended the server.
        sys.exit(f"[ERROR] The server cannot be kept to {folder}: {error}")
    os.execv(command[0], command)  # noqa: S606 - its purpose is to become another program


if __name__ == "__main__":
    main(sys.argv[1:])
