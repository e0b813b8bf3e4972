"""Renders the page: served, with its parts at addresses of their own, or as one file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from preflight.review.library import stem_of
from preflight.review.subject import ReviewVideo
from preflight.serialize import jsonable

SCRIPTS = ("uPlot.iife.min.js", "stage.js", "decisions.js", "timeline.js", "index.js", "main.js")
"""Scripts of the page, in their order."""

STYLES = ("uPlot.min.css", "review.css")

KINDS = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
"""Media types of the parts by the end of their names."""

SERVED_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Content security policy of the served page. uPlot sets the style of its elements, which runs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedProxy:
    """A proxy inside a page: its video's identifier and the MP4 in base64."""

    identifier: str
    data: str

    @classmethod
    def of(cls, identifier: str, content: bytes) -> EmbeddedProxy:
        """Return the proxy of a file's content."""
        return cls(identifier=identifier, data=base64.b64encode(content).decode("ascii"))


@cache
def asset(name: str) -> str:
    """Return the text of a part of the page. Raises FileNotFoundError."""
    return resources.files("preflight.review").joinpath("assets", name).read_text(encoding="utf-8")


def served_page(boot: dict[str, Any], title: str) -> str:
    """Return the page that the server answers with; `boot` is what its script starts from."""
    return _render(title=title, boot=boot, inline=False, policy="", styles="", scripts=SCRIPTS, proxies=())


def offline_page(boot: dict[str, Any], title: str, proxies: Iterable[EmbeddedProxy]) -> str:
    """Return a page that works from a file: everything is in it, and nothing else may be loaded or run."""
    scripts = [asset(name) for name in SCRIPTS]
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
    )
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; media-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return _render(
        title=title,
        boot=boot,
        inline=True,
        policy=policy,
        styles="\n".join(asset(name) for name in STYLES),
        scripts=scripts,
        proxies=tuple(proxies),
    )


def video_json(video: ReviewVideo, **more: object) -> dict[str, Any]:
    """Return a video as the page's script knows it."""
    value: dict[str, Any] = jsonable(video)
    record = video.record
    value.update(stem=stem_of(record) if record else video.name, record_name=record.name if record else "", **more)
    return value


def _render(
    *,
    title: str,
    boot: dict[str, Any],
    inline: bool,
    policy: str,
    styles: str,
    scripts: Sequence[str],
    proxies: Sequence[EmbeddedProxy],
) -> str:
    environment = Environment(loader=PackageLoader("preflight.review"), autoescape=True, undefined=StrictUndefined)
    # Nothing that a video or a file name says may end the element that the data is in.
    data = json.dumps(boot).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return environment.get_template("page.html.j2").render(
        title=title.encode("utf-8", "replace").decode(),
        boot=data,
        inline=inline,
        policy=policy,
        styles=styles,
        scripts=scripts,
        proxies=proxies,
    )
