import os
import sqlite3
import stat
import sys
import threading
from pathlib import Path

import pytest

from preflight.errors import JobBusyError, LedgerError, UsageError
from preflight.ledger import Job, Ledger, State, database
from preflight.ledger.migrations import MIGRATIONS
from preflight.model.job import PartialUpload, SecretUrl
from preflight.tools import process

DIGEST = "ab" * 32


def claim(ledger: Ledger, digest: str = DIGEST) -> Job:
    return ledger.claim(digest, '{"language":"en"}', "me", source=Path("v.mp4"))


def to_submitting(ledger: Ledger, job: Job) -> None:
    for state in (State.UPLOADING, State.UPLOADED, State.SUBMITTING):
        ledger.advance(job.id, state, cause="test", key="k")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.sqlite3"


def test_a_job_is_claimed_once(path: Path) -> None:
    with Ledger(path) as ledger:
        first = claim(ledger)
        assert claim(ledger) == first
        assert ledger.find(DIGEST, '{"language":"en"}', "me") == (first,)
        assert ledger.find(DIGEST, '{"language":"zh"}', "me") == ()


def test_history_survives_closing(path: Path) -> None:
    with Ledger(path) as ledger:
        job = claim(ledger)
        with ledger.lease(job.id):
            to_submitting(ledger, job)
            ledger.advance(job.id, State.SUBMITTED, cause="accepted", task_id="t1")
    with Ledger(path) as ledger:
        history = ledger.history(job.id)
        assert [t.state for t in history] == ["queued", "uploading", "uploaded", "submitting", "submitted"]
        assert [t.origin for t in history] == [None, "queued", "uploading", "uploaded", "submitting"]
        assert history[-1].cause == "accepted"
        assert history[-1].task_id == "t1"
        assert ledger.get(job.id[:4]).task_id == "t1"


def test_files_are_private(path: Path) -> None:
    with Ledger(path) as ledger:
        claim(ledger)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert len(list(path.parent.iterdir())) > 1
    assert modes == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_changes_without_the_lease(path: Path) -> None:
    with Ledger(path) as ledger:
        job = claim(ledger)
        with pytest.raises(LedgerError, match="not leased"):
            ledger.advance(job.id, State.FIXED, cause="test")


def test_a_second_holder_waits_or_is_refused(path: Path) -> None:
    with Ledger(path) as ledger, Ledger(path) as other:
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


