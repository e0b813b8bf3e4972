"""H.264 streams as bytes: their NAL units, parameter sets and clean entry points (ITU-T H.264, ISO/IEC 14496-15)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_SLICE_IDR, _SPS, _PPS = 5, 7, 8
_KINDS = 0x1F
_WITH_CHROMA = frozenset({100, 110, 122, 144})
"""Profiles whose header record ends with the chroma format and the bit depths."""

Sets = dict[tuple[int, int], bytes]
"""Parameter sets by their kind (7 sequence, 8 picture) and their number."""


def units(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B byte stream, without start codes."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        # A zero before a start code belongs to it, and no unit ends with one.
        yield data[start + 3 : end if end >= 0 else None].rstrip(b"\0")
        start = end


def is_clean_entry(data: bytes) -> bool:
    """Return True for an access unit that is an IDR picture: nothing behind it refers to what comes before it."""
    return any(unit[0] & _KINDS == _SLICE_IDR for unit in units(data) if unit)


def parameter_sets(data: bytes) -> Sets:
    """Return the parameter sets that an access unit carries."""
    return {(unit[0] & _KINDS, _number(unit)): unit for unit in units(data) if _is_set(unit)}


def length_prefixed(data: bytes) -> bytes:
    """Return an access unit without its parameter sets, each NAL unit behind its length in four bytes."""
    kept = [unit for unit in units(data) if unit and not _is_set(unit)]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


def header_record(sets: Sets, *, chroma: int = 1, depth: int = 8) -> bytes:
    """Return the decoder configuration record (`avcC`) of all `sets`: the highest profile and level.

    `chroma` is `chroma_format_idc` (1 for 4:2:0, 2 for 4:2:2), `depth` the bits of a sample.
    """
    sequences = [unit for (kind, _), unit in sorted(sets.items()) if kind == _SPS]
    pictures = [unit for (kind, _), unit in sorted(sets.items()) if kind == _PPS]
    profile, level = (max(unit[place] for unit in sequences) for place in (1, 3))
    limits = 0xFF
    for unit in sequences:
        limits &= unit[2]
    record = bytes((1, profile, limits, level, 0xFF, 0xE0 | len(sequences))) + _listed(sequences)
    record += bytes((len(pictures),)) + _listed(pictures)
    return record + (bytes((0xFC | chroma, 0xF8 | depth - 8, 0xF8 | depth - 8, 0)) if profile in _WITH_CHROMA else b"")


def free_number(sets: Sets) -> int | None:
    """Return a number that no set of either kind has, None when all that an encoder may take are taken."""
    taken = {number for _, number in sets}
    return next((number for number in range(32) if number not in taken), None)


def _listed(found: Iterable[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in found)


def _is_set(unit: bytes) -> bool:
    return bool(unit) and unit[0] & _KINDS in {_SPS, _PPS}


def _number(unit: bytes) -> int:
    """Return the number of a parameter set: the first Exp-Golomb code, behind profile and level in a sequence's."""
    start = 4 if unit[0] & _KINDS == _SPS else 1
    bits = "".join(f"{byte:08b}" for byte in unit[start : start + 8].replace(b"\0\0\3", b"\0\0"))
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1] or "1", 2) - 1
