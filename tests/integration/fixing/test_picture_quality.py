"""Quality of encoded pictures: foreseen by samples, measured on the file, and deciding between shrink and split."""

from pathlib import Path

import pytest

from fixtures import clips
from preflight import api
from preflight.errors import ToolMissingError, UsageError
from preflight.fixing import picture_quality
from preflight.model.limits import Limits
from preflight.model.plan import Action, Plan, Policy
from preflight.settings import Settings
from preflight.tools import ffmpeg

LIMITS = Limits(max_bytes=500_000)


@pytest.fixture(autouse=True)
def _with_libvmaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's ffmpeg has libvmaf; Debian's, with which these folders are run too, has not."""
    monkeypatch.delenv("PREFLIGHT_FFMPEG", raising=False)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s of a moving scene with grain, a keyframe a second."""
    path = tmp_path_factory.mktemp("quality") / "large.mp4"
    picture = "testsrc2=size=480x270:rate=25,noise=alls=16:allf=t:all_seed=1"
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-g", 25, "-pix_fmt", "yuv420p")
    clips.run("-f", "lavfi", "-i", picture, "-t", 4, *coded, "-crf", 6, path)
    assert path.stat().st_size > 2 * LIMITS.max_bytes
    return path


def planned(path: Path, limits: Limits = LIMITS, **options: object) -> Plan:
    settings = Settings(max_size=limits.max_bytes)
    return api.plan(api.check(path, limits=limits), settings=settings, **options)  # type: ignore[arg-type]


def test_prediction_is_near_the_measured_quality(large: Path, tmp_path: Path) -> None:
    report = api.check(large, limits=LIMITS)
    fixed = api.fix(report, tmp_path, policy=Policy.ONE_FILE, quality=True, settings=Settings())
    (measured,) = fixed.quality
    foreseen = fixed.plan.quality
    assert measured is not None
    assert foreseen is not None
    assert (foreseen.predicted, measured.predicted, measured.measure, measured.frames) == (True, False, "VMAF", 100)
    assert measured.low <= measured.mean <= 100
    assert foreseen.mean == pytest.approx(measured.mean, abs=4)


def test_least_quality_decides_between_shrink_and_split(large: Path) -> None:
    shrunk, split = planned(large, min_quality=20), planned(large, min_quality=99.9)
    assert Action.SHRINK in shrunk.actions
    assert Action.SPLIT in split.actions
    assert Action.SHRINK not in split.actions
    assert shrunk.quality is not None
    assert split.quality is None


def test_plan_without_an_encode_has_no_quality(large: Path) -> None:
    assert planned(large, Limits(), quality=True).quality is None


def test_quality_that_no_policy_allows_is_a_usage_error(large: Path) -> None:
    with pytest.raises(UsageError, match="lossless"):
        planned(large, min_quality=90, policy=Policy.LOSSLESS)
    with pytest.raises(UsageError, match="min_quality"):
        planned(large, min_quality=101)


def test_ffmpeg_without_the_filter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    picture_quality.require_measure(ffmpeg.find())
    monkeypatch.setattr("preflight.tools.ffmpeg_build.features", lambda *_: frozenset({"ssim"}))
    with pytest.raises(ToolMissingError, match="libvmaf"):
        picture_quality.require_measure("ffmpeg")


def test_smaller_picture_is_judged_at_the_size_of_the_source(tmp_path: Path) -> None:
    clip = tmp_path / "wide.mp4"
    picture = "testsrc2=size=960x540:rate=25"
    clips.run("-f", "lavfi", "-i", picture, "-t", 1, "-c:v", "libx264", "-crf", 6, "-pix_fmt", "yuv420p", clip)
    limits = Limits(max_long_side=480, max_short_side=270)
    plan = api.plan(api.check(clip, limits=limits), quality=True, settings=Settings())
    assert Action.SCALE in plan.actions
    assert plan.quality is not None
    assert plan.quality.mean < 93
