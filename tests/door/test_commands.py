"""The command line as a user meets it: what it prints, and its exit codes."""

import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import soundfile

from auralis_trio import __version__
from auralis_trio.demo import PIECES, synthesise
from tests.serving import COMMAND, run_command, server_process

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in (1, 2):
        soundfile.write(folder / f"{number}.flac", synthesise(1.0, 44_100, 2, seed=number), 44_100)
    return folder


def told(added: int, unchanged: int, failed: int) -> str:
    return f"{added} added, 0 updated, 0 moved, 0 back, {unchanged} unchanged, 0 missing, {failed} not readable\n"


def test_a_scan_without_a_server_says_what_it_found_and_succeeds(tmp_path: Path, music: Path) -> None:
    first = run_command("scan", music, "--data-dir", tmp_path / "data")
    assert (first.returncode, first.stdout) == (
        0,
        told(added=2, unchanged=0, failed=0),
    )
    again = run_command("scan", music, "--data-dir", tmp_path / "data")
    assert (again.returncode, again.stdout) == (
        0,
        told(added=0, unchanged=2, failed=0),
    )


def test_a_scan_that_could_not_read_everything_fails(tmp_path: Path, music: Path) -> None:
    (music / "text.mp3").write_text("not music")
    scan = run_command("scan", music, "--data-dir", tmp_path / "data")
    assert (scan.returncode, scan.stdout) == (
        1,
        told(added=2, unchanged=0, failed=1),
    )


def test_a_scan_beside_a_running_server_is_refused_with_a_sentence(tmp_path: Path, music: Path) -> None:
    with server_process(tmp_path / "data", music):
        scan = run_command("scan", music, "--data-dir", tmp_path / "data")
    assert scan.returncode == 1
    assert "Another Auralis-Trio" in scan.stderr


def test_the_demo_command_makes_the_demo_library(tmp_path: Path) -> None:
    demo = run_command("demo", tmp_path / "demo")
    assert demo.returncode == 0
    paths = demo.stdout.splitlines()
    assert len(paths) == len(PIECES)
    assert all(Path(path).is_file() for path in paths)


def test_a_scan_that_could_not_look_at_everything_says_so_and_fails(tmp_path: Path, music: Path) -> None:
    locked = music / "locked"
    locked.mkdir()
    (locked / ".auralisignore").symlink_to(".auralisignore")
    ended = run_command("scan", music, "--data-dir", tmp_path / "data")
    assert (ended.returncode, ended.stdout) == (
        1,
        told(added=2, unchanged=0, failed=0),
    )
    assert "1 folders or files could not be looked at" in ended.stderr
    assert f"{locked}/.auralisignore" in ended.stderr


def test_every_command_stands_in_the_readme() -> None:
    commands = re.findall(r"^ {4}(\w+)", run_command("--help").stdout, re.MULTILINE)
    assert {"serve", "scan", "analyze", "master", "demo"} <= set(commands)
    assert [name for name in commands if f"| `{name} " not in README] == []


def test_the_version_is_told(tmp_path: Path) -> None:
    assert run_command("--version").stdout == f"auralis-trio {__version__}\n"


def test_a_backup_is_made_beside_a_running_server_and_brought_back_without_one(tmp_path: Path, music: Path) -> None:
    where = ("--data-dir", tmp_path / "data")
    with server_process(tmp_path / "data", music):
        made = run_command("backup", "create", *where)
        name = made.stdout.split()[1]
        assert (made.returncode, made.stderr) == (0, "")
        refused = run_command("backup", "restore", name, *where)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Another Auralis-Trio" in refused.stderr
    assert run_command("backup", "list", *where).stdout.startswith(f"{name}\t")
    restored = run_command("backup", "restore", name, *where)
    assert restored.returncode == 0
    assert restored.stdout.startswith(f"brought back {name}; what was there before is library-")


