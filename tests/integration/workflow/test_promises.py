"""What is paid for is kept, reported and never paid for twice: whole runs against a small cloud."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures import clips
from preflight import api
from preflight.errors import CancelledError, LedgerError, SubmitUnknownError, ToolError, UsageError
from preflight.events import Progress, Stage
from preflight.ledger import Ledger, State
from preflight.model.job import (
    Failed,
    Mismatched,
    Pending,
    RemovalOptions,
    SecretUrl,
    Succeeded,
    Unknown,
)
from preflight.removal import RemovalClient
from preflight.removal.submit_retry import send
from preflight.settings import Secret, Settings
from preflight.workflow import job_driver, url_job
from preflight.workflow.batch import resume, run_many
from preflight.workflow.request import RunRequest
from preflight.workflow.run import run
from tests import odd_replies
from tests.fake_cloud import BUCKET, Answer, FakeCloud


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


@pytest.fixture
def settings(cloud: FakeCloud, tmp_path: Path) -> Settings:
    return cloud.settings(tmp_path / "home")


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A third of the length of `small_mp4`."""
    return clips.clip(tmp_path_factory.mktemp("short") / "short.mp4", seconds=0.32).read_bytes()


def states(settings: Settings) -> list[State]:
    with Ledger(settings.ledger) as ledger:
        return [job.state for job in ledger.iterate()]


def submit(settings: Settings, url: str, folder: Path) -> tuple[Any, bool]:
    with RemovalClient(settings) as client:
        return url_job.submit(client, SecretUrl(url), RemovalOptions(), output=folder)


# The result


def test_result_of_another_length_is_kept_reported_and_not_paid_again(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, short: bytes
) -> None:
    cloud.result = lambda _: short
    for _ in range(2):
        result = run(small_mp4, output=tmp_path / "out", settings=settings)
        assert isinstance(result, Mismatched), result
        assert result.file.read_bytes() == short
        assert "0.32 s" in " ".join(result.problems)
    assert states(settings) == [State.MISMATCHED]
    assert list(resume(settings=settings)) == []
    assert len(cloud.accepted) == 1


def test_person_may_have_a_mismatched_video_submitted_again(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, short: bytes
) -> None:
    cloud.result = lambda _: short
    result = run(small_mp4, output=tmp_path / "out", settings=settings)
    assert isinstance(result, Mismatched)
    with Ledger(settings.ledger) as ledger, ledger.lease(result.job_id):
        ledger.resolve(result.job_id, State.QUEUED)
    cloud.result = bytes
    (again,) = resume(settings=settings)
    assert isinstance(again, Succeeded)
    assert len(cloud.accepted) == 2


