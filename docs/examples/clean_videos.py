"""Remove burned-in English text from videos: python clean_videos.py FOLDER VIDEO...

With an account and a bucket in the environment, the cloud service does the work; else this machine (extra `local`).
"""

import sys
from pathlib import Path

import preflight


def main(folder: Path, videos: list[Path]) -> int:
    """Process the videos two at a time and print what became of each."""
    settings = preflight.load_settings(flags={"deadline": 1800.0})
    options = preflight.RemovalOptions(language="en")
    request = preflight.RunRequest(output=folder, options=options)
    failures = 0
    for result in preflight.run_many(videos, request=request, settings=settings, jobs=2):
        match result:
            case preflight.Succeeded(file=file):
                print(f"{result.source}: {file}")
            case preflight.Failed(error=error):
                print(f"{result.source}: {error}", file=sys.stderr)
                failures += 1
            case preflight.Rejected(reason=reason):
                print(f"{result.source}: refused: {reason}", file=sys.stderr)
                failures += 1
            case _:
                print(f"{result.source}: {type(result).__name__}; `preflight resume` goes on", file=sys.stderr)
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
