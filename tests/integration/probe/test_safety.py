"""Whatever the bytes say, the worker opens the file it was given and nothing else, and no bytes harm the batch."""

import http.server
import re
import shutil
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import cases, clips
from preflight.model.media import Media, Unreadable
from preflight.probe import Prober, probe, sandbox_process
from preflight.rules import evaluate


@pytest.fixture
def listening() -> Iterator[tuple[str, list[str]]]:
    """An HTTP server that must stay silent: its address, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/clip.ts", asked
        server.shutdown()
        thread.join()


def tempting(folder: Path, url: str) -> list[Path]:
    """Make files whose bytes name an address or another file."""
    bait = clips.clip(folder / "bait.mp4", audio=False)
    made = [cases.playlist(folder / f"{kind}.mp4", kind, url) for kind in cases.PLAYLISTS]
    made += [cases.playlist(folder / f"{kind}-file.mp4", kind, str(bait)) for kind in cases.PLAYLISTS]
    whole = clips.clip(folder / "whole.mov", audio=False)
    made.append(cases.referring(whole, folder / "address.mov", url.encode()))
    made.append(cases.referring(whole, folder / "file.mov", b"file://" + bytes(bait)))
    made.append(cases.redirecting(folder / "redirect.mov", url))
    made.append(cases.redirecting(folder / "redirect-file.mov", str(bait)))
    made += [clips.clip(folder / f"plain.{extension}") for extension in ("mp4", "mkv", "webm", "avi", "mov")]
    return made


def test_no_address_is_asked(tmp_path: Path, listening: tuple[str, list[str]]) -> None:
    url, asked = listening
    for path in tempting(tmp_path, url):
        evaluate(probe(path))
    assert asked == []


def test_reference_movie_is_told(tmp_path: Path) -> None:
    whole = clips.clip(tmp_path / "whole.mov", audio=False)
    report = evaluate(probe(cases.referring(whole, tmp_path / "reference.mov", b"file:///etc/passwd")))
    assert "external-data" in [f.rule for f in report.failures]
    assert report.codes == (702,)


TRACE = """
import sys
sys.path.insert(0, {root!r})
from preflight.probe.sandbox_process import spawn
import preflight.probe.sandbox_process as worker
from preflight.tools import spawn as spawning
real = spawning.spawn
def traced(argv, environment):
    return real([{strace!r}, "-f", "-qq", "-o", {log!r}, "-e", "trace=network,open,openat,execve", *argv], environment)
worker.spawn = traced
from pathlib import Path
from preflight.probe import Prober
with Prober(timeout=60, memory=2**31) as prober:
    for name in {paths!r}:
        prober.probe(Path(name))
"""


def test_system_calls_of_the_worker(tmp_path: Path) -> None:
    """Each file is opened once, and between them nothing is: no other file, no socket."""
    strace = shutil.which("strace")
    paths = tempting(tmp_path, "http://127.0.0.1:9/clip.ts")
    if strace is None:
        # Without a tracer the kernel's own refusal is the proof: see the next test.
        return
    log = tmp_path / "calls"
    root = str(Path(__file__).parents[3])
    code = TRACE.format(root=root, strace=strace, log=str(log), paths=[str(p) for p in paths])
    subprocess.run([sys.executable, "-c", code], check=True)
    calls = log.read_text().splitlines()
    first = next(n for n, line in enumerate(calls) if str(paths[0]) in line)
    after = [line for line in calls[first:] if "= -1 EMFILE" not in line]
    opened = [match[1] for line in after if (match := re.search(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*)"', line))]
    assert opened == [str(path) for path in paths]
    assert [line for line in after if re.search(r"\b(socket|connect|execve)\(", line)] == []


def test_kernel_refuses_new_files_while_parsing(small_mp4: Path) -> None:
    code = f"""
import os, socket, sys
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from preflight.probe.sandbox import child
from preflight.probe.sandbox.library import MediaInfo
def attempts():
    for attempt in (lambda: open("/etc/hostname"), socket.socket, lambda: open("/tmp/x", "w")):
        try: attempt()
        except OSError as error: yield error.errno
        else: yield 0
class Parser(MediaInfo):
    def read(self, fd, size, **options):
        print(list(attempts()), file=sys.stderr)
        return super().read(fd, size, **options)
