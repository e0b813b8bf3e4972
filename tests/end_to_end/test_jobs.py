"""What a person does with the ledger: look, settle what is unknown, forget, and go on."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from fixtures import stores
from preflight.ledger import State
from preflight.settings import Settings
from preflight.storage.store import open_store
from tests.end_to_end.cli import Outcome, preflight
from tests.end_to_end.kills import Scene, scene
from tests.faultproxy import Fault, FaultProxy, Script, once
from tests.service_stack import local_stack

SUBMIT = "/rest/ai/video/removal"


@contextmanager
def behind(stack: Settings, clip: Path, folder: Path, script: Script) -> Iterator[Scene]:
    with FaultProxy(stack.api_domain, script, silence=0.5) as proxy:
        yield scene(clip, folder, stack, AIDGE_API_DOMAIN=proxy.url)


def jobs(stage: Scene, *arguments: str) -> Outcome:
    return preflight("jobs", *arguments, **stage.environment)


def unknown(stage: Scene) -> str:
    """Run into a lost reply and return the job's id."""
    outcome = stage.run()
    assert outcome.code == 7, outcome.err
    (job,) = stage.jobs
    assert job.state is State.UNKNOWN
    again = stage.run()
    assert again.code == 7
    assert job.id in again.out
    return job.id


def test_an_accepted_job_whose_reply_was_lost_goes_on_with_its_task(
    stack: Settings, clip: Path, tmp_path: Path
) -> None:
    with behind(stack, clip, tmp_path, once(SUBMIT, Fault.DROP_REPLY)) as stage:
        job = unknown(stage)
        assert jobs(stage, "resolve", job, "--task", stage.accepted[0]).code == 0
        outcome = stage.resume()
        assert outcome.code == 0, outcome.err
        assert len(stage.accepted) == 1
        assert stage.results
        shown = jobs(stage, "show", job)
        assert "resolved: task id given" in shown.out


def test_a_job_that_never_arrived_is_sent_again_on_a_persons_word(stack: Settings, clip: Path, tmp_path: Path) -> None:
    with behind(stack, clip, tmp_path, once(SUBMIT, Fault.SWALLOW_REQUEST)) as stage:
        job = unknown(stage)
        assert stage.accepted == []
        assert jobs(stage, "resolve", job, "--resubmit").code == 0
        assert stage.resume().code == 0
        assert len(stage.accepted) == 1


def test_a_job_that_is_sent_again_has_a_fresh_url(stack: Settings, clip: Path, tmp_path: Path) -> None:
    with FaultProxy(stack.api_domain, once(SUBMIT, Fault.SWALLOW_REQUEST), silence=0.5) as proxy:
        stage = scene(clip, tmp_path, stack, AIDGE_API_DOMAIN=proxy.url)
        assert jobs(stage, "resolve", unknown(stage), "--resubmit").code == 0
        assert stage.resume().code == 0
        first, second = (urlsplit(json.loads(seen.body)["videoUrl"]) for seen in proxy.requests(SUBMIT))
    assert first.path == second.path
    assert first.query != second.query


def test_a_wrong_task_id_can_be_settled_again(stack: Settings, clip: Path, tmp_path: Path) -> None:
    with behind(stack, clip, tmp_path, once(SUBMIT, Fault.DROP_REPLY)) as stage:
        job = unknown(stage)
        assert jobs(stage, "resolve", job, "--task", "mistyped").code == 0
        lost = stage.resume()
        assert lost.code == 5
        assert "no such task" in lost.out
        assert jobs(stage, "resolve", job, "--task", stage.accepted[0]).code == 0
        assert stage.resume().code == 0
        assert len(stage.accepted) == 1
        assert jobs(stage, "resolve", job, "--resubmit").code == 2


def test_a_dropped_job_is_left_and_a_new_run_starts_over(stack: Settings, clip: Path, tmp_path: Path) -> None:
    with behind(stack, clip, tmp_path, once(SUBMIT, Fault.RESET_REPLY)) as stage:
        job = unknown(stage)
        assert jobs(stage, "resolve", job[:5], "--drop", "--json").events[0]["state"] == "cancelled"
        nothing = stage.resume()
        assert nothing.code == 0
        assert stage.results == {}
        assert stage.run().code == 0
        assert stage.jobs[0].attempt == 2


