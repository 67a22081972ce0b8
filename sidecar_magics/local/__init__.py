"""A MySQL sidecar on this machine: found or fetched, started, stopped.

Whatever runs it:

    lifecycle.py  up, down, status: one server, one record, one lock
    backends.py   which of Docker, podman and a process runs it
    wish.py       what `up` was asked for
    state.py      the record by which notebooks find it, and our folders
    status.py     whether it runs, and what it keeps
    access.py     its password, and the option file for other programs
    ports.py      its port, and what else has the one that was wanted
    logs.py       its log, without passwords

As a process of this account:

    native.py     the backend
    process.py    started detached, ready, stopped
    confine.py    kept from writing anywhere else (Landlock)
    engine.py     options of MySQL and MariaDB
    find.py       a server program that is here, or is fetched
    packages.py   Debian's packages, unpacked and not installed
    archive.py    where this machine's packages come from
    program.py    a program with its own libraries

In a container: `containers`.

`auto` never leaves data: it takes the backend that the last record names, or fails, since an empty
server in the place of a full one looks like a loss.
"""
