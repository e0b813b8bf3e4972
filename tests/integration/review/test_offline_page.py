"""The page as one file, opened from the disk."""

import json
import shlex
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from fixtures import reviewed
from preflight.errors import InputError
from preflight.events import ignore
from preflight.review import offline
from tests.integration.review.conftest import desk_of


def test_the_file_shows_decides_and_saves_without_a_server(page: Page, tmp_path: Path) -> None:
    reviewed.result(tmp_path)
    file = tmp_path / "page with spaces.html"
    desk = desk_of(tmp_path)
    desk.library.refresh()
    offline.write(desk, file, title="Review", listener=lambda _: ignore)
    assert file.stat().st_size < 10_000_000
    assert str(tmp_path) not in file.read_text()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    page.keyboard.press("a")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save decisions", exact=True).click()
    assert download.value.suggested_filename == "clip.decisions.json"
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved["texts"] == [{"number": 1, "choice": "accept", "alike": False}]
    serious = [v for v in Axe().run(page).response["violations"] if v["impact"] in {"serious", "critical"}]
    assert serious == []


def test_the_file_zooms_at_the_worst_places_and_tells_the_command(page: Page, tmp_path: Path) -> None:
    reviewed.result(tmp_path, "it's", size=(1920, 1080))
    file = tmp_path / "page.html"
    desk = desk_of(tmp_path)
    desk.library.refresh()
    offline.write(desk, file, title="Review", listener=lambda _: ignore)
    page.goto(file.as_uri())
    expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)
    page.keyboard.press("z")
    expect(page.locator("#picture")).to_have_attribute("data-pixels", "1152x648")
    page.keyboard.press("x")
    page.get_by_role("button", name="Redo", exact=True).click()
    with page.expect_download():
        page.get_by_role("button", name="Save the decisions").click()
    command = page.locator("#command-text").inner_text()
    assert shlex.split(command) == ["preflight", "redo", "it's.cleaned.json", "--decisions", "it's.decisions.json"]
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()


def test_hostile_names_and_words_run_no_script_in_a_file(page: Page, tmp_path: Path) -> None:
    hostile = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
    reviewed.result(tmp_path, "<img src=x onerror=alert(1)>", texts=(hostile, "-->", "]]>"))
    file = tmp_path / "page.html"
    desk = desk_of(tmp_path)
    desk.library.refresh()
    offline.write(desk, file, title=hostile, listener=lambda _: ignore)
    page.goto(file.as_uri())
    expect(page.locator("#texts li.chosen")).to_have_count(1, timeout=30_000)
    assert hostile in page.locator("#texts").inner_text()
    assert page.title() == "<img src=x onerror=alert(1)>.cleaned.mp4 - review"
    assert page.locator("img").count() == 0


def test_a_file_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to review"):
        offline.write(desk_of(tmp_path), tmp_path / "page.html", title="Review", listener=lambda _: ignore)
