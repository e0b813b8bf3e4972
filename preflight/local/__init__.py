"""The removal service itself, embedded: HTTP API, S3 store and text-removal engine."""
