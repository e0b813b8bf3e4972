"""The look at some frames for text: whether there is any, in which language and where."""

from pathlib import Path

import pytest

import preflight
from fixtures import clips
from fixtures.captions import Caption, burn


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds without text."""
    path = tmp_path_factory.mktemp("text") / "plain.mp4"
    picture = ("-f", "lavfi", "-i", clips.gradients(640, 360, 2, rate=10))
    clips.run(*picture, "-c:v", "libx264", "-preset", "ultrafast", path)
    return path


@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("Hello over there", "en"),
        ("今天我们来看看这个东西", "zh"),
        ("今天我们来看看 iPhone 手机", "zh"),
        ("2024 - 12 - 31", "en"),
    ],
)
def test_text_is_told_with_language_and_place(words: str, language: str, plain: Path, tmp_path: Path) -> None:
    spoken = burn(plain, tmp_path / "spoken.mp4", [Caption(start=0, end=2, text=words)], size=(640, 360))
    report = preflight.check(spoken, text=True)
    assert report.media is not None
    assert report.media.text is not None
    assert (report.media.text.language, report.media.text.where) == (language, ("bottom",))
    assert "no-text" not in [f.rule for f in report.advisories]


def test_picture_without_text_is_told(plain: Path) -> None:
    report = preflight.check(plain, text=True)
    assert report.media is not None
    assert report.media.text is not None
    assert (report.media.text.language, report.media.text.places) == (None, ())
    assert "no-text" in [f.rule for f in report.advisories]
    assert not preflight.check(plain, text=True, strict={"no-text"}).ok
