from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from preflight.engine.core.arrays import BoolMask, FloatMap
from preflight.engine.core.box import Box
from preflight.engine.graphics import name_graphics, watermarks
from preflight.engine.graphics.watermarks import FrameSampler
from preflight.engine.media.decode import Frame
from preflight.engine.model.track import MaskModel, Track

WIDTH, HEIGHT, LOOKS = 640, 360, 20
PLACE = Box(560, 24, 608, 72)


def ground() -> FloatMap:
    """A large picture, rough on every scale."""
    dice, picture = np.random.default_rng(5), np.full((HEIGHT, 1600), 120, np.float32)
    for cell in (32, 16, 8):
        noise = dice.normal(size=(HEIGHT // cell + 2, 1600 // cell + 2)).astype(np.float32)
        picture += 4 * cell**0.5 * cv2.resize(noise, (1600, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return picture


def star() -> BoolMask:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    far = np.where(np.arange(10) % 2 == 0, 23.0, 10.0)
    points = np.stack([584 + far * np.cos(angles), 48 + far * np.sin(angles)], axis=1).astype(np.int32)
    return np.asarray(cv2.fillPoly(np.zeros((HEIGHT, WIDTH), np.uint8), [points], 1) > 0, bool)


def gallery(
    *, speed: int = 48, alpha: float = 1.0, on: Sequence[int] = range(LOOKS), mark: BoolMask | None = None
) -> FrameSampler:
    """Looks at a scene that moves by `speed` samples between them, with a mark `on` some of them."""
    whole, shape, result = ground(), star() if mark is None else mark, FrameSampler()
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    for number in range(LOOKS):
        picture = whole[:, number * speed : number * speed + WIDTH].copy()
        if number in on:
            picture[shape] += alpha * (240 - picture[shape])
        luma = np.clip(picture, 0, 255).astype(np.uint8)
        result.add(Frame(index=10 * number, y=luma, u=chroma, v=chroma))
    return result


def found(samples: FrameSampler, *texts: Track) -> list[Track]:
    return watermarks.suppress_explained(watermarks.detect(samples, (WIDTH, HEIGHT), 200), texts, texts)


def text(first: int, last: int) -> Track:
    own = star()[PLACE.slices]
    return Track(box=PLACE, line=PLACE, first=first, last=last, masks=MaskModel(usual=own), text="STAR", score=0.9)


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_what_stays_in_a_corner_of_a_moving_scene_is_a_logo(alpha: float) -> None:
    (track,) = found(gallery(alpha=alpha))
    assert (track.first, track.last, track.text) == (0, 199, "")
    whole = np.zeros((HEIGHT, WIDTH), bool)
    whole[track.box.slices] = track.masks.usual
    assert (whole & star()).sum() > 0.99 * star().sum()
    assert whole.sum() < 2 * star().sum()


@pytest.mark.parametrize(("speed", "known"), [(48, True), (0, False)], ids=["moving", "still"])
def test_a_logo_over_a_soft_scene_is_found_if_the_scene_moves(speed: int, known: bool) -> None:
    samples = gallery(on=range(0), speed=speed)
    for sample in samples.samples.values():
        sample[:] = cv2.GaussianBlur(sample, (0, 0), 4)
        sample[star()] = 240
    assert len(found(samples)) == known


def test_a_wide_mark_of_many_edges_is_no_bar() -> None:
    stripes = np.zeros((HEIGHT, WIDTH), bool)
    stripes[40:64, 400:610] = np.arange(210) % 6 < 3
    (track,) = found(gallery(mark=stripes))
    assert track.line.common(Box(400, 40, 610, 64)) > 0.95 * 24 * 210


def test_a_scene_has_no_logo() -> None:
    assert found(gallery(on=range(0))) == []


def test_a_camera_that_stands_still_tells_nothing() -> None:
    assert found(gallery(speed=0)) == []


def test_what_is_there_for_half_of_the_time_is_left() -> None:
    assert found(gallery(on=range(LOOKS // 2))) == []


def test_what_goes_from_side_to_side_is_no_logo() -> None:
    bar = np.zeros((HEIGHT, WIDTH), bool)
    bar[300:330] = True
    assert found(gallery(mark=bar)) == []


def test_a_mark_across_the_middle_needs_a_scene_that_passes_everywhere() -> None:
    middle = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(middle, "SAMPLE", (180, 200), cv2.FONT_HERSHEY_SIMPLEX, 2.5, 1, 9)
    assert len(found(gallery(mark=middle > 0))) == 1
    # A dashboard stays as the mark does.
    dashboard = middle.copy()
    dashboard[280:350, 20:620:8] = 1
    assert found(gallery(mark=dashboard > 0)) == []


def test_a_few_looks_are_not_enough() -> None:
    samples = gallery()
    assert found(FrameSampler(samples=dict(list(samples.samples.items())[:8]))) == []


def test_a_text_that_is_always_there_explains_a_mark() -> None:
    assert found(gallery(), text(0, 199)) == []


def test_captions_that_follow_each_other_in_one_place_are_no_mark() -> None:
    # The mark is there on three of four looks, and whenever it is, a caption is known.
    on = [number for number in range(LOOKS) if number % 7]
    captions = [text(10 * number, 10 * number + 9) for number in on]
    assert found(gallery(on=on), *captions) == []


def test_a_text_that_was_lost_now_and_then_is_a_part_of_the_mark() -> None:
    (track,) = found(gallery(), text(0, 90))
    assert (track.first, track.last, track.text) == (0, 199, "STAR")
    assert watermarks.is_part(text(0, 90), track)


def caption(first: int, last: int) -> Track:
    """Return a longer line across the star, of other strokes."""
    line = Box(500, 40, 620, 56)
    letters = np.zeros((16, 120), bool)
    letters[:, ::6] = True
    return Track(box=line, line=line, first=first, last=last, masks=MaskModel(usual=letters), text="caption", score=0.9)


def test_a_caption_across_a_mark_is_no_part_of_it() -> None:
    (track,) = found(gallery())
    assert not watermarks.is_part(caption(50, 90), track)


def test_texts_with_strokes_in_common_now_and_then_explain_a_mark() -> None:
    on = [number for number in range(LOOKS) if number % 7]
    assert found(gallery(on=on), text(0, 90), caption(91, 199)) == []


def test_pieces_of_a_mark_that_is_always_visible_do_not_explain_it() -> None:
    """A slanted brand over a moving dress is read in pieces that follow each other."""
    (track,) = found(gallery(), text(0, 90), text(91, 199))
    assert (track.first, track.last) == (0, 199)


def test_a_mark_begins_after_the_last_sample_without_it() -> None:
    (track,) = found(gallery(on=range(2, LOOKS)))
    assert (track.first, track.last) == (11, 199)


def test_a_logo_below_a_black_bar_is_found() -> None:
    """The border of the bar stays too, but only now and then, and must not join the logo to the border of the frame."""
    samples = gallery()
    for look in samples.samples.values():
        look[:12] = 16
    (track,) = found(samples)
    assert track.line.iou(PLACE) > 0.5


def test_a_gallery_stays_small_and_evenly_spread() -> None:
    result, chroma = FrameSampler(), np.zeros((16, 16), np.uint8)
    for index in range(1000):
        result.add(Frame(index=index, y=np.full((32, 32), index // 4, np.uint8), u=chroma, v=chroma))
    shown = [int(sample[0, 0]) for sample in result.samples.values()]
    assert len(shown) <= 48
    assert max(np.diff(shown)) <= 2 * min(np.diff(shown)) + 1
    assert shown[0] == 0
    assert shown[-1] > 230


def name(x: int, first: int, last: int) -> Track:
    """Return the track of a name to the right of a star that stands at `x`."""
    line = Box(x + 30, 40, x + 94, 56)
    mask = np.zeros((line.height, line.width), bool)
    mask[:, ::4] = True
    return Track(box=line, line=line, first=first, last=last, masks=MaskModel(usual=mask), text="NAME", score=0.9)


def named(*stars: tuple[int, Sequence[int]]) -> FrameSampler:
    """Return samples on which a star and a name stand at each `x` on some of the looks."""
    samples = gallery(on=range(0))
    for x, on in stars:
        shape = np.roll(star(), x - 584, axis=1).astype(np.uint8)
        cv2.putText(shape, "NAME", (x + 30, 56), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 1, 2)
        for number in on:
            samples.samples[10 * number][shape > 0] = 240
    return samples


def test_a_graphic_beside_a_name_belongs_to_it() -> None:
    (track,) = name_graphics.add_graphics([name(440, 0, 199)], named((440, range(LOOKS))), (WIDTH, HEIGHT))
    assert track.line.x0 == pytest.approx(418, abs=4)
    assert track.box.covers(Box(420, 28, 534, 66))
    assert track.masks.usual.shape == (track.box.height, track.box.width)


def test_the_graphic_is_found_again_where_its_name_is_for_a_short_time() -> None:
    samples = named((440, range(16)), (80, range(16, 20)))
    first, second = name_graphics.add_graphics([name(440, 0, 159), name(80, 160, 199)], samples, (WIDTH, HEIGHT))
    assert first.line.x0 == pytest.approx(418, abs=4)
    assert second.line.x0 == pytest.approx(58, abs=4)


def test_a_name_alone_stays_as_it_is() -> None:
    tracks = [name(440, 0, 199)]
    samples = named((440, range(LOOKS)))
    for sample in samples.samples.values():
        sample[20:75, 410:468] = gallery(on=range(0)).samples[0][20:75, 410:468]
    assert name_graphics.add_graphics(tracks, gallery(on=range(0)), (WIDTH, HEIGHT)) == tracks


def test_name_of_a_platform_on_an_even_ground_has_its_graphic() -> None:
    """The end card of a platform: a name with a note above it, on black."""
    samples, chroma = FrameSampler(), np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    card = np.full((HEIGHT, WIDTH), 20, np.uint8)
    cv2.circle(card, (320, 126), 18, 230, 6)
    for index in range(LOOKS):
        samples.add(Frame(index=index, y=card, u=chroma, v=chroma))
    line = Box(280, 152, 360, 174)
    mask = np.ones((22, 80), bool)
    mark = Track(box=line, line=line, first=0, last=19, masks=MaskModel(usual=mask), text="TikTok", score=0.98)
    (track,) = name_graphics.add_graphics([mark], samples, (WIDTH, HEIGHT))
    assert track.line.y0 < 112
    other = replace(mark, text="Chapter")
    assert name_graphics.add_graphics([other], samples, (WIDTH, HEIGHT)) == [other]


def test_graphic_on_a_narrow_band_with_a_title_over_a_film_belongs_to_its_name() -> None:
    """Neither the film below the band nor the title beside the name is its ground."""
    samples, chroma = FrameSampler(), np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    picture = np.full((HEIGHT, WIDTH), 205, np.uint8)
    dice = np.random.default_rng(4)
    picture[100:] = dice.integers(0, 255, (HEIGHT - 100, WIDTH), np.uint8)
    cv2.circle(picture, (45, 30), 14, 100, 6)
    cv2.putText(picture, "A title", (90, 60), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 12)
    for index in range(LOOKS):
        samples.add(Frame(index=index, y=picture, u=chroma, v=chroma))
    line, above = Box(8, 56, 80, 78), Box(88, 10, 330, 74)
    name_of, title = (
        Track(box=box, line=box, first=0, last=19, masks=MaskModel(usual=np.ones((box.height, box.width), bool)))
        for box in (line, above)
    )
    marks = [replace(name_of, text="TikTok", score=0.98), replace(title, text="A title", score=0.9)]
    track, other = name_graphics.add_graphics(marks, samples, (WIDTH, HEIGHT))
    assert track.line.y0 < 20
    assert track.line.y1 < 84
    assert other == marks[1]
