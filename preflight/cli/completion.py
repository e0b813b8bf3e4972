"""`preflight completion`: what a shell needs to complete commands, options and their values, from the declarations."""

from __future__ import annotations

from preflight.cli import console
from preflight.cli.context import Context
from preflight.cli.declaration import Command, Parameter
from preflight.errors import ExitCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHELLS = ("bash", "zsh", "fish")


def completion(context: Context, *, shell: str) -> int:
    """Print the completion script for a shell."""
    del context
    from preflight.cli.app import COMMANDS, command

    console.out(script(shell, [command(name) for name in COMMANDS]))
    return int(ExitCode.OK)


def script(shell: str, commands: Sequence[Command]) -> str:
    """Return the completion script of `commands` for a shell: bash, zsh (which reads bash's) or fish."""
    if shell == "fish":
        return "\n".join(_fish(commands))
    first = ["#compdef preflight", "autoload -U +X bashcompinit && bashcompinit"] if shell == "zsh" else []
    return "\n".join((*first, *_bash(commands)))


def _bash(commands: Sequence[Command]) -> list[str]:
    words = {command.name: _words(command) for command in commands}
    values: dict[str, str] = {}
    for command in commands:
        for one in (command, *command.subcommands):
            for option in one.options:
                if option.choices:
                    values |= {f"{command.name} {name}": " ".join(option.choices) for name in option.names}
    return [
        "_preflight() {",
        '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}"',
        "  COMPREPLY=()",
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f'    COMPREPLY=($(compgen -W "{" ".join(words)} --help --version" -- "$word"))',
        "    return",
        "  fi",
        '  case "$command $before" in',
        *(f'    "{key}") COMPREPLY=($(compgen -W "{found}" -- "$word")); return;;' for key, found in values.items()),
        "  esac",
        '  case "$command" in',
        *(f'    {name}) COMPREPLY=($(compgen -W "{" ".join(found)}" -- "$word"));;' for name, found in words.items()),
        "  esac",
        '  [[ "$word" == -* ]] || COMPREPLY+=($(compgen -f -- "$word"))',
        "}",
        "complete -o filenames -F _preflight preflight",
    ]


def _words(command: Command) -> list[str]:
    """Return what may follow the command's name: subcommands, options and the values of its arguments."""
    found = [sub.name for sub in command.subcommands]
    found += [choice for argument in command.arguments for choice in argument.choices]
    for one in (command, *command.subcommands):
        found += [name for option in one.options for name in (*option.names, option.negative) if name.startswith("--")]
    return list(dict.fromkeys([*found, "--help"]))


def _fish(commands: Sequence[Command]) -> Iterator[str]:
    yield "complete -c preflight -n __fish_use_subcommand -f"
    for command in commands:
        yield f"complete -c preflight -n __fish_use_subcommand -a {command.name} -d {_quoted(command.summary)}"
        given = f"-n '__fish_seen_subcommand_from {command.name}'"
        for sub in command.subcommands:
            yield f"complete -c preflight {given} -a {sub.name} -d {_quoted(sub.summary)}"
        options = dict.fromkeys(option for one in (command, *command.subcommands) for option in one.options)
        for option in options:
            yield f"complete -c preflight {given}{_fish_option(option)} -d {_quoted(option.help)}"
        for argument in command.arguments:
            if argument.choices:
                yield f"complete -c preflight {given} -f -a {_quoted(' '.join(argument.choices))}"


def _fish_option(option: Parameter) -> str:
    names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)
    if option.choices:
        return f"{names} -x -a {_quoted(' '.join(option.choices))}"
    return names if option.count == "0" or option.bare else f"{names} -r"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


COMMAND = Command(
    name="completion",
    summary="Print the completion script for a shell.",
    details="For bash: preflight completion bash > ~/.local/share/bash-completion/completions/preflight\n"
    "For zsh: preflight completion zsh > a file _preflight in a folder of $fpath\n"
    "For fish: preflight completion fish > ~/.config/fish/completions/preflight.fish",
    example="preflight completion bash",
    run=completion,
    parameters=(Parameter(names=("SHELL",), choices=SHELLS, help="The shell."),),
)
