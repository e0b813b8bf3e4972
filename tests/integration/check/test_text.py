from pathlib import Path

import preflight
from fixtures import clips
from fixtures.captions import Caption, burn


def test_text_is_told_with_language_and_place(tmp_path: Path) -> None:
    plain = tmp_path / "plain.mp4"
    picture = ("-f", "lavfi", "-i", clips.gradients(640, 360, 2, rate=10))
    clips.run(*picture, "-c:v", "libx264", "-preset", "ultrafast", plain)
    spoken = tmp_path / "spoken.mp4"
    burn(plain, spoken, [Caption(start=0, end=2, text="Hello over there")], size=(640, 360))
    media = preflight.check(spoken, text=True).media
    assert media is not None
    assert media.text is not None
    assert (media.text.language, media.text.where) == ("en", ("bottom",))
    silent = preflight.check(plain, text=True)
    assert "no-text" in [f.rule for f in silent.advisories]
    assert not preflight.check(plain, text=True, strict={"no-text"}).ok
