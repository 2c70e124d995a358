"""What is encoded along a whole stream and not chunk by chunk: one encoder takes the chunks, in order, as floats."""

import numpy as np

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import Span
from auralis_trio.encoder.opus import OpusEncoder
from auralis_trio.work.rendering import Chunk

CHUNK_ENCODING = Encoding.F32
"""How chunks come that are encoded here."""


def block_of(chunk: Chunk, channels: int) -> Block:
    """The frames of a chunk of `CHUNK_ENCODING`."""
    samples = np.frombuffer(chunk.data, "<f4").reshape(-1, channels)
    return Block(samples.astype(np.float32, copy=False), chunk.span.start)


class OpusFeed:
    """One stream's way through its encoder, from `start_frame` on; blocking, used by one thread at a time."""

    def __init__(self, channels: int, start_frame: int) -> None:
        self._channels = channels
        self._encoder = OpusEncoder(channels)
        self._taken = self._brought = start_frame
        self.head = self._encoder.head
        self.pre_skip_frames = self._encoder.pre_skip_frames

    def encode(self, chunk: Chunk, *, last: bool) -> Chunk:
        """The packets that are whole with the frames of the next chunk, from the stream's start on; all, if `last`.

        Its span is that of the packets: the encoder holds frames back until they are enough for one.
        """
        block = block_of(chunk, self._channels)
        block = Block(block.samples[self._taken - block.start_frame :], self._taken)
        self._taken = block.end_frame
        packets = self._encoder.encode(block) + (self._encoder.finish() if last else [])
        start, cuts, ends = self._brought, [0], []
        for packet in packets:
            self._brought += packet.frames
            ends.append(self._brought)
            cuts.append(cuts[-1] + len(packet.data))
        data = b"".join([packet.data for packet in packets])
        return Chunk(Span(start, self._brought - start), data, tuple(cuts), tuple(ends))
