"""How measured values are written for people: exact, with units."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from preflight.model.limits import DEFAULT_LIMITS, MB, MIB, Limits
from preflight.model.media import Container, Media


def seconds(value: Fraction) -> str:
    """Return `value` as `6:00.04`, with all the decimals it has, up to nanoseconds, and rounded up behind them.

    Rounding down could write a duration that breaks a limit as one that keeps it.
    """
    nanos = -(-value.numerator * 10**9 // value.denominator)
    whole, rest = divmod(nanos, 10**9)
    minutes, secs = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"
    return f"{clock}.{rest:09}".rstrip("0") if rest else clock


def size(value: int) -> str:
    """Return `value` bytes in MB and MiB, and exactly."""
    return f"{value:,} bytes ({value / MB:.2f} MB, {value / MIB:.2f} MiB)"


def limit_size(value: int) -> str:
    """Return a size limit in the unit in which it is a round number."""
    for unit, name in ((MB, "MB"), (MIB, "MiB")):
        if value % unit == 0:
            return f"{value // unit} {name} ({value:,} bytes)"
    return f"{value:,} bytes"


def command(media: Media, *words: str) -> str:
    """Return the command `preflight WORDS FILE` for the file of `media`, quoted for a shell."""
    name = str(media.path)
    return " ".join(shell_word(word) for word in ("preflight", *words, f"./{name}" if name.startswith("-") else name))


def shell_word(text: str) -> str:
    r"""Return `text` quoted for a POSIX shell, all in characters that show: `$'a\nb'` where it has others."""
    import shlex

    if text.isprintable():
        return shlex.quote(text)
    shown = "".join(
        {"'": "\\'", "\\": "\\\\"}.get(letter, letter) if letter.isprintable() else _escape(letter) for letter in text
    )
    return f"$'{shown}'"


def _escape(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))


def with_command(text: str, command: str) -> str:
    """Return the sentence `text` with `command` in brackets before its full stop."""
    return f"{text.removesuffix('.')} (`{command}`)."


def pixels(width: int, height: int) -> str:
    """Return a picture size.

    Args:
        width: pixels.
        height: pixels.
    """
    return f"{width}x{height}"


def names(containers: Iterable[Container]) -> str:
    """Return the containers as a list in words: `mp4, mov or mkv`."""
    words = [str(c) for c in containers]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def source(limits: Limits, name: str) -> str:
    """Return where the limit in the field `name` comes from: the service's page, or the person who set another.

    Args:
        limits: the limits in force.
        name: a field of them.
    """
    changed = limits.source == DEFAULT_LIMITS.source and getattr(limits, name) != getattr(DEFAULT_LIMITS, name)
    return "your setting" if changed else limits.source
