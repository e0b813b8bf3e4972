"""Pictures that prove a finding: the same place of the source and of the result, side by side."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from preflight.restore.acceptance.report import AcceptanceReport
from preflight.restore.acceptance.residue import Color
from preflight.restore.composite.frames import Picture
from preflight.restore.composite.matching import Match
from preflight.serialize import jsonable

MOST = 24
"""Pictures that are kept of each kind: those with the largest values."""

_MARGIN = 24
"""Samples around a place that its picture shows."""

_GAP = 8
"""Samples between the two halves of a picture."""


class _Kept(NamedTuple):
    value: float
    frame: int
    picture: Color


@dataclass(slots=True)
class EvidenceCollector:
    """Keeps the worst pictures of each kind, one for each thing, while the videos are examined."""

    wanted: bool = True
    _kept: dict[str, dict[tuple[int, ...], _Kept]] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        key: tuple[int, ...],
        match: Match[Picture, Picture],
        box: tuple[int, int, int, int],
        value: float,
    ) -> None:
        """Keep the place of a match unless worse ones are known; `key` tells one thing from another."""
        if not self.wanted:
            return
        kept = self._kept.setdefault(kind, {})
        known = kept.get(key)
        if known is not None and known.value >= value:
            return
        if known is None and len(kept) >= MOST:
            least = min(kept, key=lambda one: kept[one].value)
            if kept[least].value >= value:
                return
            del kept[least]
        kept[key] = _Kept(value, match.sent.number, _side_by_side(match, box))

    def write(self, folder: Path, report: AcceptanceReport) -> tuple[str, ...]:
        """Write the pictures and the report (`acceptance.json`) into a folder, which is made. Returns the names."""
        folder.mkdir(parents=True, exist_ok=True)
        names: list[str] = []
        for kind, kept in self._kept.items():
            for item in sorted(kept.values(), key=lambda item: item.frame):
                name = f"{kind}-{item.frame:06d}-{len(names):03d}.png"
                done, data = cv2.imencode(".png", item.picture)
                if done:
                    (folder / name).write_bytes(data.tobytes())
                    names.append(name)
        content = {**jsonable(report), "reasons": list(report.reasons), "evidence": names}
        (folder / "acceptance.json").write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        return tuple(names)


def _side_by_side(match: Match[Picture, Picture], box: tuple[int, int, int, int]) -> Color:
    """Return the source's place on the left or above, the result's on the right or below."""
    height, width = match.sent.frame.y.shape
    left, top = max(0, box[0] - _MARGIN), max(0, box[1] - _MARGIN)
    right, bottom = min(width, box[2] + _MARGIN), min(height, box[3] + _MARGIN)
    halves = [color(picture)[top:bottom, left:right] for picture in (match.sent.frame, match.cleaned.frame)]
    wide = right - left > 2 * (bottom - top)
    rows, columns = halves[0].shape[:2]
    gap = np.full((_GAP, columns, 3) if wide else (rows, _GAP, 3), 255, np.uint8)
    joined: Color = np.concatenate([halves[0], gap, halves[1]], axis=0 if wide else 1)
    return joined


def color(picture: Picture) -> Color:
    """Return a picture of 8-bit 4:2:0 planes with even sides as blue, green, red."""
    height, width = picture.y.shape
    packed = np.concatenate([plane.reshape(-1) for plane in picture]).reshape(height * 3 // 2, width)
    return np.asarray(cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420), np.uint8)
