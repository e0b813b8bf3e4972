"""What a video file is, as measured: containers, streams, display size, exact durations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Few checks read packets or text, and each value class takes half a millisecond to load.
    from preflight.model.scan import ScanResult, TextSeen


class Container(StrEnum):
    """A container format, told by the file's content (never by its name)."""

    MP4 = "mp4"
    MOV = "mov"
    WEBM = "webm"
    AVI = "avi"
    MKV = "mkv"
    THREEGP = "3gp"
    ASF = "asf"
    FLV = "flv"
    GIF = "gif"
    MPEG_PS = "mpeg-ps"
    MPEG_TS = "mpeg-ts"
    OGG = "ogg"
    OTHER = "other"


class StreamKind(StrEnum):
    """What a stream carries. `COVER` is an attached picture, which is not the video."""

    VIDEO = "video"
    AUDIO = "audio"
    SUBTITLE = "subtitle"
    DATA = "data"
    ATTACHMENT = "attachment"
    COVER = "cover"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColorTags:
    """Color description as ffmpeg names it (ITU-T H.273), None where the file is silent."""

    primaries: str | None = None
    transfer: str | None = None
    matrix: str | None = None
    full_range: bool | None = None

    @property
    def is_hdr(self) -> bool:
        """True for PQ (SMPTE ST 2084) and HLG (ARIB STD-B67) transfer functions."""
        return self.transfer in {"smpte2084", "arib-std-b67"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream of a container; `index` counts from 0 in the file's own order."""

    index: int
    kind: StreamKind
    codec: str
    duration: Fraction | None = None
    bit_rate: int | None = None
    language: str | None = None
    title: str | None = None
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoStream(Stream):
    """A moving picture. `width` and `height` are in samples, cropped, before rotation and SAR.

    A player flips the picture from left to right where it is `mirrored`, and then turns it by `rotation` degrees
    clockwise. `sizes` are the width and height of each sequence header where the header states several.
    """

    width: int
    height: int
    sar: Fraction = Fraction(1)
    rotation: int = 0
    mirrored: bool = False
    sizes: tuple[tuple[int, int], ...] = ()
    frame_rate: Fraction | None = None
    frame_count: int | None = None
    variable_frame_rate: bool = False
    interlaced: bool = False
    bit_depth: int | None = None
    chroma: str | None = None
    color: ColorTags = ColorTags()

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels as a player shows them: SAR first, then rotation.

        A SAR above 1 widens, one below 1 heightens, as ITU-R BT.1700 players do not shrink.
        """
        width, height = self.width, self.height
        if self.sar > 1:
            width = round(width * self.sar)
        elif 0 < self.sar < 1:
            height = round(height / self.sar)
        return (height, width) if self.rotation % 180 == 90 else (width, height)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioStream(Stream):
    """Sound. `sample_rate` in Hz."""

    channels: int | None = None
    sample_rate: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """Enough to notice that a file was replaced or grew: size in bytes, mtime in ns, inode."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> FileIdentity:
        """Return the identity of what `path` points to now. Raises OSError."""
        status = path.stat()
        return cls(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file that could be read. `duration` is in seconds, the longest of container, video and audio.

    `faststart`: the movie header comes before the data (MP4 and QuickTime); `indexed`: there is a usable index
    (Matroska and AVI); both None elsewhere. `external`: samples are in other files, which are never opened.
    `missing_bytes` is how many bytes the header announces beyond the file's end: above 0 the file was cut short.
    """

    path: Path
    identity: FileIdentity
    container: Container
    brand: str | None = None
    streams: tuple[Stream, ...] = ()
    duration: Fraction | None = None
    fragmented: bool = False
    faststart: bool | None = None
    indexed: bool | None = None
    external: bool = False
    chapters: int = 0
    missing_bytes: int = 0
    sha256: str | None = None
    reading: ScanResult | None = None
    text: TextSeen | None = None

    @property
    def size(self) -> int:
        """Size in bytes, from the file system."""
        return self.identity.size

    @property
    def extension(self) -> str:
        """The name's extension in lower case without the dot, '' when there is none."""
        return self.path.suffix[1:].lower()

    @property
    def video(self) -> VideoStream | None:
        """The first real video stream that is not known to have no frame, else the first one, or None."""
        found = [s for s in self.streams if isinstance(s, VideoStream) and s.kind is StreamKind.VIDEO]
        return next((s for s in found if s.frame_count != 0), found[0] if found else None)

    @property
    def audio(self) -> tuple[AudioStream, ...]:
        """Every audio stream, in file order."""
        return tuple(s for s in self.streams if isinstance(s, AudioStream))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A path from which no `Media` could be had, and why.

    `reason` is a stable slug (`missing`, `directory`, `special-file`, `permission`, `empty`, `playlist`, `not-video`,
    `no-moov`, `parser-crash`, `parser-timeout`, ...); `detail` is a sentence for people; `hint` is the next step.
    """

    path: Path
    reason: str
    detail: str
    hint: str
    size: int | None = None
