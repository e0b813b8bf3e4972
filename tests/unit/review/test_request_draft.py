import json
from pathlib import Path
from typing import Any

import pytest

from fixtures import reviewed
from preflight.errors import UsageError
from preflight.review import record_reader, request_draft
from preflight.review.subject import ReviewVideo


@pytest.fixture
def video() -> ReviewVideo:
    """Two captions, and a sign that may be part of the scene."""
    record = reviewed.record(Path("a.mp4"), Path("a.cleaned.mp4"), ("one", "two"))
    return record_reader.read(record, Path("a.cleaned.json"))


def _body(choices: dict[int, str], **options: Any) -> bytes:
    texts = [{"number": number, "choice": choice} for number, choice in choices.items()]
    asked = {"language": "en", "all_text": False, "color_blocks": False, "remove_audio": False, **options}
    return json.dumps({"options": asked, "decisions": {"schema": 1, "texts": texts, "regions": []}}).encode()


def test_choices_become_boxes_to_fill_and_to_protect(video: ReviewVideo) -> None:
    draft = request_draft.parse(_body({1: "protect", 3: "remove"}), video)
    assert [region.start for region in draft.protect] == [0.0]
    assert [region.box for region in draft.fill] == [video.texts[2].box]


def test_with_all_text_a_sign_is_protected_and_not_filled(video: ReviewVideo) -> None:
    draft = request_draft.parse(_body({3: "protect"}, all_text=True), video)
    assert [region.box for region in draft.protect] == [video.texts[2].box]
    assert draft.fill == ()


def test_a_language_that_the_service_does_not_know_is_refused(video: ReviewVideo) -> None:
    with pytest.raises(UsageError, match="language"):
        request_draft.parse(_body({}, language="fr"), video)
