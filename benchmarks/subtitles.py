"""Are burned-in captions found with their words and exact frames, and how long does that take at 1080p?

    python benchmarks/subtitles.py CLIP... [--captions 200] [--seconds 30] [--size 1920x1080]

Captions of our own (Chinese, English, both at once; six styles) are burned into the clips, which are scaled to the size
and repeated to the length; what is found is compared with what was burned in. Spaces count as characters. Where the
background was scaled up, real footage of 1080p has more detail.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fixtures import captions, clips, crowd
from fixtures.captions import Caption
from preflight import engine
from preflight.model.text import ScreenText, ScreenTexts, TextRole
from preflight.tools import ffmpeg

STYLES = ("white", "yellow", "plain", "shadow", "pink", "plate")
EN = (*crowd._EN, "This is the moment we have waited for", 'He said: "I\'ll be back at 7:30"', "50% off, today only!")  # noqa: SLF001
ZH = (*crowd._ZH, "今天我们来看看这款新产品", "价格只要九十九元包邮", "你觉得这个怎么样？")  # noqa: SLF001, RUF001
MADE = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-an")


def script(seconds: float, height: int, seed: int) -> list[Caption]:
    """Return captions at the bottom, one or two lines at a time, some right after another."""
    chance = random.Random(seed)  # noqa: S311
    result, now = [], 0.3
    while now + 1.0 < seconds:
        end = min(now + chance.choice((0.8, 1.2, 1.7, 2.4, 3.1)), seconds - 0.2)
        style, kind = chance.choice(STYLES), chance.choice(("zh", "en", "both"))
        large = round(height * chance.choice((0.05, 0.06, 0.07)))
        rows = {"zh": [(ZH, large)], "en": [(EN, large)], "both": [(ZH, large), (EN, round(large * 0.75))]}[kind]
        # The same words twice in one place are one text to a viewer.
        spoken = {caption.text for caption in result[-2:]}
        for number, (words, size) in enumerate(rows):
            down = round(height * (0.86 if len(rows) == 2 and number == 0 else 0.94))
            effect = f"\\an2\\pos({height * 8 // 9},{down})\\fs{size}"
            result.append(
                Caption(
                    start=round(now, 2),
                    end=round(end, 2),
                    text=chance.choice([w for w in words if w not in spoken]),
                    style=style,
                    effect=effect,
                )
            )
        now = end + chance.choice((0.0, 0.2, 0.6))
    return result


def right_characters(read: str, text: str) -> int:
    return sum(block.size for block in SequenceMatcher(None, read, text, autojunk=False).get_matching_blocks())


def cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def compare(found: ScreenTexts, texts: list[Caption], rate: float, *, verbose: bool) -> Counter:
    score: Counter = Counter()
    shown = [text for text in found.texts if text.role is TextRole.CAPTION]
    used: list[ScreenText] = []
    for caption in texts:
        first, last = crowd.frames(caption, rate, found.frames)
        near = [t for t in shown if t.last_frame >= first and t.first_frame <= last and not any(t is u for u in used)]
        best = max(near, key=lambda t: right_characters(t.text, caption.text), default=None)
        score["captions"] += 1
        language = "zh" if any(letter > "\u3000" for letter in caption.text) else "en"
        score[f"characters {language}"] += len(caption.text)
        if best is None or right_characters(best.text, caption.text) < 0.5 * len(caption.text):
            print(f"    missed: {caption.text} {caption.style} {first}-{last}")
            continue
        used.append(best)
        right = right_characters(best.text, caption.text)
        extra = max(0, len(best.text) - right)
        score[f"right {language}"] += max(0, right - extra * (len(best.text) > len(caption.text)))
        off = abs(best.first_frame - first), abs(best.last_frame - last)
        score["found"] += 1
        score["edges"] += 2
        score["exact edges"] += sum(edge == 0 for edge in off)
        score["edges within one"] += sum(edge <= 1 for edge in off)
        if max(off) or (verbose and best.text != caption.text):
            print(f"    {caption.text!r} read {best.text!r}, {caption.style}, off by {off}")
    score["others"] = sum(not any(t is u for u in used) for t in shown)
    return score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--captions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    total, number, video, wall, used = Counter(), 0, 0.0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as scratch:
        while total["captions"] < arguments.captions:
            clip = arguments.clips[number % len(arguments.clips)]
            texts = script(arguments.seconds, height, number)[: arguments.captions - total["captions"]]
            made, shown = Path(scratch) / "plain.mkv", Path(scratch) / f"{number}.mp4"
            fit = f"scale={width}:{height}:flags=bicubic,setsar=1,fps=25"
            clips.run("-stream_loop", "9", "-i", clip, "-map", "0:V:0", "-t", str(arguments.seconds), "-vf", fit,
                      *MADE[:2], "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p", "-an", made)  # fmt: skip
            captions.burn(made, shown, texts, size=(width, height), output=MADE)
            begun, before = time.monotonic(), cpu()
            found = engine.find_texts(shown, ffmpeg=ffmpeg.find())
            wall, used, video = wall + time.monotonic() - begun, used + cpu() - before, video + found.frames / 25
            score = compare(found, texts, 25.0, verbose=arguments.verbose)
            print(f"{clip.name}: {dict(score)}", flush=True)
            total, number = total + score, number + 1
            shown.unlink()
    print(f"total: {dict(total)}")
    for language in ("zh", "en"):
        if total[f"characters {language}"]:
            print(f"characters right, {language}: {total[f'right {language}'] / total[f'characters {language}']:.4f}")
    print(
        f"found {total['found'] / total['captions']:.4f}, exact edges {total['exact edges'] / total['edges']:.4f}, ",
        end="",
    )
    print(f"within one frame {total['edges within one'] / total['edges']:.4f}")
    print(
        f"{video:.0f} s of video: {used / video:.3f} s of processor time and {wall / video:.3f} s of wall time a second"
    )


if __name__ == "__main__":
    main()
