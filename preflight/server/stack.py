"""The embedded default: store and service on loopback for as long as a `with` block lasts."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from preflight.errors import INSTALL_LOCAL, ToolMissingError
from preflight.server.engine_runner import ENGINE
from preflight.server.http_server import HOST, HttpServer
from preflight.settings import Secret, Settings
from preflight.tools import ffmpeg

if TYPE_CHECKING:
    from preflight.server.service import Checker

BUCKET = "preflight"
"""The only bucket of the embedded store."""

KEY = "local"
"""Name of the access key of both servers."""

_REGION = "us-east-1"
REQUIRED_PACKAGES = ("fastapi", "uvicorn", "numpy", "cv2", "onnxruntime", "rapidocr")
"""Modules of the extra `local` that the service and its engine import."""


class LocalStack:
    """Starts an S3-compatible server and the removal service on entry and stops both, with every child, on exit.

    `.settings` are those given, pointed at the two; the person's own account, bucket and AWS configuration are
    not used. Tasks live in `settings.home` and outlive the stack. `secret` fixes the service's key secret (else a new
    one each time); `answers` are rehearsed (see ServiceConfig). Raises ToolMissingError without the `local` extra,
    ToolError for a home that can't be used and UsageError for a port in use.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        check: Checker,
        host: str = HOST,
        port: int = 0,
        store_port: int = 0,
        secret: str | None = None,
        entry: str = ENGINE,
        answers: tuple[str, ...] = (),
    ) -> None:
        require_extra()
        self._given = settings
        self._check = check
        self._entry = entry
        self._answers = answers
        self._at = (host, port, store_port)
        self._secret = Secret(secret or secrets.token_hex(16))
        self._exit = ExitStack()
        self.settings = settings

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self.settings = self._start(started)
            self._exit = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def _start(self, started: ExitStack) -> Settings:
        from preflight.server.loopback_gate import LOOPBACK_NAMES, LoopbackGate
        from preflight.server.object_store import ObjectStore
        from preflight.server.s3_application import S3Application
        from preflight.server.s3_signature import AccessKey
        from preflight.server.service import ServiceConfig, create_app

        host, port, store_port = self._at
        home = (self._given.home / "service").absolute()
        model = self._given.fill_model
        config = ServiceConfig(
            home=home,
            key=KEY,
            secret=self._secret,
            check=self._check,
            ffmpeg=ffmpeg.find(self._given.ffmpeg),
            fill_model=None if model is None else model.absolute(),
            entry=self._entry,
            size_limit=self._given.max_size,
            answers=self._answers,
        )
        is_loopback = host in LOOPBACK_NAMES
        objects = ObjectStore(home / "objects")
        started.callback(objects.close)
        store = HttpServer("store", host=host, port=store_port)
        started.callback(store.stop)
        key = AccessKey(name=KEY, secret=self._secret, region=_REGION)
        s3 = S3Application(objects, bucket=BUCKET, key=key, host=store.address if is_loopback else None)
        store.start(LoopbackGate(s3, check_host=is_loopback))
        api = HttpServer("service", host=host, port=port)
        started.callback(api.stop)
        api.start(LoopbackGate(create_app(config), check_host=is_loopback))
        return replace(
            self._given,
            service="aidge",
            access_key_name=KEY,
            access_key_secret=self._secret,
            api_domain=api.url,
            submit_path="/ai/video/removal",
            query_path="/ai/video/removal/result",
            trial=False,
            poll_first=0.5,
            poll_last=2.0,
            bucket=BUCKET,
            s3_endpoint=store.url,
            s3_region=_REGION,
            s3_key=KEY,
            s3_secret=self._secret,
            # It is asked for CRC-32 checksums, a tenth of the work of MD5.
            store="minio",
            encryption="",
            kms_key="",
            public_url="",
            # The service has the video by the end of its job, and a batch must not fill the disk.
            keep_upload=False,
            ca_bundle=None,
        )


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment variables with which another `preflight` uses the stack that `settings` came from."""
    return {
        "PREFLIGHT_SERVICE": "aidge",
        "AIDGE_API_DOMAIN": settings.api_domain,
        "AIDGE_ACCESS_KEY_NAME": settings.access_key_name,
        "AIDGE_ACCESS_KEY_SECRET": str(settings.access_key_secret),
        "PREFLIGHT_BUCKET": settings.bucket,
        "PREFLIGHT_S3_ENDPOINT": settings.s3_endpoint or "",
        "PREFLIGHT_S3_REGION": settings.s3_region or "",
        "PREFLIGHT_S3_KEY": settings.s3_key,
        "PREFLIGHT_S3_SECRET": str(settings.s3_secret),
        "PREFLIGHT_STORE": settings.store,
    }


def require_extra() -> None:
    """Raise ToolMissingError when a package of the `local` extra is missing."""
    missing = [name for name in REQUIRED_PACKAGES if find_spec(name) is None]
    if missing:
        raise ToolMissingError(
            f"The local service needs {', '.join(missing)}.",
            hint=f"{INSTALL_LOCAL}, or configure the cloud: AIDGE_ACCESS_KEY_NAME, "
            "AIDGE_ACCESS_KEY_SECRET and PREFLIGHT_BUCKET.",
        )
