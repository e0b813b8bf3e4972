import os
import subprocess

from hypothesis import example, given
from hypothesis import strategies as st

from preflight.rules.wording import shell_word

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)


@given(NAMES)
@example("it's a\nb\x1b[31m\\x.mp4")
@example("\udcff.mp4")
@example("")
def test_shell_reads_the_word_as_it_was(name: str) -> None:
    word = shell_word(name)
    assert word.isprintable()
    done = subprocess.run(
        ["/bin/bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert os.fsdecode(done.stdout) == name
