"""Finished parts of a removal on disk, by which a removal that was stopped or killed goes on where it was.

The parts of one removal lie in a folder of their own, whose name is a digest of all that the result depends on: the
content of the source, the options, the code and its libraries. What was kept is therefore either exact or not found.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from preflight.engine.inpaint.fill_model import FillModel
from preflight.errors import InputError
from preflight.model.job import RemovalOptions
from preflight.tools import ffmpeg, scratch

_LIBRARIES = ("numpy", "opencv-python-headless", "opencv-python", "onnxruntime", "rapidocr")
"""Packages whose version may change a result."""
_ENGINE = Path(__file__).parent
_BLOCK = 1 << 20
"""Bytes of a file that are hashed at a time."""
_MAX_AGE = 7 * 24 * 3600.0
"""Seconds after which parts that nobody went on with are removed."""
_SELECTION, _CHUNK = "selection", "chunk"
_DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass(slots=True)
class KeptWork:
    """The parts of one removal; without a folder nothing is kept and nothing found.

    That a part can't be written ends the keeping, not the removal.
    """

    folder: Path | None = None

    @property
    def chunks(self) -> int:
        """How many finished chunks there are."""
        return 0 if self.folder is None else sum(1 for _ in self.folder.glob(f"{_CHUNK}-*.part"))

    def selection(self) -> Any:
        """Return what `keep_selection` kept, None for nothing or for a file that is damaged."""
        return self._load(_SELECTION)

    def keep_selection(self, selection: Any) -> None:
        """Keep what the scan found and what is to be removed."""
        self._keep(_SELECTION, selection)

    def chunk(self, number: int, least_steps: Sequence[int]) -> Any:
        """Return the result of chunk `number` filled at least by the methods `least_steps`.

        None where nothing is kept or the file is damaged.
        """
        return self._load(_chunk_name(number, least_steps))

    def keep_chunk(self, number: int, least_steps: Sequence[int], result: Any) -> None:
        """Keep the result of a chunk."""
        self._keep(_chunk_name(number, least_steps), result)

    def discard(self) -> None:
        """Remove all parts: the result has its name."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def _keep(self, name: str, value: Any) -> None:
        if self.folder is None:
            return
        data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        part = self.folder / f"{name}.new"
        try:
            with part.open("wb") as file:
                file.write(hashlib.sha256(data).digest() + data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.folder / f"{name}.part")
        except OSError:
            self.discard()

    def _load(self, name: str) -> Any:
        if self.folder is None:
            return None
        try:
            content = (self.folder / f"{name}.part").read_bytes()
        except OSError:
            return None
        digest, data = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
        # Written by this program into a folder that is its user's alone.
        return pickle.loads(data) if hashlib.sha256(data).digest() == digest else None  # noqa: S301


def _chunk_name(number: int, least_steps: Sequence[int]) -> str:
    return "-".join([_CHUNK, str(number), *map(str, least_steps)])


@contextmanager
def opened(
    folder: Path | None,
    source: Path,
    options: RemovalOptions,
    *,
    program: str,
    any_script: bool = False,
    fill_model: FillModel | None = None,
) -> Iterator[KeptWork]:
    """Give the parts of a removal that are kept in `folder`, which no other process uses for the length of the block.

    Without a folder, or while another process removes the same text, nothing is kept. Parts that are a week old are
    removed. Raises InputError when the source can't be read.
    """
    if folder is None:
        yield KeptWork()
        return
    _remove_old(folder)
    own = folder / _key(source, options, program, fill_model, any_script=any_script)
    lock = None
    with suppress(OSError):
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = scratch.lock_folder(own)
    try:
        yield KeptWork(None if lock is None else own)
    finally:
        if lock is not None:
            os.close(lock)
            # Only an empty one goes: nothing was finished.
            with suppress(OSError):
                own.rmdir()


def _remove_old(folder: Path) -> None:
    for own in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):
            if time.time() - own.stat().st_mtime > _MAX_AGE and (lock := scratch.lock_folder(own)) is not None:
                shutil.rmtree(own, ignore_errors=True)
                os.close(lock)


def _key(source: Path, options: RemovalOptions, program: str, fill_model: FillModel | None, *, any_script: bool) -> str:
    """Return a digest of all that the result of a removal depends on."""
    told = [repr(options), str(any_script), str(ffmpeg.version(program)), program]
    told += ["" if fill_model is None else fill_model.digest]
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            told.append(f"{name} {version(name)}")
    told += [file.read_text("utf-8") for file in sorted(_ENGINE.rglob("*.py"))]
    digest = hashlib.sha256("\0".join(told).encode())
    try:
        with source.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{source} can't be read: {error.strerror}.") from error
    return digest.hexdigest()[:32]
