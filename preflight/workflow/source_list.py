"""Which videos are meant by names, patterns, folders, objects in stores and manifests, as a stream.

Nothing is collected: a manifest of a million lines, or a bucket of a million objects, is read as its videos are taken.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from preflight.errors import InputError, UsageError
from preflight.model.address import S3Address
from preflight.settings import Settings

if TYPE_CHECKING:
    from preflight.storage.remote import RemoteObject

MANIFESTS = frozenset({".csv", ".jsonl", ".ndjson", ".parquet"})
"""Extensions of lists of videos."""

VIDEO_EXTENSIONS = frozenset({
    "3g2", "3gp", "asf", "avi", "divx", "f4v", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts",
    "mxf", "ogv", "rm", "rmvb", "ts", "vob", "webm", "wmv",
})  # fmt: skip
"""Extensions of objects below a folder of a store that count as videos: none is read to find out."""

_COLUMNS = ("source", "uri", "url", "path", "file", "video")
"""Names of the column that has the video, the first that a manifest has."""

_BATCH = 4096
"""Rows of a Parquet file that are read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSource:
    """A video: a path, or the address of an object as a path; `name` is what its results are called, None its own."""

    path: Path
    name: str | None = None


def expand_sources(
    names: Iterable[str], settings: Settings, *, stdin: IO[bytes] | None = None, separator: bytes = b"\n"
) -> Iterator[ListedSource]:
    """Yield the videos that `names` mean, as they come.

    Args:
        names: Files, folders, patterns, `s3://bucket/prefix/*.mp4`, manifests (CSV, JSON lines or Parquet, also in a
            store), and `-` for the list on `stdin`.
        settings: The store's endpoint and credentials.
        stdin: What `-` stands for.
        separator: What ends each name on `stdin`.

    Raises:
        UsageError: A manifest has no column of videos, or its reader is not installed.
        InputError: A manifest can't be read.
        StoreError, StoreAccessError: The store failed.
    """
    from preflight.probe import expand

    for name in names:
        address = S3Address.parse(name)
        if Path(name).suffix.lower() in MANIFESTS and (address is not None or Path(name).is_file()):
            yield from _manifest(name, address, settings)
        elif address is not None:
            yield from _objects(address, settings)
        else:
            yield from (ListedSource(path=path) for path in expand([name], stdin=stdin, separator=separator))


def _objects(address: S3Address, settings: Settings) -> Iterator[ListedSource]:
    from preflight.storage.remote import list_objects

    is_pattern = any(mark in address.key for mark in "*?[")
    if not is_pattern and address.key and not address.key.endswith("/"):
        yield ListedSource(path=address.path)
        return
    for found in list_objects(settings, address):
        if is_pattern or _is_video(found):
            yield ListedSource(path=found.address.path)


def _is_video(found: RemoteObject) -> bool:
    return Path(found.address.key).suffix[1:].lower() in VIDEO_EXTENSIONS


def _manifest(name: str, address: S3Address | None, settings: Settings) -> Iterator[ListedSource]:
    """Yield the videos of a manifest; one in a store is copied to a temporary file first."""
    if address is None:
        yield from read_manifest(Path(name))
        return
    from preflight.storage.remote import download, require

    with tempfile.TemporaryDirectory(prefix="preflight-manifest-") as folder:
        file = download(settings, require(settings, address), Path(folder) / Path(address.key).name)
        yield from read_manifest(file)


def read_manifest(file: Path) -> Iterator[ListedSource]:
    """Yield the videos of a manifest file. Relative paths count from the current folder.

    The column `source` (or uri, url, path, file, video) has the video; `name`, if there is one, what its results are
    called. Raises UsageError, InputError.
    """
    readers = {".csv": _csv, ".parquet": _parquet}
    rows = readers.get(file.suffix.lower(), _json_lines)(file)
    for number, row in enumerate(rows, start=1):
        given = next((row[column] for column in _COLUMNS if row.get(column)), None)
        if not isinstance(given, str) or not given.strip():
            raise InputError(f"{file}: entry {number} names no video.", hint=f"Name it in the column {_COLUMNS[0]!r}.")
        name = row.get("name")
        if name is not None and (not isinstance(name, str) or "/" in name or name in {".", ".."}):
            raise InputError(f"{file}: entry {number} has the name {name!r}.", hint="Give a name without folders.")
        address = S3Address.parse(given.strip())
        yield ListedSource(path=address.path if address else Path(given.strip()), name=name or None)


def _csv(file: Path) -> Iterator[dict[str, object]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            if not set(_COLUMNS) & set(reader.fieldnames or ()):
                raise UsageError(
                    f"{file} has no column of videos.",
                    hint=f"Name one in its first line: {', '.join(_COLUMNS)}.",
                )
            yield from ({**row} for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} can't be read as CSV: {error}.", hint="Write it as CSV in UTF-8.") from error


def _json_lines(file: Path) -> Iterator[dict[str, object]]:
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if isinstance(row, str):
                    row = {_COLUMNS[0]: row}
                if not isinstance(row, dict):
                    raise InputError(f"{file}: line {number} is no object.", hint='Write {"source": "clip.mp4"}.')
                yield row
    except (OSError, ValueError) as error:
        raise InputError(
            f"{file} can't be read as JSON lines: {error}.", hint='Write {"source": "clip.mp4"} on each line.'
        ) from error


def _parquet(file: Path) -> Iterator[dict[str, object]]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            f"{file} is a Parquet file, whose reader is not installed.",
            hint="Run: pip install '.[parquet]' in preflight's folder.",
        ) from error
    try:
        with parquet.ParquetFile(file) as opened:
            columns = [name for name in (*_COLUMNS, "name") if name in opened.schema_arrow.names]
            if not set(columns) & set(_COLUMNS):
                raise UsageError(f"{file} has no column of videos.", hint=f"Name one of: {', '.join(_COLUMNS)}.")
            for batch in opened.iter_batches(batch_size=_BATCH, columns=columns):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file} can't be read as Parquet: {error}.", hint="Write it again.") from error
