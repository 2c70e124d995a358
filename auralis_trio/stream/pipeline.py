"""One stream: a decoder task, a bounded channel, a sender task, in a nursery that ends with the stream.

    decoder task --> channel of CHANNEL_CHUNKS chunks --> sender task --> outlet (the client)
      renders          full: the decoder waits              waits for room (credit or pace), cuts packets

The sender never has more than a packet in hand that the client did not ask for, so a client that stops reading
stops its decoder within the chunks that the channel holds. Cancelling the nursery is how a stream is ended early;
what was under way is finished or thrown away before `open_stream` is left, and nothing of it can follow.
"""

from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

import msgspec
import trio

from auralis_trio.audio.grid import Span
from auralis_trio.errors import AuralisError, SourceCorrupt, SourceNotReady
from auralis_trio.stream.beat import Beat
from auralis_trio.stream.credit import Flow
from auralis_trio.stream.plan import Ending, Plan
from auralis_trio.stream.telling import StreamNow
from auralis_trio.stream.traffic import Traffic
from auralis_trio.wire.packets import FIRST, LAST
from auralis_trio.work.rendering import Chunk

CHANNEL_CHUNKS = 1
NOT_READY_TRIES = 6


class Outlet(Protocol):
    """Where the packets of a stream go."""

    async def send(self, piece: "Piece") -> None:
        """Send one packet as a whole, or be cancelled before any of it; waits while the client takes nothing."""


class Piece(msgspec.Struct, frozen=True):
    """One packet before it has a form: encoded frames, their place and their number in the stream."""

    data: bytes | memoryview
    span: Span
    sequence: int
    flags: int


