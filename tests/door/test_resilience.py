"""Clients that stall, vanish and lie, files that break: what happens to one does not happen to others."""

import gc
import logging
import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile
import trio
import trio.testing
import trio_websocket
from trio.testing import MockClock
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Message, Pong, Request

from auralis_trio.app import Server, url_of
from auralis_trio.demo import synthesise
from auralis_trio.stream.idleness import LEAST_OVER
from auralis_trio.stream.telling import SessionNow
from auralis_trio.web.server import create_app
from auralis_trio.web.transport import Counters, TransportLimits, open_listener, run_transport
from auralis_trio.web.transport.wire import Wire
from tests.clock import limited, pass_time
from tests.player_client import open_player
from tests.serving import LIMIT_S, Process, client_of, running_server, server_process, settings_for
from tests.web.raw_client import connected, frame

RATE = 44_100


def write_tone(path: Path, duration_s: float, seed: int = 1) -> None:
    samples = np.resize(synthesise(5.0, RATE, 2, seed=seed), (int(duration_s * RATE), 2))
    soundfile.write(path, samples, RATE)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    write_tone(folder / "long.wav", 180.0)
    write_tone(folder / "short.flac", 20.0)
    return folder


async def library_is_ready(http: httpx2.AsyncClient, tracks: int) -> None:
    with trio.fail_after(LIMIT_S):
        while (await http.get("/api/library/scan/status")).json()["finished_ns"] is None:
            await trio.lowlevel.checkpoint()
    assert (await http.get("/api/library/tracks")).json()["total"] == tracks


async def track_named(http: httpx2.AsyncClient, title: str) -> int:
    found: int = (await http.get("/api/library/tracks", params={"search": title})).json()["items"][0]["id"]
    return found


