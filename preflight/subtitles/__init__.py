"""Text of a video as subtitles: grouping of lines to cues, and the file formats."""

from preflight.subtitles.cues import Cue, CueLine, select_cues
from preflight.subtitles.formats import FORMATS, write

__all__ = ["FORMATS", "Cue", "CueLine", "select_cues", "write"]
