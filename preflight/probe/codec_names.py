"""MediaInfo's names of codecs and colors, translated to ffmpeg's. Pure tables (ITU-T H.273 for color)."""

from __future__ import annotations

from preflight.model.media import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CODECS = {
    "AVC": "h264", "HEVC": "hevc", "VVC": "vvc", "AV1": "av1", "VP8": "vp8", "VP9": "vp9", "ProRes": "prores",
    "JPEG": "mjpeg", "MPEG-4 Visual": "mpeg4", "Theora": "theora", "FFV1": "ffv1", "DV": "dvvideo", "VC-1": "vc1",
    "VC-3": "dnxhd",
    "WMV1": "wmv1", "WMV2": "wmv2", "WMV3": "wmv3", "H.263": "h263", "Sorenson Spark": "flv1", "HuffYUV": "huffyuv",
    "AAC": "aac", "AC-3": "ac3", "E-AC-3": "eac3", "Opus": "opus", "Vorbis": "vorbis", "FLAC": "flac", "ALAC": "alac",
    "AMR": "amr_nb", "WMA": "wmav2", "DTS": "dts", "TrueHD": "truehd", "Nellymoser": "nellymoser",
    "ASS": "ass", "SSA": "ssa", "UTF-8": "subrip", "SubRip": "subrip", "Timed Text": "mov_text", "WebVTT": "webvtt",
    "S_TEXT/WEBVTT": "webvtt", "PGS": "hdmv_pgs_subtitle", "VobSub": "dvd_subtitle", "EIA-608": "eia_608",
    "QuickTime TC": "tmcd", "GIF": "gif", "RGB": "rawvideo", "YUV": "rawvideo", "Raw": "rawvideo", "PNG": "png",
}  # fmt: skip
_MS_MPEG4 = {
    "MPG4": "msmpeg4v1", "MP41": "msmpeg4v1", "MP42": "msmpeg4v2", "DIV2": "msmpeg4v2", "MP43": "msmpeg4v3",
    "DIV3": "msmpeg4v3",
}  # fmt: skip
"""Codecs before the standard that are called MPEG-4 too, by their FourCC."""
_MPEG_AUDIO = {"Layer 1": "mp1", "Layer 2": "mp2", "Layer 3": "mp3"}


def codec_name(track: dict[str, Any]) -> str:
    """Return ffmpeg's name of the track's codec, or MediaInfo's in lower case where the table has none."""
    name = str(track.get("Format") or track.get("Type") or track.get("CodecID") or "unknown")
    if name == "MPEG Audio":
        return _MPEG_AUDIO.get(str(track.get("Format_Profile")), "mp3")
    if name == "MPEG Video":
        return "mpeg1video" if track.get("Format_Version") == "1" else "mpeg2video"
    if name == "PCM":
        return _pcm(track)
    if name == "MPEG-4 Visual":
        return _MS_MPEG4.get(str(track.get("CodecID")), "mpeg4")
    if name == "AAC" and track.get("MuxingMode") == "LATM":
        return "aac_latm"
    return _CODECS.get(name, name.lower())


def is_decodable(name: str) -> bool:
    """Return whether `name`, as `codec` returned it, is ffmpeg's name of a codec: only then is there a decoder."""
    if name == "aac_latm" or name in _MS_MPEG4.values():
        return True
    return name in _CODECS.values() or name in _MPEG_AUDIO.values() or name.startswith("pcm_")


def _pcm(track: dict[str, Any]) -> str:
    depth = str(track.get("BitDepth") or 16)
    sign = {"Float": "f", "Unsigned": "u"}.get(str(track.get("Format_Settings_Sign")), "u" if depth == "8" else "s")
    if track.get("Format_Profile") == "Float":
        sign = "f"
    order = "" if depth == "8" else "be" if track.get("Format_Settings_Endianness") == "Big" else "le"
    return f"pcm_{sign}{depth}{order}"


def pixel_format(track: dict[str, Any]) -> tuple[int | None, str | None]:
    """Return bits a component and chroma format, from the codec's definition where MediaInfo is silent."""
    depth, chroma = str(track.get("BitDepth")), track.get("ChromaSubsampling")
    usual_depth, usual_chroma = _PIXELS.get(codec_name(track), (None, None))
    if codec_name(track) == "prores" and str(track.get("CodecID")) in {"ap4h", "ap4x"}:
        usual_depth, usual_chroma = 12, "4:4:4"
    shown = str(chroma).split(" ", maxsplit=1)[0] if chroma else usual_chroma
    return (int(depth) if depth.isdecimal() else usual_depth), shown


def is_interlaced(track: dict[str, Any]) -> bool:
    """Return whether the stream holds fields.

    MediaInfo calls every AVC stream progressive whose parameter sets rule fields out, and nothing for others.
    """
    scan = track.get("ScanType")
    return scan in {"Interlaced", "MBAFF", "PAFF"} or (scan is None and track.get("Format") == "AVC")


def brand_container(brand: str | None) -> Container:
    """Return the container that a BMFF file's major brand stands for; a file without one is classic QuickTime."""
    if brand is None or brand == "qt  ":
        return Container.MOV
    if brand[:3] in {"3gp", "3gg", "3gr", "3gs", "3ge", "3g2"}:
        return Container.THREEGP
    return Container.OTHER if brand in STILL_BRANDS else Container.MP4


_PIXELS = {
    "prores": (10, "4:2:2"), "vp8": (8, "4:2:0"), "theora": (8, "4:2:0"), "mpeg4": (8, "4:2:0"), "wmv2": (8, "4:2:0"),
}  # fmt: skip
STILL_BRANDS = frozenset({"heic", "heix", "hevc", "mif1", "avif", "avis", "msf1", "jxl "})
"""Major brands of picture files, which are made of the boxes that an MP4 is made of."""
STILLS = frozenset({"png", "mjpeg", "bmp", "webp", "tiff"})
"""Codecs of cover pictures, which are videos too only when they have more than one frame."""
PRIMARIES = {
    "BT.709": "bt709", "BT.2020": "bt2020", "BT.601 PAL": "bt470bg", "BT.601 NTSC": "smpte170m",
    "BT.470 System M": "bt470m",
    "SMPTE 240M": "smpte240m", "Display P3": "smpte432", "DCI P3": "smpte431", "Generic film": "film",
}  # fmt: skip
TRANSFERS = {
    "BT.709": "bt709", "BT.601": "smpte170m", "PQ": "smpte2084", "HLG": "arib-std-b67", "BT.2020 (10-bit)": "bt2020-10",
    "BT.2020 (12-bit)": "bt2020-12", "sRGB/sYCC": "iec61966-2-1", "xvYCC": "iec61966-2-4", "BT.470 System M": "gamma22",
    "BT.470 System B/G": "gamma28", "BT.470 System B, BT.470 System G": "gamma28", "SMPTE 240M": "smpte240m",
    "Linear": "linear",
}  # fmt: skip
MATRICES = {
    "BT.709": "bt709", "BT.601": "smpte170m", "BT.470 System B/G": "bt470bg",
    "BT.470 System B, BT.470 System G": "bt470bg",
    "BT.2020 non-constant": "bt2020nc", "BT.2020 constant": "bt2020c", "SMPTE 240M": "smpte240m", "Identity": "gbr",
    "YCgCo": "ycgco", "FCC 73.682": "fcc", "ICtCp": "ictcp",
}  # fmt: skip
