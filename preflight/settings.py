"""Settings as one frozen value: defaults, then `preflight.toml`, then the environment, then flags."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from preflight.errors import UsageError
from preflight.model.limits import Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENVIRONMENT = {
    "ledger_url": "PREFLIGHT_LEDGER",
    "access_key_name": "AIDGE_ACCESS_KEY_NAME",
    "access_key_secret": "AIDGE_ACCESS_KEY_SECRET",
    "api_domain": "AIDGE_API_DOMAIN",
}
"""Settings whose variable is not `PREFLIGHT_` + the name in capitals."""

FILE_NAME = "preflight.toml"

LOCAL_ACCOUNT = "local"
"""The embedded service's key name; jobs there cost nothing and belong to this machine."""


class Secret(str):
    """A text that a repr, a log, a pickle or a JSON dump of settings must not show; `str(secret)` is the value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'[hidden]'" if self else "''"

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, ()


class LedgerUrl(Secret):
    """The address of a ledger that several machines share; it may hold a password."""

    __slots__ = ()

    def exists(self) -> bool:
        """Return True: only asking the database would tell, and its tables are made when it is opened."""
        return True


_NO_SECRET = Secret("")
_NO_LEDGER_URL = LedgerUrl("")


def _default_home() -> Path:
    # What platformdirs does on Linux, where its import takes as long as checking a file.
    if "linux" in sys.platform:
        state = os.environ.get("XDG_STATE_HOME", "").strip()
        return (Path(state) if state else Path.home() / ".local" / "state") / "preflight"
    import platformdirs

    return Path(platformdirs.user_state_dir("preflight", appauthor=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Durations in seconds, sizes in bytes, rates in bytes/s.

    `api_domain` may carry a scheme (`http://127.0.0.1:8080`); without one it is https. `s3_endpoint` None means AWS.
    `s3_key` and `s3_secret` stand before AWS's own chain (environment, profile, role) when both are set.
    `upload_rate` 0 is unlimited; `upload_threads` is how many parts of a file are under way at once: more are quicker
    where a line is far or loses packets, and a kill loses each. `encryption` is '' (the bucket's default), `AES256` or
    `aws:kms`. `public_url` is a template such as `https://cdn.example.com/{key}` that is sent in place of a presigned
    URL.
    `fill_model` is an ONNX model that fills what the local engine finds on no other frame.
    `verify` has `preflight run` compare each finished file with its source.
    `keep_fixed` keeps what a run sent and got, for another run, up to `cache_size` in all.
    `resend_after_500` submits again after the service's code 500; without it such a submit counts as unknown, since the
    job may exist.
    `price_per_minute` is what a minute of video costs at the service, in any currency, for reports and `--budget`.
    `ledger_url` is the address of a PostgreSQL database (`postgresql://...`) for the ledger of many machines; '' is a
    file in `home`.
    `service` is `auto` (the cloud when it is configured, else local), `local` or `aidge`.

    A pickle holds no secret: the process that loads it takes those of its own environment (`worker_secrets.recall`).
    """

    service: str = "auto"
    access_key_name: str = ""
    access_key_secret: Secret = _NO_SECRET
    api_domain: str = "api.aidc-ai.com"
    submit_path: str = "/ai/video/removal"
    query_path: str = "/ai/video/removal/result"
    request_form: str = "flat"
    http_method: str = "POST"
    trial: bool = False
    resend_after_500: bool = False
    request_timeout: float = 30.0
    deadline: float = 3600.0
    poll_first: float = 2.0
    poll_last: float = 30.0
    bucket: str = ""
    prefix: str = "preflight/"
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_key: str = ""
    s3_secret: Secret = _NO_SECRET
    store: str = "auto"
    keep_upload: bool = True
    upload_rate: int = 0
    upload_threads: int = 2
    encryption: str = ""
    kms_key: str = ""
    public_url: str = ""
    ca_bundle: str | None = None
    ffmpeg: str | None = None
    encoder: str = "libx264"
    preset: str = "veryfast"
    fill_model: Path | None = None
    price_per_minute: float = 0.0
    max_size: int = 200_000_000
    max_duration: Fraction = Fraction(360)
    keep_fixed: bool = False
    verify: bool = True
    cache_size: int = 2_000_000_000
    home: Path = field(default_factory=_default_home)
    ledger_url: LedgerUrl = _NO_LEDGER_URL

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise UsageError(f"Setting {name} is {value!r}.", hint=f"Use one of: {', '.join(allowed)}.")
        if not 1 <= self.upload_threads <= _MOST_THREADS:
            raise UsageError(
                f"Setting upload_threads is {self.upload_threads}.",
                hint=f"Use 1 to {_MOST_THREADS}; 2 suit most lines.",
            )
        if not 0 <= self.price_per_minute < float("inf"):
            raise UsageError(f"Setting price_per_minute is {self.price_per_minute}.", hint="Use 0 or more.")
        if bool(self.s3_key) != bool(self.s3_secret):
            missing = "s3_secret" if self.s3_key else "s3_key"
            raise UsageError(f"Setting {missing} is missing.", hint="Set both s3_key and s3_secret, or neither.")
        if self.ledger_url and not re.match(r"postgres(ql)?://", self.ledger_url):
            raise UsageError(
                "Setting PREFLIGHT_LEDGER is no address of a PostgreSQL database.",
                hint="Write postgresql://USER@HOST/DATABASE; without it the ledger is a file in PREFLIGHT_HOME.",
            )
        for name in ("s3_endpoint", "public_url"):
            value = getattr(self, name)
            if value and not re.match(r"https?://[^\s/]", value):
                raise UsageError(f"Setting {name} is {value!r}.", hint="Write an address such as https://example.com.")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.to_dict().items())
        # An address may carry a name and a password.
        return re.sub(r"//[^/@\s'\"]*@", "//***@", f"Settings({shown})")

    def __copy__(self) -> Settings:
        return self

    def __deepcopy__(self, _: object) -> Settings:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, ({name: value for name, value in self.to_dict().items() if not isinstance(value, Secret)},)

    def with_home(self, home: Path) -> Settings:
        """Return the settings with another state folder, also where a secret of them is not known here."""
        made = object.__new__(Settings)
        for name, value in (self.to_dict() | {"home": home}).items():
            object.__setattr__(made, name, value)
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return the value of each setting by its name, secrets included."""
        return {spec.name: getattr(self, spec.name) for spec in fields(self)}

    @property
    def limits(self) -> Limits:
        """The limits to check under."""
        return Limits(max_bytes=self.max_size, max_seconds=self.max_duration)

    @property
    def ledger(self) -> Path | LedgerUrl:
        """Where the ledger is: a file in `home`, or the address of a database."""
        return self.ledger_url or self.home / "ledger.sqlite3"

    @property
    def account(self) -> str:
        """Who pays for a job: never a secret, and one word for every embedded service."""
        local = self.uses_local_service or self.access_key_name == LOCAL_ACCOUNT
        return LOCAL_ACCOUNT if local else f"{self.access_key_name}@{normalize_domain(self.api_domain)}"

    @property
    def cloud_parts(self) -> dict[str, bool]:
        """Whether each part that a run in the cloud needs is configured, by the name that a person knows."""
        return {
            "AIDGE_ACCESS_KEY_NAME": bool(self.access_key_name),
            "AIDGE_ACCESS_KEY_SECRET": bool(self.access_key_secret),
            "PREFLIGHT_BUCKET": bool(self.bucket),
        }

    @property
    def has_cloud(self) -> bool:
        """True when an account and a bucket are configured."""
        return all(self.cloud_parts.values())

    @property
    def uses_local_service(self) -> bool:
        """True when a run starts the embedded service instead of calling a configured one.

        With `auto`, only when nothing of a cloud is configured: half a configuration is an error of the run, and never
        a silent change to the local service.
        """
        touched = any(self.cloud_parts.values()) or bool(self.s3_endpoint or self.s3_key or self.s3_secret)
        return self.service == "local" or (self.service == "auto" and not touched)


def _unpickled(values: dict[str, Any]) -> Settings:
    """Return pickled settings with the secrets that this process knows, and without those that it doesn't."""
    from preflight import worker_secrets

    own = worker_secrets.recall(values, os.environ)
    settings = Settings(**{name: value for name, value in values.items() if name != "s3_key"})
    for name, value in (("s3_key", values["s3_key"]), *((name, Secret(text)) for name, text in own.items())):
        # Without its secret, a key is no setting that `Settings` takes; the first use of it then says what is missing.
        object.__setattr__(settings, name, value)
    return settings


