import subprocess
import sys
from importlib import import_module

import pytest

import preflight

HEAVY = ("boto3", "requests", "fastapi", "cv2", "numpy")


def test_api_is_what_all_says() -> None:
    assert set(preflight.__all__) == {name for name in dir(type(preflight)) if not name.startswith("_")}


@pytest.mark.parametrize("name", preflight.__all__)
def test_every_name_of_the_api_is_there(name: str) -> None:
    assert getattr(preflight, name) is not None


def test_function_outlives_import_of_the_room_with_its_name() -> None:
    import_module("preflight.check")
    import_module("preflight.upload")
    assert callable(preflight.check)
    assert callable(preflight.upload)
    assert callable(preflight.plan)
    assert callable(preflight.fix)


def _loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    code = (
        "from preflight.cli.app import build\ntry: build()(['--help'], prog_name='preflight')\nexcept SystemExit: pass"
    )
    assert _loaded_by(code) == set()


def test_check_loads_nothing_heavy(small_mp4: object) -> None:
    assert _loaded_by(f"import preflight\nassert preflight.check({str(small_mp4)!r}).ok") == set()
