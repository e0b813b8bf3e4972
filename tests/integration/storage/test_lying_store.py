"""A store that says it holds other bytes than were sent, at every place where it says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures import stores
from preflight.errors import ChecksumError
from preflight.ledger import Ledger
from preflight.settings import Settings
from preflight.storage import file_upload, place
from preflight.storage.store import Store, open_store

OTHER_CRC, OTHER_MD5 = "AAAAAA==", '"' + 32 * "0" + '"'
LIES = [
    pytest.param("minio", "UploadPart", {"ChecksumCRC32": OTHER_CRC}, id="CRC-32 of a part"),
    pytest.param("generic", "UploadPart", {"ETag": OTHER_MD5}, id="MD5 of a part"),
    pytest.param("minio", "HeadObject", {"ChecksumCRC32": f"{OTHER_CRC}-3"}, id="CRC-32 of the object"),
    pytest.param("generic", "HeadObject", {"ETag": f'"{32 * "0"}-3"'}, id="ETag of the object"),
    pytest.param("generic", "HeadObject", {"ContentLength": 7}, id="size of the object"),
]


@pytest.fixture(scope="module")
def moto() -> Iterator[Settings]:
    with stores.moto() as settings:
        yield settings


@pytest.mark.parametrize(("profile", "operation", "lie"), LIES)
def test_what_the_store_says_of_its_bytes_is_believed(
    moto: Settings,
    big: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    profile: str,
    operation: str,
    lie: dict[str, Any],
) -> None:
    @contextmanager
    def lying(settings: Settings) -> Iterator[Store]:
        with open_store(settings) as store:
            store.client.meta.events.register(
                f"after-call.s3.{operation}", lambda parsed, **_: parsed.update(lie) if "Error" not in parsed else None
            )
            yield store

    settings = replace(moto, store=profile, prefix=stores.fresh_prefix())
    with Ledger(tmp_path / "ledger") as ledger:
        with monkeypatch.context() as patched:
            patched.setattr(file_upload, "open_store", lying)
            with pytest.raises(ChecksumError, match="other bytes"):
                place(big, settings=settings, extension="mp4", checkpoint=ledger.uploads)
        # What the store says is true again, so the same upload comes to its end.
        assert place(big, settings=settings, extension="mp4", checkpoint=ledger.uploads).size == big.stat().st_size
