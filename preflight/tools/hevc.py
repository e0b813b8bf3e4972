"""HEVC streams as bytes: their NAL units, parameter sets and clean entry points (ITU-T H.265, ISO/IEC 14496-15)."""

from __future__ import annotations

from preflight.tools.h264 import units

_IDR = frozenset({19, 20})
"""Kinds of NAL unit of an IDR picture (`IDR_W_RADL`, `IDR_N_LP`)."""
_SETS = (32, 33, 34)
"""Kinds of parameter sets: video, sequence, picture."""
_HEADER = 2
"""Bytes of a NAL unit's header."""
_PROFILE = slice(3, 15)
"""Bytes of a sequence parameter set that hold profile, tier, constraints and level."""

Sets = dict[tuple[int, int], bytes]
"""Parameter sets by their kind and by their place among those of the kind in one access unit."""


def _kind(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


def is_clean_entry(data: bytes) -> bool:
    """Return True for an access unit that is an IDR picture: nothing behind it refers to what comes before it."""
    return any(_kind(unit) in _IDR for unit in units(data) if len(unit) > _HEADER)


def parameter_sets(data: bytes) -> Sets:
    """Return the parameter sets that an access unit carries."""
    found: Sets = {}
    for unit in units(data):
        if len(unit) > _HEADER and _kind(unit) in _SETS:
            kind = _kind(unit)
            found[kind, sum(name == kind for name, _ in found)] = unit
    return found


def length_prefixed(data: bytes, *, with_sets: bool) -> bytes:
    """Return an access unit, each NAL unit behind its length in four bytes, with or without its parameter sets."""
    kept = [unit for unit in units(data) if len(unit) > _HEADER and (with_sets or _kind(unit) not in _SETS)]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


def header_record(sets: Sets, *, chroma: int = 1, depth: int = 8, complete: bool = True) -> bytes:
    """Return the decoder configuration record (`hvcC`).

    Args:
        sets: parameter sets of the stream, or of the first of several that bring their own.
        chroma: `chroma_format_idc`, 1 for 4:2:0.
        depth: bits of a sample.
        complete: no further parameter sets are in the samples.
    """
    sequence = next(unit for (kind, _), unit in sorted(sets.items()) if kind == _SETS[1])
    plain = sequence.replace(b"\0\0\3", b"\0\0")
    layers, nested = (plain[2] >> 1 & 7) + 1, plain[2] & 1
    record = b"\1" + plain[_PROFILE] + b"\xf0\0\xfc" + bytes((0xFC | chroma, 0xF8 | depth - 8, 0xF8 | depth - 8))
    record += b"\0\0" + bytes((layers << 3 | nested << 2 | 3, len(_SETS)))
    for kind in _SETS:
        found = [unit for (name, _), unit in sorted(sets.items()) if name == kind]
        record += bytes((complete << 7 | kind,)) + len(found).to_bytes(2, "big")
        record += b"".join(len(unit).to_bytes(2, "big") + unit for unit in found)
    return record