def test_settling_asks_for_one_answer_about_an_unknown_job(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    assert stage.run().code == 0
    (job,) = stage.jobs
    for arguments in ([], ["--drop", "--resubmit"], ["--drop"], ["--task", " "]):
        assert jobs(stage, "resolve", job.id, *arguments).code == 2


def test_jobs_are_listed_shown_and_forgotten(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    assert stage.run().code == 0
    (job,) = stage.jobs
    assert job.id in jobs(stage).out
    (listed,) = jobs(stage, "--json", "--state", "fetched").events
    assert listed["task_id"] == stage.accepted[0]
    assert jobs(stage, "--json", "--state", "failed").events == []
    (shown,) = jobs(stage, "show", job.id[:6], "--json").events
    assert [step["state"] for step in shown["history"]][-1] == "fetched"
    assert jobs(stage, "forget", job.id).code == 0
    assert jobs(stage, "show", job.id).code == 2


def test_uploads_are_deleted_after_the_job_when_that_is_wished(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack, PREFLIGHT_KEEP_UPLOAD="no", PREFLIGHT_PREFIX="gone/")
    assert stage.run().code == 0
    assert not is_stored(stack, clip, "gone/")
    kept = scene(clip, tmp_path / "kept", stack, PREFLIGHT_PREFIX="kept/")
    assert kept.run().code == 0
    assert is_stored(stack, clip, "kept/")
    told = replace(scene(clip, tmp_path / "told", stack, PREFLIGHT_PREFIX="told/"), options=("--delete-upload",))
    assert told.run().code == 0
    assert not is_stored(stack, clip, "told/")


def is_stored(stack: Settings, clip: Path, prefix: str) -> bool:
    """Return whether the store has the content of `clip` under `prefix`."""
    with open_store(replace(stack, prefix=prefix)) as store:
        return store.head(store.key(hashlib.sha256(clip.read_bytes()).hexdigest(), "mp4")) is not None


def test_uploading_alone_prints_urls_and_goes_on(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack, PREFLIGHT_PREFIX="alone/")
    first = preflight("upload", clip, "--json", **stage.environment)
    assert first.code == 0, first.err
    sent = first.events[-1]
    assert sent["url"].startswith(str(stack.s3_endpoint))
    assert "X-Amz-Signature" in sent["url"]
    again = preflight("upload", clip, "--hide-url", **stage.environment)
    assert "[hidden]" in again.out
    assert "was there already" in again.err


def test_begun_uploads_are_listed_and_given_up(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack, PREFLIGHT_PREFIX="begun/")
    client = stores.client_of(stack)
    client.create_multipart_upload(Bucket=stack.bucket, Key="begun/x.mp4")
    assert "begun/x.mp4" in preflight("uploads", **stage.environment).out
    (gone,) = preflight("uploads", "--abort", "--json", **stage.environment).events
    assert gone["aborted"]
    assert preflight("uploads", "--json", **stage.environment).events == []
    client.close()


def test_a_refusal_against_our_own_check_is_recorded_and_shown(clip: Path, tmp_path: Path) -> None:
    with local_stack(tmp_path / "stack", answers=("703",)) as running:
        stage = scene(clip, tmp_path / "scene", running.settings)
        assert stage.run().code == 3
        (job,) = stage.jobs
        assert (job.state, job.code, job.disagreement) == (State.FAILED, 703, True)
        assert jobs(stage, "--json").events[0]["disagreement"] is True
        assert "our check passed" in jobs(stage, "show", job.id).err


def test_watching_tells_every_change_until_it_is_stopped(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    command = [sys.executable, "-m", "preflight", "jobs", "--watch", "--json"]
    environment = os.environ | stage.environment
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as watching:
        assert watching.stdout is not None
        assert stage.run().code == 0
        last = {}
        while last.get("state") != "fetched":
            line = watching.stdout.readline()
            assert line, "the watch ended by itself"
            last = json.loads(line)
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=30)
    assert watching.returncode == 130
    assert b"Traceback" not in err
