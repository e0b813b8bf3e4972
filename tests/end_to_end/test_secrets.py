"""Nothing that a run writes or says holds a secret or the query string of a signed URL."""

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.settings import Settings
from tests.end_to_end.cli import Outcome, preflight
from tests.end_to_end.kills import Scene, scene

SIGNED = re.compile(rb"X-Amz-(Signature|Credential|Security-Token)=\w|[?&](token|sign|signature)=\w", re.IGNORECASE)


def written(*folders: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def require_clean(stage: Scene, *outcomes: Outcome) -> None:
    secrets = {str(stage.stack.s3_secret).encode(), str(stage.stack.access_key_secret).encode()}
    texts = written(stage.folder)
    texts |= {f"stream {n}": text.encode() for n, o in enumerate(outcomes) for text in (o.out, o.err)}
    assert len(texts) > len(outcomes)
    for place, text in texts.items():
        assert not any(secret in text for secret in secrets), place
        assert SIGNED.search(text) is None, (place, SIGNED.search(text))


def test_a_whole_run_with_all_logs_writes_no_secret(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    ran = preflight("--debug", *stage.arguments, **stage.environment)
    assert ran.code == 0, ran.err
    id_ = stage.jobs[0].id
    looks = [
        preflight("--debug", *command, **stage.environment)
        for command in (["jobs", "--json"], ["jobs", "show", id_], ["doctor", "--json"], ["uploads", "--json"])
    ]
    require_clean(stage, ran, *looks)


@pytest.mark.parametrize(
    "broken",
    [
        {"PREFLIGHT_S3_ENDPOINT": "http://127.0.0.1:9"},
        {"AIDGE_API_DOMAIN": "http://127.0.0.1:9"},
        {"PREFLIGHT_BUCKET": "nowhere"},
        {"PREFLIGHT_PUBLIC_URL": "http://127.0.0.1:9/{key}?token=abcdef"},
    ],
)
def test_a_failed_run_says_no_secret(stack: Settings, clip: Path, tmp_path: Path, broken: dict[str, str]) -> None:
    stage = replace(scene(clip, tmp_path, stack), more=broken)
    ran = preflight(*stage.arguments, **stage.environment)
    assert ran.code in {4, 5}, (ran.code, ran.err)
    require_clean(stage, ran)


def test_what_the_home_holds_is_private(stack: Settings, clip: Path, tmp_path: Path) -> None:
    stage = scene(clip, tmp_path, stack)
    assert stage.run().code == 0
    home = stage.settings.home
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.glob("ledger*")} == {0o600}
    assert stat.S_IMODE((home / "work").stat().st_mode) == 0o700
