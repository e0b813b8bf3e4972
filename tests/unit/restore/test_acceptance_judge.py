"""The verdict from measures alone."""

from dataclasses import replace

import pytest

from preflight.restore.acceptance import AcceptanceReport, AcceptanceVerdict, Level, Problem
from preflight.restore.acceptance.judge import judge
from preflight.restore.acceptance.measures import AcceptanceMeasures, OutsideChange, TextTrace
from preflight.restore.acceptance.motion_check import FrozenRun, find_frozen
from preflight.restore.acceptance.report import ExpectedText, Place
from preflight.workflow.acceptance import repair_boxes

TEXT = ExpectedText(text="hello", first=10, last=19, box=(100, 200, 300, 230))
BOX = (64, 64, 128, 96)
SIZE = (800, 400)


def measures(**more: object) -> AcceptanceMeasures:
    base = AcceptanceMeasures(
        frames=100,
        cleaned_frames=100,
        source_length=4.0,
        cleaned_length=4.0,
        bit_rate=2e6,
        source_bit_rate=4e6,
        outside_psnr=[42.0],
        worst_tile_psnr=36.0,
        shifts=[(0.02, 0.0)],
        time_shifts=[0.0],
    )
    for name, value in more.items():
        setattr(base, name, value)
    return base


def traced(**more: object) -> TextTrace:
    frames = range(10, 20)
    trace = TextTrace(traces=dict.fromkeys(frames, 0.0), readings=dict.fromkeys(frames, ""))
    for name, value in more.items():
        setattr(trace, name, value)
    return trace


def levels(report: AcceptanceReport) -> dict[Problem, Level]:
    return {finding.problem: finding.level for finding in report.findings}


def test_clean_result_is_accepted_without_reasons() -> None:
    report = judge(measures(texts=[(TEXT, traced())]), SIZE, 2.0)
    assert (report.verdict, report.reasons, report.texts, report.residual_texts) == (
        AcceptanceVerdict.ACCEPTED,
        (),
        1,
        0,
    )


def test_text_read_on_two_frames_is_poor() -> None:
    trace = traced(readings={10: "hello", 11: "hello", 12: ""})
    report = judge(measures(texts=[(TEXT, trace)]), SIZE, 2.0)
    assert (report.verdict, report.residual_texts) == (AcceptanceVerdict.POOR, 1)
    (place,) = report.findings[0].places
    assert (place.first_frame, place.last_frame, place.box, place.text) == (10, 11, (200, 400, 600, 460), "hello")


def test_text_read_on_one_of_many_frames_is_a_remark() -> None:
    report = judge(measures(texts=[(TEXT, traced(readings={10: "hello", 11: "", 12: ""}))]), SIZE, 2.0)
    assert levels(report) == {Problem.RESIDUAL_TEXT: Level.REMARK}


@pytest.mark.parametrize(
    ("strength", "verdict"),
    [(0.1, AcceptanceVerdict.ACCEPTED), (0.2, AcceptanceVerdict.REMARKS), (0.35, AcceptanceVerdict.POOR)],
)
def test_traces_weigh_by_their_contrast(strength: float, verdict: AcceptanceVerdict) -> None:
    trace = traced(traces=dict.fromkeys(range(10, 20), strength))
    assert judge(measures(texts=[(TEXT, trace)]), SIZE).verdict is verdict


def test_written_text_is_poor_when_seen_twice() -> None:
    place = Place(first_frame=5, last_frame=5, time=0.2, text="SALE")
    assert judge(measures(written=[place]), SIZE).verdict is AcceptanceVerdict.REMARKS
    assert judge(measures(written=[place, place]), SIZE).verdict is AcceptanceVerdict.POOR


def test_change_outside_the_text_is_poor_when_it_lasts() -> None:
    change = OutsideChange(first=10, last=30, box=BOX, share=0.01, psnr=20.0)
    assert judge(measures(outside=[change]), SIZE).verdict is AcceptanceVerdict.POOR
    assert judge(measures(outside=[replace(change, last=11)]), SIZE).verdict is AcceptanceVerdict.ACCEPTED
    assert judge(measures(outside=[replace(change, share=0.001)]), SIZE).verdict is AcceptanceVerdict.REMARKS


def test_change_all_along_is_taken_for_a_removed_graphic() -> None:
    change = OutsideChange(first=0, last=99, box=BOX, share=0.01, psnr=20.0)
    assert judge(measures(outside=[change]), SIZE).verdict is AcceptanceVerdict.REMARKS


@pytest.mark.parametrize(
    ("count", "length", "verdict"),
    [
        (100, 4.0, AcceptanceVerdict.ACCEPTED),
        (99, 3.96, AcceptanceVerdict.REMARKS),
        (99, 4.0, AcceptanceVerdict.POOR),
        (95, 3.8, AcceptanceVerdict.POOR),
    ],
)
def test_missing_frames_weigh_unless_at_the_end(count: int, length: float, verdict: AcceptanceVerdict) -> None:
    assert judge(measures(cleaned_frames=count, cleaned_length=length), SIZE).verdict is verdict


