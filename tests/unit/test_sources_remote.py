"""Scripts with an address; the servers are on loopback, or in memory."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import random
import socket
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sidecar_magics.errors import ScriptError
from sidecar_magics.load.sources import remote
from sidecar_magics.load.sources.opening import Sources, open_sources
from tests.background import meanwhile

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

SECRETS = ("s3cret", "t0ken", "anneliese")
_random = random.Random(7)
SCRIPT = b"".join(b"SELECT %d;\n" % _random.getrandbits(256) for _ in range(20_000))


class Site(ThreadingHTTPServer):
    """A web server with one file, and faults to order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = SCRIPT
        self.etag: str | None = '"1"'
        self.tells_size = True
        self.tells_size_of_all_it_sends = True
        self.knows_ranges = True
        self.status = 200
        self.breaks_after: list[int] = []
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/data/dump.sql"

    @property
    def secret_url(self) -> str:
        return f"http://anneliese:s3cret@127.0.0.1:{self.server_port}/data/dump.sql?token=t0ken%2Fx#t0ken"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        site, wanted = self.server, self.headers.get("Range")
        site.asked.append(f"{self.command} {self.path} {wanted}")
        data, start, end = site.data, 0, len(site.data)
        is_range = wanted is not None and site.knows_ranges
        if is_range and wanted is not None:
            first, _, last = wanted.partition("=")[2].partition("-")
            start, end = int(first), int(last) + 1 if last else end
        self.send_response(site.status if site.status != 200 or not is_range else 206)
        if site.etag:
            self.send_header("ETag", site.etag)
        if is_range:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        if site.tells_size and (site.tells_size_of_all_it_sends or is_range or not body):
            self.send_header("Content-Length", str(len(data[start:end])))
        self.end_headers()
        if body:
            with contextlib.suppress(OSError):
                if site.breaks_after:
                    end = min(end, start + site.breaks_after.pop(0))
                self.wfile.write(data[start:end])
        self.close_connection = True


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(remote, "RETRY_PAUSES_S", (0.0, 0.0, 0.0))
    site = Site()
    with site, meanwhile(site.serve_forever, 0.01):
        try:
            yield site
        finally:
            site.shutdown()


def read(sources: Sources) -> bytes:
    with contextlib.closing(sources):
        (source,) = sources
        return b"".join(source.chunks())


def read_to_the_error(sources: Sources) -> tuple[bytes, ScriptError]:
    script = b""
    with contextlib.closing(sources):
        (source,) = sources
        try:
            for chunk in source.chunks():
                script += chunk
        except ScriptError as error:
            return script, error
    pytest.fail("no error")


def has_secrets(error: BaseException) -> bool:
    return any(secret in f"{error}{error!r}" for secret in SECRETS)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("tells_size", [True, False])
def test_a_file_on_a_web_server(site: Site, pack: type[bytes], tells_size: bool) -> None:
    site.data, site.tells_size = pack(SCRIPT), tells_size
    sources = open_sources(site.url)
    assert sources.kind == "url"
    assert sources.size_bytes == (len(site.data) if tells_size else None)
    assert sources.paths == []
    assert read(sources) == SCRIPT
    assert sources.position_bytes == len(site.data)
    assert sources.sha256 == sources.digest() == hashlib.sha256(site.data).hexdigest()
    assert sum(asked.startswith("GET") for asked in site.asked) <= 6, "not streamed"


def test_a_stamp_is_what_the_server_tells(site: Site) -> None:
    stamp = open_sources(site.secret_url).stamp()
    assert stamp is not None
    assert stamp["files"] == [{"name": site.url, "size": len(SCRIPT), "ETag": '"1"'}]
    site.etag = '"2"'
    assert open_sources(site.url).stamp() != stamp
    site.etag = None
    assert open_sources(site.url).stamp() is None


def test_the_secrets_of_an_address_are_sent_and_not_shown(site: Site) -> None:
    sources = open_sources(site.secret_url)
    assert sources.name == site.url
    assert sources.labels == [site.url]
    (source,) = sources
    assert source.name == site.url
    sources.close()
    assert all("/data/dump.sql?token=t0ken%2Fx " in asked for asked in site.asked)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_refusal(site: Site, status: int) -> None:
    site.status = status
    with pytest.raises(ScriptError) as caught:
        open_sources(site.secret_url)
    assert f"{site.url} cannot be read: HTTP status {status}." in caught.value.message
    assert not has_secrets(caught.value)


def test_no_server() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ScriptError) as caught:
            open_sources(f"http://anneliese:s3cret@127.0.0.1:{port}/dump.sql?key=t0ken")
    assert f"http://127.0.0.1:{port}/dump.sql cannot be read" in caught.value.message
    assert not has_secrets(caught.value)


def test_a_lost_connection_is_made_again_at_its_place(site: Site) -> None:
    site.breaks_after = [1_500_000, 100_000, 0]
    sources = open_sources(site.secret_url)
    assert read(sources) == SCRIPT
    ranges = [asked for asked in site.asked if "bytes=" in asked]
    assert len(ranges) >= 3
    assert not any("bytes=0-" in asked for asked in ranges)


