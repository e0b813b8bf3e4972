"""Upload of a large file against `boto3.client.upload_file` with the hashing done before it; memory; resume at 50%.

What is timed is the upload: from the file to an object that is there, completed and looked at again. The URL, which
upload_file has no word for, is signed and tried right before a submit; that takes time of its own, told apart.
Run as `python benchmarks/upload.py [ROUNDS]`. Every run is a process of its own against one moto server in another.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from fixtures import stores  # noqa: E402
from preflight.events import Progress  # noqa: E402
from preflight.ledger import Ledger  # noqa: E402
from preflight.model.job import Placed  # noqa: E402
from preflight.settings import Settings  # noqa: E402
from preflight.storage import place, sign, upload  # noqa: E402
from preflight.storage.source_file import PartBody  # noqa: E402

MB = 1_000_000
SIZE, LARGE = 150 * MB, 600 * MB
PLACED: list[Placed] = []
"""What `ours` has sent in this process."""


def ours(path: Path, settings: Settings) -> None:
    """Send with preflight, checkpoint in a ledger and all."""
    with Ledger(settings.home / "ledger.sqlite3") as ledger:
        PLACED.append(place(path, settings=settings, extension="mp4", checkpoint=ledger.uploads))


def peer(path: Path, settings: Settings) -> None:
    """Hash, then send with boto3's own transfer manager.

    For a store that compares MD5 the parts are hashed too: upload_file has no check of its own for one.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            if settings.store == "generic":
                hashlib.md5(block, usedforsecurity=False)
    stores.client_of(settings).upload_file(str(path), settings.bucket, f"{settings.prefix}{digest.hexdigest()}.mp4")


def bare(path: Path, settings: Settings) -> None:
    """Send with boto3's own transfer manager, which knows no digest of the content."""
    stores.client_of(settings).upload_file(str(path), settings.bucket, f"{settings.prefix}bare.mp4")


def half_stored(path: Path, settings: Settings) -> None:
    """Send until half of the file is in the store for good, and die there like a killed process."""
    client = stores.client_of(settings)
    die_when(lambda _: stored_bytes(client, settings) >= SIZE / 2, path, settings)


def half_sent(path: Path, settings: Settings) -> None:
    """Send until half of the file has left the machine, and die there with parts on their way."""
    die_when(lambda progress: progress.done >= SIZE / 2, path, settings)


def die_when(reached: Callable[[Progress], bool], path: Path, settings: Settings) -> None:
    """Send until the progress of the upload has `reached` a point."""

    def watch(progress: Progress) -> None:
        if not progress.note and reached(progress):
            os.kill(os.getpid(), 9)

    with Ledger(settings.home / "ledger.sqlite3") as ledger:
        upload(path, settings=settings, extension="mp4", life=600, checkpoint=ledger.uploads, listener=watch)


def stored_bytes(client: Any, settings: Settings) -> int:
    """Return the bytes of the parts that the store has of the one begun upload."""
    begun = client.list_multipart_uploads(Bucket=settings.bucket, Prefix=settings.prefix).get("Uploads", [])
    return sum(
        part["Size"]
        for one in begun
        for part in client.list_parts(Bucket=settings.bucket, Key=one["Key"], UploadId=one["UploadId"]).get("Parts", [])
    )


def child(name: str, path: str, endpoint: str, prefix: str, home: str, store: str) -> None:
    """Run one contender in this process and print its seconds, peak memory in MB and bytes that left the machine."""
    # `minio`: CRC-32 for both, what upload_file sends by default, and what the profiles of Amazon S3 and MinIO send.
    settings = replace(stores.settings_for(endpoint), prefix=prefix, home=Path(home), store=store)
    # Loading boto3 and requests is nobody's upload time.
    stores.client_of(settings).close()
    import_module("requests")
    started, spent = time.perf_counter(), time.process_time()
    {"ours": ours, "peer": peer, "bare": bare, "stored": half_stored, "sent": half_sent}[name](Path(path), settings)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    cpu, begun = time.process_time() - spent, time.perf_counter()
    for placed in PLACED:
        sign(placed, settings=settings, life=600)
    url = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "peak": peak, "cpu": cpu, "url": url}))


