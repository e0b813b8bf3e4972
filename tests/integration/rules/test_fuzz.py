from pathlib import Path

import preflight
from fixtures import cases, clips, mutations
from preflight.probe.sandbox import bmff, ebml, riff, sniff


def test_spoiled_files_get_a_verdict(tmp_path: Path) -> None:
    seeds = [
        clips.clip(tmp_path / f"seed.{extension}", seconds=0.2) for extension in ("mp4", "mov", "webm", "avi", "mkv")
    ]
    seeds.append(cases.remux(seeds[0], tmp_path / "f.mp4", "-movflags", "frag_keyframe+empty_moov"))
    paths = []
    for number, data in enumerate(mutations.spoiled([seed.read_bytes() for seed in seeds], 240, seed=7)):
        paths.append(tmp_path / f"{number}{seeds[number % len(seeds)].suffix}")
        paths[-1].write_bytes(data)
    reports = list(preflight.check_many(paths, jobs=2))
    assert [report.path for report in reports] == paths
    assert all(report.ok != bool(report.failures) for report in reports)


def test_header_readers_take_any_bytes(tmp_path: Path) -> None:
    seeds = [clips.clip(tmp_path / f"seed.{extension}", seconds=0.1) for extension in ("mp4", "mkv", "avi")]
    readers = {"bmff": bmff.read, "matroska": ebml.read, "avi": riff.read}
    spoiled = tmp_path / "spoiled"
    for data in mutations.spoiled([seed.read_bytes() for seed in seeds], 1500, seed=11):
        spoiled.write_bytes(data)
        kind = sniff.sniff(data[: sniff.HEAD])
        if kind in readers:
            with spoiled.open("rb") as file:
                assert readers[kind](file.fileno(), len(data))["missing_bytes"] >= 0
