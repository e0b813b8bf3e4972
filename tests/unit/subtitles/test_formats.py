"""Files hold the cues with times at which players show exactly their frames, and nothing in a text acts as a tag."""

import json
from fractions import Fraction
from pathlib import Path

import pysubs2
import pytest

from preflight.cli import common_options, text
from preflight.errors import UsageError
from preflight.model.text import ScreenTexts, TextRole
from preflight.subtitles import FORMATS, select_cues, write
from preflight.subtitles.formats import milliseconds

from .test_cues import LOWER, UPPER, line

NTSC = Fraction(30000, 1001)


def video(*texts: object) -> ScreenTexts:
    return ScreenTexts(frames=100, frame_rate=25, width=640, height=480, texts=tuple(texts))  # type: ignore[arg-type]


@pytest.mark.parametrize("unit", [1, 10])
@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), NTSC, Fraction(60)])
def test_rounded_times_show_exactly_their_frames(rate: Fraction, unit: int) -> None:
    for frame in range(1, 400):
        start = milliseconds(frame / rate, unit)
        assert (frame - 1) / rate * 1000 < start <= frame / rate * 1000


@pytest.mark.parametrize("kind", ["srt", "vtt", "ass"])
def test_file_can_be_read_again_with_its_times(kind: str, tmp_path: Path) -> None:
    found = video(line("Hello", 25, 49, LOWER), line("你好", 25, 49, UPPER, language="zh"))
    path = tmp_path / f"a.{kind}"
    write(select_cues(found.texts), found, path)
    events = pysubs2.load(str(path)).events
    assert {(event.start, event.end) for event in events} == {(1000, 2000)}
    assert "\n".join(event.plaintext for event in events) == "你好\nHello"


def test_ass_keeps_place_and_color(tmp_path: Path) -> None:
    found = video(line("Hello", 25, 49, LOWER, color="#102030"))
    write(select_cues(found.texts), found, tmp_path / "a.ass")
    loaded = pysubs2.load(str(tmp_path / "a.ass"))
    assert loaded.info["PlayResX"] == "640"
    assert "\\pos(200,455)" in loaded.events[0].text
    assert "\\1c&H302010&" in loaded.events[0].text


def test_json_lists_texts_of_every_role(tmp_path: Path) -> None:
    found = video(line("Hello", 25, 49, LOWER), line("EXIT", 0, 9, UPPER, role=TextRole.SIGN))
    write(select_cues(found.texts), found, tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert [cue["lines"][0]["text"] for cue in content["cues"]] == ["Hello"]
    assert [text["role"] for text in content["texts"]] == ["caption", "sign"]


@pytest.mark.parametrize("kind", ["srt", "vtt", "ass"])
def test_recognised_text_is_never_a_tag(kind: str, tmp_path: Path) -> None:
    found = video(line("<script>a</script> {\\fs99}b --> c\n\n1", 25, 49, LOWER))
    write(select_cues(found.texts), found, tmp_path / f"a.{kind}")
    content = (tmp_path / f"a.{kind}").read_text("utf-8")
    assert "<script>" not in content
    assert "{\\fs99}" not in content
    assert content.count("-->") == (0 if kind == "ass" else 1)


def test_unknown_extension_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.txt"):
        write((), video(), tmp_path / "a.txt")


def test_command_line_knows_formats_and_roles() -> None:
    assert set(common_options.SUBTITLE_FORMATS) == set(FORMATS)
    assert set(text.ROLES) == {role.value for role in TextRole}
