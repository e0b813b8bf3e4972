"""Processes that run out of time, are cancelled, talk much, or lose their parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from preflight.errors import CancelledError, ToolError, ToolMissingError
from preflight.tools import process

ORPHAN = """
import sys, time
from preflight.tools import process
with process.start([sys.executable, "-c", "import time; time.sleep(600)"]) as running:
    print(running.pid, flush=True)
    time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A killed child of nobody may stay as a zombie for a moment.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def gone(pid: int) -> bool:
    end = time.monotonic() + 20
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pid)


HELD = """
import sys
from preflight.tools import process
def hold():
    with process.start([sys.executable, "-c", "import time; time.sleep(600)"]) as running:
        yield running.pid
held = hold()
print(next(held), flush=True)
"""
"""A program that ends while a generator still holds a child, as an interrupted reader of frames does."""


def sleeper(*more: str) -> list[str]:
    return [sys.executable, "-c", "import time; time.sleep(600)", *more]


def test_output_and_last_words_are_kept() -> None:
    code = "import sys; print('out'); print('one\\ntwo', file=sys.stderr); sys.exit(3)"
    done = process.run([sys.executable, "-c", code])
    assert (done.status, done.stdout, done.stderr_tail) == (3, b"out\n", "one\ntwo")


def test_much_talk_does_not_block() -> None:
    code = "import sys\nfor n in range(20000): print('x' * 80, file=sys.stderr)\nprint('done')"
    done = process.run([sys.executable, "-c", code])
    assert done.stdout == b"done\n"
    assert len(done.stderr_tail.splitlines()) == 40


def test_time_out_kills() -> None:
    with pytest.raises(ToolError, match="longer than"), process.start(sleeper()) as running:
        running.wait(timeout=0.2)
    assert not alive(running.pid)


def test_cancel_kills() -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(CancelledError), process.start(sleeper()) as running:
        running.wait(cancel=stop)
    assert not alive(running.pid)


def test_grandchildren_are_killed_too(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\ntime.sleep(600)"
    )
    with process.start([sys.executable, "-c", code]) as running:
        while not (note.exists() and note.read_text()):
            time.sleep(0.02)
        running.kill()
    assert gone(int(note.read_text()))


def test_pipes_carry_both_ways() -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])"
    with process.start([sys.executable, "-c", code], stdin=process.PIPE, stdout=process.PIPE) as running:
        running.stdin.write(b"abc")
        running.stdin.close()
        assert running.stdout.read() == b"cba"
        assert running.wait() == 0


def test_missing_program_is_named() -> None:
    with pytest.raises(ToolMissingError, match="no-such-program"):
        process.run(["no-such-program"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_child_does_not_outlive_its_parent(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(number)
        parent.wait()
        assert gone(child)


def test_generator_left_at_exit_ends_quietly_with_its_child() -> None:
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert gone(int(done.stdout))


def test_output_that_may_be_truncated_is_an_error() -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'], start_new_session=True)\n"
        "print('half')"
    )
    with pytest.raises(ToolError, match="incomplete"):
        process.run([sys.executable, "-c", code])


def test_error_of_a_listener_is_raised() -> None:
    def refuse(line: str) -> None:
        raise RuntimeError(line)

    with pytest.raises(RuntimeError, match="1"):
        process.run([sys.executable, "-c", "for n in range(1, 100000): print(n)"], on_line=refuse)


def test_slow_listener_gets_everything() -> None:
    lines: list[str] = []

    def wait(line: str) -> None:
        time.sleep(0.001)
        lines.append(line)

    process.run([sys.executable, "-c", "for n in range(500): print(n)"], on_line=wait)
    assert lines == [str(n) for n in range(500)]
