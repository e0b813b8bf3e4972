"""Write docs/sbom.cdx.json, the wheel's bill of materials in CycloneDX 1.6: `python -m docs.build_sbom`.

It names what the package installs directly, with the licence that each declares, and the binaries that those bring.
"""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "sbom.cdx.json"

BINARIES = {
    "imageio-ffmpeg": ("ffmpeg", "GPL-3.0-or-later"),
    "pymediainfo": ("MediaInfo", "BSD-2-Clause"),
    "onnxruntime": ("ONNX Runtime", "MIT"),
    "opencv-python-headless": ("OpenCV", "Apache-2.0"),
    "rapidocr": ("PaddleOCR models", "Apache-2.0"),
}
"""What a package brings besides its Python code, and its licence; the README has the same table."""


def requirements() -> dict[str, tuple[str, str]]:
    """Return version range and scope (`required`, or `optional` for the extra `local`) by the name of each package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [(text, "required") for text in project["dependencies"]]
    listed += [(text, "optional") for text in project["optional-dependencies"]["local"]]
    found = {}
    for text, scope in listed:
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(.*)", text)
        assert match is not None  # noqa: S101
        found[match[1].lower()] = (match[2], scope)
    return found


def bill() -> dict[str, Any]:
    """Return the document. Licences come from the packages that are installed here."""
    components = [_component(name, *found) for name, found in sorted(requirements().items())]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "preflight-video",
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": components,
    }


def _component(name: str, versions: str, scope: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "library", "name": name, "purl": f"pkg:pypi/{name}", "scope": scope}
    if versions:
        made["properties"] = [{"name": "preflight:versions", "value": versions}]
    licence = _licence(name)
    if licence:
        made["licenses"] = [{"license": {"name": licence}}]
    if name in BINARIES:
        binary, terms = BINARIES[name]
        made["components"] = [{"type": "library", "name": binary, "licenses": [{"license": {"id": terms}}]}]
    return made


def _licence(name: str) -> str | None:
    """Return the licence that a package declares, in one line."""
    try:
        declared = metadata(name)
    except PackageNotFoundError:
        return None
    said = declared.get("License-Expression") or declared.get("License") or ""
    classified = [text.rpartition(" :: ")[2] for text in declared.get_all("Classifier") or () if "License ::" in text]
    return said.strip() if said and "\n" not in said.strip() else next(iter(classified), None)


if __name__ == "__main__":
    FILE.write_text(json.dumps(bill(), indent=2) + "\n", encoding="utf-8")
