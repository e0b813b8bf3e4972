"""The doctor tests each configured part by itself, and finds out the request form."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures import fill_models
from preflight.cli.doctor import Diagnosis, diagnose
from preflight.settings import Secret, Settings


@contextmanager
def service(form: str) -> Iterator[str]:
    """A removal API that finds its parameters in one form only."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            inner = body.get("paramJson")
            found = {"flat": "taskId" in body, "nested": isinstance(inner, dict), "string": isinstance(inner, str)}
            code = "InvalidTaskId" if found[form] else "MissingParameter"
            answer = json.dumps({"type": "ISV", "code": code, "message": "m", "request_id": "r"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def examined(settings: Settings) -> dict[str, Diagnosis]:
    return {diagnosis.part: diagnosis for diagnosis in diagnose(settings)}


@pytest.mark.parametrize("form", ["flat", "nested", "string"])
def test_request_form_is_found_out(form: str) -> None:
    account = {"access_key_name": "name", "access_key_secret": Secret("hush")}
    with service(form) as address:
        right = examined(Settings(api_domain=address, request_form=form, **account))["request form"]  # type: ignore[arg-type]
        other = "nested" if form == "flat" else "flat"
        wrong = examined(Settings(api_domain=address, request_form=other, **account))["request form"]  # type: ignore[arg-type]
    assert right.ok
    assert not wrong.ok
    assert f'request_form = "{form}"' in wrong.mend


def test_each_configured_part_is_tested_by_itself() -> None:
    parts = examined(
        Settings(
            bucket="b", s3_endpoint="http://127.0.0.1:9", s3_key="k", s3_secret=Secret("s"), access_key_name="name"
        )
    )
    assert parts["ffmpeg"].ok
    assert " (wheel): " in parts["ffmpeg"].seen
    assert not parts["service that a run uses"].ok
    assert "AIDGE_ACCESS_KEY_SECRET" in parts["service that a run uses"].seen
    assert not parts["store: bucket write"].ok
    assert "local service" not in parts


def test_service_that_does_not_answer_accepts_no_form() -> None:
    account = {"access_key_name": "name", "access_key_secret": Secret("hush")}
    form = examined(Settings(api_domain="http://127.0.0.1:1", **account))["request form"]  # type: ignore[arg-type]
    assert not form.ok
    assert "can't be reached" in form.seen


@pytest.mark.parametrize("factor", [1.0, float("nan")])
def test_fill_model_of_the_settings_is_tried(factor: float, tmp_path: Path) -> None:
    model = fill_models.scaled(tmp_path / "model.onnx", factor)
    # The first parts alone: the others start a service.
    found = next(diagnosis for diagnosis in diagnose(Settings(fill_model=model)) if diagnosis.part == "fill model")
    assert found.ok == (factor == 1.0)
    assert "model.onnx" in found.seen
