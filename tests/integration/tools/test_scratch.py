import sys
from pathlib import Path

from preflight.tools import files, process

SCRIPT = """
import os, pathlib, sys
from preflight.tools import files
with files.scratch(pathlib.Path(sys.argv[1])) as made:
    (made / "half.mp4").write_bytes(b"half")
    if sys.argv[2] == "die":
        os.kill(os.getpid(), 9)
    print(made.name, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    assert process.run([sys.executable, "-c", SCRIPT, str(tmp_path), "die"]).status == -9
    assert len(list(tmp_path.glob(".preflight/*/half.mp4"))) == 1
    with files.scratch(tmp_path) as made:
        assert list((tmp_path / ".preflight").iterdir()) == [made]
    assert list(tmp_path.iterdir()) == []


def test_what_a_living_process_makes_is_left_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), "live"]
    with process.start(command, stdin=process.PIPE, stdout=process.PIPE) as other:
        name = other.stdout.readline().decode().strip()
        with files.scratch(tmp_path), files.scratch(tmp_path):
            assert (tmp_path / ".preflight" / name / "half.mp4").is_file()
        other.stdin.close()
        assert other.wait() == 0
    assert list(tmp_path.iterdir()) == []


def test_results_are_not_listed_to_find_what_was_left(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys\n"
        "from preflight.tools import files\n"
        "listed = set()\n"
        "def note(name, given):\n"
        "    if name in {'os.scandir', 'os.listdir'}:\n"
        "        listed.add(str(given[0]))\n"
        "sys.addaudithook(note)\n"
        "for _ in range(2):\n"
        "    with files.scratch(pathlib.Path(sys.argv[1])):\n"
        "        pass\n"
        "assert sys.argv[1] not in listed, listed\n"
    )
    done = process.run([sys.executable, "-c", script, str(tmp_path)])
    assert done.status == 0, done.stderr_tail
