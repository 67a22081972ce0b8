"""A MySQL sidecar on this machine: found or fetched, started, stopped.

For every backend:

    lifecycle.py  up, down, status: one server, one record, one lock
    backends.py   choose Docker, podman or a plain process
    wish.py       the options of `up`
    state.py      the record by which notebooks find it, and our folders
    status.py     whether it runs, and its data
    access.py     its password, and the option file for other programs
    ports.py      its port, and the program that has the wanted one
    logs.py       its log, without passwords

As a process of this account:

    native.py     the backend
    process.py    started detached, ready, stopped
    confine.py    kept from writing anywhere else (Landlock)
    engine.py     options of MySQL and MariaDB
    find.py       a server program that is here, or is fetched
    packages.py   Debian's packages, unpacked and not installed
    archive.py    the source of this machine's packages
    program.py    a program with its own libraries

In a container: `containers`.

`auto` never leaves data: it takes the backend that the last record names, or fails, since an empty
server instead of a full one looks like a loss.
"""
