"""What must not change: times, shape, sound, and every picture without text."""

import errno
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures import awkward, captions, clips, fill_models
from fixtures.captions import Caption
from preflight import engine
from preflight.engine import pipeline
from preflight.engine.core.box import Box
from preflight.engine.inpaint.patches import Spool
from preflight.engine.media import decode
from preflight.engine.media.probe import Source, inspect
from preflight.errors import CancelledError, DiskFullError, InputError, ToolError, UsageError
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.model.media import Container
from preflight.tools import ffmpeg, process, proof

PROGRAM = ffmpeg.find()
ROOT = Path(__file__).parents[3]
SIZE = (320, 240)
SCENE = clips.gradients(320, 240, 1.6)


class Stopped:
    """A flag that is set from the start."""

    def is_set(self) -> bool:
        return True


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.6 s without text, with sound."""
    path = tmp_path_factory.mktemp("fidelity") / "clean.mp4"
    sound = "sine=frequency=440:duration=1.6"
    clips.run("-f", "lavfi", "-i", SCENE, "-f", "lavfi", "-i", sound, "-c:v", "libx264", "-crf", "20", path)
    return path


@pytest.fixture(scope="module")
def captioned(clean: Path) -> Path:
    """The same with a caption in the middle of it."""
    text = (Caption(start=0.4, end=1.2, text="Keep it simple"),)
    return captions.burn(clean, clean.with_name("captioned.mp4"), text, size=SIZE, font_size=28)


def times(path: Path) -> list[int]:
    """Return the presentation times of the picture's packets."""
    argv = [clips.FFMPEG, "-v", "error", "-copyts", "-i", str(path), "-map", "0:v", "-c", "copy", "-f", "framecrc", "-"]
    return sorted(decode.parse_times(process.run(argv).stdout.decode()))


def pictures(path: Path) -> list[decode.Frame]:
    return list(decode.decode(inspect(path, PROGRAM), PROGRAM))


def listing(path: Path, kind: str) -> list[str]:
    """Return ffmpeg's options to list the packets of the first stream of a kind."""
    return ["-v", "error", "-copyts", "-i", str(path), "-map", f"0:{kind}:0", "-c", "copy", "-f", "framecrc", "-"]


def shown_by_a_player(path: Path) -> list[NDArray[np.uint8]]:
    """Return the luma of the frames as a newer ffmpeg shows them."""
    argv = [clips.FFMPEG, "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-pix_fmt", "gray"]
    data, frames = process.run([*argv, "-c:v", "pgm", "-f", "image2pipe", "-"]).stdout, []
    while found := re.match(rb"P5\s(\d+)\s(\d+)\s255\s", data):
        width, height = int(found[1]), int(found[2])
        data = data[found.end() :]
        frames.append(np.frombuffer(data, np.uint8, width * height).reshape(height, width))
        data = data[width * height :]
    return frames