def test_a_damaged_library_says_so_and_how_to_bring_a_backup_back(tmp_path: Path, music: Path) -> None:
    where = ("--data-dir", tmp_path / "data")
    assert run_command("scan", music, *where).returncode == 0
    name = run_command("backup", "create", *where).stdout.split()[1]
    file = tmp_path / "data" / "library.sqlite3"
    file.write_bytes(b"garbage" * 1000)
    for command in (("serve", music, "--port", "0"), ("scan", music), ("backup", "create")):
        ended = run_command(*command, *where)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.strip() == (
            "auralis-trio: The library's database is damaged. Stop the server, list the backups with "
            "`auralis-trio backup list`, and bring one back with `auralis-trio backup restore NAME`."
        )
    restored = run_command("backup", "restore", name, *where)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert restored.stdout.startswith(f"brought back {name}; what was there before is damaged-")
    with server_process(tmp_path / "data", music):
        pass


def test_damage_that_shows_only_later_is_told_as_well(tmp_path: Path, music: Path) -> None:
    where = ("--data-dir", tmp_path / "data")
    assert run_command("scan", music, *where).returncode == 0
    file = tmp_path / "data" / "library.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        [page] = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'track'").fetchone()
    data = bytearray(file.read_bytes())
    data[4096 * (page - 1) : 4096 * page] = b"\xff" * 4096
    file.write_bytes(data)
    ended = run_command("scan", music, *where)
    assert (ended.returncode, "database_damaged" in ended.stdout + ended.stderr) == (1, True), ended.stderr


def test_a_backup_of_nothing_fails_with_a_sentence(tmp_path: Path) -> None:
    backup = run_command("backup", "create", "--data-dir", tmp_path / "data")
    assert (backup.returncode, backup.stdout) == (1, "")
    assert backup.stderr == "auralis-trio: There is no library here yet.\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["backup"], ["backup", "create", "--keep", "0"], ["demo"], ["serve", "--nonsense"], ["scan"]],
)
def test_wrong_arguments_are_explained_with_exit_code_two(arguments: list[str]) -> None:
    ended = run_command(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: auralis-trio")


@pytest.mark.parametrize(
    ("arguments", "bounds"),
    [
        (["master", "in", "out.wav", "--intensity", "2"], "from 0 to 1"),
        (["backup", "create", "--keep", "x"], "from 1 to"),
    ],
)
def test_a_number_that_cannot_be_taken_is_told_with_what_can(arguments: list[str], bounds: str) -> None:
    assert bounds in run_command(*arguments).stderr


@pytest.mark.parametrize("command", ["serve", "scan"])
def test_a_folder_without_a_name_is_not_the_one_where_the_command_is_run(command: str, tmp_path: Path) -> None:
    ended = run_command(command, "", "--data-dir", tmp_path / "data")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "folders[0]" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_database_of_another_kind_is_refused_before_it_is_asked(tmp_path: Path, music: Path) -> None:
    ended = run_command("scan", music, "--data-dir", tmp_path / "data", "--database-url", "sqlite:///x")
    assert ended.returncode == 1
    assert "has to begin with postgresql://" in ended.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["analyze", "1.flac"], ["analyze", "--json", *["1.flac"] * 8], ["backup", "--help"]],
    ids=str,
)
def test_what_cannot_be_told_for_want_of_room_is_an_error_in_one_line(
    music: Path, tmp_path: Path, arguments: list[str]
) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments, *(["--data-dir", str(tmp_path)] if arguments[0] == "backup" else [])],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=music,
        )
    assert ended.returncode == 1
    assert ended.stderr == "auralis-trio: What was to be told could not be written: No space left on device.\n"


@pytest.mark.parametrize("files", [1, 8])
def test_who_reads_only_the_first_line_is_not_told_of_a_fault(music: Path, files: int) -> None:
    """Of one file all may still wait to be written when the command ends; of eight it does not."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ended = subprocess.run(
            [*COMMAND, "analyze", "--json", *[music / "1.flac"] * files],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (1, "")
