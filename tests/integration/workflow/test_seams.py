"""The three seams of a video's way: values that travel, work that may be repeated, and any executor."""

import json
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fixtures import clips
from preflight import worker_secrets
from preflight.errors import CancelledError, UsageError
from preflight.ledger import Ledger, State
from preflight.model.job import Failed, InpaintingBox, Rejected, RemovalOptions, SecretUrl, Succeeded, Task, TaskState
from preflight.settings import Secret, Settings
from preflight.workflow.batch import resume, run_many
from preflight.workflow.collection import Collected, collect, record
from preflight.workflow.payment import Paid, pay
from preflight.workflow.preparation import Prepared, inspect, prepare
from preflight.workflow.request import RunRequest
from tests.fake_cloud import FakeCloud

SECRET = "hush-5f2a91"
_T = TypeVar("_T")


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


@pytest.fixture
def settings(cloud: FakeCloud, tmp_path: Path) -> Settings:
    return cloud.settings(tmp_path / "home", access_key_secret=Secret(SECRET), s3_secret=Secret(SECRET))


def sent(value: _T) -> _T:
    """Return a value as another process gets it."""
    data = pickle.dumps(value)
    assert SECRET.encode() not in data
    assert b"Signature" not in data
    loaded: _T = pickle.loads(data)  # noqa: S301
    return loaded


def prepared_of(video: Path, settings: Settings, folder: Path) -> Prepared:
    prepared = prepare(video, RunRequest(output=folder), settings=settings)
    assert isinstance(prepared, Prepared), prepared
    return prepared


def states(settings: Settings) -> list[State]:
    with Ledger(settings.ledger) as ledger:
        return [job.state for job in ledger.iterate()]


