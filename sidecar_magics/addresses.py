"""Hosts as people write them: names, addresses, and a port after one."""

from __future__ import annotations

import ipaddress
import re


def is_loopback(host: str) -> bool:
    """Return whether `host` is a loopback address (127.0.0.0/8, ::1) or the name ``localhost``."""
    if host.lower() == "localhost":
        return True
    return is_address(host) and ipaddress.ip_address(host).is_loopback


def is_address(host: str) -> bool:
    """Return whether `host` is an IP address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def split_port(address: str) -> tuple[str, str]:
    """Split ``host:port``, as DataJoint takes it, where the port goes before any other.

    Parameters
    ----------
    address : str
        A host with or without a port; an IPv6 address with one is in brackets, ``[::1]:3306``.

    Returns
    -------
    tuple of str and str
        Host and port; the port is empty if there is none.
    """
    bracketed = re.fullmatch(r"\[([^][]*)\]:([0-9]+)", address.strip())
    if bracketed:
        return bracketed[1], bracketed[2]
    host, _, port = address.strip().partition(":")
    return (host, port) if host and port.isascii() and port.isdigit() else (address, "")
