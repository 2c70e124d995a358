"""One stream: a decoder task, a bounded channel, a sender task, in a nursery that ends with the stream.

    decoder task --> channel of CHANNEL_CHUNKS chunks --> sender task --> outlet (the client)
      renders          full: the decoder waits              waits for room (credit or pace), cuts packets

The sender never has more than a packet in hand that the client did not ask for, so a client that stops reading
stops its decoder within the chunks that the channel holds. Cancelling the nursery is how a stream is ended early;
what was under way is finished or thrown away before `open_stream` is left, and nothing of it can follow.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import trio

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Span
from auralis_trio.errors import AuralisError, SourceCorrupt, SourceNotReady
from auralis_trio.mastering import Recipe
from auralis_trio.stream.beat import Beat
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.renderer import OpenTrack
from auralis_trio.wire.packets import FIRST, LAST
from auralis_trio.work.rendering import Chunk

CHANNEL_CHUNKS = 1
NOT_READY_TRIES = 6


class Outlet(Protocol):
    """Where the packets of a stream go."""

    async def send(self, piece: "Piece") -> None:
        """Send one packet as a whole, or be cancelled before any of it; waits while the client takes nothing."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One packet before it has a form: encoded frames, their place and their number in the stream."""

    data: bytes | memoryview
    span: Span
    sequence: int
    flags: int


@dataclass(frozen=True)
class Plan:
    """What one stream delivers: the frames from `start_frame` to the end of the track."""

    track: OpenTrack
    recipe: Recipe
    start_frame: int
    encoding: Encoding
    stall_timeout_s: float


