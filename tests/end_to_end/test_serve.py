import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fixtures import clips, stores
from tests.end_to_end.cli import preflight


@contextmanager
def serving(home: Path) -> Iterator[dict[str, str]]:
    """Run `preflight serve` in a process of its own and yield the environment variables that it prints."""
    command = [sys.executable, "-m", "preflight", "serve", "--port", "0", "--store-port", "0", "--json"]
    environment = os.environ | {"PREFLIGHT_HOME": str(home)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["environment"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


def test_run_uses_a_served_service_and_another_store_through_the_environment_alone(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "clip.mp4", seconds=0.6)
    with serving(tmp_path / "server") as variables, stores.moto() as store:
        other = {
            "PREFLIGHT_BUCKET": store.bucket,
            "PREFLIGHT_S3_ENDPOINT": store.s3_endpoint or "",
            "PREFLIGHT_S3_KEY": store.s3_key,
            "PREFLIGHT_S3_SECRET": str(store.s3_secret),
            "PREFLIGHT_HOME": str(tmp_path / "client"),
        }
        doctor = preflight("doctor", **(variables | other))
        assert doctor.code == 0, doctor.out
        outcome = preflight("run", clip, "-o", tmp_path / "out", "--json", **(variables | other))
    assert outcome.code == 0, outcome.err
    assert outcome.events[-1]["submitted"] == 1
    assert (tmp_path / "out" / "clip.cleaned.mp4").is_file()
    # The client used the served service: it has no tasks of its own.
    assert not (tmp_path / "client" / "service").exists()


def test_service_down_is_worth_a_retry(tmp_path: Path) -> None:
    clip = clips.clip(tmp_path / "clip.mp4", seconds=0.6)
    with stores.moto() as store, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        outcome = preflight(
            "run",
            clip,
            "-o",
            tmp_path,
            AIDGE_ACCESS_KEY_NAME="key",
            AIDGE_ACCESS_KEY_SECRET="a-secret-of-mine",
            AIDGE_API_DOMAIN=f"http://127.0.0.1:{nobody.getsockname()[1]}",
            PREFLIGHT_BUCKET=store.bucket,
            PREFLIGHT_S3_ENDPOINT=store.s3_endpoint or "",
            PREFLIGHT_S3_KEY=store.s3_key,
            PREFLIGHT_S3_SECRET=str(store.s3_secret),
        )
    assert outcome.code == 5, outcome.err
    assert "a-secret-of-mine" not in outcome.out + outcome.err


def test_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = preflight(
            "serve", "--port", taken.getsockname()[1], "--store-port", "0", PREFLIGHT_HOME=str(tmp_path)
        )
    assert outcome.code == 2
    assert "in use" in outcome.err
