import os
import signal
from pathlib import Path

import pytest

from preflight.errors import ToolError
from preflight.model.media import Media, Unreadable
from preflight.probe import Prober, probe, sandbox_process
from preflight.probe.sandbox_process import Worker, WorkerDied


def test_worker_is_kept_and_replaced_when_it_dies(small_mp4: Path) -> None:
    with Prober() as prober:
        assert isinstance(prober.probe(small_mp4), Media)
        worker = prober.worker
        assert worker is not None
        assert isinstance(prober.probe(small_mp4), Media)
        assert prober.worker is worker
        os.kill(worker.pid, signal.SIGKILL)
        lost = prober.probe(small_mp4)
        assert isinstance(lost, Unreadable)
        assert lost.reason == "parser-crash"
        assert isinstance(prober.probe(small_mp4), Media)


def test_hang_is_ended(small_mp4: Path) -> None:
    with Prober(timeout=0.2) as prober:
        assert isinstance(prober.probe(small_mp4), Media)
        assert prober.worker is not None
        os.kill(prober.worker.pid, signal.SIGSTOP)
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


def test_path_sent_ahead_is_answered_in_its_turn(small_mp4: Path, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("words")
    with Prober() as prober:
        assert isinstance(prober.probe(small_mp4, following=text), Media)
        worker = prober.worker
        assert isinstance(prober.probe(text, following=small_mp4), Unreadable)
        assert isinstance(prober.probe(small_mp4, following=small_mp4), Media)
        assert isinstance(prober.probe(small_mp4), Media)
        assert prober.worker is worker


def test_path_sent_ahead_and_dropped_answers_for_no_other(small_mp4: Path, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("words")
    with Prober() as prober:
        assert isinstance(prober.probe(small_mp4, following=text), Media)
        assert isinstance(prober.probe(small_mp4), Media)


def test_path_sent_ahead_is_not_blamed_for_the_one_before(small_mp4: Path) -> None:
    with Prober(timeout=0.5) as prober:
        assert isinstance(prober.probe(small_mp4), Media)
        assert prober.worker is not None
        os.kill(prober.worker.pid, signal.SIGSTOP)
        assert isinstance(prober.probe(small_mp4, following=small_mp4), Unreadable)
        assert isinstance(prober.probe(small_mp4), Media)


def test_pipe_is_never_sent_ahead(small_mp4: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with Prober() as prober:
        assert isinstance(prober.probe(small_mp4, following=tmp_path / "pipe.mp4"), Media)
        assert prober.worker is not None
        assert not prober.worker.owes_other_than(Path("other.mp4"))


def test_broken_library_is_the_tools_fault(small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "libmediainfo.so.0"
    broken.write_bytes(b"no library")
    monkeypatch.setattr(sandbox_process, "library", lambda: str(broken))
    with Prober() as prober, pytest.raises(ToolError, match="any file"):
        prober.probe(small_mp4)
