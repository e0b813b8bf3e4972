"""The lean dataclasses against the standard ones."""

import copy
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest

from preflight.media import ColorTags, FileIdentity, Stream, StreamKind, VideoStream
from preflight.settings import Settings
from preflight.values import dataclass, field

STREAM = VideoStream(index=0, kind=StreamKind.VIDEO, codec="h264", width=2, height=2)
ROOT = Path(__file__).resolve().parents[2]
KNOWN = {"json", "pathlib", "dataclasses"}


def test_value_is_a_dataclass_with_defaults_and_slots() -> None:
    assert is_dataclass(STREAM)
    assert [spec.name for spec in fields(Stream)][:2] == ["index", "kind"]
    assert (STREAM.sar, STREAM.color, STREAM.title) == (Fraction(1), ColorTags(), None)
    assert not hasattr(STREAM, "__dict__")
    assert repr(FileIdentity(size=1, mtime_ns=2, inode=3)) == "FileIdentity(size=1, mtime_ns=2, inode=3)"


def test_equal_content_of_one_class_is_equal() -> None:
    same = VideoStream(index=0, kind=StreamKind.VIDEO, codec="h264", width=2, height=2)
    assert same == STREAM
    assert hash(same) == hash(STREAM)
    assert same != replace(STREAM, width=4)
    assert Stream(index=0, kind=StreamKind.VIDEO, codec="h264") != STREAM


def test_value_can_neither_be_changed_nor_lose_a_field() -> None:
    with pytest.raises(FrozenInstanceError):
        STREAM.width = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del STREAM.width


@pytest.mark.parametrize("given", [{"size": 1}, {"size": 1, "mtime_ns": 2, "inode": 3, "color": 4}])
def test_missing_and_unknown_fields_are_named(given: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"FileIdentity.*(mtime_ns|color)"):
        FileIdentity(**given)


def test_copies_and_pickles_are_equal() -> None:
    assert copy.deepcopy(STREAM) == STREAM
    assert pickle.loads(pickle.dumps(STREAM)) == STREAM  # noqa: S301 - our own bytes


def test_factory_makes_a_default_for_each(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Settings().home == tmp_path / "preflight" or sys.platform != "linux"
    assert Settings(home=tmp_path).home == tmp_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Hiding:
    """One field is shown to nobody, the other is no part of what it stands for."""

    hidden: str = field(repr=False)
    aside: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Stream):
    """A stream whose codec is known from the start."""

    codec: str = "h264"


def test_default_may_be_given_to_an_inherited_field() -> None:
    assert Settled(index=0, kind=StreamKind.VIDEO).codec == "h264"
    assert Settled(index=0, kind=StreamKind.VIDEO, codec="vp9").codec == "vp9"


def test_fields_may_stay_out_of_sight_and_of_comparison() -> None:
    assert "hush" not in repr(Hiding(hidden="hush"))
    assert Hiding(hidden="a", aside=1) == Hiding(hidden="a", aside=2) != Hiding(hidden="b", aside=2)
    assert pickle.loads(pickle.dumps(Hiding(hidden="a", aside=1))).aside == 1  # noqa: S301 - our own bytes


def test_only_one_kind_is_made() -> None:
    with pytest.raises(TypeError, match="frozen"):
        dataclass(frozen=False, slots=True, kw_only=True)


def test_plain_check_loads_no_slow_module() -> None:
    code = "import sys, preflight.cli.plain; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(told.stdout.split()) >= KNOWN
    assert not {"inspect", "typing", "typer", "subprocess", "socket", "boto3", "rich"} & set(told.stdout.split())


def test_inspect_is_itself_for_everyone_else() -> None:
    code = "import preflight.values, inspect, dataclasses as d; print(inspect.signature(len), d.inspect.isclass(int))"
    told = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout == "(obj, /) True\n"
