"""Composites of small real files: what a service changed goes into the source's own pictures, and nothing else."""

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fixtures import clips
from preflight import api
from preflight.errors import UsageError
from preflight.model.media import StreamKind
from preflight.model.region import Regions
from preflight.tools import ffmpeg
from preflight.tools.appearance import TONE_MAP
from preflight.tools.process import run
from preflight.workflow import composition
from preflight.workflow.recomposition import redo

WIDTH, HEIGHT, RATE = 640, 360, 25
BOX = (160, 280, 480, 320)
"""Where the source has text: left, top, right, bottom."""


TEN_BITS = ("-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le")


def _picture(seconds: float, *, text: str = "", chain: str = "") -> str:
    x0, y0, x1, y1 = BOX
    drawn = f",drawbox=x={x0}:y={y0}:w={x1 - x0}:h={y1 - y0}:color=white:t=fill{text}"
    scene = clips.gradients(WIDTH, HEIGHT, seconds, rate=RATE, speed=0.05)
    return f"{scene},format=yuv420p,noise=alls=5:allf=t:all_seed=7{drawn if text else ''}{chain}"


ALWAYS = ":enable=1"
LATE = ":enable='gte(t,1)'"


def _make(path: Path, picture: str, *output: str, sound: bool = True) -> Path:
    inputs = ["-f", "lavfi", "-i", picture]
    if sound:
        inputs += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-g", "12", "-pix_fmt", "yuv420p"]
    clips.run(*inputs, *codec, *(["-c:a", "aac"] if sound else []), *output, path)
    return path


