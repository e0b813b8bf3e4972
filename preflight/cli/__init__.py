"""The command line: one module a command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the program with the process's arguments."""
    gc.disable()
    if sys.argv[1:2] == ["check"]:
        # The parser of the files is started first: it loads its library while the rest of the program loads.
        from preflight.probe.sandbox_process import prepare

        prepare()
    from preflight.cli.app import main as run

    sys.exit(run())
