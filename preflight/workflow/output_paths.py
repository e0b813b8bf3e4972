"""What a run leaves in the output folder: the cleaned file, the before/after picture and the JSON record."""

from __future__ import annotations

import filecmp
import itertools
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from preflight.errors import InputError
from preflight.ledger import Job, State
from preflight.serialize import jsonable
from preflight.tools import files

RECORD_SCHEMA = 1
"""Version of the JSON record; raised when a field changes its meaning or goes away."""

LARGEST_RECORD = 64_000_000
"""Bytes above which a file is not read as a record: one of a six-minute video with a text a frame has 5 MB."""

TEXTS_SEARCHED = "texts_searched"
"""Field of a record that says that its list of texts is complete although no service reported it."""

_MARK = ".cleaned"


def record_of(file: Path) -> Path:
    """Return where the JSON record of a cleaned file is."""
    return file.with_name(files.name(file.stem.removesuffix(_MARK), f"{_MARK}.json"))


def picture_of(file: Path) -> Path:
    """Return where the before/after picture of a cleaned file is."""
    return file.with_name(files.name(file.stem.removesuffix(_MARK), ".before-after.jpg"))


def is_result(path: Path) -> bool:
    """Return True for a cleaned file that a run left here, with its record beside it."""
    return path.stem.endswith(_MARK) and record_of(path).is_file()


def clean_record_of(file: Path) -> Path:
    """Return where the JSON record of a file that `preflight clean` made is."""
    return file.with_name(files.name(file.stem, ".record.json"))


def write_json_record(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a record at once or not at all. Raises ToolError, DiskFullError."""
    with files.scratch(path.parent) as scratch:
        draft = scratch / path.name
        value = {"schema": RECORD_SCHEMA, **jsonable(content)}
        draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
    return path


def read_json_record(path: Path) -> dict[str, Any]:
    """Return the record of a result. Raises InputError that says what is wrong."""
    hint = "Give the .cleaned.json of `preflight run`, or the .record.json of `preflight clean`."
    try:
        if path.stat().st_size > LARGEST_RECORD:
            raise InputError(f"{path} has more than {LARGEST_RECORD:,} bytes: it is no record.", hint=hint)
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} can't be read as a record: {error}.", hint=hint) from error
    result = value.get("result") if isinstance(value, dict) else None
    if not isinstance(result, dict) or not isinstance(result.get("file"), str):
        raise InputError(f"{path} is not the record of a result.", hint=hint)
    record: dict[str, Any] = value
    return record


def located(name: str, record: Path) -> Path | None:
    """Return the file that a record names: there, or beside the record, or a folder above it; None when it is gone."""
    given = Path(name)
    places = (given, record.parent / given.name, record.parent.parent / given.name)
    return next((place.absolute() for place in places if place.is_file()), None)


def named_files(content: Mapping[str, Any], record: Path) -> tuple[Path, str]:
    """Return the finished file and the name of the source of a record's content.

    The record of a video that has the content of another one is a copy of that one's: it is about the files that it is
    named after, where they are there.
    """
    finished, source = Path(content["result"]["file"]), str(content.get("source") or content["result"]["source"])
    stem = record.name.removesuffix(".json")
    own = record.with_name(f"{stem}{finished.suffix}")
    if own.name == finished.name or not stem.endswith(_MARK) or not own.is_file():
        return finished, source
    twin = f"{stem.removesuffix(_MARK)}{Path(source).suffix}"
    return own, twin if located(twin, record) else source


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPaths:
    """Where the results of one source go: the output `folder`, `work` for unfinished files, and the name `stem`."""

    folder: Path
    work: Path
    stem: str

    def file(self, extension: str) -> Path:
        """The cleaned video."""
        return self.folder / files.name(self.stem, f"{_MARK}.{extension}")

    def require_writable(self) -> None:
        """Raise ToolError or DiskFullError for a folder that could not take the result, before it is paid for."""
        with files.scratch(self.folder):
            pass

    def target(self, jobs: Sequence[Job], extension: str, *, plain: bool = True) -> Path:
        """Return where the finished file of these fetched jobs goes: what was chosen before, else a free name.

        The name holds the group's id too when another result has the `plain` one, or is about to.
        """
        folder, chosen = self.folder.absolute(), jobs[0].target
        if plain and chosen is not None and chosen.parent == folder:
            return chosen
        wanted = self.file(extension)
        # The record and the picture are named without the extension: clip.mp4 must not take those of clip.webm.
        free = plain and not any(path.exists() for path in (wanted, record_of(wanted), picture_of(wanted)))
        outputs = self if free else replace(self, stem=f"{self.stem}-{jobs[0].group[:8]}")
        return folder / outputs.file(extension).name

    def finished(self, jobs: Sequence[Job]) -> Path | None:
        """Return the cleaned file that these jobs led to, in this folder, or None when it has to be made.

        A file that went to another folder before, or was made of the same content under another name, is copied from
        there with what lies beside it. Raises DiskFullError, ToolError.
        """
        made = {job.file for job in jobs if job.state is State.FETCHED}
        file = next(iter(made)) if len(made) == 1 and all(job.state is State.FETCHED for job in jobs) else None
        if file is None or not file.is_file() or self.work in file.parents:
            return None
        plain = self.file(file.suffix[1:])
        spare = replace(self, stem=f"{self.stem}-{jobs[0].group[:8]}").file(file.suffix[1:])
        wanted = self.folder.absolute() / (spare if file.name == spare.name else plain).name
        if wanted.exists() and not filecmp.cmp(wanted, file, shallow=False):
            wanted = wanted.with_name(spare.name)
        if wanted.exists() and filecmp.cmp(wanted, file, shallow=False):
            return wanted
        with files.scratch(self.folder) as scratch:
            for beside in (record_of, picture_of):
                if beside(file).is_file():
                    files.publish(files.copy(beside(file), scratch / beside(wanted).name), beside(wanted))
            return files.publish(files.copy(file, scratch / wanted.name), wanted)

    def keep_fetched(self, job: Job) -> Path:
        """Copy what was fetched for a job, of which no finished file is made, into the folder; return where it is.

        An existing file of the same content is used, another one is never replaced. Raises DiskFullError, ToolError.
        """
        assert job.file is not None  # noqa: S101 - a fetched job has one
        part = f"-{job.segment:03d}" if job.segments > 1 else ""
        for number in itertools.count(1):
            again = f"-{number}" if number > 1 else ""
            wanted = self.folder.absolute() / files.name(self.stem, f".fetched{part}{again}{job.file.suffix}")
            if not wanted.exists():
                break
            if filecmp.cmp(wanted, job.file, shallow=False):
                return wanted
        with files.scratch(self.folder) as scratch:
            return files.publish(files.copy(job.file, scratch / wanted.name), wanted)

    def write_record(self, file: Path, content: dict[str, Any]) -> Path:
        """Write the record of `file` at once or not at all."""
        return write_json_record(record_of(file), content)

    def settle_work(self, *, keep: int = 0) -> None:
        """Remove what was only needed on the way, or the oldest of it and of others' until `keep` bytes are left."""
        if keep:
            files.prune(self.work.parent, keep, spare=self.work)
        else:
            shutil.rmtree(self.work, ignore_errors=True)
