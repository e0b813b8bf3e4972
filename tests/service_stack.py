"""A local stack for tests, with a stand-in engine and a store to take videos from."""

from __future__ import annotations

from pathlib import Path

from fixtures import stores
from preflight.model.job import SecretUrl
from preflight.server.stack import LocalStack
from preflight.settings import Settings


def by_name(path: Path) -> tuple[int, ...]:
    """Refuse a file whose URL ended in `.700`, `.702700`, ... with these codes."""
    digits = path.suffix[1:]
    return tuple(int(digits[i : i + 3]) for i in range(0, len(digits), 3)) if digits.isdigit() else ()


def local_stack(
    home: Path, *, engine: str = "copy", answers: tuple[str, ...] = (), port: int = 0, **settings: object
) -> LocalStack:
    made = Settings(home=home, **settings)  # type: ignore[arg-type]
    return LocalStack(made, check=by_name, entry=f"tests.stand_in:{engine}", answers=answers, port=port)


def put(settings: Settings, name: str, content: bytes) -> SecretUrl:
    """Store an object and return a presigned URL for it."""
    client = stores.client_of(settings)
    client.put_object(Bucket=settings.bucket, Key=name, Body=content)
    url = client.generate_presigned_url("get_object", Params={"Bucket": settings.bucket, "Key": name}, ExpiresIn=3600)
    client.close()
    return SecretUrl(url)
