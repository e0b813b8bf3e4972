import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import clips
from preflight.batch import run_many
from preflight.events import Listener, Progress, Stage
from preflight.job import Succeeded
from preflight.order import Order
from preflight.removal import waiting
from tests.faultproxy import Fault, FaultProxy, times
from tests.service_stack import local_stack


def test_batch_shares_one_rate_and_one_polling_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A slow machine makes polls late as a slow network does.
    monkeypatch.setattr(waiting, "LATE", 1e9)
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
        order = Order(output=tmp_path / "out")
        results = list(run_many(videos, order=order, settings=settings, jobs=3, listen=listen))
        assert [type(result) for result in results] == [Succeeded] * 5
        assert len(proxy.requests("*/removal")) == 7
    assert pollers == {"preflight-wait-0"}