def frames(path: Path, *, form: str = "gray", size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """All frames as they are shown."""
    done = run([ffmpeg.find(), "-v", "error", "-i", str(path), "-pix_fmt", form, "-f", "rawvideo", "-"], timeout=60)
    kind = np.uint16 if "16" in form else np.uint8
    return np.frombuffer(done.stdout, kind).reshape(-1, size[1], size[0]).astype(np.float32)


def psnr(one: np.ndarray, other: np.ndarray, peak: float = 255) -> float:
    return float(10 * np.log10(peak**2 / (np.mean((one - other) ** 2) + 1e-9)))


def _inside(stack: np.ndarray) -> np.ndarray:
    x0, y0, x1, y1 = BOX
    return stack[:, y0 + 4 : y1 - 4, x0 + 4 : x1 - 4]


def _outside(stack: np.ndarray) -> np.ndarray:
    copy = stack.copy()
    x0, y0, x1, y1 = BOX
    copy[:, y0 - 24 : y1 + 24, x0 - 24 : x1 + 24] = 0
    return copy


def test_a_small_result_leaves_the_source_as_it_is_but_for_the_text(tmp_path: Path) -> None:
    source = _make(tmp_path / "s.mp4", _picture(2, text=LATE))
    truth = _make(tmp_path / "t.mp4", _picture(2))
    cleaned = _make(tmp_path / "c.mp4", _picture(2, chain=",scale=320:180"), "-crf", "24", sound=False)
    report = composition.composite(source, cleaned, tmp_path / "out.mp4")
    ours, given, clean = (frames(path) for path in (tmp_path / "out.mp4", source, truth))
    assert len(ours) == len(given) == report.frames
    # The first second has no text: its packets are the source's.
    assert report.copied >= 24
    assert np.array_equal(ours[:24], given[:24])
    assert psnr(_outside(ours), _outside(given)) > 46
    assert psnr(_inside(ours[30:]), _inside(clean[30:])) > 20
    assert psnr(_inside(given[30:]), _inside(clean[30:])) < 15
    media = api.check(tmp_path / "out.mp4").media
    assert media is not None
    assert [stream.kind for stream in media.streams] == [StreamKind.VIDEO, StreamKind.AUDIO]


@pytest.mark.parametrize("turned", [("90", False), ("180", True)])
def test_orientation_of_the_source_is_kept(tmp_path: Path, turned: tuple[str, bool]) -> None:
    rotation, mirrored = turned
    upright = _make(tmp_path / "u.mp4", _picture(1, text=ALWAYS), sound=False)
    source = tmp_path / "s.mp4"
    clips.run(
        "-display_rotation", rotation, *(["-display_hflip"] if mirrored else []), "-i", upright, "-c", "copy", source
    )
    # A service sends back what players show.
    cleaned = tmp_path / "c.mp4"
    plain = _make(tmp_path / "p.mp4", _picture(1), sound=False)
    shown = tmp_path / "shown.mp4"
    clips.run(
        "-display_rotation", rotation, *(["-display_hflip"] if mirrored else []), "-i", plain, "-c", "copy", shown
    )
    clips.run("-i", shown, "-c:v", "libx264", "-crf", "14", cleaned)
    composition.composite(source, cleaned, tmp_path / "out.mp4")
    size = (HEIGHT, WIDTH) if rotation == "90" else (WIDTH, HEIGHT)
    assert psnr(frames(tmp_path / "out.mp4", size=size), frames(shown, size=size)) > 30
    media, before = api.check(tmp_path / "out.mp4").media, api.check(source).media
    assert media is not None
    assert before is not None
    assert media.video is not None
    assert before.video is not None
    assert (media.video.rotation, media.video.mirrored) == (before.video.rotation, before.video.mirrored)


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    source = _make(
        tmp_path / "s.mp4",
        _picture(1, text=ALWAYS),
        "-c:v",
        "libx265",
        "-x265-params",
        "log-level=none",
        "-pix_fmt",
        "yuv420p10le",
        sound=False,
    )
    cleaned = _make(tmp_path / "c.mp4", _picture(1), sound=False)
    composition.composite(source, cleaned, tmp_path / "out.mp4")
    media = api.check(tmp_path / "out.mp4").media
    assert media is not None
    assert media.video is not None
    assert (media.video.bit_depth, media.video.codec) == (10, "hevc")
    ours, given = (frames(path, form="gray16le") for path in (tmp_path / "out.mp4", source))
    assert psnr(_outside(ours), _outside(given), 65535) > 46


def test_a_frame_that_the_service_dropped_is_found(tmp_path: Path) -> None:
    source = _make(tmp_path / "s.mp4", _picture(2, text=ALWAYS))
    cleaned = _make(
        tmp_path / "c.mp4", _picture(2, chain=",select='not(eq(n,20))'"), "-fps_mode", "passthrough", sound=False
    )
    report = composition.composite(source, cleaned, tmp_path / "out.mp4")
    assert report.frames == 50
    assert report.shared == (20,)
    assert "dropped" in " ".join(report.notes)


def test_protected_boxes_keep_the_source_and_only_takes_nothing_else(tmp_path: Path) -> None:
    source = _make(tmp_path / "s.mp4", _picture(1, text=ALWAYS), sound=False)
    cleaned = _make(tmp_path / "c.mp4", _picture(1), sound=False)
    for regions in (Regions(protect=("150,270,490,330px",)), Regions(only=("0,0,0.2,0.2",))):
        report = composition.composite(source, cleaned, tmp_path / f"{len(regions.only)}.mp4", regions=regions)
        assert report.changed == 0
        assert np.array_equal(frames(tmp_path / f"{len(regions.only)}.mp4"), frames(source))


def test_the_source_is_never_the_destination(tmp_path: Path) -> None:
    source = _make(tmp_path / "s.mp4", _picture(1), sound=False)
    with pytest.raises(UsageError, match="never written"):
        composition.composite(source, source, tmp_path / "." / "s.mp4")


def test_an_odd_size_is_kept_and_a_webm_becomes_a_file_that_holds_the_composite(tmp_path: Path) -> None:
    speed = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M")
    crop = ",crop=319:179:0:0:exact=1"
    box = "drawbox=x=80:y=140:w=160:h=20:color=white:t=fill,"
    scene = f"{clips.gradients(320, 180, 0.6, speed=0.05)},format=yuv420p"
    clips.run("-f", "lavfi", "-i", f"{scene},{box}null{crop}", *speed, tmp_path / "s.webm")
    clips.run("-f", "lavfi", "-i", f"{scene}{crop}", "-vf", "crop=318:178", "-c:v", "libx264", tmp_path / "c.mp4")
    with pytest.raises(UsageError, match="can't be a composite"):
        composition.composite(tmp_path / "s.webm", tmp_path / "c.mp4", tmp_path / "o.webm")
    assert composition.extension(tmp_path / "s.webm", tmp_path / "c.mp4") == "mp4"
    composition.composite(tmp_path / "s.webm", tmp_path / "c.mp4", tmp_path / "o.mp4")
    media = api.check(tmp_path / "o.mp4").media
    assert media is not None
    assert media.video is not None
    assert (media.video.width, media.video.height) == (319, 179)
    assert psnr(frames(tmp_path / "o.mp4", size=(319, 179))[:, 145:155, 90:230], np.float32(255)) < 15


def _record(tmp_path: Path, source: Path, finished: Path, recipe: composition.Recipe) -> Path:
    text = {"number": 1, "text": "WORDS", "start": 0.0, "end": 2.0, "box": [0.25, 280 / 360, 0.75, 320 / 360]}
    path = tmp_path / "s.cleaned.json"
    content = {
        "schema": 1,
        "source": str(source),
        "result": {"source": str(source), "file": str(finished), "task_ids": ["t"]},
        "composite": {"recipe": recipe.to_json()},
        "texts": [text],
        "acceptance": {"verdict": "poor"},
    }
    path.write_text(json.dumps(content))
    return path


def test_redo_puts_a_text_back_and_takes_it_out_again(tmp_path: Path) -> None:
    source = _make(tmp_path / "s.mp4", _picture(1, text=ALWAYS), sound=False)
    cleaned = _make(tmp_path / "kept.mp4", _picture(1), sound=False)
    finished = tmp_path / "s.cleaned.mp4"
    composition.composite(source, cleaned, finished)
    recipe = composition.Recipe.guessed(composition.media_of(source), composition.media_of(cleaned))
    record = _record(tmp_path, source, finished, recipe)
    removed = frames(finished)
    redo(record, regions=Regions(keep_text="word"))
    assert np.array_equal(frames(finished), frames(source))
    assert "acceptance" not in json.loads(record.read_text())
    redo(record)
    assert psnr(frames(finished), removed) > 45
    with pytest.raises(UsageError, match=re.escape("no text 2")):
        redo(record, regions=Regions(restore_text=(2,)))
    assert psnr(frames(finished), removed) > 45


def test_recipes_and_regions_survive_their_json() -> None:
    recipe = composition.Recipe(
        cleaned=(Path("a"), Path("b")),
        sent=(None, None),
        starts=(Fraction(1, 3), Fraction(60)),
        end=Fraction(90),
        shown=(640, 360),
        size=(320, 180),
        crop=(640, 352),
        filters="scale=320:180",
        is_trimmed=True,
    )
    assert composition.Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    regions = Regions(protect=("0,0,1,1@0-2",), only=("1,2,3,4px",), keep_text="a|b", restore_text=(1, 2))
    assert Regions.from_json(json.loads(json.dumps(regions.to_json()))) == regions
    make: Callable[[], Regions] = lambda: Regions(protect=("nonsense",))  # noqa: E731
    with pytest.raises(UsageError):
        make()


HLG = (
    "-vf",
    "zscale=tin=bt709:min=bt709:pin=bt709:t=arib-std-b67:m=bt2020nc:p=bt2020:rin=tv:r=tv,format=yuv420p10le",
    "-c:v",
    "libx265",
    "-x265-params",
    "log-level=none:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
    "-pix_fmt",
    "yuv420p10le",
)


def test_regions_of_an_sdr_result_go_into_hdr_pictures(tmp_path: Path) -> None:
    source = _make(tmp_path / "s.mp4", _picture(1, text=ALWAYS), *HLG, sound=False)
    truth = _make(tmp_path / "t.mp4", _picture(1), *HLG, sound=False)
    cleaned = tmp_path / "c.mp4"
    # What is sent and comes back is made of the HLG pictures.
    clips.run("-i", truth, "-vf", f"{TONE_MAP},format=yuv420p", "-c:v", "libx264", "-crf", "12", cleaned)
    composition.composite(source, cleaned, tmp_path / "out.mp4")
    media = api.check(tmp_path / "out.mp4").media
    assert media is not None
    assert media.video is not None
    assert (media.video.bit_depth, media.video.color.transfer) == (10, "arib-std-b67")
    ours, given, clean = (frames(path, form="gray16le") for path in (tmp_path / "out.mp4", source, truth))
    assert psnr(_outside(ours), _outside(given), 65535) > 44
    assert psnr(_inside(ours), _inside(clean), 65535) > psnr(_inside(given), _inside(clean), 65535) + 15
