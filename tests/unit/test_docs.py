import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_readme_leads_only_to_pages_that_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []
