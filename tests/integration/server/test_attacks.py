"""What another user of the machine, or a web page in a browser, can do to the embedded store and service: nothing."""

import html
import http.server
import json
import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from preflight.server.stack import LocalStack
from tests.service_stack import local_stack, put

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with local_stack(tmp_path_factory.mktemp("home")) as started:
        yield started


def still_there(url: str) -> bool:
    return requests.get(url, timeout=30).content == b"private video"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/moto-api/reset"),
        ("GET", "/moto-api/data.json"),
        ("GET", "/"),
        ("GET", "/preflight"),
        ("GET", "/preflight/clip.mp4"),
        ("DELETE", "/preflight/clip.mp4"),
        ("PUT", "/preflight/clip.mp4"),
        ("POST", "/preflight?delete"),
        ("PUT", "/another-bucket"),
        ("OPTIONS", "/preflight/clip.mp4"),
        ("GET", "/preflight/../moto-api/data.json"),
        ("GET", "/latest/meta-data/"),
    ],
)
def test_unsigned_request_is_refused(stack: LocalStack, method: str, path: str) -> None:
    url = put(stack.settings, "clip.mp4", b"private video").reveal()
    for headers in ({}, {"Authorization": "AWS local:unchecked"}, {"Host": "s3.amazonaws.com"}):
        answer = requests.request(method, f"{stack.settings.s3_endpoint}{path}", headers=headers, timeout=30)
        assert answer.status_code == 403
        assert b"private" not in answer.content
    assert still_there(url)


def test_web_page_gets_no_answer_even_with_a_presigned_url(stack: LocalStack) -> None:
    url = put(stack.settings, "clip.mp4", b"private video").reveal()
    answer = requests.get(url, headers={"Origin": "https://evil.example"}, timeout=30)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    plain = requests.get(url, timeout=30)
    assert plain.status_code == 200
    assert not [name for name in plain.headers if name.lower().startswith("access-control")]


def test_name_that_was_rebound_to_this_machine_is_refused(stack: LocalStack) -> None:
    url = put(stack.settings, "clip.mp4", b"private video").reveal()
    assert requests.get(url, headers={"Host": "evil.example"}, timeout=30).status_code == 403
    answer = requests.get(f"{stack.settings.api_domain}/openapi.json", headers={"Host": "evil.example"}, timeout=30)
    assert answer.status_code == 403


def test_service_refuses_web_pages(stack: LocalStack) -> None:
    for path in ("/openapi.json", "/rest/ai/video/removal"):
        answer = requests.post(f"{stack.settings.api_domain}{path}", headers={"Origin": "null"}, timeout=30)
        assert answer.status_code == 403


PAGE = """<!DOCTYPE html><body><pre id="seen">nothing</pre><script>
const store = STORE, service = SERVICE, url = URL_OF_THE_VIDEO;
const tries = [
  [store + "/moto-api/reset", {method: "POST"}],
  [store + "/moto-api/reset", {method: "POST", mode: "no-cors"}],
  [store + "/preflight/clip.mp4", {}],
  [store + "/preflight/clip.mp4", {method: "DELETE"}],
  [store + "/preflight/clip.mp4", {method: "PUT", body: "mine"}],
  [store + "/preflight?delete", {method: "POST", mode: "no-cors", body: "<Delete/>"}],
  [url, {}],
  [service + "/openapi.json", {}],
  [service + "/rest/ai/video/removal", {method: "POST", mode: "no-cors", body: "{}"}],
];
Promise.all(tries.map(([to, how]) => fetch(to, how).then(
  async answer => answer.type + " " + answer.status + " " + (await answer.text()), error => "blocked",
))).then(all => { document.getElementById("seen").textContent = JSON.stringify(all); });
</script></body>"""


@contextmanager
def web_page(content: bytes) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
def test_web_page_in_a_browser_reads_and_changes_nothing(stack: LocalStack, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    url = put(stack.settings, "clip.mp4", b"private video").reveal()
    page = PAGE.replace("STORE", json.dumps(stack.settings.s3_endpoint)).replace("URL_OF_THE_VIDEO", json.dumps(url))
    page = page.replace("SERVICE", json.dumps(stack.settings.api_domain))
    with web_page(page.encode()) as address:
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
        wait = ["--virtual-time-budget=10000", "--timeout=20000", "--dump-dom", address]
        done = subprocess.run([*command, *wait], capture_output=True, text=True, check=True, timeout=120)
    shown = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert shown is not None
    answers = json.loads(html.unescape(shown[1]))
    # A page sees either nothing, or an opaque answer that has neither status nor content.
    assert set(answers) <= {"blocked", "opaque 0 "}
    assert len(answers) == 9
    assert still_there(url)
