"""How finely the result is encoded: as the usual clip needs it, or as noise and grain do.

Everywhere outside the masks the result has to be within 46 dB of the source. The encoder's own measure of a few short
stretches tells whether the usual quality reaches that. Where it doesn't, the quantiser is held so fine that even white
noise does (46.3 dB for H.264 at QP 15, whose step of 3.6 gray levels bounds the error whatever the picture shows).
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

from preflight.engine.media.probe import Source
from preflight.tools import ffmpeg, process

USUAL_CRF = "14"
"""x264's rate factor: 46 to 48 dB on ordinary video."""
FINE_QP = "15"
"""Largest quantiser for grainy video: its step of 3.6 gray levels bounds the error of white noise to 46.3 dB."""
USUAL = ("-c:v", "libx264", "-preset", "veryfast", "-crf", USUAL_CRF)
FINE = (*USUAL, "-qmax", FINE_QP)
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1", "-b:v", "0")
USUAL_VP9, FINE_VP9 = (*_VP9, "-crf", "18"), (*_VP9, "-crf", "6")
_ENOUGH = 47.0
"""dB of luma that the stretches have to reach together: the figure, and a margin for what was not looked at."""
_PLACES = 5
"""Number of samples, evenly spread over the video."""
_FRAMES = 8
"""Frames of each sample."""
_MEASURED = re.compile(r"PSNR Mean Y:([\d.]+|inf)")


def needs_fine_quality(source: Source, program: str) -> bool:
    """Return True for a clip that the usual quality would not do justice to."""
    length = source.duration or Fraction(0)
    starts = [float(length * (2 * number + 1) / (2 * _PLACES)) for number in range(_PLACES)]
    with ThreadPoolExecutor(max_workers=min(_PLACES, os.cpu_count() or 1)) as threads:
        measured = threads.map(lambda start: _error(source, program, start), starts)
        errors = [error for error in measured if error is not None]
    return not errors or sum(errors) / len(errors) > 10 ** (-_ENOUGH / 10)


def _error(source: Source, program: str, start: float) -> float | None:
    """Return the mean square error (1 is white against black) of some frames from `start` s at the usual quality."""
    # One thread each: for so few frames more of them cost more than they save.
    argv = [program, "-hide_banner", "-nostats", "-nostdin", "-threads", "1", "-ss", f"{start:.3f}"]
    argv += [*ffmpeg.INPUT_GUARD, "-i", ffmpeg.local(source.path), "-map", "0:V:0", "-fps_mode", "passthrough"]
    argv += [
        "-frames:v",
        str(_FRAMES),
        *USUAL,
        "-threads",
        "1",
        "-flags",
        "+psnr",
        "-pix_fmt",
        "yuv420p",
        "-f",
        "null",
        "-",
    ]
    found = _MEASURED.findall(process.run(argv, timeout=120).stderr_tail)
    return 10 ** (-float(found[-1]) / 10) if found else None
