"""Text that is harder than captions, burned over a moving scene whose truth is known."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fixtures import captions, clips
from fixtures.captions import Caption
from preflight import engine
from preflight.engine import RemovalReport
from preflight.engine.media.decode import Frame, decode
from preflight.engine.media.probe import inspect
from preflight.model.job import RemovalOptions
from preflight.tools import ffmpeg

SIZE, SECONDS, RATE = (640, 360), 4, 25
PROGRAM = ffmpeg.find()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large picture, rough on every scale."""
    path = tmp_path_factory.mktemp("scene") / "ground.png"
    dice, picture = np.random.default_rng(3), np.full((500, 1400, 3), 120, np.float32)
    for cell in (64, 32, 16, 8, 4):
        noise = dice.normal(size=(500 // cell + 2, 1400 // cell + 2, 3)).astype(np.float32)
        picture += 4 * cell**0.5 * cv2.resize(noise, (1400, 500), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), np.clip(picture, 10, 245).astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def scene(ground: Path) -> Path:
    """A camera that moves over it."""
    return filmed(ground, ground.with_name("clean.mkv"), SECONDS, "350-3*n:n")


def filmed(ground: Path, made: Path, seconds: float, place: str) -> Path:
    """What a camera sees of a picture, at a `place` that depends on the number `n` of the frame."""
    still = ("-loop", "1", "-framerate", str(RATE), "-t", str(seconds), "-i", ground)
    pan = f"crop={SIZE[0]}:{SIZE[1]}:{place},format=yuv420p"
    clips.run(*still, "-vf", pan, "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", made)
    return made


def cleaned(
    scene: Path, folder: Path, *texts: Caption, **wishes: Any
) -> tuple[list[Frame], list[Frame], RemovalReport]:
    """Return the frames with `texts` and after their removal, and the report."""
    shown = captions.burn(scene, folder / "shown.mp4", texts, size=SIZE, output=("-c:v", "libx264", "-crf", "14"))
    out = folder / "out.mp4"
    report = engine.remove_text(shown, out, RemovalOptions(**wishes), ffmpeg=PROGRAM)
    before, after = (list(decode(inspect(path, PROGRAM), PROGRAM)) for path in (shown, out))
    return before, after, report


def psnr(a: Frame, b: Frame, where: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    apart = a.y.astype(np.float64)[where] - b.y[where]
    return 10 * math.log10(255**2 / max(1e-6, float((apart**2).mean())))


def test_translucent_mark_is_gone(scene: Path, tmp_path: Path) -> None:
    mark = Caption(start=0, end=SECONDS + 1, text="@preflight_shop", style="ghost", effect="\\an9\\fs30")
    shown, result, report = cleaned(scene, tmp_path, mark)
    truth = list(decode(inspect(scene, PROGRAM), PROGRAM))
    (track,) = (item.track for item in report.removed)
    assert (track.first_frame, track.last_frame) == (0, SECONDS * RATE - 1)
    painted = [np.abs(a.y.astype(int) - b.y) > 12 for a, b in zip(shown, truth, strict=True)]
    where = np.mean(painted, axis=0) > 0.3
    numbers = range(20, 80, 10)
    before = np.mean([psnr(shown[n], truth[n], where) for n in numbers])
    after = np.mean([psnr(result[n], truth[n], where) for n in numbers])
    assert float(after) > float(before) + 8
    assert not engine.preview_text(tmp_path / "out.mp4", ffmpeg=PROGRAM, samples=4).present


def test_the_scene_is_remembered_for_text_that_stays_long(ground: Path, tmp_path: Path) -> None:
    slow = filmed(ground, tmp_path / "slow.mkv", 6.8, "350-n/10:60")
    # On from the first frame, and for so long that only frames far away show what is behind it.
    shown, result, report = cleaned(slow, tmp_path, Caption(start=0, end=6, text="Never give up today"))
    truth = list(decode(inspect(slow, PROGRAM), PROGRAM))
    (track,) = (item.track for item in report.removed)
    assert (track.first_frame, track.last_frame) == (0, 6 * RATE - 1)
    assert report.quality.propagated_share > 0.9
    fills = []
    for index in range(0, 6 * RATE, 10):
        where = np.abs(shown[index].y.astype(int) - truth[index].y) > 20
        fills.append(psnr(result[index], truth[index], where))
    assert min(fills) > 38


@pytest.mark.parametrize("still", [True, False], ids=["still", "moving"])
def test_every_digit_of_a_time_code_is_gone(scene: Path, tmp_path: Path, still: bool) -> None:
    ground = tmp_path / "ground.mkv"
    flat = f"color=c=0x43d399:size={SIZE[0]}x{SIZE[1]}:rate={RATE}:duration={SECONDS},format=yuv420p"
    if still:
        clips.run("-f", "lavfi", "-i", flat, "-c:v", "libx264", "-qp", "0", ground)
    texts = [
        Caption(
            start=number / RATE,
            end=(number + 1) / RATE,
            text=f"01:00:0{number // RATE}:{number % RATE:02}",
            style="white",
            effect="\\an7\\pos(400,300)",
        )
        for number in range(SECONDS * RATE)
    ]
    shown, result, report = cleaned(ground if still else scene, tmp_path, *texts)
    (track,) = (item.track for item in report.removed)
    assert (track.first_frame, track.last_frame, track.kind) == (0, SECONDS * RATE - 1, "artificial")
    assert report.quality.residual_text == 0
    truth = list(decode(inspect(ground if still else scene, PROGRAM), PROGRAM))
    gains = []
    for index in range(0, SECONDS * RATE, 7):
        where = np.abs(shown[index].y.astype(int) - truth[index].y) > 20
        gains.append(psnr(result[index], truth[index], where) - psnr(shown[index], truth[index], where))
    assert min(gains) > (25 if still else 8)


def test_a_logo_without_letters_is_gone(scene: Path, tmp_path: Path) -> None:
    mark = np.zeros((48, 48, 4), np.uint8)
    cv2.circle(mark, (24, 24), 20, (60, 220, 250, 255), 5, cv2.LINE_AA)
    cv2.fillPoly(mark, [np.array([[18, 14], [18, 34], [35, 24]], np.int32)], (255, 255, 255, 255), cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "logo.png"), mark)
    twice = ("-stream_loop", "1", "-i", scene)
    clean, shown, out = (tmp_path / name for name in ("clean.mkv", "shown.mp4", "out.mp4"))
    clips.run(*twice, "-c", "copy", clean)
    put = "[1:v]colorchannelmixer=aa=0.7[logo];[0:v][logo]overlay=W-w-24:20,format=yuv420p"
    clips.run("-i", clean, "-i", tmp_path / "logo.png", "-filter_complex", put, "-c:v", "libx264", "-crf", "14", shown)
    report = engine.remove_text(shown, out, RemovalOptions(), ffmpeg=PROGRAM)
    (track,) = (item.track for item in report.removed)
    assert (track.text, track.first_frame, track.last_frame) == ("", 0, 2 * SECONDS * RATE - 1)
    truth, before, after = (list(decode(inspect(path, PROGRAM), PROGRAM)) for path in (clean, shown, out))
    gains = []
    for index in range(0, 2 * SECONDS * RATE, 20):
        where = np.abs(before[index].y.astype(int) - truth[index].y) > 20
        gains.append(psnr(after[index], truth[index], where) - psnr(before[index], truth[index], where))
    assert min(gains) > 6
    assert float(np.mean(gains)) > 10


def test_ticker_is_gone_from_where_it_enters_to_where_it_leaves(scene: Path, tmp_path: Path) -> None:
    across = Caption(start=0, end=SECONDS, text="Breaking news", style="white", effect="\\an7\\move(640,8,-60,8)")
    _, result, report = cleaned(scene, tmp_path, across)
    truth = list(decode(inspect(scene, PROGRAM), PROGRAM))
    (track,) = (item.track for item in report.removed)
    assert track.moves
    assert track.first_frame <= 6
    assert track.last_frame >= 84
    band = np.zeros((SIZE[1], SIZE[0]), np.bool_)
    band[:40] = True
    assert min(psnr(result[n], truth[n], band) for n in range(2, SECONDS * RATE - 2)) > 30


@pytest.mark.parametrize(("effect", "gain"), [("", 14), ("\\3a&H70&", 24)], ids=["opaque", "translucent"])
def test_plates_of_two_lines_go_with_their_letters_when_asked(
    scene: Path, tmp_path: Path, effect: str, gain: float
) -> None:
    text = Caption(start=0.5, end=3, text="Two lines of text\\Non their plates", style="plate", effect=effect)
    shown, result, _ = cleaned(scene, tmp_path, text, color_blocks=True)
    truth = list(decode(inspect(scene, PROGRAM), PROGRAM))
    covered = np.abs(shown[40].y.astype(int) - truth[40].y) > 12
    assert covered.sum() > 4000
    assert psnr(result[40], truth[40], covered) > psnr(shown[40], truth[40], covered) + gain
    assert psnr(result[8], truth[8], np.ones_like(covered)) > 40


def test_plates_of_two_lines_are_kept_clean_when_not_asked(scene: Path, tmp_path: Path) -> None:
    text = Caption(start=0.5, end=3, text="Two lines of text\\Non their plates", style="plate")
    shown, result, _ = cleaned(scene, tmp_path, text)
    bare = replace(text, effect="\\1a&HFF&")
    plates = captions.burn(scene, tmp_path / "plates.mkv", (bare,), size=SIZE, output=("-c:v", "libx264", "-qp", "0"))
    truth = list(decode(inspect(plates, PROGRAM), PROGRAM))
    letters = np.abs(shown[40].y.astype(int) - truth[40].y) > 40
    assert letters.sum() > 600
    assert psnr(result[40], truth[40], letters) > 34


def worst(scene: Path, shown: list[Frame], result: list[Frame]) -> float:
    """Return the lowest PSNR of any frame over what was painted on it, in dB."""
    truth = decode(inspect(scene, PROGRAM), PROGRAM)
    found = []
    for before, after, real in zip(shown, result, truth, strict=True):
        where = np.abs(before.y.astype(int) - real.y) > 25
        if where.sum() > 20:
            found.append(psnr(after, real, where))
    return min(found)


def test_both_lines_go_with_their_dashes_and_full_stops(scene: Path, tmp_path: Path) -> None:
    text = Caption(start=0.6, end=3, text="- Are you sure of it?\\N- No. Not at all...", effect="\\i1")
    shown, result, report = cleaned(scene, tmp_path, text)
    assert [(item.track.first_frame, item.track.last_frame) for item in report.removed] == [(15, 74)] * 2
    assert worst(scene, shown, result) > 24


def test_words_that_pop_up_one_by_one_are_gone_to_the_frame(scene: Path, tmp_path: Path) -> None:
    pop = "\\an5\\fs40\\fscx80\\fscy80\\t(0,80,\\fscx105\\fscy105)\\t(80,140,\\fscx100\\fscy100)"
    words = ("WAIT", "until", "today", "then", "it", "begins")
    texts = [Caption(start=0.4 + 0.4 * n, end=0.8 + 0.4 * n, text=word, effect=pop) for n, word in enumerate(words)]
    shown, result, report = cleaned(scene, tmp_path, *texts)
    ends = [(item.track.first_frame, item.track.last_frame) for item in report.removed]
    assert [abs(a - 10 - 10 * n) + abs(b - 19 - 10 * n) <= 1 for n, (a, b) in enumerate(ends)] == [True] * len(words)
    assert worst(scene, shown, result) > 22


def test_text_that_is_typed_is_gone_letter_by_letter(scene: Path, tmp_path: Path) -> None:
    full = "Typing this slowly"
    typed = [
        Caption(
            start=0.4 + 0.08 * n,
            end=0.48 + 0.08 * n if n < len(full) else 3,
            text=full[:n],
            effect="\\an7\\pos(120,250)",
        )
        for n in range(6, len(full) + 1)
    ]
    shown, result, _ = cleaned(scene, tmp_path, *typed)
    assert worst(scene, shown, result) > 20


def test_text_that_grows_is_gone_all_the_while(scene: Path, tmp_path: Path) -> None:
    grows = "\\an5\\fs36\\fscx80\\fscy80\\t(\\fscx115\\fscy115)"
    shown, result, _ = cleaned(scene, tmp_path, Caption(start=0.4, end=3, text="The journey begins", effect=grows))
    assert worst(scene, shown, result) > 20


def test_a_translucent_plate_stays_whole_when_only_its_letters_go(scene: Path, tmp_path: Path) -> None:
    text = Caption(start=0.5, end=3, text="Only the letters go", style="plate", effect="\\3a&H70&")
    shown, result, _ = cleaned(scene, tmp_path, text)
    empty = replace(text, effect=text.effect + "\\1a&HFF&")
    bare = captions.burn(scene, tmp_path / "bare.mp4", (empty,), size=SIZE, output=("-c:v", "libx264", "-crf", "14"))
    plate = list(decode(inspect(bare, PROGRAM), PROGRAM))[40]
    letters = np.abs(shown[40].y.astype(int) - plate.y) > 12
    assert letters.sum() > 500
    assert psnr(result[40], plate, letters) > psnr(shown[40], plate, letters) + 12
    assert psnr(result[40], plate, ~letters) > 40


def test_a_title_that_fades_in_on_a_still_picture_and_stays_shows_what_is_behind_it(
    ground: Path, tmp_path: Path
) -> None:
    # No frame is without it: only while it is faint can the scene be seen.
    still = filmed(ground, tmp_path / "still.mkv", 6, "350:60")
    title = Caption(start=0, end=7, text="Softly now", style="plain", effect="\\an5\\fade(216,0,0,0,600,7000,8000)")
    shown, result, report = cleaned(still, tmp_path, title)
    truth = next(decode(inspect(still, PROGRAM), PROGRAM))
    (track,) = (item.track for item in report.removed)
    assert track.text == "Softly now"
    letters = np.abs(shown[100].y.astype(int) - truth.y) > 12
    assert min(psnr(result[index], truth, letters) for index in (3, 8, 40, 100, 145)) > 34


@pytest.mark.parametrize("scene_fades", [False, True], ids=["text", "scene"])
def test_text_fades_on_a_still_picture_and_a_sign_with_its_scene(
    scene: Path, tmp_path: Path, scene_fades: bool
) -> None:
    ground = tmp_path / "ground.mkv"
    still = f"loop=-1:1,setpts=N/{RATE}/TB"
    clips.run("-i", scene, "-vf", still, "-t", str(SECONDS), "-c:v", "libx264", "-qp", "0", ground)
    title = Caption(
        start=0,
        end=SECONDS + 1,
        text="CHAPTER ONE",
        style="plain",
        effect="\\an7\\pos(60,60)" + ("" if scene_fades else "\\fad(700,0)"),
    )
    shown = captions.burn(ground, tmp_path / "burned.mkv", [title], size=SIZE, output=("-c:v", "libx264", "-qp", "0"))
    if scene_fades:
        clips.run("-i", shown, "-vf", "fade=in:st=0:d=0.8", "-c:v", "libx264", "-crf", "14", tmp_path / "faded.mkv")
        shown = tmp_path / "faded.mkv"
    report = engine.remove_text(shown, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    assert [item.track.text for item in report.removed] == ([] if scene_fades else ["CHAPTER ONE"])
    assert scene_fades == ("CHAPTER ONE" in {track.text for track in report.kept})
