"""Twelve moving contents of rising difficulty, made with ffmpeg: the clips that fixes are measured on."""

from __future__ import annotations

from pathlib import Path

from fixtures import clips

# What is not given here ffmpeg chooses at random, even with a seed.
_GRADIENTS = "gradients=size={s}:rate=25:c0=0x205080:c1=0xb09060:x0=0:y0=0:x1=479:y1=269"
CONTENTS = {
    "bars": "smptehdbars=size={s}:rate=25,noise=alls=20:allf=t",
    "pattern": "testsrc2=size={s}:rate=25",
    "noisy-pattern": "testsrc2=size={s}:rate=25,noise=alls=12:allf=t",
    "heavy-noise": "testsrc2=size={s}:rate=25,noise=alls=40:allf=t",
    "fractal": "mandelbrot=size={s}:rate=25",
    "life": "life=size={s}:rate=25:mold=10:ratio=0.1:seed=1:life_color=#C83232:death_color=#3232C8,boxblur=1",
    "gradients": _GRADIENTS + ":speed=0.02,noise=alls=14:allf=t+u",
    "grain-on-gradients": _GRADIENTS + ":speed=0.01,noise=alls=10:allf=t",
    "zoom": "testsrc2=size={s}:rate=25,zoompan=z='1+0.2*abs(sin(on/80))':d=1:s={s}:fps=25",
    "cuts": "testsrc2=size={s}:rate=25,hue=h='90*floor(t/2)',rotate='floor(t/2)*0.7'",
    "calm-then-wild": "testsrc2=size={s}:rate=25,noise=alls='30':allf=t:enable='gt(mod(t\\,20)\\,10)'",
    "wild-then-calm": "testsrc2=size={s}:rate=25,noise=alls='30':allf=t:enable='lt(mod(t\\,20)\\,10)'",
}


def make(name: str, folder: Path, *, seconds: int, size: str = "480x270") -> Path:
    """Make the content `name` in high quality, with a keyframe every four seconds and sound."""
    path = folder / f"{name}-{seconds}.mp4"
    if not path.exists():
        source = CONTENTS[name].format(s=size)
        clips.run("-f", "lavfi", "-t", str(seconds), "-i", source, "-f", "lavfi", "-t", str(seconds), "-i", "sine=440",
                  "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", "-g", "100", "-pix_fmt", "yuv420p",
                  "-c:a", "aac", "-b:a", "32k", path)  # fmt: skip
    return path
