"""The program `preflight`: its commands, its options for all of them, and what becomes of an error."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from preflight.cli import console
from preflight.errors import CancelledError, ExitCode, PreflightError

COMMANDS = (
    "check",
    "fix",
    "join",
    "run",
    "clean",
    "resume",
    "jobs",
    "upload",
    "uploads",
    "submit",
    "status",
    "wait",
    "serve",
    "doctor",
)
"""Each is a module of this package with a function `register(app)`."""


class Program(TyperGroup):
    """The group of commands, each imported when it is asked for; it turns errors into one line and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command, imported now, or None when there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        alone = _program()
        import_module(f"preflight.cli.{cmd_name}").register(alone)
        return typer.main.get_group(alone).commands[cmd_name]

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises typer.Exit with the code that the error stands for."""
        try:
            return super().invoke(ctx)
        except PreflightError as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            if "--json" in sys.argv:
                console.emit("error", **error.to_dict())
            console.complain(error)
            raise typer.Exit(int(error.exit_code)) from None
        except KeyboardInterrupt:
            stopped = CancelledError(
                "Interrupted; nothing half-written is left.", hint="Run the same command to go on."
            )
            if "--json" in sys.argv:
                console.emit("error", **stopped.to_dict())
            console.complain(stopped)
            raise typer.Exit(int(stopped.exit_code)) from None
        except BrokenPipeError:
            # The reader of our output has gone (`| head`): not an error, and nothing more to say.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(int(ExitCode.OK)) from None
        except OSError as error:
            if ctx.params.get("debug"):
                traceback.print_exc()
            where = f"{console.printable(error.filename)}: " if error.filename else ""
            console.say(f"preflight: {where}{error.strerror or error}. Check the disk and the permissions.")
            raise typer.Exit(int(ExitCode.SOME_FAILED)) from None


def _terminate(number: int, _frame: FrameType | None) -> None:
    # As an exception it runs every `finally`: children are killed, temporary files removed.
    sys.exit(128 + number)


def _version(value: bool) -> None:
    if value:
        import preflight

        console.out(f"preflight {preflight.__version__}")
        raise typer.Exit


def options(
    ctx: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings file instead of ./preflight.toml.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and logs.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Check, fix, upload, submit and restore videos for the Aidge Video Removal API, or clean them offline.

    Start with: preflight run clip.mp4 -o out
    """
    del version
    ctx.obj = {"config": config}
    if debug:
        import logging

        logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s")


def _program(cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    app = typer.Typer(cls=cls, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback()(options)
    return app


def build() -> typer.Typer:
    """Return the program with all its commands."""
    return _program(Program)


def main() -> None:
    """Run the program with the process's arguments."""
    if os.name == "posix":
        signal.signal(signal.SIGTERM, _terminate)
    build()(prog_name="preflight")
