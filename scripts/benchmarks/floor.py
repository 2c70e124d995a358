"""The floor: a bare trio server that writes the same bytes at the same times, and does nothing else.

    python -m scripts.benchmarks.floor MUSIC.wav AHEAD_S [PACKET_FRAMES]

One task a connection: after the handshake it answers pings until it is asked to play, then sleeps until the next
packet is due and sends it whole; all packets lie in memory as they go out. No seek, no end, no errors, no limits:
what a server does besides is what shows as the difference.
"""

import base64
import hashlib
import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile
import trio

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Grid
from auralis_trio.wire.packets import pack_header

START = b'{"type":"audio_stream_start","data":{}}'
PONG = b'{"type":"pong","data":{}}'
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Due:
    """A packet, and the moment at which it is to be sent."""

    payload: bytes
    due_s: float


@dataclass(frozen=True)
class Floor:
    """A track as ready-made packets of `step` frames, and how far ahead of real time they are sent."""

    grid: Grid
    step: int
    packets: list[bytes]
    ahead_s: float

    def packets_from(self, start_frame: int) -> Iterator[Due]:
        """The packets of a stream that begins now."""
        rate, first = self.grid.sample_rate, start_frame // self.step
        origin_s = trio.current_time() - self.ahead_s - start_frame / rate
        for index in range(first, len(self.packets)):
            yield Due(self.packets[index], origin_s + (index + 1) * self.step / rate)

    async def converse(self, stream: trio.SocketStream) -> None:
        """One connection."""
        try:
            await stream.send_all(_accept(await _receive(stream)))
            while True:
                message = json.loads((await _receive(stream))[6:])  # a short frame, under a mask of zeros
                if message["type"] == "play":
                    await self._play(stream, message["data"]["start_frame"])
                await stream.send_all(_frame(0x81, PONG))
        except trio.BrokenResourceError:
            await trio.lowlevel.checkpoint()  # the client has gone

    async def _play(self, stream: trio.SocketStream, start_frame: int) -> None:
        await stream.send_all(_frame(0x81, START))
        for packet in self.packets_from(start_frame):
            await trio.sleep_until(packet.due_s)
            await stream.send_all(packet.payload)


async def _receive(stream: trio.SocketStream) -> bytes:
    data = await stream.receive_some()
    if not data:
        raise trio.BrokenResourceError
    return bytes(data)


def _accept(request: bytes) -> bytes:
    key = next(line[19:] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: "))
    token = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    return head + token + b"\r\n\r\n"


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 65_536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def read_floor(path: Path, ahead_s: float, packet_frames: int | None = None) -> Floor:
    """Cut a WAV of 16 bits into packets; without a size, into those of the protocol."""
    samples, rate = soundfile.read(path, dtype="int16")
    grid = Grid(rate, len(samples))
    step, packets = packet_frames or grid.packet_frames, []
    for sequence, start in enumerate(range(0, len(samples), step)):
        part = samples[start : start + step]
        header = pack_header(Encoding.S16, 0, 1, start, len(part), sequence)
        packets.append(header + part.tobytes())
    return Floor(grid, step, packets, ahead_s)


def framed(floor: Floor) -> Floor:
    """The same with each packet as a whole WebSocket frame."""
    return replace(floor, packets=[_frame(0x82, packet) for packet in floor.packets])


async def main() -> None:
    """Serve until killed."""
    size = int(sys.argv[3]) if len(sys.argv) > 3 else None
    floor = framed(read_floor(Path(sys.argv[1]), float(sys.argv[2]), size))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(f"ready http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", flush=True)
    await trio.serve_listeners(floor.converse, listeners)


if __name__ == "__main__":
    trio.run(main)
