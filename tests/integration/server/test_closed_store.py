"""Attacks on the embedded store: nothing but our own signed S3 requests is answered with anything."""

import http.client
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from unittest import mock
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from fixtures import stores
from preflight.server.stack import LocalStack
from preflight.settings import Secret, Settings
from tests.service_stack import local_stack, put

VIDEO = b"a private video" * 1000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture
def url(stack: LocalStack) -> str:
    return put(stack.settings, "preflight/clip.mp4", VIDEO).reveal()


def ask(settings: Settings, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send one raw request to the store and return status, headers and body."""
    assert settings.s3_endpoint
    connection = http.client.HTTPConnection(urlsplit(settings.s3_endpoint).netloc, timeout=30)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
    finally:
        connection.close()


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


@contextmanager
def client(settings: Settings, **more: object) -> Iterator[BaseClient]:
    made = stores.client_of(Settings(**{**stores.values_of(settings), **more}))  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


def code_of(made: BaseClient, settings: Settings) -> str:
    with pytest.raises(ClientError) as caught:
        made.get_object(Bucket=settings.bucket, Key="preflight/clip.mp4")  # type: ignore[attr-defined]
    return str(caught.value.response["Error"]["Code"])


def test_presigned_url_reads_the_object(stack: LocalStack, url: str) -> None:
    status, headers, body = ask(stack.settings, "GET", path_of(url))
    assert (status, body) == (200, VIDEO)
    assert not [name for name in headers if name.startswith("access-control-")]
    status, headers, body = ask(stack.settings, "GET", path_of(url), Range="bytes=2-8")
    assert (status, body, headers["content-range"]) == (206, b"private", f"bytes 2-8/{len(VIDEO)}")


def test_other_key_or_secret_is_refused(stack: LocalStack, url: str) -> None:
    del url
    with client(stack.settings, s3_secret=Secret("another")) as wrong:
        assert code_of(wrong, stack.settings) == "SignatureDoesNotMatch"
    with client(stack.settings, s3_key="somebody") as stranger:
        assert code_of(stranger, stack.settings) == "InvalidAccessKeyId"


def test_older_signature_version_is_refused(stack: LocalStack, url: str) -> None:
    del url
    settings = stack.settings
    old = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name="us-east-1",
        aws_access_key_id=settings.s3_key,
        aws_secret_access_key=str(settings.s3_secret),
        config=Config(signature_version="s3"),
    )
    assert code_of(old, settings) == "AccessDenied"
    old.close()


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/"),
    ("GET", "/preflight/preflight/clip.mp4"),
    ("HEAD", "/preflight/preflight/clip.mp4"),
    ("PUT", "/preflight/preflight/clip.mp4"),
    ("DELETE", "/preflight/preflight/clip.mp4"),
    ("POST", "/preflight?delete"),
    ("GET", "/preflight?list-type=2"),
    ("PUT", "/another-bucket"),
    ("POST", "/moto-api/reset"),
    ("GET", "/moto-api/data.json"),
    ("OPTIONS", "/preflight/preflight/clip.mp4"),
    ("GET", "/preflight/../../etc/passwd"),
])  # fmt: skip
def test_unsigned_request_is_refused(stack: LocalStack, url: str, method: str, path: str) -> None:
    status, headers, body = ask(stack.settings, method, path)
    assert status == 403
    assert VIDEO not in body
    assert not [name for name in headers if name.startswith("access-control-")]
    assert ask(stack.settings, "GET", path_of(url))[2] == VIDEO


def test_expired_url_and_old_signature_are_refused(stack: LocalStack) -> None:
    settings = stack.settings
    then = datetime.now(UTC) - timedelta(hours=2)
    with mock.patch("botocore.auth.get_current_datetime", return_value=then.replace(tzinfo=None)):
        url = put_signed_then(settings)
        with client(settings) as late:
            assert code_of(late, settings) == "RequestTimeTooSkewed"
    status, _, body = ask(settings, "GET", path_of(url))
    assert (status, b"expired" in body) == (403, True)
    longer = re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=604800", path_of(url))
    assert b"SignatureDoesNotMatch" in ask(settings, "GET", longer)[2]


def put_signed_then(settings: Settings) -> str:
    with client(settings) as made:
        return str(
            made.generate_presigned_url(
                "get_object", Params={"Bucket": settings.bucket, "Key": "preflight/clip.mp4"}, ExpiresIn=3600
            )
        )


def test_url_of_one_object_reads_no_other(stack: LocalStack, url: str) -> None:
    put(stack.settings, "preflight/other.mp4", VIDEO)
    assert ask(stack.settings, "GET", path_of(url).replace("clip", "other"))[0] == 403
    assert ask(stack.settings, "DELETE", path_of(url))[0] == 403
    assert ask(stack.settings, "GET", f"{path_of(url)}&lifecycle")[0] == 403


def test_presigned_url_for_writing_is_refused(stack: LocalStack, url: str) -> None:
    with client(stack.settings) as made:
        write = made.generate_presigned_url("put_object", Params={"Bucket": "preflight", "Key": "preflight/clip.mp4"})
    status, _, body = ask(stack.settings, "PUT", path_of(write))
    assert (status, b"for reading only" in body) == (403, True)
    assert ask(stack.settings, "GET", path_of(url))[2] == VIDEO


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1:1", "127.0.0.1.evil.example"])
def test_other_host_is_refused(stack: LocalStack, url: str, host: str) -> None:
    assert ask(stack.settings, "GET", path_of(url), Host=host)[0] == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_signed_request_with_an_origin_is_refused(stack: LocalStack, url: str, origin: str) -> None:
    status, headers, body = ask(stack.settings, "GET", path_of(url), Origin=origin)
    assert (status, VIDEO in body) == (403, False)
    assert "access-control-allow-origin" not in headers


def test_service_refuses_origins_and_foreign_hosts(stack: LocalStack) -> None:
    service = Settings(s3_endpoint=stack.settings.api_domain)
    assert ask(service, "GET", "/openapi.json")[0] == 200
    assert ask(service, "GET", "/openapi.json", Origin="https://evil.example")[0] == 403
    assert ask(service, "GET", "/openapi.json", Host="evil.example")[0] == 403


def test_signed_calls_outside_ours_are_not_there(stack: LocalStack, url: str) -> None:
    del url
    with client(stack.settings) as made:
        for call in (
            lambda: made.list_objects_v2(Bucket="preflight"),
            made.list_buckets,
            lambda: made.copy_object(Bucket="preflight", Key="b", CopySource="preflight/preflight/clip.mp4"),
            lambda: made.put_bucket_acl(Bucket="preflight", ACL="public-read"),
            lambda: made.delete_bucket(Bucket="preflight"),
            lambda: made.create_bucket(Bucket="another-bucket"),
        ):
            with pytest.raises(ClientError) as caught:
                call()
            assert caught.value.response["Error"]["Code"] in {"NotImplemented", "NoSuchBucket"}


def test_spoiled_body_leaves_nothing(stack: LocalStack) -> None:
    folder = stack.settings.home / "service" / "objects"
    before = len(list(folder.glob("*/*")))
    with client(stack.settings) as made, pytest.raises(ClientError, match="BadDigest"):
        made.put_object(Bucket="preflight", Key="preflight/bad.mp4", Body=VIDEO, ChecksumCRC32="AAAAAA==")
    assert len(list(folder.glob("*/*"))) == before


def test_other_users_can_read_no_file(stack: LocalStack, url: str) -> None:
    del url
    home = stack.settings.home / "service"
    assert home.stat().st_mode & 0o777 == 0o700
    for path in (home / "objects", *(home / "objects").iterdir()):
        assert path.stat().st_mode & 0o077 == 0


def test_objects_go_with_the_store(tmp_path: Path) -> None:
    folder = tmp_path / "service" / "objects"
    (folder / "of-a-killed-one").mkdir(parents=True)
    (folder / "of-a-killed-one" / "lock").touch()
    with local_stack(tmp_path) as stack, local_stack(tmp_path):
        put(stack.settings, "preflight/clip.mp4", VIDEO)
        assert not (folder / "of-a-killed-one").exists()
        assert [path.read_bytes() for path in folder.glob("*/*") if path.stat().st_size] == [VIDEO]
    assert list(folder.iterdir()) == []


PAGE = """<!doctype html><title>attack</title><pre id="out">waiting</pre><script>
const store = "STORE", service = "SERVICE", url = "URL", seen = {};
async function attempt(name, address, options) {
  try {
    const reply = await fetch(address, options);
    seen[name] = reply.type === "opaque" ? "opaque" : await reply.text();
  } catch (error) { seen[name] = "blocked"; }
}
(async () => {
  await attempt("read presigned", url);
  await attempt("read object", store + "/preflight/preflight/clip.mp4");
  await attempt("list", store + "/preflight?list-type=2");
  await attempt("reset", store + "/moto-api/reset", {method: "POST"});
  await attempt("delete", url, {method: "DELETE"});
  await attempt("put", store + "/preflight/preflight/clip.mp4", {method: "PUT", body: "spoiled"});
  await attempt("blind post", store + "/moto-api/reset", {method: "POST", mode: "no-cors", body: "x"});
  await attempt("blind submit", service + "/rest/ai/video/removal", {method: "POST", mode: "no-cors", body: "{}"});
  await attempt("service", service + "/openapi.json");
  const report = JSON.stringify(seen);
  document.getElementById("out").textContent = report;
  await fetch("/report", {method: "POST", body: report});
})();
</script>"""


@contextmanager
def page(content: str) -> Iterator[tuple[str, list[str], threading.Event]]:
    """Serve a page on an origin of its own, and collect what it reports."""
    reports: list[str] = []
    arrived = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(content.encode())

        def do_POST(self) -> None:
            reports.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer(b"")
            arrived.set()

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/", reports, arrived
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.skipif(which("chromium") is None, reason="needs chromium")
def test_page_in_a_browser_reads_and_changes_nothing(stack: LocalStack, url: str, tmp_path: Path) -> None:
    settings = stack.settings
    content = PAGE.replace("STORE", str(settings.s3_endpoint)).replace("SERVICE", settings.api_domain)
    with page(content.replace("URL", url)) as (address, reports, arrived):
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        command += ["--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", address]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
            try:
                assert arrived.wait(90)
            finally:
                browser.terminate()
    seen = json.loads(reports[0])
    assert seen.pop("blind post") == seen.pop("blind submit") == "opaque"
    assert set(seen.values()) == {"blocked"}, seen
    assert ask(settings, "GET", path_of(url))[2] == VIDEO
