"""The page in a real browser, served by the real server."""

import json
import os
import re
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from fixtures import reviewed
from preflight.review.library import decisions_path
from tests.integration.review.conftest import served

HOSTILE = "<img src=x onerror=document.title='owned'>&\"'</script><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    reviewed.result(folder)
    return folder


def _refused(request: urllib.request.Request) -> tuple[int, str, list[str]]:
    """Return status, body and names of headers of an answer that is an error."""
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value as answer:
        return answer.code, answer.read().decode(), [name.lower() for name in answer.headers]


def _open_video(page: Page, address: str, name: str = "clip.cleaned.mp4") -> None:
    page.goto(address)
    page.get_by_role("link", name=name).click()
    expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)


def _decisions(record: Path) -> dict[str, object]:
    path = decisions_path(record)
    for _ in range(100):
        if path.exists():
            found: dict[str, object] = json.loads(path.read_text())
            return found
        time.sleep(0.05)
    raise AssertionError("nothing was saved")


def test_keys_decide_and_the_decision_is_saved_beside_the_record(page: Page, tmp_path: Path) -> None:
    record = reviewed.result(tmp_path)
    with served(tmp_path) as (_, address):
        _open_video(page, address)
        # Worst first: the text with a poor region, then the one whose fill was poor, then the uncertain one.
        assert "first words" in page.locator("#texts li.chosen").inner_text()
        page.keyboard.press("n")
        page.keyboard.press("x")
        page.keyboard.press("n")
        page.keyboard.press("k")
        page.keyboard.press("Shift+A")
        expect(page.locator("#status")).to_have_text("Saved.")
        saved = _decisions(record)
        assert saved["overall"] == "accept"
        assert saved["texts"] == [
            {"number": 2, "choice": "reject", "alike": False},
            {"number": 3, "choice": "remove", "alike": False},
        ]
        page.reload()
        expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)
        expect(page.get_by_role("button", name="Accept video")).to_have_attribute("aria-pressed", "true")


def test_a_drawn_box_gets_the_time_of_the_text(page: Page, tmp_path: Path) -> None:
    record = reviewed.result(tmp_path)
    with served(tmp_path) as (_, address):
        _open_video(page, address)
        bounds = page.locator("#picture").bounding_box()
        assert bounds is not None
        page.keyboard.press("b")
        page.mouse.move(bounds["x"] + 0.25 * bounds["width"], bounds["y"] + 0.5 * bounds["height"])
        page.mouse.down()
        page.mouse.move(bounds["x"] + 0.75 * bounds["width"], bounds["y"] + 0.75 * bounds["height"], steps=4)
        page.mouse.up()
        expect(page.locator("#regions li")).to_have_count(1)
        page.get_by_label("end of box 1").fill("1.9")
        page.get_by_label("end of box 1").blur()
        page.keyboard.press("s")
        expect(page.locator("#status")).to_have_text("Saved.")
        (region,) = _decisions(record)["regions"]  # type: ignore[misc]
        assert region["box"] == pytest.approx([0.25, 0.5, 0.75, 0.75], abs=0.01)
        assert (region["start"], region["end"], region["protect"]) == (0.0, 1.9, False)


def test_a_box_is_made_and_moved_by_keys_alone(page: Page, tmp_path: Path) -> None:
    record = reviewed.result(tmp_path)
    with served(tmp_path) as (_, address):
        _open_video(page, address)
        page.locator("#picture").focus()
        page.keyboard.press("b")
        page.keyboard.press("Enter")
        page.get_by_label("left edge of box 1").fill("10")
        page.keyboard.press("Tab")
        # The right edge can't be moved over the left one.
        page.get_by_label("right edge of box 1").fill("5")
        page.keyboard.press("Tab")
        page.locator("#picture").focus()
        page.keyboard.press("s")
        expect(page.locator("#status")).to_have_text("Saved.")
        (region,) = _decisions(record)["regions"]  # type: ignore[misc]
        assert region["box"] == pytest.approx([0.1, 7 / 9, 0.105, 8 / 9], abs=0.001)


