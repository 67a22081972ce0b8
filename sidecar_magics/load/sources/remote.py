"""Scripts on other machines: web servers and object stores, through fsspec.

An address may hold secrets: a login (``https://user:password@host/``), a token, a signature. So we
show only its scheme, host and path, and remove the address's parts from the text of another
library's error before we show that.
"""

from __future__ import annotations

import importlib
import io
import re
import time
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from ...errors import ScriptError, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

HTTP = ("http://", "https://")
# What reads them is in no extra of ours.
STORAGE = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
INSTALL = "pip install 'sidecar-magics[remote]' installs the packages that it needs."
# Marks of a file's version, as the kinds of storage call them.
VALIDATORS = (
    *("ETag", "etag", "Content-MD5", "Digest", "md5Hash", "generation", "VersionId", "version_id"),
    *("Last-Modified", "LastModified", "last_modified", "updated", "mtime", "created"),
)
CONNECT_TIMEOUT_S = 30.0
SILENCE_TIMEOUT_S = 60.0
RETRY_PAUSES_S = (0.5, 1.0, 2.0)
SHORTEST_SECRET = 3


def shown(url: str) -> str:
    """Return an address without its possible secrets: scheme, host and path.

    >>> shown("https://ann:pw@host:8080/dump.sql.gz?token=abc")
    'https://host:8080/dump.sql.gz'
    """
    return "::".join(_shown_link(link) for link in url.split("::"))


def _shown_link(link: str) -> str:
    bare = re.split(r"[?#]", link, maxsplit=1)[0]
    scheme, colon, rest = bare.partition("://")
    if not colon:
        return bare
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


class RemoteOrigin:
    """A file with an address.

    Parameters
    ----------
    url : str
        The address, secrets and all.

    Raises
    ------
    ScriptError
        fsspec, or its part for this kind of address, is not installed; there is no such file, or
        it may not be read.
    """

    path = None
    can_reopen = True

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = shown(url)
        self._filesystem, self._path = self._connect()
        self._info = self._ask()
        if self._info.get("type") == "directory":
            raise ScriptError(f"{self.name} is a folder, not a file.", hint="name its files.")

    @property
    def size_bytes(self) -> int | None:
        """Size, where the server reports."""
        size = self._info.get("size")
        return None if size is None else int(size)

    def stamp(self) -> dict[str, Any] | None:
        """Return a stamp that changes when the file does; None if its server sends none."""
        self._info = self._ask()
        validators = _validators(self._info)
        return {"size": self.size_bytes, **validators} if validators else None

    def open(self) -> IO[bytes]:
        """Open the file, at its beginning."""
        return cast("IO[bytes]", RemoteFile(self))

    def open_at(self, position_bytes: int) -> IO[bytes]:
        """Open the file at a place; see `RemoteFile`."""
        if position_bytes == 0 and self._url.startswith(HTTP):
            # One request for all of it; a ranged file would ask for each five megabytes.
            stream: IO[bytes] = self._filesystem.open(self._path, "rb", block_size=0)
            return stream
        file: IO[bytes] = self._filesystem.open(self._path, "rb")
        file.seek(position_bytes)
        return file

    def is_unchanged(self) -> bool:
        """Return whether the file is still the one that was found first."""
        before, now = self._info, self._ask()
        return (before.get("size"), _validators(before)) == (now.get("size"), _validators(now))

    def why(self, error: BaseException) -> str:
        """Return another library's error in a few words, without secrets."""
        while isinstance(error, FileNotFoundError) and error.__cause__ is not None:
            error = error.__cause__  # fsspec calls every failure over http "not found"
        status = getattr(error, "status", None)
        if isinstance(status, int):  # aiohttp.ClientResponseError
            return f"HTTP status {status}"
        if isinstance(error, FileNotFoundError):
            return "there is no such file"
        if type(error).__name__ == "ClientPayloadError":  # aiohttp: less came than was promised
            return "the connection was lost"
        text = str(error).strip().split("\n", maxsplit=1)[0]
        return printable(self._without_secrets(text)) or type(error).__name__

    def _connect(self) -> tuple[Any, str]:
        try:
            fsspec = importlib.import_module("fsspec")
            filesystem, path = fsspec.core.url_to_fs(self._url, **self._options())
        except ImportError as error:
            # fsspec says which further package an address needs: s3fs, gcsfs, ...
            wanted = [] if error.name == "fsspec" else [self._without_secrets(str(error))]
            package = STORAGE.get(self.name.partition(":")[0])
            raise ScriptError(
                f"{self.name} cannot be read: the package that reads addresses is not installed.",
                details=wanted,
                hint=f"pip install {package} installs it." if package else INSTALL,
            ) from None
        except Exception as error:  # each kind of storage has its own
            raise ScriptError(f"{self.name} cannot be read: {self.why(error)}.") from None
        return filesystem, path

    def _options(self) -> dict[str, Any]:
        if not self._url.startswith(HTTP):
            return {}
        aiohttp = importlib.import_module("aiohttp")
        # Its default ends a download after five minutes, however well it goes; a load reads as
        # slowly as the server works.
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S
        )
        # A signed address must be sent as it is, not quoted anew.
        is_quoted = self._url.isascii() and self._url.isprintable() and " " not in self._url
        return {"client_kwargs": {"timeout": timeout}, "encoded": is_quoted}

    def _ask(self) -> Mapping[str, Any]:
        try:
            self._filesystem.invalidate_cache()
            info: Mapping[str, Any] = self._filesystem.info(self._path)
        except Exception as error:  # each kind of storage has its own
            raise ScriptError(
                f"{self.name} cannot be read: {self.why(error)}.",
                hint="check the address, and whether it needs a login.",
            ) from None
        return info

    def _without_secrets(self, text: str) -> str:
        for link in self._url.split("::"):
            text = text.replace(link, _shown_link(link))
            for secret in sorted(_secrets(link), key=len, reverse=True):
                text = text.replace(secret, "***")
        return re.sub(r"[a-z][a-z0-9+]*://[^\s'\")>]+", lambda match: _shown_link(match[0]), text)