def test_a_submit_whose_process_died_is_unknown(path: Path) -> None:
    script = (
        "import os, sys, pathlib\n"
        "from preflight.ledger import Ledger, State\n"
        "ledger = Ledger(pathlib.Path(sys.argv[1]))\n"
        "job = ledger.claim('d', 'p', 'a', source=pathlib.Path('v'))\n"
        "with ledger.lease(job.id):\n"
        "    for state in ('uploading', 'uploaded', 'submitting'):\n"
        "        ledger.advance(job.id, State(state), cause='test')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    assert process.run([sys.executable, "-c", script, str(path)]).status == -9
    with Ledger(path) as ledger:
        (job,) = ledger.jobs()
        assert job.state is State.SUBMITTING
        assert ledger.holder(job.id) is None
        with ledger.lease(job.id) as recovered:
            assert recovered.state is State.UNKNOWN
            assert ledger.resolve(job.id, State.SUBMITTED, task_id="t9").task_id == "t9"
        assert "ended before the answer" in ledger.history(job.id)[-2].cause


def test_a_taken_over_lease_is_fenced(path: Path) -> None:
    with Ledger(path) as ledger:
        job = claim(ledger)
        with ledger.lease(job.id):
            with sqlite3.connect(path) as stranger:
                stranger.execute("UPDATE leases SET epoch = epoch + 1")
            stranger.close()
            with pytest.raises(LedgerError, match="taken over"):
                ledger.advance(job.id, State.FIXED, cause="test")


def test_names_of_any_bytes_are_kept(path: Path) -> None:
    source = Path(os.fsdecode(b"caf\xe9 \n.mp4"))
    with Ledger(path) as ledger:
        job = ledger.claim("d", "p", "a", source=source)
        assert ledger.get(job.id).source == source


def test_jobs_are_filtered(path: Path) -> None:
    with Ledger(path) as ledger:
        first, second = claim(ledger), claim(ledger, "cd" * 32)
        with ledger.lease(second.id):
            ledger.advance(second.id, State.FIXED, cause="test")
        assert [j.id for j in ledger.jobs(states=[State.QUEUED])] == [first.id]
        assert [j.id for j in ledger.jobs()] == [first.id, second.id]
        for unknown in ("", "zz"):
            with pytest.raises(UsageError):
                ledger.get(unknown)


def test_segments_share_a_group(path: Path) -> None:
    with Ledger(path) as ledger:
        segments = [ledger.claim("d", "p", "a", source=Path("v"), segment=n, segments=3) for n in (1, 2, 3)]
        assert len({job.id for job in segments}) == 3
        assert ledger.find("d", "p", "a") == tuple(segments)


def test_a_forgotten_job_is_new_again(path: Path) -> None:
    with Ledger(path) as ledger:
        job = claim(ledger)
        with ledger.lease(job.id):
            ledger.forget(job.id)
        assert ledger.jobs() == ()
        assert ledger.history(job.id) == ()
        assert claim(ledger).state is State.QUEUED


def test_query_strings_never_reach_the_file(path: Path) -> None:
    with Ledger(path) as ledger:
        job = claim(ledger)
        with ledger.lease(job.id):
            to_submitting(ledger, job)
            ledger.advance(job.id, State.SUBMITTED, cause="accepted", task_id="t")
            ledger.advance(job.id, State.DONE, cause="done", url=SecretUrl("https://h/r.mp4?sig=VERYSECRET"))
        assert not any(b"VERYSECRET" in file.read_bytes() for file in path.parent.iterdir())
        assert ledger.get(job.id).url == "https://h/r.mp4"


def test_begun_uploads_are_remembered(path: Path) -> None:
    upload = PartialUpload(
        endpoint="e", bucket="b", key="k", upload_id="u", part_size=8, size=20, sha256="s", token="t"
    )
    with Ledger(path) as ledger:
        ledger.uploads.save_upload(upload)
    with Ledger(path) as ledger:
        assert ledger.uploads.load_upload(endpoint="e", bucket="b", key="k") == upload
        ledger.uploads.forget_upload(upload)
        assert ledger.uploads.load_upload(endpoint="e", bucket="b", key="k") is None


def test_damage_is_told_and_how_to_go_on(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, and long enough to be looked at" * 100)
    with pytest.raises(LedgerError, match="damaged") as caught:
        Ledger(path)
    assert "mv " in str(caught.value)


def test_a_spoiled_page_is_found(path: Path) -> None:
    with Ledger(path) as ledger:
        for number in range(200):
            ledger.claim(f"{number:064}", "p", "a", source=Path("v"))
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 4] = os.urandom(4096)
    path.write_bytes(data)
    with pytest.raises(LedgerError, match="damaged"), Ledger(path) as ledger:
        ledger.verify()


def test_a_locked_ledger_is_worth_a_retry(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.ledger.database.BUSY_TIMEOUT", 0.1)
    with Ledger(path) as ledger:
        stranger = sqlite3.connect(path, isolation_level=None)
        stranger.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="locked") as caught:
            claim(ledger)
        stranger.close()
        assert caught.value.retryable
        assert claim(ledger).state is State.QUEUED


def test_an_unusable_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file" / "ledger", tmp_path):
        with pytest.raises(LedgerError, match="can't be opened"):
            Ledger(place)


def test_a_full_disk_is_told_and_nothing_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[sqlite3.Connection] = []
    connect = database.connect

    def connect_and_note(where: Path) -> sqlite3.Connection:
        connections.append(connect(where))
        return connections[-1]

    monkeypatch.setattr(database, "connect", connect_and_note)
    with Ledger(path) as ledger:
        job = claim(ledger)
        connections[0].execute("PRAGMA max_page_count = 1")
        with pytest.raises(LedgerError, match="full") as caught:
            ledger.claim("large", "x" * 1_000_000, "me", source=Path("v.mp4"))
        assert "Free some space" in str(caught.value)
        connections[0].execute("PRAGMA max_page_count = 1000000")
        assert claim(ledger) == job
        with ledger.lease(job.id):
            assert ledger.advance(job.id, State.FIXED, cause="test").state is State.FIXED


def test_a_newer_ledger_is_left_alone(path: Path) -> None:
    with Ledger(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(LedgerError, match="newer"):
        Ledger(path)
