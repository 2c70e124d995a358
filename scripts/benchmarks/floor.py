"""The floor: a bare trio server that writes the same bytes at the same times, and does nothing else.

    python -m scripts.benchmarks.floor MUSIC.wav AHEAD_S

One task a connection: after the handshake it answers pings until it is asked to play, then sleeps until the next
packet is due and sends it whole; all packets lie in memory as they go out. No seek, no end, no errors, no limits:
what a server does besides is what shows as the difference.
"""

import base64
import hashlib
import json
import struct
import sys
from dataclasses import dataclass
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
class Floor:
    """A track as ready-made packets, and how far ahead of real time they are sent."""

    grid: Grid
    packets: list[bytes]
    ahead_s: float

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
        rate, step = self.grid.sample_rate, self.grid.packet_frames
        origin_s = trio.current_time() - self.ahead_s - start_frame / rate
        for index in range(start_frame // step, len(self.packets)):
            await trio.sleep_until(origin_s + (index + 1) * step / rate)
            await stream.send_all(self.packets[index])


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
    return (
        struct.pack("!BB", first, size) + payload if size < 126 else struct.pack("!BBH", first, 126, size) + payload
    )


def read_floor(path: Path, ahead_s: float) -> Floor:
    """Cut a WAV of 16 bits into packets."""
    samples, rate = soundfile.read(path, dtype="int16")
    grid = Grid(rate, len(samples))
    step, packets = grid.packet_frames, []
    for sequence, start in enumerate(range(0, len(samples), step)):
        part = samples[start : start + step]
        header = pack_header(Encoding.S16, 0, 1, start, len(part), sequence)
        packets.append(_frame(0x82, header + part.tobytes()))
    return Floor(grid, packets, ahead_s)


async def main() -> None:
    """Serve until killed."""
    floor = read_floor(Path(sys.argv[1]), float(sys.argv[2]))
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(f"ready http://127.0.0.1:{listeners[0].socket.getsockname()[1]}", flush=True)
    await trio.serve_listeners(floor.converse, listeners)


if __name__ == "__main__":
    trio.run(main)
