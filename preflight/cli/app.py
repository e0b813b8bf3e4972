"""The program `preflight`: its commands, and what becomes of an error."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib import import_module
from types import FrameType

from preflight.cli import console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.cli.parser import parse, split_words
from preflight.errors import CancelledError, ExitCode, PreflightError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "check",
    "fix",
    "join",
    "run",
    "clean",
    "text",
    "verify",
    "review",
    "redo",
    "composite",
    "resume",
    "jobs",
    "upload",
    "uploads",
    "submit",
    "status",
    "wait",
    "serve",
    "doctor",
    "config",
    "trust",
    "completion",
)
"""Each is a module of this package with a `COMMAND`."""


PROGRAM = Command(
    name="preflight",
    summary="Remove burned-in text from videos.",
    example="preflight run clip.mp4 -o out",
    run=lambda: int(ExitCode.USAGE),
    parameters=(Parameter(names=("--version",), count="0", help="Show the version."),),
)
"""The options before the name of a command."""


def command(name: str) -> Command:
    """Return the declaration of a command; its module is imported now."""
    found: Command = import_module(f"preflight.cli.{name}").COMMAND
    return found


def main() -> int:
    """Run the program with the process's words and return its exit code."""
    if os.name == "posix":
        signal.signal(signal.SIGTERM, _terminate)
    return run(sys.argv[1:])


def run(words: Sequence[str]) -> int:
    """Run the program and return its exit code: an error becomes a line for people, with `--json` an object as well."""
    debug = "--debug" in words
    try:
        return _dispatch(words)
    except PreflightError as error:
        return _failed(error, words)
    except KeyboardInterrupt:
        hint = "Run the same command to go on."
        return _failed(CancelledError("Interrupted; nothing half-written is left.", hint=hint), words)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): not an error, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    except OSError as error:
        if debug:
            _print_traceback()
        where = f"{console.printable(error.filename)}: " if error.filename else ""
        message = f"{where}{error.strerror or error}."
        return _failed(PreflightError(message, hint="Check the disk and the permissions."), words)


def _dispatch(words: Sequence[str]) -> int:
    before, named = split_words(words)
    program, given = parse(PROGRAM, before, path="preflight")
    if program["version"]:
        import preflight

        console.out(f"preflight {preflight.__version__}")
        return int(ExitCode.OK)
    if "help" in given or not named:
        from preflight.cli import help_page

        console.out(help_page.of_program([command(name) for name in COMMANDS]))
        return int(ExitCode.OK if "help" in given else ExitCode.USAGE)
    if named[0] not in COMMANDS:
        raise UsageError(f"There is no command {named[0]!r}.", hint="`preflight --help` lists all commands.")
    chosen, rest, path = command(named[0]), named[1:], f"preflight {named[0]}"
    for sub in chosen.subcommands:
        if rest and rest[0] == sub.name:
            chosen, rest, path = sub, rest[1:], f"{path} {sub.name}"
            break
    values, more = parse(chosen, rest, path=path)
    if "help" in more:
        from preflight.cli import help_page

        console.out(help_page.of_command(chosen, path=path))
        return int(ExitCode.OK)
    context = Context(**{**given, **more})
    console.set_quiet(quiet=context.quiet)
    if context.verbose or context.debug or context.log_file:
        from preflight.cli.logs import start_logging

        start_logging(context)
    # It was off while modules loaded: there is no garbage then, and looking for it takes its time.
    gc.freeze()
    gc.enable()
    code = chosen.run(context, **values)
    # What a full disk does not take is an error, and not one of the interpreter's end.
    sys.stdout.flush()
    return code


def _failed(error: PreflightError, words: Sequence[str]) -> int:
    if "--debug" in words:
        _print_traceback()
    try:
        if "--json" in words:
            console.emit("error", **error.to_dict())
    except OSError:
        # Standard output is what failed; the line for people still goes out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    console.complain(error)
    return int(error.exit_code)


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()


def _terminate(number: int, _frame: FrameType | None) -> None:
    # As an exception it runs every `finally`: children are killed, temporary files removed.
    sys.exit(128 + number)
