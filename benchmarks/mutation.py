"""Mutation check of the thresholds: double and halve each one and see whether a fast test notices.

    python -m benchmarks.mutation [PACKAGE ...] [--processes 2] [--tests PATH ...] [--minimum 80]

A threshold is a numeric module constant, or a field of a class in a `settings.py`, that a docstring follows. PACKAGE is
a folder below `preflight`, such as `engine/segment`; without one, every package is checked. The tests of a package are
those in the folder of the same name below `tests/unit`, else those of the closest parent. Each mutation happens in a
temporary copy of the tree; the tests run in a fork of a process that has imported the large libraries already.
MUTATION_LOG names a file for what the tests print.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("preflight", "tests", "fixtures", "docs", "pyproject.toml")
PRELOADED = ("numpy", "cv2", "pytest", "hypothesis.strategies", "PIL.Image", "jsonschema", "_pytest.assertion.rewrite")
SLOWEST = 60.0
"""Seconds after which the tests of a mutation are stopped, or ten times what they take unchanged: it is noticed."""
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")


@dataclass(frozen=True)
class Threshold:
    """A number in the source: `start` and `end` are byte offsets of its expression in `file`."""

    file: Path
    line: int
    name: str
    start: int
    end: int
    is_int: bool


@dataclass(frozen=True)
class Mutation:
    """A threshold times `factor` (2 or 0.5), judged by `tests` within `seconds`."""

    threshold: Threshold
    factor: float
    tests: tuple[str, ...]
    seconds: float

    @property
    def text(self) -> str:
        """The expression that replaces the threshold."""
        source = (ROOT / self.threshold.file).read_bytes()[self.threshold.start : self.threshold.end].decode()
        if self.factor > 1:
            return f"(({source}) * 2)"
        return f"(({source}) // 2)" if self.threshold.is_int else f"(({source}) / 2)"


def thresholds(file: Path) -> tuple[list[Threshold], list[str]]:
    """Return the thresholds of a module, and the names of numeric constants that have no docstring."""
    source = (ROOT / file).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(source)
    bodies: list[tuple[list[ast.stmt], bool]] = [(tree.body, False)]
    if file.name == "settings.py":
        bodies += [(node.body, True) for node in tree.body if isinstance(node, ast.ClassDef)]
    found, bare = [], []
    for body, is_class in bodies:
        for node, after in zip(body, [*body[1:], None], strict=True):
            name, value = _assignment(node)
            if value is None or (number := _number(value)) is None or not (is_class or CONSTANT.fullmatch(name)):
                continue
            if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and number):
                bare += [name] * (number != 0)
                continue
            assert value.end_lineno is not None
            assert value.end_col_offset is not None
            start = starts[value.lineno - 1] + value.col_offset
            end = starts[value.end_lineno - 1] + value.end_col_offset
            found.append(Threshold(file, value.lineno, name, start, end, isinstance(number, int)))
    return found, bare


def _assignment(node: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    return "", None


def _number(node: ast.expr) -> float | None:
    """Return the value of an arithmetic expression of literals, or None for anything else. Fractions are floats."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fraction" and node.args:
        parts = [_number(argument) for argument in node.args]
        return None if None in parts else float(parts[0] or 0) + 0.0
    allowed = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop)
    if not all(isinstance(part, allowed) for part in ast.walk(node)):
        return None
    value = eval(compile(ast.Expression(node), "threshold", "eval"), {"__builtins__": {}})  # noqa: S307
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def packages() -> list[Path]:
    """Return every folder below `preflight` that has modules, relative to it; the top folder is `.`."""
    top = ROOT / "preflight"
    return sorted({path.parent.relative_to(top) for path in top.rglob("*.py")})


def tests_of(package: Path) -> tuple[str, ...]:
    """Return the paths of the unit tests of a package, relative to the root."""
    for folder in (package, *package.parents):
        path = Path("tests/unit") / folder
        if any((ROOT / path).glob("test_*.py")):
            # The tests of a parent stand beside those of its other children, which say nothing about this one.
            files = sorted(str(file.relative_to(ROOT)) for file in (ROOT / path).glob("test_*.py"))
            return (str(path),) if folder == package else tuple(files)
    return ()


