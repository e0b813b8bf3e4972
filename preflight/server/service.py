"""The Video Removal API as an HTTP application: the documented paths, parameters, replies and codes."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from preflight.server import openapi, request_params, responses
from preflight.server.auth import admit
from preflight.server.engine_runner import ENGINE, Runner
from preflight.server.responses import RefusalError, declined, refused
from preflight.server.scripted_responses import Rehearsal
from preflight.server.source_download import download, suffix
from preflight.server.task_store import FAILED, FINISHED, StoredTask, TaskStore
from preflight.settings import Secret

SUBMIT_PATH = "/rest/ai/video/removal"
QUERY_PATH = "/rest/ai/video/removal/result"
RESULT_PATH = "/results/{task_id}.mp4"

SUBMITS = 16
"""Submits that are worked on at the same time; another one is answered with 501."""

_BODY_LIMIT = 1 << 20
"""Bytes of a request's body."""

_log = logging.getLogger(__name__)

Checker = Callable[[Path], tuple[int, ...]]
"""Tells the documented codes (700-703) of the limits that a file breaks; none for a file that is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """What the service is made of. `size_limit` is in bytes, `queue_limit` in tasks that are not finished.

    `answers` are given to the first submits in place of the service's own, such as `501:2` or `NoResource`.
    """

    home: Path
    key: str
    secret: Secret
    check: Checker
    ffmpeg: str
    fill_model: Path | None = None
    entry: str = ENGINE
    size_limit: int = 200_000_000
    queue_limit: int = 100
    answers: tuple[str, ...] = ()


class Service:
    """The calls behind the paths. Each returns a reply or raises RefusalError."""

    def __init__(self, config: ServiceConfig) -> None:
        self._config = config
        self._rehearsal = Rehearsal(config.answers)
        self._store = TaskStore(config.home)
        self._runner = Runner(self._store, ffmpeg=config.ffmpeg, entry=config.entry, fill_model=config.fill_model)

    def start(self) -> None:
        """Go on with what an earlier service left."""
        self._runner.start()

    def stop(self) -> None:
        """Stop the worker and close the store."""
        self._runner.stop()
        self._store.close()

    def admit(self, query: dict[str, str]) -> None:
        """Check the signature. Raises RefusalError."""
        admit(query, key=self._config.key, secret=str(self._config.secret), now=time.time())

    def submit(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Fetch and check the video, store the task, and answer its id."""
        url, options = request_params.submit(fields)
        ordered = self._rehearsal.next()
        if ordered is not None:
            raise ordered
        if self._store.waiting() >= self._config.queue_limit:
            raise declined(501, retry_after=5)
        task_id = uuid.uuid4().hex
        try:
            source = self._fetch(task_id, url)
        except BaseException:
            self._store.discard(task_id)
            raise
        self._store.add(task_id, source, options)
        self._runner.wake()
        return responses.success({"result": {"taskId": task_id}})

    def query(self, fields: dict[str, Any], base: str) -> dict[str, Any]:
        """Answer the state of a task, with the URL of its result below `base` when it is finished.

        Args:
            fields: the request's parameters.
            base: the service's own address.
        """
        task = self._store.get(request_params.text(fields, "taskId", limit=64))
        if task is None:
            raise refused("InvalidTaskId", "There is no such task.")
        data: dict[str, Any] = {"taskStatus": task.status}
        if task.status == FAILED:
            return responses.failure(task.code or 801, task.message, data=data)
        if task.status == FINISHED:
            path = RESULT_PATH.format(task_id=task.id)
            data |= {"videoUrl": f"{base}{path}?token={self._token(task.id)}", "quality": task.quality}
        elif task.id in self._runner.progress:
            data["progress"] = self._runner.progress[task.id]
        return responses.success(data)

    def result(self, task_id: str, token: str) -> StoredTask:
        """Return the finished task whose result is asked for with its `token`.

        Args:
            task_id: the task.
            token: the secret of its result's URL.
        """
        if not hmac.compare_digest(token.encode(), self._token(task_id).encode()):
            raise refused("AccessDenied", "The token does not match.", status=403)
        task = self._store.get(task_id)
        if task is None or task.status != FINISHED or not task.result.is_file():
            raise refused("NotFound", "The result is gone.", status=404)
        return task

    def _fetch(self, task_id: str, url: str) -> Path:
        source = self._store.folder(task_id) / f"source{suffix(url)}"
        download(url, source, limit=self._config.size_limit)
        codes = self._config.check(source)
        if codes:
            raise declined(min(codes))
        return source

    def _token(self, task_id: str) -> str:
        return hmac.new(self._config.secret.encode(), f"result {task_id}".encode(), hashlib.sha256).hexdigest()


def create_app(config: ServiceConfig) -> FastAPI:
    """Return the application; its worker lives from start-up to shutdown."""
    service = Service(config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.stop)

    app = FastAPI(title="Video Removal API", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)

    submits = CapacityLimiter(SUBMITS)

    async def call(
        request: Request, act: Callable[[dict[str, Any]], dict[str, Any]], limiter: CapacityLimiter | None = None
    ) -> Response:
        query = dict(request.query_params)
        service.admit(query)
        get = request.method == "GET"
        fields = request_params.from_query(query) if get else request_params.from_body(await _body(request))
        return JSONResponse(await to_thread.run_sync(act, fields, limiter=limiter))

    async def submit(request: Request) -> Response:
        # Each downloads a video: they have threads of their own, so that queries are answered meanwhile.
        if not submits.available_tokens:
            raise declined(501, retry_after=2)
        return await call(request, service.submit, submits)

    async def query(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return await call(request, lambda fields: service.query(fields, base))

    def result(task_id: str, token: str = "") -> FileResponse:
        return FileResponse(service.result(task_id, token).result, media_type="video/mp4")

    for method in ("GET", "POST"):
        get = method == "GET"
        described = openapi.call(openapi.SUBMIT, openapi.accepted(), get=get)
        _add(app, SUBMIT_PATH, submit, method, described)
        _add(app, QUERY_PATH, query, method, openapi.call(openapi.QUERY, openapi.state(), get=get))
    for method in ("GET", "HEAD"):
        _add(app, RESULT_PATH, result, method, openapi.result())
    _answer_errors(app)
    return app


def _add(app: FastAPI, path: str, act: Callable[..., Any], method: str, description: dict[str, Any]) -> None:
    app.add_api_route(
        path,
        act,
        methods=[method],
        operation_id=f"{act.__name__}_{method.lower()}",
        openapi_extra=description,
        response_class=Response,
        response_model=None,
    )


def _answer_errors(app: FastAPI) -> None:
    """Give every error the gateway's shape or the service's."""

    @app.exception_handler(RefusalError)
    async def refusal(_: Request, error: RefusalError) -> Response:
        return JSONResponse(error.body, status_code=error.status, headers=error.headers)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        wrong = refused("InvalidApiPath", str(error.detail), status=error.status_code)
        return JSONResponse(wrong.body, status_code=wrong.status, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def validation(_: Request, __: RequestValidationError) -> Response:
        wrong = request_params.invalid("A parameter has the wrong type.")
        return JSONResponse(wrong.body, status_code=wrong.status)

    @app.middleware("http")
    async def system_error(request: Request, go_on: Callable[[Request], Any]) -> Response:
        try:
            response: Response = await go_on(request)
        except Exception:  # noqa: BLE001 - the documented answer to whatever goes wrong here
            _log.exception("%s %s", request.method, request.url.path)
            return JSONResponse(responses.failure(500))
        return response


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise refused("InvalidParameter", "The body is larger than 1 MiB.", status=413)
    return bytes(body)