@pytest.mark.parametrize(("count", "verdict"), [(102, AcceptanceVerdict.REMARKS), (110, AcceptanceVerdict.POOR)])
def test_extra_frames_weigh_by_their_number(count: int, verdict: AcceptanceVerdict) -> None:
    assert judge(measures(cleaned_frames=count), SIZE).verdict is verdict


@pytest.mark.parametrize(("last", "verdict"), [(21, AcceptanceVerdict.REMARKS), (30, AcceptanceVerdict.POOR)])
def test_frozen_pictures_weigh_by_their_length(last: int, verdict: AcceptanceVerdict) -> None:
    assert judge(measures(frozen=[FrozenRun(20, last)]), SIZE).verdict is verdict


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(0.3, AcceptanceVerdict.ACCEPTED), (0.6, AcceptanceVerdict.REMARKS), (1.2, AcceptanceVerdict.POOR)],
)
def test_shift_of_the_picture_weighs_by_its_size(shift: float, verdict: AcceptanceVerdict) -> None:
    report = judge(measures(shifts=[(0.0, shift)]), SIZE, 2.0)
    assert (report.verdict, report.shift) == (verdict, (0.0, round(2 * shift, 2)))


@pytest.mark.parametrize(
    ("late", "verdict"),
    [(0.02, AcceptanceVerdict.ACCEPTED), (0.04, AcceptanceVerdict.REMARKS), (0.12, AcceptanceVerdict.POOR)],
)
def test_shift_in_time_weighs_by_its_size(late: float, verdict: AcceptanceVerdict) -> None:
    assert judge(measures(time_shifts=[late]), SIZE).verdict is verdict


@pytest.mark.parametrize(
    ("start", "verdict"),
    [(0.02, AcceptanceVerdict.ACCEPTED), (0.06, AcceptanceVerdict.REMARKS), (-0.2, AcceptanceVerdict.POOR)],
)
def test_sound_out_of_sync_weighs_by_its_size(start: float, verdict: AcceptanceVerdict) -> None:
    report = judge(measures(source_sync=0.0, cleaned_sync=start), SIZE)
    assert (report.verdict, report.sync_error) == (verdict, start)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(2.0, AcceptanceVerdict.ACCEPTED), (6.0, AcceptanceVerdict.REMARKS), (12.0, AcceptanceVerdict.POOR)],
)
def test_flicker_weighs_by_its_warping_error(error: float, verdict: AcceptanceVerdict) -> None:
    trace = traced(flicker=dict.fromkeys(range(11, 20), error))
    assert judge(measures(texts=[(TEXT, trace)]), SIZE).verdict is verdict


def test_low_quality_at_a_low_rate_names_the_rate() -> None:
    report = judge(measures(outside_psnr=[30.0], bit_rate=0.5e6), SIZE)
    assert levels(report) == {Problem.BIT_RATE: Level.REMARK}
    assert "0.50 Mb/s" in report.reasons[0]
    assert levels(judge(measures(outside_psnr=[25.0]), SIZE)) == {Problem.LOW_QUALITY: Level.POOR}


def test_frozen_runs_need_a_source_that_moves() -> None:
    moving, still = [0.0, *[1.0] * 9], [0.0, *[0.01] * 9]
    frozen = [0.0, 1.0, 1.0, 0.01, 0.01, 0.01, 1.0, 1.0, 1.0, 1.0]
    assert find_frozen(moving, frozen) == [FrozenRun(3, 5)]
    assert find_frozen(still, frozen) == []
    assert find_frozen(moving, moving) == []


def test_repair_fills_residual_and_written_text_only() -> None:
    trace = traced(readings={10: "hello", 19: "hello"})
    change = OutsideChange(first=10, last=30, box=BOX, share=0.01, psnr=20.0)
    place = Place(first_frame=50, last_frame=50, time=2.0, text="SALE", box=(0, 0, 40, 20))
    report = judge(measures(texts=[(TEXT, trace)], outside=[change], written=[place, place]), SIZE)
    boxes = repair_boxes(report)
    assert [(box.start, box.end) for box in boxes] == [(0.4, 0.8), (1.6, 2.44), (1.6, 2.44)]
    assert (boxes[0].x1, boxes[0].y1, boxes[0].x2, boxes[0].y2) == (0.11, 0.47, 0.39, 0.605)


def test_single_frozen_frames_are_a_remark_however_many() -> None:
    runs = [FrozenRun(n, n + 1) for n in range(10, 90, 8)]
    assert judge(measures(frozen=runs), SIZE).verdict is AcceptanceVerdict.REMARKS
    assert (
        judge(measures(frozen=[FrozenRun(n, n + 2) for n in range(10, 90, 8)]), SIZE).verdict is AcceptanceVerdict.POOR
    )