@dataclass
class Stream:
    """A running stream: its flow, and how it ended once it has."""

    stream_id: int
    plan: Plan
    flow: Flow
    beat: Beat
    reason: str | None = None
    error: AuralisError | None = None
    _sequence: int = field(default=0)

    @property
    def next_frame(self) -> int:
        """The first frame that was not sent."""
        return self.plan.start_frame + self.flow.sent

    def statistics(self) -> dict[str, Any]:
        """How far it has come."""
        return {
            "stream_id": self.stream_id,
            "track_id": self.plan.track.file.track_id,
            "start_frame": self.plan.start_frame,
            "frames_sent": self.flow.sent,
            "frames_played": self.flow.played,
            "credit": self.flow.credit,
            "paused": self.flow.paused,
        }

    async def run_decoder(self, out: trio.MemorySendChannel[Chunk | AuralisError]) -> None:
        """Render the track chunk by chunk into the channel; a source that fails ends it with its error."""
        plan, frame = self.plan, self.plan.start_frame
        # A sender that ended first has closed the other end: then there is nobody left to decode for.
        with out, suppress(trio.BrokenResourceError):
            try:
                while frame < plan.track.total_frames:
                    chunk = await self._chunk_from(frame)
                    await out.send(chunk)
                    frame = chunk.span.end
            except AuralisError as error:
                await self._send_rest(out, frame, error)

    async def _chunk_from(self, frame: int) -> Chunk:
        """The chunk that `frame` lies in; of one that is damaged before `frame`, what follows."""
        plan, tries, index = self.plan, 0, self.plan.track.grid.chunk_of(frame)
        while True:
            try:
                return await plan.track.packets(plan.recipe, index, plan.encoding)
            except SourceNotReady:
                # Each try decodes further ahead; what is reached stays.
                tries += 1
                if tries == NOT_READY_TRIES:
                    raise
            except SourceCorrupt as error:
                if error.frame is None or error.frame >= frame:
                    raise
                rest = Span(frame, plan.track.grid.chunk(index).end - frame)
                return await plan.track.span(plan.recipe, rest, plan.encoding)

    async def _send_rest(
        self, out: trio.MemorySendChannel[Chunk | AuralisError], frame: int, error: AuralisError
    ) -> None:
        """The frames before the damaged place, then the error: the listener hears all that there is."""
        if isinstance(error, SourceCorrupt) and error.frame is not None and error.frame > frame:
            rest = Span(frame, error.frame - frame)
            try:
                await out.send(await self.plan.track.span(self.plan.recipe, rest, self.plan.encoding))
            except AuralisError as another:
                error = another
        await out.send(error)

    async def run_sender(self, source: trio.MemoryReceiveChannel[Chunk | AuralisError], outlet: Outlet) -> None:
        """Send what the channel brings as fast as the client has room, and note how it ended."""
        with source:
            async for chunk in source:
                if isinstance(chunk, AuralisError):
                    self.reason, self.error = "failed", chunk
                    return
                while self.next_frame < chunk.span.end:
                    wanted = min(self.plan.track.grid.packet_end(self.next_frame), chunk.span.end) - self.next_frame
                    room = await self._wait_for_room(wanted)
                    if not room:
                        self.reason = "stalled"
                        return
                    try:
                        piece = await self._cut(chunk, min(wanted, room))
                    except AuralisError as error:
                        self.reason, self.error = "failed", error
                        return
                    await outlet.send(piece)
                    self._sequence += 1
                    self.flow.sent += piece.span.frames
        self.reason = "completed"

    async def _wait_for_room(self, wanted: int) -> int:
        """How many frames may be sent, once it is all that are `wanted`, or any if the client gives credit.

        Zero when a client that is not paused gave no credit in time.
        """
        flow = self.flow
        while True:
            now_s = trio.current_time()
            room = flow.room(now_s)
            if room >= (wanted if flow.credit is None else 1):
                return room
            if flow.paused:
                await flow.changed.wait()
            elif flow.credit is None:
                await self.beat.sleep_until(flow.due_s(wanted))
            else:
                with trio.move_on_after(self.plan.stall_timeout_s) as patience:
                    await flow.changed.wait()
                if patience.cancelled_caught:
                    return 0

    async def _cut(self, chunk: Chunk, frames: int) -> Piece:
        """The next packet, of so many frames."""
        span = Span(self.next_frame, frames)
        data = await self._bytes_of(chunk, span)
        flags = (FIRST if self._sequence == 0 else 0) | (LAST if span.end == self.plan.track.total_frames else 0)
        return Piece(data, span, self._sequence, flags)

    async def _bytes_of(self, chunk: Chunk, span: Span) -> bytes | memoryview:
        encoding, track = self.plan.encoding, self.plan.track
        offset = span.start - chunk.span.start
        if encoding.sample_bytes is not None:
            size = encoding.frame_bytes(track.format.channels)
            return memoryview(chunk.data)[offset * size : (offset + span.frames) * size]
        number, within = divmod(offset, track.grid.packet_frames)
        if chunk.cuts and within == 0 and span.end == min(track.grid.packet_end(span.start), chunk.span.end):
            return memoryview(chunk.data)[chunk.cuts[number] : chunk.cuts[number + 1]]
        # A packet that credit or a seek cut short is encoded for itself.
        return (await track.span(self.plan.recipe, span, encoding)).data


@asynccontextmanager
async def open_stream(stream: Stream, outlet: Outlet) -> AsyncIterator[None]:
    """Run a stream for as long as the body runs; when the stream ends first, the body is cancelled.

    Afterwards `Stream.reason` is `completed`, `failed` or `stalled`, or None when the body ended it.
    """
    out, source = trio.open_memory_channel[Chunk | AuralisError](CHANNEL_CHUNKS)
    async with trio.open_nursery() as nursery:

        async def send_and_end() -> None:
            await stream.run_sender(source, outlet)
            nursery.cancel_scope.cancel()

        nursery.start_soon(stream.run_decoder, out, name=f"decode stream {stream.stream_id}")
        nursery.start_soon(send_and_end, name=f"send stream {stream.stream_id}")
        yield
        nursery.cancel_scope.cancel()
