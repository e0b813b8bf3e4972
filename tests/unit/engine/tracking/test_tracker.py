"""Which frames a text is on, on pictures drawn here."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from fixtures import fonts
from preflight.engine.core.arrays import BGR
from preflight.engine.core.box import Box
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track, TrackEvidence
from preflight.engine.segment import outlines
from preflight.engine.segment import strokes as glyphs
from preflight.engine.tracking import appearance
from preflight.engine.tracking.stitching import stitch_tracks
from preflight.engine.tracking.tracker import TextTracker

LINE = Box(40, 60, 280, 100)
PAD = Box(24, 44, 296, 116)


def drawn(ground: BGR, text: str, color: tuple[int, int, int] = (255, 255, 255)) -> BGR:
    """Return `ground` with `text` in the line, as plain letters."""
    picture = ground.copy()
    cv2.putText(picture, text, (LINE.x0 + 4, LINE.y1 - 10), cv2.FONT_HERSHEY_DUPLEX, 1.0, color, 2, cv2.LINE_AA)
    return picture


def flat(blue: int, green: int, red: int) -> BGR:
    return np.full((240, 320, 3), (blue, green, red), np.uint8)


def learned(crop: BGR) -> appearance.AppearanceTemplate:
    inner = np.zeros(crop.shape[:2], bool)
    inner[LINE.moved(-PAD.x0, -PAD.y0).slices] = True
    strokes = glyphs.find_strokes(crop, np.zeros(crop.shape[:2], np.float32), LINE.height, inner)
    assert strokes.found
    return appearance.learn_template(crop, strokes, [crop])


@pytest.mark.parametrize(("ground", "letters"), [(245, 30), (30, 230)])
def test_the_gaps_between_letters_are_not_taken_for_letters(ground: int, letters: int) -> None:
    picture = Image.new("RGB", (480, 150), (ground,) * 3)
    font = ImageFont.truetype(str(fonts.noto()), 60)
    ImageDraw.Draw(picture).text((40, 40), "今天天气真好", (letters,) * 3, font=font)
    inner = np.zeros((150, 480), bool)
    inner[50:120, 38:405] = True
    strokes = glyphs.find_strokes(np.asarray(picture, np.uint8), np.zeros((150, 480), np.float32), 62, inner)
    assert strokes.bright == (letters > ground)
    assert strokes.color == pytest.approx((letters,) * 3, abs=12)


def test_a_ground_of_the_letters_color_is_not_the_text() -> None:
    known = learned(drawn(flat(90, 70, 60), "How it started")[PAD.slices])
    assert appearance.is_there(known, drawn(flat(90, 70, 60), "How it started")[PAD.slices])
    assert appearance.is_there(known, drawn(flat(200, 200, 200), "How it started")[PAD.slices])
    assert not appearance.is_there(known, flat(250, 250, 250)[PAD.slices])
    assert not appearance.is_there(known, drawn(flat(225, 225, 225), "Part 2 is here")[PAD.slices])


def test_a_bright_ground_is_no_fade() -> None:
    known = learned(drawn(flat(20, 20, 20), "How it started")[PAD.slices])
    assert not appearance.is_fading(known, drawn(flat(200, 200, 200), "How it started")[PAD.slices])
    faint = cv2.addWeighted(flat(20, 20, 20), 0.7, drawn(flat(20, 20, 20), "How it started"), 0.3, 0)
    assert appearance.is_fading(known, np.asarray(faint, np.uint8)[PAD.slices])


def test_a_still_scene_that_is_like_the_text_is_no_fade() -> None:
    ground = flat(20, 20, 20)
    shown = drawn(ground, "How it started")
    known = learned(shown[PAD.slices])

    def faint(share: float) -> BGR:
        return np.asarray(cv2.addWeighted(ground, 1 - share, shown, share, 0), np.uint8)[PAD.slices]

    assert appearance.is_there(known, faint(0.4))
    assert appearance.goes_at_once(known, [faint(share) for share in (1, 0.4, 0.4, 0.4)])
    assert not appearance.goes_at_once(known, [faint(share) for share in (1, 0.6, 0.4, 0.2)])
    assert not appearance.goes_at_once(known, [faint(share) for share in (1, 0.9, 0.9, 0.9)])
    assert not appearance.goes_at_once(known, [faint(share) for share in (1, 0.4)])


def test_letters_that_differ_in_one_color_only_are_found() -> None:
    learned(drawn(flat(205, 210, 255), "How it started")[PAD.slices])


def test_a_board_is_no_outline() -> None:
    board = flat(190, 200, 200)
    cv2.rectangle(board, (LINE.x0 - 6, LINE.y0 - 4), (LINE.x1 + 6, LINE.y1 + 4), (40, 40, 120), cv2.FILLED)
    sign = drawn(board, "How it started")[PAD.slices]
    assert not outlines.is_outlined(sign, learned(sign).solid, LINE.height)
    caption = flat(140, 130, 120)
    caption[cv2.dilate(drawn(flat(0, 0, 0), "How it started"), np.ones((5, 5), np.uint8)) > 60] = 0
    caption = drawn(caption, "How it started")[PAD.slices]
    assert outlines.is_outlined(caption, learned(caption).solid, LINE.height)


@pytest.mark.parametrize(("stroke", "expected"), [(2, True), (0, False)])
def test_an_outline_that_was_found_in_place_of_letters_tells_of_type_on_top(stroke: int, expected: bool) -> None:
    picture = Image.new("RGB", (480, 110), (150, 165, 180))
    font = ImageFont.truetype(str(fonts.noto()), 34)
    letters, dark = (255, 225, 40), (10, 10, 10)
    color, around = (letters, dark) if stroke else (dark, None)
    ImageDraw.Draw(picture).text(
        (30, 30), "今天天气真好 SALE", color, font=font, stroke_width=stroke, stroke_fill=around
    )
    crop = np.asarray(picture, np.uint8)[..., ::-1].copy()
    fill = np.asarray(crop.max(axis=2) < 60, bool)
    assert outlines.is_outline(crop, fill, 34) == expected


@dataclass
class Answer:
    lines: list[Box]

    def result(self) -> list[Box]:
        return self.lines


def frame(index: int, picture: BGR) -> Frame:
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    height, width = picture.shape[:2]
    halves = planes[height:].reshape(2, height // 2, width // 2)
    return Frame(index=index, y=np.ascontiguousarray(planes[:height]), u=halves[0].copy(), v=halves[1].copy())


def test_what_cannot_be_read_hides_no_caption() -> None:
    """Bars that look like writing stay all the time; a caption comes to their place for frames 20 to 39."""
    bars = flat(90, 70, 60)
    for x in (18, 26, 34, 288, 296, 304):
        cv2.line(bars, (x, 44), (x, 116), (250, 250, 250), 3)
    around = Box(10, 40, 310, 120)

    def finder(shown: Frame) -> Answer:
        return Answer([LINE, around] if 20 <= shown.index < 40 else [around])

    state = TextTracker(step=10, size=(320, 240), finder=finder)
    for index in range(60):
        state.feed(frame(index, drawn(bars, "How it started") if 20 <= index < 40 else bars))
    captions = [t for t in state.finish() if t.score > 0.9]
    assert [(t.text, t.first, t.last) for t in captions] == [("How it started", 20, 39)]


def track(first: int, last: int, text: str, line: Box = LINE) -> Track:
    box = line.padded(8, 320, 180)
    mask = np.zeros((box.height, box.width), bool)
    mask[box.height // 2] = True
    return Track(
        box=box,
        line=line,
        first=first,
        last=last,
        masks=MaskModel(usual=mask),
        evidence=TrackEvidence(certainty=0.5),
        text=text,
        score=0.9,
    )


def test_parts_of_one_text_are_joined() -> None:
    moved = LINE.moved(2, 4)
    (one,) = stitch_tracks([track(5, 20, "How it started"), track(24, 40, "How it startod", moved)], gap=10)
    assert (one.first, one.last, one.line) == (5, 40, LINE.united(moved))
    assert one.masks.usual.shape == (one.box.height, one.box.width)
    assert one.masks.usual.any(axis=1).sum() == 2


def test_other_words_other_places_and_later_times_stay_apart() -> None:
    first = track(5, 20, "How it started")
    others = [
        track(21, 40, "Part 2 is coming"),
        track(21, 40, "How it started", LINE.moved(0, 50)),
        track(40, 60, "How it started"),
    ]
    for other in others:
        assert stitch_tracks([first, other], gap=10) == [first, other]


def test_text_that_was_faint_meanwhile_is_one() -> None:
    before, after = track(5, 20, "@preflight").with_evidence(later_similarity=(0.4,) * 60), track(60, 90, "@preflight")
    (one,) = stitch_tracks([before, after], gap=10)
    assert (one.first, one.last) == (5, 90)


def test_text_that_had_gone_meanwhile_is_two() -> None:
    before, after = track(5, 20, "@preflight").with_evidence(later_similarity=(0.05,) * 60), track(60, 90, "@preflight")
    assert stitch_tracks([before, after], gap=10) == [before, after]
    seen_too_short = before.with_evidence(later_similarity=(0.4,) * 10)
    assert stitch_tracks([seen_too_short, after], gap=10) == [seen_too_short, after]


def test_translucent_mark_is_one_through_a_busy_scene() -> None:
    calm = flat(90, 70, 60)
    letters = 0.25 * drawn(flat(0, 0, 0), "How it started") / 255
    noise = np.random.default_rng(5).integers(0, 255, (60, 80, 3)).astype(np.uint8)
    busy = cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC)

    def is_busy(index: int) -> bool:
        return 28 <= index < 62

    def finder(shown: Frame) -> Answer:
        return Answer([] if is_busy(shown.index) else [LINE])

    state = TextTracker(step=10, size=(320, 240), finder=finder)
    for index in range(90):
        scene = np.roll(busy, 7 * index, axis=1) if is_busy(index) else calm
        state.feed(frame(index, (scene * (1 - letters) + 255 * letters).astype(np.uint8)))
    parts = [(t.first, t.last) for t in sorted(state.done, key=lambda t: t.first)]
    captions = [t for t in state.finish() if t.score > 0.8]
    assert parts, "the busy scene should have hidden it"
    assert [(t.first, t.last) for t in captions] == [(0, 89)]
