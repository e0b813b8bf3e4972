"""Parts of a removal are found again exactly as they were kept, or not at all."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures import fill_models
from preflight.engine import kept_work
from preflight.engine.inpaint.fill_model import open_fill_model
from preflight.engine.kept_work import KeptWork
from preflight.errors import InputError
from preflight.model.job import InpaintingBox, RemovalOptions
from preflight.tools import ffmpeg

PROGRAM = ffmpeg.find()
OPTIONS = RemovalOptions()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"a video")
    return path


def keep(folder: Path, source: Path, options: RemovalOptions = OPTIONS) -> None:
    with kept_work.opened(folder, source, options, program=PROGRAM) as kept:
        kept.keep_selection({"texts": 1})
        kept.keep_chunk(0, (), "first")
        kept.keep_chunk(1, (2, 0), "second")


def test_parts_are_found_by_the_next_process(source: Path, tmp_path: Path) -> None:
    keep(tmp_path / "kept", source)
    with kept_work.opened(tmp_path / "kept", source, OPTIONS, program=PROGRAM) as kept:
        assert kept.chunks == 2
        assert kept.selection() == {"texts": 1}
        assert (kept.chunk(0, ()), kept.chunk(1, (2, 0))) == ("first", "second")
        assert (kept.chunk(1, ()), kept.chunk(2, ())) == (None, None)


@pytest.mark.parametrize(
    "other",
    [
        replace(OPTIONS, remove_audio=True),
        replace(OPTIONS, inpainting_boxes=(InpaintingBox(start=0, end=1, x1=0, y1=0, x2=0.5, y2=0.5),)),
    ],
)
def test_other_options_find_nothing(source: Path, tmp_path: Path, other: RemovalOptions) -> None:
    keep(tmp_path / "kept", source)
    with kept_work.opened(tmp_path / "kept", source, other, program=PROGRAM) as kept:
        assert (kept.chunks, kept.selection()) == (0, None)
    with kept_work.opened(tmp_path / "kept", source, OPTIONS, program=PROGRAM, any_script=True) as kept:
        assert kept.chunks == 0


def test_other_fill_model_finds_nothing(source: Path, tmp_path: Path) -> None:
    models = [open_fill_model(fill_models.lama(tmp_path / "a.onnx", white=white)) for white in (1.0, 255.0)]
    found = []
    for model in (None, models[0], models[1], models[0]):
        with kept_work.opened(tmp_path / "kept", source, OPTIONS, program=PROGRAM, fill_model=model) as kept:
            found.append(kept.chunks)
            kept.keep_chunk(0, (), "first")
    assert found == [0, 0, 0, 1]


def test_other_content_finds_nothing_and_another_name_does(source: Path, tmp_path: Path) -> None:
    keep(tmp_path / "kept", source)
    renamed = source.rename(tmp_path / "b.mp4")
    with kept_work.opened(tmp_path / "kept", renamed, OPTIONS, program=PROGRAM) as kept:
        assert kept.chunks == 2
    renamed.write_bytes(b"a videO")
    with kept_work.opened(tmp_path / "kept", renamed, OPTIONS, program=PROGRAM) as kept:
        assert kept.chunks == 0


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"\0" + data[1:], lambda _: b""])
def test_damaged_part_is_not_believed(source: Path, tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    keep(tmp_path / "kept", source)
    (part,) = (tmp_path / "kept").glob("*/chunk-0.part")
    part.write_bytes(damage(part.read_bytes()))
    with kept_work.opened(tmp_path / "kept", source, OPTIONS, program=PROGRAM) as kept:
        assert (kept.chunk(0, ()), kept.chunk(1, (2, 0))) == (None, "second")


def test_nothing_is_kept_while_another_process_does_the_same(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with kept_work.opened(folder, source, OPTIONS, program=PROGRAM) as first:
        first.keep_chunk(0, (), "mine")
        with kept_work.opened(folder, source, OPTIONS, program=PROGRAM) as second:
            second.keep_chunk(0, (), "other")
            assert second.chunk(0, ()) is None
        assert first.chunk(0, ()) == "mine"


def test_parts_go_with_the_result_or_after_a_week(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    keep(folder, source)
    with kept_work.opened(folder, source, OPTIONS, program=PROGRAM) as kept:
        kept.discard()
    assert list(folder.iterdir()) == []
    keep(folder, source)
    (own,) = folder.iterdir()
    old = time.time() - 8 * 24 * 3600
    os.utime(own, (old, old))
    with kept_work.opened(folder, source, replace(OPTIONS, remove_audio=True), program=PROGRAM):
        assert not own.exists()
    assert list(folder.iterdir()) == []


def test_part_that_can_not_be_written_ends_the_keeping_alone(tmp_path: Path) -> None:
    kept = KeptWork(tmp_path / "missing")
    kept.keep_chunk(0, (), "first")
    assert (kept.folder, kept.chunk(0, ())) == (None, None)


def test_source_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    opened = kept_work.opened(tmp_path / "kept", tmp_path / "no.mp4", OPTIONS, program=PROGRAM)
    with pytest.raises(InputError, match=r"no\.mp4 can't be read"):
        opened.__enter__()
