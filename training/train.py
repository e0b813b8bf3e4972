"""Train the network: `python -m training.train FRAMES OUTPUT --steps N`, reproducible by seed, resumable."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.network import FillNet
from training.patches import PatchSource

BATCH = 16
RATE = 2e-3
"""Learning rate at its highest; it rises over the first hundred steps and falls along a cosine."""
FLOOR = 20.0
"""Squared gray levels below which a hole counts as well filled: its error is not worth more attention."""


class Batches(torch.utils.data.IterableDataset[tuple[Tensor, ...]]):
    """Endless batches of samples."""

    def __init__(self, frames: list[Path], fonts: list[Path], seed: int) -> None:
        self._frames, self._fonts, self._seed = frames, fonts, seed

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        torch.set_num_threads(1)
        source = PatchSource(self._frames, self._fonts, self._seed)
        while True:
            drawn = [source.draw() for _ in range(BATCH)]
            yield tuple(
                torch.from_numpy(np.stack([getattr(one, name) for one in drawn]))
                for name in ("inputs", "fills", "truth", "weight")
            )


def loss_of(filled: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Return the mean over samples of the logarithm of the squared error in the hole, which is what PSNR measures."""
    error = (filled - truth) ** 2 * weight
    luma = error[:, :4].sum((1, 2, 3)) / weight[:, :4].sum((1, 2, 3)).clamp(min=1)
    chroma = error[:, 4:].sum((1, 2, 3)) / weight[:, 4:].sum((1, 2, 3)).clamp(min=1)
    return (torch.log(luma + FLOOR) + 0.3 * torch.log(chroma + FLOOR)).mean()


def main() -> None:
    """Train until `--steps`, saving every few minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frames", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--fonts", type=Path, nargs="+", required=True)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--start", type=Path, help="weights to start from, with a new schedule")
    parser.add_argument("--rate", type=float, default=RATE, help="highest learning rate")
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    torch.set_num_threads(given.threads)
    net = FillNet().to(memory_format=torch.channels_last)
    print("parameters:", sum(p.numel() for p in net.parameters()))
    tuned = torch.optim.AdamW(net.parameters(), lr=given.rate, weight_decay=1e-4)
    rise = torch.optim.lr_scheduler.LinearLR(tuned, 0.05, total_iters=100)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(tuned, given.steps, eta_min=given.rate / 100)
    schedule = torch.optim.lr_scheduler.ChainedScheduler([rise, fall])
    first = 0
    if given.start is not None:
        net.load_state_dict(torch.load(given.start, weights_only=False)["net"])
    if given.output.exists():
        state = torch.load(given.output, weights_only=False)
        net.load_state_dict(state["net"])
        tuned.load_state_dict(state["tuned"])
        schedule.load_state_dict(state["schedule"])
        first = state["step"]
    frames = sorted(given.frames.glob("*.npz"))
    batches = iter(Batches(frames, given.fonts, given.seed * 1000 + first))
    begun, seen, gained = time.monotonic(), 0.0, 0.0
    for step in range(first, given.steps):
        inputs, fills, truth, weight = next(batches)
        filled = net(inputs.to(memory_format=torch.channels_last), fills)
        loss = loss_of(filled, truth, weight)
        tuned.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        tuned.step()
        schedule.step()
        seen += loss.item()
        gained += loss_of(fills[:, -1], truth, weight).item() - loss.item()
        if (step + 1) % 50 == 0:
            pace = (time.monotonic() - begun) / (step + 1 - first)
            print(f"{step + 1} loss {seen / 50:.4f} gain {gained / 50:.4f} {pace:.2f} s/step", flush=True)
            seen = gained = 0.0
        if (step + 1) % 500 == 0 or step + 1 == given.steps:
            torch.save(
                {
                    "net": net.state_dict(),
                    "tuned": tuned.state_dict(),
                    "schedule": schedule.state_dict(),
                    "step": step + 1,
                },
                given.output,
            )


if __name__ == "__main__":
    main()
