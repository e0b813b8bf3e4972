"""Make a video pass the limits, with progress: python fix_video.py VIDEO FOLDER. Ctrl-C stops it cleanly."""

import signal
import sys
import threading
from pathlib import Path

import preflight


def show(progress: preflight.Progress) -> None:
    """Print how far a stage is."""
    share = "" if progress.fraction is None else f" {progress.fraction:.0%}"
    print(f"{progress.stage}{share}", file=sys.stderr)


def main(video: Path, folder: Path) -> int:
    """Print the plan, carry it out, and print the files to send."""
    cancel = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: cancel.set())
    report = preflight.check(video)
    plan = preflight.plan(report, policy=preflight.Policy.BALANCED)
    for step in plan.steps:
        print(f"{step.action}: {step.detail} (lost: {step.loss or 'nothing'})")
    try:
        fixed = preflight.fix(report, folder, listener=show, cancel=cancel)
    except preflight.CancelledError:
        return 130
    except preflight.PreflightError as error:
        print(f"{error} (a retry {'may' if error.retryable else 'does not'} help)", file=sys.stderr)
        return int(error.exit_code)
    for segment in fixed.segments:
        print(segment.media.path)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
