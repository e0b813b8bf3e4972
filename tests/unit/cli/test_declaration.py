"""What a command declares is what its function takes, what its help shows, and what the choices stand for elsewhere."""

import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.build_cli import PAGE, pages
from preflight.cli import common_options
from preflight.cli.app import COMMANDS, command, run
from preflight.cli.completion import SHELLS, script
from preflight.cli.declaration import EVERYWHERE, Command
from preflight.ledger import State
from preflight.model.job import LANGUAGES
from preflight.model.plan import Policy
from preflight.settings import ENVIRONMENT, Settings

ROOT = Path(__file__).parents[3]


def every_command() -> Iterator[tuple[str, Command]]:
    for name in COMMANDS:
        found = command(name)
        yield name, found
        for sub in found.subcommands:
            yield f"{name} {sub.name}", sub


PATHS = dict(every_command())


@pytest.mark.parametrize("path", PATHS)
def test_function_takes_what_is_declared(path: str) -> None:
    parameters = {parameter.dest for parameter in PATHS[path].parameters}
    assert parameters == set(inspect.signature(PATHS[path].run).parameters) - {"context"}


def help_of(path: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*path.split(), "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("path", PATHS)
def test_page_has_every_option_that_the_help_shows(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help is the parser's own; the page must say no less and no more than it."""
    text = re.sub(r"\s+", " ", help_of(path, capsys).partition("Example:")[0])
    section = (ROOT / "docs/cli.md").read_text().partition(f"\n## preflight {path}\n")[2].partition("\n## ")[0]
    everywhere = {"--help", *(name for option in EVERYWHERE for name in option.names)}
    shown = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - everywhere
    assert shown == set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section.partition("| argument or option |")[2]))
    for row in re.findall(r"^\| `-[^|]*\| (.*) \|$", section, re.MULTILINE):
        assert _loosely(row) in _loosely(text)


def _loosely(text: str) -> str:
    return re.sub(r"[\s-]+", "", text)


def test_pages_manual_and_completions_are_current() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, f"{path.name}: run python -m docs.build_cli"


def test_page_has_every_setting_with_its_variable() -> None:
    text = PAGE.read_text()
    for name in Settings.__dataclass_fields__:
        assert f"| `{name}` | `{ENVIRONMENT.get(name, f'PREFLIGHT_{name.upper()}')}` |" in text


def test_choices_are_those_of_the_values_they_stand_for() -> None:
    assert set(common_options.POLICIES) == {policy.value for policy in Policy}
    assert common_options.LANGUAGES == LANGUAGES
    (states,) = (option.choices for option in command("jobs").options if option.names == ("--state",))
    assert states == tuple(state.value for state in State)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_commands_options_and_values(shell: str) -> None:
    text = script(shell, [command(name) for name in COMMANDS])
    for word in ("check", "doctor", "lossless", "junit", "resolve"):
        assert word in text
    assert "-l max-size" in text if shell == "fish" else "--max-size" in text


def test_bash_completes_the_values_of_an_option() -> None:
    text = script("bash", [command(name) for name in COMMANDS])
    line = 'COMP_WORDS=(preflight fix --policy lo); COMP_CWORD=3; _preflight; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["/bin/bash", "-c", f"{text}\n{line}"], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "lossless"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("check a --max-size lots", "--max-size: 'lots' is not a size"),
        ("check a --format xml", "--format: 'xml' is not one of table"),
        ("run a --jobs 0", "--jobs: '0' is not a whole number"),
        ("run a --trim 5-3", "--trim: '5-3' is not a time range"),
        ("serve --port 70000", "--port: '70000' is not a port"),
        ("clean", "FILE|file"),
        ("fix a --polic lossless", "--polic"),
        ("nonsense", "no command 'nonsense'"),
    ],
)
def test_wrong_words_are_named(words: str, named: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words.split()) == 2
    assert re.search(named, capsys.readouterr().err)


def test_errors_of_the_command_line_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--json"]) == 2
    assert '"error": "UsageError"' in capsys.readouterr().out


def test_help_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for path in PATHS:
        too_wide = [line for line in help_of(path, capsys).splitlines() if len(line) > 60]
        assert [line for line in too_wide if " " in line.strip()] == []