def normalize_domain(domain: str) -> str:
    """Return one spelling for every way to write the same API address.

    Scheme, userinfo, default port, letter case, trailing dots and trailing slashes don't change which account pays.
    """
    scheme, _, rest = domain.strip().rpartition("://")
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2].lower()
    for port in {"http": (":80",), "https": (":443",)}.get(scheme.lower(), (":443", ":80")):
        host = host.removesuffix(port)
    name, colon, port = host.partition(":")
    return f"{name.rstrip('.')}{colon}{port}{(slash + path).rstrip('/')}"


_MOST_THREADS = 32
"""Highest number of parts under way at once; memory and connections grow with it."""

REQUEST_FORMS = ("flat", "nested", "string")
"""Where the parameters of a call stand: at the top, in the object `paramJson`, or in the text `paramJson`."""

_CHOICES = {
    "service": ("auto", "local", "aidge"),
    "request_form": REQUEST_FORMS,
    "http_method": ("POST", "GET"),
    "encryption": ("", "AES256", "aws:kms"),
}


def parse_size(text: str) -> int:
    """Return bytes for `200MB`, `200MiB`, `1.5GB` or a plain number. Raises UsageError."""
    units = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", text.strip().lower(), re.ASCII)
    if match is None or match[2] not in units or not (size := int(Decimal(match[1]) * units[match[2]])):
        raise UsageError(f"{text!r} is not a size.", hint="Write it as 200MB, 200MiB or 200000000.")
    return size


