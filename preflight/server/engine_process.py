"""The process that removes text: jobs come as JSON lines on stdin, what happens goes out as JSON lines on stdout.

Run as `python -m preflight.server.engine_process MODULE:FUNCTION`. It ends, with all its children, when stdin does: a
service that was killed leaves no worker behind.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from preflight import serialize
from preflight.errors import InputError, PreflightError
from preflight.server import request_params


def main(entry: str) -> None:
    """Do jobs until stdin ends."""
    # Whatever a library prints must not mix with the answers: the engine's stdout becomes stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, jobs), daemon=True).start()
    module, _, name = entry.partition(":")
    remove_text = getattr(importlib.import_module(module), name)
    while True:
        _answer(answers, _do(remove_text, jobs.get(), answers))


def _read(stream: IO[bytes], jobs: queue.Queue[dict[str, Any]]) -> None:
    for line in stream:
        jobs.put(json.loads(line))
    if os.name == "posix" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _do(remove_text: Callable[..., Any], job: dict[str, Any], answers: IO[str]) -> dict[str, Any]:
    said = -1

    def progress(share: float) -> None:
        nonlocal said
        if int(share * 100) > said:
            said = int(share * 100)
            _answer(answers, {"progress": share})

    try:
        report = remove_text(
            Path(job["source"]),
            Path(job["destination"]),
            request_params.options(job["options"]),
            ffmpeg=job["ffmpeg"],
            on_progress=progress,
            **({"fill_model": Path(job["fill_model"])} if job.get("fill_model") else {}),
        )
    except InputError as error:
        return {"code": 702, "message": error.message}
    except PreflightError as error:
        return {"code": 801, "message": error.message}
    except Exception as error:  # noqa: BLE001 - the engine meets any video there is; the service has to answer
        traceback.print_exc()
        return {"code": 801, "message": f"model failed: {type(error).__name__}"}
    return {"quality": serialize.jsonable(report)}


def _answer(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message, default=str) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