def run(
    name: str, path: Path, endpoint: str, home: Path, prefix: str | None = None, *, store: str = "minio"
) -> dict[str, float]:
    """Run one contender in a fresh process."""
    prefix = prefix or stores.fresh_prefix()
    command = [sys.executable, __file__, "child", name, str(path), endpoint, prefix, str(home), store]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == -9:
        return {}
    if done.returncode:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout))


def make(path: Path, size: int) -> Path:
    """Write `size` bytes that no store can compress away."""
    block = hashlib.shake_256(b"upload benchmark").digest(MB)
    with path.open("wb") as file:
        for number in range(size // MB):
            file.write(number.to_bytes(8, "big") + block[8:])
    return path


def resumed_share(kill: str, path: Path, endpoint: str, home: Path) -> float:
    """Return the share of the file that is sent again after a kill with half of it `stored` or `sent`."""
    prefix = stores.fresh_prefix()
    settings = replace(stores.settings_for(endpoint), prefix=prefix, home=home, store="minio")
    assert run(kill, path, endpoint, home, prefix) == {}, "the process was to be killed"
    client = stores.client_of(settings)
    sent = 0
    read = PartBody.read

    def counted(body: PartBody, amount: int | None = -1) -> bytes:
        nonlocal sent
        block = read(body, amount)
        sent += len(block)
        return block

    before = stored_bytes(client, settings)
    with Ledger(settings.home / "ledger.sqlite3") as ledger, patch.object(PartBody, "read", counted):
        upload(path, settings=settings, extension="mp4", life=600, checkpoint=ledger.uploads)
    client.close()
    assert sent <= SIZE - before, "what the store has is not sent again"
    return sent / SIZE


def compare(path: Path, endpoint: str, home: Path, store: str, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Run both contenders in turn, print their times for a kind of store, and return the figures."""
    results: dict[str, list[dict[str, float]]] = {"ours": [], "peer": [], "bare": []}
    for number in range(rounds + 1):
        # Each goes first in turn: whatever else the machine does hits both alike.
        for name, found in sorted(results.items(), reverse=bool(number % 2)):
            figure = run(name, path, endpoint, home, store=store)
            if number:  # The first round warms the caches.
                found.append(figure)
    wall = {name: statistics.median(r["seconds"] for r in found) for name, found in results.items()}
    cpu = {name: statistics.median(r["cpu"] for r in found) for name, found in results.items()}
    pairs = zip(results["ours"], results["peer"], strict=True)
    paired = statistics.median(ours["seconds"] / peer["seconds"] for ours, peer in pairs)
    kind = "CRC-32" if store == "minio" else "MD5"
    print(
        f"150 MB, {kind}, wall, median of {rounds}: ours {wall['ours']:.2f} s, hash + upload_file {wall['peer']:.2f} s"
    )
    print(f"ratio of medians {wall['ours'] / wall['peer']:.2f} (at most 1.05), median of paired {paired:.2f}")
    ratio = cpu["ours"] / cpu["peer"]
    print(
        f"processor time: ours {cpu['ours']:.2f} s, hash + upload_file {cpu['peer']:.2f} s, {ratio:.2f} (at most 1.3)"
    )
    print(f"upload_file alone, without a digest of the content: {cpu['bare']:.2f} s, {cpu['ours'] / cpu['bare']:.2f}")
    return results


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        path, large = make(place / "a.mp4", SIZE), make(place / "b.mp4", LARGE)
        with stores.moto_process() as settings:
            endpoint = str(settings.s3_endpoint)
            compare(path, endpoint, place / "home", "generic", rounds)
            results = compare(path, endpoint, place / "home", "minio", rounds)
            peak = {name: max(r["peak"] for r in found) for name, found in results.items()}
            url = statistics.median(r["url"] for r in results["ours"])
            print(f"then, before a submit: URL signed and tried in {url:.2f} s")
            big = run("ours", large, endpoint, place / "home")["peak"]
            print(f"peak memory: ours {peak['ours']:.0f} MB, at 600 MB {big:.0f} MB; upload_file {peak['peer']:.0f} MB")
            for kill in ("stored", "sent"):
                shares = [resumed_share(kill, path, endpoint, place / "home") for _ in range(5)]
                found = f"{statistics.median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})"
                print(f"resumed after a kill with half of it {kill}: {found} sent again (at most 55%)")


if __name__ == "__main__":
    child(*sys.argv[2:]) if sys.argv[1:2] == ["child"] else main()
