"""MediaInfo's C library (the one that the pymediainfo package carries), fed with bytes only.

pymediainfo's own `parse` passes a path to the library, which can then open files and addresses that the bytes name,
and its import takes longer than the parsing. Here the library gets buffers, so it has no path to start from.
"""

from __future__ import annotations

import ctypes

from preflight.probe.sandbox.files import read_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

BUFFER = 16_384
"""Bytes handed over at a time. More makes MediaInfo copy what it skips: 64 KiB doubles the time of a large index."""
MAX_BYTES = 512 * 2**20
"""Bytes read from one file at most, so that a file whose bytes send the parser around ends."""

PARSERS = {
    "bmff": "Mpeg4", "matroska": "Mk", "avi": "Riff", "flv": "Flv", "asf": "Wm", "ogg": "Ogg", "mpeg-ts": "MpegTs",
    "mpeg-ps": "MpegPs", "gif": "Gif", "mxf": "Mxf",
}  # fmt: skip
"""MediaInfo's parser for what the first bytes said: it then neither builds nor asks its hundred others."""

_ANY = (
    "ID", "StreamOrder", "Format", "Format_Version", "Format_Profile", "CodecID", "Duration", "BitRate", "Language",
    "Title", "Type", "Encryption", "Delay",
)  # fmt: skip
_PICTURE = (
    "Width", "Height", "PixelAspectRatio", "Rotation", "FrameRate", "FrameRate_Num", "FrameRate_Den", "FrameRate_Mode",
    "FrameCount", "BitDepth", "ChromaSubsampling", "ScanType", "colour_primaries", "transfer_characteristics",
    "matrix_coefficients", "colour_range",
)  # fmt: skip
_SOUND = (
    "Channels", "SamplingRate", "BitDepth", "Format_Settings_Sign", "Format_Settings_Endianness", "MuxingMode",
)  # fmt: skip
_FIELDS: dict[str, tuple[str, ...]] = {
    "General": ("Format", "CodecID", "Duration", "Cover"), "Video": _ANY + _PICTURE, "Audio": _ANY + _SOUND,
    "Text": _ANY, "Other": _ANY, "Image": _ANY + _PICTURE, "Menu": ("Chapters_Pos_Begin", "Chapters_Pos_End"),
}  # fmt: skip
"""What is asked for of each kind of track, in the order of MediaInfo's numbers for them."""
_KINDS = tuple(_FIELDS)
_TEXT, _NAME = 1, 0
"""MediaInfo's numbers for a field's value, and for finding a field by its name."""
_NOWHERE = 2**64 - 1
_FINISHED = 8
_OPTIONS = (
    ("CharSet", "UTF-8"), ("Complete", ""), ("Cover_Data", ""), ("LegacyStreamDisplay", ""),
    # Without its sentences for people, which are not asked for, it takes two thirds of the time; a test compares.
    ("ReadByHuman", "0"),
)  # fmt: skip
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "New": (ctypes.c_void_p, ()),
    "Option": (ctypes.c_wchar_p, (ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_wchar_p)),
    "Count_Get": (ctypes.c_size_t, (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)),
    "Get": (
        ctypes.c_wchar_p,
        (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t, ctypes.c_wchar_p, ctypes.c_int, ctypes.c_int),
    ),
    "Open_Buffer_Init": (ctypes.c_size_t, (ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64)),
    "Open_Buffer_Continue": (ctypes.c_size_t, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)),
    "Open_Buffer_Continue_GoTo_Get": (ctypes.c_uint64, (ctypes.c_void_p,)),
    "Open_Buffer_Finalize": (ctypes.c_size_t, (ctypes.c_void_p,)),
    "Delete": (None, (ctypes.c_void_p,)),
}


class MediaInfo:
    """The library, loaded once and used for one file after the other. Raises OSError when it can't be loaded."""

    def __init__(self, library: str) -> None:
        loaded = ctypes.CDLL(library)
        self._calls = {name: getattr(loaded, f"MediaInfo_{name}") for name in _SIGNATURES}
        for name, (result, arguments) in _SIGNATURES.items():
            self._calls[name].restype = result
            self._calls[name].argtypes = arguments
        for option, value in _OPTIONS:
            self.set_option(option, value)

    def set_option(self, name: str, value: str) -> None:
        """Set an option of the library for every file read from now on, in this process.

        Args:
            name: the option, as MediaInfo documents it.
            value: its value.
        """
        self._calls["Option"](None, name, value)

    def read(
        self, fd: int, size: int, *, kind: str, speed: float = 0, skip: Sequence[tuple[int, int]] = ()
    ) -> list[dict[str, str]]:
        """Return MediaInfo's tracks of the file of `kind` open as `fd` with `size` bytes, the whole file as the first.

        `speed` 0 is fast, 1 reads it whole. What lies in the ranges `skip` is not shown to it.
        """
        # A new handle for each file: a used one keeps state and returns a wrong duration of the next transport stream.
        handle = self._calls["New"]()
        try:
            self._call(handle, "Option", "File_ForceParser", PARSERS.get(kind, ""))
            self._call(handle, "Option", "ParseSpeed", str(speed))
            self._feed(handle, fd, size, skip)
            return [track for number, kind in enumerate(_KINDS) for track in self._tracks(handle, number, kind)]
        finally:
            self._call(handle, "Delete")

    def _feed(self, handle: int, fd: int, size: int, skip: Sequence[tuple[int, int]]) -> None:
        """Hand over what the parser asks for of the file, but for the ranges `skip`."""
        self._call(handle, "Open_Buffer_Init", size, 0)
        position = furthest = handed = 0
        while handed < MAX_BYTES:
            start, end = next(((s, e) for s, e in skip if e > position), (size, size))
            if start <= position < end:
                if end <= furthest:
                    # The rest was read before: the parser was going back for the first sample.
                    break
                position = end
                self._call(handle, "Open_Buffer_Init", size, position)
                continue
            data = read_at(fd, min(BUFFER, start - position) if start > position else BUFFER, position)
            if not data:
                break
            position += len(data)
            furthest = max(furthest, position)
            handed += len(data)
            if self._call(handle, "Open_Buffer_Continue", data, len(data)) & _FINISHED:
                break
            wanted = self._call(handle, "Open_Buffer_Continue_GoTo_Get")
            if wanted != _NOWHERE:
                position = wanted
                self._call(handle, "Open_Buffer_Init", size, position)
        self._call(handle, "Open_Buffer_Finalize")

    def _tracks(self, handle: int, number: int, kind: str) -> Iterator[dict[str, str]]:
        """Yield the tracks of a kind. Asking for what is used takes a quarter of the time that telling all does."""
        for position in range(self._call(handle, "Count_Get", number, _NOWHERE)):
            track = {"@type": kind}
            for name in _FIELDS[kind]:
                value = self._call(handle, "Get", number, position, name, _TEXT, _NAME)
                if value:
                    track[name] = value
            yield track

    def _call(self, handle: int, name: str, *arguments: Any) -> Any:
        return self._calls[name](handle, *arguments)
