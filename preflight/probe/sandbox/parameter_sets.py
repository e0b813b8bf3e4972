"""Read the picture size from the sequence headers of H.264 and H.265, which is the size that a decoder shows.

The sample entry of MP4 and the track entry of Matroska state a size too, which a writer may get wrong. The parameter
sets are in the codec's configuration record, so no sample is read. Sources: ITU-T H.264 (7.3.2.1, Annex E), ITU-T H.265
(7.3.2.2, 7.3.3), ISO/IEC 14496-15 (5.3.3, 8.3.3).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_SETS = 32
"""Parameter sets read of one record: the standards allow 32 sequence parameter sets of H.264 and 16 of H.265."""
MAX_SET_BYTES = 4096
"""Bytes read of one parameter set; with scaling lists it has under 1,000."""
MAX_SIDE = 16_384
"""Pixels of one side above which a size is an error of the header: level 6.2 of both codecs ends at 16,888."""

_SPS_H265 = 33
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles of H.264 whose sequence parameter set states chroma format and bit depths."""


class _Bits:
    """A reader of bits and of Exp-Golomb codes. Raises IndexError past the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        """Return the next `count` bits as an unsigned number: u(n)."""
        if count > self._left:
            raise IndexError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def unsigned(self) -> int:
        """Return the next Exp-Golomb code: ue(v)."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > 32:
                raise IndexError
        return (1 << zeros) - 1 + self.read(zeros)

    def signed(self) -> int:
        """Return the next signed Exp-Golomb code: se(v)."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def avc_sizes(record: bytes) -> list[tuple[int, int]]:
    """Return width and height, cropped, of each sequence parameter set in the `avcC` record; [] where none is sane."""
    sets, position = [], 6
    for _ in range(min(record[5] & 0x1F if len(record) > 5 else 0, MAX_SETS)):
        length = int.from_bytes(record[position : position + 2])
        sets.append(record[position + 2 : position + 2 + length])
        position += 2 + length
    return _sane(_avc_size(nal) for nal in sets if len(nal) > 4)


def hevc_sizes(record: bytes) -> list[tuple[int, int]]:
    """Return width and height, cropped, of each sequence parameter set in the `hvcC` record; [] where none is sane."""
    sets, position = [], 23
    for _ in range(min(record[22] if len(record) > 22 else 0, MAX_SETS)):
        kind = record[position] & 0x3F if position < len(record) else 0
        count = int.from_bytes(record[position + 1 : position + 3])
        position += 3
        for _ in range(min(count, MAX_SETS)):
            length = int.from_bytes(record[position : position + 2])
            if kind == _SPS_H265:
                sets.append(record[position + 2 : position + 2 + length])
            position += 2 + length
    return _sane(_hevc_size(nal) for nal in sets if len(nal) > 4)


def _sane(sizes: Iterable[tuple[int, int] | None]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for size in sizes:
        if size is not None and all(0 < side <= MAX_SIDE for side in size) and size not in found:
            found.append(size)
    return found


def _payload(nal: bytes, header: int) -> _Bits:
    """Return the bits behind the NAL unit's header, without emulation prevention bytes (H.264, 7.4.1)."""
    return _Bits(nal[header:MAX_SET_BYTES].replace(b"\0\0\3", b"\0\0"))


def _avc_size(nal: bytes) -> tuple[int, int] | None:
    try:
        return _read_avc(_payload(nal, 1))
    except IndexError:
        return None


def _read_avc(bits: _Bits) -> tuple[int, int]:
    profile = bits.read(8)
    bits.read(16)
    bits.unsigned()
    chroma, separate = 1, 0
    if profile in _HIGH_PROFILES:
        chroma = bits.unsigned()
        separate = bits.read(1) if chroma == 3 else 0
        bits.unsigned()
        bits.unsigned()
        bits.read(1)
        if bits.read(1):
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    bits.unsigned()
    order = bits.unsigned()
    if order == 0:
        bits.unsigned()
    elif order == 1:
        bits.read(1)
        bits.signed()
        bits.signed()
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()
    bits.unsigned()
    bits.read(1)
    width, height = 16 * (bits.unsigned() + 1), 16 * (bits.unsigned() + 1)
    frames_only = bits.read(1)
    height *= 2 - frames_only
    if not frames_only:
        bits.read(1)
    bits.read(1)
    if bits.read(1):
        planes = 0 if separate else chroma
        across = 2 if planes in {1, 2} else 1
        down = (2 if planes == 1 else 1) * (2 - frames_only)
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width -= across * (left + right)
        height -= down * (top + bottom)
    return width, height


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for number in range(count):
        if not bits.read(1):
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def _hevc_size(nal: bytes) -> tuple[int, int] | None:
    try:
        return _read_hevc(_payload(nal, 2))
    except IndexError:
        return None


def _read_hevc(bits: _Bits) -> tuple[int, int]:
    bits.read(4)
    layers = bits.read(3)
    bits.read(1)
    bits.read(96)
    flags = [(bits.read(1), bits.read(1)) for _ in range(layers)]
    if layers:
        bits.read(2 * (8 - layers))
    for profile, level in flags:
        bits.read(88 * profile + 8 * level)
    bits.unsigned()
    chroma = bits.unsigned()
    separate = bits.read(1) if chroma == 3 else 0
    width, height = bits.unsigned(), bits.unsigned()
    if bits.read(1):
        planes = 0 if separate else chroma
        across, down = 2 if planes in {1, 2} else 1, 2 if planes == 1 else 1
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width -= across * (left + right)
        height -= down * (top + bottom)
    return width, height
