"""From a file on disk to an object in an S3 store and a URL under which the service can fetch it."""

from preflight.storage.file_upload import digest, place, sign, upload
from preflight.storage.multipart import UploadCheckpoint
from preflight.storage.profiles import PROFILES, StoreProfile, profile_of
from preflight.storage.store import open_store
from preflight.storage.unfinished import Incomplete, StoreCheck, abort, delete, doctor, incomplete, make_bucket

__all__ = [
    "PROFILES",
    "Incomplete",
    "StoreCheck",
    "StoreProfile",
    "UploadCheckpoint",
    "abort",
    "delete",
    "digest",
    "doctor",
    "incomplete",
    "make_bucket",
    "open_store",
    "place",
    "profile_of",
    "sign",
    "upload",
]
