from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from preflight.review import gather
from preflight.review.desk import ReviewDesk
from preflight.review.server import serving
from preflight.settings import load_settings


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = which("chromium")
    assert program is not None, "install Debian's chromium: .ci/run does"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose scripts may not fail."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, accept_downloads=True)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    # A test ends its server before the page, which may be asking for something just then.
    assert [error for error in errors if not error.endswith(("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET"))] == []


def desk_of(*places: Path) -> ReviewDesk:
    return gather.desk([str(place) for place in places], load_settings())


@contextmanager
def served(*places: Path) -> Iterator[tuple[ReviewDesk, str]]:
    """Serve the page of some places; give the desk and the address with the token."""
    desk = desk_of(*places)
    desk.library.refresh()
    with serving(desk, title="Review") as address:
        yield desk, address
