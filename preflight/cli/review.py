"""`preflight review`: the page that shows before and after, and takes decisions."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from preflight.cli import common_options, console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode, UsageError
from preflight.rules.wording import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from preflight.review.desk import ReviewDesk


def review(
    context: Context,
    *,
    places: Sequence[str],
    html: Path | None,
    port: int,
    browser: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Open the page, or write it into a file."""
    from preflight.review import gather

    desk = gather.desk(places or ["."], context.settings())
    desk.library.refresh()
    if html is not None:
        _write(desk, html, places, overwrite=overwrite, as_json=as_json)
        return int(ExitCode.OK)
    return _serve(desk, _title(places), port=port, browser=browser, as_json=as_json)


def _title(places: Sequence[str]) -> str:
    return f"Review of {_named(places)}"


def _named(places: Sequence[str]) -> str:
    return ", ".join(console.printable(place) for place in places) or "this folder"


def _write(desk: ReviewDesk, html: Path, places: Sequence[str], *, overwrite: bool, as_json: bool) -> None:
    from preflight.review import offline
    from preflight.tools.output_names import OutputNames

    names = OutputNames([path for path in desk.library.places if path.is_file()], overwrite=overwrite)
    destination = names.chosen(html, "--html")
    with console.progress(json_lines=as_json) as naming:
        offline.write(desk, destination, title=f"Review: {destination.stem}", listener=naming)
    if as_json:
        console.emit("review", file=destination)
    else:
        console.out(console.printable(destination))
        words = " ".join(shell_word(place) for place in places)
        console.say(f"Open {destination.absolute().as_uri()} in a browser.")
        console.say(f"The page that also saves decisions and makes results again: `preflight review {words}`.")


def _serve(desk: ReviewDesk, title: str, *, port: int, browser: bool, as_json: bool) -> int:
    from preflight.review.server import serving

    rows = desk.library.rows()
    has_folder = any(path.is_dir() for path in desk.library.places)
    if not rows and not has_folder:
        raise UsageError("There is nothing to review.", hint="Give a folder with videos, or a video.")
    single = rows[0].identifier if len(rows) == 1 and not has_folder else None
    with serving(desk, title=title, port=port, single=single) as address:
        if as_json:
            console.emit("review", address=address)
        else:
            console.out(address)
        sys.stdout.flush()
        console.say("Open this address in a browser: it works once. Ctrl-C ends it.")
        if browser:
            import webbrowser

            webbrowser.open(address)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            console.say("Stopped. Decisions are beside the results.")
    return int(ExitCode.INTERRUPTED)


COMMAND = Command(
    name="review",
    summary="Show before and after of results on a local page, worst first, and take decisions.",
    details="PLACES are folders, records (.cleaned.json), cleaned videos, ids of jobs, or videos before their run. The "
    "page is served on this machine only, to one browser; --html writes a file that needs nothing else.",
    example="preflight review out --html review.html",
    run=review,
    parameters=(
        Parameter(names=("PLACES",), count="*", help="What to review.", default_text="this folder"),
        Parameter(
            names=("--html",), value="FILE", convert=Path, help="Write one page that works offline, instead of serving."
        ),
        Parameter(names=("--port",), convert=common_options.port, default=0, help="Port of the page; 0: a free one."),
        Parameter(names=("--browser",), count="0", help="Open the page in the browser."),
        common_options.OVERWRITE,
        common_options.AS_JSON,
    ),
)
