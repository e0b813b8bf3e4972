"""The eight ways to show a stored picture, and the display matrix of each (ISO/IEC 14496-12, 8.3.2). Pure."""

from __future__ import annotations

Matrix = tuple[int, int, int, int]
"""(a, b, c, d) of a display matrix: a stored sample at (x, y) is shown at (ax + cy, bx + dy)."""

_TURNS: tuple[Matrix, ...] = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
"""Matrices of 0 to 3 quarter turns, counter-clockwise."""
_ONE = 1 << 16
"""1 in the fixed point of the first four numbers in a file."""


def display_matrix(turns: int, *, mirrored: bool) -> Matrix:
    """Return the matrix of a picture that is turned counter-clockwise and then, where asked, mirrored left to right."""
    a, b, c, d = _TURNS[turns % 4]
    return (-a, b, -c, d) if mirrored else (a, b, c, d)


_ORIENTATIONS = {
    display_matrix(turns, mirrored=mirrored): (turns, mirrored) for turns in range(4) for mirrored in (False, True)
}


def orientation(stored: Matrix) -> tuple[int, bool] | None:
    """Return quarter turns and mirroring of a file's matrix, numbers in 1/65536; None where it does anything else."""
    a, b, c, d = (round(number / _ONE) for number in stored)
    return _ORIENTATIONS.get((a, b, c, d))