def parse_seconds(text: str) -> Fraction:
    """Return exact seconds for `90`, `1:30`, `0:01:30.5` or `90s`. Raises UsageError."""
    if re.fullmatch(r"(\d{1,9}:){0,2}\d{1,9}(\.\d{1,9})?s?", text.strip(), re.ASCII) is None:
        raise UsageError(f"{text!r} is not a time.", hint="Write it as 90, 90s, 1:30 or 0:01:30.5.")
    parts = [Fraction(part) for part in text.strip().removesuffix("s").split(":")]
    seconds = Fraction(0)
    for part in parts:
        seconds = seconds * 60 + part
    return seconds


def _flag(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return value if isinstance(value, bool) else words[str(value).lower()]


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "max_size": lambda value: parse_size(str(value)),
    "max_duration": lambda value: parse_seconds(str(value)),
    "fill_model": lambda value: Path(value).expanduser() if value else None,
    "home": lambda value: Path(value).expanduser(),
    "access_key_secret": Secret,
    "s3_secret": Secret,
    "ledger_url": LedgerUrl,
    "upload_rate": lambda value: parse_size(str(value)) if str(value) != "0" else 0,
    "upload_threads": int,
    "trial": _flag,
    "resend_after_500": _flag,
    "keep_upload": _flag,
    "keep_fixed": _flag,
    "verify": _flag,
    "cache_size": lambda value: parse_size(str(value)),
    "request_timeout": lambda value: float(parse_seconds(str(value))),
    "deadline": lambda value: float(parse_seconds(str(value))),
    "poll_first": lambda value: float(parse_seconds(str(value))),
    "poll_last": lambda value: float(parse_seconds(str(value))),
    "http_method": lambda value: str(value).upper(),
    "price_per_minute": float,
}


def _convert(field_name: str, value: Any, name: str) -> Any:
    """Turn a text from the environment or TOML into the field's type; `name` is what the person wrote for it."""
    try:
        return _CONVERTERS.get(field_name, str)(value)
    except UsageError as error:
        raise UsageError(f"Setting {name}: {error.message}", hint=error.hint) from None
    except (ValueError, TypeError, KeyError):
        raise UsageError(
            f"Setting {name} has the unusable value {value!r}.",
            hint="docs/cli.md has all settings with their defaults.",
        ) from None


def read_file(path: Path) -> dict[str, Any]:
    """Return the settings in a TOML file. Raises UsageError for a bad file or an unknown name."""
    # Most have no file, and a check is quicker than loading this.
    import tomllib

    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"Settings file {path} can't be read: {error.strerror}.", hint="Name another with --config FILE."
        ) from error
    except ValueError as error:
        # Of TOML's grammar, or of UTF-8.
        raise UsageError(
            f"Settings file {path} is no TOML: {error}.", hint='Write lines like `bucket = "my-bucket"`.'
        ) from error
    known = {f.name for f in fields(Settings)}
    for name in raw:
        if name not in known:
            raise UsageError(
                f"Settings file {path} has the unknown name {name!r}.", hint=f"Known: {', '.join(sorted(known))}."
            )
    return {name: _convert(name, value, f"{name} in {path}") for name, value in raw.items()}


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return ENVIRONMENT.get(name, f"PREFLIGHT_{name.upper()}")


def _require_known(environment: Mapping[str, str]) -> None:
    """Raise UsageError for a variable that looks like a setting and is none: a typing error must not go unnoticed."""
    known = {variable_of(spec.name) for spec in fields(Settings)}
    for name in environment:
        if name.startswith("PREFLIGHT_") and name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"The environment variable {name} is no setting.",
                hint=f"Did you mean {near[0]}?" if near else "Unset it; docs/cli.md has all settings.",
            )


def _require_trust(file: Path, values: Mapping[str, Any], home: Path) -> None:
    """Raise UsageError when a file of the current folder sets what only a trusted one may."""
    from preflight.trust import RESTRICTED, is_trusted

    restricted = sorted(RESTRICTED & values.keys())
    if restricted and not is_trusted(file, home=home):
        raise UsageError(
            f"{file} in this folder sets {', '.join(restricted)}, and you have not confirmed it.",
            hint=f"Read it, then run `preflight trust`, or name it with `--config {file}`.",
        )


def load_settings(
    *, file: Path | None = None, environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """Return the effective settings: defaults < file < environment < flags (a flag of None counts as not given).

    Without `file`, `preflight.toml` in the current folder is used when it is there; one that sets programs, fill
    models, hosts or credentials has to be confirmed before (`preflight trust`). Raises UsageError, also for an
    environment variable `PREFLIGHT_...` that is no setting.
    """
    environment = os.environ if environment is None else environment
    _require_known(environment)
    values: dict[str, Any] = {}
    if file is not None:
        values |= read_file(file)
    elif Path(FILE_NAME).is_file():
        values |= read_file(Path(FILE_NAME))
        _require_trust(Path(FILE_NAME), values, Path(environment.get("PREFLIGHT_HOME") or _default_home()))
    for spec in fields(Settings):
        variable = variable_of(spec.name)
        if environment.get(variable):
            values[spec.name] = _convert(spec.name, environment[variable], variable)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    return replace(Settings(**values), **given)
