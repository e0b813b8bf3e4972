from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fixtures import clips

# A busy machine is no defect: examples have no deadline of their own.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def small_mp4(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One valid second of 320x180 H.264 with sound."""
    return clips.clip(tmp_path_factory.mktemp("clips") / "small.mp4")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the person's own settings, ledger or cloud."""
    for name in ("AIDGE_ACCESS_KEY_NAME", "AIDGE_ACCESS_KEY_SECRET", "AIDGE_API_DOMAIN", "PREFLIGHT_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFLIGHT_HOME", str(tmp_path / "home"))
    # The acceptance test takes seconds; those who test it turn it on.
    monkeypatch.setenv("PREFLIGHT_VERIFY", "false")
