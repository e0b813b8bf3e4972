"""Text removal on this machine for HDR: the engine works on a tone-mapped version, and the composite is HDR."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preflight.fixing import video_options
from preflight.model.media import Media
from preflight.model.plan import VideoEncode
from preflight.settings import Settings
from preflight.tools import ffmpeg, files
from preflight.workflow import composition, picture_sizes

if TYPE_CHECKING:
    from preflight.engine.types import RemovalReport
    from preflight.model.job import RemovalOptions

SDR_CRF = 10
"""Quality of the tone-mapped version: no difference from the decoded frames is seen, and it is only worked on."""


def remove_text(
    media: Media,
    destination: Path,
    options: RemovalOptions,
    *,
    settings: Settings,
    on_progress: Callable[[float], None] | None = None,
    **engine_options: Any,
) -> RemovalReport:
    """Remove text from an HDR video; what is not text stays HDR.

    Args:
        media: The video.
        destination: The cleaned video, which is replaced.
        options: What is removed.
        settings: `ffmpeg` names another program than the wheel's.
        on_progress: Called with the share of the engine's work that is done, 0..1.
        **engine_options: As `preflight.remove_text` takes them, such as `any_script` and `sheet`.

    Raises:
        UsageError: The fill model can't be used.
        InputError: The video can't be decoded.
        ToolError: ffmpeg failed.
        DiskFullError: There is no room for the tone-mapped version.
    """
    from preflight import engine

    program = ffmpeg.find(settings.ffmpeg)
    if engine_options.get("fill_model") is not None:
        engine.check_fill_model(engine_options["fill_model"])
    video = picture_sizes.picture_of(media)
    encode = VideoEncode(crf=SDR_CRF, tone_map=True, deinterlace=video.interlaced)
    size = picture_sizes.upright(video)
    filters = ",".join(video_options.filters(encode, video))
    with files.scratch(destination.parent) as folder:
        sdr, cleaned = folder / "sdr.mp4", folder / "cleaned.mp4"
        argv = [program, *ffmpeg.QUIET, *ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(media.path), "-map", "0:V:0"]
        argv += ["-vf", filters, "-c:v", "libx264", "-preset", encode.preset, "-crf", str(SDR_CRF)]
        argv += ["-fps_mode", "passthrough", "-enc_time_base", video_options.TIME_BASE]
        ffmpeg.run([*argv, "-video_track_timescale", video_options.TIME_SCALE, ffmpeg.local(sdr)])
        report = engine.remove_text(sdr, cleaned, options, ffmpeg=program, on_progress=on_progress, **engine_options)
        recipe = composition.Recipe(
            cleaned=(cleaned,),
            sent=(sdr,),
            starts=(Fraction(0),),
            end=None,
            shown=size,
            size=(size[0] - size[0] % 2, size[1] - size[1] % 2),
            crop=None,
            filters=filters,
            is_trimmed=False,
        )
        composition.compose(media, recipe, destination, keep_audio=not options.remove_audio, settings=settings)
    return report
