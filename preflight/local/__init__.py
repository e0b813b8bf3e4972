"""The removal service itself, embedded: HTTP API, S3 store and text-removal engine."""

INSTALL = "pip install '.[local]' in preflight's folder"
"""How the packages come that the service and the engine need."""
