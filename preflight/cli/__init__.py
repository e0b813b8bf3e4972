"""The command line: one module a command."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the program with the process's arguments."""
    words = sys.argv[1:]
    if words[:1] == ["check"]:
        # Nothing collects garbage while modules load; there is none, and looking for it takes its time.
        gc.disable()
        # The parser of the files is started first: it works while the rest of the program loads.
        from preflight.probe.sandbox_process import prepare

        plain = len(words) == 2 and not words[1].startswith("-")
        prepare(words[1] if plain else None)
        if plain:
            # A single file without options needs no parser of options, which takes longer to load than the check.
            from preflight.cli.plain import run_plainly

            run_plainly(words[1])
        gc.enable()
    from preflight.cli.app import main as run

    run()
