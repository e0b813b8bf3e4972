import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import clips
from preflight.events import Listener, Progress, Stage
from preflight.model.job import Succeeded
from preflight.removal import poller
from preflight.settings import Settings
from preflight.workflow import scheduler
from preflight.workflow.batch import run_many
from preflight.workflow.request import RunRequest
from tests.faultproxy import Fault, FaultProxy, times
from tests.service_stack import local_stack


def test_batch_shares_one_rate_and_one_polling_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A slow machine makes polls late as a slow network does.
    monkeypatch.setattr(poller, "LATE", 1e9)
    videos = [clips.clip(tmp_path / f"clip-{n}.mp4", size=(160 + 16 * n, 96), seconds=0.4) for n in range(5)]
    pollers: set[str] = set()

    def listen(_: Path) -> Listener:
        def hear(progress: Progress) -> None:
            if progress.stage is Stage.WAIT:
                pollers.add(threading.current_thread().name)

        return hear

    with (
        local_stack(tmp_path / "service-home") as stack,
        # The first two submits are told to slow down; they and no others are sent again.
        FaultProxy(stack.settings.api_domain, times("*/removal", Fault.ANSWER_429, last=2)) as proxy,
    ):
        settings = replace(stack.settings, api_domain=proxy.url, home=tmp_path / "home")
        request = RunRequest(output=tmp_path / "out")
        results = list(run_many(videos, request=request, settings=settings, jobs=3, listen=listen))
        assert [type(result) for result in results] == [Succeeded] * 5
        assert len(proxy.requests("*/removal")) == 7
    assert pollers == {"preflight-wait-0"}


def let_go(stack: Settings) -> None:
    """Let the slow engine of a stack end its tasks."""
    for folder in (stack.home / "service").rglob("*/"):
        (folder / "go").touch()


def test_each_result_comes_as_soon_as_it_is_there(tmp_path: Path) -> None:
    # Not a video: it ends while the first still waits for the service.
    first, second = clips.clip(tmp_path / "clip.mp4", seconds=0.4), tmp_path / "no-video.mp4"
    second.write_bytes(b"text")
    with local_stack(tmp_path / "service-home", engine="slow") as stack:
        results = run_many(
            [first, second],
            request=RunRequest(output=tmp_path / "out"),
            settings=replace(stack.settings, home=tmp_path / "home"),
            jobs=2,
        )
        assert next(results).source == second
        let_go(stack.settings)
        assert isinstance(next(results), Succeeded)


def test_many_under_way_are_few_at_work_and_none_waits_for_another_s_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With one worker, the first would keep the others from the service if it kept the thread while it waits.
    monkeypatch.setattr(scheduler, "WORKERS", 1)
    videos = [clips.clip(tmp_path / f"clip-{n}.mp4", size=(160 + 16 * n, 96), seconds=0.4) for n in range(3)]
    # The same content twice: one waits for the other's lease.
    videos.append(tmp_path / "again.mp4")
    videos[-1].write_bytes(videos[0].read_bytes())
    waiting_for, all_wait = set[Path](), threading.Event()

    def listen(path: Path) -> Listener:
        def hear(progress: Progress) -> None:
            if progress.stage is Stage.WAIT:
                waiting_for.add(path)
                if len(waiting_for) == 3:
                    all_wait.set()

        return hear

    with local_stack(tmp_path / "service-home", engine="slow") as stack:

        def release() -> None:
            all_wait.wait(60)
            let_go(stack.settings)

        threading.Thread(target=release).start()
        settings = replace(stack.settings, home=tmp_path / "home", poll_first=0.1, poll_last=0.2)
        request = RunRequest(output=tmp_path / "out")
        results = list(run_many(videos, request=request, settings=settings, jobs=1000, listen=listen))
    assert all_wait.is_set()
    assert [type(result) for result in results] == [Succeeded] * 4
    assert {result.source for result in results} == set(videos)
