"""Every input that can be fixed passes afterwards and can be decoded; every other is refused with the reason."""

import os
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures import cases, clips
from fixtures.checker import checker, hashes
from preflight.fixing import apply, plan
from preflight.model.limits import Limits
from preflight.model.plan import Action, Policy
from preflight.tools import ffmpeg

FFMPEG = ffmpeg.find()
TINY = Limits(max_seconds=Fraction(5), max_long_side=320, max_short_side=180, max_bytes=400_000)
Maker = Callable[[Path], Path]


def _clip(name: str, *output: str, size: tuple[int, int] = (160, 90), seconds: float = 1) -> Maker:
    return lambda folder: clips.clip(folder / name, size=size, seconds=seconds, output=output)


def _named(name: str, maker: Maker) -> Maker:
    return lambda folder: maker(folder).rename(folder / name)


def _stream(path: Path) -> Path:
    """A WebM as a browser records it: written to a pipe, so without a duration."""
    clips.run(
        "-f", "lavfi", "-i", "testsrc2=size=160x90:duration=1", "-c:v", "libvpx", "-f", "webm", "-live", "1", path
    )
    return path


def _long_sound(folder: Path) -> Path:
    short, long = (clips.clip(folder / f"{n}.mp4", size=(160, 90), seconds=n) for n in (4, 6))
    clips.run("-i", short, "-i", long, "-map", "0:v", "-map", "1:a", "-c", "copy", folder / "a.mp4")
    return folder / "a.mp4"


