"""Clients that stop reading, and the end of a server with every kind of client connected."""

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import MockClock
from wsproto.events import BytesMessage, TextMessage

from auralis_trio.web.transport import TransportLimits, open_listener
from auralis_trio.web.transport.limits import Counters
from auralis_trio.web.transport.wire import Wire
from tests.clock import pass_time
from tests.web.raw_client import RawClient, connected, frame
from tests.web.running import Running, running
from tests.web.small_app import PART

STALLS = {"/ws/blast": "websocket", "/stream": "plain ASGI", "/q/stream": "Quart"}


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def stalled(server: Running, path: str) -> AsyncIterator[RawClient]:
    """A client that asked for an endless answer and reads none of it; the handler is stuck in a send."""
    async with connected(server.port, receive_buffer_bytes=4096) as client:
        if path.startswith("/ws"):
            await client.open_websocket(path.encode())
        else:
            await client.get(path.encode())
        await server.app.running[path].wait()
        await trio.testing.wait_all_tasks_blocked(0.02)
        yield client


@pytest.mark.parametrize("path", STALLS, ids=STALLS.values())
async def test_a_client_that_stops_reading_is_cut_by_the_write_deadline(path: str) -> None:
    async with running(write_deadline_s=0.3) as server, stalled(server, path):
        await server.app.ended[path].wait()
        await server.until(connections=0, cut_for_slow_writes=1)
        assert server.transport.statistics().ended_by_errors == 0


async def test_a_session_that_listens_hears_that_its_stalled_client_was_cut() -> None:
    async with running(write_deadline_s=0.2) as server, stalled(server, "/ws/session"):
        await server.app.ended["/ws/session"].wait()
        assert server.app.codes == [1006]


@pytest.mark.parametrize("path", STALLS, ids=STALLS.values())
async def test_a_client_that_stalls_and_then_hangs_up_ends_its_handler_at_once(path: str) -> None:
    async with running(write_deadline_s=600) as server, stalled(server, path) as client:
        await client.stream.send_eof()
        await server.app.ended[path].wait()
        await server.until(connections=0, ended_by_errors=0)


async def test_a_slow_client_that_goes_on_reading_is_not_cut(mock_clock: MockClock) -> None:
    async with running(write_deadline_s=5) as server, stalled(server, "/stream") as client:
        for _ in range(10):
            await pass_time(mock_clock, 4)
            before = server.app.sent
            while server.app.sent == before:
                await client.stream.receive_some(65_536)
        assert server.transport.statistics().cut_for_slow_writes == 0


@pytest.mark.parametrize("path", ["/ws/interrupted", "/ws/interrupted_parts"], ids=["whole", "in parts"])
async def test_a_send_that_is_cancelled_in_mid_message_is_finished_first(path: str) -> None:
    async with running() as server, stalled(server, path) as client:
        server.app.interruption.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert not server.app.gone.is_set()
        heard = 0
        while isinstance(event := await client.hear(), BytesMessage):
            assert event.data == PART
            heard += 1
        assert event == TextMessage(data=str(heard))  # what was sent, returned: an app can count on it


async def test_messages_of_several_tasks_do_not_mix() -> None:
    async with running() as server, connected(server.port, receive_buffer_bytes=4096) as client:
        await client.open_websocket(b"/ws/chorus")
        heard = []
        while isinstance(event := await client.hear(), BytesMessage):
            heard.append(bytes(event.data))
        assert sorted(heard) == [letter * 200_000 for letter in (b"a", b"b", b"c", b"d") for _ in range(10)]


async def test_the_kernel_has_a_deadline_of_its_own_for_a_peer_that_vanished() -> None:
    listener = await open_listener("127.0.0.1", 0)
    async with listener, connected(listener.socket.getsockname()[1]), await listener.accept() as stream:
        Wire(stream, TransportLimits(write_deadline_s=7), Counters())
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8000
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_memory_stays_flat_and_others_notice_nothing_while_clients_stall() -> None:
    async with running(write_deadline_s=60) as server, AsyncExitStack() as clients:
        witness = await clients.enter_async_context(connected(server.port))
        await witness.open_websocket(b"/ws/flow")
        before = resident_bytes()
        for path in [*STALLS] * 5:
            await clients.enter_async_context(stalled(server, path))
            await witness.hear()
        for _ in range(20):
            await witness.hear()
        assert server.app.sent < 15 * 8 * len(PART)
        assert resident_bytes() - before < 16 << 20


