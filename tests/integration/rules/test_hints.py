"""Every command in a hint is run as it is printed, and what it makes no longer has the finding."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures import cases, clips
from preflight.checking import Terms, check
from preflight.model.limits import Limits
from preflight.model.media import AudioStream, ColorTags, Container, FileIdentity, Media, StreamKind, VideoStream
from preflight.model.report import Finding, Report
from preflight.rules import evaluation

LIMITS = {"duration": Limits(max_seconds=Fraction(2)), "size": Limits(max_bytes=150_000)}
"""Limits that a small clip breaks, as `preflight.toml` in the folder of the command says too."""
SETTINGS = {"duration": 'max_duration = "2"\n', "size": 'max_size = "150000"\n'}

HDR = "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc"

Maker = Callable[[Path], Path]


def coded(extension: str, *options: str) -> Maker:
    name = f"-a b'c.{extension}"
    made = f"a.{extension}"
    return lambda folder: clips.clip(folder / made, seconds=0.4, output=(*options, "-v", "quiet")).rename(folder / name)


def renamed(folder: Path) -> Path:
    return cases.one_second(folder, "mkv").rename(folder / "named `a`.mp4")


MAKERS: dict[str, Maker] = {
    "codec": coded("mp4", "-c:v", "libx265", "-preset", "ultrafast"),
    "bit-depth": coded("mp4", "-pix_fmt", "yuv420p10le"),
    "chroma": coded("mp4", "-pix_fmt", "yuv444p"),
    "hdr": coded("mkv", "-pix_fmt", "yuv420p10le", "-vf", HDR),
    "audio-codec": coded("mkv", "-c:a", "flac"),
    "interlaced": coded("mp4", "-vf", "interlace", "-flags", "+ilme+ildct", "-x264-params", "tff=1"),
    "container": coded("flv"),
    "container-name": renamed,
    "resolution": lambda folder: clips.clip(folder / "large.mp4", size=(2560, 1440), seconds=0.2),
    "duration": lambda folder: clips.clip(folder / "long.mp4", seconds=5, output=("-g", "10")),
    "size": lambda folder: clips.clip(folder / "big.mp4", seconds=4, output=("-g", "10", "-b:v", "600k", "-crf", "18")),
}


def terms(rule: str) -> Terms:
    return Terms(limits=LIMITS.get(rule, Limits()))


def found(report: Report, rule: str) -> Finding:
    return next(finding for finding in report.findings if finding.rule == rule)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line of `preflight` in `folder`, by a shell's rules of quoting."""
    program, *words = shlex.split(command)
    assert program == "preflight"
    (folder / "preflight.toml").touch()
    return subprocess.run(
        [sys.executable, "-m", "preflight", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("rule", sorted(MAKERS))
def test_command_of_the_hint_mends_the_finding(tmp_path: Path, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "preflight.toml").write_text(SETTINGS.get(rule, ""))
    report = check(MAKERS[rule](Path()), terms=terms(rule))
    finding = found(report, rule)
    assert finding.command is not None
    assert f"(`{finding.command}`)" in str(finding.fix)
    done = run(finding.command, tmp_path)
    assert done.returncode == 0, done.stderr
    made = [file for file in (tmp_path / "fixed").rglob("*") if file.suffix in {".mp4", ".mkv", ".mov"}]
    assert made
    for file in made:
        again = check(file, terms=terms(rule))
        assert again.ok
        assert rule not in {f.rule for f in again.findings}


def test_every_rule_with_a_command_is_among_the_tested_ones() -> None:
    sound = AudioStream(index=1, kind=StreamKind.AUDIO, codec="flac", duration=Fraction(400))
    picture = VideoStream(
        index=0,
        kind=StreamKind.VIDEO,
        codec="hevc",
        width=3840,
        height=2160,
        interlaced=True,
        bit_depth=10,
        chroma="4:2:2",
        color=ColorTags(transfer="smpte2084"),
    )
    commands = set()
    for container in (Container.FLV, Container.MKV):
        media = Media(
            path=Path("a.mp4"),
            identity=FileIdentity(size=10**9, mtime_ns=0, inode=1),
            container=container,
            streams=(picture, sound),
            duration=Fraction(400),
        )
        commands |= {finding.rule for finding in evaluation.evaluate(media).findings if finding.command}
    assert commands == set(MAKERS)


def test_file_that_a_fix_refuses_gets_no_command() -> None:
    stream = VideoStream(index=0, kind=StreamKind.VIDEO, codec="h264", width=3840, height=2160, encrypted=True)
    media = Media(
        path=Path("a.mp4"),
        identity=FileIdentity(size=10, mtime_ns=0, inode=1),
        container=Container.MP4,
        streams=(stream,),
        duration=Fraction(400),
    )
    findings = evaluation.evaluate(media).failures
    assert {finding.rule for finding in findings} == {"duration", "encrypted", "resolution"}
    assert not any(finding.command or "`" in str(finding.fix) for finding in findings)