def test_values_travel_between_processes_from_source_to_result(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    prepared = sent(prepared_of(small_mp4, settings, tmp_path / "out"))
    assert [placed.key for placed in prepared.placed if placed] == [f"preflight/{prepared.inspected.digest}.mp4"]
    paid = sent(pay(prepared, settings=settings))
    assert (paid.submitted, states(settings)) == (1, [State.SUBMITTED])
    collected = sent(collect(paid, settings=settings))
    result = record(collected, settings=settings)
    assert isinstance(result, Succeeded), result
    assert (result.file, result.submitted) == (tmp_path / "out" / f"{small_mp4.stem}.cleaned.mp4", 1)
    assert result.file.is_file()
    assert states(settings) == [State.FETCHED]
    assert len(cloud.accepted) == 1


def test_every_step_may_be_repeated_and_is_paid_once(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    first, second = (prepared_of(small_mp4, settings, tmp_path / "out") for _ in range(2))
    assert replace(first, placed=second.placed) == second
    paid = [pay(prepared, settings=settings) for prepared in (first, second)]
    assert [each.submitted for each in paid] == [1, 0]
    assert paid[0].task_ids == paid[1].task_ids
    target = tmp_path / "out" / "same.cleaned.mp4"
    files = []
    for each in paid:
        collected = collect(each, target=target, settings=settings)
        assert collected.result is not None, collected.error
        files.append(collected.result.file.read_bytes())
    assert files[0] == files[1]
    assert len(cloud.accepted) == 1


def test_video_is_known_by_its_content_wherever_it_lies(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "copy.mp4"
    copy.parent.mkdir()
    copy.write_bytes(small_mp4.read_bytes())
    pay(prepared_of(small_mp4, settings, tmp_path / "out"), settings=settings)
    assert pay(prepared_of(copy, settings, tmp_path / "out"), settings=settings).submitted == 0
    assert len(cloud.accepted) == 1


def test_prepared_for_one_account_is_not_paid_by_another(settings: Settings, small_mp4: Path, tmp_path: Path) -> None:
    prepared = prepared_of(small_mp4, settings, tmp_path / "out")
    with pytest.raises(UsageError, match="account"):
        pay(prepared, settings=replace(settings, access_key_name="other"))


def test_video_that_cannot_be_mended_is_not_prepared(settings: Settings, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    assert isinstance(inspect(text, settings=settings), Rejected)
    assert isinstance(prepare(text, settings=settings), Rejected)
    assert not settings.home.exists()


def test_result_url_that_came_through_a_pickle_is_asked_for_again(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    paid = pay(prepared_of(small_mp4, settings, tmp_path / "out"), settings=settings)
    url = SecretUrl(f"{cloud.url}/nothing-here.mp4?X-Amz-Signature=0")
    (task_id,) = paid.task_ids
    done = sent(Task(task_id=task_id, state=TaskState.DONE, video_url=url))
    assert done.video_url is not None
    assert not done.video_url.is_whole
    assert collect(paid, [done], settings=settings).result is not None


def test_what_is_fetched_survives_a_finish_that_fails(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    paid = pay(prepared_of(small_mp4, settings, tmp_path / "out"), settings=settings)
    collected = sent(collect(paid, settings=replace(settings, ffmpeg=str(tmp_path / "no-such-program"))))
    assert isinstance(collected, Collected)
    assert collected.result is None
    with pytest.raises(type(collected.error)):  # type: ignore[arg-type]
        record(collected, settings=settings)
    assert states(settings) == [State.FETCHED]
    cloud.result = lambda _: b"must not be fetched again"
    assert [type(result) for result in resume(settings=settings)] == [Succeeded]


# Executors


def spawned() -> Executor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("make", [partial(ThreadPoolExecutor, 2), spawned], ids=["threads", "processes"])
def test_any_executor_does_the_media_work(
    cloud: FakeCloud, settings: Settings, tmp_path: Path, make: Callable[[], Executor]
) -> None:
    videos = [clips.clip(tmp_path / f"{name}.mp4", size=(160, 96 + 16 * name), seconds=0.4) for name in range(3)]
    calm = cloud.settings(tmp_path / "calm")
    expected = {
        result.source: result.file.read_bytes()
        for result in run_many(videos, request=RunRequest(output=tmp_path / "plain"), settings=calm, jobs=3)
        if isinstance(result, Succeeded)
    }
    cloud.accepted.clear()
    request = RunRequest(output=tmp_path / "out")
    with make() as executor:
        results = list(run_many(videos, request=request, settings=settings, jobs=3, executor=executor))
    made = {result.source: result.file.read_bytes() for result in results if isinstance(result, Succeeded)}
    assert len(made) == 3, results
    assert made == expected
    assert len(cloud.accepted) == 3
    # Nothing secret, and nothing unfinished, is left.
    assert {path.name for path in settings.home.iterdir()} <= {"cleaned", "ledger.sqlite3", "work"}


class Counting(Executor):
    """Makes each call at once, as a worker would: on what came out of a pickle."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def submit(self, call: Any, /, *_: Any, **__: Any) -> Future[Any]:  # type: ignore[override]
        self.calls.append(call.args[0].__name__)
        future: Future[Any] = Future()
        future.set_result(sent(sent(call)()))
        return future


def test_three_calls_do_the_media_work_of_a_video(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    executor = Counting()
    request = RunRequest(output=tmp_path / "out")
    (result,) = run_many([small_mp4], request=request, settings=settings, executor=executor)
    assert isinstance(result, Succeeded), result
    assert executor.calls == ["inspect", "prepare", "collect"]
    assert len(cloud.accepted) == 1


def _die(*_: Any, **__: Any) -> None:
    os._exit(3)


class Dying(ProcessPoolExecutor):
    """Loses the worker that makes the call with this name."""

    def submit(self, call: Any, /, *_: Any, **__: Any) -> Future[Any]:  # type: ignore[override]
        return super().submit(_die if call.args[0].__name__ == self.victim else call)

    victim = ""


@pytest.mark.parametrize("victim", ["prepare", "collect"])
def test_lost_worker_is_the_result_of_its_video_and_resume_goes_on(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path, victim: str
) -> None:
    request = RunRequest(output=tmp_path / "out")
    with Dying(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        executor.victim = victim
        (result,) = run_many([small_mp4], request=request, settings=settings, executor=executor)
    assert isinstance(result, Failed), result
    assert result.error.retryable
    assert [type(result) for result in resume(settings=settings)] == [Succeeded]
    assert len(cloud.accepted) == 1


class Stuck(Counting):
    """Never comes back from a call that prepares."""

    def submit(self, call: Any, /, *arguments: Any, **options: Any) -> Future[Any]:  # type: ignore[override]
        return Future() if call.args[0] is prepare else super().submit(call, *arguments, **options)


def test_cancel_leaves_an_executor_that_is_stuck(
    cloud: FakeCloud, settings: Settings, small_mp4: Path, tmp_path: Path
) -> None:
    cancel = threading.Event()
    request = RunRequest(output=tmp_path / "out")
    running = run_many([small_mp4], request=request, settings=settings, executor=Stuck(), cancel=cancel)
    threading.Timer(1.5, cancel.set).start()
    begun = time.monotonic()
    with pytest.raises(CancelledError):
        list(running)
    assert time.monotonic() - begun < 5
    assert [type(result) for result in resume(settings=settings)] == [Succeeded]
    assert len(cloud.accepted) == 1


def test_paid_value_holds_no_secret_of_a_split_video(settings: Settings, tmp_path: Path, cloud: FakeCloud) -> None:
    long = clips.clip(tmp_path / "long.mp4", seconds=3, output=("-g", "25"))
    short = replace(settings, max_duration=type(settings.max_duration)(2))
    paid: Paid = sent(pay(prepared_of(long, short, tmp_path / "out"), settings=short))
    assert len(paid.task_ids) == len(cloud.accepted) > 1
    assert record(sent(collect(paid, settings=short)), settings=short).source == long


# Secrets of workers


def test_boxes_are_sent_with_the_times_of_each_part(settings: Settings, tmp_path: Path, cloud: FakeCloud) -> None:
    path = clips.clip(tmp_path / "long.mp4", size=(160, 96), seconds=4, audio=False, output=["-g", "25"])
    boxes = (
        InpaintingBox(start=0.5, end=3.5, x1=0, y1=0, x2=0.5, y2=0.5),
        InpaintingBox(start=3.2, end=3.4, x1=0, y1=0, x2=1, y2=1),
    )
    request = RunRequest(output=tmp_path / "out", options=RemovalOptions(inpainting_boxes=boxes))
    short = replace(settings, max_duration=Fraction(5, 2))
    prepared = prepare(path, request, settings=short)
    assert isinstance(prepared, Prepared), prepared
    pay(prepared, settings=short)
    sent_boxes = [json.loads(job.parameters).get("inpaintingBoxes", []) for job in cloud.accepted]
    starts = [segment.start for segment in prepared.fixed.segments]
    shown = [
        (round(start + box["timestamp"][0], 3), round(start + box["timestamp"][1], 3), box["box"][2])
        for start, of_part in zip(starts, sent_boxes, strict=True)
        for box in of_part
    ]
    # Three even parts need cuts where there are no keyframes.
    assert starts == [0.0, 1.0, 2.0, 3.0]
    assert shown == [(0.5, 1.0, 0.5), (1.0, 2.0, 0.5), (2.0, 3.0, 0.5), (3.0, 3.5, 0.5), (3.2, 3.4, 1)]


@pytest.mark.parametrize(("trim", "expected"), [((1, 3), [0.5, 1.5]), (None, [1.5, 2.5])])
def test_boxes_of_a_trimmed_video_count_from_its_first_frame(
    settings: Settings, tmp_path: Path, cloud: FakeCloud, trim: tuple[int, int] | None, expected: list[float]
) -> None:
    path = clips.clip(tmp_path / "long.mp4", size=(160, 96), seconds=4, audio=False, output=["-g", "25"])
    box = InpaintingBox(start=1.5, end=2.5, x1=0, y1=0, x2=0.5, y2=0.5)
    wanted = None if trim is None else (Fraction(trim[0]), Fraction(trim[1]))
    request = RunRequest(output=tmp_path / "out", options=RemovalOptions(inpainting_boxes=(box,)), trim=wanted)
    prepared = prepare(path, request, settings=settings)
    assert isinstance(prepared, Prepared), prepared
    pay(prepared, settings=settings)
    (job,) = cloud.accepted
    assert json.loads(job.parameters)["inpaintingBoxes"][0]["timestamp"] == expected


def test_settings_of_a_pickle_take_the_secrets_of_their_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sent(settings).access_key_secret == ""
    monkeypatch.setenv("AIDGE_ACCESS_KEY_SECRET", "own")
    monkeypatch.setenv("AIDGE_ACCESS_KEY_NAME", "key")
    monkeypatch.setenv("PREFLIGHT_S3_SECRET", "own store")
    monkeypatch.setenv("PREFLIGHT_S3_KEY", "another key")
    loaded = sent(settings)
    assert (str(loaded.access_key_secret), str(loaded.s3_secret)) == ("own", "")
    with worker_secrets.shared(settings.to_dict()):
        (file,) = (settings.home / "worker-secrets").iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        assert sent(settings) == settings
    assert not file.parent.exists()
    assert sent(replace(settings, s3_endpoint="http://127.0.0.1:1")).s3_secret == ""


def test_secrets_left_by_a_killed_process_are_removed(settings: Settings) -> None:
    left = settings.home / "worker-secrets" / "0123456789abcdef.999999999.ab"
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    with worker_secrets.shared(settings.to_dict()):
        assert not left.exists()
