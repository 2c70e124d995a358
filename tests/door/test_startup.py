"""Starting and stopping the real process: ready means ready, a failure says why in one line, a signal ends all."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio

from auralis_trio.demo import synthesise
from tests.player_client import open_player
from tests.serving import COMMAND, LIMIT_S, environment, run_command, server_process


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    soundfile.write(folder / "one.wav", synthesise(2.0, 8000, 1, seed=1), 8000)
    return folder


def get(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def post(url: str, data: dict[str, Any], method: str = "POST") -> dict[str, Any]:
    request = urllib.request.Request(
        url, json.dumps(data).encode(), {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def assert_fails(*arguments: str | Path, says: str, **options: object) -> None:
    ended = run_command("serve", *arguments, "--port", "0", **options)
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("auralis-trio: ")
    assert says in lines[0]


def test_a_taken_port_ends_the_start_with_a_sentence(tmp_path: Path, music: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_command("serve", music, "--port", str(port), "--data-dir", tmp_path / "data")
    assert ended.returncode == 1
    assert f"Port {port} is taken" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_that_is_gone_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    assert_fails(tmp_path / "gone", "--data-dir", tmp_path / "data", says="no readable folder")


def test_a_data_directory_that_cannot_be_made_ends_the_start_with_a_sentence(tmp_path: Path, music: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_fails(music, "--data-dir", tmp_path / "file" / "data", says="data directory")


def test_a_second_process_on_the_same_data_directory_says_so_and_ends(tmp_path: Path, music: Path) -> None:
    with server_process(tmp_path / "data", music):
        assert_fails(music, "--data-dir", tmp_path / "data", says="Another Auralis-Trio")


def test_a_locked_database_ends_the_start_with_a_sentence(tmp_path: Path, music: Path) -> None:
    with server_process(tmp_path / "data", music):
        pass
    with sqlite3.connect(tmp_path / "data" / "library.sqlite3", isolation_level=None) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert_fails(music, "--data-dir", tmp_path / "data", says="library")
    database.close()


def test_a_newer_schema_is_refused_with_a_sentence(tmp_path: Path, music: Path) -> None:
    with server_process(tmp_path / "data", music):
        pass
    with sqlite3.connect(tmp_path / "data" / "library.sqlite3") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(schema_version)")]
        newest = "SELECT * FROM schema_version ORDER BY version DESC LIMIT 1"
        values = list(database.execute(newest).fetchone())
        values[columns.index("version")] = 999
        marks = ", ".join("?" * len(columns))
        database.execute(f"INSERT INTO schema_version VALUES ({marks})", values)
    database.close()
    assert_fails(music, "--data-dir", tmp_path / "data", says="newer")


def test_a_setting_that_cannot_be_used_ends_the_start_with_a_sentence(tmp_path: Path, music: Path) -> None:
    assert_fails(music, "--data-dir", tmp_path / "data", says="setting", stall_timeout_s="soon")


def test_an_address_that_others_can_reach_needs_to_be_asked_for(tmp_path: Path, music: Path) -> None:
    assert_fails(music, "--data-dir", tmp_path / "data", "--host", "0.0.0.0", says="--allow-remote")


def test_ready_comes_while_a_large_folder_is_still_being_scanned(tmp_path: Path, music: Path) -> None:
    for number in range(3000):
        os.link(music / "one.wav", music / f"copy {number}.wav")
    with server_process(tmp_path / "data", music) as server:
        status = get(f"{server.url}/api/library/scan/status")
        assert status["finished_ns"] is None
        page = get(f"{server.url}/api/library/tracks?limit=1")
        assert isinstance(page["total"], int)
        assert page["total"] < 3001


@contextmanager
def killed_server(data_dir: Path, music: Path) -> Iterator[str]:
    """The address of a server that is killed where the body ends."""
    arguments = ["serve", str(music), "--port", "0", "--data-dir", str(data_dir)]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, env=environment()) as popen:
        try:
            assert popen.stdout is not None
            line = popen.stdout.readline()
            assert line.startswith("ready")
            yield line.split()[1]
        finally:
            popen.kill()


def test_what_a_killed_server_had_scanned_is_there_at_the_next_start(tmp_path: Path, music: Path) -> None:
    for _ in range(2):
        with killed_server(tmp_path / "data", music):
            pass
    with server_process(tmp_path / "data", music) as server:
        while get(f"{server.url}/api/library/scan/status")["finished_ns"] is None:
            pass
        assert get(f"{server.url}/api/library/tracks")["total"] == 1


def test_what_a_killed_server_had_answered_is_so_at_the_next_start_and_no_number_is_given_again(
    tmp_path: Path, music: Path
) -> None:
    data, told, ids = tmp_path / "data", dict[str, Any](), [0]
    for turn in range(3):
        with killed_server(data, music) as url:
            while not (found := get(f"{url}/api/library/tracks"))["total"]:
                pass
            now = get(f"{url}/api/player/queue?limit=500")
            assert (now["total"], now["current_entry_id"]) == (told.get("total", 0), told.get("entry_id"))
            assert [item["entry_id"] for item in now["items"]] == ids[1:]
            assert now["revision"] > told.get("revision", -1)
            assert get(f"{url}/api/settings")["crossfade_s"] == turn
            post(f"{url}/api/settings", {"crossfade_s": turn + 1.0}, method="PUT")
            for _ in range(3):
                added = post(f"{url}/api/player/queue/add", {"track_ids": [found["items"][0]["id"]]})
                assert added["entry_ids"][0] > ids[-1]
                ids += added["entry_ids"]
            told = post(f"{url}/api/player/jump", {"entry_id": ids[-1]})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_says_goodbye_to_the_clients_and_ends_the_process(
    tmp_path: Path, music: Path, number: signal.Signals
) -> None:
    soundfile.write(music / "long.wav", np.zeros((44_100 * 60, 2), np.float32), 44_100)
    with server_process(tmp_path / "data", music, scan_at_start=True) as server:
        while (await trio.to_thread.run_sync(get, f"{server.url}/api/library/tracks"))["total"] != 2:
            pass
        async with open_player(server.url) as player:
            await player.say("play", track_id=1)
            await player.hear_packet()
            server.popen.send_signal(number)
            assert (await player.hear_goodbye()).code == 1001
        with trio.fail_after(LIMIT_S):
            assert await trio.to_thread.run_sync(server.popen.wait) == 0
