"""A question is asked on a terminal only, and nothing but a yes agrees."""

import os
import subprocess
import sys

import pytest

CODE = "from preflight.cli import console; print(console.agrees('This is paid for. Go on?'))"


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize(
    ("typed", "agreed"), [(b"y", True), (b"YES", True), (b"n", False), (b"", False), (b"yo", False)]
)
def test_only_a_yes_on_a_terminal_agrees(typed: bytes, agreed: object) -> None:
    person, terminal = os.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", CODE], stdin=terminal, stderr=terminal, stdout=subprocess.PIPE
        ) as asked:
            os.write(person, typed + b"\n")
            answer = asked.communicate(timeout=30)[0]
        assert b"This is paid for. Go on?" in os.read(person, 4096)
    finally:
        os.close(person)
        os.close(terminal)
    assert answer.decode().strip() == str(agreed)


def test_nobody_is_asked_without_a_terminal() -> None:
    asked = subprocess.run([sys.executable, "-c", CODE], input=b"yes\n", capture_output=True, check=True, timeout=30)
    assert (asked.stdout.strip(), asked.stderr) == (b"False", b"")
