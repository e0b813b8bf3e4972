"""Values as JSON: dataclasses as objects, exact seconds as numbers, secrets hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from preflight.errors import PreflightError
from preflight.model.address import spelled
from preflight.settings import Secret

_PLAIN: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (PreflightError, PreflightError.to_dict),
    (Enum, lambda value: value.value),
    (Secret, lambda value: "[hidden]" if value else ""),
    (Fraction, lambda value: int(value) if value.denominator == 1 else float(value)),
    (datetime, datetime.isoformat),
    (Path, spelled),
    (dict, lambda value: {str(key): jsonable(item) for key, item in value.items()}),
    ((list, tuple, set, frozenset), lambda value: [jsonable(item) for item in value]),
)


def jsonable(value: Any) -> Any:
    """Return `value` as what `json` takes."""
    return _converter(value.__class__)(value)


@cache
def _converter(kind: type) -> Callable[[Any], Any]:
    """Return what converts values of `kind`: each is looked for once, for thousands of reports are written."""
    if is_dataclass(kind):
        names = [spec.name for spec in fields(kind)]
        return lambda value: {name: jsonable(getattr(value, name)) for name in names}
    if issubclass(kind, str | int | float | None.__class__) and not issubclass(kind, Secret | Enum):
        return lambda value: value
    known = next((convert for kinds, convert in _PLAIN if issubclass(kind, kinds)), None)
    if known is not None:
        return known
    # Loaded for a job's values only: the facts of a check have none.
    from preflight.model.job import SecretUrl

    return str if issubclass(kind, SecretUrl) else lambda value: value
