"""The command line: one module a command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program with the process's arguments."""
    words = sys.argv[1:]
    if words[:1] == ["check"]:
        # The parser of the files is started first: it loads while the rest of the program does.
        from preflight.probe.worker import prepare

        prepare()
        if len(words) == 2 and not words[1].startswith("-"):
            # A single file without options needs no parser of options, which takes longer to load than the check.
            from preflight.cli.plain import run_plainly

            run_plainly(words[1])
    from preflight.cli.app import main as run

    run()
