"""`preflight text`: what a video says, as subtitles, without removing anything."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode, InputError, UsageError
from preflight.probe import stat_check
from preflight.tools.output_names import OutputNames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from preflight.model.text import ScreenTexts, TextRole

ROLES = ("caption", "watermark", "sign")
"""The values of `preflight.model.text.TextRole`; a test compares both."""


def text(
    context: Context,
    *,
    file: Path,
    outputs: Sequence[Path] | None,
    roles: Sequence[str] | None,
    language: str | None,
    split_languages: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Find the text of a video and write it as subtitles."""
    from preflight.model.text import TextRole
    from preflight.workflow import text_export

    refusal = stat_check.check_status(file)
    if refusal is not None:
        raise InputError(f"{file} can't be read. {refusal.detail}", hint=refusal.hint)
    if language is not None and split_languages:
        raise UsageError("--language and --split-languages exclude each other.", hint="Leave one of them out.")
    names = OutputNames([file], overwrite=overwrite)
    wanted = [_require_format(path) for path in outputs or (file.with_suffix(".srt"),)]
    targets = wanted if split_languages else [names.chosen(path, "--output") for path in wanted]
    chosen = tuple(TextRole(role) for role in roles or ("caption",))
    with console.progress(json_lines=as_json) as naming:
        found = text_export.find_text(file, settings=context.settings(), listener=naming(file.name))
    if split_languages:
        present = text_export.languages_of(found.texts, chosen)
        for path in targets:
            for one in present:
                names.chosen(text_export.language_path(path, one), "--output")
    written = [
        made
        for path in targets
        for made in text_export.write_subtitles(
            found, path, roles=chosen, language=language, split_languages=split_languages
        )
    ]
    if as_json:
        console.emit("text", file=file, written=written, video=found)
    else:
        _tell(found, chosen)
        for path in written:
            console.out(console.printable(path))
    return int(ExitCode.OK)


def _require_format(path: Path) -> Path:
    if path.suffix[1:].lower() not in common_options.SUBTITLE_FORMATS:
        raise UsageError(f"--output: {path} is no subtitle file.", hint="End it with .srt, .vtt, .ass or .json.")
    return path


def _tell(found: ScreenTexts, roles: Sequence[TextRole]) -> None:
    kinds = {role: [text for text in found.texts if text.role is role] for role in roles}
    for role, texts in kinds.items():
        console.say(f"{len(texts)} lines of {role.value}s.")
    others = sum(text.role not in roles for text in found.texts)
    if others:
        console.say(f"{others} lines of other text; --role names what is written, .json lists all.")


COMMAND = Command(
    name="text",
    summary="Write what is burned into a video as subtitles, without removing it.",
    details="Times are those of the first and last frame of each text. .ass keeps place and colour, .json everything.",
    example="preflight text clip.mp4 -o clip.srt -o clip.json",
    run=text,
    parameters=(
        Parameter(names=("FILE",), convert=Path, help="A video."),
        Parameter(
            names=("--output", "-o"),
            key="outputs",
            value="FILE",
            repeated=True,
            convert=Path,
            help="A file .srt, .vtt, .ass or .json. Repeatable.",
            default_text="beside the video, .srt",
        ),
        Parameter(
            names=("--role",),
            key="roles",
            choices=ROLES,
            repeated=True,
            help="What is written. Repeatable.",
            default_text="caption",
        ),
        Parameter(names=("--language",), choices=("zh", "en"), help="Lines of this language only."),
        Parameter(names=("--split-languages",), count="0", help="Write a file for each language, such as clip.zh.srt."),
        common_options.OVERWRITE,
        common_options.AS_JSON,
    ),
)
