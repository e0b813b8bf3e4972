"""Run the program as a person does: a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def preflight(*arguments: object, timeout: float = 240, stdin: bytes = b"", **environment: str) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "preflight", *map(str, arguments)],
        capture_output=True,
        input=stdin,
        timeout=timeout,
        check=False,
        env=os.environ | environment,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Outcome(done.returncode, out, err)


def on_terminal(*arguments: object, **environment: str) -> tuple[int, str]:
    """Run the program on a terminal of its own and return its exit code and all that it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "preflight", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "200"} | environment,
    )
    os.close(theirs)
    shown = bytearray()
    # The end of a terminal whose other side is closed reads as an error on Linux.
    with contextlib.suppress(OSError):
        while piece := os.read(ours, 65_536):
            shown += piece
    os.close(ours)
    return process.wait(timeout=60), shown.decode()
