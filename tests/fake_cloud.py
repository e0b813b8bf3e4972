"""A store and a removal service in one small HTTP server, which can reply nonsense and keeps its own books.

It is made for thousands of jobs a minute: it checks no signature and returns each video as it was sent. What it has
accepted is what has to be paid for.

    with FakeCloud() as cloud:
        run(path, settings=cloud.settings(home))
    cloud.accepted      # every task, in order
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from preflight.settings import Secret, Settings
from tests.odd_replies import OddReply

BUCKET = "bucket"
SUBMIT = "/rest/ai/video/removal"
QUERY = SUBMIT + "/result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a submit is answered: whether it is `accepted`, and what is said (None: the documented reply).

    `hang_up` closes the connection without a reply.
    """

    accepted: bool = True
    reply: Callable[[str], OddReply] | None = None
    hang_up: bool = False


@dataclass(slots=True, kw_only=True)
class CloudTask:
    """One accepted job; `source` is the path of the submitted URL."""

    id: str
    source: str
    parameters: str
    created: float
    queries: int = 0


Script = Callable[[int, str], Answer]
"""From the number of a submit, counted from 1, and the path of its URL to the answer."""

Result = Callable[[bytes], bytes]
"""From the bytes of a video to those of the result."""


def _accept(_number: int, _source: str) -> Answer:
    return Answer()


