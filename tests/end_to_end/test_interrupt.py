import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from fixtures import captions, clips

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough that every stage can be met: two seconds that have to be scaled and cleaned."""
    folder = tmp_path_factory.mktemp("clip")
    plain = clips.clip(folder / "plain.mp4", size=(2048, 1152), seconds=2)
    caption = captions.Caption(start=0.5, end=1.5, text="Stop me if you can")
    return captions.burn(plain, folder / "clip.mp4", [caption], size=(2048, 1152))


def processes_with(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("stage", "number"), [("fix", signal.SIGINT), ("wait", signal.SIGINT), ("submit", signal.SIGTERM)]
)
def test_stopped_run_leaves_nothing_and_goes_on(stage: str, number: signal.Signals, clip: Path, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    command = [sys.executable, "-m", "preflight", "run", str(clip), "-o", str(tmp_path / "out"), "--service", "local"]
    environment = os.environ | {"MARK": mark, "PREFLIGHT_HOME": str(tmp_path / "home")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if f": {stage}" in line:
                break
        time.sleep(0.3)
        process.send_signal(number)
        said = process.stderr.read()
        code = process.wait(timeout=30)
    assert code == (130 if number == signal.SIGINT else 143), said
    assert "Traceback" not in said
    assert processes_with(mark) == []
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []

    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "clip.cleaned.mp4").is_file()
    assert processes_with(mark) == []
