import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from preflight.errors import CredentialsError
from preflight.model.job import RemovalOptions, TaskState
from preflight.removal import RemovalClient, client
from tests.faultproxy import FaultProxy
from tests.service_stack import local_stack, put


@pytest.fixture
def _fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock is an hour ahead of the service's."""
    wrong = SimpleNamespace(time=lambda: time.time() + 3600, monotonic=time.monotonic)
    monkeypatch.setattr(client, "time", wrong)


@pytest.mark.usefixtures("_fast_clock")
def test_wrong_clock_is_corrected_by_the_service_s_own(tmp_path: Path) -> None:
    with local_stack(tmp_path) as stack, FaultProxy(stack.settings.api_domain) as proxy:
        with RemovalClient(replace(stack.settings, api_domain=proxy.url)) as made:
            assert made.clock_skew() == pytest.approx(3600, abs=60)
            task = made.submit(put(stack.settings, "clip.mp4", b"video"), RemovalOptions())
            assert made.wait(task.task_id, deadline=60).state is TaskState.DONE
        # The submit was refused for its timestamp, thus not accepted, and sent once more.
        assert len(proxy.requests("*/removal")) == 2


@pytest.mark.usefixtures("_fast_clock")
def test_clock_that_cannot_be_corrected_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.removal.wire.Reply.server_time", None)
    with local_stack(tmp_path) as stack, RemovalClient(stack.settings) as made:
        with pytest.raises(CredentialsError, match=r"clock.*doctor") as caught:
            made.query("any")
        assert caught.value.code == "IllegalTimestamp"
