import json
from pathlib import Path

import pytest

from fixtures import captions, clips
from tests.end_to_end.cli import preflight


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, larger than 1080p, with a caption in the middle."""
    folder = tmp_path_factory.mktemp("captioned")
    plain = clips.clip(folder / "plain.mp4", size=(2048, 1152), seconds=2)
    caption = captions.Caption(start=0.5, end=1.5, text="Hello from the test")
    return captions.burn(plain, folder / "clip.mp4", [caption], size=(2048, 1152))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("home"))


def test_run_cleans_once_and_knows_it_afterwards(captioned: Path, home: str, tmp_path: Path) -> None:
    before = captioned.read_bytes()
    first = preflight("run", captioned, "-o", tmp_path, "--service", "local", "--json", PREFLIGHT_HOME=home)
    assert first.code == 0, first.err
    (result,) = [event for event in first.events if event["event"] == "result"]
    assert result["outcome"] == "succeeded"
    assert result["submitted"] == 1
    assert (tmp_path / "clip.cleaned.mp4").stat().st_size > 1000
    assert (tmp_path / "clip.before-after.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((tmp_path / "clip.cleaned.json").read_text())
    assert record["result"]["quality"]["tracks"]
    assert captioned.read_bytes() == before

    again = preflight("run", captioned, "-o", tmp_path / "elsewhere", "--json", PREFLIGHT_HOME=home)
    (known,) = [event for event in again.events if event["event"] == "result"]
    assert known["submitted"] == 0
    copy = tmp_path / "elsewhere" / "clip.cleaned.mp4"
    assert copy.read_bytes() == (tmp_path / "clip.cleaned.mp4").read_bytes()


def test_lost_result_is_fetched_again_without_a_new_job(captioned: Path, home: str, tmp_path: Path) -> None:
    for _ in range(2):
        outcome = preflight("run", captioned, "-o", tmp_path, "--json", "--language", "zh", PREFLIGHT_HOME=home)
        assert outcome.code == 0, outcome.err
        (tmp_path / "clip.cleaned.mp4").unlink()
    assert outcome.events[-1]["submitted"] == 0


def test_dry_run_leaves_no_trace(captioned: Path, tmp_path: Path) -> None:
    outcome = preflight("run", captioned, "-o", tmp_path / "out", "--dry-run", PREFLIGHT_HOME=str(tmp_path / "home"))
    assert outcome.code == 0
    assert "scale" in outcome.out
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("content", "word"), [(None, "no such file"), (b"", "empty"), (b"hello, this is a text" * 20, "not")]
)
def test_unusable_file_is_refused_in_a_line(content: bytes | None, word: str, tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    if content is not None:
        path.write_bytes(content)
    outcome = preflight("run", path, "-o", tmp_path / "out")
    assert outcome.code == 3
    assert word in outcome.err.lower()
    assert "x.mp4" in outcome.err


def test_wrong_option_is_a_usage_error(captioned: Path) -> None:
    outcome = preflight("run", captioned, "--language", "fr")
    assert outcome.code == 2
    assert "'fr'" in outcome.err


def test_same_name_in_two_folders_gives_two_results(tmp_path: Path, home: str) -> None:
    first = clips.clip(tmp_path / "a" / "same.mp4", seconds=0.6)
    second = clips.clip(tmp_path / "b" / "same.mp4", seconds=0.8)
    outcome = preflight("run", first, second, "-o", tmp_path / "out", "--jobs", "2", "--json", PREFLIGHT_HOME=home)
    assert outcome.code == 0, outcome.err
    files = {event["file"] for event in outcome.events if event["event"] == "result"}
    assert len(files) == 2
    assert all(Path(file).is_file() for file in files)


def test_video_without_text_is_skipped_when_that_is_wished(tmp_path: Path) -> None:
    plain = tmp_path / "plain.mp4"
    clips.run("-f", "lavfi", "-i", "gradients=size=320x180:duration=1", "-pix_fmt", "yuv420p", plain)
    outcome = preflight("run", plain, "-o", tmp_path, "--skip-textless", "--language", "auto", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.events[-1]["outcome"] == "skipped"
    assert not (tmp_path / "plain.cleaned.mp4").exists()


def test_language_is_found_by_looking(tmp_path: Path, home: str) -> None:
    plain = tmp_path / "plain.mp4"
    clips.run("-f", "lavfi", "-i", "gradients=size=640x360:duration=1", "-pix_fmt", "yuv420p", plain)
    chinese = captions.burn(
        plain, tmp_path / "zh.mp4", [captions.Caption(start=0, end=1, text="今天我们来看看")], size=(640, 360)
    )
    outcome = preflight("run", chinese, "-o", tmp_path, "--language", "auto", "--json", PREFLIGHT_HOME=home)
    assert outcome.code == 0, outcome.err
    (job,) = preflight("jobs", "--json", PREFLIGHT_HOME=home).events[-1:]
    assert '"language":"zh"' in json.dumps(job).replace("\\", "").replace(" ", "")


@pytest.mark.parametrize(
    ("given", "code", "word"),
    [
        ({}, 4, "AIDGE_ACCESS_KEY_NAME"),
        ({"AIDGE_ACCESS_KEY_NAME": "name", "AIDGE_ACCESS_KEY_SECRET": "secret"}, 2, "PREFLIGHT_BUCKET"),
    ],
)
def test_missing_account_or_bucket_is_said_before_any_work(
    given: dict[str, str], code: int, word: str, small_mp4: Path, tmp_path: Path
) -> None:
    outcome = preflight("run", small_mp4, "-o", tmp_path / "out", "--service", "aidge", **given)
    assert outcome.code == code
    assert word in outcome.err
    assert not (tmp_path / "home" / "work").exists()
