"""`preflight upload`: put files into the bucket and print URLs for them."""

from __future__ import annotations

from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def upload(context: Context, *, files: Sequence[Path], life: float | None, hide_url: bool, as_json: bool) -> int:
    """Send files to the configured bucket and print a tested URL for each."""
    from preflight.errors import PreflightError
    from preflight.ledger import Ledger
    from preflight.storage import upload_many

    settings = context.settings()
    failed = False
    with console.progress(json_lines=as_json) as naming, Ledger(settings.ledger) as ledger:
        results = upload_many(
            files,
            settings=settings,
            life=life if life is not None else settings.deadline,
            listen=lambda path: naming(path.name),
            checkpoint=ledger.uploads,
        )
        for path, sent in results:
            if isinstance(sent, PreflightError):
                if len(files) == 1:
                    raise sent
                failed = True
                if as_json:
                    console.emit("error", file=path, **sent.to_dict())
                console.say(f"{console.printable(path)}:")
                console.complain(sent)
                continue
            url = str(sent.url) if hide_url else sent.url.reveal()
            if as_json:
                console.emit(
                    "upload",
                    file=path,
                    bucket=sent.bucket,
                    key=sent.key,
                    size=sent.size,
                    sha256=sent.sha256,
                    url=url,
                    expires=sent.expires,
                    reused=sent.reused,
                )
            else:
                console.say(f"{console.printable(path)}: {'was there already' if sent.reused else 'sent'}")
                console.out(url)
    return int(ExitCode.SOME_FAILED if failed else ExitCode.OK)


COMMAND = Command(
    name="upload",
    summary="Send files to the configured bucket, unless they are there, and print a tested URL for each.",
    details="An interrupted upload goes on where it was. The URL is a credential until it expires.",
    example="preflight upload clip.mp4 --life 2:00:00",
    run=upload,
    parameters=(
        Parameter(names=("FILES",), count="+", convert=Path, help="Files to send."),
        Parameter(
            names=("--life",),
            value="TIME",
            convert=common_options.duration,
            help="How long the URLs live, at most 7 days.",
            default_text="the setting deadline",
        ),
        Parameter(names=("--hide-url",), count="0", help="Do not print the URLs' signatures."),
        common_options.AS_JSON,
    ),
)
