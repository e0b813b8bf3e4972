"""Whatever a program passes wrong is a UsageError that names the argument."""

import inspect
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import preflight

FUNCTIONS = ("check", "check_many", "plan", "fix", "upload", "join")


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: preflight.check_many("ok.mp4"), "paths is one path"),
        (lambda: preflight.check_many(["a.mp4"], jobs=0), "jobs is 0"),
        (lambda: list(preflight.check_many([7])), "paths is 7"),
        (lambda: preflight.check("a.mp4", strict=["hdrr"]), "strict has the unknown advisory 'hdrr'"),
        (lambda: preflight.check("a.mp4", ignore="hdr"), "ignore is the text 'hdr'"),
        (lambda: preflight.check("a.mp4", deep="all"), "deep is 'all'"),
        (lambda: preflight.check("a.mp4", limits=200), "limits is 200"),
        (lambda: preflight.check(None), "path is None"),
        (lambda: preflight.Limits(max_seconds="long"), "max_seconds is 'long'"),
        (lambda: preflight.Limits(max_bytes=-1), "max_bytes is -1"),
        (lambda: preflight.plan("clip.mp4"), "report is 'clip.mp4'"),
        (lambda: preflight.upload("a.mp4", life=0), "life is 0"),
        (lambda: preflight.join("m.json", "cleaned", "out.mp4"), "cleaned is one path"),
    ],
)
def test_wrong_argument_is_named(call: Any, named: str) -> None:
    with pytest.raises(preflight.UsageError, match=named):
        call()


@pytest.mark.parametrize(("how", "named"), [({"policy": "gentle"}, "policy is 'gentle'"), ({"trim": (5, 3)}, "trim")])
def test_wrong_plan_is_named(how: dict[str, Any], named: str, small_mp4: Path) -> None:
    with pytest.raises(preflight.UsageError, match=named):
        preflight.plan(preflight.check(small_mp4), **how)


def test_seconds_may_be_any_number() -> None:
    assert preflight.Limits(max_seconds=2.5).max_seconds == Fraction(5, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_docstring_has_every_argument_and_an_example(name: str) -> None:
    function = getattr(preflight, name)
    text = inspect.getdoc(function) or ""
    for parameter in inspect.signature(function).parameters:
        assert f"    {parameter}: " in text, parameter
    for section in ("Args:", "Raises:", "Example:"):
        assert f"\n{section}\n" in text
