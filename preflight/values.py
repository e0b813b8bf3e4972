"""Frozen dataclasses that are made ten times faster: their methods are shared closures, not compiled class by class.

`preflight check FILE` makes two dozen of them before it reads the file, and compiling takes longer than the check.
They are dataclasses to `fields`, `replace` and type checkers, which see the standard decorator.
"""

from __future__ import annotations

import sys
from types import ModuleType

__all__ = ["dataclass", "field", "fields", "load", "replace"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass, field, fields, replace
    from typing import Any


class _Later(ModuleType):
    """A module that is loaded when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        from importlib import import_module

        return getattr(import_module(self.__name__), name)


def load(name: str, *, without: tuple[str, ...]) -> Any:
    """Return the module `name`, loaded now, where those `without` are loaded when it first uses them."""
    from importlib import import_module

    later = [other for other in without if other not in sys.modules and name not in sys.modules]
    sys.modules.update({other: _Later(other) for other in later})
    try:
        return import_module(name)
    finally:
        for other in later:
            del sys.modules[other]


# Of what it loads, only its own decorator uses `inspect`, for classes without a docstring, and `asdict` uses `copy`.
_dataclasses = load("dataclasses", without=("inspect", "copy"))


def _value(*, frozen: bool, slots: bool, kw_only: bool) -> Callable[[type], type]:
    """Make a class a frozen dataclass with slots whose fields are given by name: the one kind that there is here."""
    if not (frozen and slots and kw_only):
        raise TypeError("Values are frozen, have slots, and take their fields by name.")
    return _made


def _made(kind: type) -> type:
    _dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=True)(kind)
    specs = _dataclasses.fields(kind)
    methods = (_construction(specs), *_comparison(specs), _refuse_set, _refuse_del)
    # Slots need another class in any case; methods that it has from the start cost a fraction of those set later.
    content = {name: value for name, value in vars(kind).items() if name not in {"__dict__", "__weakref__"}}
    inherited = {name for base in kind.__mro__[1:] for name in vars(base).get("__slots__", ())}
    own = [spec.name for spec in specs if spec.name not in inherited]
    for spec in specs:
        content.pop(spec.name, None)
    named = {method.__name__: method for method in methods}
    return type(kind)(
        kind.__name__, kind.__bases__, {**named, **content, "__slots__": tuple(own), "__qualname__": kind.__qualname__}
    )


def _construction(specs: tuple[Any, ...]) -> Callable[..., None]:
    missing = _dataclasses.MISSING
    names = {spec.name for spec in specs}
    defaults = {spec.name: spec.default for spec in specs if spec.default is not missing}
    factories = {spec.name: spec.default_factory for spec in specs if spec.default_factory is not missing}

    def __init__(self: Any, **given: Any) -> None:  # noqa: N807 - it becomes the class's
        values = defaults | given
        for name, factory in factories.items():
            if name not in values:
                values[name] = factory()
        if values.keys() != names:
            wrong = ", ".join(sorted(values.keys() ^ names))
            raise TypeError(f"{type(self).__name__}() has these fields missing or unknown: {wrong}")
        for name, value in values.items():
            _set(self, name, value)
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    return __init__


def _comparison(specs: tuple[Any, ...]) -> tuple[Callable[..., Any], ...]:
    names = [spec.name for spec in specs if spec.compare]
    shown = [spec.name for spec in specs if spec.repr]
    every = [spec.name for spec in specs]

    def content(self: Any) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in names])

    def __eq__(self: Any, other: object) -> Any:  # noqa: N807
        return content(self) == content(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(content(self))

    def __repr__(self: Any) -> str:  # noqa: N807
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{self.__class__.__qualname__}({told})"

    def __reduce__(self: Any) -> tuple[Any, ...]:  # noqa: N807 - copies and pickles can't set what is frozen
        return _again, (self.__class__, {name: getattr(self, name) for name in every})

    return __eq__, __hash__, __repr__, __reduce__


def _again(kind: type, content: dict[str, Any]) -> Any:
    return kind(**content)


_set = object.__setattr__


def _refuse_set(self: Any, name: str, value: object) -> None:  # noqa: ARG001
    raise _dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_del(self: Any, name: str) -> None:  # noqa: ARG001
    raise _dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


_refuse_set.__name__, _refuse_del.__name__ = "__setattr__", "__delattr__"

if not TYPE_CHECKING:
    dataclass, field, fields, replace = _value, _dataclasses.field, _dataclasses.fields, _dataclasses.replace
