"""The command line: one module a command."""


def main() -> None:
    """Run the program with the process's arguments."""
    from preflight.cli.app import main as run

    run()
