"""Write JSON without the `json` module, whose import takes as long as starting the interpreter and reading the file."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORDS = {None: "null", True: "true", False: "false"}
_CONTROLS = {number: f"\\u{number:04x}" for number in range(32)}


def encode(value: Any) -> bytes:
    """Return `value` (dicts by str, lists, tuples, str, int, finite float, bool, None) as JSON (RFC 8259) in UTF-8.

    Halves of surrogate pairs, which file names may have, go through as `json.loads` reads them. Raises TypeError.
    """
    return _text(value).encode("utf-8", "surrogatepass")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return f'"{_escaped(value)}"'
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(key)}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _escaped(text: str) -> str:
    # Each `replace` goes through the text at once, `translate` by character: it is for what hardly any text has.
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return text if text.isprintable() else text.translate(_CONTROLS)
