"""What the page has done in the background: searches for text, runs, redos, with a question before anything is paid."""

import io
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from fixtures import clips, reviewed
from preflight import api
from preflight.cli.app import run
from preflight.errors import UsageError
from preflight.model.job import InpaintingBox
from preflight.review import gather, record_reader
from preflight.review.library import decisions_path
from preflight.review.review_actions import ReviewActions
from preflight.review.server import serving
from preflight.review.subject import ReviewVideo
from preflight.review.work import Report
from preflight.settings import Settings
from preflight.workflow import paid_redo, recorded_texts
from preflight.workflow.request import RunRequest
from tests.fake_cloud import FakeCloud
from tests.integration.review.conftest import served

OPEN = 30_000
"""Milliseconds for a proxy to be made and a run to end on a busy machine."""


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


@pytest.fixture
def settings(cloud: FakeCloud, tmp_path: Path) -> Settings:
    return cloud.settings(tmp_path / "home", price_per_minute=6.0, verify=False)


@contextmanager
def _served(page: Page, settings: Settings, place: Path) -> Iterator[None]:
    """Have the page open what is served; it is left before the server ends, since it looks for changes."""
    desk = gather.desk([str(place)], settings)
    desk.library.refresh()
    with serving(desk, title="Review") as address:
        page.goto(address)
        yield
        page.goto("about:blank")


def _scan_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a scan find the texts of the fixture: the engine's own is tested elsewhere, and takes seconds."""

    def scanned(
        _: ReviewActions, video: ReviewVideo, report: Report, cancel: threading.Event | None = None
    ) -> ReviewVideo:
        assert cancel is not None
        report(0.5, "looking for text")
        record = reviewed.record(Path("a.mp4"), Path("a.cleaned.mp4"), ("first words",))
        return replace(video, texts=record_reader.read(record, Path("a.cleaned.json")).texts, texts_known=True)

    monkeypatch.setattr(ReviewActions, "scanned", scanned)


def _change(path: Path, *, request: RunRequest, reported: bool) -> Path:
    """Give a record the request of its run, and take the report away that only the local service makes."""
    record = json.loads(path.read_text())
    record["request"] = request.to_json()
    if not reported:
        record["result"]["quality"] = None
    path.write_text(json.dumps(record))
    return path