def test_a_connection_that_ends_too_early_without_an_error(site: Site) -> None:
    site.tells_size_of_all_it_sends = False
    site.breaks_after = [1_500_000]
    assert read(open_sources(site.url)) == SCRIPT


def test_a_connection_that_stays_lost(site: Site) -> None:
    site.breaks_after = [1_500_000, *[0] * 50]
    script, error = read_to_the_error(open_sources(site.secret_url))
    assert SCRIPT.startswith(script)
    assert len(script) > 0
    assert f"{site.url} cannot be read further (" in error.message
    assert f"near byte {len(script):,} of {len(SCRIPT):,}." in error.message
    assert not has_secrets(error)


def test_a_server_without_ranges(site: Site) -> None:
    site.knows_ranges = False
    assert read(open_sources(site.url)) == SCRIPT
    site.breaks_after = [1_500_000]
    script, error = read_to_the_error(open_sources(site.url))
    assert SCRIPT.startswith(script)
    assert "cannot be read further (the connection was lost)" in error.message


def test_a_file_that_changes_meanwhile(site: Site) -> None:
    site.breaks_after = [1_500_000]
    sources = open_sources(site.url)
    (source,) = sources
    chunks = source.chunks()
    next(chunks)
    site.etag = '"2"'
    with pytest.raises(ScriptError, match="the file has changed on its server"):
        list(chunks)
    sources.close()


def test_a_zip_on_a_web_server(site: Site) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("readme.txt", "two words")
        file.writestr("a.sql", SCRIPT)
        file.writestr("b.sql", "SELECT 1;")
    site.data = archive.getvalue()
    url = site.url.replace("dump.sql", "dump.zip")
    sources = open_sources(f"{url}:a.sql?token=t0ken")
    assert sources.name == f"{url}:a.sql"
    assert read(sources) == SCRIPT
    assert read(open_sources(url, member="b.sql")) == b"SELECT 1;"
    site.tells_size = False
    _, error = read_to_the_error(open_sources(url))
    assert "list of members is at its end" in error.message


def test_a_login_page(site: Site) -> None:
    site.data = b"<!DOCTYPE html><title>Sign in</title>"
    _, error = read_to_the_error(open_sources(site.url))
    assert "is a web page, not SQL text" in error.message


def test_in_memory() -> None:
    with fsspec.open("memory://bucket/dump.sql.gz", "wb") as file:
        file.write(gzip.compress(SCRIPT))
    sources = open_sources("memory://bucket/dump.sql.gz")
    assert read(sources) == SCRIPT
    assert sources.position_bytes == sources.size_bytes
    assert sources.stamp() is not None
    with pytest.raises(ScriptError, match=r"^memory://bucket/none\.sql cannot be read: there is"):
        open_sources("memory://bucket/none.sql")


def test_a_variable_in_an_address(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "t0ken")
    sources = open_sources(f"{site.url}?token=$TOKEN&$select=x")
    assert sources.name == site.url
    assert "/data/dump.sql?token=t0ken&$select=x " in site.asked[0]


def test_a_file_url(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "a b.sql"  # type: ignore[operator]
    path.write_bytes(SCRIPT)
    sources = open_sources(path.as_uri())
    assert sources.kind == "file"
    assert read(sources) == SCRIPT


@pytest.mark.parametrize("module", ["fsspec", "aiohttp"])
def test_without_what_reads_addresses(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ScriptError) as caught:
        open_sources("https://anneliese:s3cret@example.org/dump.sql")
    assert "https://example.org/dump.sql cannot be read" in caught.value.message
    assert caught.value.hint.startswith("pip install 'sidecar-magics[remote]'")
    assert not has_secrets(caught.value)


@pytest.mark.parametrize("scheme", ["s3", "gcs", "nonsense"])
def test_a_kind_of_storage_that_is_not_installed(scheme: str) -> None:
    with pytest.raises(ScriptError) as caught:
        open_sources(f"{scheme}://bucket/dump.sql?token=t0ken")
    assert f"{scheme}://bucket/dump.sql cannot be read" in caught.value.message
    package = {"s3": "pip install s3fs", "gcs": "pip install gcsfs"}.get(scheme, "")
    assert caught.value.hint.startswith(package)
    assert not has_secrets(caught.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://anneliese:s3cret@host:8080/a.sql?x=t0ken#t0ken", "https://host:8080/a.sql"),
        ("https://anneliese:s3@cret@host/a.sql", "https://host/a.sql"),
        ("simplecache::https://anneliese:s3cret@host/a?t0ken", "simplecache::https://host/a"),
        ("s3://bucket/key?versionId=t0ken", "s3://bucket/key"),
        ("https://host?sig=t0ken", "https://host"),
    ],
)
def test_what_is_shown_of_an_address(url: str, name: str) -> None:
    assert remote.shown(url) == name
