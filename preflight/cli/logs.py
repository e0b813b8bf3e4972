"""Where logs go: standard error with --verbose or --debug, and the file of --log-file."""

from __future__ import annotations

import logging
import sys

from preflight.cli import console
from preflight.cli.context import Context
from preflight.errors import UsageError


def start_logging(context: Context) -> None:
    """Send the package's logs, and what is said to people, where the options of `context` want them.

    Raises UsageError for a file that can't be written.
    """
    package = logging.getLogger("preflight")
    package.setLevel(logging.DEBUG if context.debug else logging.INFO)
    if context.verbose or context.debug:
        shown = logging.StreamHandler(sys.stderr)
        shown.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        package.addHandler(shown)
    if context.log_file is None:
        return
    try:
        kept = logging.FileHandler(context.log_file, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file: {context.log_file} can't be written: {error.strerror}.") from error
    kept.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    package.addHandler(kept)
    said = logging.getLogger("preflight.cli")
    said.propagate = False
    said.addHandler(kept)
    console.copy_said(lambda text: said.info("%s", text))
