import json
from pathlib import Path

import pytest

from fixtures import captions, clips
from tests.end_to_end.cli import on_terminal, preflight


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
    assert (tmp_path / "clip.before-after.jpg").read_bytes().startswith(b"\xff\xd8")
    record = json.loads((tmp_path / "clip.cleaned.json").read_text())
    assert record["result"]["quality"]["removed"]
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
    clips.run("-f", "lavfi", "-i", clips.gradients(320, 180, 1, speed=0.01), "-pix_fmt", "yuv420p", plain)
    outcome = preflight("run", plain, "-o", tmp_path, "--skip-textless", "--language", "auto", "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.events[-1]["outcome"] == "skipped"
    assert not (tmp_path / "plain.cleaned.mp4").exists()


def test_language_is_found_by_looking(tmp_path: Path, home: str) -> None:
    plain = tmp_path / "plain.mp4"
    clips.run("-f", "lavfi", "-i", clips.gradients(640, 360, 1, speed=0.01), "-pix_fmt", "yuv420p", plain)
    chinese = captions.burn(
        plain, tmp_path / "zh.mp4", [captions.Caption(start=0, end=1, text="今天我们来看看")], size=(640, 360)
    )
    looking = ("--language", "auto", "--skip-textless", "--dry-run")
    foreseen = preflight("run", chinese, plain, "-o", tmp_path, *looking, PREFLIGHT_HOME=home).out.splitlines()
    assert foreseen[0].endswith("zh.mp4: would be sent as it is (language zh)")
    assert foreseen[1].endswith("plain.mp4: would be skipped: no text was seen on its frames")
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


def test_folder_is_cleaned_into_itself_and_its_results_are_not_cleaned_again(tmp_path: Path, home: str) -> None:
    folder = tmp_path / "clips"
    clips.clip(folder / "one.mp4", seconds=0.5)
    clips.clip(folder / "deeper" / "two.mp4", seconds=0.7)
    (folder / "notes.txt").write_text("not a video")
    (folder / "._one.mp4").write_bytes(b"\0\5\26\7 what macOS notes about a file")
    first = preflight("run", folder, "-o", folder, "--jobs", "2", PREFLIGHT_HOME=home)
    assert first.code == 0, first.err
    assert "2 videos: 2 succeeded" in first.err
    again = preflight("run", folder, "-o", folder, "--json", PREFLIGHT_HOME=home)
    assert again.code == 0, again.err
    results = [event for event in again.events if event["event"] == "result"]
    assert {Path(event["source"]).name for event in results} == {"one.mp4", "two.mp4"}
    assert {event["submitted"] for event in results} == {0}


def test_list_on_stdin_is_taken(tmp_path: Path, home: str) -> None:
    odd = clips.clip(tmp_path / "a line\nbreak.mp4", seconds=0.5)
    outcome = preflight(
        "run", "-", "-0", "-o", tmp_path / "out", "--dry-run", stdin=f"{odd}\0".encode(), PREFLIGHT_HOME=home
    )
    assert outcome.code == 0, outcome.err
    assert "a line\\nbreak.mp4: would be sent as it is" in outcome.out


def test_folder_without_videos_is_an_error(tmp_path: Path, home: str) -> None:
    outcome = preflight("run", tmp_path, "-o", tmp_path / "out", PREFLIGHT_HOME=home)
    assert outcome.code == 3
    assert "no videos" in outcome.err


def test_output_that_is_no_folder_is_told_before_any_work(small_mp4: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    home = str(tmp_path / "home")
    outcome = preflight("run", small_mp4, "-o", tmp_path / "taken" / "out", PREFLIGHT_HOME=home)
    assert (outcome.code, outcome.out) == (1, "")
    assert "can't be written: Not a directory" in outcome.err
    assert preflight("jobs", "--json", PREFLIGHT_HOME=home).out == ""


def test_batch_on_a_terminal_shows_one_bar_for_all_and_results_as_they_come(tmp_path: Path, home: str) -> None:
    first = clips.clip(tmp_path / "first.mp4", seconds=0.5)
    second = clips.clip(tmp_path / "second.mp4", seconds=0.6)
    code, shown = on_terminal("run", first, second, "-o", tmp_path / "out", PREFLIGHT_HOME=home)
    assert code == 0, shown
    assert "2 videos" in shown
    assert "second.mp4: cleaned file" in shown
