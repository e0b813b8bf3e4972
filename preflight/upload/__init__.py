"""Fixed -> Upload: the only room that talks to S3."""