class _ChangedError(OSError):
    """The file has changed: the rest does not belong to the part that was read."""


class RemoteFile(io.RawIOBase):
    """A file on another machine; a lost connection is made again at the place where it broke.

    Parameters
    ----------
    origin : RemoteOrigin
        Where the file is.
    """

    def __init__(self, origin: RemoteOrigin) -> None:
        super().__init__()
        self._origin = origin
        self._position_bytes = 0
        self._file: IO[bytes] | None = None

    def readable(self) -> bool:
        """Report that it can be read."""
        return True

    def seekable(self) -> bool:
        """Report that other places can be asked for; the server may refuse."""
        return True

    def tell(self) -> int:
        """Return the place."""
        return self._position_bytes

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place; the next `read` opens the file there.

        Raises
        ------
        OSError
            The size is not known, and so neither is the end.
        """
        size_bytes = self._origin.size_bytes
        if size_bytes is None:
            raise OSError(None, "the server does not report the file's size")
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position_bytes, io.SEEK_END: size_bytes}
        position_bytes = start[whence] + offset
        if position_bytes != self._position_bytes:
            self._drop()
            self._position_bytes = position_bytes
        return position_bytes

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, none at the end.

        Raises
        ------
        OSError
            The connection was lost and cannot be made again at this place; without secrets.
        """
        failure = "the connection was lost"
        for pause_s in (0.0, *RETRY_PAUSES_S):
            time.sleep(pause_s)
            try:
                data = self._read(size)
            except _ChangedError:
                raise
            except ValueError:  # fsspec: this server knows no ranges
                break
            except Exception as error:  # each kind of storage has its own
                failure = self._origin.why(error)
                self._drop()
                continue
            if data or self._is_at_end():
                self._position_bytes += len(data)
                return data
            self._drop()
        raise OSError(None, failure)

    def close(self) -> None:
        """Close it."""
        self._drop()
        super().close()

    def _read(self, size: int) -> bytes:
        if self._file is None:
            if self._position_bytes and not self._origin.is_unchanged():
                raise _ChangedError(None, "the file has changed on its server")
            self._file = self._origin.open_at(self._position_bytes)
        if size < 0:
            size = (self._origin.size_bytes or 0) - self._position_bytes
        return self._file.read(size)

    def _is_at_end(self) -> bool:
        size_bytes = self._origin.size_bytes
        return size_bytes is None or self._position_bytes >= size_bytes

    def _drop(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()


def _validators(info: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(info[name]) for name in VALIDATORS if info.get(name)}


def _secrets(link: str) -> set[str]:
    """Return the secrets in an address, as they stand there and decoded."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return set()
    found = {parts.query, parts.fragment, *(value for _, value in parse_qsl(parts.query))}
    login = parts.netloc.rpartition("@")[0]
    found |= {login, *login.split(":")}
    found |= {unquote(secret) for secret in found}
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}
