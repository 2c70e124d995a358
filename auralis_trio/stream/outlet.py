"""The forms in which packets leave: binary messages, or JSON with base64 for clients that ask for it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from auralis_trio.errors import AuralisError
from auralis_trio.stream.pipeline import Outlet, Piece, Stream
from auralis_trio.stream.plan import Plan
from auralis_trio.stream.play_queue import Entry
from auralis_trio.wire.commands import Start
from auralis_trio.wire.messages import pack
from auralis_trio.wire.packets import LAST, pack_header


class Link(Protocol):
    """A client's connection, whatever carries it."""

    @property
    def client(self) -> str:
        """The address at its other end; those that have left already are one."""

    async def receive(self) -> str | bytes:
        """The next message.

        Raises:
            trio.BrokenResourceError: the client is gone.
        """

    async def send(self, message: str | bytes) -> None:
        """Send a message as a whole, or be cancelled before any of it.

        Raises:
            trio.BrokenResourceError: the client is gone, or took nothing for too long.
        """

    async def send_packet(self, header: bytes, payload: bytes | memoryview) -> None:
        """Send a binary message that is made of two parts, without joining them; else as `send`.

        A checkpoint only while the client keeps it waiting: who sends many gives others their turn before each.
        """

    async def close(self, code: int, reason: str) -> None:
        """Close the connection; does nothing when the client is gone."""


@dataclass(frozen=True)
class BinaryOutlet:
    """Packets as binary messages: the one copy of a cached chunk's bytes is that into the socket."""

    link: Link
    plan: Plan
    stream_id: int

    async def send(self, piece: Piece) -> None:
        """See `Outlet.send`."""
        span = piece.span
        header = pack_header(self.plan.encoding, piece.flags, self.stream_id, span.start, span.frames, piece.sequence)
        await self.link.send_packet(header, piece.data)


@dataclass(frozen=True)
class JsonOutlet:
    """Packets as `audio_chunk` messages; with the older field names where the client used the older request."""

    link: Link
    plan: Plan
    stream_id: int
    legacy: bool

    async def send(self, piece: Piece) -> None:
        """See `Outlet.send`."""
        data = {
            "stream_id": self.stream_id,
            "start_frame": piece.span.start,
            "frames": piece.span.frames,
            "sequence": piece.sequence,
            "encoding": self.plan.encoding.label,
            "last": bool(piece.flags & LAST),
        }
        encoded = base64.b64encode(piece.data).decode()
        if self.legacy:
            data |= self._older_fields(piece, encoded)
        else:
            data["data"] = encoded
        await self.link.send(pack("audio_chunk", data))

    def _older_fields(self, piece: Piece, encoded: str) -> dict[str, Any]:
        track = self.plan.track
        index = track.grid.chunk_of(piece.span.start)
        chunk = track.grid.chunk(index)
        step = track.grid.packet_frames
        return {
            "chunk_index": index,
            "chunk_count": track.grid.total_chunks,
            "frame_index": (piece.span.start - chunk.start) // step,
            "frame_count": -(-chunk.frames // step),
            "samples": encoded,
            "sample_count": piece.span.frames * track.format.channels,
            "crossfade_samples": 0,
        }


@dataclass(frozen=True)
class ToldOutlet:
    """Another outlet, that tells when a packet has gone."""

    outlet: Outlet
    tell: Callable[[], None]

    async def send(self, piece: Piece) -> None:
        """See `Outlet.send`."""
        await self.outlet.send(piece)
        self.tell()


def outlet_for(link: Link, plan: Plan, start: Start, tell: Callable[[], None]) -> Outlet:
    """The form that the client asked for; `tell` what is heard of the queue, which not every client says itself."""
    manner, to = start.request.manner, (link, plan, start.stream_id)
    outlet = JsonOutlet(*to, manner.legacy) if manner.json else BinaryOutlet(*to)
    return outlet if start.request.entry_id is None else ToldOutlet(outlet, tell)


def start_message(plan: Plan, start: Start, follows_frames: int | None) -> str:
    """What is said before the first packet of a stream, before which so much is heard of the one that it follows."""
    track = plan.track
    data: dict[str, Any] = {
        "stream_id": start.stream_id,
        "track_id": track.file.track_id,
        "entry_id": start.request.entry_id,
        "follows_stream_id": start.follows,
        "follows_frames": follows_frames,
        "start_frame": plan.start_frame,
        "join_frames": plan.join_frames,
        "total_frames": track.total_frames,
        "sample_rate": track.format.sample_rate,
        "channels": track.format.channels,
        "encoding": plan.encoding.label,
        "chunk_frames": track.grid.chunk_frames,
        "enhanced": plan.recipe.masters,
        "preset": plan.recipe.preset,
        "intensity": plan.recipe.intensity,
        "recipe": plan.recipe.key,
        "revision": track.revision(plan.sound),
    }
    if plan.feed is not None:
        data |= {
            "pre_skip_frames": plan.feed.pre_skip_frames,
            "opus_head": base64.b64encode(plan.feed.head).decode(),
        }
    if start.request.manner.legacy:
        data |= {
            "preset": plan.recipe.preset or "none",
            "total_chunks": track.grid.total_chunks,
            "chunk_duration": track.grid.chunk_frames / track.format.sample_rate,
            "total_duration": track.total_frames / track.format.sample_rate,
        }
    return pack("audio_stream_start", data)


def end_message(stream: Stream, start: Start, reason: str, following: Entry | None) -> str:
    """What is said after the last packet of a stream; `following` is the entry of the queue behind it."""
    sent = stream.flow.sent
    data: dict[str, Any] = {
        "stream_id": stream.stream_id,
        "reason": reason,
        "frames_sent": sent,
        "next_entry_id": None if following is None else following.id,
    }
    if start.request.manner.legacy:
        track = stream.plan.track
        data |= {
            "track_id": track.file.track_id,
            "total_samples": sent * track.format.channels,
            "duration": sent / track.format.sample_rate,
        }
    return pack("audio_stream_end", data)


def error_message(error: AuralisError) -> str:
    """What is said where something that a client has asked for is not done."""
    data: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.retry_after_s:
        data["retry_after_s"] = error.retry_after_s
    return pack("error", data)
