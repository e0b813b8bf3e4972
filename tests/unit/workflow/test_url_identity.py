import pytest

from preflight.model.job import SecretUrl
from preflight.workflow.url_job import identity

BASE = "https://host.example/a/clip.mp4"


@pytest.mark.parametrize(
    "same",
    [
        BASE,
        "HTTPS://HOST.example/a/clip.mp4",
        BASE + "#t=3",
        BASE + "?X-Amz-Signature=a&X-Amz-Date=b&X-Amz-Expires=9",
        BASE + "?AWSAccessKeyId=a&Signature=b&Expires=3",
        BASE + "?OSSAccessKeyId=a&Signature=b&Expires=3",
        BASE + "?sv=1&se=2&sr=b&sp=r&sig=x",
        "https://me:word@host.example/a/clip.mp4",
    ],
)
def test_signature_and_spelling_are_no_part_of_the_identity(same: str) -> None:
    assert identity(SecretUrl(same)) == identity(SecretUrl(BASE))


@pytest.mark.parametrize("other", ["?id=1", "?id=2", "?ID=1", "?id=1&part=2", "?id=", "/b"])
def test_other_query_parameters_tell_videos_apart(other: str) -> None:
    found = {identity(SecretUrl(BASE + more)) for more in ("", "?id=9", other)}
    assert len(found) == 3


def test_signature_beside_a_parameter_does_not_matter() -> None:
    first, second = (identity(SecretUrl(f"{BASE}?id=1&Expires={time}&Signature=x")) for time in (1, 2))
    assert first == second
