"""Check every video below a folder: python check_folder.py FOLDER. Exits with 3 when one would be refused."""

import sys
from pathlib import Path

import preflight


def main(folder: Path) -> int:
    """Print the verdict on each file, and the mend of each failure."""
    refused = 0
    limits = preflight.Limits(max_bytes=150_000_000)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for report in preflight.check_many(paths, limits=limits, ignore=["moov-at-end"]):
        print(f"{report.path}: {'ok' if report.ok else report.codes}")
        for finding in report.failures:
            print(f"  {finding.message} {finding.fix or ''}")
        refused += not report.ok
    return 3 if refused else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
