"""Sizes of pictures that an encoder padded."""

import pytest

from preflight.workflow.picture_sizes import unpadded


@pytest.mark.parametrize(
    ("shown", "size", "wanted"),
    [
        ((1920, 1080), (1920, 1088), (1920, 1080)),
        ((3840, 2160), (1920, 1088), (1920, 1080)),
        ((1080, 1920), (1088, 1920), (1080, 1920)),
        # The same picture, or another shape: nothing is known to be padding.
        ((1920, 1080), (1920, 1080), (1920, 1080)),
        ((1920, 1080), (1280, 720), (1280, 720)),
        ((640, 480), (1920, 1088), (1920, 1088)),
        ((1920, 1080), (1920, 1084), (1920, 1084)),
    ],
)
def test_padding_to_whole_blocks_is_no_picture(
    shown: tuple[int, int], size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert unpadded(shown, size) == wanted
