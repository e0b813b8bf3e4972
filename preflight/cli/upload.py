"""`preflight upload`: put files into the bucket and print URLs for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from preflight.cli import choices, console, context
from preflight.settings import parse_seconds


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(epilog="Example: preflight upload clip.mp4 --life 2:00:00")(upload)


def upload(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files to send.", show_default=False, readable=False)],
    life: Annotated[str | None, typer.Option(help="How long the URLs live, at most 7 days.")] = None,
    hide_url: Annotated[bool, typer.Option("--hide-url", help="Do not print the URLs' signatures.")] = False,
    as_json: choices.AsJson = False,
) -> None:
    """Send files to the configured bucket, unless they are there, and print a tested URL for each.

    An interrupted upload goes on where it was. The URL is a credential until it expires.
    """
    from preflight.api import upload as send
    from preflight.ledger import Ledger

    settings = context.settings(ctx)
    seconds = float(parse_seconds(life)) if life is not None else None
    with console.progress(json_lines=as_json) as naming, Ledger(settings.ledger) as ledger:
        for path in files:
            sent = send(path, settings=settings, life=seconds, listener=naming(path.name), checkpoint=ledger.uploads)
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