def damage(path: Path) -> None:
    """Overwrite four kilobytes in the middle."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(bytes(4096))


class DeafClient:
    """A WebSocket client that says what it is told to and reads nothing."""

    def __init__(self, url: str) -> None:
        self.host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((self.host, int(port)), timeout=LIMIT_S)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.socket.sendall(self.protocol.send(Request(host=f"{self.host}:{port}", target="/ws")))
        while not any(isinstance(event, AcceptConnection) for event in self.protocol.events()):
            self.protocol.receive_data(self.socket.recv(4096))

    def play(self, track_id: int) -> None:
        """Ask for more than fits between here and there."""
        text = f'{{"type": "play", "data": {{"track_id": {track_id}, "credit": 100000000}}}}'
        self.socket.sendall(self.protocol.send(Message(text)))

    def close(self) -> None:
        self.socket.close()

    def show_life(self) -> None:
        """What answers a ping, and may also be said without one."""
        self.socket.sendall(self.protocol.send(Pong()))


async def deaf_client(server: Server | Process) -> closing[DeafClient]:
    return closing(await trio.to_thread.run_sync(DeafClient, server.url))


def is_stalled(session: SessionNow) -> bool:
    """Whether a client takes nothing of its stream."""
    stream = session["stream"]
    return stream is not None and (stream["decoder_waits_for"], stream["sender_waits_for"]) == ("sender", "client")


async def stalled_sessions(http: httpx2.AsyncClient) -> int:
    return sum(map(is_stalled, (await http.get("/api/status")).json()["sessions"]))


async def test_clients_that_stop_reading_cost_next_to_nothing_and_hold_up_nobody(tmp_path: Path, music: Path) -> None:
    late_s = 10 * LIMIT_S  # none of them is cut before the test is over
    with (
        ExitStack() as clients,
        server_process(
            tmp_path / "data", music, stall_timeout_s=late_s, ping_interval_s=late_s, graceful_timeout_s=1
        ) as server,
    ):
        async with client_of(server.url) as http:
            await library_is_ready(http, 2)
            long, short = await track_named(http, "long"), await track_named(http, "short")
            async with open_player(server.url) as player:
                await player.play_to_end(long)
                before, most = server.resident_bytes(), 0
                for _ in range(4):
                    clients.enter_context(await deaf_client(server)).play(long)
                with trio.fail_after(LIMIT_S):
                    while await stalled_sessions(http) < 4:
                        most = max(most, server.resident_bytes())
                # Another client is served meanwhile, from its first frame to its last.
                for _ in range(5):
                    assert (await player.play_to_end(short)).end["reason"] == "completed"
                    most = max(most, server.resident_bytes())
                assert await stalled_sessions(http) == 4
                assert most - before < 4 * 4 * 2**20
        # Nor do they hold up the server's end.


async def _misbehave(url: str, tracks: int, dice: random.Random) -> None:
    """Connect, do some of what clients do, and vanish at any moment."""
    address = url.removeprefix("http://")
    host, port = address.split(":")
    stream = await trio.open_tcp_stream(host, int(port))
    try:
        with trio.move_on_after(dice.choice([0.0, 0.005, 0.02, 0.05, 0.2])):
            async with trio.open_nursery() as nursery:
                connected = await trio_websocket.wrap_client_stream(nursery, stream, address, "/ws")
                for _ in range(dice.randrange(1, 6)):
                    await connected.send_message(dice.choice(_SAYINGS).replace("TRACK", str(dice.randint(1, tracks))))
                    for _ in range(dice.randrange(0, 4)):
                        await connected.get_message()
                nursery.cancel_scope.cancel()
    finally:
        with suppress(OSError):
            if dice.random() < 0.5:
                # A reset instead of a goodbye.
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await trio.aclose_forcefully(stream)


_SAYINGS = [
    '{"type": "play", "data": {"track_id": TRACK, "credit": 1000000}}',
    '{"type": "play", "data": {"track_id": TRACK, "encoding": "flac", "credit": 300000}}',
    '{"type": "play", "data": {"track_id": TRACK, "encoding": "f32"}}',
    '{"type": "seek", "data": {"start_frame": 500000}}',
    '{"type": "seek", "data": {"position_s": 3.5}}',
    '{"type": "pause"}',
    '{"type": "stop"}',
    '{"type": "play", "data": {"track_id": 99}}',
    '{"type": "play", "data": {"track_id": TRACK, "enhanced": true, "credit": 500000}}',
    '{"type": "enhancement", "data": {"enabled": true, "preset": "warm"}}',
    '{"type": "enhancement", "data": {"enabled": false}}',
    "nonsense",
    "{}",
]


async def crowd(url: str, tracks: int, cycles_each: int, seeds: range) -> None:
    """Clients that come and vanish, one for each seed at a time."""

    async def cycles(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(cycles_each):
            try:
                await _misbehave(url, tracks, dice)
            except* (trio_websocket.HandshakeError, trio_websocket.ConnectionClosed, OSError):
                pass

    async with trio.open_nursery() as nursery:
        for seed in seeds:
            nursery.start_soon(cycles, seed)


async def wake_database_threads(url: str) -> None:
    """Many questions at once: every thread wakes, and opens the connection that it keeps."""
    async with client_of(url) as many, trio.open_nursery() as nursery:
        for _ in range(40):
            nursery.start_soon(many.get, "/api/library/tracks")


async def what_is_left(server: Process, http: httpx2.AsyncClient) -> tuple[int, int, Any]:
    """Descriptors, tasks and permits once everybody but `http` has gone.

    The least of several looks: a task that is counted in its last moment is none that stays.
    """
    looks: list[tuple[int, int, Any]] = []
    with trio.fail_after(LIMIT_S):
        while len(looks) < 20:
            status = (await http.get("/api/status")).json()
            running = sum(lane["running"] for lane in status["permits"].values())
            if not status["sessions"] and status["connections"]["connections"] == 1 and not running:
                looks.append((server.descriptors(), status["tasks"], status["permits"]))
    return min(look[0] for look in looks), min(look[1] for look in looks), looks[-1][2]


async def test_a_thousand_clients_that_vanish_leave_nothing_behind(tmp_path: Path, music: Path) -> None:
    write_tone(music / "third.mp3", 15.0, seed=3)
    with server_process(tmp_path / "data", music) as server:
        async with client_of(server.url) as http:
            await library_is_ready(http, 3)
            await wake_database_threads(server.url)
            await crowd(server.url, 3, 10, range(20))
            before, threads = await what_is_left(server, http), server.threads()
            await crowd(server.url, 3, 100, range(20, 30))
            assert await what_is_left(server, http) == before
            # Idle worker threads go by themselves after ten seconds.
            with trio.fail_after(LIMIT_S):
                while server.threads() > threads:
                    await http.get("/api/health")


async def test_a_file_damaged_in_the_middle_is_heard_to_the_damage_and_then_fails(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    write_tone(music / "broken.flac", 20.0)
    damage(music / "broken.flac")
    async with running_server(settings_for(tmp_path, music)) as server, open_player(server.url) as player:
        delivery = await player.play_to_end(1)
        assert delivery.end["reason"] == "failed"
        assert delivery.error is not None
        assert delivery.error["code"] == "track_corrupt"
        assert 5 * RATE < delivery.frames < 15 * RATE
        assert delivery.error["recovery_position_s"] == delivery.frames / RATE
        # Behind the damage it can be heard again, also in the same chunk.
        behind = delivery.frames + RATE // 2
        assert (await player.play_to_end(1, start_frame=behind)).end["reason"] == "completed"
        await player.say("ping")
        await player.hear_text("pong")


async def test_a_body_or_a_stream_that_cannot_go_on_is_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    music = tmp_path / "music"
    music.mkdir()
    write_tone(music / "broken.flac", 20.0)
    damage(music / "broken.flac")
    async with running_server(settings_for(tmp_path, music)) as server:
        caplog.set_level(logging.INFO)
        async with client_of(server.url) as http:
            for suffix in ("wav", "flac"):
                with pytest.raises(httpx2.RemoteProtocolError):
                    await http.get(f"/api/stream/1/audio.{suffix}")
            (music / "broken.flac").unlink()
            assert (await http.get("/api/stream/1/file")).status_code == 404
        async with open_player(server.url) as player:
            assert (await player.play_to_end(1, start_frame=15 * RATE)).end["reason"] == "failed"
    assert not any(record.exc_info for record in caplog.records)
    expected = (
        ("WARNING", "http '/api/stream/1/audio.wav' was ended: track_corrupt"),
        ("WARNING", "http '/api/stream/1/audio.flac' was ended: track_corrupt"),
        ("INFO", "GET '/api/stream/1/file': track_missing"),
        ("INFO", "stream of track 1 failed: track_missing"),
    )
    told = [(record.levelname, record.message) for record in caplog.records if "track_" in record.message]
    assert len(told) == len(expected)
    for (level, message), (its_level, beginning) in zip(told, expected, strict=True):
        assert level == its_level
        assert message.startswith(beginning)
        assert "\n" not in message


async def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, music: Path) -> None:
    async with running_server(settings_for(tmp_path, music)) as server:
        async with client_of(server.url) as http:
            track = await track_named(http, "short")
            (music / "short.flac").unlink()
            os.mkfifo(music / "short.flac")
            answer = await http.get(f"/api/stream/{track}/chunk/0")
            assert (answer.status_code, answer.json()["code"]) == (415, "track_unsupported")
            answer = await http.get(f"/api/stream/{track}/file")
            assert (answer.status_code, answer.json()["code"]) == (415, "track_unsupported")
        held = server.services.gauges["permits"]()
        assert not any(lane.running or lane.stuck for lane in held.values())


class BrokenCatalogue:
    """A part of the server that fails in a way nobody thought of."""

    async def ask(self, *_: object, **__: object) -> None:
        raise RuntimeError("secret words about /home/listener")

    find_track = ask


async def test_a_handler_that_fails_tells_the_client_nothing(tmp_path: Path, music: Path, caplog: Any) -> None:
    async with running_server(settings_for(tmp_path, music), scanned=False) as server:
        catalogue: Any = BrokenCatalogue()
        sessions = replace(server.services.sessions, catalogue=catalogue)
        app = create_app(replace(server.services, catalogue=catalogue, sessions=sessions))
        shutdown = trio.Event()
        listener = await open_listener("127.0.0.1", 0)
        url = url_of("127.0.0.1", listener)
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(run_transport, app, [listener], TransportLimits(), shutdown, Counters()))
            async with client_of(url) as http:
                answer = await http.get("/api/library/tracks")
                assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
                assert "secret" not in answer.text
                assert "home" not in answer.text
            async with open_player(url) as player:
                await player.say("play", track_id=1)
                closed = await player.hear_goodbye()
                assert closed.code == 1011
                assert "secret" not in (closed.reason or "")
            shutdown.set()
    assert "secret words" in caplog.text


@pytest.fixture
async def server(tmp_path: Path, music: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, music, max_messages_per_s=50)) as running:
        yield running


async def test_what_connections_leave_is_let_go_while_others_listen(server: Server) -> None:
    """They hold themselves; here nobody but the server looks for them."""

    def left() -> int:
        return sum(isinstance(thing, Wire) for thing in gc.get_objects())

    gc.disable()
    try:
        for _ in range(LEAST_OVER):
            async with client_of(server.url) as http:
                assert (await http.get("/api/health")).status_code == 200
        assert left() > LEAST_OVER / 2
        with trio.fail_after(LIMIT_S):
            while left() > LEAST_OVER / 8:  # noqa: ASYNC110
                await trio.sleep(0.1)
    finally:
        gc.enable()


async def test_a_ping_that_is_not_answered_ends_the_session(tmp_path: Path, music: Path) -> None:
    limits = settings_for(tmp_path, music, ping_interval_s=0.2, ping_timeout_s=0.3)
    async with running_server(limits) as server:
        with await deaf_client(server), trio.fail_after(LIMIT_S):
            while not server.transport.statistics().cut_for_silence or server.services.hub.statistics():
                await trio.lowlevel.checkpoint()


async def test_a_client_that_answers_pings_and_takes_nothing_is_cut_by_the_stall_limit(
    tmp_path: Path, music: Path, mock_clock: MockClock
) -> None:
    limits = settings_for(tmp_path, music, ping_interval_s=100, ping_timeout_s=100, stall_timeout_s=350)
    with limited():
        async with running_server(limits) as server:
            sessions = server.services.hub.statistics
            with await deaf_client(server) as deaf:
                deaf.play(1)
                while not any(map(is_stalled, sessions())):
                    await trio.lowlevel.checkpoint()
                for _ in range(3):
                    await pass_time(mock_clock, 100)
                    deaf.show_life()
                await trio.testing.wait_all_tasks_blocked(0.01)
                assert len(sessions()) == 1
                with suppress(ConnectionError):
                    for _ in range(4):
                        await pass_time(mock_clock, 100)
                        deaf.show_life()
                while sessions():
                    await trio.lowlevel.checkpoint()
            cut = server.transport.statistics()
            assert (cut.cut_for_slow_writes, cut.cut_for_silence) == (1, 0)


async def test_a_quiet_client_that_answers_pings_stays(tmp_path: Path, music: Path, mock_clock: MockClock) -> None:
    limits = settings_for(tmp_path, music, ping_interval_s=2, ping_timeout_s=5)
    with limited():
        async with running_server(limits) as server, open_player(server.url) as player:
            # As long as six time-outs without a word of ours; the library answers the pings.
            for _ in range(5):
                await pass_time(mock_clock, 2)
                await pass_time(mock_clock, 4)
            await player.say("ping")
            await player.hear_text("pong")


async def test_a_flood_of_messages_is_cut_and_nobody_else_notices(server: Server) -> None:
    async with open_player(server.url) as other, open_player(server.url) as flooder:
        with suppress(trio_websocket.ConnectionClosed):
            for _ in range(10_000):
                await flooder.say("ping")
        assert (await flooder.hear_goodbye()).code == 1008
        await other.say("ping")
        await other.hear_text("pong")


async def test_a_flood_of_pings_is_cut_as_well(server: Server) -> None:
    async with connected(int(server.url.rpartition(":")[2])) as flooder:
        await flooder.open_websocket(b"/ws")
        await flooder.say(frame(9) * 3_000)
        assert await flooder.close_code() == 1008


async def test_every_malformed_message_gets_a_code_and_the_conversation_goes_on(server: Server) -> None:
    async with open_player(server.url) as player:
        for text, code in MALFORMED:
            await player.socket.send_message(text)
            assert (await player.hear_text("error"))["code"] == code
        await player.say("ping")
        await player.hear_text("pong")


MALFORMED: list[tuple[str | bytes, str]] = [
    ("", "invalid_json"),
    ("{", "invalid_json"),
    ("[1, 2", "validation_error"),
    (b"\x00\x01", "unsupported_frame_type"),
    (b"", "unsupported_frame_type"),
    ("null", "validation_error"),
    ("[]", "validation_error"),
    ('"play"', "validation_error"),
    ("{}", "validation_error"),
    ('{"type": 7}', "validation_error"),
    ('{"type": "fly"}', "unknown_message_type"),
    ('{"type": "play"}', "queue_empty"),
    ('{"type": "play", "data": {"track_id": 1, "entry_id": 1}}', "validation_error"),
    ('{"type": "play", "data": null}', "validation_error"),
    ('{"type": "play", "data": {"track_id": "1"}}', "validation_error"),
    ('{"type": "play", "data": {"track_id": true}}', "validation_error"),
    ('{"type": "play", "data": {"track_id": 0}}', "validation_error"),
    ('{"type": "play", "data": {"track_id": 1, "start_frame": -1}}', "validation_error"),
    ('{"type": "play", "data": {"track_id": 1, "position_s": 1e999}}', "validation_error"),
    ('{"type": "play", "data": {"track_id": 1, "position_s": NaN}}', "invalid_json"),
    ('{"type": "play", "data": {"track_id": 1, "encoding": "mp3"}}', "validation_error"),
    ('{"type": "play", "data": {"track_id": 1, "album": true, "reference": 2}}', "validation_error"),
    ('{"type": "enhancement", "data": {"preset": "loudest"}}', "validation_error"),
    ('{"type": "seek", "data": {"start_frame": 1}}', "queue_empty"),
    ('{"type": "resume"}', "no_output"),
    ('{"type": "next"}', "queue_empty"),
    ('{"type": "queue", "data": {"action": "add", "track_ids": [99]}}', "track_not_found"),
    ('{"type": "queue", "data": {"action": "undo"}}', "nothing_to_undo"),
    ('{"type": "credit", "data": {"stream_id": 5, "frames": 1}}', "unknown_stream"),
    ("[" * 30_000, "validation_error"),
    ('{"type": "play", "data": ' + "[" * 30_000, "invalid_json"),
]
