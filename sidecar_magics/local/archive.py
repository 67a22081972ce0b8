"""The archive of this machine's own packages, read from its apt sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ..errors import LocalServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# https://manpages.debian.org/sources.list.5, the one-line style.
ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<rest>.+)")
# Names a suite may go by beside its code name.
SUITE_ALIASES = {"stable", "oldstable", "testing", "unstable", "sid"}
# Ubuntu keeps MariaDB, and from time to time MySQL, in the second.
COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}
USABLE_SCHEMES = ("http", "https", "file", "mirror", "mirror+file", "mirror+http", "mirror+https")


class PackageSource(NamedTuple):
    """One enabled entry of binary packages in apt's sources."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str


class Archive(NamedTuple):
    """The distribution's main archive, as this machine uses it.

    Parameters
    ----------
    distribution : str
        ``debian`` or ``ubuntu``.
    uri : str
        Where it is.
    suite : str
        The machine's own suite, such as ``bookworm``.
    signed_by : str
        Keyrings (comma-separated paths) or the key itself; empty means those apt trusts anyway.
    """

    distribution: str
    uri: str
    suite: str
    signed_by: str

    def stanza(self, suite: str | None = None) -> str:
        """Return the archive as a deb822 entry. Default `suite`: the machine's own."""
        lines = [
            "Types: deb",
            f"URIs: {self.uri}",
            f"Suites: {suite or self.suite}",
            f"Components: {' '.join(COMPONENTS[self.distribution])}",
            *([f"Signed-By: {self.signed_by}"] if self.signed_by else []),
        ]
        return "\n".join(lines) + "\n"


def machine_archive(etc: Path = Path("/etc"), keyrings: Path | None = None) -> Archive:
    """Find the main archive of the distribution that this machine runs.

    Parameters
    ----------
    etc : Path, default /etc
        Folder with ``os-release`` and ``apt/``.
    keyrings : Path, optional
        Folder of the distribution's own keyrings. Default: /usr/share/keyrings.

    Raises
    ------
    LocalServerError
        This is neither Debian nor Ubuntu nor made of one, or no entry is the main archive.
    """
    distribution, codename = _distribution(etc)
    main = [
        (source, suite)
        for source in read_sources(etc / "apt")
        for suite in source.suites
        if suite in {codename, *SUITE_ALIASES}
        and "main" in source.components
        and urlsplit(source.uri).scheme in USABLE_SCHEMES
    ]
    if not main:
        raise LocalServerError(
            f"apt's sources on this machine have no entry for {distribution}'s own archive "
            f"({codename} main)."
        )
    updated = {
        source.uri
        for source in read_sources(etc / "apt")
        if any(suite.endswith("-updates") for suite in source.suites)
    }
    # Third parties name their suites alike; max() keeps the first of equals.
    source, suite = max(main, key=lambda entry: _likeness(entry[0], distribution, updated))
    keyring = (keyrings or Path("/usr/share/keyrings")) / f"{distribution}-archive-keyring.gpg"
    return Archive(distribution, source.uri, suite, _all_keyrings(source.signed_by, keyring))


def read_sources(apt: Path) -> list[PackageSource]:
    """Return the enabled entries of binary packages below apt's folder, in apt's order."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    sources: list[PackageSource] = []
    for path in files:
        if path.suffix not in {".list", ".sources"} or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        parse = parse_deb822 if path.suffix == ".sources" else parse_one_line
        sources.extend(parse(text))
    return sources


def parse_one_line(text: str) -> Iterator[PackageSource]:
    """Yield the sources of a ``sources.list``; source packages and comments are passed over."""
    for line in text.splitlines():
        match = ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match:
            suite, *components = match["rest"].split()
            options = dict(
                option.split("=", 1) for option in (match["options"] or "").split() if "=" in option
            )
            yield PackageSource(
                match["uri"], (suite,), tuple(components), options.get("signed-by", "")
            )


def parse_deb822(text: str) -> Iterator[PackageSource]:
    """Yield the sources of a ``*.sources`` file; disabled stanzas are passed over.

    A stanza with several addresses is taken with the first.
    """
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = _fields(stanza)
        enabled = fields.get("enabled", "yes").lower() not in {"no", "false", "0", "off"}
        uris = fields.get("uris", "").split()
        if enabled and uris and "deb" in fields.get("types", "").split():
            yield PackageSource(
                uris[0],
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1] in {" ", "\t"} and name:
            fields[name] += "\n" + line
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _distribution(etc: Path) -> tuple[str, str]:
    """Return the distribution whose packages this machine runs, and its suite's code name."""
    release = _os_release(etc / "os-release")
    if "UBUNTU_CODENAME" in release:  # Ubuntu, and distributions made of it, such as Linux Mint
        return "ubuntu", release["UBUNTU_CODENAME"]
    if release.get("ID") == "debian":
        return "debian", release.get("VERSION_CODENAME", "unstable")
    name = release.get("PRETTY_NAME", "This system")
    raise LocalServerError(f"{name} is neither Debian nor Ubuntu, so it has no apt archive to use.")


def _os_release(path: Path) -> Mapping[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def _likeness(
    source: PackageSource, distribution: str, updated: set[str]
) -> tuple[bool, bool, bool]:
    """Return how much an entry looks like the distribution's own: by its key, company and path."""
    return (
        f"{distribution}-archive" in source.signed_by,
        source.uri in updated,
        urlsplit(source.uri).path.rstrip("/").endswith((distribution, "ubuntu-ports")),
    )


def _all_keyrings(signed_by: str, keyring: Path) -> str:
    """Add the distribution's whole keyring: another suite may be signed with a key of its own."""
    paths = [part for part in re.split(r"[,\s]+", signed_by) if part]
    if any(not part.startswith("/") for part in paths):  # fingerprints, or a key written out
        return signed_by
    if keyring.is_file() and str(keyring) not in paths:
        paths.append(str(keyring))
    return ",".join(paths)
