"""WebSockets over the transport: handshake, early bytes, messages, close codes, pings, and clients that went."""

import pytest
import trio
import trio.testing
from trio.testing import MockClock
from trio_websocket import open_websocket_url
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from auralis_trio.web.transport.limits import TransportLimits
from tests.clock import pass_time
from tests.web.raw_client import RawClient, connected, frame, upgrade
from tests.web.running import running
from tests.web.small_app import PAYLOADS

TEXT, BINARY, CLOSE = 1, 2, 8


async def test_an_offered_extension_is_refused() -> None:
    async with running() as server, connected(server.port) as client:
        offer = b"sec-websocket-extensions: permessage-deflate; client_max_window_bits"
        assert b"extensions" not in (await client.open_websocket(b"/ws/echo", offer)).lower()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
async def test_a_message_of_any_size_comes_back_as_it_was(size: int) -> None:
    async with running() as server, connected(server.port) as client:
        await client.open_websocket()
        for event in (BytesMessage(data=bytes(size)), TextMessage(data="ü" * (size // 2))):
            await client.send(event)
            heard = await client.hear()
            assert heard == event


async def test_a_message_of_any_kind_of_buffer_is_sent_whole() -> None:
    async with running() as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/buffers")
        assert [await client.hear() for _ in range(3)] == [BytesMessage(data=b"abcd")] * 3


async def test_a_message_in_parts_arrives_as_one_and_a_cancelled_one_not_at_all() -> None:
    async with running() as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/parts")
        heard = [await client.hear() for _ in PAYLOADS]
        assert heard == [BytesMessage(data=b"head" + bytes(size)) for size in PAYLOADS]
        assert isinstance(await client.hear(), CloseConnection)


async def test_a_message_of_exactly_the_limit_passes_and_one_byte_more_gets_1009() -> None:
    async with running(max_message_bytes=100) as server:
        for fits, too_big in (("é" * 50, "é" * 50 + "x"), (b"x" * 100, b"x" * 101)):
            async with connected(server.port) as client:
                await client.open_websocket()
                message = TextMessage if isinstance(fits, str) else BytesMessage
                await client.send(message(data=fits))  # type: ignore[arg-type]
                assert (await client.hear()).data == fits  # type: ignore[attr-defined]
                await client.send(message(data=too_big))  # type: ignore[arg-type]
                assert await client.close_code() == 1009
        await server.until(connections=0)
        assert server.app.codes == [1009, 1009]


async def test_a_fragmented_message_is_put_together_and_its_size_is_that_of_all_parts() -> None:
    async with running(max_message_bytes=10) as server, connected(server.port) as client:
        await client.open_websocket()
        await client.say(frame(BINARY, b"12345", fin=False) + frame(9, b"?") + frame(0, b"67890"))
        assert [await client.hear(), await client.hear()] == [Pong(payload=b"?"), BytesMessage(data=b"1234567890")]
        await client.say(frame(BINARY, b"12345", fin=False) + frame(0, b"6789", fin=False) + frame(0, b"01"))
        assert await client.close_code() == 1009


@pytest.mark.parametrize(
    "one",
    [frame(9, b"?"), frame(10, b"!"), frame(0, b"", fin=False), frame(0, b"x", fin=False)],
    ids=["pings", "pongs", "nothing, in parts", "little, in parts"],
)
async def test_frames_that_say_nothing_are_taken_up_to_their_rate_and_a_flood_of_them_is_cut(
    one: bytes, mock_clock: MockClock
) -> None:
    limit = 50
    async with running(max_pings_per_s=limit) as server, connected(server.port) as client:
        await client.open_websocket()
        first, last = (
            (frame(BINARY, b"", fin=False), frame(0, b"end")) if one[0] == 0 else (b"", frame(BINARY, b"end"))
        )
        await client.say(first + one * (limit - 1) + last)
        heard = [await client.hear() for _ in range(limit if one == frame(9, b"?") else 1)]
        said = b"x" * (limit - 1) if one == frame(0, b"x", fin=False) else b""
        assert heard[-1] == BytesMessage(data=said + b"end")
        assert heard[:-1] == [Pong(payload=b"?")] * (len(heard) - 1)
        await pass_time(mock_clock, 1)
        await client.say(first + one * 60 * limit)
        while not isinstance(event := await client.hear(), CloseConnection):
            heard.append(event)
        assert event.code == 1008
        assert len(heard) <= 3 * limit
        await pass_time(mock_clock, TransportLimits().linger_s)
        await server.until(connections=0)
        assert server.app.codes == [1008]


async def test_bytes_behind_an_upgrade_wait_for_the_accept() -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(upgrade(b"/ws/late") + frame(TEXT, b"early") + frame(TEXT, b"bird"))
        await server.app.running["/ws/late"].wait()
        await client.say(frame(TEXT, b"later"))
        server.app.go_on.set()
        await client.accepted()
        heard = [await client.hear() for _ in range(3)]
        assert heard == [TextMessage(data=text) for text in ("early", "bird", "later")]


@pytest.mark.parametrize(("size", "status"), [(100, b"101"), (101, b"400")])
async def test_early_bytes_are_held_up_to_their_limit(size: int, status: bytes) -> None:
    async with running(early_data_bytes=100) as server, connected(server.port) as client:
        await client.say(upgrade(b"/ws/late") + frame(BINARY, bytes(size - 6)))
        await server.app.running["/ws/late"].wait()
        server.app.go_on.set()
        assert (await client.stream.receive_some(1000)).startswith(b"HTTP/1.1 " + status)


async def test_early_bytes_before_a_refusal_are_dropped() -> None:
    async with running() as server:
        async with connected(server.port) as client:
            await client.say(upgrade(b"/ws/refuse") + frame(TEXT, b"early"))
            await server.app.running["/ws/refuse"].wait()
            server.app.go_on.set()
            assert (await client.rest()).startswith(b"HTTP/1.1 403 ")
        await server.until(connections=0)


@pytest.mark.parametrize(
    ("path", "code"), [("/ws/raise", 1011), ("/ws/return", 1000)], ids=["a handler fails", "a handler returns"]
)
async def test_the_close_code_says_how_the_handler_ended(path: str, code: int) -> None:
    async with running() as server, connected(server.port) as client:
        await client.open_websocket(path.encode())
        assert await client.close_code() == code
        assert server.transport.statistics().ended_by_errors == (code == 1011)


async def test_the_code_that_an_app_closes_with_reaches_the_client_and_the_app_hears_the_end() -> None:
    async with running() as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/farewell")
        server.app.going_down.set()
        assert await client.hear() == CloseConnection(code=1001, reason="bye")
        await server.app.ended["/ws/farewell"].wait()
        assert server.app.codes == [1001]


async def test_the_code_that_a_client_closes_with_reaches_the_app_and_is_answered() -> None:
    async with running() as server, connected(server.port) as client:
        await client.open_websocket()
        await client.send(CloseConnection(code=4001, reason="enough"))
        assert await client.close_code() == 4001
        await server.app.ended["/ws/echo"].wait()
        assert server.app.codes == [4001]


async def test_a_client_that_vanishes_is_a_disconnect_with_1006() -> None:
    async with running() as server:
        async with connected(server.port) as client:
            await client.open_websocket()
            await client.reset()
        await server.app.ended["/ws/echo"].wait()
        assert server.app.codes == [1006]


async def test_a_close_code_is_read_even_while_the_client_goes_on_sending() -> None:
    async with running() as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/deaf")
        async with trio.open_nursery() as nursery:

            async def chatter() -> None:
                while True:
                    await client.say(frame(BINARY, bytes(100)))

            nursery.start_soon(chatter)
            server.app.go_on.set()
            assert await client.close_code() == 1000
            nursery.cancel_scope.cancel()


async def say_while_time_passes(client: RawClient, clock: MockClock, times: int, step_s: float) -> None:
    """The client does not read, and is never silent for longer than `step_s`."""
    for _ in range(times):
        await client.say(frame(TEXT, b"and another thing"))
        await pass_time(clock, step_s)
        await trio.testing.wait_all_tasks_blocked(0.01)


async def test_a_client_that_says_all_it_has_before_it_reads_still_gets_the_close_code(mock_clock: MockClock) -> None:
    limits = TransportLimits()
    async with running() as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/return")
        await say_while_time_passes(client, mock_clock, 5, limits.linger_s * 0.9)
        assert server.transport.statistics().connections == 1
        assert await client.close_code() == 1000
        mock_clock.jump(limits.linger_s)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert server.transport.statistics().connections == 0


async def test_a_client_that_never_stops_is_listened_to_for_so_long_and_no_longer(mock_clock: MockClock) -> None:
    async with running(linger_s=2, linger_total_s=5) as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/return")
        await say_while_time_passes(client, mock_clock, 3, 1.6)
        assert server.transport.statistics().connections == 1
        mock_clock.jump(0.3)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert server.transport.statistics().connections == 0


async def test_after_the_close_a_client_may_send_so_many_bytes_and_no_more(mock_clock: MockClock) -> None:
    """The clock stands still, so nothing here comes of a time-out."""
    async with running(linger_bytes=100_000) as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/return")
        assert await client.close_code() == 1000
        await trio.testing.wait_all_tasks_blocked(0.05)  # the server has hung up as well
        head_bytes = 14
        await client.say(frame(BINARY, bytes(100_000 - head_bytes)))
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert server.transport.statistics().connections == 1
        await client.say(b"\x82")
        await server.until(connections=0)


async def test_every_send_to_a_client_that_has_gone_raises_and_lets_other_tasks_run() -> None:
    async with running() as server:
        async with connected(server.port) as client:
            await client.open_websocket(b"/ws/insist")
        await server.app.gone.wait()
        others = 0
        while not server.app.ended["/ws/insist"].is_set():
            await trio.lowlevel.checkpoint()
            others += 1
        assert server.app.refusals == 100
        assert others > 50
        await server.until(connections=0, websockets=0, ended_by_errors=0)


async def test_a_send_to_a_client_that_has_gone_is_a_checkpoint() -> None:
    async with running() as server:
        async with connected(server.port) as client:
            await client.open_websocket(b"/ws/posthumous")
        await server.app.ended["/ws/posthumous"].wait()
        assert server.app.checkpoints == [True]


async def test_a_quiet_client_is_pinged_and_stays_for_as_long_as_it_answers(mock_clock: MockClock) -> None:
    limits = {"ping_interval_s": 2, "ping_timeout_s": 5, "keep_alive_s": 1, "header_timeout_s": 1}
    async with running(**limits) as server, connected(server.port) as client:
        await client.open_websocket()
        for _ in range(10):
            await pass_time(mock_clock, 2)
            await pass_time(mock_clock, 4)
            await client.pong()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert server.transport.statistics().websockets == 1


async def test_a_client_that_answers_no_ping_is_cut() -> None:
    async with running(ping_interval_s=0.05, ping_timeout_s=0.05) as server, connected(server.port) as client:
        await client.open_websocket()
        assert isinstance(await client.hear(), Ping)
        with pytest.raises(trio.BrokenResourceError):
            await client.hear()
        await server.app.ended["/ws/echo"].wait()
        await server.until(connections=0, websockets=0, cut_for_silence=1)
        assert server.app.codes == [1006]


async def test_anything_that_a_client_says_counts_as_a_sign_of_life(mock_clock: MockClock) -> None:
    async with running(ping_interval_s=2, ping_timeout_s=5) as server, connected(server.port) as client:
        await client.open_websocket()
        for _ in range(5):
            await pass_time(mock_clock, 2)
            assert isinstance(await client.hear(), Ping)
            await pass_time(mock_clock, 4)
            await client.send(TextMessage(data="busy"))
            assert await client.hear() == TextMessage(data="busy")


async def test_an_app_that_is_behind_holds_its_client_back_and_the_client_is_not_cut_for_it(
    mock_clock: MockClock,
) -> None:
    async def say_without_end() -> None:
        while True:
            await client.stream.send_all(frame(BINARY, bytes(60_000)))

    async with running(ping_interval_s=1, ping_timeout_s=1) as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/deaf")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say_without_end)
            for _ in range(6):
                await pass_time(mock_clock, 1)
            await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        assert server.transport.statistics().websockets == 1
        assert server.transport.statistics().cut_for_silence == 0
        server.app.go_on.set()


async def test_an_ordinary_client_talks_and_leaves() -> None:
    async with running() as server:
        async with open_websocket_url(f"ws://127.0.0.1:{server.port}/ws/echo") as socket:
            await socket.send_message("hello")
            assert await socket.get_message() == "hello"
        await server.app.ended["/ws/echo"].wait()
        assert server.app.codes == [1000]


@pytest.mark.parametrize("seen", [False, True], ids=["at once", "after it saw the end"])
async def test_a_client_that_answers_the_close_and_stays_is_not_waited_for(seen: bool, mock_clock: MockClock) -> None:
    """The clock stands still, so nothing here comes of a time-out."""
    async with running() as server, connected(server.port) as client:
        await client.open_websocket(b"/ws/return")
        event = await client.hear()
        assert isinstance(event, CloseConnection)
        if seen:
            assert await client.stream.receive_some(1) == b""
        await client.say(frame(BINARY, b"on the way already"))
        await client.send(event.response())
        await server.until(connections=0)


async def test_an_error_in_the_connection_itself_ends_that_connection_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Here Hypercorn trips over an accept that it cannot speak, after the handler has ended."""
    async with running() as server, connected(server.port) as witness:
        await witness.open_websocket(b"/ws/flow")
        async with connected(server.port) as client:
            await client.say(upgrade(b"/ws/subprotocol"))
            assert await client.rest() == b""
        await server.until(connections=1, websockets=1)
        await witness.hear()
        assert "A connection was ended by an error" in caplog.text


async def test_quart_takes_no_websocket() -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(upgrade(b"/q/ws"))
        assert (await client.rest()).startswith(b"HTTP/1.1 403 ")
