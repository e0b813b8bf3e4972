"""Begun multipart uploads, remembered until they are completed or gone."""

from __future__ import annotations

from dataclasses import astuple, fields

from preflight.ledger.backend import Backend, Session
from preflight.model.job import PartialUpload

_NAMES = tuple(field.name for field in fields(PartialUpload))


class UploadLog:
    """The ledger's table of begun uploads. Every method raises LedgerError."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def load_upload(self, *, endpoint: str, bucket: str, key: str) -> PartialUpload | None:
        """Return the upload that was begun for an object, or None."""
        query = "SELECT * FROM uploads WHERE endpoint = ? AND bucket = ? AND key = ?"
        row = self._backend.read(lambda session: session.one(query, (endpoint, bucket, key)))
        return PartialUpload(**dict(row)) if row else None

    def save_upload(self, upload: PartialUpload) -> None:
        """Remember a begun upload; durable when this returns."""
        changes = ", ".join(f"{name} = excluded.{name}" for name in _NAMES)
        query = (
            f"INSERT INTO uploads ({', '.join(_NAMES)}) VALUES ({', '.join('?' for _ in _NAMES)}) "  # noqa: S608
            f"ON CONFLICT (endpoint, bucket, key) DO UPDATE SET {changes}"
        )

        def save(session: Session) -> None:
            session.run(query, astuple(upload))

        self._backend.write(save)

    def forget_upload(self, upload: PartialUpload) -> None:
        """Forget an upload that is completed or gone."""

        def forget(session: Session) -> None:
            session.run("DELETE FROM uploads WHERE upload_id = ?", (upload.upload_id,))

        self._backend.write(forget)
