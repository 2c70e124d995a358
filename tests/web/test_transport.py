"""HTTP over the transport: answers, keep-alive, bodies, refusals, and what becomes of a handler without a client."""

import http.client
import json
import logging
from contextlib import closing

import h11
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from auralis_trio.errors import StartupError
from auralis_trio.web.transport import TransportLimits, open_listener
from tests.clock import pass_time
from tests.web.raw_client import Answer, connected
from tests.web.running import running
from tests.web.small_app import PART

CHUNKED = b"POST %b HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n"
SIZED = b"POST %b HTTP/1.1\r\nhost: {host}\r\ncontent-length: %d\r\n\r\n"


@pytest.mark.parametrize("path", ["/plain", "/q/plain"])
async def test_a_small_answer_comes_in_one_piece(path: str) -> None:
    async with running() as server, connected(server.port) as client:
        await client.get(path.encode())
        piece = await client.stream.receive_some(65_536)
        assert piece.startswith(b"HTTP/1.1 200 ")
        assert piece.endswith((b"\r\n\r\nfine", b'{"fine":true}\n'))


@pytest.mark.parametrize("path", [b"/plain", b"/q/plain"])
async def test_a_connection_serves_many_requests_and_closes_when_it_was_idle_for_too_long(
    path: bytes, mock_clock: MockClock
) -> None:
    async with running(keep_alive_s=5) as server, connected(server.port) as client:
        for _ in range(3):
            await pass_time(mock_clock, 4)
            await client.get(path)
            assert (await client.answer()).status == 200
        await pass_time(mock_clock, 5)
        assert await client.rest() == b""
        await server.until(connections=0)


async def test_a_connection_is_not_closed_for_having_served_many_requests() -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(b"GET /plain HTTP/1.1\r\nhost: x\r\n\r\n" * 1001)
        said = b""
        while said.count(b"\r\n\r\nfine") < 1001:
            said += await client.stream.receive_some(65_536)
        assert b"close" not in said


@pytest.mark.parametrize("path", [b"/plain", b"/q/plain"])
async def test_connection_close_is_honoured(path: bytes) -> None:
    async with running() as server, connected(server.port) as client:
        await client.get(path, b"connection: close")
        assert (await client.answer()).headers[b"connection"] == b"close"
        assert await client.rest() == b""


@pytest.mark.parametrize("path", [b"/plain", b"/q/plain"])
async def test_a_client_that_speaks_http_1_0_gets_its_answer_and_the_end(path: bytes) -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(b"GET %b HTTP/1.0\r\n\r\n" % path)
        said = await client.rest()
        assert said.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in said.lower()


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(
            b"GET /wait HTTP/1.1\r\nhost: {host}\r\n\r\nGET /q/plain HTTP/1.1\r\nhost: {host}\r\n\r\n" * 2
        )
        await server.app.running["/wait"].wait()
        server.app.go_on.set()
        bodies = [(await client.answer()).body for _ in range(4)]
        assert bodies == [b"waited", b'{"fine":true}\n'] * 2


async def test_an_ordinary_client_keeps_its_connection() -> None:
    async with running() as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port)

        def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
            client.request(method, path, body)
            with client.getresponse() as answer:
                return answer.status, answer.read()

        with closing(client):
            for path, status in (("/plain", 200), ("/q/plain", 200), ("/q/fail", 500), ("/q/missing", 404)):
                assert (await trio.to_thread.run_sync(ask, "GET", path))[0] == status
            assert await trio.to_thread.run_sync(ask, "POST", "/q/count", bytes(300_000)) == (200, b"300000")
            assert server.transport.statistics().connections == 1


