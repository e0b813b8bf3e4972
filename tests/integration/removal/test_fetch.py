"""Downloads from a server that breaks off, changes its mind or lies."""

import errno
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import CancelledError, DiskFullError, ServiceError, ToolError
from preflight.events import Progress, Stage
from preflight.ledger import Ledger
from preflight.model.job import SecretUrl, Task, TaskState
from preflight.removal import RemovalClient
from preflight.removal import download as fetch_module
from preflight.removal.download import fetch
from preflight.settings import Secret, Settings
from preflight.workflow import collection

CONTENT = bytes(i * 7 % 251 for i in range(1_000_000))


@dataclass
class Behaviour:
    """`breaks` holds how many bytes each reply brings before it breaks off; an empty list ends in whole replies."""

    content: bytes = CONTENT
    etag: str | None = '"one"'
    status: int | None = None
    ranges: bool = True
    length: str = "content-length"
    trickles: bool = False
    breaks: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    sent: int = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behaviour: Behaviour

    def do_GET(self) -> None:
        now = self.behaviour
        asked = self.headers.get("Range")
        now.asked.append(asked)
        if now.status is not None:
            self.send_error(now.status)
            return
        resumed = asked is not None and now.ranges and self.headers.get("If-Range") == now.etag
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if resumed and asked else 0
        body = now.content[start:]
        self.send_response(206 if resumed else 200)
        if resumed:
            self.send_header("Content-Range", f"bytes {start}-{len(now.content) - 1}/{len(now.content)}")
        if now.etag:
            self.send_header("ETag", now.etag)
        if now.length == "content-length":
            self.send_header("Content-Length", str(len(body)))
        if now.length == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        part = body[: now.breaks.pop(0)] if now.breaks else body
        now.sent += len(part)
        if now.length == "chunked":
            part = b"%x\r\n%s\r\n" % (len(body), part) + (b"0\r\n\r\n" if part == body else b"")
        if now.trickles:
            for byte in part:
                self.wfile.write(bytes([byte]))
                time.sleep(0.01)
        self.wfile.write(part)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def url(behaviour: Behaviour) -> Iterator[SecretUrl]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"behaviour": behaviour}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield SecretUrl(f"http://127.0.0.1:{server.server_address[1]}/clip.mp4?token=hush")
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_module, "_pause", lambda *_: None)


def test_whole_file_arrives(url: SecretUrl, tmp_path: Path) -> None:
    heard: list[Progress] = []
    assert fetch(url, tmp_path / "new" / "out.mp4", heard.append).read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.mp4"]
    assert heard[-1].fraction == 1


