"""What a release carries: its bill of materials, its manual, and a container that runs without rights."""

import json
import re
import tomllib
from pathlib import Path

from docs.build_sbom import BINARIES, FILE, requirements

ROOT = Path(__file__).parents[2]


def test_bill_of_materials_names_every_direct_dependency() -> None:
    bill = json.loads(FILE.read_text())
    listed = {component["name"]: component for component in bill["components"]}
    assert set(listed) == set(requirements()), "run: python -m docs.build_sbom"
    for name, (versions, scope) in requirements().items():
        assert listed[name]["scope"] == scope
        assert [entry["value"] for entry in listed[name].get("properties", [])] == ([versions] if versions else [])


def test_readme_names_the_licence_of_every_binary() -> None:
    readme = (ROOT / "README.md").read_text()
    for package, (_, licence) in BINARIES.items():
        row = next(line for line in readme.splitlines() if line.startswith(f"| {package}"))
        assert licence in row


def test_wheel_has_bill_manual_and_completions() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for path in (*wheel["sbom-files"], *wheel["shared-data"]):
        assert (ROOT / path).is_file()


def test_container_runs_without_rights_and_copies_what_the_wheel_needs() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    for path in ("docs/sbom.cdx.json", "docs/preflight.1", "docs/completions"):
        assert path in text
        assert f"!{path}" in (ROOT / ".dockerignore").read_text()
