"""Room: from cleaned segments back to one finished file with the source's own sound and metadata."""

from preflight.restore.finishing import container, finish
from preflight.restore.joining import join

__all__ = ["container", "finish", "join"]
