import ast
import subprocess
import sys
from pathlib import Path

import pytest

import preflight

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("boto3", "requests", "fastapi", "cv2", "numpy")


def typed_names() -> set[str]:
    """Return the names that the package imports for type checkers."""
    tree = ast.parse(Path(str(preflight.__file__)).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_public_names_agree_everywhere() -> None:
    assert set(preflight.__all__) == typed_names()
    assert set(preflight.__all__) <= set(dir(preflight))


@pytest.mark.parametrize("name", preflight.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(preflight, name) is not None


def test_public_name_can_be_replaced_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    original = preflight.check
    with monkeypatch.context() as patch:
        patch.setattr(preflight, "check", print)
        assert preflight.check is print
    assert preflight.check is original


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = preflight.nonsense  # type: ignore[attr-defined]


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    code = "from preflight.cli.app import run\ntry: run(['--help'])\nexcept SystemExit: pass"
    assert _loaded_by(code) == set()


def test_check_loads_nothing_heavy(small_mp4: object) -> None:
    assert _loaded_by(f"import preflight\nassert preflight.check({str(small_mp4)!r}).ok") == set()


def test_no_package_exports_a_name_of_its_own_modules() -> None:
    packages = [path for path in ROOT.joinpath("preflight").rglob("__init__.py") if path.parent.name != "preflight"]
    for package in packages:
        modules = {path.stem for path in package.parent.glob("*.py")}
        tree = ast.parse(package.read_text(encoding="utf-8"))
        names = {
            alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        names |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert not names & modules, package


def test_class_names_are_unique_in_the_package() -> None:
    """A name that two modules give to different things needs its module to be understood."""
    places: dict[str, list[str]] = {}
    for module in sorted(Path(str(preflight.__file__)).parent.rglob("*.py")):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(module.name)
    assert len(places) > 200
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}
