"""The local removal service: HTTP API, task store and S3-compatible store on this machine."""
