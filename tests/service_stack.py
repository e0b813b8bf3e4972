"""A local stack for tests, with a stand-in engine and a web folder to take videos from."""

from __future__ import annotations

from pathlib import Path

import requests

from preflight.model.job import SecretUrl
from preflight.server.stack import KEY, LocalStack
from preflight.settings import Settings


def by_name(path: Path) -> tuple[int, ...]:
    """Refuse a file whose URL ended in `.700`, `.702700`, ... with these codes."""
    digits = path.suffix[1:]
    return tuple(int(digits[i : i + 3]) for i in range(0, len(digits), 3)) if digits.isdigit() else ()


def local_stack(home: Path, *, engine: str = "copy", answers: tuple[str, ...] = (), **settings: object) -> LocalStack:
    made = Settings(home=home, **settings)  # type: ignore[arg-type]
    return LocalStack(made, check=by_name, entry=f"tests.stand_in:{engine}", answers=answers)


def put(settings: Settings, name: str, content: bytes) -> SecretUrl:
    """Store an object without boto3 and return a URL for it."""
    url = f"{settings.s3_endpoint}/{settings.bucket}/{name}"
    requests.put(url, data=content, headers={"Authorization": f"AWS {KEY}:unchecked"}, timeout=30).raise_for_status()
    return SecretUrl(f"{url}?AWSAccessKeyId={KEY}&Signature=hush&Expires=9999999999")
