"""Videos in a store are checked like files, and no more of them is read than the parsers ask for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import clips, stores
from preflight.checking import Terms, check
from preflight.model.address import S3Address
from preflight.model.media import Media
from preflight.settings import Settings
from preflight.storage import open_store
from preflight.workflow import remote_source
from preflight.workflow.remote_source import check_remote
from preflight.workflow.source_list import expand_sources
from tests.end_to_end import cli


@pytest.fixture(scope="module")
def bucket() -> Iterator[Settings]:
    with stores.moto() as settings:
        yield settings


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same seconds with the index at the end, at the start, and in other containers."""
    folder = tmp_path_factory.mktemp("videos")
    return [clips.clip(folder / name, seconds=6, size=(1280, 720)) for name in ("late.mp4", "clip.mkv", "clip.avi")]


def put(settings: Settings, file: Path, *, key: str | None = None) -> S3Address:
    address = S3Address(bucket=settings.bucket, key=key or f"in/{file.name}")
    with open_store(settings) as store:
        store.client.upload_file(str(file), address.bucket, address.key)
    return address


def test_object_gets_the_verdict_of_its_file(
    bucket: Settings, videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from preflight.storage import remote

    read = remote.read_range
    counts: list[int] = []

    def counted(*arguments: object) -> bytes:
        data = read(*arguments)  # type: ignore[arg-type]
        counts.append(len(data))
        return data

    monkeypatch.setattr(remote, "read_range", counted)
    for file in videos:
        counts.clear()
        address = put(bucket, file)
        verdict, wanted = check_remote(address.path, terms=Terms(), settings=bucket), check(file)
        assert isinstance(verdict.subject, Media)
        assert isinstance(wanted.subject, Media)
        same = replace(wanted.subject, path=address.path, identity=verdict.subject.identity)
        assert verdict.subject == same
        assert [f.rule for f in verdict.findings] == [f.rule for f in wanted.findings]
        # The headers of Matroska's and AVI's frames stand between them, so that more of a short file is looked at.
        assert sum(counts) <= (200_000 if file.suffix == ".mp4" else file.stat().st_size)


def test_missing_and_empty_objects_are_findings(bucket: Settings, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    empty = put(bucket, tmp_path / "empty.mp4")
    for address, words in ((empty, "empty"), (S3Address(bucket=bucket.bucket, key="none.mp4"), "no such")):
        verdict = check_remote(address.path, terms=Terms(), settings=bucket)
        assert not verdict.ok
        assert words in verdict.findings[0].message


def test_deep_check_reads_a_copy(bucket: Settings, videos: list[Path]) -> None:
    address = put(bucket, videos[0])
    verdict = check_remote(address.path, terms=Terms(deep="packets"), settings=bucket)
    assert verdict.ok
    assert verdict.path == address.path
    assert verdict.media is not None
    assert verdict.media.reading is not None


def test_check_command_takes_patterns_of_a_store(bucket: Settings, videos: list[Path], tmp_path: Path) -> None:
    for file in videos:
        put(bucket, file, key=f"shelf/{file.name}")
    environment = {
        "PREFLIGHT_S3_ENDPOINT": str(bucket.s3_endpoint),
        "PREFLIGHT_S3_KEY": bucket.s3_key,
        "PREFLIGHT_S3_SECRET": str(bucket.s3_secret),
        "PREFLIGHT_HOME": str(tmp_path / "home"),
    }
    done = cli.preflight("check", f"s3://{bucket.bucket}/shelf/*.m*", "--json", **environment)
    assert done.code == 0, done.err
    assert [json.loads(line)["path"] for line in done.out.splitlines() if "path" in line] == [
        f"s3://{bucket.bucket}/shelf/{name}" for name in ("clip.mkv", "late.mp4")
    ]


def test_manifests_are_read_as_streams(bucket: Settings, tmp_path: Path) -> None:
    csv = tmp_path / "list.csv"
    csv.write_text("id,source,name\n1,s3://my-bucket/a.mp4,first\n2,b.mp4,\n")
    lines = tmp_path / "list.jsonl"
    lines.write_text('{"path": "c.mp4"}\n\n"s3://my-bucket/d.mp4"\n')
    found = list(expand_sources([str(csv), str(lines)], bucket))
    assert [(str(source.path), source.name) for source in found] == [
        ("s3:/my-bucket/a.mp4", "first"), ("b.mp4", None), ("c.mp4", None), ("s3:/my-bucket/d.mp4", None),
    ]  # fmt: skip
    stored = put(bucket, csv, key="lists/list.csv")
    assert list(expand_sources([str(stored)], bucket)) == found[:2]


def test_parquet_manifest_is_read_in_batches(bucket: Settings, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = tmp_path / "list.parquet"
    parquet.write_table(
        pyarrow.table({"uri": [f"s3://my-bucket/{n}.mp4" for n in range(9000)], "x": range(9000)}), file
    )
    found = expand_sources([str(file)], bucket)
    assert str(next(found).path) == "s3:/my-bucket/0.mp4"
    assert sum(1 for _ in found) == 8999


def test_local_copy_is_kept_for_the_same_version(bucket: Settings, videos: list[Path], tmp_path: Path) -> None:
    address = put(bucket, videos[0])
    first = remote_source.local_copy(address.path, settings=bucket, folder=tmp_path)
    assert first == remote_source.local_copy(address.path, settings=bucket, folder=tmp_path)
    address = put(bucket, videos[1], key=address.key)
    assert first != remote_source.local_copy(address.path, settings=bucket, folder=tmp_path)
