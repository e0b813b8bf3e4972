"""The network: a small U-Net at half size that corrects a harmonic fill inside its hole."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.patches import CANDIDATES, CHANNELS, SCALE

WIDTHS = (40, 64, 96, 112)
"""Feature maps at half, quarter, eighth and sixteenth size; 0.79 million parameters in all."""


class _Pair(nn.Module):
    """Two 3x3 convolutions with a short cut around the second."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.act = nn.ReLU(inplace=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the feature maps."""
        x = self.act(self.first_norm(self.first(x)))
        return self.act(x + self.second_norm(self.second(x)))


class FillNet(nn.Module):
    """Weighs the candidate fills of a hole and corrects their mean.

    Input [n, CHANNELS, h, w] and fills [n, CANDIDATES, 6, h, w] -> filled [n, 6, h, w] in gray levels; h and w are
    multiples of 8.
    """

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.down = nn.ModuleList([_Pair(CHANNELS, a), _Pair(a, b), _Pair(b, c), _Pair(c, d)])
        self.up = nn.ModuleList([_Pair(d + c, c), _Pair(c + b, b), _Pair(b + a, a)])
        self.weights = nn.Conv2d(a, 4 * CANDIDATES, 1)
        self.correction = nn.Conv2d(a, 6, 1)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)
        with torch.no_grad():
            self.weights.bias.view(CANDIDATES, 4)[-1] = 2.0

    def forward(self, x: Tensor, fills: Tensor) -> Tensor:
        """Return the filled planes."""
        kept: list[Tensor] = []
        for number, block in enumerate(self.down):
            x = block(x if number == 0 else nn.functional.avg_pool2d(x, 2))
            kept.append(x)
        x = kept.pop()
        for block in self.up:
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(torch.cat((x, kept.pop()), 1))
        n, _, h, w = x.shape
        share = self.weights(x).view(n, CANDIDATES, 4, h, w).softmax(1)
        luma = (share * fills[:, :, :4]).sum(1)
        chroma = (share.mean(2, keepdim=True) * fills[:, :, 4:]).sum(1)
        return torch.cat((luma, chroma), 1) + SCALE * self.correction(x)
