"""A configuration that is half there, misspelled or not one's own is told, and never silently something else."""

from pathlib import Path

import pytest

from preflight import api
from preflight.cli.app import run
from preflight.errors import CredentialsError, UsageError
from preflight.settings import Secret, Settings, load_settings
from preflight.storage.store import open_store
from preflight.trust import RESTRICTED, is_trusted, trust

ACCOUNT = {"access_key_name": "name", "access_key_secret": Secret("hush")}


@pytest.mark.parametrize(
    ("parts", "error", "missing"),
    [
        (ACCOUNT, UsageError, "PREFLIGHT_BUCKET"),
        ({"bucket": "b"}, CredentialsError, "AIDGE_ACCESS_KEY_NAME, AIDGE_ACCESS_KEY_SECRET"),
        ({"access_key_name": "name", "bucket": "b"}, CredentialsError, "AIDGE_ACCESS_KEY_SECRET"),
        ({"s3_endpoint": "http://127.0.0.1:1"}, CredentialsError, "AIDGE_ACCESS_KEY_NAME"),
        ({"service": "aidge"}, CredentialsError, "PREFLIGHT_BUCKET"),
    ],
)
def test_half_a_cloud_is_an_error(parts: dict[str, str], error: type[Exception], missing: str) -> None:
    settings = Settings(**parts)  # type: ignore[arg-type]
    assert not settings.uses_local_service
    with pytest.raises(error, match=missing):
        api.require_service(settings)


def test_nothing_configured_is_local_and_all_is_the_cloud() -> None:
    assert Settings().uses_local_service
    assert not Settings(**ACCOUNT, bucket="b").uses_local_service  # type: ignore[arg-type]
    assert Settings(**ACCOUNT, service="local").uses_local_service  # type: ignore[arg-type]


def test_unknown_variable_is_told_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r"PREFLIGHT_BUCKT is no setting. Did you mean PREFLIGHT_BUCKET\?"):
        load_settings(environment={"PREFLIGHT_BUCKT": "b"})


@pytest.mark.parametrize("name", ["s3_key", "s3_secret"])
def test_half_of_the_stores_keys_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="is missing"):
        Settings(**{name: Secret("x")})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line", ['ffmpeg = "./evil"', 'fill_model = "evil.onnx"', 'api_domain = "evil.example"', 'bucket = "theirs"']
)
def test_file_found_in_a_folder_sets_no_program_and_no_host(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("preflight.toml")
    file.write_text(f"{line}\n")
    with pytest.raises(UsageError, match="preflight trust"):
        load_settings()
    load_settings(file=file)
    assert run(["trust"]) == 0
    load_settings()
    file.write_text(f"{line} # changed\n")
    with pytest.raises(UsageError, match="not confirmed"):
        load_settings()


def test_fill_model_is_a_path_of_the_persons_folder_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    given = load_settings(environment={"PREFLIGHT_FILL_MODEL": "~/lama.onnx"})
    assert given.fill_model == Path("/home/me/lama.onnx")
    assert load_settings(environment={}).fill_model is None


def test_harmless_settings_need_no_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("preflight.toml").write_text('max_duration = "0.5"\n')
    assert load_settings().max_duration == 0.5


def test_trust_is_kept_by_content(tmp_path: Path) -> None:
    file, home = tmp_path / "preflight.toml", tmp_path / "home"
    file.write_text("a")
    assert not is_trusted(file, home=home)
    trust(file, home=home)
    assert is_trusted(file, home=home)
    (home / "trusted.json").write_text("[]")
    assert not is_trusted(file, home=home)
    assert set(Settings.__dataclass_fields__) >= RESTRICTED


def test_written_file_is_valid_and_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["config", "init"]) == 0
    text = Path("preflight.toml").read_text()
    assert "secret" not in text.replace("AIDGE_ACCESS_KEY_SECRET", "").replace("secrets", "")
    Path("preflight.toml").write_text(text.replace('# preset = "', 'preset = "'))
    load_settings()
    assert run(["config", "init"]) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        ({"AWS_PROFILE": "work"}, "eu-west-3"),
        ({}, "us-east-1"),
    ],
)
def test_region_is_that_of_aws_own_configuration(
    environment: dict[str, str], region: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-3\naws_access_key_id = a\naws_secret_access_key = b\n")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_CONFIG_FILE": str(config), **environment}.items():
        monkeypatch.setenv(name, value)
    with open_store(Settings(bucket="b")) as store:
        assert store.region == region
    with open_store(Settings(bucket="b", s3_region="mars")) as store:
        assert store.region == "mars"


def test_repr_shows_no_password_of_an_address() -> None:
    settings = Settings(api_domain="https://me:hush@api.example.com", s3_endpoint="https://hush@s3.example.com:9000")
    assert "hush" not in repr(settings)
    assert "https://***@s3.example.com:9000" in repr(settings)
