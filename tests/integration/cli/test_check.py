"""`preflight check` as a person and a program use it: a process with arguments, stdin, stdout and an exit code."""

import csv
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fixtures import cases, clips

PROGRAM = [sys.executable, "-m", "preflight", "check"]
SCHEMA = json.loads((Path(__file__).parents[3] / "docs/report.schema.json").read_text())


def preflight(*arguments: object, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, check=False, cwd=cwd, env=environment
    )


def lines(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    parsed = [json.loads(line) for line in done.stdout.splitlines()]
    for line in parsed:
        jsonschema.validate(line, SCHEMA)
    return parsed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos named and not named as such, beside what is none."""
    folder = tmp_path_factory.mktemp("mixed")
    good = clips.clip(folder / "b good.mp4")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "no-extension").write_bytes(good.read_bytes())
    (folder / "a text.mp4").write_text("no video")
    (folder / "notes.txt").write_text("nothing to check")
    os.mkfifo(folder / "pipe")
    (folder / "deep" / "loop").symlink_to(folder)
    return folder


def test_plain_file_passes_with_0(small_mp4: Path) -> None:
    done = preflight(small_mp4)
    assert done.returncode == 0
    assert done.stdout.startswith(b"ok ")
    assert b"mp4, 320x180" in done.stdout


def test_full_disk_is_one_line(small_mp4: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, str(small_mp4)], stdout=full, stderr=subprocess.PIPE, check=False, cwd=Path(__file__).parents[3]
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_broken_limit_exits_with_3(tmp_path: Path) -> None:
    done = preflight(clips.clip(tmp_path / "wide.mp4", size=(2048, 64), seconds=0.2))
    assert done.returncode == 3
    assert b"703" in done.stdout
    assert b"fix: Scale it down" in done.stdout


def test_missing_file_is_one_line_and_3(tmp_path: Path) -> None:
    done = preflight(tmp_path / "none.mp4", "--json")
    assert done.returncode == 3
    assert lines(done)[0]["unreadable"]["reason"] == "missing"


def test_folder_is_searched_by_content_and_by_claim(folder: Path) -> None:
    found = [Path(line["path"]).name for line in lines(preflight(folder, "--json")) if line["event"] == "report"]
    assert found == ["a text.mp4", "b good.mp4", "no-extension"]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_nothing_to_check_is_told_and_3(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "notes.txt").write_text("no video")
    done = preflight(tmp_path, *options)
    assert done.returncode == 3
    assert f"no videos in {tmp_path}".encode() in done.stderr
    assert preflight("-", *options).returncode == 3


def test_folder_that_can_not_be_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    # Root may list every folder, until these rights are taken from it.
    humble = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    done = subprocess.run(
        [*humble, *PROGRAM, tmp_path / "shut"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 3
    assert b"permission" in done.stdout


def test_summary_counts_by_code(folder: Path) -> None:
    assert lines(preflight(folder, "-f", "jsonl"))[-1] == {
        "schema": 1, "event": "summary", "files": 3, "ok": 1, "refused": 2, "codes": {"702": 2},
    }  # fmt: skip


@pytest.mark.parametrize("separator", [b"\n", b"\0"])
def test_list_on_stdin_keeps_its_order(folder: Path, separator: bytes) -> None:
    names = [folder / "b good.mp4", folder / "none", folder / "b good.mp4"]
    listing = separator.join(bytes(name) for name in names)
    done = preflight("-", "--json", *(["-0"] if separator == b"\0" else []), stdin=listing)
    assert [line.get("path") for line in lines(done)[:-1]] == [str(name) for name in names]


def test_pattern_that_the_shell_left_is_matched(folder: Path) -> None:
    assert [Path(line["path"]).name for line in lines(preflight(f"{folder}/**/*good*", "--json"))[:-1]] == [
        "b good.mp4"
    ]


def test_name_with_pattern_letters_is_a_name_first(small_mp4: Path, tmp_path: Path) -> None:
    odd = tmp_path / "[a]*.mp4"
    odd.write_bytes(small_mp4.read_bytes())
    assert preflight(odd).returncode == 0


@pytest.mark.parametrize("arguments", [("x.mp4",), ("--", "-x.mp4"), ("./-x.mp4",)])
def test_name_that_looks_like_an_option(small_mp4: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    for name in ("x.mp4", "-x.mp4"):
        (tmp_path / name).write_bytes(small_mp4.read_bytes())
    assert preflight(*arguments, cwd=tmp_path).returncode == 0


def test_json_is_one_valid_document(folder: Path) -> None:
    document = json.loads(preflight(folder, "-f", "json").stdout)
    assert len(document) == 3
    for element in document:
        jsonschema.validate(element, SCHEMA)


def test_csv_has_a_row_a_finding(folder: Path) -> None:
    rows = list(csv.DictReader(preflight(folder, "-f", "csv", "--ignore", "all").stdout.decode().splitlines()))
    assert [(row["verdict"], row["code"]) for row in rows] == [("refused", "702"), ("ok", ""), ("refused", "702")]


def test_junit_has_a_case_a_file(folder: Path) -> None:
    suite = ET.fromstring(preflight(folder, "-f", "junit").stdout)  # noqa: S314
    assert [len(case.findall("failure")) for case in suite.iter("testcase")] == [1, 0, 1]


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "junit"])
def test_terminal_codes_are_never_printed(tmp_path: Path, form: str) -> None:
    evil = tmp_path / "\x1b]0;owned\x07\x1b[31m\u202eevil.mp4"
    evil.write_text("no video")
    done = preflight(evil, "-f", form)
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\x07" not in done.stdout + done.stderr
    assert "\u202e".encode() not in done.stdout


def test_metadata_is_never_printed_raw(small_mp4: Path, tmp_path: Path) -> None:
    titled = cases.remux(small_mp4, tmp_path / "t.mkv", "-metadata:s:v", "title=\x1b[31mred")
    done = preflight(titled, "--json")
    assert b"\x1b" not in done.stdout
    assert lines(done)[0]["media"]["streams"][0]["title"] == "\x1b[31mred"


def test_strict_refuses_and_ignore_silences(small_mp4: Path) -> None:
    assert preflight(small_mp4, "--strict", "moov-at-end,hdr").returncode == 3
    assert b"moov" not in preflight(small_mp4, "--ignore", "moov-at-end").stdout
    unknown = preflight(small_mp4, "--ignore", "typo")
    assert unknown.returncode == 2
    assert b"Known: all" in unknown.stderr


def test_limits_can_be_changed(small_mp4: Path, tmp_path: Path) -> None:
    assert preflight(small_mp4, "--max-duration", "0.5").returncode == 3
    assert preflight(small_mp4, "--max-size", "1kB").returncode == 3
    (tmp_path / "preflight.toml").write_text('max_duration = "0.5"\n')
    assert preflight(small_mp4, cwd=tmp_path).returncode == 3


@pytest.mark.parametrize("deep", ["--deep", "--deep=packets", "--deep=decode"])
def test_deep_reads_all(small_mp4: Path, deep: str) -> None:
    (report, _) = lines(preflight(deep, small_mp4, "--json"))
    assert report["media"]["reading"]["reached"] >= 1
    assert report["media"]["reading"]["decoded"] == (deep == "--deep=decode")


def test_unknown_option_exits_with_2() -> None:
    assert preflight("--nonsense").returncode == 2
    assert preflight("", cwd=Path("/")).returncode == 2


def test_verdicts_come_while_the_list_still_does(small_mp4: Path) -> None:
    with _running("-", "--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(bytes(small_mp4) + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["ok"]
        process.stdin.close()
        assert json.loads(process.stdout.readline())["event"] == "summary"


def test_interrupt_ends_with_130_and_no_child(small_mp4: Path) -> None:
    with _running("-", "--json") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(bytes(small_mp4) + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        # Workers hold the write end of nothing of ours: stdout ends only when the program and its children are gone.
        (last,) = process.stdout.read().splitlines()
        assert json.loads(last)["exit_code"] == 130


class _running:  # noqa: N801 - it reads as a function
    def __init__(self, *arguments: str) -> None:
        root = str(Path(__file__).parents[3])
        self.process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": root},
        )  # fmt: skip

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                stream.close()
        self.process.wait()


def test_check_imports_nothing_heavy(small_mp4: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "preflight", "check", str(small_mp4)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "preflight.checking" in imported
    heavy = {
        "boto3",
        "requests",
        "fastapi",
        "cv2",
        "numpy",
        "dask",
        "typer",
        "rich",
        "subprocess",
        "concurrent.futures",
    }
    assert imported & heavy == set()


def test_report_has_a_row_a_file(folder: Path, tmp_path: Path) -> None:
    done = preflight(folder, "--report", tmp_path / "r.csv", "-f", "jsonl")
    assert done.returncode == 3
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text().splitlines()))
    assert [row["outcome"] for row in rows] == ["refused", "ok", "refused"]
    assert preflight(folder, "--report", tmp_path / "r.txt").returncode == 2
