import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_leads_only_to_pages_that_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_architecture_names_only_modules_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`([\w/]+(?:\.py|/))`", text))
    assert len(named) > 20
    missing = [
        name for name in sorted(named) if not (ROOT / "preflight" / name).exists() and not (ROOT / name).exists()
    ]
    assert missing == []
