"""`preflight check FILE` without an option: as the whole program does it, but without loading a parser of options."""

from __future__ import annotations

import sys
from typing import NoReturn

from preflight.cli.verdict import Request, perform
from preflight.errors import ExitCode, PreflightError
from preflight.settings import load


def run_plainly(file: str) -> NoReturn:
    """Check `file` under the effective settings and exit."""
    try:
        status = perform(Request(files=(file,)), load())
    except PreflightError as error:
        from preflight.cli import console

        console.complain(error)
        status = int(error.exit_code)
    except KeyboardInterrupt:
        status = int(ExitCode.INTERRUPTED)
    sys.exit(status)
