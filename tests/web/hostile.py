"""What a client may do to a server on an open port: a table of inputs, and what every server must survive.

An input names neither host nor path: `{host}` and `{socket}` stand for those of the server that it is tried on.
"""

import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import trio

from tests.web.raw_client import RawClient, connected, frame, upgrade

Ending = Literal["wait", "leave", "reset", "half close", "trickle"]
LIMIT_S = 100
NOISE = random.Random(1)
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(frozen=True)
class Hostile:
    """One input.

    `answer` is what the transport says by itself: an HTTP status; a close code where the WebSocket was opened before
    (`after_upgrade`); 0 for an end without a word; None where the application decides, or nobody is there to listen.
    """

    name: str
    say: bytes
    answer: int | None = None
    after_upgrade: bool = False
    ending: Ending = "wait"


def request(*lines: bytes, body: bytes = b"", method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    """A request for / that has a Host and these header lines."""
    head = [b"%b / %b" % (method, version), b"host: {host}", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def chunked(body: bytes) -> bytes:
    return request(b"transfer-encoding: chunked", method=b"POST", body=body)


def sized(length: bytes, body: bytes = b"") -> bytes:
    return request(b"content-length: " + length, method=b"POST", body=body)


def bad_heads() -> Iterator[Hostile]:
    """Request lines and headers."""
    yield Hostile("an empty line", b"\r\n", 400)
    yield Hostile("line noise", bytes(range(1, 256)) * 4 + b"\r\n\r\n", 400)
    yield Hostile("zeros", bytes(5000) + b"\r\n\r\n", 400)
    yield Hostile("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400)
    yield Hostile("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), 505)
    yield Hostile("an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400)
    yield Hostile("a request line without a version", b"GET /\r\n\r\n", 400)
    yield Hostile("HTTP 0.9 with a version", b"GET / HTTP/0.9\r\n\r\n", 505)
    yield Hostile("HTTP 3", request(version=b"HTTP/3.0"), 505)
    yield Hostile("a version of many digits", request(version=b"HTTP/1.11111"), 400)
    yield Hostile("no target", b"GET  HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a target with a space", b"GET /a b HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a target with a zero", b"GET /\0 HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a target of raw UTF-8", b"GET /\xc3\xbc HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a target that is a question", b"GET ? HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a proxy's target", b"GET http://example.org/ HTTP/1.1\r\nhost: {host}\r\n\r\n")
    yield Hostile("a target with a user", b"GET http://me@{host}/ HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a target without a host", b"GET http:///plain HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("another scheme's target", b"GET ftp://{host}/ HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a tunnel", b"CONNECT example.org:443 HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a path out of the root", b"GET /../../etc/passwd HTTP/1.1\r\nhost: {host}\r\n\r\n")
    yield Hostile("an escaped zero and bad UTF-8", b"GET /%00%ff%c0%ae HTTP/1.1\r\nhost: {host}\r\n\r\n")
    yield Hostile("a method that is none", b"G(T / HTTP/1.1\r\nhost: {host}\r\n\r\n", 400)
    yield Hostile("a method nobody knows", request(method=b"BREW"))
    yield Hostile("a giant target", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n", 431)
    yield Hostile("a giant header", b"GET / HTTP/1.1\r\nx: " + b"a" * 100_000, 431)
    yield Hostile("ten thousand headers", b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000, 431)
    yield Hostile("no host", b"GET / HTTP/1.1\r\n\r\n", 400)
    yield Hostile("two hosts", request(b"host: elsewhere"), 400)
    yield Hostile("a header without a colon", request(b"nonsense"), 400)
    yield Hostile("a header without a name", request(b": value"), 400)
    yield Hostile("a space before the colon", request(b"x : y"), 400)
    yield Hostile("a zero in a header", request(b"x: a\0b"), 400)
    yield Hostile("a lonely carriage return in a header", request(b"x: a\rb"), 400)
    yield Hostile("a header folded over lines", request(b"x: a", b"  b"))
    yield Hostile("line feeds alone", b"GET / HTTP/1.1\nhost: {host}\n\n")


def bad_bodies() -> Iterator[Hostile]:
    """Lengths, chunks and what smugglers do with them."""
    yield Hostile("a negative length", sized(b"-1"), 400)
    yield Hostile("a length with a sign", sized(b"+5", b"hello"), 400)
    yield Hostile("a length in hex", sized(b"0x5", b"hello"), 400)
    yield Hostile("a length beyond all numbers", sized(b"9" * 500), 400)
    yield Hostile("a length that is too big", sized(b"9" * 18), 413)
    yield Hostile("two lengths", request(b"content-length: 5", b"content-length: 6", method=b"POST"), 400)
    yield Hostile("two lengths in one", sized(b"5, 6", b"hello"), 400)
    smuggled = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n"
    both = (b"content-length: 5", b"transfer-encoding: chunked")
    yield Hostile("a length and chunks", request(*both, method=b"POST", body=smuggled), 400)
    yield Hostile("chunks and a length", request(*both[::-1], method=b"POST", body=smuggled), 400)
    old = request(both[1], method=b"POST", version=b"HTTP/1.0", body=smuggled)
    yield Hostile("chunks in HTTP 1.0", old, 400)
    yield Hostile("an unknown coding", request(b"transfer-encoding: gzip, chunked", method=b"POST"), 501)
    yield Hostile("a coding in disguise", request(b"transfer-encoding: xchunked", method=b"POST"), 501)
    yield Hostile("two codings", request(both[1], both[1], method=b"POST"), 501)
    yield Hostile("a chunk without a size", chunked(b"\r\nhello\r\n"), 400)
    yield Hostile("a chunk of a negative size", chunked(b"-1\r\nhello\r\n"), 400)
    yield Hostile("a chunk size beyond all numbers", chunked(b"f" * 30 + b"\r\n"), 400)
    yield Hostile("a chunk size without an end", chunked(b"1" + b" " * 100_000), 431)
    yield Hostile("a chunk extension without an end", chunked(b"1;" + b"x" * 100_000), 431)
    yield Hostile("a chunk longer than it says", chunked(b"2\r\nhello\r\n0\r\n\r\n"), 400)
    yield Hostile("a chunk of all memory", chunked(b"ffffffffffffffff\r\n" + b"x" * 10_000), ending="leave")
    yield Hostile("trailers without an end", chunked(b"0\r\n" + b"x: y\r\n" * 10_000), 431)
    yield Hostile("a body that stops", sized(b"10000", b"half"), ending="leave")
    yield Hostile("a body of drops", sized(b"10000", b"x" * 50), ending="trickle")
    yield Hostile("a head of drops", b"GET / HTTP/1.1\r\nx: " + b"y" * 50, ending="trickle")
    yield Hostile("a half close after a request", request(), ending="half close")
    yield Hostile("a half close within a head", b"GET / HTTP/1.1\r\nx:", ending="half close")
    yield Hostile("a half close before a word", b"", ending="half close")
    yield Hostile("connect and reset", b"", ending="reset")
    yield Hostile("a reset within a head", b"GET / HTTP/1.1\r\nx:", ending="reset")
    yield Hostile("a reset after a request", request(), ending="reset")
    yield Hostile("five hundred requests at once and away", request() * 500, ending="reset")
    yield Hostile("a request with another's body behind it", request() + bytes(10_000))


def bad_upgrades() -> Iterator[Hostile]:
    """Upgrades to WebSocket that are none, and bytes that come too early."""
    good = upgrade(b"{socket}")
    yield Hostile("a byte behind the upgrade", good + b"x")
    yield Hostile("a frame behind the upgrade", good + frame(TEXT, b"{}"))
    yield Hostile("the end behind the upgrade", good + frame(CLOSE), ending="half close")
    yield Hostile("noise behind the upgrade", good + NOISE.randbytes(20_000), ending="reset")
    yield Hostile("a request behind the upgrade", good + request(), 1002)
    yield Hostile("an upgrade and a reset", good, ending="reset")
    yield Hostile("an upgrade without a key", good.replace(b"sec-websocket-key", b"x-key"), 400)
    yield Hostile("an upgrade with an empty key", good.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b""), 400)
    yield Hostile("an upgrade with half a key", good.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"dGhlIHNhbXBs"), 400)
    yield Hostile("an upgrade with a key of noise", good.replace(b"dGhlIHN", b"\xff\xfe\xfd"), 400)
    yield Hostile("an upgrade to version 0", good.replace(b"version: 13", b"version: 0"), 400)
    yield Hostile("an upgrade to no version", good.replace(b"version: 13", b"version: many"), 400)
    yield Hostile("an upgrade in HTTP 1.0", good.replace(b"HTTP/1.1", b"HTTP/1.0"), 400)
    yield Hostile("an upgrade that posts", good.replace(b"GET", b"POST"))
    yield Hostile("an upgrade with a length", upgrade(b"{socket}", b"content-length: 5") + b"hello", 400)
    yield Hostile("an upgrade with chunks", upgrade(b"{socket}", b"transfer-encoding: chunked") + b"0\r\n\r\n", 400)
    yield Hostile("an upgrade to something else", good.replace(b"upgrade: websocket", b"upgrade: telnet"))
    yield Hostile("an upgrade to HTTP 2", good.replace(b"upgrade: websocket", b"upgrade: h2c\r\nhttp2-settings: A"))
    yield Hostile("a subprotocol of noise", upgrade(b"{socket}", b"sec-websocket-protocol: \xff\xfe"), 400)
    yield Hostile("an extension of noise", upgrade(b"{socket}", b"sec-websocket-extensions: \xff\xfe"), 400)
    yield Hostile("a thousand extensions", upgrade(b"{socket}", b"sec-websocket-extensions: " + b"x;y=z," * 1000))


def bad_frames() -> Iterator[Hostile]:
    """Frames on an open WebSocket that no client may send."""
    for rsv in (1, 2, 4):
        yield Hostile(f"reserved bit {rsv}", frame(TEXT, b"{}", rsv=rsv), 1002, after_upgrade=True)
    for opcode in (3, 7, 11, 15):
        yield Hostile(f"opcode {opcode}", frame(opcode, b"x"), 1002, after_upgrade=True)
    for name, say, code in (
        ("a frame without a mask", frame(TEXT, b"{}", mask=None), 1002),
        ("a ping that is too long", frame(PING, bytes(126)), 1002),
        ("a ping in parts", frame(PING, b"x", fin=False), 1002),
        ("a close in parts", frame(CLOSE, b"\x03\xe8", fin=False), 1002),
        ("a close that is too long", frame(CLOSE, b"\x03\xe8" + bytes(124)), 1002),
        ("a close of one byte", frame(CLOSE, b"\x03"), 1002),
        ("a close with code 0", frame(CLOSE, b"\0\0"), 1002),
        ("a close with code 1005", frame(CLOSE, b"\x03\xed"), 1002),
        ("a close with code 1006", frame(CLOSE, b"\x03\xee"), 1002),
        ("a close with code 2000", frame(CLOSE, b"\x07\xd0"), 1002),
        ("a close with code 65535", frame(CLOSE, b"\xff\xff"), 1002),
        ("a close with a reason of noise", frame(CLOSE, b"\x03\xe8\xff\xfe"), 1007),
        ("text that is no UTF-8", frame(TEXT, b"\xff\xfe"), 1007),
        ("text that ends within a letter", frame(TEXT, b"\xc3"), 1007),
        ("text in parts that is no UTF-8", frame(TEXT, b"\xf0\x9f", fin=False) + frame(0, b"x"), 1007),
        ("a part without a beginning", frame(0, b"x"), 1002),
        ("a beginning within a message", frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
        ("a length in more bytes than it needs", b"\x82\xfe\x00\x05" + bytes(9), 1002),
        ("a length in far more bytes", b"\x82\xff" + bytes(7) + b"\x05" + bytes(9), 1002),
        ("a length with its highest bit", b"\x82\xff\x80" + bytes(11), 1002),
        ("a message that is too big", frame(BINARY, bytes(200_000)), 1009),
        ("a text that is too big", frame(TEXT, "ü".encode() * 100_000), 1009),
        ("a message too big in its parts", frame(BINARY, bytes(50_000), fin=False) + frame(0, bytes(50_000)), 1009),
        (
            "a message that goes on after 1009",
            frame(BINARY, bytes(70_000), fin=False) + frame(0, bytes(900_000)),
            1009,
        ),
        ("a deflated bomb", frame(BINARY, b"\xec\xc1\x01\x01\x00\x00\x00\x80" * 100, rsv=4), 1002),
    ):
        yield Hostile(name, say, code, after_upgrade=True)
    yield Hostile("a message of all memory", b"\x82\xff\x7f" + b"\xff" * 7 + bytes(10_000), after_upgrade=True)
    yield Hostile("nothing, many times", frame(TEXT, b"", fin=False) + frame(0, b"", fin=False) * 5000, None, True)
    yield Hostile("empty messages", frame(BINARY) * 50 + frame(TEXT) * 50, None, True, "leave")
    yield Hostile("a flood of pings", frame(PING, bytes(100)) * 400, None, True, "leave")
    yield Hostile("pongs that nobody asked for", frame(PONG, b"here") * 5000, None, True, "leave")
    yield Hostile("a frame that stops", frame(BINARY, bytes(1000))[:500], None, True, "half close")
    yield Hostile("frames of noise", NOISE.randbytes(50_000), None, True, "reset")
    yield Hostile("a close and more", frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"{}") * 100, 1000, True)
    yield Hostile("a reset within a frame", frame(BINARY, bytes(1000))[:500], None, True, "reset")


def hostile_inputs() -> list[Hostile]:
    """Every input."""
    return [*bad_heads(), *bad_bodies(), *bad_upgrades(), *bad_frames()]


async def assert_survives(
    port: int,
    hostile: Hostile,
    socket_path: bytes,
    still_answers: Callable[[], Awaitable[None]],
    still_flows: Callable[[], Awaitable[None]],
) -> None:
    """Play one input; while its client is still there, and after, others are served as if nothing had been."""
    async with connected(port) as client:
        say = hostile.say.replace(b"{socket}", socket_path)
        if hostile.after_upgrade:
            await client.open_websocket(socket_path)
        with trio.fail_after(LIMIT_S):
            await _play(client, say, hostile)
        await still_answers()
        await still_flows()
    await still_answers()
    await still_flows()


async def _play(client: RawClient, say: bytes, hostile: Hostile) -> None:
    try:
        if hostile.ending == "trickle":
            for index in range(len(say)):
                await client.stream.send_all(say[index : index + 1])
                await trio.lowlevel.checkpoint()
        else:
            await client.say(say)
    except trio.BrokenResourceError:
        assert hostile.answer is None, "cut off in the middle of a word, with no answer"
    if hostile.answer is not None:
        assert await _heard(client, hostile) == hostile.answer
    elif hostile.ending == "half close":
        await client.stream.send_eof()
        await client.rest()
    elif hostile.ending == "reset":
        await client.reset()


async def _heard(client: RawClient, hostile: Hostile) -> int:
    """The status or the close code that the server answered with."""
    if hostile.answer is not None and hostile.answer >= 1000:
        if not hostile.after_upgrade:
            await client.accepted()
        return await client.close_code()
    said = await client.rest()
    return int(said.split()[1]) if said else 0
