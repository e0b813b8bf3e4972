"""`preflight verify` as a person uses it, on results that are good and that are not."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from fixtures import captions, clips
from fixtures.captions import Caption
from preflight.restore.acceptance import AcceptanceVerdict, Problem
from preflight.workflow.acceptance import Expected, verify
from preflight.workflow.text_export import find_text
from tests.end_to_end.cli import preflight

ROOT = str(Path(__file__).parents[3])
CODED = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")


class Case(NamedTuple):
    source: Path
    clean: Path
    expected: Expected


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """1.6 s of a moving scene with a caption on frames 5 to 34, and its clean twin coded anew."""
    folder = tmp_path_factory.mktemp("verify")
    picture = "mandelbrot=size=480x270:rate=25:start_scale=0.3:end_pts=60"
    clips.run("-f", "lavfi", "-i", picture, "-t", 1.6, *CODED, "-crf", 4, folder / "plain.mkv")
    text = (Caption(start=0.2, end=1.4, text="Never give up"),)
    captions.burn(folder / "plain.mkv", folder / "clip.mp4", text, size=(480, 270), font_size=26)
    clips.run("-i", folder / "plain.mkv", *CODED, "-crf", 18, folder / "clean.mp4")
    return Case(folder / "clip.mp4", folder / "clean.mp4", Expected(texts=find_text(folder / "clip.mp4")))


def test_clean_twin_is_accepted(case: Case) -> None:
    report = verify(case.source, case.clean, expected=case.expected)
    assert (report.verdict, report.reasons, report.texts) == (AcceptanceVerdict.ACCEPTED, (), 1)


def test_result_with_its_text_is_poor_with_evidence(case: Case, tmp_path: Path) -> None:
    claim, left = tmp_path / "claim", tmp_path / "left.mp4"
    left.write_bytes(case.source.read_bytes())
    outcome = preflight("verify", case.source, left, "--evidence", claim, "--accept", "strict", PYTHONPATH=ROOT)
    assert (outcome.code, outcome.out) == (1, f"{left}: poor\n"), outcome.err
    assert "1 of 1 texts are left" in outcome.err
    report = json.loads((claim / "acceptance.json").read_text("utf-8"))
    assert report["verdict"] == "poor"
    assert report["findings"][0]["places"][0]["first_frame"] == 5
    assert [name for name in report["evidence"] if (claim / name).read_bytes().startswith(b"\x89PNG")]


def test_frames_that_are_missing_are_counted(case: Case, tmp_path: Path) -> None:
    short = tmp_path / "short.mp4"
    counted = "select='not(between(n,15,18))',setpts=N/25/TB"
    clips.run("-i", case.clean, "-vf", counted, *CODED, "-crf", 18, short)
    report = verify(case.source, short, expected=case.expected)
    assert report.missing_frames == 4
    assert (Problem.MISSING_FRAMES, "4 of 40 frames are missing.") in [
        (finding.problem, finding.reason) for finding in report.findings
    ]


def test_repair_removes_what_is_left(case: Case, tmp_path: Path) -> None:
    left, mended = tmp_path / "left.mp4", tmp_path / "mended.mp4"
    left.write_bytes(case.source.read_bytes())
    outcome = preflight("verify", case.source, left, "--repair", mended, "--json", PYTHONPATH=ROOT)
    assert outcome.code == 0, outcome.err
    assert outcome.events[-1]["verdict"] == "poor"
    assert outcome.events[-1]["verdict_after_repair"] != "poor"
    assert mended.is_file()


def test_same_file_twice_is_a_usage_error(case: Case) -> None:
    outcome = preflight("verify", case.source, case.source, PYTHONPATH=ROOT)
    assert outcome.code == 2
    assert "same file" in outcome.err
