from datetime import UTC, datetime
from pathlib import Path

from preflight.ledger import Job, State
from preflight.workflow.output_paths import OutputPaths, picture_of, record_of


def job(**more: object) -> Job:
    now = datetime.now(UTC)
    values = {"id": "j", "group": "0123456789ab", "digest": "d", "parameters": "p", "account": "local"}
    return Job(**values, source=Path("clip.mp4"), created=now, updated=now, **more)  # type: ignore[arg-type]


def outputs(folder: Path) -> OutputPaths:
    return OutputPaths(folder=folder, work=folder / "work", stem="clip")


def test_free_name_is_the_plain_one(tmp_path: Path) -> None:
    assert outputs(tmp_path).target([job()], "mp4") == tmp_path / "clip.cleaned.mp4"


def test_results_of_one_stem_do_not_share_record_and_picture(tmp_path: Path) -> None:
    other = tmp_path / "clip.cleaned.webm"
    record_of(other).write_text("{}")
    mine = outputs(tmp_path).target([job()], "mp4")
    assert mine == tmp_path / "clip-01234567.cleaned.mp4"
    assert record_of(mine) != record_of(other)
    assert picture_of(mine) != picture_of(other)


def test_chosen_name_is_kept(tmp_path: Path) -> None:
    chosen = tmp_path / "clip.cleaned.mp4"
    record_of(chosen).write_text("{}")
    assert outputs(tmp_path).target([job(target=chosen)], "mp4") == chosen


def test_unrestored_file_is_not_a_result(tmp_path: Path) -> None:
    fetched = tmp_path / "work" / "j.mp4"
    fetched.parent.mkdir()
    fetched.write_bytes(b"x")
    assert outputs(tmp_path).finished([job(state=State.FETCHED, file=fetched)]) is None


def test_result_elsewhere_is_copied_once(tmp_path: Path) -> None:
    made = tmp_path / "a" / "clip.cleaned.mp4"
    made.parent.mkdir()
    made.write_bytes(b"video")
    known = [job(state=State.FETCHED, file=made)]
    here = OutputPaths(folder=tmp_path / "b", work=tmp_path / "work", stem="clip")
    assert here.finished(known) == here.finished(known) == tmp_path / "b" / "clip.cleaned.mp4"
    assert len(list((tmp_path / "b").iterdir())) == 1


def test_result_of_the_same_content_is_named_as_the_file_asked_for(tmp_path: Path) -> None:
    made = tmp_path / "clip.cleaned.mp4"
    made.write_bytes(b"video")
    record_of(made).write_text("{}")
    picture_of(made).write_bytes(b"picture")
    copy = OutputPaths(folder=tmp_path, work=tmp_path / "work", stem="copy")
    found = copy.finished([job(state=State.FETCHED, file=made)])
    assert found == tmp_path / "copy.cleaned.mp4"
    assert record_of(found).is_file()
    assert picture_of(found).read_bytes() == b"picture"
    assert copy.finished([job(state=State.FETCHED, file=made)]) == found


def test_result_does_not_take_the_name_of_another(tmp_path: Path) -> None:
    made = tmp_path / "a" / "clip.cleaned.mp4"
    made.parent.mkdir()
    made.write_bytes(b"video")
    (tmp_path / "clip.cleaned.mp4").write_bytes(b"other")
    found = outputs(tmp_path).finished([job(state=State.FETCHED, file=made)])
    assert found == tmp_path / "clip-01234567.cleaned.mp4"
    assert (tmp_path / "clip.cleaned.mp4").read_bytes() == b"other"
