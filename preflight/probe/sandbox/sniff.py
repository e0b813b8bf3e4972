"""Tell by the first bytes what a file is, so that only real media containers ever reach a parser."""

from __future__ import annotations

HEAD = 4096
"""Bytes of a file's start that `sniff` wants to see."""

BMFF = "bmff"
MEDIA = frozenset({BMFF, "matroska", "avi", "ogg", "flv", "asf", "gif", "mpeg-ps", "mpeg-ts", "mxf", "rm", "mpeg-es"})
"""The answers that may be handed to a parser."""

# A QuickTime or MP4 file is a row of boxes: size, then one of these types (ISO/IEC 14496-12, QuickTime File Format).
_BOXES = frozenset(
    b"ftyp moov mdat free skip wide pnot styp sidx moof uuid udta meta PICT prfl pdin ssix junk bloc emsg".split()
)

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"OggS", "ogg"),
    (b"FLV\x01", "flv"),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", "asf"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x00\x00\x01\xba", "mpeg-ps"),
    (b"\x00\x00\x01\xb3", "mpeg-es"),
    (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02", "mxf"),
    (b".RMF", "rm"),
    (b"ID3", "audio"),
    (b"fLaC", "audio"),
    (b"\xff\xfb", "audio"),
    (b"\xff\xf3", "audio"),
    (b"\xff\xf1", "audio"),
    (b"\xff\xf9", "audio"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"BM", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"PK\x03\x04", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!", "archive"),
    (b"%PDF-", "document"),
)
_RIFF = {b"AVI ": "avi", b"WAVE": "audio", b"WEBP": "image"}

# Formats that name other files or addresses: a parser that follows them leaves this machine.
_PLAYLISTS = (
    b"#extm3u", b"ffconcat", b"<mpd", b"v=0\r", b"v=0\n", b"[playlist]", b"[reference]", b"rtsptext", b"<smil", b"<asx",
    b"<smoothstreamingmedia", b"rtsp://", b"http://", b"https://", b"<playlist", b"<manifest",
)  # fmt: skip

_CONTROLS = bytes(byte for byte in range(32) if not 9 <= byte <= 13)
"""Bytes that no text has: the control characters, but for tabs and line ends."""


def sniff(head: bytes) -> str:
    """Return what `head`, a file's first bytes, stands for.

    A name in `MEDIA`, or one of `playlist`, `text`, `audio`, `image`, `archive`, `document`, `unknown`.
    """
    if head[:4] in {b"RIFF", b"RIFX"}:
        return _RIFF.get(head[8:12], "unknown")
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[4:8] in _BOXES:
        return BMFF
    if _is_transport_stream(head):
        return "mpeg-ts"
    return _text(head)


def _is_transport_stream(head: bytes) -> bool:
    # Packets of 188 bytes begin with 0x47; M2TS puts 4 bytes before each, some broadcasts 16 bytes behind.
    return any(
        len(head) > start + 2 * step and all(head[start + n * step] == 0x47 for n in range(3))
        for start, step in ((0, 188), (4, 192), (0, 204))
    )


def _text(head: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[2:].decode(encoding, "replace").encode("utf-8", "replace")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_PLAYLISTS) or (
        start.startswith((b"<?xml", b"<!--")) and any(mark in start for mark in _PLAYLISTS)
    ):
        return "playlist"
    has_controls = len(head.translate(None, _CONTROLS)) < len(head)
    return "text" if head and not has_controls else "unknown"