def test_break_is_resumed_where_it_was(url: SecretUrl, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.breaks = [300_000, 1, 300_000]
    assert fetch(url, tmp_path / "out.mp4").read_bytes() == CONTENT
    assert behaviour.asked == [None, "bytes=300000-", "bytes=300001-", "bytes=600001-"]
    assert behaviour.sent == len(CONTENT)


def test_next_call_goes_on_after_a_cancel(url: SecretUrl, behaviour: Behaviour, tmp_path: Path) -> None:
    stop = threading.Event()
    with pytest.raises(CancelledError):
        fetch(url, tmp_path / "out.mp4", lambda _: stop.set(), stop)
    assert not (tmp_path / "out.mp4").exists()
    assert fetch(url, tmp_path / "out.mp4").read_bytes() == CONTENT
    assert behaviour.asked[-1] is not None
    assert len(list(tmp_path.iterdir())) == 1


def test_changed_result_begins_anew(url: SecretUrl, behaviour: Behaviour, tmp_path: Path) -> None:
    def change(_: Progress) -> None:
        behaviour.etag, behaviour.content = '"two"', CONTENT[::-1]

    behaviour.breaks = [300_000]
    assert fetch(url, tmp_path / "out.mp4", change).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("change", [{"ranges": False}, {"etag": None}, {"etag": 'W/"weak"'}])
def test_server_without_ranges_begins_anew(
    url: SecretUrl, behaviour: Behaviour, tmp_path: Path, change: dict[str, Any]
) -> None:
    for name, value in change.items():
        setattr(behaviour, name, value)
    behaviour.breaks = [300_000]
    assert fetch(url, tmp_path / "out.mp4").read_bytes() == CONTENT


def test_reply_in_chunks_tells_its_end(url: SecretUrl, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.length = "chunked"
    behaviour.breaks = [300_000]
    assert fetch(url, tmp_path / "out.mp4").read_bytes() == CONTENT


def test_reply_that_may_be_cut_is_not_taken(url: SecretUrl, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.length = "none"
    with pytest.raises(ServiceError, match="how long"):
        fetch(url, tmp_path / "out.mp4")


def test_endless_server_is_stopped(
    url: SecretUrl, behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour.length = "chunked"
    monkeypatch.setattr(fetch_module, "SIZE_LIMIT", 1000)
    with pytest.raises(ServiceError, match="does not stop"):
        fetch(url, tmp_path / "out.mp4")


def test_server_that_never_delivers_is_given_up(url: SecretUrl, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.breaks = [0] * 20
    with pytest.raises(ServiceError, match="broke off 6 times") as caught:
        fetch(url, tmp_path / "out.mp4")
    assert caught.value.retryable
    assert "hush" not in str(caught.value)


def test_server_that_trickles_is_given_up(
    url: SecretUrl, behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "_WINDOW", 0.1)
    behaviour.trickles = True
    with pytest.raises(ServiceError, match="too slowly"):
        fetch(url, tmp_path / "out.mp4")


def test_server_that_breaks_off_after_every_byte_is_given_up(
    url: SecretUrl, behaviour: Behaviour, tmp_path: Path
) -> None:
    behaviour.breaks = [300_000] + [1] * 20
    with pytest.raises(ServiceError, match="broke off 6 times"):
        fetch(url, tmp_path / "out.mp4")
    assert fetch(url, tmp_path / "out.mp4", lambda _: behaviour.breaks.clear()).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 503])
def test_refusal_on_the_way_keeps_what_came(url: SecretUrl, behaviour: Behaviour, tmp_path: Path, status: int) -> None:
    def refuse(_: Progress) -> None:
        behaviour.status = status

    behaviour.breaks = [300_000]
    with pytest.raises(ServiceError, match=str(status)):
        fetch(url, tmp_path / "out.mp4", refuse)
    behaviour.status = None
    assert fetch(url, tmp_path / "out.mp4").read_bytes() == CONTENT
    assert behaviour.asked[-1] == "bytes=300000-"


@pytest.mark.parametrize("status", [403, 404, 410])
def test_expired_url_says_so(url: SecretUrl, behaviour: Behaviour, tmp_path: Path, status: int) -> None:
    behaviour.status = status
    with pytest.raises(ServiceError, match="expired") as caught:
        fetch(url, tmp_path / "out.mp4")
    assert (caught.value.code, len(behaviour.asked), list(tmp_path.iterdir())) == (status, 1, [])


def test_expired_url_is_asked_for_anew_and_the_download_goes_on(
    url: SecretUrl, behaviour: Behaviour, small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour.content = small_mp4.read_bytes()
    half = len(behaviour.content) // 2
    behaviour.breaks = [half]
    waits: list[str] = []
    done = Task(task_id="t1", state=TaskState.DONE, video_url=url)

    def expire(progress: Progress) -> None:
        if progress.stage is Stage.FETCH and not waits:
            behaviour.status = 403

    def wait(_: RemovalClient, task_id: str, **__: Any) -> Task:
        waits.append(task_id)
        behaviour.status = None
        return done

    monkeypatch.setattr(RemovalClient, "wait", wait)
    settings = Settings(home=tmp_path / "home", access_key_name="name", access_key_secret=Secret("secret"))
    with Ledger(settings.ledger) as ledger:
        job = replace(ledger.claim("d" * 64, "{}", "account", source=small_mp4), task_id="t1")
    (part,) = collection.fetch([job], [done], tmp_path, settings=settings, listener=expire)
    assert part.file is not None, part
    assert part.file.read_bytes() == behaviour.content
    assert waits == ["t1"]
    assert behaviour.asked == [None, f"bytes={half}-", f"bytes={half}-"]


@pytest.mark.parametrize("bad", ["file:///etc/passwd", "ftp://127.0.0.1/x", "clip.mp4"])
def test_only_http_is_fetched(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ServiceError, match="not http"):
        fetch(SecretUrl(bad), tmp_path / "out.mp4")


def test_unacceptable_content_leaves_nothing(url: SecretUrl, tmp_path: Path) -> None:
    def refuse(_: Path) -> None:
        raise ToolError("not a video")

    with pytest.raises(ToolError, match="not a video"):
        fetch(url, tmp_path / "out.mp4", accept=refuse)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_nothing(url: SecretUrl, tmp_path: Path) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError):
        fetch(url, tmp_path / "out.mp4", accept=full)
    assert list(tmp_path.iterdir()) == []


def test_longest_name_is_no_trouble(url: SecretUrl, tmp_path: Path) -> None:
    name = "ä" * 125 + ".mp4"
    assert fetch(url, tmp_path / name).read_bytes() == CONTENT


def test_refused_connection_is_retryable(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="refused") as caught:
        fetch(SecretUrl("http://127.0.0.1:1/x.mp4?token=hush"), tmp_path / "out.mp4")
    assert caught.value.retryable