child.answer(Parser({sandbox_process.library()!r}), {bytes(small_mp4)!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[24, 24, 24]"


def test_secrets_of_the_environment_do_not_reach_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIDGE_ACCESS_KEY_SECRET", "hush")
    made = sandbox_process.Worker()
    try:
        made.ask(Path("/none"))
        environment = Path(f"/proc/{made.pid}/environ")
        if environment.exists():
            assert b"hush" not in environment.read_bytes()
    finally:
        made.close()


def test_batch_goes_on_after_a_crash_and_a_hang(
    small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parser that dies or hangs on a mark in the bytes stands for the one that real bytes may kill some day."""
    monkeypatch.setattr(
        sandbox_process, "START_CODE", sandbox_process.START_CODE.replace("main()", "", 1) + HOSTILE + "main()"
    )
    crash, hang = tmp_path / "crash.mp4", tmp_path / "hang.mp4"
    for path in (crash, hang):
        path.write_bytes(small_mp4.read_bytes() + struct.pack(">I4s", 8, b"free"))
    with Prober(timeout=1.5) as prober:
        found = [prober.probe(path) for path in (small_mp4, crash, small_mp4, hang, small_mp4)]
    assert [getattr(subject, "reason", "read") for subject in found] == [
        "read", "parser-crash", "read", "parser-timeout", "read",
    ]  # fmt: skip
    assert evaluate(found[1]).codes == (702,)
    assert "could not be read safely" in evaluate(found[1]).findings[0].message


def test_spinning_parser_is_ended_by_its_share_of_the_processor(
    small_mp4: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = HOSTILE.replace("time.sleep(1)", "pass")
    monkeypatch.setattr(
        sandbox_process, "START_CODE", sandbox_process.START_CODE.replace("main()", "", 1) + hostile + "main()"
    )
    monkeypatch.setattr(sandbox_process, "CPU_SECONDS", 0)
    hang = tmp_path / "hang.mp4"
    hang.write_bytes(small_mp4.read_bytes())
    with Prober() as prober:
        assert getattr(prober.probe(hang), "reason", None) == "parser-timeout"


HOSTILE = """
import os, time
from preflight.probe.sandbox import child
facts = child.read_facts
def hostile(parser, fd):
    name = os.readlink("/proc/self/fd/%d" % fd) if os.path.exists("/proc/self/fd") else ""
    if name.endswith("crash.mp4"): os.abort()
    while name.endswith("hang.mp4"): time.sleep(1)
    return facts(parser, fd)
child.read_facts = hostile
"""


def test_fifo_that_takes_a_files_place_does_not_hang(tmp_path: Path) -> None:
    fifo = tmp_path / "late.mp4"
    made = sandbox_process.Worker()
    try:
        import os

        os.mkfifo(fifo)
        assert made.ask(fifo) == {"special": True}
    finally:
        made.close()


def test_huge_sparse_file_is_quick(small_mp4: Path, tmp_path: Path) -> None:
    huge = tmp_path / "huge.mp4"
    huge.write_bytes(cases.remux(small_mp4, tmp_path / "f.mp4", "-movflags", "+faststart").read_bytes())
    with huge.open("r+b") as file:
        file.seek(0, 2)
        file.write(struct.pack(">I4sQ", 1, b"mdat", 40 * 10**9))
        file.truncate(file.tell() - 16 + 40 * 10**9)
    subject = probe(huge)
    assert isinstance(subject, Media)
    assert evaluate(subject).codes == (701,)


def test_endless_boxes_end(tmp_path: Path) -> None:
    many = tmp_path / "many.mp4"
    many.write_bytes(struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + struct.pack(">I4s", 8, b"free") * 10**6)
    assert isinstance(probe(many), Unreadable)


PREPARED = """
import os, re, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from preflight.probe import sandbox_process
assert "threading" not in sys.modules
sandbox_process.prepare()
(made,) = sandbox_process.PREPARED
assert made.ask(Path({path!r}))["kind"] == "bmff"
memory = open(f"/proc/{{made.pid}}/mem", "rb", 0)
written = [line.split() for line in open(f"/proc/{{made.pid}}/maps") if line.split()[1].startswith("rw")]
for start, end in ((int(bound, 16) for bound in words[0].split("-")) for words in written):
    memory.seek(start)
    assert os.environ["AIDGE_ACCESS_KEY_SECRET"].encode() not in memory.read(end - start)
assert set(open(f"/proc/{{made.pid}}/environ").read()) <= {{chr(0)}}
assert sorted(os.listdir(f"/proc/{{made.pid}}/fd")) == ["0", "1", "2", "3"]
assert os.getpgid(made.pid) == made.pid
limits = open(f"/proc/{{made.pid}}/limits").read()
assert re.findall(r"Max (?:file|core file) size +0 +0 ", limits) and f" {{sandbox_process.MEMORY}} " in limits
made.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the worker is a copy on Linux only")
def test_worker_of_a_single_check_holds_no_secret_and_keeps_its_bounds(small_mp4: Path) -> None:
    """It is a copy of the program, so that its memory is searched too."""
    code = PREPARED.format(root=str(Path(__file__).parents[3]), path=str(small_mp4))
    environment = {"AIDGE_ACCESS_KEY_SECRET": "hush, nobody may know", "A": "1"}
    subprocess.run([sys.executable, "-I", "-c", code], env=environment, check=True)