@dataclass(kw_only=True)
class FakeCloud:
    """Serves on a free loopback port while the `with` block lasts; `seconds` is how long a job takes.

    `script` answers submits, `result` makes results, and `failing` decides by method, path and number of the request
    whether a request gets HTTP 503 or is cut off (both never happen to a submit, whose answers are scripted).
    """

    script: Script = _accept
    result: Result = bytes
    seconds: float = 0.0
    failing: Callable[[str, str, int], str | None] = lambda *_: None
    accepted: list[CloudTask] = field(default_factory=list)
    submits: list[str] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.lock = threading.Lock()
        self.tasks: dict[str, CloudTask] = {}
        self.counts: Counter[tuple[str, str]] = Counter()
        self.ids = itertools.count(1)
        cloud = self

        class Handler(_Handler):
            owner = cloud

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: Any) -> None:
                """Say nothing of clients that were killed."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def settings(self, home: Path, **changes: Any) -> Settings:
        """Return settings of a program that uses this store and service."""
        values: dict[str, Any] = {
            "service": "aidge",
            "access_key_name": "key",
            "access_key_secret": Secret("secret"),
            "api_domain": self.url,
            "bucket": BUCKET,
            "s3_endpoint": self.url,
            "s3_region": "us-east-1",
            "s3_key": "key",
            "s3_secret": Secret("secret"),
            "store": "generic",
            "poll_first": 0.05,
            "poll_last": 0.2,
            "deadline": 60.0,
            "home": home,
        }
        return Settings(**{**values, **changes})

    def environment(self, home: Path) -> dict[str, str]:
        """Return the same settings as environment variables."""
        return {
            "PREFLIGHT_HOME": str(home),
            "PREFLIGHT_SERVICE": "aidge",
            "AIDGE_ACCESS_KEY_NAME": "key",
            "AIDGE_ACCESS_KEY_SECRET": "secret",
            "AIDGE_API_DOMAIN": self.url,
            "PREFLIGHT_BUCKET": BUCKET,
            "PREFLIGHT_S3_ENDPOINT": self.url,
            "PREFLIGHT_S3_REGION": "us-east-1",
            "PREFLIGHT_S3_KEY": "key",
            "PREFLIGHT_S3_SECRET": "secret",
            "PREFLIGHT_STORE": "generic",
            "PREFLIGHT_POLL_FIRST": "0.05",
            "PREFLIGHT_POLL_LAST": "0.2",
            "PREFLIGHT_DEADLINE": "60",
        }

    def accept(self, source: str, parameters: str) -> CloudTask:
        """Enter a job into the books."""
        with self.lock:
            number = next(self.ids)
            name = hashlib.sha256(f"{self.url} {number}".encode()).hexdigest()[:12]
            task = CloudTask(id=f"t{number}-{name}", source=source, parameters=parameters, created=time.monotonic())
            self.tasks[task.id] = task
            self.accepted.append(task)
            return task

    def paid(self) -> Counter[tuple[str, str]]:
        """Return how often each content was accepted with the same parameters."""
        return Counter((task.source, task.parameters) for task in self.accepted)


class _Handler(BaseHTTPRequestHandler):
    owner: FakeCloud
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, body: bytes = b"", announced: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if announced is None else announced))
        if announced is not None:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _fails(self, path: str) -> bool:
        cloud = self.owner
        with cloud.lock:
            cloud.counts[self.command, path] += 1
            number = cloud.counts[self.command, path]
        how = cloud.failing(self.command, path, number)
        if how == "cut":
            self.close_connection = True
            self.connection.close()
        elif how:
            self._send(503)
        return how is not None

    def do_POST(self) -> None:
        """Answer the removal API."""
        body, path = self._body(), urlsplit(self.path).path
        if path == SUBMIT:
            self._submit(json.loads(body))
        elif not self._fails(path):
            self._query(json.loads(body)["taskId"])

    def _submit(self, business: dict[str, Any]) -> None:
        cloud = self.owner
        url = str(business.pop("videoUrl"))
        source = urlsplit(url).path
        with cloud.lock:
            cloud.submits.append(source)
            number = len(cloud.submits)
        answer = cloud.script(number, source)
        task = cloud.accept(source, json.dumps(business, sort_keys=True)).id if answer.accepted else "none"
        if answer.hang_up:
            self.close_connection = True
            return
        if answer.reply is not None:
            odd = answer.reply(task)
            headers = {name.replace("-", "_"): value for name, value in odd.headers.items()}
            self._send(odd.status, odd.body, odd.announced, **headers)
            return
        self._json({"result": {"taskId": task}})

    def _json(self, data: Any, code: int = 200) -> None:
        reply = {"resCode": code, "success": code == 200, "requestId": "r", "data": data}
        self._send(200, json.dumps(reply).encode(), Content_Type="application/json")

    def _query(self, task_id: str) -> None:
        task = self.owner.tasks.get(task_id)
        if task is None:
            refusal = {"type": "ISV", "code": "InvalidTask", "message": "no such task", "request_id": "r"}
            self._send(400, json.dumps(refusal).encode())
            return
        task.queries += 1
        if time.monotonic() - task.created < self.owner.seconds:
            self._json({"taskStatus": "running"})
            return
        self._json({"taskStatus": "finished", "videoUrl": f"{self.owner.url}/results/{task.id}.mp4?sig=hush"})

    def do_PUT(self) -> None:
        """Store an object."""
        body, path = self._body(), unquote(urlsplit(self.path).path)
        if self._fails(path):
            return
        if self.headers.get("If-None-Match") == "*" and path in self.owner.objects:
            self._send(412, b"<Error><Code>PreconditionFailed</Code></Error>", Content_Type="application/xml")
            return
        self.owner.objects[path] = body
        kept = {name: value for name, value in self.headers.items() if name.lower().startswith("x-amz-meta-")}
        self.owner.metadata[path] = kept
        self._send(200, ETag=f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')

    def do_DELETE(self) -> None:
        """Delete an object."""
        self.owner.objects.pop(unquote(urlsplit(self.path).path), None)
        self._send(204)

    def do_HEAD(self) -> None:
        """Tell of an object."""
        self.do_GET()

    def do_GET(self) -> None:
        """Send an object or a result, or a part of it."""
        path = unquote(urlsplit(self.path).path)
        if self._fails(path):
            return
        if match := re.fullmatch(r"/results/(.+)\.mp4", path):
            task = self.owner.tasks.get(match[1])
            content = None if task is None else self.owner.objects.get(unquote(task.source))
            content = None if content is None else self.owner.result(content)
        else:
            content = self.owner.objects.get(path)
        if content is None:
            self._send(404)
            return
        etag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        if part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(part[1]), min(int(part[2] or len(content) - 1), len(content) - 1)
            where = f"bytes {start}-{end}/{len(content)}"
            self._send(206, content[start : end + 1], Content_Range=where, ETag=etag)
            return
        if self.command == "HEAD":
            metadata = {name.replace("-", "_"): value for name, value in self.owner.metadata.get(path, {}).items()}
            self._send(200, b"", announced=len(content), ETag=etag, **metadata)
            return
        self._send(200, content, ETag=etag)