def test_variable_frame_times_are_kept(captioned: Path, tmp_path: Path) -> None:
    uneven = tmp_path / "uneven.mp4"
    drop = "select='not(eq(mod(n,5),3))',setpts=PTS+if(gt(N\\,20)\\,3/TB/50\\,0)"
    clips.run("-i", captioned, "-vf", drop, "-fps_mode", "passthrough", "-c:a", "copy", uneven)
    engine.remove_text(uneven, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    assert times(tmp_path / "out.mp4") == times(uneven)


def test_rotation_shape_and_color_tags_are_kept(captioned: Path, tmp_path: Path) -> None:
    # Stored sideways, shown upright, as phones do.
    sideways = tmp_path / "sideways.mp4"
    tags = "transpose=1,setsar=4/3,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    clips.run("-i", captioned, "-vf", tags, "-c:a", "copy", tmp_path / "stored.mp4")
    clips.run("-display_rotation", "90", "-i", tmp_path / "stored.mp4", "-c", "copy", sideways)
    report = engine.remove_text(sideways, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    before, after = inspect(sideways, PROGRAM), inspect(tmp_path / "out.mp4", PROGRAM)
    assert [item.track.text.replace(" ", "") for item in report.removed] == ["Keepitsimple"]
    for name in ("width", "height", "sar", "turns", "time_base", "matrix", "primaries", "transfer", "full_range"):
        assert getattr(after, name) == getattr(before, name), name


@pytest.mark.parametrize("name", awkward.MATRICES)
def test_a_turned_or_mirrored_picture_is_kept_as_it_is_shown(captioned: Path, tmp_path: Path, name: str) -> None:
    stored, given, out = (tmp_path / name for name in ("stored.mp4", "given.mp4", "out.mp4"))
    clips.run("-i", captioned, "-frames:v", "4", "-an", stored)
    awkward.displayed(stored, given, awkward.MATRICES[name])
    wish = InpaintingBox(start=0, end=0.4, x1=0.05, y1=0.05, x2=0.2, y2=0.2)
    engine.remove_text(given, out, RemovalOptions(inpainting_boxes=(wish,)), ffmpeg=PROGRAM)
    assert proof.display_matrix(out, Container.MP4) == proof.display_matrix(given, Container.MP4)
    before, after = inspect(given, PROGRAM), inspect(out, clips.FFMPEG)
    assert (after.turns, after.mirrored) == (before.turns, before.mirrored)
    width, height = before.displayed
    for one, other in zip(shown_by_a_player(given), shown_by_a_player(out), strict=True):
        assert one.shape == other.shape == (height, width)
        away = np.abs(one.astype(int) - other)
        away[: height // 4, : width // 4] = 0
        assert np.percentile(away, 99) < 12


def test_a_turned_picture_stays_turned_in_matroska_or_is_refused_before_any_work(
    captioned: Path, tmp_path: Path
) -> None:
    stored, given, out = (tmp_path / name for name in ("stored.mp4", "given.mp4", "out.mkv"))
    clips.run("-i", captioned, "-frames:v", "4", "-an", stored)
    awkward.displayed(stored, given, awkward.MATRICES["clockwise"])
    wish = RemovalOptions(inpainting_boxes=(InpaintingBox(start=0, end=0.4, x1=0.05, y1=0.05, x2=0.2, y2=0.2),))
    if ffmpeg.version(PROGRAM) < (6, 0):
        with pytest.raises(UsageError, match="shown turned") as refused:
            engine.remove_text(given, out, wish, ffmpeg=PROGRAM)
        assert "out.mp4" in (refused.value.hint or "")
        assert not out.exists()
    else:
        engine.remove_text(given, out, wish, ffmpeg=PROGRAM)
        assert inspect(out, clips.FFMPEG).turns == inspect(given, PROGRAM).turns == 3


@pytest.mark.parametrize("size", [(161, 122), (160, 121), (161, 121), (8, 40)])
def test_odd_and_tiny_pictures_are_cleaned(tmp_path: Path, size: tuple[int, int]) -> None:
    given, out = tmp_path / "given.mp4", tmp_path / "out.mp4"
    scene = clips.gradients(*size, 0.5)
    clips.run("-f", "lavfi", "-i", scene, "-pix_fmt", "yuv444p", "-c:v", "libx264", "-crf", "4", given)
    wish = RemovalOptions(inpainting_boxes=(InpaintingBox(start=0, end=0.2, x1=0.4, y1=0.4, x2=0.6, y2=0.6),))
    report = engine.remove_text(given, out, wish, ffmpeg=PROGRAM)
    made = inspect(out, PROGRAM)
    even = tuple(side + side % 2 for side in size)
    assert (made.width, made.height) == even
    assert ("an odd side made even by repeating its last row or column" in report.notes) == (even != size)
    for one, other in zip(pictures(given), pictures(out), strict=True):
        whole = np.pad(one.y, ((0, even[1] - size[1]), (0, even[0] - size[0])), mode="edge").astype(int)
        assert np.median(np.abs(whole - other.y)) < 6
        assert np.median(np.abs(whole[-1] - other.y[-1])) < 12


def test_a_clock_that_begins_below_0_hides_nothing(captioned: Path, tmp_path: Path) -> None:
    given, out = tmp_path / "given.ts", tmp_path / "out.mp4"
    clips.run("-i", captioned, "-frames:v", "20", "-c", "copy", "-output_ts_offset", "95442", given)
    wish = RemovalOptions(inpainting_boxes=(InpaintingBox(start=0, end=0.4, x1=0.1, y1=0.1, x2=0.2, y2=0.2),))
    engine.remove_text(given, out, wish, ffmpeg=PROGRAM)
    assert len(shown_by_a_player(out)) == len(shown_by_a_player(given))
    begins = [
        float(process.run([clips.FFMPEG, *listing(path, kind)]).stdout.decode().split("\n0,")[1].split(",")[1]) * tick
        for path, ticks in ((given, (1 / 90_000, 1 / 90_000)), (out, (1 / 90_000, 1 / 44_100)))
        for kind, tick in zip("va", ticks, strict=True)
    ]
    assert begins[3] - begins[2] == pytest.approx(begins[1] - begins[0], abs=0.002)


def test_sound_is_kept_behind_a_long_description(clean: Path, tmp_path: Path) -> None:
    marks, given, out = (tmp_path / name for name in ("marks.txt", "given.mkv", "out.mkv"))
    chapter = "[CHAPTER]\nTIMEBASE=1/1000\nSTART={}\nEND={}\ntitle=A chapter\n"
    marks.write_text(";FFMETADATA1\n" + "".join(chapter.format(n, n + 1) for n in range(300)), "utf-8")
    clips.run("-i", clean, "-i", marks, "-frames:v", "6", "-map_metadata", "1", "-c", "copy", given)
    wish = RemovalOptions(inpainting_boxes=(InpaintingBox(start=0, end=0.2, x1=0.1, y1=0.1, x2=0.2, y2=0.2),))
    report = engine.remove_text(given, out, wish, ffmpeg=PROGRAM)
    assert inspect(out, PROGRAM).others == ("audio",)
    assert not any("left out" in note for note in report.notes)


def test_a_long_last_frame_is_shown_as_long_as_before(captioned: Path, tmp_path: Path) -> None:
    given, out = tmp_path / "given.mp4", tmp_path / "out.mp4"
    clips.run("-i", captioned, "-frames:v", "20", "-an", "-bf", "0", given)
    clips.run(
        "-i", given, "-c", "copy", "-bsf:v", "setts=duration=if(eq(N\\,19)\\,3/TB\\,DURATION)", tmp_path / "long.mp4"
    )
    wish = InpaintingBox(start=0, end=0.4, x1=0.1, y1=0.1, x2=0.2, y2=0.2)
    engine.remove_text(tmp_path / "long.mp4", out, RemovalOptions(inpainting_boxes=(wish,)), ffmpeg=PROGRAM)
    lengths = [inspect(path, PROGRAM).duration for path in (tmp_path / "long.mp4", out)]
    assert lengths[0] is not None
    assert float(lengths[0]) > 3
    assert lengths[1] is not None
    assert abs(float(lengths[0] - lengths[1])) < 0.1


def test_a_clip_without_text_is_copied(clean: Path, tmp_path: Path) -> None:
    report = engine.remove_text(clean, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    assert report.copied
    for before, after in zip(pictures(clean), pictures(tmp_path / "out.mp4"), strict=True):
        assert (before.y == after.y).all()


def test_sound_goes_when_asked(clean: Path, tmp_path: Path) -> None:
    engine.remove_text(clean, tmp_path / "out.mp4", RemovalOptions(remove_audio=True), ffmpeg=PROGRAM)
    log = process.run([PROGRAM, "-hide_banner", "-i", str(tmp_path / "out.mp4")]).stderr_tail
    assert "Video:" in log
    assert "Audio:" not in log


def test_a_box_is_filled_in_its_time_only(clean: Path, tmp_path: Path) -> None:
    marked = tmp_path / "marked.mp4"
    clips.run("-i", clean, "-vf", "drawbox=x=80:y=60:w=60:h=40:color=red:t=fill", "-c:a", "copy", marked)
    wish = InpaintingBox(start=0.4, end=1.0, x1=0.2, y1=0.2, x2=0.5, y2=0.48)
    options = RemovalOptions(inpainting_boxes=(wish,))
    engine.remove_text(marked, tmp_path / "out.mp4", options, ffmpeg=PROGRAM)
    inside = Box(84, 64, 136, 96)
    red = [
        frame.color(inside)[..., 2].mean() - frame.color(inside)[..., 0].mean()
        for frame in pictures(tmp_path / "out.mp4")
    ]
    assert min(red[:10] + red[25:]) > 150
    assert max(red[10:25]) < 100


@pytest.mark.parametrize("name", ["out.mp4", "out.webm"])
def test_even_noise_stays_as_it_is_outside_the_box(clean: Path, tmp_path: Path, name: str) -> None:
    noisy = tmp_path / "noisy.mkv"
    clips.run(
        "-i", clean, "-vf", "noise=alls=40:allf=t", "-an", "-c:v", "libx264", "-qp", "4", "-frames:v", "20", noisy
    )
    options = RemovalOptions(inpainting_boxes=(InpaintingBox(start=0.2, end=0.4, x1=0.2, y1=0.2, x2=0.5, y2=0.48),))
    engine.remove_text(noisy, tmp_path / name, options, ffmpeg=PROGRAM)
    outside = np.ones((240, 320), bool)
    outside[40:124, 56:168] = False
    errors = [
        np.square(a.y[outside].astype(np.float64) - b.y[outside]).mean()
        for a, b in zip(pictures(noisy), pictures(tmp_path / name), strict=True)
    ]
    assert 10 * np.log10(255**2 / np.mean(errors)) > 46


def test_results_do_not_depend_on_the_number_of_processes(captioned: Path, tmp_path: Path) -> None:
    # Several jobs: the caption, and a box elsewhere that lasts longer.
    options = RemovalOptions(inpainting_boxes=(InpaintingBox(start=0, end=2, x1=0.1, y1=0.05, x2=0.4, y2=0.2),))
    made = []
    for count in (1, 3):
        out = tmp_path / f"{count}.mp4"
        engine.remove_text(captioned, out, options, ffmpeg=PROGRAM, processes=count)
        made.append(pictures(out))
    for one, two in zip(*made, strict=True):
        assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in "yuv")


def test_fill_model_gives_the_same_with_any_number_of_processes(tmp_path: Path) -> None:
    scene, model = tmp_path / "stripes.mp4", fill_models.lama(tmp_path / "columns.onnx")
    luma = "120+60*sin(X/2.5)+8*sin(N)"
    stripes = f"color=gray:size=320x240:rate=25:duration=0.24,format=yuv420p,geq=lum='{luma}':cb=128:cr=128"
    clips.run("-f", "lavfi", "-i", stripes, "-c:v", "libx264", "-crf", "12", scene)
    # Two jobs, in which the light changes from frame to frame.
    boxes = tuple(InpaintingBox(start=0, end=1, x1=0.2, y1=y, x2=0.6, y2=y + 0.1) for y in (0.1, 0.7))
    made = []
    for count in (1, 2):
        out = tmp_path / f"{count}.mp4"
        report = engine.remove_text(
            scene, out, RemovalOptions(inpainting_boxes=boxes), ffmpeg=PROGRAM, processes=count, fill_model=model
        )
        assert report.fill_model is not None
        assert report.fill_model.share > 0.9
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_fading_text_leaves_nothing(clean: Path, tmp_path: Path) -> None:
    text = (Caption(start=0.2, end=1.4, text="Softly in and out", effect="\\fad(300,300)"),)
    fading = captions.burn(clean, tmp_path / "fading.mp4", text, size=SIZE, font_size=28)
    report = engine.remove_text(fading, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    (track,) = (item.track for item in report.removed)
    assert track.first_frame <= 6
    assert track.last_frame >= 33
    assert not engine.preview_text(tmp_path / "out.mp4", ffmpeg=PROGRAM).present


def test_sheet_and_overlay_are_made(captioned: Path, tmp_path: Path) -> None:
    sheet, overlay = tmp_path / "sheet.png", tmp_path / "overlay.mp4"
    out = tmp_path / "out.mp4"
    engine.remove_text(captioned, out, RemovalOptions(), ffmpeg=PROGRAM, sheet=sheet, overlay=overlay)
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert len(times(overlay)) == len(times(captioned))


def test_hdr_is_refused_with_the_service_code(clean: Path, tmp_path: Path) -> None:
    hdr = tmp_path / "hdr.mp4"
    tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    clips.run("-i", clean, "-vf", tags, "-an", hdr)
    with pytest.raises(InputError) as caught:
        engine.remove_text(hdr, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    assert caught.value.code == 702
    assert not (tmp_path / "out.mp4").exists()


def test_stopping_leaves_nothing(captioned: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(CancelledError):
        engine.remove_text(captioned, out, RemovalOptions(), ffmpeg=PROGRAM, cancel=Stopped())
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept_by_the_next(captioned: Path, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from preflight.model.job import RemovalOptions\n"
        "from preflight import engine\n"
        "here, there = map(pathlib.Path, sys.argv[1:3])\n"
        "tell = lambda share: print(share, flush=True)\n"
        "engine.remove_text(here, there, RemovalOptions(), ffmpeg=sys.argv[3], on_progress=tell)"
    )
    out = tmp_path / "out.mp4"
    argv = [sys.executable, "-c", code, str(captioned), str(out), PROGRAM]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as running:
        assert running.stdout is not None
        assert running.stdout.readline()
        running.kill()
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".preflight")] == []
    assert len(list(tmp_path.iterdir())) == 1
    engine.remove_text(captioned, out, RemovalOptions(), ffmpeg=PROGRAM)
    assert list(tmp_path.iterdir()) == [out]


def test_a_full_disk_is_said(captioned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Spool, "put", full)
    with pytest.raises(DiskFullError):
        engine.remove_text(captioned, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    assert list(tmp_path.iterdir()) == []


def test_subtitles_chapters_and_metadata_are_kept(captioned: Path, tmp_path: Path) -> None:
    lines, marks = tmp_path / "lines.srt", tmp_path / "marks.txt"
    lines.write_text("1\n00:00:00,200 --> 00:00:01,000\nSoft words\n", "utf-8")
    chapter = "[CHAPTER]\nTIMEBASE=1/1000\nSTART={}\nEND={}\ntitle={}\n"
    head = ";FFMETADATA1\ntitle=A clip\n"
    marks.write_text(head + chapter.format(0, 800, "One") + chapter.format(800, 1600, "Two"), "utf-8")
    given, out = tmp_path / "given.mkv", tmp_path / "out.mkv"
    # FLAC has no delay, by which the muxer of ffmpeg 5 would move all streams but the chapters.
    streams = ("-map", "0", "-map", "1", "-map_metadata", "2", "-c", "copy", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    streams += ("-c:a", "flac")
    clips.run("-i", captioned, "-i", lines, "-i", marks, *streams, given)
    report = engine.remove_text(given, out, RemovalOptions(), ffmpeg=PROGRAM)
    assert report.notes == ()
    assert len(report.removed) == 1
    for listing in (["-map", "0:s", "-f", "srt"], ["-f", "ffmetadata"]):
        argv = ([clips.FFMPEG, "-v", "error", "-i", str(path), *listing, "-"] for path in (given, out))
        shown = [process.run(each).stdout for each in argv]
        assert shown[0] == shown[1]
        assert len(shown[0]) > 30


def test_interlaced_pictures_come_out_whole(captioned: Path, tmp_path: Path) -> None:
    woven = tmp_path / "woven.mp4"
    weave = ("-vf", "tinterlace=interleave_top,setfield=tff", "-flags", "+ildct+ilme", "-c:v", "libx264", "-crf", "18")
    clips.run("-i", captioned, *weave, "-c:a", "copy", woven)
    assert inspect(woven, PROGRAM).interlaced
    report = engine.remove_text(woven, tmp_path / "out.mp4", RemovalOptions(), ffmpeg=PROGRAM)
    assert "interlaced picture turned into whole frames" in report.notes
    assert [item.track.text for item in report.removed] == ["Keep it simple"]
    assert times(tmp_path / "out.mp4") == times(woven)
    assert not inspect(tmp_path / "out.mp4", PROGRAM).interlaced
    assert not engine.preview_text(tmp_path / "out.mp4", ffmpeg=PROGRAM, samples=5).present


def test_video_that_gives_fewer_frames_when_it_is_decoded_again_is_an_error(
    captioned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipeline.decode

    def shorter(source: Source, program: str, **wishes: Any) -> Iterator[decode.Frame]:
        frames = whole(source, program, **wishes)
        return itertools.islice(frames, 5) if wishes.get("stop") else frames

    monkeypatch.setattr(pipeline, "decode", shorter)
    wish = RemovalOptions(inpainting_boxes=(InpaintingBox(start=0, end=1, x1=0.1, y1=0.1, x2=0.2, y2=0.2),))
    with pytest.raises(ToolError, match="gave fewer frames when it was decoded again"):
        engine.remove_text(captioned, tmp_path / "out.mp4", wish, ffmpeg=PROGRAM)
    assert list(tmp_path.iterdir()) == []
