import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import urllib3

from preflight.errors import ToolError, ToolMissingError, UsageError
from preflight.model.job import RemovalOptions, TaskState
from preflight.removal import RemovalClient
from preflight.server import stack as stack_module
from tests.service_stack import local_stack, put

VIDEO = b"video" * 1000
ROOT = Path(__file__).resolve().parents[3]


def wait_for(path: Path) -> str:
    for _ in range(500):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{path} never came")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def wait_for_death(pid: int) -> bool:
    for _ in range(500):
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_task_survives_a_restart(tmp_path: Path) -> None:
    tasks = tmp_path / "service" / "tasks"
    with local_stack(tmp_path, engine="slow") as first, RemovalClient(first.settings) as client:
        task_id = client.submit(put(first.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
        worker = int(wait_for(tasks / task_id / "pid"))
        assert client.query(task_id).status == "running"
    assert wait_for_death(worker)
    (tasks / "go").touch()
    with local_stack(tmp_path, engine="slow") as second, RemovalClient(second.settings) as client:
        assert client.wait(task_id, deadline=60).state is TaskState.DONE
    assert not (tasks / task_id / "source.mp4").exists()


def test_fill_model_of_the_settings_reaches_the_engine(tmp_path: Path) -> None:
    model = tmp_path / "lama.onnx"
    with local_stack(tmp_path, engine="model", fill_model=model) as stack, RemovalClient(stack.settings) as client:
        task_id = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
        done = client.wait(task_id, deadline=60)
    assert done.quality == {"options": RemovalOptions().to_wire(), "fill_model": {"name": str(model)}}


def test_two_stacks_share_a_home(tmp_path: Path) -> None:
    with local_stack(tmp_path) as one, local_stack(tmp_path) as other:
        with RemovalClient(one.settings) as client:
            task_id = client.submit(put(one.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
            assert client.wait(task_id, deadline=60).state is TaskState.DONE
        with RemovalClient(other.settings) as client:
            assert client.query(task_id).state is TaskState.DONE


def test_killed_service_leaves_no_worker_and_no_task_behind(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time\n"
        "from tests.service_stack import local_stack, put\n"
        "from preflight.removal import RemovalClient\n"
        "from preflight.model.job import RemovalOptions\n"
        "with local_stack(pathlib.Path(sys.argv[1]), engine='slow') as stack:\n"
        "    with RemovalClient(stack.settings) as client:\n"
        "        url = put(stack.settings, 'clip.mp4', b'video' * 1000)\n"
        "        print(client.submit(url, RemovalOptions()).task_id, flush=True)\n"
        "    time.sleep(60)\n"
    )
    tasks = tmp_path / "service" / "tasks"
    command = [sys.executable, "-c", code, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as service:
        assert service.stdout is not None
        task_id = service.stdout.readline().strip()
        worker = int(wait_for(tasks / task_id / "pid"))
        service.send_signal(signal.SIGKILL)
    assert wait_for_death(worker)
    (tasks / "go").touch()
    with local_stack(tmp_path, engine="slow") as stack, RemovalClient(stack.settings) as client:
        assert client.wait(task_id, deadline=60).state is TaskState.DONE


def test_port_in_use_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=str(port)), local_stack(tmp_path, port=port):
            pass


@pytest.mark.parametrize("content", ["a file", "a folder"])
def test_home_that_cannot_be_used_is_said(tmp_path: Path, content: str) -> None:
    database = tmp_path / "service" / "tasks.sqlite"
    if content == "a folder":
        database.mkdir(parents=True)
    else:
        database.parent.mkdir()
        database.write_text("not a database, but long enough to be taken for one" * 100)
    with pytest.raises(ToolError, match=r"tasks\.sqlite"), local_stack(tmp_path):
        pass


# uvicorn leaves the connection that it gave up to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_client_in_a_download_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with local_stack(tmp_path) as stack, RemovalClient(stack.settings) as client:
        video = put(stack.settings, "clip.mp4", b"video" * 4_000_000)
        task = client.wait(client.submit(video, RemovalOptions()).task_id, deadline=60)
        assert task.video_url is not None
        with contextlib.suppress(requests.RequestException, urllib3.exceptions.HTTPError):
            response = requests.get(task.video_url.reveal(), stream=True, timeout=60)
            assert response.raw.read(10)
    response.close()
    gc.collect()


def test_missing_extra_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack_module, "REQUIRED_PACKAGES", ("fastapi", "no_such_package"))
    with pytest.raises(ToolMissingError, match=r"no_such_package.*\[local\]"):
        local_stack(tmp_path)


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with local_stack(tmp_path) as stack, RemovalClient(stack.settings) as client:
        task_id = client.submit(put(stack.settings, "clip.mp4", VIDEO), RemovalOptions()).task_id
        client.wait(task_id, deadline=60)
    assert capfd.readouterr() == ("", "")
