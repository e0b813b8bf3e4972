"""Which version an ffmpeg is, and which of the features in use it lacks."""

import sys
from pathlib import Path

import pytest

from preflight.errors import ToolMissingError
from preflight.tools import ffmpeg, ffmpeg_build
from preflight.tools.ffmpeg_build import MINIMUM, Origin, parse_version


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright (c)", (5, 1)),
        ("ffmpeg version n9.0.2-17-g2a571b6068-20260930 Copyright", (9, 0)),
        ("ffmpeg version 4.2.2-static https://example.org/", (4, 2)),
        ("ffmpeg version N-109542-gabc\nlibavutil      57. 44.100 / 57. 44.100", (5, 0)),
        ("ffmpeg version git-2024-05-01\nlibavutil      59. 17.100 / 59. 17.100", (7, 0)),
    ],
)
def test_version_is_read_from_the_banner(banner: str, version: tuple[int, int]) -> None:
    parsed = parse_version(banner)
    assert parsed is not None
    assert parsed[0] == version


def test_another_program_has_no_version() -> None:
    assert parse_version("Python 3.11") is None
    with pytest.raises(ToolMissingError, match="no ffmpeg"):
        ffmpeg_build.version_of(sys.executable)


@pytest.mark.parametrize(("version", "accepted"), [("5.0.3", False), ("5.1", True), ("4.2.2-static", False)])
def test_minimum_version_is_required(version: str, accepted: bool, tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\necho ffmpeg version {version} Copyright\n")
    program.chmod(0o755)
    if accepted:
        assert ffmpeg_build.version_of(str(program))[0] == MINIMUM
        return
    with pytest.raises(ToolMissingError, match=rf"{version}; preflight needs 5\.1"):
        ffmpeg.find(str(program))


def test_wheel_is_used_unless_another_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFLIGHT_FFMPEG", raising=False)
    build = ffmpeg.describe()
    assert (build.origin, build.missing) == (Origin.WHEEL, ())
    assert ffmpeg.describe(build.path).origin is Origin.SETTING


def test_missing_features_are_named(tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ' V....D libx264              x264'\n")
    program.chmod(0o755)
    assert "encoder aac" in ffmpeg_build.missing_features(str(program))
    assert "encoder libx264" not in ffmpeg_build.missing_features(str(program))