def test_before_and_after_are_one_frame_in_every_view(page: Page, results: Path) -> None:
    with served(results) as (_, address):
        _open_video(page, address)
        picture = page.locator("#picture")
        for key, columns in (("1", 1), ("2", 2), ("3", 1), ("4", 1)):
            page.keyboard.press(key)
            assert picture.get_attribute("data-columns") == str(columns)
        # The white box is in the source alone: the difference is dark outside it, and bright inside.
        inside, outside = page.evaluate(
            "() => [[160, 150], [20, 60]].map(([x, y]) => Math.max(...document.getElementById('picture')"
            ".getContext('2d').getImageData(x, y, 1, 1).data.slice(0, 3)))"
        )
        assert inside > 200
        assert outside < 80
        before = page.locator("#clock").inner_text()
        page.keyboard.press("ArrowRight")
        expect(page.locator("#clock")).not_to_have_text(before)
        assert float(page.locator("#clock").inner_text()[:-2]) - float(before[:-2]) == pytest.approx(0.04, abs=0.021)


def test_zoom_shows_the_pixels_of_the_files(page: Page, tmp_path: Path) -> None:
    """The proxy of a wide video is 960 pixels wide; the zoom is not a part of it."""
    reviewed.result(tmp_path, size=(1920, 1080))
    with served(tmp_path) as (_, address):
        _open_video(page, address)
        picture = page.locator("#picture")
        assert picture.get_attribute("data-pixels") == ""
        page.keyboard.press("z")
        # The box is half as wide as the picture: 60% of it are shown.
        expect(picture).to_have_attribute("data-pixels", "1152x648")
        assert picture.evaluate("canvas => canvas.width") == 1152
        page.keyboard.press("z")
        expect(picture).to_have_attribute("data-pixels", "")


def test_single_characters_are_folded_away(page: Page, tmp_path: Path) -> None:
    reviewed.result(tmp_path, texts=("words", "more words", "S", "金"))
    with served(tmp_path) as (_, address):
        _open_video(page, address)
        expect(page.locator("#texts-title")).to_have_text("Texts (5)")
        expect(page.locator("#texts .words")).to_have_count(3)
        expect(page.locator("#fragments-title")).to_have_text("Single characters (2)")
        page.locator("#fragments-title").click()
        page.get_by_role("button", name="3. S").click()
        page.get_by_role("button", name="Put back").click()
        expect(page.locator("#fragments li.chosen")).to_contain_text("put back")


def test_the_worst_is_said_first_with_its_severity(page: Page, results: Path) -> None:
    with served(results) as (_, address):
        page.goto(address)
        expect(page.locator("#rows")).to_contain_text("bad 0.80")
        page.get_by_role("link", name="clip.cleaned.mp4").click()
        expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)
        expect(page.locator("#texts li").first).to_have_text("To check (3)")
        expect(page.locator("#texts li .state").first).to_have_text("bad 0.80")
        expect(page.locator("#verdict")).to_be_in_viewport()
        # All of the list can be reached, and nothing is cut off at its side.
        for row in page.locator("#texts li").all():
            row.scroll_into_view_if_needed()
            assert row.evaluate("row => row.scrollWidth <= row.clientWidth + 1")
        expect(page.locator("#curve-box summary")).to_contain_text("Change of each frame, in gray levels")


