"""Where data sets are looked for, and how they are fetched: against a server on this computer only."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from critlab._core.errors import DataError
from critlab.data.folder import data_folder, places
from critlab.data.formats import cifar
from critlab.data.formats.fetch import Official, fetched
from data_files import cifar10_binary, write_archive


class Server(HTTPServer):
    """Answers with ``files``; of the first ``broken`` answers it sends only half."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.broken = 0
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        self.server.asked.append(name)
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.broken:
            self.server.broken -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("CRITLAB_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def official(server: Server, **files: bytes) -> Official:
    server.files = files
    return Official(server.address, {name: hashlib.md5(content).hexdigest() for name, content in files.items()})


def test_what_is_missing_is_fetched_once(server: Server, tmp_path: Path) -> None:
    there = official(server, one=b"first", two=b"second")
    (tmp_path / "two").write_bytes(b"second")
    fetched("Letters", there, tmp_path)
    fetched("Letters", there, tmp_path)
    assert server.asked == ["one"]
    assert (tmp_path / "one").read_bytes() == b"first"


def test_wrong_bytes_are_never_kept(server: Server, tmp_path: Path) -> None:
    there = official(server, one=b"first")
    server.files["one"] = b"forged"
    with pytest.raises(DataError, match=r"wrong checksum.*put one .*published at http") as caught:
        fetched("Letters", there, tmp_path / "new" / "one")
    assert str(tmp_path / "new" / "one") in str(caught.value)
    assert not (tmp_path / "new").exists()
    assert len(server.asked) == 2


def test_a_broken_transfer_is_tried_again(server: Server, tmp_path: Path) -> None:
    there = official(server, one=b"first" * 1000)
    server.broken = 1
    fetched("Letters", there, tmp_path)
    assert (tmp_path / "one").read_bytes() == b"first" * 1000
    assert len(server.asked) == 2


def test_transfers_that_keep_breaking_are_given_up(server: Server, tmp_path: Path) -> None:
    there = official(server, one=b"first" * 1000)
    server.broken = 100
    with pytest.raises(DataError, match="could not be downloaded"):
        fetched("Letters", there, tmp_path)
    assert len(server.asked) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_missing_page_is_said(server: Server, tmp_path: Path) -> None:
    there = Official(server.address, {"gone": "0" * 32})
    with pytest.raises(DataError, match="the server answered 404"):
        fetched("Letters", there, tmp_path)
    assert server.asked == ["gone"]


def test_no_server_is_said(server: Server, tmp_path: Path) -> None:
    there = Official("http://127.0.0.1:9/", {"one": "0" * 32})
    with pytest.raises(DataError, match=r"no connection to the server.*put one"):
        fetched("Letters", there, tmp_path)


def test_offline_touches_no_network(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRITLAB_OFFLINE", "1")
    with pytest.raises(DataError, match=r"CRITLAB_OFFLINE.*put one .*or set CRITLAB_DATA"):
        fetched("Letters", official(server, one=b"first"), tmp_path / "new")
    assert server.asked == []
    assert not (tmp_path / "new").exists()


def test_cifar_is_fetched_and_read(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_archive(tmp_path / "made", "cifar-10-batches-bin", cifar10_binary()).read_bytes()
    monkeypatch.setattr(cifar, "_OFFICIAL10", official(server, **{"cifar-10-binary.tar.gz": archive}))
    folder = tmp_path / "cache"
    assert len(cifar.read_cifar10(folder)[0][0]) == 50
    assert len(cifar.read_cifar10(folder)[0][0]) == 50
    assert server.asked == ["cifar-10-binary.tar.gz"]


def test_offline_cifar_says_which_file_goes_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRITLAB_OFFLINE", "1")
    with pytest.raises(DataError) as caught:
        cifar.read_cifar10(tmp_path)
    for part in (
        "cifar-10-binary.tar.gz",
        "cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu",
        str(tmp_path),
    ):
        assert part in str(caught.value)


def test_the_folder_is_the_argument_else_the_variable_else_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRITLAB_DATA", str(tmp_path))
    assert data_folder(tmp_path / "named") == tmp_path / "named"
    assert data_folder() == tmp_path
    monkeypatch.delenv("CRITLAB_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "critlab" in data_folder().parts
    assert not data_folder().exists()


def test_only_folders_that_exist_are_searched(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert list(places(tmp_path, "a", "b")) == [tmp_path, tmp_path / "b"]