@pytest.mark.parametrize("path", ["/count", "/q/count", "/q/iterate"])
async def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_is_refused(path: str) -> None:
    async with running(max_body_bytes=100_000) as server:
        for size, status in ((100_000, 200), (100_001, 413)):
            async with connected(server.port) as client:
                await client.say(SIZED % (path.encode(), size) + bytes(size))
                assert (await client.answer()).status == status
            async with connected(server.port) as client:
                chunk = b"%x\r\n%b\r\n" % (size // 2, bytes(size // 2))
                rest = b"%x\r\n%b\r\n0\r\n\r\n" % (size - size // 2, bytes(size - size // 2))
                await client.say(CHUNKED % path.encode() + chunk + rest)
                assert (await client.answer()).status == status


async def test_each_body_on_a_connection_has_the_limit_to_itself() -> None:
    async with running(max_body_bytes=1000) as server, connected(server.port) as client:
        for _ in range(3):
            await client.say(SIZED % (b"/q/count", 900) + bytes(900))
            assert (await client.answer()).body == b"900"


async def test_a_client_in_the_middle_of_an_upload_reads_why_it_was_refused() -> None:
    async with running(max_body_bytes=1000) as server, connected(server.port) as client:
        await client.say(CHUNKED % b"/q/iterate")
        for _ in range(20):
            await client.say(b"10000\r\n" + PART + b"\r\n")
        assert (await client.answer()).status == 413


async def test_a_handler_that_does_not_read_its_body_holds_the_client_back() -> None:
    async with running(max_body_bytes=1 << 30, graceful_timeout_s=0.1) as server, connected(server.port) as client:
        await client.say(SIZED % (b"/q/late", 64 << 20))
        sent = 0

        async def send_all_of_it() -> None:
            nonlocal sent
            while sent < 64 << 20:
                await client.stream.send_all(PART)
                sent += len(PART)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_all_of_it)
            await trio.testing.wait_all_tasks_blocked(0.05)
            nursery.cancel_scope.cancel()
        assert sent < 32 << 20


async def test_a_handler_may_answer_without_reading_a_long_body() -> None:
    async with running() as server:
        async with connected(server.port) as client, trio.open_nursery() as nursery:
            nursery.start_soon(client.say, SIZED % (b"/wait", 4_000_000) + bytes(900_000))
            await trio.testing.wait_all_tasks_blocked(0.05)
            server.app.go_on.set()
            assert (await client.answer()).body == b"waited"
            assert await client.rest() == b""
        await server.until(connections=0)


async def test_a_short_body_that_nobody_reads_does_not_end_the_connection() -> None:
    async with running() as server, connected(server.port) as client:
        for _ in range(2):
            await client.say(SIZED % (b"/plain", 5) + b"hello")
            assert (await client.answer()).body == b"fine"


async def test_a_client_that_expects_100_continue_hears_it() -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(b"POST /q/count HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
        assert (await client.stream.receive_some(1000)).startswith(b"HTTP/1.1 100 ")
        await client.say(b"ab")
        assert (await client.answer()).body == b"2"


async def test_a_body_refused_by_its_length_is_not_asked_for() -> None:
    async with running(max_body_bytes=10) as server, connected(server.port) as client:
        await client.say(b"POST /q/count HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\nexpect: 100-continue\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/stream", "/q/stream", "/q/body"])
async def test_a_client_that_leaves_in_the_middle_of_an_answer_ends_its_handler(path: str) -> None:
    """It does so while the handler is stuck in a send, since the client has stopped reading before."""
    async with running() as server:
        async with connected(server.port, receive_buffer_bytes=4096) as client:
            await client.get(path.encode())
            await server.app.running[path].wait()
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert not server.app.ended[path].is_set()
        await server.app.ended[path].wait()
        await server.until(connections=0)
        assert server.transport.statistics().ended_by_errors == 0


@pytest.mark.parametrize("path", [b"/wait", b"/disconnect"])
async def test_a_client_that_leaves_before_the_answer_ends_its_handler(path: bytes) -> None:
    async with running() as server:
        async with connected(server.port) as client:
            await client.get(path)
            await server.app.running[path.decode()].wait()
        await server.app.ended[path.decode()].wait()
        await server.until(connections=0)


async def test_a_handler_that_has_answered_may_go_on_when_its_client_leaves() -> None:
    async with running() as server:
        async with connected(server.port) as client:
            await client.get(b"/after")
            assert (await client.answer()).body == b"fine"
            await server.app.gone.wait()
        await trio.testing.wait_all_tasks_blocked(0.02)
        assert not server.app.ended["/after"].is_set()
        server.app.go_on.set()
        await server.app.ended["/after"].wait()


async def test_a_streamed_answer_may_pause_for_longer_than_any_client_may(mock_clock: MockClock) -> None:
    async with running(keep_alive_s=1, header_timeout_s=1, body_timeout_s=1, write_deadline_s=1) as server:
        assert server.app.quart.config["RESPONSE_TIMEOUT"] is None
        async with connected(server.port) as client:
            await client.get(b"/q/slow")
            assert b"first" in await client.stream.receive_some(1000)
            await pass_time(mock_clock, 3600)
            server.app.go_on.set()
            assert b"second" in await client.stream.receive_some(1000)


async def test_a_head_request_does_not_run_the_body() -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(b"HEAD /q/slow HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await client.answer("HEAD")).status == 200
        assert not server.app.running["/q/slow"].is_set()
        await client.say(b"HEAD /plain HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await client.answer("HEAD")).headers[b"content-length"] == b"4"


def code_in(answer: Answer) -> str:
    """The code of an answer, which has to be a problem."""
    assert answer.headers[b"content-type"] == b"application/problem+json"
    told = json.loads(answer.body)
    assert set(told) == {"type", "title", "status", "detail", "code"}
    assert told["status"] == answer.status
    assert told["detail"].endswith(".")
    return str(told["code"])


REFUSED: list[tuple[bytes, int, str]] = [
    (b"GET /plain HTTP/1.1\r\n\r\n", 400, "bad_request"),
    (b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n", 400, "bad_request"),
    (b"GET /plain HTTP/1.1\r\nhost: x\r\n", 408, "request_timeout"),
    (b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf", 408, "request_timeout"),
    (b"POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 100001\r\n\r\n", 413, "body_too_large"),
    (b"GET /plain HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 20_000, 431, "head_too_large"),
    (b"POST /count HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n", 501, "coding_unknown"),
    (b"GET /plain HTTP/1.9\r\nhost: x\r\n\r\n", 505, "version_unsupported"),
]


@pytest.mark.parametrize(("said", "status", "code"), REFUSED, ids=[f"{status}" for _, status, _ in REFUSED])
async def test_what_is_answered_in_place_of_the_app_is_a_problem_as_well(
    said: bytes, status: int, code: str, mock_clock: MockClock
) -> None:
    async with (
        running(max_body_bytes=100_000, header_timeout_s=5, body_timeout_s=5) as server,
        connected(server.port) as client,
    ):
        await client.say(said)
        if status == 408:
            await pass_time(mock_clock, 5)
        answer = await client.answer()
        assert (answer.status, code_in(answer)) == (status, code)
        assert answer.headers[b"connection"] == b"close"
        assert await client.rest() == b""


async def test_a_refused_head_has_no_body() -> None:
    async with running(max_body_bytes=10) as server, connected(server.port) as client:
        await client.say(b"HEAD /plain HTTP/1.1\r\nhost: x\r\ncontent-length: 11\r\n\r\n")
        head = await client.rest()
        assert head.startswith(b"HTTP/1.1 413 ")
        assert head.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("target", [b"http://{host}/plain", b"HTTP://{host}/plain?a=b", b"https://{host}/plain"])
async def test_a_target_that_is_a_whole_url_is_the_path_in_it(target: bytes) -> None:
    async with running() as server, connected(server.port) as client:
        await client.say(b"GET " + target + b" HTTP/1.1\r\nhost: another\r\n\r\n")
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"fine")


async def test_a_failing_handler_is_logged_and_answered_with_500(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as server, connected(server.port) as client:
        with caplog.at_level(logging.ERROR, "auralis_trio.web.transport"):
            await client.get(b"/raise")
            answer = await client.answer()
        assert (answer.status, code_in(answer)) == (500, "internal_error")
        assert [record.name for record in caplog.records] == ["auralis_trio.web.transport"]
        assert server.transport.statistics().ended_by_errors == 1


async def test_a_handler_that_fails_in_mid_answer_leaves_an_answer_that_is_seen_to_be_cut() -> None:
    async with running() as server, connected(server.port) as client:
        await client.get(b"/break")
        with pytest.raises(h11.RemoteProtocolError):
            await client.answer()


async def test_a_silent_connection_is_closed() -> None:
    async with running(keep_alive_s=0.1) as server, connected(server.port) as client:
        assert await client.rest() == b""


async def test_a_slow_head_is_cut_however_steadily_it_comes(mock_clock: MockClock) -> None:
    async with running(header_timeout_s=5, keep_alive_s=60) as server, connected(server.port) as client:
        await client.say(b"GET / HTTP/1.1\r\n")
        for _ in range(5):
            await pass_time(mock_clock, 1)
            await client.say(b"x: y\r\n")
        assert (await client.answer()).status == 408


async def test_each_head_on_a_connection_has_its_time_to_itself(mock_clock: MockClock) -> None:
    async with running(header_timeout_s=4) as server, connected(server.port) as client:
        for _ in range(3):
            await client.say(b"GET /plain HTTP/1.1\r\n")
            await pass_time(mock_clock, 3)
            await client.say(b"host: x\r\n\r\n")
            assert (await client.answer()).body == b"fine"


@pytest.mark.parametrize("path", [b"/count", b"/q/count", b"/q/iterate"])
async def test_a_body_that_does_not_go_on_is_cut_and_its_handler_ends(path: bytes) -> None:
    async with running(body_timeout_s=0.2) as server, connected(server.port) as client:
        await client.say(SIZED % (path, 100) + b"half")
        assert (await client.answer()).status == 408
        await server.app.ended[path.decode()].wait() if path == b"/count" else None
        await server.until(connections=0)


async def test_a_slow_body_that_goes_on_is_waited_for(mock_clock: MockClock) -> None:
    async with running(body_timeout_s=5) as server, connected(server.port) as client:
        await client.say(SIZED % (b"/q/count", 8))
        for _ in range(8):
            await pass_time(mock_clock, 4)
            await client.say(b"x")
        assert (await client.answer()).body == b"8"


async def test_a_client_is_not_cut_for_a_handler_that_reads_its_body_late(mock_clock: MockClock) -> None:
    async with (
        running(body_timeout_s=1) as server,
        connected(server.port) as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(client.say, SIZED % (b"/q/late", 8_000_000) + bytes(8_000_000))
        await pass_time(mock_clock, 3600)
        server.app.go_on.set()
        assert (await client.answer()).body == b"8000000"


async def test_beyond_the_limit_of_connections_a_client_is_told_so() -> None:
    async with (
        running(max_connections=2) as server,
        connected(server.port) as first,
        connected(server.port) as second,
    ):
        for client in (first, second):
            await client.get(b"/plain")
            assert (await client.answer()).status == 200
        async with connected(server.port) as third:
            answer = await third.answer()
            assert (answer.status, code_in(answer), answer.headers[b"retry-after"]) == (503, "busy", b"1")
        assert server.transport.statistics().refused == 1
        await first.stream.aclose()
        await server.until(connections=1)
        async with connected(server.port) as third:
            await third.get(b"/plain")
            assert (await third.answer()).status == 200


async def test_http_2_is_neither_spoken_nor_changed_to() -> None:
    async with running() as server:
        async with connected(server.port) as client:
            await client.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            assert (await client.rest()).startswith(b"HTTP/1.1 505 ")
        async with connected(server.port) as client:
            await client.get(
                b"/plain", b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AA"
            )
            assert (await client.answer()).body == b"fine"


async def test_a_taken_port_is_said_in_one_plain_line() -> None:
    taken = await open_listener("127.0.0.1", 0)
    port = taken.socket.getsockname()[1]
    async with taken:
        with pytest.raises(StartupError) as refused:
            await open_listener("127.0.0.1", port)
    assert refused.value.message == f"Port {port} is taken by another program. Choose another port."
    async with await open_listener("127.0.0.1", port):
        pass


@pytest.mark.parametrize(("host", "port"), [("203.0.113.7", 0), ("no.such.host.invalid", 0), ("a..b", 0)])
async def test_an_address_that_is_not_ours_is_said_in_one_plain_line(host: str, port: int) -> None:
    with pytest.raises(StartupError) as refused:
        await open_listener(host, port)
    assert refused.value.message.startswith(f"{host}, port {port}, is not an address of this machine.")


def test_the_limits_as_they_come() -> None:
    limits = TransportLimits()
    assert limits.max_message_bytes == limits.early_data_bytes == 65_536
    assert limits.graceful_timeout_s == 3
    assert limits.ping_interval_s == limits.ping_timeout_s == limits.write_deadline_s == limits.body_timeout_s == 20
