"""What a program passes wrong is told by the name of the argument."""

from typing import Any

import pytest

from preflight.errors import UsageError
from preflight.model.job import InpaintingBox, PixelBox, RemovalOptions, SecretUrl
from preflight.removal import RemovalClient
from preflight.settings import Secret, Settings

BOX: dict[str, Any] = {"start": 0, "end": 1.5, "x1": 0.1, "y1": 0.2, "x2": 0.3, "y2": 0.4}


@pytest.mark.parametrize("kind", [InpaintingBox, PixelBox])
@pytest.mark.parametrize("name", list(BOX))
@pytest.mark.parametrize("wrong", ["1", None, float("nan"), float("inf"), True])
def test_box_takes_only_finite_numbers(kind: Any, name: str, wrong: Any) -> None:
    assert kind(**BOX)
    with pytest.raises(UsageError, match=f"^{name} is"):
        kind(**{**BOX, name: wrong})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("artificial_text_only", "no"),
        ("remove_audio", 1),
        ("color_blocks", None),
        ("inpainting_boxes", [InpaintingBox(**BOX)]),
        ("inpainting_boxes", (BOX,)),
    ],
)
def test_option_of_another_type_is_named(name: str, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"^{name} is"):
        RemovalOptions(**{name: wrong})


def test_client_names_what_is_wrong() -> None:
    with pytest.raises(UsageError, match=r"^settings is"):
        RemovalClient(None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^url is"):
        SecretUrl(b"http://h/x")  # type: ignore[arg-type]
    settings = Settings(service="aidge", access_key_name="k", access_key_secret=Secret("s"), api_domain="http://h")
    with RemovalClient(settings) as client:
        with pytest.raises(UsageError, match=r"^url is"):
            client.submit("http://h/x", RemovalOptions())  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r"^options is"):
            client.submit(SecretUrl("http://h/x"), None)  # type: ignore[arg-type]
        for wrong in (None, "", 7):
            with pytest.raises(UsageError, match=r"^task_id is"):
                client.query(wrong)  # type: ignore[arg-type]
