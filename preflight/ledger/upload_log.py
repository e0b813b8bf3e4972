"""Begun multipart uploads, remembered until they are completed or gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict

from preflight.model.job import PartialUpload

_Opened = Callable[[], AbstractContextManager[sqlite3.Connection]]


class UploadLog:
    """The ledger's table of begun uploads. Every method raises LedgerError."""

    def __init__(self, reading: _Opened, writing: _Opened) -> None:
        self._reading, self._writing = reading, writing

    def load_upload(self, *, endpoint: str, bucket: str, key: str) -> PartialUpload | None:
        """Return the upload that was begun for an object, or None."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT * FROM uploads WHERE endpoint = ? AND bucket = ? AND key = ?", (endpoint, bucket, key)
            ).fetchone()
        return PartialUpload(**dict(row)) if row else None

    def save_upload(self, upload: PartialUpload) -> None:
        """Remember a begun upload; durable when this returns."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO uploads (endpoint, bucket, key, upload_id, part_size, size, sha256, token) "
                "VALUES (:endpoint, :bucket, :key, :upload_id, :part_size, :size, :sha256, :token)",
                asdict(upload),
            )

    def forget_upload(self, upload: PartialUpload) -> None:
        """Forget an upload that is completed or gone."""
        with self._writing() as connection:
            connection.execute("DELETE FROM uploads WHERE upload_id = ?", (upload.upload_id,))
