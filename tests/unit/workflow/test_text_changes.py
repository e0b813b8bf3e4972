from pathlib import Path

import pytest

from fixtures import clips
from preflight.model.text import TextStatus
from preflight.settings import Settings
from preflight.workflow import text_changes
from preflight.workflow.text_changes import TextChange


@pytest.mark.parametrize(
    ("inside", "outside", "scene", "status"),
    [
        (20.0, 0.2, False, TextStatus.REMOVED),
        (20.0, 0.2, True, TextStatus.REMOVED),
        (0.4, 0.2, False, TextStatus.KEPT),
        (5.0, 4.0, False, TextStatus.UNCERTAIN),
        (3.5, 4.0, False, TextStatus.KEPT),
        (5.0, 4.0, True, TextStatus.KEPT),
        (2.5, 0.2, False, TextStatus.UNCERTAIN),
    ],
)
def test_a_box_changed_above_its_surroundings_was_removed(
    inside: float, outside: float, scene: bool, status: TextStatus
) -> None:
    assert text_changes.status_of(TextChange(inside=inside, outside=outside), is_scene=scene) is status


def test_a_text_that_no_sample_shows_is_left_to_a_person() -> None:
    assert text_changes.status_of(None, is_scene=False) is TextStatus.UNCERTAIN


def test_changes_are_measured_in_each_box_and_time(tmp_path: Path) -> None:
    plain = "testsrc2=size=320x180:rate=25:duration=4"
    box = "drawbox=x=80:y=140:w=160:h=20:color=white:t=fill:enable='between(t,2,3)'"
    for name, graph in (
        ("source.mp4", f"{plain},{box}"),
        ("finished.mp4", f"{plain},trim=start=1,setpts=PTS-STARTPTS"),
    ):
        clips.run("-f", "lavfi", "-i", graph, "-c:v", "libx264", "-qp", "10", "-pix_fmt", "yuv420p", tmp_path / name)
    corners = (0.25, 140 / 180, 0.75, 160 / 180)
    shown, earlier, elsewhere, late = text_changes.measure(
        [(1.0, 2.0, corners), (0.0, 0.9, corners), (1.0, 2.0, (0.1, 0.1, 0.4, 0.3)), (9.0, 9.5, corners)],
        tmp_path / "source.mp4",
        tmp_path / "finished.mp4",
        offset=1.0,
        settings=Settings(home=tmp_path),
    )
    assert shown is not None
    assert earlier is not None
    assert elsewhere is not None
    assert shown.inside > 30
    assert shown.outside < 1
    assert earlier.inside < 1
    assert elsewhere.inside < 1
    assert late is None
