"""The service's own description: parameters, bodies and replies as OpenAPI, beside what the base document says."""

from __future__ import annotations

from typing import Any

from preflight.server.responses import MESSAGES

TEXT: dict[str, Any] = {"type": "string"}
FLAG: dict[str, Any] = {"type": "boolean"}

_PAIR: dict[str, Any] = {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 2, "maxItems": 2}
_CORNERS: dict[str, Any] = {
    "type": "array",
    "items": {"type": "number", "minimum": 0, "maximum": 1},
    "minItems": 4,
    "maxItems": 4,
}
_BOX: dict[str, Any] = {
    "type": "object",
    "required": ["timestamp", "box"],
    "properties": {"timestamp": _PAIR, "box": _CORNERS},
}

SUBMIT: dict[str, Any] = {
    "type": "object",
    "required": ["videoUrl", "language"],
    "properties": {
        "videoUrl": {"type": "string", "minLength": 1, "maxLength": 8192},
        "language": {"enum": ["en", "zh"]},
        "artificialTextOnly": {"type": "boolean", "default": True},
        "removeAudio": {"type": "boolean", "default": False},
        "colorBlocks": {"type": "boolean", "default": False},
        "inpaintingBoxes": {"type": "array", "items": _BOX, "maxItems": 100},
    },
}
QUERY: dict[str, Any] = {
    "type": "object",
    "required": ["taskId"],
    "properties": {"taskId": {"type": "string", "minLength": 1, "maxLength": 64}},
}

_REPLY: dict[str, Any] = {
    "type": "object",
    "required": ["resCode", "success", "resMessage", "requestId", "data"],
    "properties": {
        "resCode": {"enum": [200, *MESSAGES]},
        "success": FLAG,
        "resMessage": TEXT,
        "requestId": TEXT,
        "data": {"type": "object"},
    },
}
_GATEWAY: dict[str, Any] = {
    "type": "object",
    "required": ["type", "code", "message", "request_id"],
    "properties": {"type": {"enum": ["ISV", "ISP"]}, "code": TEXT, "message": TEXT, "request_id": TEXT},
}


def call(business: dict[str, Any], data: dict[str, Any], *, get: bool) -> dict[str, Any]:
    """Return the description of a signed call with these business parameters and, on success, this `data`.

    Args:
        business: schema of the parameters.
        data: schema of the reply's data.
        get: describe the call by GET, with parameters in the query.
    """
    parameters = [_parameter(name, {"type": "string"}, required=True) for name in ("app_key", "timestamp", "sign")]
    fixed = {"partner_id": "aidge", "sign_method": "sha256", "sign_ver": "v2"}
    parameters += [_parameter(name, {"enum": [value]}, required=True) for name, value in fixed.items()]
    operation: dict[str, Any] = {"parameters": parameters}
    if get:
        required = business["required"]
        for name, schema in business["properties"].items():
            # In a query a list is written as JSON.
            plain = TEXT if schema.get("type") == "array" else schema
            parameters.append(_parameter(name, plain, required=name in required))
    else:
        wrapped = {
            "type": "object",
            "required": ["paramJson"],
            "properties": {"paramJson": {"anyOf": [business, TEXT]}},
        }
        body = {"anyOf": [{**business, "not": {"required": ["paramJson"]}}, wrapped]}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    success = {**_REPLY, "properties": {**_REPLY["properties"], "data": {"anyOf": [data, {"type": "object"}]}}}
    operation["responses"] = {
        "200": _answer("The documented reply; `resCode` tells success.", {"anyOf": [success, _GATEWAY]}),
        "400": _answer("Refused by the gateway: signature, clock or a parameter.", _GATEWAY),
        "413": _answer("The body is larger than 1 MiB.", _GATEWAY),
    }
    return operation


def accepted() -> dict[str, Any]:
    """Return the `data` of an accepted submit."""
    task = {"type": "object", "required": ["taskId"], "properties": {"taskId": TEXT}}
    return {"type": "object", "required": ["result"], "properties": {"result": task}}


def state() -> dict[str, Any]:
    """Return the `data` of a query."""
    return {
        "type": "object",
        "required": ["taskStatus"],
        "properties": {
            "taskStatus": {"enum": ["submitted", "running", "finished", "failed"]},
            "videoUrl": TEXT,
            "progress": {"type": "number", "minimum": 0, "maximum": 1},
            "quality": {"type": "object"},
        },
    }


def result() -> dict[str, Any]:
    """Return the description of a result's download, whole or in ranges."""
    video = {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}
    plain = {"text/plain": {"schema": TEXT}}
    gateway = {"application/json": {"schema": _GATEWAY}}
    return {
        "responses": {
            "200": {"description": "The video.", "content": video},
            "206": {"description": "A range of the video.", "content": video},
            "400": {"description": "The Range header or the token is malformed.", "content": {**plain, **gateway}},
            "403": {"description": "The token does not match.", "content": gateway},
            "404": {"description": "The result is gone.", "content": gateway},
            "416": {"description": "The range is outside the video.", "content": plain},
        }
    }


def _parameter(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": schema}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