def test_hostile_names_and_words_run_no_script(page: Page, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    path = reviewed.result(tmp_path, name, texts=(HOSTILE,))
    reviewed.video(tmp_path / f"{name}{name}.mp4")
    record = json.loads(path.read_text())
    record["acceptance"] = {
        "verdict": "poor",
        "reasons": [HOSTILE],
        "findings": [{"problem": HOSTILE, "level": "poor"}],
    }
    record["result"]["notes"] = [HOSTILE]
    record["result"]["quality"]["kept"][0]["kept_because"] = HOSTILE
    path.write_text(json.dumps(record))
    with served(tmp_path) as (_, address):
        _open_video(page, address, name + ".cleaned.mp4")
        assert HOSTILE in page.locator("#texts").inner_text()
        assert HOSTILE in page.locator("#reasons").inner_text()
        assert page.title() == f"{name}.cleaned.mp4 - review"
        assert page.locator("img[onerror]").count() == 0
    assert path.exists()


def test_the_page_is_accessible_in_both_schemes_and_on_a_phone(page: Page, results: Path) -> None:
    with served(results) as (_, address):
        page.goto(address)
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 800})
            for place in ("index", "video"):
                page.goto(address.partition("?")[0] + "#")
                if place == "video":
                    page.get_by_role("link", name="clip.cleaned.mp4").click()
                    expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)
                found = Axe().run(page)
                serious = [v for v in found.response["violations"] if v["impact"] in {"serious", "critical"}]
                assert serious == [], (scheme, place)
                assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_ten_thousand_rows_are_found_fast(page: Page, tmp_path: Path) -> None:
    record = json.loads(reviewed.result(tmp_path).read_text())
    for number in range(9_999):
        record["result"]["file"] = f"video-{number:05d}.cleaned.mp4"
        (tmp_path / f"video-{number:05d}.cleaned.json").write_text(json.dumps(record))
    with served(tmp_path) as (_, address):
        page.goto(address)
        expect(page.locator("#page-place")).to_have_text("1-100 of 10000")
        page.get_by_role("searchbox", name="Name").fill("09998")
        expect(page.locator("#page-place")).to_have_text("1-1 of 1")
        # A result that comes while the page is open appears by itself.
        page.get_by_role("searchbox", name="Name").fill("late")
        expect(page.locator("#page-place")).to_have_text("0-0 of 0")
        record["result"]["file"] = "late.cleaned.mp4"
        (tmp_path / "late.cleaned.json").write_text(json.dumps(record))
        expect(page.locator("#page-place")).to_have_text("1-1 of 1", timeout=15_000)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Cookie": "preflight-review=guess"}],
    ids=["no token", "foreign origin", "foreign host", "wrong cookie"],
)
def test_without_the_token_nothing_is_told(results: Path, headers: dict[str, str]) -> None:
    with served(results) as (_, address):
        base = address.partition("?")[0]
        for path in ("", "api/index", "assets/main.js"):
            status, body, _ = _refused(urllib.request.Request(base + path, headers=headers))
            assert status == 403
            assert "clip" not in body
        for path in ("api/videos/all/run?pay=true", "api/videos/x/redo?by_service=true&pay=true"):
            request = urllib.request.Request(base + path, headers=headers, data=b"{}", method="POST")
            assert _refused(request)[0] == 403


def test_the_token_works_once_and_a_foreign_page_learns_nothing(page: Page, results: Path) -> None:
    with served(results) as (_, address):
        page.goto(address)
        expect(page.get_by_role("link", name="clip.cleaned.mp4")).to_be_visible()
        assert _refused(urllib.request.Request(address))[0] == 403
        cookies = page.context.cookies()
        assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Strict")]
        headers = {"Origin": "http://evil.example", "Cookie": f"{cookies[0]['name']}={cookies[0]['value']}"}
        status, _, answered = _refused(urllib.request.Request(address.partition("?")[0] + "api/index", headers=headers))
        assert status == 403
        assert "access-control-allow-origin" not in answered


def test_ranges_of_the_proxy_are_served(results: Path) -> None:
    with served(results) as (desk, address):
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        opener.open(address, timeout=10).close()
        identifier = desk.library.rows()[0].identifier
        asked = urllib.request.Request(
            f"{address.partition('?')[0]}api/videos/{identifier}/proxy.mp4", headers={"Range": "bytes=4-7"}
        )
        with opener.open(asked, timeout=60) as answer:
            assert answer.status == 206
            assert answer.read() == b"ftyp"


def test_the_screenshots_of_the_docs_are_made(page: Page, tmp_path: Path) -> None:
    """With REVIEW_SCREENSHOTS=docs the pictures in the docs are made anew."""
    folder = Path(os.environ.get("REVIEW_SCREENSHOTS", tmp_path))
    reviewed.scenic(tmp_path)
    with served(tmp_path) as (_, address):
        _open_video(page, address, "journey.cleaned.mp4")
        page.screenshot(path=folder / "review-page.png")
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 844})
        page.reload()
        expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)
        page.screenshot(path=folder / "review-phone.png")
    for name in ("review-page.png", "review-phone.png"):
        assert (folder / name).stat().st_size > 20_000


def test_redo_puts_the_source_back_without_a_new_job(page: Page, tmp_path: Path) -> None:
    record = reviewed.result(tmp_path)
    before = (tmp_path / "clip.cleaned.mp4").read_bytes()
    with served(tmp_path) as (_, address):
        _open_video(page, address)
        page.get_by_role("button", name="2. second words").click()
        page.get_by_role("button", name="Put back").click()
        page.get_by_role("button", name="Redo", exact=True).click()
        expect(page.locator("#status")).to_have_text(re.compile("Made again, free of charge"), timeout=60_000)
    assert (tmp_path / "clip.cleaned.mp4").read_bytes() != before
    made = json.loads(record.read_text())["composite"]
    assert made["regions"]["protect"]
    assert Path(made["recipe"]["cleaned"][0]).read_bytes() == before
