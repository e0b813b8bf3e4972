"""The review server: HTTP for one browser on this machine."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from preflight.errors import PreflightError, UsageError
from preflight.review import page
from preflight.review.access import AccessRules, Admission
from preflight.review.desk import ALL, Question, ReviewDesk
from preflight.review.subject import Box
from preflight.serialize import jsonable
from preflight.server.http_server import HttpServer

LARGEST_BODY = 4_000_000
"""Bytes of a request that are read; decisions about 20,000 texts have about 1 MB."""

HALVES = ("before", "after")
"""Names of the source's and the result's frame."""

_REFUSALS = {
    Admission.WRONG_HOST: "This server answers to its own name only.",
    Admission.FOREIGN_ORIGIN: "Other pages may not use this server.",
    Admission.NO_TOKEN: "Open the address that `preflight review` printed: it works once. Start the command again for "
    "another.",
}

_HEADERS = {
    "content-security-policy": page.SERVED_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def make_app(desk: ReviewDesk, *, port: int, token: str, title: str, single: str | None = None) -> FastAPI:
    """Return the application.

    Args:
        desk: Answers the questions.
        port: Where it will be reached.
        token: What the first request has to bring.
        title: Of the index.
        single: Identifier of the only video, which then is the start page.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    guard = _AccessGuard(AccessRules(port=port, token=token, session=secrets.token_urlsafe(32)))
    app.middleware("http")(guard.answer)
    app.add_exception_handler(PreflightError, _explain)
    app.include_router(_page_routes({"mode": "served", "title": title, "single": single}, title))
    app.include_router(_reading_routes(desk))
    app.include_router(_writing_routes(desk))
    return app


class _AccessGuard:
    """Stands in front of every request."""

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules

    async def answer(self, request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        """Return the answer to a request, or why it gets none."""
        admission = self._rules.admit(request.headers, request.query_params.get("token"))
        response: Response
        if admission is Admission.EXCHANGED:
            self._rules = replace(self._rules, token=None)
            response = RedirectResponse("/", status_code=303)
            response.set_cookie(self._rules.cookie, self._rules.session, httponly=True, samesite="strict")
        elif admission is Admission.ADMITTED:
            response = await go_on(request)
        else:
            response = JSONResponse({"error": _REFUSALS[admission]}, status_code=403)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response


async def _explain(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


def _page_routes(boot: dict[str, Any], title: str) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def start() -> HTMLResponse:
        return HTMLResponse(page.served_page(boot, title))

    @router.get("/favicon.ico")
    async def icon() -> Response:
        return Response(status_code=204)

    @router.get("/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in {*page.SCRIPTS, *page.STYLES}:
            return Response(status_code=404)
        return Response(page.asset(name), media_type=page.KINDS[name.rpartition(".")[2]])

    return router


def _reading_routes(desk: ReviewDesk) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/index")
    def index(offset: int = 0, limit: int = 100, search: str = "", state: str = "", order: str = "") -> Response:
        return JSONResponse(
            desk.index(offset=max(0, offset), limit=max(1, limit), search=search, state=state, order=order)
        )

    @router.get("/videos/{identifier}")
    def video(identifier: str) -> Response:
        return JSONResponse(desk.video_json(identifier))

    @router.get("/videos/{identifier}/proxy.mp4")
    def proxy(identifier: str) -> Response:
        return FileResponse(desk.proxy(identifier)[0], media_type="video/mp4")

    @router.get("/videos/{identifier}/changes")
    def changes(identifier: str) -> Response:
        return JSONResponse({"changes": desk.proxy(identifier)[1]})

    @router.get("/videos/{identifier}/work")
    def work(identifier: str) -> Response:
        return JSONResponse(jsonable(desk.work_state(identifier)))

    @router.get("/videos/{identifier}/{half}.png")
    def crop(identifier: str, half: str, time: float, box: str) -> Response:
        if half not in HALVES:
            raise UsageError(f"{half} is neither of {', '.join(HALVES)}.")
        content = desk.crop(identifier, after=half == "after", time=time, box=_corners(box))
        return Response(content, media_type="image/png")

    @router.get("/videos/{identifier}/thumb.jpg")
    def thumbnail(identifier: str) -> Response:
        try:
            content = desk.thumbnail(identifier)
        except PreflightError:
            # A list is full of files of all kinds: one without a picture is no error of the page.
            return Response(status_code=204)
        return Response(content, media_type="image/jpeg", headers={"cache-control": "max-age=3600"})

    return router


def _writing_routes(desk: ReviewDesk) -> APIRouter:
    router = APIRouter(prefix="/api/videos/{identifier}")

    @router.put("/decisions")
    async def decide(identifier: str, request: Request) -> Response:
        saved = await run_in_threadpool(desk.save_decisions, identifier, await _body(request))
        return JSONResponse({"saved": saved.name})

    @router.put("/request")
    async def ask(identifier: str, request: Request) -> Response:
        next_step = await run_in_threadpool(desk.save_run_request, identifier, await _body(request))
        return JSONResponse({"next_step": next_step})

    @router.post("/texts")
    def search(identifier: str) -> Response:
        desk.start_search(identifier)
        return _begun("")

    @router.post("/redo")
    def redo(identifier: str, pay: bool = False, by_service: bool = False) -> Response:
        return _begun(desk.start_redo(identifier, by_service=by_service, pay=pay))

    @router.post("/run")
    async def run(identifier: str, request: Request, pay: bool = False) -> Response:
        body = await _body(request)
        if identifier == ALL:
            return _begun(await run_in_threadpool(lambda: desk.start_all(pay=pay)))
        return _begun(await run_in_threadpool(lambda: desk.start_run(identifier, body, pay=pay)))

    return router


def _begun(answer: Question | str) -> Response:
    """Return that work has begun, or what a person has to agree to first, or what keeps it from beginning."""
    if isinstance(answer, Question):
        return JSONResponse({"question": answer.words, "begun": False})
    return JSONResponse({"message": answer, "begun": not answer})


def _corners(words: str) -> Box:
    try:
        left, top, right, bottom = (float(edge) for edge in words.split(","))
    except ValueError:
        raise UsageError(f"box is {words!r}, not four numbers.") from None
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise UsageError(f"box is {words!r}, not 0 <= left < right <= 1 and 0 <= top < bottom <= 1.")
    return left, top, right, bottom


async def _body(request: Request) -> bytes:
    """Return the body. Raises UsageError for one that is too long."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > LARGEST_BODY:
            raise UsageError(f"The request has more than {LARGEST_BODY:,} bytes.")
    return bytes(read)


@contextmanager
def serving(desk: ReviewDesk, *, title: str, port: int = 0, single: str | None = None) -> Iterator[str]:
    """Serve for the time of a `with` block; yield the address to open, which works once. Raises ToolError."""
    server = HttpServer("review page", port=port)
    number = int(server.address.rpartition(":")[2])
    token = secrets.token_urlsafe(32)
    try:
        server.start(make_app(desk, port=number, token=token, title=title, single=single))
        yield f"{server.url}/?token={token}"
    finally:
        server.stop()
        desk.close()
