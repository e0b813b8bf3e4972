import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

import preflight
from fixtures import clips


def test_order_is_kept_whatever_the_speed(small_mp4: Path, tmp_path: Path) -> None:
    slow = clips.clip(tmp_path / "slow.webm", seconds=2, output=("-live", "1", "-f", "webm"))
    paths = [slow, small_mp4, tmp_path / "none", small_mp4, slow]
    assert [report.path for report in preflight.check_many(paths, jobs=2)] == paths


def test_list_may_be_endless(small_mp4: Path) -> None:
    def endless() -> Iterator[Path]:
        while True:
            yield small_mp4

    reports = preflight.check_many(endless(), jobs=2)
    assert all(report.ok for report in islice(reports, 20))


def test_error_of_the_list_reaches_the_reader(small_mp4: Path) -> None:
    def broken() -> Iterator[Path]:
        yield small_mp4
        raise RuntimeError("the list broke")

    reports = preflight.check_many(broken())
    assert next(reports).ok
    with pytest.raises(RuntimeError, match="the list broke"):
        next(reports)


def test_options_hold_for_every_file(small_mp4: Path) -> None:
    limits = preflight.Limits(max_bytes=10)
    (report,) = preflight.check_many([small_mp4], limits=limits, deep="packets", strict={"moov-at-end"})
    assert report.codes == (701,)
    assert [f.rule for f in report.failures] == ["size", "moov-at-end"]
    assert report.media is not None
    assert report.media.reading is not None


def test_packets_beyond_the_header_count(tmp_path: Path) -> None:
    from fixtures import cases

    live = ("-live", "1", "-f", "matroska", "-cluster_time_limit", "500")
    whole = clips.clip(tmp_path / "a.mkv", seconds=4, output=live)
    lying = cases.with_duration(whole, tmp_path / "lying.mkv", seconds=1)
    limits = preflight.Limits(max_seconds=preflight.check(whole).media.duration - 1)  # type: ignore[union-attr,operator]
    assert preflight.check(lying, limits=limits).ok
    assert preflight.check(lying, limits=limits, deep="packets").codes == (700,)


def test_leaving_early_ends_the_threads(small_mp4: Path) -> None:
    before = set(threading.enumerate())
    reports = preflight.check_many([small_mp4] * 50, jobs=2)
    assert next(reports).ok
    reports.close()  # type: ignore[attr-defined]
    left = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("check-")]
    assert not left