async def test_shutdown_does_not_wait_for_pongs_that_nobody_reads() -> None:
    """The connection's reader itself is stuck in a send here."""

    async def flood(client: RawClient) -> None:
        with pytest.raises(trio.BrokenResourceError):
            await client.say(frame(9, bytes(100)) * 100_000)

    limits = {"graceful_timeout_s": 0.2, "write_deadline_s": 600, "max_pings_per_s": 1_000_000}
    async with running(**limits) as server, stalled(server, "/ws/deaf") as client, trio.open_nursery() as nursery:
        nursery.start_soon(flood, client)
        await trio.testing.wait_all_tasks_blocked(0.05)
        await server.stop()  # which waits for no more than that: the write deadline is beyond any test's limit


async def nothing(client: RawClient, server: Running) -> None:
    await server.until(connections=1)


async def idle(client: RawClient, server: Running) -> None:
    await client.get(b"/q/plain")
    assert (await client.answer()).status == 200


async def half_a_head(client: RawClient, server: Running) -> None:
    await client.say(b"GET / HTTP/1.1\r\nhost:")
    await server.until(connections=1)


async def half_a_body(client: RawClient, server: Running) -> None:
    await client.say(b"POST /q/count HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf")
    await server.until(connections=1)


async def waiting(client: RawClient, server: Running) -> None:
    await client.get(b"/wait")
    await server.app.running["/wait"].wait()


async def quiet_websocket(client: RawClient, server: Running) -> None:
    await client.open_websocket(b"/ws/echo")


async def stalled_websocket(client: RawClient, server: Running) -> None:
    await client.open_websocket(b"/ws/blast")
    await trio.testing.wait_all_tasks_blocked(0.02)


async def stalled_download(client: RawClient, server: Running) -> None:
    await client.get(b"/q/stream")
    await server.app.running["/q/stream"].wait()
    await trio.testing.wait_all_tasks_blocked(0.02)


Behaviour = Callable[[RawClient, Running], Awaitable[None]]
CLIENTS: list[Behaviour] = [
    nothing,
    idle,
    half_a_head,
    half_a_body,
    waiting,
    quiet_websocket,
    stalled_websocket,
    stalled_download,
]


@pytest.mark.parametrize("behave", CLIENTS, ids=[behave.__name__ for behave in CLIENTS])
async def test_shutdown_takes_no_longer_than_the_graceful_time_out(behave: Behaviour) -> None:
    limits = {"graceful_timeout_s": 0.3, "write_deadline_s": 600, "keep_alive_s": 600}
    async with running(**limits) as server, connected(server.port, receive_buffer_bytes=4096) as client:
        await behave(client, server)
        await server.stop()  # which waits for no more than that: the write deadline is beyond any test's limit
        assert server.transport.statistics().connections == 0


@pytest.mark.parametrize("behave", [nothing, idle, half_a_head], ids=["silent", "idle", "half a head"])
async def test_shutdown_does_not_wait_for_connections_without_a_request(behave: Behaviour) -> None:
    async with running(graceful_timeout_s=600, keep_alive_s=600) as server, connected(server.port) as client:
        await behave(client, server)
        await server.stop()
        assert await client.rest() == b""


async def test_a_request_that_is_being_answered_gets_the_graceful_time_to_end() -> None:
    async with running(graceful_timeout_s=600) as server, connected(server.port) as client:
        await waiting(client, server)
        server.shutdown.set()
        await trio.testing.wait_all_tasks_blocked()
        server.app.go_on.set()
        answer = await client.answer()
        assert (answer.body, answer.headers[b"connection"]) == (b"waited", b"close")
        await client.stream.aclose()
        await server.stopped.wait()


async def test_an_app_may_say_1001_at_shutdown() -> None:
    async with running(graceful_timeout_s=600) as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/farewell")
        server.shutdown.set()
        await trio.testing.wait_all_tasks_blocked()
        server.app.going_down.set()
        assert await client.close_code() == 1001
        await client.stream.aclose()
        await server.stopped.wait()


async def test_nobody_is_let_in_after_the_shutdown() -> None:
    async with running(graceful_timeout_s=600) as server, connected(server.port) as client:
        await quiet_websocket(client, server)
        server.shutdown.set()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(OSError, match="refused"):
            async with connected(server.port):
                pass


async def test_cancelling_the_server_ends_it_at_once_with_stalled_clients() -> None:
    tasks = trio.lowlevel.current_statistics().tasks_living
    descriptors = len(os.listdir("/proc/self/fd"))
    with trio.CancelScope() as scope:
        async with running(write_deadline_s=600) as server, stalled(server, "/ws/blast"), stalled(server, "/stream"):
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert len(os.listdir("/proc/self/fd")) == descriptors
