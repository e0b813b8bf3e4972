"""`preflight run` with a cluster, manifests and a store for inputs and results, as a person runs it."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import clips
from preflight.ledger import Ledger
from preflight.model.address import S3Address
from preflight.model.job import Succeeded
from preflight.storage.remote import head
from preflight.workflow.batch import resume, run_many
from preflight.workflow.request import RunRequest
from tests.end_to_end.cli import preflight
from tests.fake_cloud import BUCKET, FakeCloud

INPUT, OUTPUT = f"s3://{BUCKET}/in", f"s3://{BUCKET}/out"


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("videos")
    return [clips.clip(folder / f"{n}.mp4", size=(160, 96), seconds=0.5 + n / 10) for n in range(3)]


def manifest(folder: Path, rows: list[tuple[str, str]]) -> Path:
    path = folder / "list.csv"
    path.write_text("source,name\n" + "".join(f"{source},{name}\n" for source, name in rows))
    return path


def test_workers_do_the_media_work_and_the_ledger_pays_once(
    cloud: FakeCloud, videos: list[Path], tmp_path: Path
) -> None:
    environment = cloud.environment(tmp_path / "home")
    listed = manifest(tmp_path, [(str(video), f"result-{number}") for number, video in enumerate(videos)])
    report = tmp_path / "report.csv"
    for again in (False, True):
        more = () if again else ("--report", report)
        done = preflight("run", listed, "-o", tmp_path / "out", "--cluster", "local:2", *more, **environment)
        assert done.code == 0, done.err
    assert sorted(path.name for path in (tmp_path / "out").glob("*.mp4")) == [
        f"result-{number}.cleaned.mp4" for number in range(3)
    ]
    assert len(cloud.accepted) == 3
    assert [row["outcome"] for row in csv.DictReader(report.read_text().splitlines())] == ["succeeded"] * 3
    # Nothing of the tasks is left, and no secret.
    assert not list((tmp_path / "home" / "work").iterdir())


def test_objects_are_cleaned_into_the_store(cloud: FakeCloud, videos: list[Path], tmp_path: Path) -> None:
    settings = cloud.settings(tmp_path / "home")
    rows = []
    for video in videos:
        cloud.objects[f"/{BUCKET}/in/{video.name}"] = video.read_bytes()
        rows.append((f"{INPUT}/{video.name}", video.stem))
    listed = manifest(tmp_path, rows)
    done = preflight("run", listed, "-o", OUTPUT, "--json", **cloud.environment(settings.home))
    assert done.code == 0, done.err
    results = {event["source"]: event["file"] for event in done.events if event["event"] == "result"}
    assert results == {source: f"{OUTPUT}/{name}.cleaned.mp4" for source, name in rows}
    assert len(cloud.accepted) == 3
    assert cloud.objects[f"/{BUCKET}/out/0.cleaned.mp4"][4:8] == b"ftyp"
    assert f"/{BUCKET}/out/0.cleaned.json" in cloud.objects
    with Ledger(settings.ledger) as ledger:
        assert {str(job.source) for job in ledger.iterate()} == {f"s3:/{BUCKET}/in/{v.name}" for v in videos}
        assert not list(ledger.iterate(only_open=True))
    # Known results are neither fetched nor paid for again.
    queries = [task.queries for task in cloud.accepted]
    again = preflight("run", listed, "-o", OUTPUT, "--json", **cloud.environment(settings.home))
    assert again.code == 0, again.err
    assert [task.queries for task in cloud.accepted] == queries


def test_result_of_another_video_in_the_store_is_kept(cloud: FakeCloud, videos: list[Path], tmp_path: Path) -> None:
    cloud.objects[f"/{BUCKET}/out/0.cleaned.mp4"] = b"somebody's"
    settings = cloud.settings(tmp_path / "home")
    request = RunRequest(output=Path(OUTPUT), name="0")
    (result,) = run_many([videos[0]], request=request, settings=settings)
    assert isinstance(result, Succeeded), result
    address = S3Address.parse(result.file)
    assert address is not None
    assert address.key.startswith("out/0-")
    assert head(settings, address) is not None
    assert cloud.objects[f"/{BUCKET}/out/0.cleaned.mp4"] == b"somebody's"


def test_ctrl_c_leaves_what_resume_continues(videos: list[Path], tmp_path: Path) -> None:
    with FakeCloud(seconds=600) as cloud:
        settings = cloud.settings(tmp_path / "home")
        process = subprocess.Popen(
            [sys.executable, "-m", "preflight", "run", *map(str, videos), "-o", str(tmp_path / "out"),
             "--cluster", "local:2"],
            env=os.environ | cloud.environment(settings.home), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        while len(cloud.accepted) < 3 and process.poll() is None:
            time.sleep(0.05)
        # As a terminal does: the whole process group.
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 130, error.decode()
        assert "Traceback" not in error.decode()
        cloud.seconds = 0
        results = list(resume(settings=settings, jobs=3))
        assert all(isinstance(result, Succeeded) for result in results), results
        assert len(results) == len(cloud.accepted) == 3
