from fractions import Fraction

from preflight.model.job import InpaintingBox
from preflight.model.region import TimedBox
from preflight.model.text import ScreenText, ScreenTexts, TextRole
from preflight.workflow.acceptance import Expected, texts_to_go
from preflight.workflow.reverification import texts_after


def _text(words: str, box: tuple[int, int, int, int], role: TextRole = TextRole.CAPTION) -> ScreenText:
    return ScreenText(
        text=words,
        confidence=0.95,
        role=role,
        certain=True,
        language="en",
        first_frame=0,
        last_frame=24,
        start=Fraction(0),
        end=Fraction(1),
        box=box,
    )


def test_what_was_put_back_stays_and_what_was_filled_goes() -> None:
    texts = (
        _text("plain caption", (10, 80, 90, 90)),
        _text("put back", (10, 10, 40, 20)),
        _text("sign to remove", (60, 10, 90, 20), TextRole.SIGN),
    )
    found = ScreenTexts(frames=50, frame_rate=25.0, width=100, height=100, texts=texts)
    kept = [TimedBox(x1=0.1, y1=0.1, x2=0.4, y2=0.2, start=0.0, end=1.0)]
    filled = [InpaintingBox(start=0.0, end=1.0, x1=0.6, y1=0.1, x2=0.9, y2=0.2)]
    after = texts_after(found, kept, filled)
    assert [text.text for text in texts_to_go(Expected(texts=after))] == ["plain caption", "sign to remove"]
    place = after.texts[-1]
    assert (place.text, place.box, place.first_frame, place.last_frame) == ("", (60, 10, 90, 20), 0, 24)


def test_a_box_at_another_time_changes_nothing() -> None:
    found = ScreenTexts(frames=50, frame_rate=25.0, width=100, height=100, texts=(_text("caption", (10, 10, 40, 20)),))
    kept = [TimedBox(x1=0.1, y1=0.1, x2=0.4, y2=0.2, start=1.5, end=2.0)]
    assert texts_after(found, kept, []) == found
