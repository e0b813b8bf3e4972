"""`preflight check FILE` without an option: as the whole program does it, but without loading a parser of options."""

from __future__ import annotations

import os
import sys

from preflight.cli.verdict import Request, perform
from preflight.errors import ExitCode, PreflightError
from preflight.probe import prober
from preflight.settings import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def run_plainly(file: str) -> NoReturn:
    """Check `file` under the effective settings and exit."""
    try:
        status = perform(Request(files=(file,)), load())
        sys.stdout.flush()
    except PreflightError as error:
        from preflight.cli import console

        console.complain(error)
        status = int(error.exit_code)
    except KeyboardInterrupt:
        status = int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): not an error, and nothing more to say.
        status = int(ExitCode.OK)
    except OSError as error:
        sys.stderr.write(f"preflight: the verdict can't be written: {error.strerror}.\n")
        status = int(ExitCode.SOME_FAILED)
    prober.close()
    # All is written and the worker is gone: taking the interpreter apart would cost a tenth of the whole run.
    os._exit(status)