def prepare(queue: multiprocessing.Queue[str]) -> None:
    """Make this worker's copy of the tree and import what the tests need from elsewhere."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    copy = Path(queue.get())
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(
                source, copy / part, ignore=shutil.ignore_patterns("__pycache__", "out"), dirs_exist_ok=True
            )
        else:
            shutil.copy(source, copy / part)
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    sys.path[:] = [str(copy), *(entry for entry in sys.path if entry and Path(entry).resolve() != ROOT)]
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.split(".")[0] in {"preflight", "tests", "fixtures"}]:
        del sys.modules[name]
    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)


def try_mutation(mutation: Mutation) -> tuple[Mutation, bool]:
    """Return whether a test fails with the mutation, or runs into the time limit."""
    threshold = mutation.threshold
    original = threshold.file.read_bytes()
    changed = original[: threshold.start] + mutation.text.encode() + original[threshold.end :]
    threshold.file.write_bytes(changed)
    try:
        return mutation, run_tests(mutation.tests, mutation.seconds) is None
    finally:
        threshold.file.write_bytes(original)


def run_tests(tests: Sequence[str], seconds: float) -> float | None:
    """Run tests in a fork and return how many seconds they took, or None when one failed or the time ran out."""
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        code = 1
        try:
            log = os.open(os.environ.get("MUTATION_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            import pytest

            marks = ("-m", "not exhaustive and not swift")
            code = int(
                pytest.main(["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", *marks, *tests])
            )
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    while time.monotonic() - start < seconds:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return time.monotonic() - start if os.waitstatus_to_exitcode(status) == 0 else None
        time.sleep(0.02)
    for group in (lambda: os.killpg(pid, signal.SIGKILL), lambda: os.kill(pid, signal.SIGKILL)):
        with suppress(ProcessLookupError):
            group()
    os.waitpid(pid, 0)
    return None


def check(package: Path, tests: tuple[str, ...], pool: multiprocessing.pool.Pool) -> tuple[int, int]:
    """Print which mutations of a package no test notices; return how many were noticed, of how many."""
    found: list[Threshold] = []
    bare: list[str] = []
    for file in sorted((ROOT / "preflight" / package).glob("*.py")):
        documented, undocumented = thresholds(file.relative_to(ROOT))
        found += documented
        bare += [f"{file.name}:{name}" for name in undocumented]
    if bare:
        print(f"{package}: without docstring, not tried: {', '.join(bare)}")
    if not found:
        return 0, 0
    if not tests:
        print(f"{package}: {len(found)} thresholds and no unit tests")
        return 0, 2 * len(found)
    usual = pool.apply(run_tests, (tests, 600.0))
    if usual is None:
        sys.exit(f"{package}: the unchanged tests fail: {' '.join(tests)}")
    limit = max(SLOWEST, 10 * usual)
    tried = list(pool.imap_unordered(try_mutation, _mutations(found, tests, limit)))
    survivors = sorted((m for m, noticed in tried if not noticed), key=lambda m: (m.threshold.file, m.threshold.line))
    for mutation in survivors:
        place = f"{mutation.threshold.file}:{mutation.threshold.line}"
        print(f"  not noticed: {place} {mutation.threshold.name} times {mutation.factor:g}")
    noticed = len(tried) - len(survivors)
    print(f"{package}: {noticed} of {len(tried)} noticed ({100 * noticed / len(tried):.0f}%), tests {usual:.1f} s")
    return noticed, len(tried)


def _mutations(found: Sequence[Threshold], tests: tuple[str, ...], seconds: float) -> Iterator[Mutation]:
    for threshold in found:
        for factor in (2.0, 0.5):
            yield Mutation(threshold, factor, tests, seconds)


def main() -> None:
    """Check the packages that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", type=Path, metavar="PACKAGE")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tests", nargs="+", default=[], metavar="PATH", help="tests to run in place of the package's")
    parser.add_argument("--minimum", type=float, default=0.0, help="percent noticed below which the exit code is 1")
    given = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    context = multiprocessing.get_context("fork")
    noticed = tried = 0
    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        queue = context.Queue()
        for number in range(given.processes):
            copy = Path(scratch) / str(number)
            copy.mkdir()
            queue.put(str(copy))
        with context.Pool(given.processes, initializer=prepare, initargs=(queue,)) as pool:
            for package in given.packages or packages():
                count, total = check(package, tuple(given.tests) or tests_of(package), pool)
                noticed, tried = noticed + count, tried + total
    if tried:
        print(f"all: {noticed} of {tried} noticed ({100 * noticed / tried:.0f}%)")
    sys.exit(bool(tried) and 100 * noticed < given.minimum * tried)


if __name__ == "__main__":
    main()
