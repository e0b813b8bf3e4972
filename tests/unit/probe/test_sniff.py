import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.cases import PLAYLISTS
from preflight.probe.sandbox import sniff


@pytest.mark.parametrize("content", PLAYLISTS.values(), ids=PLAYLISTS)
def test_playlists_never_pass(content: bytes) -> None:
    assert sniff.sniff(content) == "playlist"
    assert sniff.sniff(content.decode().encode("utf-16")) == "playlist"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x00\x00\x00\x18ftypmp42", "bmff"), (b"\x00\x00\x00\x08wide", "bmff"), (b"\x1aE\xdf\xa3\x01", "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"), (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio"), (b"OggS\x00", "ogg"),
        (b"GIF89a", "gif"), ((b"G" + bytes(187)) * 4, "mpeg-ts"), ((b"\x00" * 4 + b"G" + bytes(187)) * 4, "mpeg-ts"),
        (b"%PDF-1.7", "document"), (b"PK\x03\x04", "archive"), (b"hello\n", "text"),
        (b"\x00" * 4096, "unknown"), (b"", "unknown"),
    ],
)  # fmt: skip
def test_first_bytes_tell_the_kind(head: bytes, kind: str) -> None:
    assert sniff.sniff(head) == kind


@given(st.binary(max_size=600))
def test_any_bytes_have_a_kind(head: bytes) -> None:
    assert isinstance(sniff.sniff(head), str)