def _many_streams(folder: Path) -> Path:
    """Two sounds, a subtitle, a time code and chapters beside the picture."""
    words = folder / "words.srt"
    words.write_text("1\n00:00:00,100 --> 00:00:00,900\nhello\n")
    seed = clips.clip(folder / "seed.mov", size=(640, 360), output=["-timecode", "01:00:00:00"])
    inputs = ("-i", seed, "-i", words, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-map", "1", "-map", "0:d?")
    clips.run(*inputs, "-c", "copy", "-c:s", "mov_text", folder / "plain.mov")
    return cases.with_chapters(folder / "plain.mov", folder / "a.mov")


def _covered(folder: Path) -> Path:
    return cases.with_cover(clips.clip(folder / "seed.mp4", size=(640, 360)), folder / "a.mp4", size="64x64")


FIXED: list[tuple[str, Maker, set[Action]]] = [
    ("mkv-named-mp4", _named("b.mp4", _clip("a.mkv")), {Action.RENAME}),
    ("mp4-named-mkv", _named("b.mkv", _clip("a.mp4")), {Action.RENAME}),
    ("no-extension", _named("b", _clip("a.mp4")), {Action.RENAME}),
    ("mpegts", _clip("a.ts", "-c:a", "aac"), {Action.REMUX}),
    ("flv", _clip("a.flv", "-c:a", "aac"), {Action.REMUX}),
    ("3gp", _clip("a.3gp"), {Action.REMUX}),
    ("wmv", _clip("a.wmv", "-c:v", "wmv2", "-c:a", "wmav2"), {Action.REMUX}),
    ("ogv", _clip("a.ogv", "-c:v", "libtheora", "-c:a", "libvorbis"), {Action.REMUX}),
    ("mpeg-ps", _clip("a.mpg", "-c:v", "mpeg2video", "-c:a", "mp2"), {Action.REMUX}),
    (
        "fragmented-ts",
        _clip("a.ts", "-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "aac"),
        {Action.REMUX},
    ),
    ("padded-height", _clip("a.mp4", size=(320, 188)), {Action.CROP}),
    ("too-large", _clip("a.mp4", size=(640, 270)), {Action.SCALE}),
    ("portrait-too-large", _clip("a.mp4", size=(240, 426)), {Action.SCALE}),
    ("prores-too-large", _clip("a.mov", "-c:v", "prores_ks", "-c:a", "pcm_s16le", size=(640, 360)), {Action.SCALE}),
    ("many-streams-too-large", _many_streams, {Action.SCALE}),
    ("cover-too-large", _covered, {Action.SCALE}),
    ("no-sound-too-large", _clip("a.mp4", "-an", size=(640, 360)), {Action.SCALE}),
    ("fragmented-too-large", _clip("a.mp4", "-movflags", "frag_keyframe+empty_moov", size=(640, 360)), {Action.SCALE}),
    ("one-picture-too-large", _clip("a.mp4", "-an", "-frames:v", "1", size=(640, 360)), {Action.SCALE}),
    ("fast-too-large", lambda folder: clips.clip(folder / "a.mp4", size=(640, 360), rate="240"), {Action.SCALE}),
    ("av1-too-large", _clip("a.mkv", "-c:v", "libsvtav1", "-preset", "12", size=(640, 360)), {Action.SCALE}),
    ("ten-bit-too-large", _clip("a.mkv", "-pix_fmt", "yuv422p10le", size=(640, 360)), {Action.SCALE}),
    ("too-long", _clip("a.mp4", "-g", "25", seconds=7), {Action.SPLIT}),
    ("sound-too-long", _long_sound, {Action.TRIM_AUDIO}),
    ("too-many-bytes", _clip("a.mp4", "-g", "10", "-crf", "5", size=(320, 180), seconds=4), {Action.SPLIT}),
    ("uncompressed-sound", _clip("a.mov", "-ar", "192000", "-ac", "2", "-c:a", "pcm_s24le"), {Action.ENCODE_AUDIO}),
]


@pytest.mark.parametrize(("maker", "actions"), [pytest.param(m, a, id=name) for name, m, a in FIXED])
def test_fixable_file_passes_and_decodes(maker: Maker, actions: set[Action], tmp_path: Path) -> None:
    clip = maker(tmp_path)
    report = checker(TINY)(clip)
    assert not report.ok
    made = plan(report)
    assert made.refusal is None
    assert set(made.actions) == actions
    fixed = apply(made, tmp_path / "out", recheck=checker(TINY), ffmpeg=FFMPEG)
    assert all(checker(TINY)(segment.media.path).ok for segment in fixed.segments)
    pictures = sum(len(hashes(segment.media.path)) for segment in fixed.segments)
    assert pictures == len(hashes(clip))


@pytest.mark.parametrize("break_index", [cases.without_index, cases.with_wrong_index])
@pytest.mark.parametrize("trim", [None, (Fraction(1), Fraction(4))])
def test_avi_with_a_bad_index_is_split_and_trimmed(
    break_index: Callable[[Path, Path], Path], trim: tuple[Fraction, Fraction] | None, tmp_path: Path
) -> None:
    whole = _clip("seed.avi", "-g", "25", seconds=7)(tmp_path)
    clip = break_index(whole, tmp_path / "a.avi")
    made = plan(checker(TINY)(clip), trim=trim)
    assert made.actions == ((Action.TRIM,) if trim else (Action.SPLIT,))
    fixed = apply(made, tmp_path / "out", recheck=checker(TINY), ffmpeg=FFMPEG)
    shown = [picture for segment in fixed.segments for picture in hashes(segment.media.path)]
    assert len(shown) == (75 if trim else 175)
    assert trim or shown == hashes(whole)


def test_gif_is_encoded(tmp_path: Path) -> None:
    clips.run("-f", "lavfi", "-i", "testsrc2=size=160x90:duration=1:rate=10", tmp_path / "a.gif")
    made = plan(checker(TINY)(tmp_path / "a.gif"))
    assert made.actions == (Action.TRANSCODE,)
    fixed = apply(made, tmp_path / "out", recheck=checker(TINY), ffmpeg=FFMPEG)
    assert len(hashes(fixed.segments[0].media.path)) == 10


def test_recording_of_a_browser_is_fixed_or_passes(tmp_path: Path) -> None:
    clip = _stream(tmp_path / "a.webm")
    report = checker(TINY)(clip)
    made = plan(report)
    assert made.refusal is None
    fixed = apply(made, tmp_path / "out", recheck=checker(TINY), ffmpeg=FFMPEG)
    assert hashes(fixed.segments[0].media.path) == hashes(clip)


def test_too_many_bytes_in_one_file_are_shrunk(tmp_path: Path) -> None:
    clip = _clip("a.mp4", "-crf", "5", size=(320, 180), seconds=4)(tmp_path)
    made = plan(checker(TINY)(clip), policy=Policy.ONE_FILE)
    assert made.actions == (Action.SHRINK,)
    fixed = apply(made, tmp_path / "out", recheck=checker(TINY), ffmpeg=FFMPEG)
    assert fixed.segments[0].media.size <= TINY.max_bytes


def test_safe_brings_odd_codecs_to_the_common_ones(tmp_path: Path) -> None:
    clip = _clip("a.mov", "-c:v", "prores_ks", "-c:a", "pcm_s16le")(tmp_path)
    made = plan(checker()(clip), safe=True)
    media = apply(made, tmp_path / "out", recheck=checker(), ffmpeg=FFMPEG).segments[0].media
    assert media.video is not None
    assert (media.container, media.video.codec, media.video.chroma) == ("mp4", "h264", "4:2:0")
    assert [stream.codec for stream in media.audio] == ["aac"]


def _sound(folder: Path) -> Path:
    clips.run("-f", "lavfi", "-i", "sine=duration=1", folder / "a.mp4")
    return folder / "a.mp4"


def _no_index(folder: Path) -> Path:
    clip = clips.clip(folder / "seed.mp4")
    (folder / "a.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    return folder / "a.mp4"


def _cut_short(folder: Path) -> Path:
    clip = clips.clip(folder / "seed.mp4", output=["-movflags", "+faststart"])
    (folder / "a.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size * 3 // 4])
    return folder / "a.mp4"


def _empty(folder: Path) -> Path:
    (folder / "a.mp4").touch()
    return folder / "a.mp4"


def _folder(folder: Path) -> Path:
    (folder / "a.mp4").mkdir()
    return folder / "a.mp4"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.mp4")
    return folder / "a.mp4"


def _dangling(folder: Path) -> Path:
    (folder / "a.mp4").symlink_to(folder / "nothing.mp4")
    return folder / "a.mp4"


REFUSED: list[tuple[str, Maker, str]] = [
    ("sound", _sound, "no video"),
    ("sound-and-cover", lambda folder: cases.covered_sound(folder / "a.mp4"), "no video"),
    ("no-index", _no_index, "never finished"),
    ("cut-short", _cut_short, "cut short"),
    ("empty", _empty, "empty"),
    ("folder", _folder, "folder"),
    ("pipe", _pipe, "pipe"),
    ("dangling", _dangling, "link"),
    *(
        (kind, lambda folder, kind=kind: cases.playlist(folder / "a.mp4", kind, "http://127.0.0.1:9/a.ts"), "playlist")
        for kind in cases.PLAYLISTS
    ),
]


@pytest.mark.parametrize(("maker", "reason"), [pytest.param(m, r, id=name) for name, m, r in REFUSED])
def test_unfixable_file_is_refused_with_the_reason(maker: Maker, reason: str, tmp_path: Path) -> None:
    made = plan(checker()(maker(tmp_path)))
    assert made.refusal
    assert re.search(reason, made.refusal)
    assert made.steps == ()
