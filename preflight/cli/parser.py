"""The words of a command line as values, by the declaration of the command.

This is not `argparse`: its import and its set-up of a dozen options take a tenth of a check, it does not know options
whose value is optional but never the next word (`--deep`), and it has no errors of our own tree.
"""

from __future__ import annotations

from preflight.cli.declaration import EVERYWHERE, Command, Parameter
from preflight.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

HELP = Parameter(names=("--help", "-h"), key="help", count="0", help="Show this page and exit.")


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the options before the name of the command, and the words from the name on."""
    valued = {name for option in EVERYWHERE if option.count != "0" for name in option.names}
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in valued else 1
    return list(words[:index]), list(words[index:])


def parse(command: Command, words: Sequence[str], *, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of the command's own parameters, and of those that every command has (the given ones only).

    Options and arguments may stand in any order; what follows `--` is arguments. `--help` gives `help` among the
    latter, and nothing is required then. `path` is how the command is called, such as `preflight jobs show`. Raises
    UsageError, which names the parameter.
    """
    hint = f"See `{path} --help`."
    options = (HELP, *command.options)
    given: dict[str, Any] = {}
    texts: list[str] = []
    for option, text in _assigned(words, options, hint):
        if option is None:
            texts.append(text or "")
        elif text is None:
            given[option.dest] = True if option.bare is None else _value(option, option.bare)
        elif option.negative and text == option.negative:
            given[option.dest] = False
        elif option.repeated:
            given.setdefault(option.dest, []).append(_value(option, text))
        else:
            given[option.dest] = _value(option, text)
    everywhere = {option.dest: given.pop(option.dest) for option in (HELP, *EVERYWHERE) if option.dest in given}
    if "help" not in everywhere:
        given |= _arguments(command.arguments, texts, hint)
    return {**{one.dest: one.absent for one in command.parameters}, **given}, everywhere


def _assigned(
    words: Sequence[str], options: Sequence[Parameter], hint: str
) -> Iterator[tuple[Parameter | None, str | None]]:
    """Yield each option with its text (None for a flag, or for a value that was left out), and each argument."""
    named = {name: option for option in options for name in (*option.names, option.negative) if name}
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from ((None, text) for text in rest)
        elif word == "-" or not word.startswith("-"):
            yield None, word
        elif not word.startswith("--") and len(word) > 2 and word[:2] in named:
            # -j4, and -0j4: flags may share a dash with what follows them.
            option = named[word[:2]]
            if option.count == "0":
                yield option, None
                yield from _assigned([f"-{word[2:]}", *rest], options, hint)
            else:
                yield option, word[2:].removeprefix("=")
        else:
            name, equals, text = word.partition("=")
            yield _named(name, named, hint), _text(named[name], name, text if equals else None, rest, hint)


def _named(name: str, named: dict[str, Parameter], hint: str) -> Parameter:
    """Return the option of a name. Raises UsageError, with the nearest name when there is one."""
    if name in named:
        return named[name]
    import difflib

    near = difflib.get_close_matches(name, named, n=1, cutoff=0.65)
    raise UsageError(f"There is no option {name}.", hint=f"Did you mean {near[0]}? {hint}" if near else hint)


def _text(option: Parameter, name: str, text: str | None, rest: Iterator[str], hint: str) -> str | None:
    """Return the text of an option's value: what stands behind `=`, else the next word."""
    if option.count == "0":
        if text is not None:
            raise UsageError(f"{name} takes no value.", hint=hint)
        return name if name == option.negative else None
    if text is None and option.bare is None:
        text = next(rest, None)
        if text is None:
            raise UsageError(f"{name} needs a value.", hint=hint)
    return text


def _arguments(arguments: Sequence[Parameter], texts: Sequence[str], hint: str) -> dict[str, Any]:
    """Return the values of the arguments: each takes one text, the one that may take many all that are left."""
    left = list(texts)
    values: dict[str, Any] = {}
    for argument in arguments:
        if argument.count in {"1", "+"} and not left:
            raise UsageError(f"{argument.names[0]} is missing.", hint=hint)
        if argument.count in {"*", "+"}:
            values[argument.dest] = [_value(argument, text) for text in left]
            left = []
        elif left:
            values[argument.dest] = _value(argument, left.pop(0))
    if left:
        raise UsageError(f"{left[0]!r} is one argument too many.", hint=hint)
    return values


def _value(parameter: Parameter, text: str) -> Any:
    """Return what a text stands for. Raises UsageError, which names the parameter."""
    name = parameter.names[0]
    if parameter.choices and text not in parameter.choices:
        raise UsageError(f"{name}: {text!r} is not one of {', '.join(parameter.choices)}.")
    try:
        return parameter.convert(text) if parameter.convert is not None else text
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from None
    except ValueError:
        raise UsageError(f"{name}: {text!r} can't be used here.", hint=parameter.meaning) from None
