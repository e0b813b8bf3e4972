"""`python -m preflight.cli` is `preflight`."""

from preflight.cli import main

main()