@dataclass
class Stream:
    """A running stream: its flow, what its decoder does `ahead` when all is decoded, and how it ended once it has.

    It has `begun` when its first packet was sent.
    """

    stream_id: int
    plan: Plan
    flow: Flow
    beat: Beat
    ahead: Callable[[], Awaitable[None]] | None = None
    ending: Ending | None = None
    traffic: Traffic = field(default_factory=Traffic)
    reason: str | None = None
    error: AuralisError | None = None
    begun: trio.Event = field(default_factory=trio.Event)
    _settled: bool = field(default=False)
    _sequence: int = field(default=0)
    _channel: trio.MemoryReceiveChannel[Chunk | AuralisError] | None = field(default=None)

    @property
    def next_frame(self) -> int:
        """The first frame that was not sent."""
        return self.plan.start_frame + self.flow.sent

    def statistics(self) -> StreamNow:
        """How far it has come, and what its two tasks wait for."""
        held = None if self._channel is None else self._channel.statistics()
        return {
            "stream_id": self.stream_id,
            "track_id": self.plan.track.file.track_id,
            "start_frame": self.plan.start_frame,
            "frames_sent": self.flow.sent,
            "frames_played": self.flow.played,
            "credit": self.flow.credit,
            "paused": self.flow.paused,
            "channel_chunks": None if held is None else held.current_buffer_used,
            "decoder_waits_for": None if held is None else _decoder_waits_for(held),
            "sender_waits_for": None if held is None else self._sender_waits_for(held),
        }

    def _sender_waits_for(self, held: trio.MemoryChannelStatistics) -> str | None:
        """None where it has ended."""
        if not held.open_receive_channels:
            return None
        if held.tasks_waiting_receive:
            return "decoder"
        track, frame = self.plan.track, self.next_frame
        whole = self.flow.credit is None or self.plan.feed is not None
        wanted = min(track.grid.packet_end(frame), track.total_frames) - frame if whole else 1
        return self.flow.waits_for(wanted, trio.current_time()) or "client"

    async def run_decoder(self, out: trio.MemorySendChannel[Chunk | AuralisError]) -> None:
        """Render the track chunk by chunk into the channel; a source that fails ends it with its error."""
        frame = self.plan.start_frame
        # A sender that ended first has closed the other end: then there is nobody left to decode for.
        with out, suppress(trio.BrokenResourceError):
            try:
                while frame < self.plan.track.total_frames:
                    await self._settle_before(frame)
                    chunk = await self._first_packets(frame) or await self._chunk_from(frame)
                    last = chunk.span.end == self.plan.track.total_frames
                    await out.send(await self._encoded(chunk, last=last))
                    frame = chunk.span.end
            except AuralisError as error:
                self._undo_ending()
                await self._send_rest(out, frame, error)
        if self.ahead is not None:
            await self.ahead()

    async def _settle_before(self, frame: int) -> None:
        """Know where the track ends before the chunk with this frame, if that may be near the end."""
        track, ending = self.plan.track, self.ending
        if ending is None or self._settled:
            return
        if track.grid.chunk(track.grid.chunk_of(frame)).end > ending.near_frame:
            self._settled = True
            self.plan = replace(self.plan, track=await ending.settle())

    def _undo_ending(self) -> None:
        if self.ending is not None:
            self.ending.undo()

    async def _first_packets(self, frame: int) -> Chunk | None:
        """What is heard while the first chunk is made; one that is damaged or not decoded yet says so itself."""
        with suppress(SourceCorrupt, SourceNotReady):
            if frame == self.plan.start_frame:
                return await self.plan.track.first_packets(self.plan.sound, frame, self.plan.rendered_as)
        return None

    async def _chunk_from(self, frame: int) -> Chunk:
        """The chunk that `frame` lies in; of one that is damaged before `frame`, what follows."""
        plan, tries, index = self.plan, 0, self.plan.track.grid.chunk_of(frame)
        while True:
            try:
                return await plan.track.packets(plan.sound, index, plan.rendered_as)
            except SourceNotReady:
                # Each try decodes further ahead; what is reached stays.
                tries += 1
                if tries == NOT_READY_TRIES:
                    raise
            except SourceCorrupt as error:
                if error.frame is None or error.frame >= frame:
                    raise
                rest = Span(frame, plan.track.grid.chunk(index).end - frame)
                return await plan.track.span(plan.sound, rest, plan.rendered_as)

    async def _send_rest(
        self, out: trio.MemorySendChannel[Chunk | AuralisError], frame: int, error: AuralisError
    ) -> None:
        """The frames before the damaged place, then the error: the listener hears all that there is."""
        plan, rest = self.plan, Chunk(Span(frame, 0), b"")
        try:
            if isinstance(error, SourceCorrupt) and error.frame is not None and error.frame > frame:
                rest = await plan.track.span(plan.sound, Span(frame, error.frame - frame), plan.rendered_as)
            await out.send(await self._encoded(rest, last=True))
        except AuralisError as another:
            error = another
        await out.send(error)

    async def _encoded(self, chunk: Chunk, *, last: bool) -> Chunk:
        """What the stream's own encoder, if it has one, makes of the next chunk."""
        feed = self.plan.feed
        return chunk if feed is None else await self.plan.track.encode(partial(feed.encode, chunk, last=last))

    async def run_sender(self, source: trio.MemoryReceiveChannel[Chunk | AuralisError], outlet: Outlet) -> None:
        """Send what the channel brings as fast as the client has room, and note how it ended."""
        with source:
            async for chunk in source:
                if isinstance(chunk, AuralisError):
                    self._fail(chunk)
                    return
                while (frame := self.next_frame) < chunk.span.end:
                    wanted = self._packet_end(chunk, frame) - frame
                    room = await self._wait_for_room(wanted, whole=bool(chunk.ends))
                    if not room:
                        self.reason = "stalled"
                        return
                    try:
                        piece = await self._cut(chunk, min(wanted, room))
                    except AuralisError as error:
                        self._fail(error)
                        return
                    dry = self.flow.ran_dry
                    await outlet.send(piece)
                    self.begun.set()
                    self._sequence += 1
                    self.flow.sent += piece.span.frames
                    self.traffic.note(piece.span.frames, len(piece.data), dry=dry)
        self.reason = "completed"

    def _fail(self, error: AuralisError) -> None:
        self.reason, self.error = "failed", error
        self._undo_ending()

    def _packet_end(self, chunk: Chunk, frame: int) -> int:
        """The first frame behind the packet that begins at `frame`."""
        if chunk.ends:
            return chunk.ends[bisect_right(chunk.ends, frame)]
        return min(self.plan.track.grid.packet_end(frame), chunk.span.end)

    async def _wait_for_room(self, wanted: int, *, whole: bool) -> int:
        """How many frames may be sent, once it is all that are `wanted`, or any if the client gives credit.

        What can only be sent `whole` waits for credit for all of it. Zero when a client that is not paused gave no
        credit in time. Always a checkpoint: sending may be none.
        """
        flow = self.flow
        needed = wanted if whole or flow.credit is None else 1
        room = flow.room(trio.current_time())
        if room >= needed:
            await trio.lowlevel.checkpoint()
            room = flow.room(trio.current_time())
        while room < needed:
            if flow.paused:
                await flow.changed.wait()
            elif flow.credit is None:
                await self.beat.sleep_until(flow.due_s(wanted))
            else:
                with trio.move_on_after(self.plan.stall_timeout_s) as patience:
                    await flow.changed.wait()
                if patience.cancelled_caught:
                    return 0
            room = flow.room(trio.current_time())
        return room

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
        if chunk.ends:
            number = bisect_left(chunk.ends, span.end)
            return memoryview(chunk.data)[chunk.cuts[number] : chunk.cuts[number + 1]]
        number, within = divmod(offset, track.grid.packet_frames)
        if chunk.cuts and within == 0 and span.end == min(track.grid.packet_end(span.start), chunk.span.end):
            return memoryview(chunk.data)[chunk.cuts[number] : chunk.cuts[number + 1]]
        # A packet that credit or a seek cut short is encoded for itself.
        return (await track.span(self.plan.sound, span, encoding)).data


def _decoder_waits_for(held: trio.MemoryChannelStatistics) -> str | None:
    """None where all is decoded."""
    if not held.open_send_channels:
        return None
    return "sender" if held.tasks_waiting_send else "render"


@asynccontextmanager
async def open_stream(stream: Stream, outlet: Outlet) -> AsyncIterator[None]:
    """Run a stream for as long as the body runs; when the stream ends first, the body is cancelled.

    Afterwards `Stream.reason` is `completed`, `failed` or `stalled`, or None when the body ended it, and its plan has
    no `feed` any more.
    """
    out, source = trio.open_memory_channel[Chunk | AuralisError](CHANNEL_CHUNKS)
    stream._channel = source
    try:
        async with trio.open_nursery() as nursery:

            async def send_and_end() -> None:
                await stream.run_sender(source, outlet)
                nursery.cancel_scope.cancel()

            nursery.start_soon(stream.run_decoder, out, name=f"decode stream {stream.stream_id}")
            nursery.start_soon(send_and_end, name=f"send stream {stream.stream_id}")
            yield
            nursery.cancel_scope.cancel()
    finally:
        # A stream is remembered for what was heard of it, and a session that is gone refers to itself: its encoder,
        # which has threads, waits for neither.
        stream.plan = replace(stream.plan, feed=None)
