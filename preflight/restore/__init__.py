"""Room: from cleaned segments back to one finished file with the source's own sound and metadata."""

from preflight.restore.finish import finish

__all__ = ["finish"]
