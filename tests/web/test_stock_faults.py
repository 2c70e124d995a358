"""What stock Hypercorn and quart-trio do where the transport does better.

Each test here has its opposite among the transport's tests. When one fails after an upgrade, the library was mended:
the part of the transport that works around it may go.
"""

import trio
import trio.testing

from tests.web.raw_client import RawClient, connected, frame, upgrade
from tests.web.running import stock

A_WHILE_S = 0.5
"""The faults are that something never happens; so long is waited for it."""


async def happens(event: trio.Event) -> bool:
    with trio.move_on_after(A_WHILE_S):
        await event.wait()
    return event.is_set()


async def closes(client: RawClient) -> bool:
    with trio.move_on_after(A_WHILE_S):
        await client.rest()
        return True
    return False


async def test_a_byte_behind_an_upgrade_ends_the_server() -> None:
    async with stock() as (_, port, died), connected(port) as client:
        await client.say(upgrade(b"/ws/echo") + b"x")
        await died.wait()


async def test_a_header_of_an_upgrade_that_is_not_ascii_ends_the_server() -> None:
    async with stock() as (_, port, died), connected(port) as client:
        await client.say(upgrade(b"/ws/echo", b"sec-websocket-protocol: \xff"))
        await died.wait()


async def test_an_accept_that_hypercorn_cannot_speak_ends_the_server() -> None:
    async with stock() as (_, port, died), connected(port) as client:
        await client.say(upgrade(b"/ws/subprotocol"))
        await died.wait()


async def test_a_client_that_stops_reading_holds_its_handler_even_when_it_hangs_up() -> None:
    async with stock() as (app, port, _), connected(port, receive_buffer_bytes=4096) as client:
        await client.open_websocket(b"/ws/blast")
        await trio.testing.wait_all_tasks_blocked(0.05)
        await client.stream.send_eof()
        assert not await happens(app.ended["/ws/blast"])


async def test_a_send_to_a_client_that_has_gone_is_no_checkpoint() -> None:
    async with stock() as (app, port, _):
        async with connected(port) as client:
            await client.open_websocket(b"/ws/posthumous")
        await app.ended["/ws/posthumous"].wait()
        assert app.checkpoints == [False]


async def test_every_browser_gets_its_audio_deflated() -> None:
    async with stock() as (_, port, _), connected(port) as client:
        answer = await client.open_websocket(b"/ws/echo", b"sec-websocket-extensions: permessage-deflate")
        assert b"permessage-deflate" in answer


async def test_an_idle_connection_to_quart_is_never_closed() -> None:
    async with stock(keep_alive_timeout=0.1) as (_, port, _), connected(port) as client:
        await client.get(b"/q/plain")
        assert (await client.answer()).status == 200
        assert not await closes(client)


async def test_quart_ignores_connection_close() -> None:
    async with stock() as (_, port, _), connected(port) as client:
        await client.get(b"/q/plain", b"connection: close")
        assert (await client.answer()).status == 200
        assert not await closes(client)


async def test_quart_truncates_an_answer_that_takes_long() -> None:
    async with stock() as (app, port, _), connected(port) as client:
        app.quart.config["RESPONSE_TIMEOUT"] = 0.1
        await client.get(b"/q/slow", b"connection: close")
        await app.running["/q/slow"].wait()
        with trio.move_on_after(A_WHILE_S):
            await client.rest()
        app.go_on.set()
        assert not await happens(app.ended["/q/slow"])


async def test_a_chunked_body_passes_quarts_limit() -> None:
    async with stock() as (app, port, _), connected(port) as client:
        app.quart.config["MAX_CONTENT_LENGTH"] = 100_000
        await client.say(b"POST /q/iterate HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(5):
            await client.say(b"c350\r\n" + bytes(50_000) + b"\r\n")
            await trio.testing.wait_all_tasks_blocked(0.01)
        await client.say(b"0\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"250000")


async def test_a_head_request_runs_the_body() -> None:
    async with stock() as (app, port, _), connected(port) as client:
        await client.say(b"HEAD /q/slow HTTP/1.1\r\nhost: x\r\n\r\n")
        await app.running["/q/slow"].wait()


async def test_an_answer_before_the_end_of_a_long_body_is_never_finished() -> None:
    async with stock() as (app, port, _), connected(port) as client, trio.open_nursery() as nursery:
        head = b"POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 4000000\r\n\r\n"
        nursery.start_soon(client.say, head + bytes(900_000))
        await trio.testing.wait_all_tasks_blocked(0.05)
        app.go_on.set()
        assert (await client.answer()).body == b"waited"
        assert not await closes(client)
        nursery.cancel_scope.cancel()


async def test_a_refused_upgrade_leaves_its_connection_open() -> None:
    async with stock() as (_, port, _), connected(port) as client:
        await client.say(upgrade().replace(b"version: 13", b"version: 12"))
        assert not await closes(client)


async def test_a_message_that_is_too_big_does_not_end_the_conversation() -> None:
    async with stock(websocket_max_message_size=10) as (app, port, _), connected(port) as client:
        await client.open_websocket()
        await client.say(frame(2, bytes(100)))
        assert await client.close_code() == 1009
        assert not await happens(app.ended["/ws/echo"])


async def test_pings_that_nobody_answers_change_nothing() -> None:
    async with stock(websocket_ping_interval=0.05) as (app, port, _), connected(port) as client:
        await client.open_websocket()
        assert not await happens(app.ended["/ws/echo"])


async def test_http_2_is_spoken_in_the_clear() -> None:
    async with stock() as (_, port, _), connected(port) as client:
        await client.get(
            b"/plain", b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAAQAAP__"
        )
        assert (await client.stream.receive_some(1000)).startswith(b"HTTP/1.1 101 ")


async def test_an_offer_of_http_2_that_cannot_be_read_ends_the_server() -> None:
    async with stock() as (_, port, died), connected(port) as client:
        await client.get(b"/plain", b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: A")
        await died.wait()