def test_texts_of_a_service_without_a_report_are_found_on_opening(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = reviewed.result(tmp_path)
    places = reviewed.record(tmp_path / "a.mp4", tmp_path / "b.mp4", ("first words", "second words"))["result"]
    found = recorded_texts.text_places([places["quality"]], [0], (reviewed.WIDTH, reviewed.HEIGHT))  # type: ignore[list-item]
    searched = [{**text.to_json(), "status": None, "note": "caption"} for text in found]
    monkeypatch.setattr(
        recorded_texts,
        "searched_texts",
        lambda *_, **__: tuple(recorded_texts.RecordedText.from_json(text) for text in searched),
    )
    _change(path, request=RunRequest(), reported=False)
    with served(tmp_path) as (_, address):
        page.goto(address)
        page.get_by_role("link", name="clip.cleaned.mp4").click()
        expect(page.locator("#texts-title")).to_have_text("Texts (3)", timeout=OPEN)
        # The white boxes were removed, and what is at the place of the third text was not.
        expect(page.locator("#texts li.removed")).to_have_count(2)
        expect(page.locator("#texts li.chosen")).to_contain_text("SHOP")
        expect(page.locator("#texts li.chosen")).to_contain_text("still there: the service left it")
    record = json.loads(path.read_text())
    assert [text["status"] for text in record["texts"]] == ["removed", "removed", "kept"]
    assert record["texts_searched"] is True


def test_a_folder_of_videos_leads_to_an_accepted_result(
    page: Page, tmp_path: Path, cloud: FakeCloud, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of a person who knows nothing but the command: look, run after a question about money, accept."""
    _scan_at_once(monkeypatch)
    folder = tmp_path / "my videos"
    folder.mkdir()
    reviewed.video(folder / "clip.mp4", 1)
    with _served(page, settings, folder):
        expect(page.locator("#totals")).to_have_text("1 video not run yet.")
        page.get_by_role("link", name="clip.mp4").click()
        expect(page.locator("#texts")).to_contain_text("will be removed", timeout=OPEN)
        # The sign stays, unless all text is to go.
        expect(page.locator("#texts .state", has_text="will be removed")).to_have_count(1)
        page.get_by_label("All text, scene text too").check()
        expect(page.locator("#texts .state", has_text="will be removed")).to_have_count(2)
        page.get_by_label("All text, scene text too").uncheck()
        expect(page.locator("#price")).to_contain_text("1 new job, 0.03 minutes of video, about 0.20")
        page.get_by_role("button", name="Run now").click()
        page.get_by_role("button", name="No", exact=True).click()
        expect(page.locator("#status")).to_have_text("Nothing was done.")
        assert cloud.accepted == []
        page.get_by_role("button", name="Run now").click()
        page.get_by_role("button", name="Yes", exact=True).click()
        expect(page.locator("#title")).to_have_text("clip.cleaned.mp4", timeout=OPEN)
        assert len(cloud.accepted) == 1
        expect(page.locator("#verdict")).to_have_text("not verified")
        expect(page.locator("#texts-title")).to_be_visible()
        page.get_by_role("button", name="Accept video").click()
        page.get_by_role("button", name="All videos").click()
        expect(page.locator("#rows")).to_contain_text("accepted")
        expect(page.locator("#totals")).to_contain_text("1 accepted and 0 rejected by you")
    assert json.loads((folder / "cleaned" / "clip.decisions.json").read_text())["overall"] == "accept"


def test_what_comes_before_a_run_is_accessible(
    page: Page, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scan_at_once(monkeypatch)
    reviewed.video(tmp_path / "clip.mp4", 1)

    def expect_no_fault(place: str) -> None:
        for scheme, width in itertools.product(("light", "dark"), (1280, 390)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 800})
            found = Axe().run(page).response["violations"]
            assert [v for v in found if v["impact"] in {"serious", "critical"}] == [], (place, scheme, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (place, width)

    with _served(page, settings, tmp_path):
        expect(page.get_by_role("link", name="clip.mp4")).to_be_visible()
        expect_no_fault("index")
        page.get_by_role("link", name="clip.mp4").click()
        expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=OPEN)
        page.keyboard.press("b")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Save the request").click()
        expect(page.locator("#request-saved")).to_contain_text("preflight run --request")
        expect_no_fault("video")
        page.get_by_role("button", name="Run now").click()
        expect(page.locator("#ask")).to_be_visible()
        expect_no_fault("question")


def test_all_new_videos_are_run_after_one_question(
    page: Page, tmp_path: Path, cloud: FakeCloud, settings: Settings
) -> None:
    for name in ("one", "two"):
        reviewed.video(tmp_path / f"{name}.mp4")
    (tmp_path / "three.mp4").write_bytes(b"this is no video")
    with _served(page, settings, tmp_path):
        page.get_by_role("button", name="Run all 3 new").click()
        expect(page.locator("#ask-text")).to_contain_text("Run 3 videos: 2 new jobs, 0.07 minutes of video, about 0.40")
        page.get_by_role("button", name="Yes", exact=True).click()
        expect(page.get_by_role("link", name="one.cleaned.mp4")).to_be_visible(timeout=OPEN)
        expect(page.get_by_role("link", name="two.cleaned.mp4")).to_be_visible(timeout=OPEN)
        expect(page.locator("#status")).to_contain_text("2 cleaned, 1 not. three.mp4: Refused", timeout=OPEN)
    # The two have the same content: one job is enough, and nothing is paid twice.
    assert len(cloud.accepted) == 1


def test_price_of_a_run_counts_the_parts_of_a_video_that_has_to_be_split(tmp_path: Path, settings: Settings) -> None:
    path = clips.clip(tmp_path / "long.mp4", size=(160, 96), seconds=4, output=["-g", "25"])
    video = ReviewVideo(
        identifier="a", name="a", source=path, cleaned=None, record=None, size=(160, 96), rate=25.0, duration=4.0
    )
    assert ReviewActions(settings).run_price([video, video]).jobs == 2
    short = replace(settings, max_duration=Fraction(5, 2))
    parts = len(api.plan(api.check(path, limits=short.limits), settings=short).cuts) + 1
    assert parts > 1
    assert ReviewActions(short).run_price([video, video]).jobs == 2 * parts


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return _change(reviewed.result(tmp_path), request=RunRequest(output=tmp_path), reported=True)


def test_the_page_asks_before_the_service_is_paid_again(
    page: Page, tmp_path: Path, result: Path, cloud: FakeCloud, settings: Settings
) -> None:
    before = (tmp_path / "clip.cleaned.mp4").read_bytes()
    with _served(page, settings, result):
        page.get_by_role("link", name="clip.cleaned.mp4").click()
        expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=OPEN)
        page.get_by_role("button", name="Redo by the service").click()
        expect(page.locator("#status")).to_contain_text("Nothing to redo")
        page.get_by_role("button", name="Reject", exact=True).click()
        page.get_by_role("button", name="Redo by the service").click()
        expect(page.locator("#ask-text")).to_contain_text("1 new job, 0.03 minutes of video, about 0.20")
        page.get_by_role("button", name="No", exact=True).click()
        expect(page.locator("#status")).to_have_text("Nothing was done.")
        assert cloud.accepted == []
        page.get_by_role("button", name="Redo by the service").click()
        page.get_by_role("button", name="Yes", exact=True).click()
        expect(page.locator("#status")).to_contain_text("Done: clip-", timeout=OPEN)
    (paid,) = cloud.accepted
    (box,) = json.loads(paid.parameters)["inpaintingBoxes"]
    assert box == {"timestamp": [0.0, 0.8], "box": [0.25, 0.77778, 0.75, 0.88889]}
    assert (tmp_path / "clip.cleaned.mp4").read_bytes() == before
    assert len(list(tmp_path.glob("clip-*.cleaned.mp4"))) == 1


@pytest.mark.parametrize(("words", "code", "jobs"), [([], 2, 0), (["--yes"], 0, 1)], ids=["not asked", "agreed"])
def test_the_command_pays_only_after_a_yes(
    tmp_path: Path,
    result: Path,
    cloud: FakeCloud,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    jobs: int,
) -> None:
    for name, value in cloud.environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREFLIGHT_PRICE_PER_MINUTE", "6")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    decisions_path(result).write_text(
        json.dumps({"schema": 1, "overall": "", "texts": [{"number": 2, "choice": "reject"}], "regions": []})
    )
    arguments = ["redo", str(result), "--decisions", str(decisions_path(result)), "--by-service", *words]
    assert run(arguments) == code
    assert len(cloud.accepted) == jobs


def test_a_video_that_was_sent_in_parts_is_not_paid_for_again(
    result: Path, cloud: FakeCloud, settings: Settings
) -> None:
    """A job for each part would get boxes with times of the whole."""
    record = json.loads(result.read_text())
    record["plan"]["cuts"] = [1.0]
    result.write_text(json.dumps(record))
    box = InpaintingBox(start=1.2, end=1.8, x1=0.2, y1=0.2, x2=0.4, y2=0.4)
    with pytest.raises(UsageError, match="in parts"):
        paid_redo.redo_by_service(result, fill=[box], settings=settings)
    assert cloud.accepted == []


def test_a_job_that_would_do_the_same_again_is_refused(
    tmp_path: Path, result: Path, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.environment(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    assert run(["redo", str(result), "--by-service", "--yes"]) == 2
    assert cloud.accepted == []
