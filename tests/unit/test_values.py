import pickle
import re
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight import errors, settings
from preflight.cli.common_options import parse_box
from preflight.errors import PreflightError, UsageError
from preflight.model.job import InpaintingBox, PixelBox, RemovalOptions, SecretUrl
from preflight.model.media import StreamKind, VideoStream

ERRORS = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, PreflightError)]


@pytest.mark.parametrize("kind", ERRORS)
def test_error_survives_pickle(kind: type[PreflightError]) -> None:
    error = kind("what", hint="next", code=700, request_id="r")
    assert pickle.loads(pickle.dumps(error)).to_dict() == error.to_dict()  # noqa: S301


def test_every_error_is_in_the_drawing() -> None:
    assert errors.__doc__ is not None
    assert [e.__name__ for e in ERRORS if e.__name__ not in errors.__doc__] == []


@pytest.mark.parametrize(
    ("width", "height", "sar", "rotation", "shown"),
    [
        (1440, 1080, Fraction(4, 3), 0, (1920, 1080)),
        (1920, 1080, Fraction(1), 90, (1080, 1920)),
        (1920, 1080, Fraction(1), 270, (1080, 1920)),
        (720, 576, Fraction(16, 15), 180, (768, 576)),
        (1920, 540, Fraction(1, 2), 0, (1920, 1080)),
    ],
)
def test_display_size(width: int, height: int, sar: Fraction, rotation: int, shown: tuple[int, int]) -> None:
    stream = VideoStream(
        index=0, kind=StreamKind.VIDEO, codec="h264", width=width, height=height, sar=sar, rotation=rotation
    )
    assert stream.display_size == shown


def test_secret_url_hides_query_and_user() -> None:
    url = SecretUrl("https://u:p@host:9/key.mp4?X-Amz-Signature=abc")
    assert "abc" not in f"{url} {url!r}"
    assert "u:p" not in f"{url} {url!r}"
    assert url.reveal().endswith("abc")


def test_options_refuse_unknown_language() -> None:
    with pytest.raises(UsageError, match="'fr'"):
        RemovalOptions(language="fr")


def test_box_outside_the_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="corners"):
        PixelBox(start=1, end=2, x1=0, y1=540, x2=2000, y2=1080).normalised((1920, 1080))


def test_box_from_pixels() -> None:
    box = PixelBox(start=1, end=2, x1=0, y1=540, x2=960, y2=1080)
    assert box.normalised((1920, 1080)).to_wire() == {"timestamp": [1, 2], "box": [0, 0.5, 0.5, 1]}


def test_equal_options_have_one_canonical_text() -> None:
    assert RemovalOptions(language="en").canonical() == RemovalOptions(artificial_text_only=True).canonical()
    assert RemovalOptions().canonical() != RemovalOptions(color_blocks=True).canonical()


def test_settings_rise_from_file_to_environment_to_flags(tmp_path: Path) -> None:
    file = tmp_path / "preflight.toml"
    file.write_text('bucket = "file"\nprefix = "file/"\nmax_size = "200MiB"\napi_domain = "file.example"\n')
    loaded = settings.load_settings(
        file=file,
        environment={"PREFLIGHT_PREFIX": "env/", "AIDGE_API_DOMAIN": "env.example"},
        flags={"api_domain": "flag.example", "bucket": None},
    )
    assert (loaded.bucket, loaded.prefix, loaded.api_domain) == ("file", "env/", "flag.example")
    assert loaded.limits.max_bytes == 209_715_200


def test_settings_name_the_unknown(tmp_path: Path) -> None:
    file = tmp_path / "preflight.toml"
    file.write_text("bukket = 'x'\n")
    with pytest.raises(UsageError, match="bukket"):
        settings.load_settings(file=file)


@pytest.mark.parametrize(
    ("written", "words"),
    [("max_size = 'lots'", "max_size in .*'lots' is not a size. Write it"), ("max_size = [", "is no TOML.*Write")],
)
def test_settings_file_says_what_is_wrong_where(written: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "preflight.toml"
    file.write_text(written)
    with pytest.raises(UsageError) as caught:
        settings.load_settings(file=file)
    assert re.search(words, str(caught.value))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("name", ["s3_endpoint", "public_url"])
def test_settings_refuse_what_is_no_address(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is 'example.com'"):
        settings.load_settings(environment={f"PREFLIGHT_{name.upper()}": "example.com"})


@pytest.mark.parametrize("written", ["0", "33", "-1", "two"])
def test_settings_refuse_a_count_of_threads_that_can_not_be(written: str) -> None:
    with pytest.raises(UsageError, match=r"(?i)upload_threads"):
        settings.load_settings(environment={"PREFLIGHT_UPLOAD_THREADS": written})


def test_a_program_can_not_set_such_a_count_either() -> None:
    with pytest.raises(UsageError, match="upload_threads is 0"):
        settings.Settings(upload_threads=0)


def test_settings_name_the_variable() -> None:
    with pytest.raises(UsageError, match="PREFLIGHT_DEADLINE: 'soon' is not a time"):
        settings.load_settings(environment={"PREFLIGHT_DEADLINE": "soon"})


def test_settings_hide_the_secret() -> None:
    loaded = settings.load_settings(environment={"AIDGE_ACCESS_KEY_SECRET": "hush"})
    assert "hush" not in repr(loaded)
    assert loaded.access_key_secret == "hush"


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59))
def test_clock_times_are_exact(hours: int, minutes: int, seconds: int) -> None:
    assert settings.parse_seconds(f"{hours}:{minutes:02}:{seconds:02}") == hours * 3600 + minutes * 60 + seconds


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert settings.parse_size(text) > 0


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1.5-3.7@0.1,0.8,0.9,0.95", InpaintingBox(start=1.5, end=3.7, x1=0.1, y1=0.8, x2=0.9, y2=0.95)),
        ("0:01-0:02@10,20,30,40px", PixelBox(start=1, end=2, x1=10, y1=20, x2=30, y2=40)),
    ],
)
def test_box_options_are_read(text: str, box: InpaintingBox | PixelBox) -> None:
    assert parse_box(text) == box


@given(st.text(alphabet="0123456789.,-:@px ", max_size=30))
def test_any_text_is_a_box_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_box(text).end > 0


def test_pixels_are_not_sent_before_the_size_is_known() -> None:
    options = RemovalOptions(inpainting_boxes=(PixelBox(start=1, end=2, x1=0, y1=0, x2=9, y2=9),))
    with pytest.raises(UsageError, match="pixels"):
        options.to_wire()
    assert options.settled((18, 9)).to_wire()["inpaintingBoxes"][0]["box"] == [0, 0, 0.5, 1]