def test_page_in_place_of_the_result_is_asked_for_again(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    cloud.result = lambda _: b"<html>log in to the network</html>"
    result = run(small_mp4, output=tmp_path / "out", settings=settings)
    assert isinstance(result, Failed)
    assert result.error.retryable
    cloud.result = bytes
    assert [type(result) for result in resume(settings=settings)] == [Succeeded]
    assert len(cloud.accepted) == 1


def test_sound_alone_is_no_result(cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path) -> None:
    sound = clips.clip(tmp_path / "sound.mp4", output=("-vn",)).read_bytes()
    cloud.result = lambda _: sound
    result = run(small_mp4, output=tmp_path / "out", settings=settings)
    assert isinstance(result, Mismatched), result
    assert result.problems == ("It holds no video stream.",)


# Nothing cosmetic, and no exception of one video, is more than that video's note or result


def test_picture_and_record_that_fail_are_notes(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Path:
        raise FileNotFoundError(2, "No such file or directory", "picture.png")

    monkeypatch.setattr(api, "picture", broken)
    monkeypatch.setattr("preflight.workflow.output_paths.OutputPaths.write_record", broken)
    result = run(small_mp4, output=tmp_path / "out", settings=settings)
    assert isinstance(result, Succeeded), result
    assert [note.partition(":")[0] for note in result.notes] == [
        "The before/after picture could not be made",
        "The JSON record could not be written",
    ]
    assert result.file.is_file()
    assert len(cloud.accepted) == 1


def test_unforeseen_exception_is_the_result_of_its_video_only(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = clips.clip(tmp_path / "other.mp4", size=(160, 96))
    restore = api.restore

    def broken(cleaned: Any, fixed: Any, *rest: Any, **more: Any) -> Path:
        if fixed.source.path == small_mp4:
            raise ZeroDivisionError("https://h/x?Signature=hush")
        return restore(cleaned, fixed, *rest, **more)

    monkeypatch.setattr(api, "restore", broken)
    request = RunRequest(output=tmp_path / "out")
    results = {result.source: result for result in run_many([small_mp4, other], request=request, settings=settings)}
    failed = results[small_mp4]
    assert isinstance(failed, Failed)
    assert "ZeroDivisionError" in str(failed.error)
    assert "hush" not in str(failed.error)
    assert isinstance(results[other], Succeeded)
    monkeypatch.setattr(api, "restore", restore)
    assert [type(result) for result in resume(settings=settings)] == [Succeeded]
    assert len(cloud.accepted) == 2


def test_listener_that_fails_does_not_fail_the_video(settings: Settings, small_mp4: Path, tmp_path: Path) -> None:
    def listen(_: Progress) -> None:
        raise KeyError("bug")

    result = run(small_mp4, output=tmp_path / "out", settings=settings, listener=listen)
    assert isinstance(result, Succeeded)


# Jobs that were submitted by URL


def test_resume_fetches_what_was_submitted_by_url(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    cloud.objects[f"/{BUCKET}/web.mp4"] = small_mp4.read_bytes()
    job, new = submit(settings, f"{cloud.url}/{BUCKET}/web.mp4?id=1&X-Amz-Signature=hush", tmp_path / "web")
    assert new
    again, new = submit(settings, f"{cloud.url}/{BUCKET}/web.mp4?id=1&X-Amz-Signature=other", tmp_path / "web")
    assert (again.id, new) == (job.id, False)
    other, new = submit(settings, f"{cloud.url}/{BUCKET}/web.mp4?id=2&X-Amz-Signature=other", tmp_path / "web")
    assert new
    assert other.id != job.id
    results = list(resume(settings=settings, jobs=2))
    assert [type(result) for result in results] == [Succeeded, Succeeded]
    assert {path.read_bytes() for path in (tmp_path / "web").iterdir()} == {small_mp4.read_bytes()}
    assert list(resume(settings=settings)) == []
    assert len(cloud.accepted) == 2
    assert not any(b"hush" in path.read_bytes() for path in settings.home.iterdir() if path.is_file())


def test_wait_records_its_result_and_compares_it(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    cloud.objects[f"/{BUCKET}/web.mp4"] = small_mp4.read_bytes()
    job, _ = submit(settings, f"{cloud.url}/{BUCKET}/web.mp4", tmp_path)
    with RemovalClient(settings) as client:
        result = url_job.wait(client, job.task_id, tmp_path / "there.mp4")
    assert isinstance(result, Succeeded)
    with Ledger(settings.ledger) as ledger:
        done = ledger.get(job.id)
    assert (done.state, done.file, done.is_open) == (State.FETCHED, tmp_path / "there.mp4", False)
    cloud.result = lambda _: b"<html>"
    with RemovalClient(settings) as client, pytest.raises(Exception, match="not a video"):
        url_job.wait(client, job.task_id, tmp_path / "page.mp4")
    assert not (tmp_path / "page.mp4").exists()


def test_file_that_comes_while_a_result_is_waited_for_is_not_replaced(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    cloud.objects[f"/{BUCKET}/web.mp4"] = small_mp4.read_bytes()
    job, _ = submit(settings, f"{cloud.url}/{BUCKET}/web.mp4", tmp_path)
    wanted = tmp_path / "there.mp4"
    wanted.write_text("somebody else's")
    with RemovalClient(settings) as client:
        results = [url_job.wait(client, job.task_id, wanted, overwrite=overwrite) for overwrite in (False, False, True)]
    files = [result.file for result in results if isinstance(result, Succeeded)]
    assert [file.name for file in files] == ["there-2.mp4", "there-3.mp4", "there.mp4"]
    assert not list(tmp_path.glob(".*.part*"))


def test_log_tells_each_move_of_a_job_and_no_secret(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="preflight")
    hidden = replace(settings, access_key_secret=Secret("hush-51"), s3_secret=Secret("hush-52"))
    assert isinstance(run(small_mp4, output=tmp_path / "out", settings=hidden), Succeeded)
    assert len(cloud.accepted) == 1
    told = [record.getMessage() for record in caplog.records if record.name == "preflight.ledger.ledger"]
    moves = [line.split(" is ")[1].split(":")[0] for line in told]
    assert moves[:5] == ["uploading", "uploaded", "submitting", "submitted", "running"]
    assert moves[-1] == "fetched"
    assert "POST /ai/video/removal: HTTP 200" in caplog.text
    assert "hush" not in caplog.text
    assert "Signature=" not in caplog.text


def test_wait_compares_the_result_of_a_file_with_what_was_sent(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, short: bytes
) -> None:
    cloud.seconds = 1e9
    pending = run(small_mp4, output=tmp_path / "out", settings=replace(settings, deadline=0.2))
    assert isinstance(pending, Pending)
    cloud.seconds, cloud.result = 0, lambda _: short
    with RemovalClient(settings) as client:
        result = url_job.wait(client, pending.task_ids[0], tmp_path / "there.mp4")
    assert isinstance(result, Mismatched)
    assert result.file.read_bytes() == short


def test_unknown_job_is_reported_without_any_work_on_its_video(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.script = lambda *_: Answer(reply=odd_replies.SILENT["HTTP 502"])
    assert isinstance(run(small_mp4, output=tmp_path / "out", settings=settings), Unknown)
    monkeypatch.setattr(api, "act", lambda *_, **__: pytest.fail("the video is fixed again"))
    (again,) = resume(settings=settings)
    assert isinstance(again, Unknown), again
    assert isinstance(run(small_mp4, output=tmp_path / "out", settings=settings), Unknown)


def test_trouble_with_one_job_does_not_stop_the_others(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    cloud.seconds = 1e9
    assert isinstance(run(small_mp4, output=tmp_path / "out", settings=replace(settings, deadline=0.2)), Pending)
    cloud.seconds, cloud.script = 0, lambda *_: Answer(reply=odd_replies.SILENT["HTTP 502"])
    with pytest.raises(SubmitUnknownError):
        submit(settings, f"{cloud.url}/{BUCKET}/lost.mp4", tmp_path)
    with Ledger(settings.ledger) as ledger:
        strange = ledger.claim("d", "p", settings.account, source=tmp_path / "strange.mp4", request='{"who": "knows"}')
        signed = ledger.claim("e", "{}", settings.account, source=Path("https://h/x.mp4?[hidden]"), request="{}")
    results = {type(result).__name__: result for result in resume(settings=settings, jobs=3)}
    assert set(results) == {"Succeeded", "Unknown", "Failed"}
    failed = [result for result in resume(settings=settings) if isinstance(result, Failed)]
    assert {result.source.name for result in failed} == {"strange.mp4", "x.mp4?[hidden]"}
    for job in (strange, signed):
        assert len(list(resume(settings=settings, only=job.id))) == 1
    assert len(cloud.accepted) == 2


# The submit


@pytest.mark.parametrize("name", odd_replies.NAMING)
def test_submit_that_names_its_task_in_an_odd_reply_is_accepted_once(
    cloud: FakeCloud, settings: Settings, name: str
) -> None:
    cloud.script = lambda *_: Answer(reply=odd_replies.NAMING[name])
    with RemovalClient(settings) as client:
        task = send(client, SecretUrl(f"{cloud.url}/{BUCKET}/x.mp4"), RemovalOptions())
    assert [task.task_id] == [accepted.id for accepted in cloud.accepted]
    assert len(cloud.submits) == 1


@pytest.mark.parametrize("name", odd_replies.SILENT)
def test_submit_with_a_silent_reply_is_made_once(cloud: FakeCloud, settings: Settings, name: str) -> None:
    cloud.script = lambda *_: Answer(reply=odd_replies.SILENT[name])
    with RemovalClient(settings) as client, pytest.raises(SubmitUnknownError) as caught:
        send(client, SecretUrl(f"{cloud.url}/{BUCKET}/x.mp4"), RemovalOptions())
    assert str(caught.value).isprintable()
    assert len(cloud.submits) == 1


def test_strange_task_id_survives_the_ledger(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    strange = "\ud800\x1b[31m" + "9" * 1000

    def reply(task: str) -> odd_replies.OddReply:
        cloud.tasks[strange] = cloud.tasks[task]
        return odd_replies.OddReply(body=json.dumps({"taskId": strange}).encode())

    cloud.script = lambda *_: Answer(reply=reply)
    result = run(small_mp4, output=tmp_path / "out", settings=settings)
    assert isinstance(result, Succeeded), result
    assert result.task_ids == (strange,)
    with Ledger(settings.ledger) as ledger:
        (job,) = ledger.of_task(strange)
        assert {step.task_id for step in ledger.history(job.id)} == {None, strange}


def test_account_written_another_way_pays_once(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    for domain in (cloud.url, cloud.url + "/", cloud.url.replace("http://", "http://me:word@")):
        result = run(small_mp4, output=tmp_path / "out", settings=replace(settings, api_domain=domain))
        assert isinstance(result, Succeeded), result
    assert len(cloud.accepted) == 1


def test_acceptance_is_recorded_as_soon_as_the_ledger_can_be_written(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_driver, "RECORD_PAUSE", 0.0)
    advance, failures = Ledger.advance, iter([True] * 5)

    def full(self: Ledger, job_id: str, state: State, **more: Any) -> Any:
        if state is State.SUBMITTED and next(failures, False):
            raise LedgerError("The ledger can't be used: disk full.", retryable=True)
        return advance(self, job_id, state, **more)

    monkeypatch.setattr(Ledger, "advance", full)
    assert isinstance(run(small_mp4, output=tmp_path / "out", settings=settings), Succeeded)
    assert len(cloud.accepted) == 1


def test_task_that_could_not_be_recorded_is_told_with_its_id(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_driver, "RECORD_PAUSE", 0.0)

    def full(*_: Any) -> Any:
        raise LedgerError("The ledger can't be used: disk full.")

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "record_accepted", full)
        result = run(small_mp4, output=tmp_path / "out", settings=settings)
    assert isinstance(result, Failed)
    assert f"--task {cloud.accepted[0].id}" in str(result.error)
    assert isinstance(run(small_mp4, output=tmp_path / "out", settings=settings), Unknown)
    assert len(cloud.submits) == 1


# Arguments


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"paths": "a.mp4"}, "paths"),
        ({"paths": Path("a.mp4")}, "paths"),
        ({"paths": 3}, "paths"),
        ({"paths": [], "request": "x"}, "request"),
        ({"paths": [], "settings": {}}, "settings"),
        ({"paths": [], "jobs": 0}, "jobs"),
        ({"paths": [], "jobs": 1.5}, "jobs"),
    ],
)
def test_wrong_argument_of_run_many_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=f"^{named} "):
        run_many(arguments.pop("paths"), **arguments)


@pytest.mark.parametrize(
    "wrong", [{"policy": "x"}, {"trim": (1.5, 2)}, {"trim": (3, 2)}, {"options": None}, {"output": 3}]
)
def test_wrong_field_of_a_request_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"^{next(iter(wrong))} "):
        RunRequest(**wrong)


def test_paths_may_be_texts(settings: Settings, tmp_path: Path) -> None:
    (result,) = run_many([str(tmp_path / "missing.mp4")], settings=settings)
    assert result.source == tmp_path / "missing.mp4"


def test_set_flag_stops_a_batch_that_waits(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    cloud.seconds = 1e9
    cancel = threading.Event()

    def listen(progress: Progress) -> None:
        if progress.stage is Stage.WAIT:
            cancel.set()

    request = RunRequest(output=tmp_path / "out")
    with pytest.raises(CancelledError):
        list(run_many([small_mp4], request=request, settings=settings, cancel=cancel, listen=lambda _: listen))
    assert states(settings) == [State.RUNNING]
    with Ledger(settings.ledger) as ledger:
        (job,) = ledger.iterate()
        assert ledger.holder(job.id) is None


def test_tool_error_is_a_value(
    settings: Settings, small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Path:
        raise ToolError("ffmpeg failed.")

    monkeypatch.setattr(api, "restore", broken)
    result = run(small_mp4, output=tmp_path / "out", settings=settings)
    assert isinstance(result, Failed)
    assert result.error.message == "ffmpeg failed."
