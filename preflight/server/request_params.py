"""Business parameters of a call -> values. Pure; knows the forms flat, nested and string, in a body or a query."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.errors import UsageError
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.server.auth import SIGNATURE_NAMES
from preflight.server.responses import RefusalError, refused

_BOX_LIMIT = 100
"""Boxes of one submit. The platform's own limit is not published."""


def from_query(query: Mapping[str, str]) -> dict[str, Any]:
    """Return the business parameters of a GET; `true`, `false` and JSON lists become values."""
    return _unwrap({name: _typed(value) for name, value in query.items() if name not in SIGNATURE_NAMES})


def from_body(body: bytes) -> dict[str, Any]:
    """Return the business parameters of a POST. Raises RefusalError for anything but a JSON object."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise invalid("The body is not a JSON object.")
    return _unwrap(fields)


def submit(fields: Mapping[str, Any]) -> tuple[str, RemovalOptions]:
    """Return the video's URL and the options of a submit. Raises RefusalError that names the parameter."""
    url = text(fields, "videoUrl", limit=8192)
    try:
        return url, options(fields)
    except UsageError as error:
        raise invalid(error.message) from None


def options(fields: Mapping[str, Any]) -> RemovalOptions:
    """Return the options among the parameters of a submit. Raises RefusalError and UsageError."""
    return RemovalOptions(
        language=text(fields, "language", limit=16),
        artificial_text_only=_flag(fields, "artificialTextOnly", default=True),
        remove_audio=_flag(fields, "removeAudio", default=False),
        color_blocks=_flag(fields, "colorBlocks", default=False),
        inpainting_boxes=_boxes(fields.get("inpaintingBoxes")),
    )


def text(fields: Mapping[str, Any], name: str, *, limit: int) -> str:
    """Return the required text `name` of at most `limit` characters. Raises RefusalError.

    Args:
        fields: the request's parameters.
        name: of the parameter.
        limit: characters.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise invalid(f"{name} is required: a text of at most {limit} characters.")
    return value


def invalid(message: str) -> RefusalError:
    """Return the refusal of a parameter, to be raised."""
    return refused("InvalidParameter", message)


def _unwrap(fields: dict[str, Any]) -> dict[str, Any]:
    inner = fields.get("paramJson", fields)
    if isinstance(inner, str):
        try:
            inner = json.loads(inner)
        except (ValueError, RecursionError):
            raise invalid("paramJson is not JSON.") from None
    if not isinstance(inner, dict):
        raise invalid("paramJson is not a JSON object.")
    return inner


def _typed(value: str) -> Any:
    if value in {"true", "false"}:
        return value == "true"
    if value.startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _flag(fields: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise invalid(f"{name} is true or false.")
    return value


def _boxes(value: Any) -> tuple[InpaintingBox, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _BOX_LIMIT:
        raise invalid(f"inpaintingBoxes is a list of at most {_BOX_LIMIT} boxes.")
    return tuple(_box(item) for item in value)


def _box(item: Any) -> InpaintingBox:
    try:
        start, end = (_number(value) for value in item["timestamp"])
        x1, y1, x2, y2 = (_number(value) for value in item["box"])
    except (TypeError, ValueError, KeyError, OverflowError):
        raise invalid('An inpainting box is {"timestamp": [start, end], "box": [x1, y1, x2, y2]}.') from None
    return InpaintingBox(start=start, end=end, x1=x1, y1=y1, x2=x2, y2=y2)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)
