"""Judge a trained network on held-out frames: `python -m training.evaluate FRAMES MODEL.onnx --fonts ...`.

Per source and kind of hole: PSNR, SSIM and GMSD (Xue et al. 2014, IEEE TIP 23(2)) of the luma in the hole, for Telea
(radius 3), the harmonic fill and the network.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.masks import BoolMask, Kind, hole
from training.patches import Field, sample

SIZE = 192


def psnr(one: Field, other: Field, where: BoolMask) -> float:
    """Return the PSNR in dB inside a mask."""
    return float(10 * np.log10(255**2 / (np.mean((one[where] - other[where]) ** 2) + 0.05)))


def ssim(one: Field, other: Field, where: BoolMask) -> float:
    """Return the mean SSIM (Wang et al. 2004) inside a mask."""
    blur = lambda x: cv2.GaussianBlur(x, (11, 11), 1.5)  # noqa: E731
    a, b = blur(one), blur(other)
    va, vb, cov = blur(one * one) - a * a, blur(other * other) - b * b, blur(one * other) - a * b
    value = ((2 * a * b + 6.5) * (2 * cov + 58.5)) / ((a * a + b * b + 6.5) * (va + vb + 58.5))
    return float(value[where].mean())


def gmsd(one: Field, other: Field, where: BoolMask) -> float:
    """Return the gradient magnitude similarity deviation inside a mask; lower is better."""

    def slope(x: Field) -> Field:
        k = np.array([[1, 0, -1]] * 3, np.float32) / 3
        return np.hypot(cv2.filter2D(x, -1, k), cv2.filter2D(x, -1, k.T))

    a, b = slope(one), slope(other)
    return float(((2 * a * b + 170) / (a * a + b * b + 170))[where].std())


def shuffled(phases: NDArray[np.float32]) -> Field:
    """Return the plane of four phases."""
    _, height, width = phases.shape
    plane = np.empty((2 * height, 2 * width), np.float32)
    for number, (y, x) in enumerate((y, x) for y in (0, 1) for x in (0, 1)):
        plane[y::2, x::2] = phases[number]
    return plane


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(given.model), options)
    rows: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for path in sorted(given.frames.glob("*.npz")):
        frame = dict(np.load(path))
        rng = random.Random(path.name)
        for kind in (Kind.STROKES, Kind.OUTLINED, Kind.BOX, Kind.LOGO):
            for _ in range(given.rounds):
                y, x = (2 * rng.randrange((side - SIZE) // 2 + 1) for side in frame["luma"].shape)
                luma = np.ascontiguousarray(frame["luma"][y : y + SIZE, x : x + SIZE])
                chroma = np.ascontiguousarray(frame["chroma"][y // 2 : (y + SIZE) // 2, x // 2 : (x + SIZE) // 2])
                mask = hole(rng, SIZE, kind, given.fonts)
                made = sample(luma, chroma, mask)
                filled = session.run(None, {"inputs": made.inputs[None], "fills": made.fills[None]})[0][0]
                truth = luma.astype(np.float32)
                telea = cv2.inpaint(luma, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.float32)
                plane = np.where(mask, shuffled(filled[:4]), truth)
                harmonic = shuffled(made.fills[-1, :4])
                values = [m(one, truth, mask) for m in (psnr, ssim, gmsd) for one in (telea, harmonic, plane)]
                rows[path.name.split("_")[0], kind].append(values)
    sources = sorted({source for source, _ in rows})
    print("source kind | PSNR Telea harmonic network gain | SSIM | GMSD")
    for kind in (Kind.STROKES, Kind.OUTLINED, Kind.BOX, Kind.LOGO):
        means = {source: np.mean(rows[source, kind], axis=0) for source in sources}
        for source, mean in means.items():
            print(source, kind, np.round(mean[:3], 2), f"{mean[2] - mean[1]:+.2f}", np.round(mean[3:], 3))
        mean = np.mean(list(means.values()), axis=0)
        least = min(mean[2] - mean[1] for mean in means.values())
        print(
            "MEAN", kind, np.round(mean[:3], 2), f"{mean[2] - mean[1]:+.2f} (least {least:+.2f})", np.round(mean[3:], 4)
        )


if __name__ == "__main__":
    main()
