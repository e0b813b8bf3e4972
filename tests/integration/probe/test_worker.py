import os
import signal
from pathlib import Path

import pytest

from preflight.media import Media, Unreadable
from preflight.probe import Prober, probe
from preflight.probe.worker import Worker, WorkerDied


def test_worker_is_kept_and_replaced_when_it_dies(small_mp4: Path) -> None:
    with Prober() as prober:
        assert isinstance(prober.probe(small_mp4), Media)
        worker = prober._worker
        assert worker is not None
        assert isinstance(prober.probe(small_mp4), Media)
        assert prober._worker is worker
        os.kill(worker.pid, signal.SIGKILL)
        lost = prober.probe(small_mp4)
        assert isinstance(lost, Unreadable)
        assert lost.reason == "parser-crash"
        assert isinstance(prober.probe(small_mp4), Media)


def test_hang_is_ended(small_mp4: Path) -> None:
    with Prober(timeout=0.2) as prober:
        assert isinstance(prober.probe(small_mp4), Media)
        assert prober._worker is not None
        os.kill(prober._worker.pid, signal.SIGSTOP)
        hung = prober.probe(small_mp4)
        assert isinstance(hung, Unreadable)
        assert hung.reason == "parser-timeout"
        assert isinstance(prober.probe(small_mp4), Media)


def test_too_little_memory_is_a_finding(small_mp4: Path) -> None:
    subject = probe(small_mp4, memory=24 * 2**20)
    assert isinstance(subject, Unreadable)
    assert subject.reason in {"parser-crash", "parser-memory"}


def test_worker_ends_with_its_owner(small_mp4: Path) -> None:
    worker = Worker()
    worker.ask(small_mp4)
    worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    with pytest.raises((WorkerDied, ValueError)):
        worker.ask(small_mp4)


def test_folder_may_change_between_two_paths(small_mp4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_mp4.parent)
    with Prober() as prober:
        assert isinstance(prober.probe(Path(small_mp4.name)), Media)
        monkeypatch.chdir("/")
        assert isinstance(prober.probe(small_mp4.relative_to("/")), Media)
