"""The worker process: reads tasks from stdin, writes results to stdout, ends when stdin does."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Serve until the other end is gone."""
    import cv2

    from preflight.engine.core import malloc
    from preflight.engine.parallel.pool import answer, receive, send

    cv2.setNumThreads(1)
    tasks, results = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not land among the results.
    os.dup2(2, 1)
    while True:
        try:
            task = receive(tasks)
        except EOFError:
            return
        send(results, answer(task))
        results.flush()
        del task
        malloc.release_freed_memory()


if __name__ == "__main__":
    main()
