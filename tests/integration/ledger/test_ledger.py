"""What both back ends promise."""

import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preflight.errors import CreditError, JobBusyError, LedgerError, UsageError
from preflight.ledger import Job, Ledger, State
from preflight.ledger.accounts import Budget, SubmitPace
from preflight.model.job import PartialUpload
from preflight.tools import process
from tests.integration.ledger.conftest import Location

DIGEST = "ab" * 32


def claim(ledger: Ledger, digest: str = DIGEST) -> Job:
    return ledger.claim(digest, '{"language":"en"}', "me", source=Path("v.mp4"))


def to_submitting(ledger: Ledger, job: Job, cost: int = 0) -> None:
    for state in (State.UPLOADING, State.UPLOADED, State.SUBMITTING):
        ledger.advance(job.id, state, cause="test", key="k", cost=cost)


def to_unknown(ledger: Ledger, job_id: str) -> None:
    with ledger.lease(job_id) as job:
        to_submitting(ledger, job)
        ledger.advance(job_id, State.UNKNOWN, cause="test")


def declare_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process look dead to others, as one that was stopped for longer than a lease."""
    monkeypatch.setattr("preflight.ledger.owner.STALE_AFTER", -1.0)
    monkeypatch.setattr("preflight.ledger.owner.start_time", lambda _: None)


def test_a_job_is_claimed_once(location: Location) -> None:
    with Ledger(location) as ledger:
        first = claim(ledger)
        assert claim(ledger) == first
        assert ledger.find(DIGEST, '{"language":"en"}', "me") == (first,)
        assert ledger.find(DIGEST, '{"language":"zh"}', "me") == ()


def test_history_survives_closing(location: Location) -> None:
    with Ledger(location) as ledger:
        job = claim(ledger)
        with ledger.lease(job.id):
            to_submitting(ledger, job)
            ledger.advance(job.id, State.SUBMITTED, cause="accepted", task_id="t1")
    with Ledger(location) as ledger:
        history = ledger.history(job.id)
        assert [t.state for t in history] == ["queued", "uploading", "uploaded", "submitting", "submitted"]
        assert [t.origin for t in history] == [None, "queued", "uploading", "uploaded", "submitting"]
        assert history[-1].cause == "accepted"
        assert history[-1].task_id == "t1"
        assert ledger.get(job.id[:4]).task_id == "t1"


def test_nothing_changes_without_the_lease(location: Location) -> None:
    with Ledger(location) as ledger:
        job = claim(ledger)
        with pytest.raises(LedgerError, match="not leased"):
            ledger.advance(job.id, State.FIXED, cause="test")


def test_a_second_holder_waits_or_is_refused(location: Location) -> None:
    with Ledger(location) as ledger, Ledger(location) as other:
        job = claim(ledger)
        with ledger.lease(job.id):
            assert other.holder(job.id) == os.getpid()
            with pytest.raises(JobBusyError, match=str(os.getpid())), other.lease(job.id):
                pass
            with pytest.raises(JobBusyError), ledger.lease(job.id):
                pass
            release = threading.Event()
            got: list[State] = []

            def take() -> None:
                release.set()
                with other.lease(job.id, wait=20) as late:
                    got.append(late.state)

            thread = threading.Thread(target=take)
            thread.start()
            release.wait()
            ledger.advance(job.id, State.FIXED, cause="test")
        thread.join()
        assert got == [State.FIXED]
        assert other.holder(job.id) is None


def test_a_submit_whose_process_died_is_unknown(location: Location) -> None:
    script = (
        "import os, sys, pathlib\n"
        "from preflight.ledger import Ledger, State\n"
        "from preflight.settings import LedgerUrl\n"
        "place = sys.argv[1]\n"
        "ledger = Ledger(LedgerUrl(place) if place.startswith('postgresql:') else pathlib.Path(place))\n"
        "job = ledger.claim('d', 'p', 'a', source=pathlib.Path('v'))\n"
        "with ledger.lease(job.id):\n"
        "    for state in ('uploading', 'uploaded', 'submitting'):\n"
        "        ledger.advance(job.id, State(state), cause='test')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert process.run([sys.executable, "-c", script, str(location)]).status == -9
    with Ledger(location) as ledger:
        (job,) = ledger.jobs()
        assert job.state is State.SUBMITTING
        assert ledger.holder(job.id) is None
        with ledger.lease(job.id) as recovered:
            assert recovered.state is State.UNKNOWN
            assert ledger.resolve(job.id, State.SUBMITTED, task_id="t9").task_id == "t9"
        assert "ended before the answer" in ledger.history(job.id)[-2].cause


def test_holder_that_was_silent_for_long_changes_nothing(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(location) as ledger, Ledger(location) as other:
        job = claim(ledger)
        with ledger.lease(job.id):
            declare_dead(monkeypatch)
            assert other.acquire(job.id).state is State.QUEUED
            monkeypatch.undo()
            with pytest.raises(LedgerError, match="taken over"):
                ledger.advance(job.id, State.FIXED, cause="test")
        # Leaving the block gave nothing back that belongs to the other.
        assert other.advance(job.id, State.FIXED, cause="test").state is State.FIXED


def test_late_answer_settles_the_unknown_job(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(location) as ledger, Ledger(location) as other:
        job = claim(ledger)
        with ledger.lease(job.id) as held:
            to_submitting(ledger, job)
            declare_dead(monkeypatch)
            assert other.acquire(job.id).state is State.UNKNOWN
            settled = ledger.record_accepted(held, "t1")
            assert (settled.state, settled.task_id) == (State.SUBMITTED, "t1")
            # The same answer once more, as after a commit whose answer was lost.
            assert ledger.record_accepted(held, "t1") == settled
        assert other.advance(job.id, State.RUNNING, cause="test").task_id == "t1"
        assert other.history(job.id)[-2].cause == "accepted; the answer came late"


def test_late_answer_after_a_resubmit_is_only_noted(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(location) as ledger, Ledger(location) as other:
        job = claim(ledger)
        with ledger.lease(job.id) as held:
            to_submitting(ledger, job)
            declare_dead(monkeypatch)
            other.acquire(job.id)
            other.resolve(job.id, State.QUEUED)
            assert ledger.record_accepted(held, "t1").state is State.QUEUED
        assert other.get(job.id).task_id is None
        assert other.history(job.id)[-1].task_id == "t1"


def test_open_jobs_are_taken_in_batches(location: Location) -> None:
    with Ledger(location) as ledger, Ledger(location) as other:
        ids = [claim(ledger, f"{number:064}").id for number in range(7)]
        to_unknown(ledger, ids[0])
        first = ledger.acquire_open(3)
        second = other.acquire_open(9)
        assert [job.id for job in first] == ids[1:4]
        assert [job.id for job in second] == ids[4:]
        assert ledger.acquire_open(9) == other.acquire_open(9) == []
        ledger.advance(ids[1], State.FIXED, cause="test")
        with pytest.raises(LedgerError, match="not leased"):
            ledger.advance(ids[4], State.FIXED, cause="test")
        ledger.release_all()
        assert [job.id for job in other.acquire_open(9)] == ids[1:4]


def test_pace_is_shared_by_all_processes(location: Location) -> None:
    def change(old: SubmitPace | None, now: float) -> tuple[SubmitPace, SubmitPace | None]:
        return SubmitPace(interval=2.0, free_at=now + 5, pauses=old.pauses + 1 if old else 0), old

    with Ledger(location) as ledger, Ledger(location) as other:
        assert ledger.accounts.change_pace("me", change) is None
        seen = other.accounts.change_pace("me", change)
        assert seen is not None
        assert (seen.interval, seen.pauses) == (2.0, 0)
        assert abs(seen.free_at - time.time() - 5) < 4
        assert other.accounts.change_pace("you", change) is None


def test_budget_counts_what_may_be_paid(location: Location) -> None:
    with Ledger(location) as ledger, Ledger(location) as other:
        other.accounts.set_budget("me", 100)
        first, second = claim(ledger), claim(ledger, "cd" * 32)
        with ledger.lease(first.id), ledger.lease(second.id):
            to_submitting(ledger, first, cost=60)
            for state in (State.UPLOADING, State.UPLOADED):
                ledger.advance(second.id, state, cause="test")
            with pytest.raises(CreditError, match="budget"):
                ledger.advance(second.id, State.SUBMITTING, cause="test", cost=60)
            assert ledger.get(second.id).state is State.UPLOADED
            assert other.accounts.budget("me") == Budget(spent=60, limit=100)
            ledger.advance(first.id, State.UPLOADED, cause="not accepted")
            assert other.accounts.budget("me").spent == 0
            ledger.advance(second.id, State.SUBMITTING, cause="test", cost=60)
            ledger.advance(second.id, State.SUBMITTED, cause="accepted", task_id="t")
            assert other.accounts.budget("me").spent == 60


def test_pruning_keeps_what_protects_from_paying_twice(location: Location) -> None:
    with Ledger(location) as ledger:
        ended, fresh = claim(ledger), claim(ledger, "cd" * 32)
        with ledger.lease(ended.id):
            ledger.advance(ended.id, State.CANCELLED, cause="test")
        assert ledger.prune(datetime(2020, 1, 1, tzinfo=UTC)) == 0
        assert ledger.prune(datetime.now(UTC) + timedelta(seconds=1)) == 2
        assert ledger.history(ended.id) == ()
        assert len(ledger.history(fresh.id)) == 1
        assert claim(ledger).state is State.CANCELLED


def test_two_processes_claim_a_job_once(location: Location) -> None:
    with Ledger(location) as ledger, Ledger(location) as other:
        start = threading.Barrier(2)
        got: list[Job] = []

        def take(mine: Ledger) -> None:
            start.wait()
            got.extend(claim(mine, f"{number:064}") for number in range(40))

        threads = [threading.Thread(target=take, args=(each,)) for each in (ledger, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({job.id for job in got}) == 40
        assert all(len(ledger.history(job.id)) == 1 for job in got)


def test_names_of_any_bytes_are_kept(location: Location) -> None:
    source = Path(os.fsdecode(b"caf\xe9 \n.mp4"))
    with Ledger(location) as ledger:
        job = ledger.claim("d", "p", "a", source=source)
        assert ledger.get(job.id).source == source


def test_jobs_are_filtered(location: Location) -> None:
    with Ledger(location) as ledger:
        first, second = claim(ledger), claim(ledger, "cd" * 32)
        with ledger.lease(second.id):
            ledger.advance(second.id, State.FIXED, cause="test")
        assert [j.id for j in ledger.jobs(states=[State.QUEUED])] == [first.id]
        assert [j.id for j in ledger.jobs()] == [first.id, second.id]
        for unknown in ("", "zz"):
            with pytest.raises(UsageError):
                ledger.get(unknown)


def test_segments_share_a_group(location: Location) -> None:
    with Ledger(location) as ledger:
        segments = [ledger.claim("d", "p", "a", source=Path("v"), segment=n, segments=3) for n in (1, 2, 3)]
        assert len({job.id for job in segments}) == 3
        assert ledger.find("d", "p", "a") == tuple(segments)


def test_a_forgotten_job_is_new_again(location: Location) -> None:
    with Ledger(location) as ledger:
        job = claim(ledger)
        with ledger.lease(job.id):
            ledger.forget(job.id)
        assert ledger.jobs() == ()
        assert ledger.history(job.id) == ()
        assert claim(ledger).state is State.QUEUED


def test_begun_uploads_are_remembered(location: Location) -> None:
    upload = PartialUpload(
        endpoint="e", bucket="b", key="k", upload_id="u", part_size=8, size=20, sha256="s", token="t"
    )
    with Ledger(location) as ledger:
        ledger.uploads.save_upload(upload)
    with Ledger(location) as ledger:
        assert ledger.uploads.load_upload(endpoint="e", bucket="b", key="k") == upload
        ledger.uploads.forget_upload(upload)
        assert ledger.uploads.load_upload(endpoint="e", bucket="b", key="k") is None
