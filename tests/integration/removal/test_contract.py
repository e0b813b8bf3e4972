"""The client against the service, over HTTP, in every form and method."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from preflight.errors import (
    CredentialsError,
    DeadlineError,
    GatewayError,
    InputRejectedError,
    JobFailedError,
    ServiceError,
    UnreachableError,
)
from preflight.events import Progress
from preflight.model.job import InpaintingBox, RemovalOptions, SecretUrl, TaskState
from preflight.removal import RemovalClient
from preflight.removal.download import fetch
from preflight.settings import Secret, Settings
from tests.faultproxy import FaultProxy
from tests.service_stack import local_stack, put

EVERYTHING = RemovalOptions(
    language="zh",
    artificial_text_only=False,
    remove_audio=True,
    color_blocks=True,
    inpainting_boxes=(InpaintingBox(start=0.5, end=2, x1=0, y1=0.25, x2=0.5, y2=1),),
)
VIDEO = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with local_stack(tmp_path_factory.mktemp("home")) as stack:
        yield replace(stack.settings, poll_first=0.05, poll_last=0.05)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("form", ["flat", "nested", "string"])
@pytest.mark.parametrize("options", [RemovalOptions(), EVERYTHING], ids=["defaults", "everything"])
def test_job_goes_through(settings: Settings, tmp_path: Path, form: str, method: str, options: RemovalOptions) -> None:
    heard: list[Progress] = []
    url = put(settings, "ä clip.mp4", VIDEO)
    with RemovalClient(replace(settings, request_form=form, http_method=method)) as client:
        task = client.submit(url, options)
        done = client.wait(task.task_id, deadline=60, listener=heard.append)
    assert done.state is TaskState.DONE
    assert done.quality == {"options": options.to_wire()}
    assert done.video_url is not None
    assert fetch(done.video_url, tmp_path / "out.mp4").read_bytes() == VIDEO
    assert heard


@pytest.mark.parametrize("code", [700, 701, 702, 703])
def test_service_refuses_what_breaks_a_limit(settings: Settings, code: int) -> None:
    with RemovalClient(settings) as client, pytest.raises(InputRejectedError) as caught:
        client.submit(put(settings, f"clip.{code}", VIDEO), RemovalOptions())
    assert (caught.value.code, caught.value.retryable, caught.value.outcome_unknown) == (code, False, False)
    assert caught.value.request_id


def test_service_stops_reading_at_the_size_limit(tmp_path: Path) -> None:
    with local_stack(tmp_path, max_size=1000) as stack, RemovalClient(stack.settings) as client:
        url = put(stack.settings, "big.mp4", VIDEO)
        with pytest.raises(InputRejectedError) as caught:
            client.submit(url, RemovalOptions())
        assert caught.value.code == 701
        assert list((tmp_path / "service" / "tasks").iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/clip.mp4",
        "gopher://127.0.0.1:6379/_x",
        "data:video/mp4;base64,AAAA",
        "//127.0.0.1/clip.mp4",
        "http://",
        "http://[::1",
        "http://127.0.0.1:0/clip.mp4",
        "http://169.254.169.254/latest/meta-data.mp4",
        "http://[::ffff:169.254.169.254]/x.mp4",
        "http://0.0.0.0/x.mp4",
        "http://no-such-host.invalid/x.mp4",
        "http://a\\@127.0.0.1/x.mp4",
        "clip.mp4",
    ],
)
def test_service_fetches_only_http(settings: Settings, url: str) -> None:
    with RemovalClient(settings) as client, pytest.raises(GatewayError) as caught:
        client.submit(SecretUrl(url), RemovalOptions())
    assert (caught.value.code, caught.value.retryable) == ("InvalidParameter", False)


def test_missing_video_is_not_retried(settings: Settings) -> None:
    url = SecretUrl(f"{settings.s3_endpoint}/{settings.bucket}/nothing.mp4?token=hush")
    with RemovalClient(settings) as client, pytest.raises(GatewayError, match="403") as caught:
        client.submit(url, RemovalOptions())
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("change", "code"),
    [({"access_key_secret": Secret("wrong")}, "IncompleteSignature"), ({"access_key_name": "who"}, "InvalidAppKey")],
)
def test_wrong_account_fails_at_once(settings: Settings, change: dict[str, str], code: str) -> None:
    with RemovalClient(replace(settings, **change)) as client:  # type: ignore[arg-type]
        with pytest.raises(CredentialsError) as caught:
            client.submit(SecretUrl("http://127.0.0.1/x.mp4"), RemovalOptions())
        with pytest.raises(CredentialsError):
            client.wait("any", deadline=60)
    assert (caught.value.code, caught.value.retryable) == (code, False)


@pytest.mark.parametrize("trial", [True, False])
def test_trial_quota_is_asked_for_by_a_header(settings: Settings, trial: bool) -> None:
    with FaultProxy(settings.api_domain) as proxy:
        with RemovalClient(replace(settings, api_domain=proxy.url, trial=trial)) as client:
            client.submit(put(settings, "clip.mp4", VIDEO), RemovalOptions())
        assert proxy.log[0].headers.get("x-iop-trial") == ("true" if trial else None)


def test_unknown_task_ends_the_wait(settings: Settings) -> None:
    with RemovalClient(settings) as client, pytest.raises(GatewayError, match="InvalidTaskId"):
        client.wait("missing", deadline=60)


def test_clock_is_compared(settings: Settings) -> None:
    with RemovalClient(settings) as client:
        skew = client.clock_skew()
    assert skew is not None
    assert abs(skew) < 30


def test_refused_connection_provably_sent_nothing(settings: Settings) -> None:
    with (
        RemovalClient(replace(settings, api_domain="http://127.0.0.1:1")) as client,
        pytest.raises(UnreachableError, match="connection refused") as caught,
    ):
        client.submit(SecretUrl("http://127.0.0.1/x.mp4?secret=hush"), RemovalOptions())
    assert (caught.value.retryable, caught.value.outcome_unknown) == (True, False)


def test_plain_http_behind_https_sent_nothing(settings: Settings) -> None:
    with (
        RemovalClient(replace(settings, api_domain=settings.api_domain.replace("http:", "https:"))) as client,
        pytest.raises(UnreachableError, match="TLS"),
    ):
        client.submit(SecretUrl("http://127.0.0.1/x.mp4"), RemovalOptions())


def test_name_that_does_not_resolve_sent_nothing(settings: Settings) -> None:
    with (
        RemovalClient(replace(settings, api_domain="no-such-host.invalid")) as client,
        pytest.raises(UnreachableError),
    ):
        client.submit(SecretUrl("http://127.0.0.1/x.mp4"), RemovalOptions())


def test_deadline_keeps_the_task_id(tmp_path: Path) -> None:
    with local_stack(tmp_path, engine="slow") as stack, RemovalClient(stack.settings) as client:
        task = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions())
        with pytest.raises(DeadlineError) as caught:
            client.wait(task.task_id, deadline=0.1)
    assert caught.value.task_id == task.task_id


@pytest.mark.parametrize(
    ("engine", "kind", "code"),
    [
        ("crash", JobFailedError, 801),
        ("fail", JobFailedError, 801),
        ("bug", JobFailedError, 801),
        ("refuse", InputRejectedError, 702),
    ],
)
def test_failed_job_says_why(tmp_path: Path, engine: str, kind: type[ServiceError], code: int) -> None:
    with local_stack(tmp_path, engine=engine) as stack, RemovalClient(stack.settings) as client:
        task = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions())
        with pytest.raises(kind) as caught:
            client.wait(task.task_id, deadline=60)
        assert caught.value.code == code
        assert list((tmp_path / "service" / "tasks").iterdir()) == []


def test_job_survives_a_crash_of_its_worker(tmp_path: Path) -> None:
    with local_stack(tmp_path, engine="crash_once") as stack, RemovalClient(stack.settings) as client:
        task = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions())
        assert client.wait(task.task_id, deadline=60).state is TaskState.DONE


def test_result_is_served_in_ranges_to_who_has_its_url(settings: Settings) -> None:
    with RemovalClient(settings) as client:
        task = client.submit(put(settings, "clip.mp4", VIDEO), RemovalOptions())
        url = client.wait(task.task_id, deadline=60).video_url
    assert url is not None
    part = requests.get(url.reveal(), headers={"Range": "bytes=10-19"}, timeout=30)
    assert (part.status_code, part.content) == (206, VIDEO[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(VIDEO)}"
    assert requests.get(url.reveal().replace("token=", "token=0"), timeout=30).status_code == 403
