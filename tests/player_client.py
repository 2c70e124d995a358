"""A player client for tests: speaks the protocol over a real WebSocket and checks its rules as it goes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio
import trio_websocket

from tests.packets import Packet, parse_packet
from tests.serving import LIMIT_S


@dataclass
class Delivery:
    """What one stream brought: its start and end messages and all packets between."""

    start: dict[str, Any]
    packets: list[Packet] = field(default_factory=list)
    end: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None

    @property
    def audio(self) -> bytes:
        return b"".join(packet.payload for packet in self.packets)

    @property
    def frames(self) -> int:
        return sum(packet.frames for packet in self.packets)


@dataclass
class PlayerClient:
    """One session."""

    socket: trio_websocket.WebSocketConnection
    hello: dict[str, Any] = field(default_factory=dict)
    delivery: Delivery | None = None

    async def say(self, kind: str, **data: Any) -> None:
        await self.socket.send_message(json.dumps({"type": kind, "data": data}))

    async def socket_json(self) -> dict[str, Any]:
        """The next text message as it came, unchecked."""
        message: dict[str, Any] = json.loads(await self.socket.get_message())
        return message

    async def hear(self) -> dict[str, Any] | Packet:
        """The next message: a packet, or a text message as it came."""
        message = await self.socket.get_message()
        if isinstance(message, bytes):
            packet = parse_packet(message)
            self._keep(packet)
            return packet
        heard: dict[str, Any] = json.loads(message)
        data = heard["data"]
        match heard["type"]:
            case "audio_stream_start":
                assert self.delivery is None or self.delivery.end, "a start before the end of the stream before"
                self.delivery = Delivery(data)
            case "audio_stream_error" if self.delivery is not None:
                self.delivery.error = data
            case "audio_stream_end":
                assert self.delivery is not None
                assert not self.delivery.end
                assert data["stream_id"] == self.delivery.start["stream_id"]
                assert data["frames_sent"] == self.delivery.frames
                self.delivery.end = data
        return heard

    def _keep(self, packet: Packet) -> None:
        """Packets belong to the present stream, follow each other without a gap, and are numbered from 0."""
        delivery = self.delivery
        assert delivery is not None
        assert not delivery.end
        assert packet.stream_id == delivery.start["stream_id"]
        assert packet.sequence == len(delivery.packets)
        before = delivery.packets[-1] if delivery.packets else None
        expected = delivery.start["start_frame"] if before is None else before.start_frame + before.frames
        assert packet.start_frame == expected
        # Opus has frames of its own, which do not lie on the grid.
        assert delivery.start["encoding"] == "opus" or packet.start_frame // delivery.start["chunk_frames"] == (
            (packet.start_frame + packet.frames - 1) // delivery.start["chunk_frames"]
        )
        delivery.packets.append(packet)

    async def hear_text(self, kind: str) -> dict[str, Any]:
        """Skip to the next message of this type; its data."""
        while True:
            heard = await self.hear()
            if isinstance(heard, dict) and heard["type"] == kind:
                data: dict[str, Any] = heard["data"]
                return data

    async def hear_packet(self) -> Packet:
        """Skip to the next packet."""
        while True:
            heard = await self.hear()
            if isinstance(heard, Packet):
                return heard

    async def hear_goodbye(self) -> trio_websocket.CloseReason:
        """Hear everything until the server closes; why it did."""
        with trio.fail_after(LIMIT_S):
            while True:
                try:
                    await self.socket.get_message()
                except trio_websocket.ConnectionClosed as closed:
                    assert closed.reason is not None  # noqa: PT017
                    return closed.reason

    async def play(self, track_id: int, **options: Any) -> dict[str, Any]:
        """Play and wait for the start; without credit given, all of it at once."""
        options.setdefault("credit", 2**52)
        await self.say("play", track_id=track_id, **options)
        return await self.hear_text("audio_stream_start")

    async def play_to_end(self, track_id: int, **options: Any) -> Delivery:
        """Play a track and hear all of it."""
        await self.play(track_id, **options)
        return await self.hear_to_end()

    async def hear_to_end(self) -> Delivery:
        """Hear the present stream to its end."""
        await self.hear_text("audio_stream_end")
        assert self.delivery is not None
        return self.delivery


@asynccontextmanager
async def open_player(url: str) -> AsyncIterator[PlayerClient]:
    """Connect and be greeted; the connection is closed also where the server closed its side first."""
    address = url.removeprefix("http://")
    host, port = address.split(":")
    async with await trio.open_tcp_stream(host, int(port)) as stream, trio.open_nursery() as nursery:
        socket = await trio_websocket.wrap_client_stream(nursery, stream, address, "/ws", message_queue_size=4)
        client = PlayerClient(socket)
        client.hello = await client.hear_text("hello")
        yield client
        with trio.move_on_after(5):
            await socket.aclose()
        nursery.cancel_scope.cancel()
