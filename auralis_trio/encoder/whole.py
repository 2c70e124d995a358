"""A whole track as Ogg Opus or FLAC, written block by block to nobody in particular: each step returns its bytes.

Nothing can be put right afterwards where what was written has been sent already. So a FLAC stream says in its first
bytes how many frames will come, and leaves the checksum of all of them open, as the format allows.
"""

from typing import Protocol
from weakref import finalize

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import OPUS_RATE
from auralis_trio.audio.source import AudioFormat
from auralis_trio.encoder.av_encoder import LAYOUTS, AvEncoder
from auralis_trio.encoder.flac import flac_bits
from auralis_trio.encoder.opus import OpusFrames
from auralis_trio.encoder.pcm import quantise

_TOTAL_FRAMES = slice(21, 26)  # in the last 36 bits, behind "fLaC", the block's header and half of STREAMINFO


class WholeEncoder(Protocol):
    """Takes the blocks of a track, which follow each other from frame 0 on; at least one frame, or it has no head.

    Blocking, used by one thread at a time.
    """

    def write(self, block: Block) -> bytes:
        """What is complete with the next block; may be nothing yet."""

    def finish(self) -> bytes:
        """What is left after the last block."""


class _Sink:
    """A file that can only be written to; what was written is taken out in between."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._data)
        self._data.clear()
        return data


class OggOpus:
    """A track at 48 kHz as Ogg Opus (RFC 7845), exact to the frame when decoded."""

    def __init__(self, form: AudioFormat, bitrate_kbps: int) -> None:
        if form.sample_rate != OPUS_RATE:
            raise ValueError(f"Opus is made at {OPUS_RATE} Hz, not {form.sample_rate}")
        self._muxer = _Muxer("ogg", "libopus", OPUS_RATE)
        self._encoder = OpusFrames(self._muxer.stream.codec_context, form.channels, bitrate_kbps)

    def write(self, block: Block) -> bytes:
        """As `WholeEncoder.write`."""
        return self._muxer.mux(self._encoder.encode(block))

    def finish(self) -> bytes:
        """As `WholeEncoder.finish`."""
        return self._muxer.mux(self._encoder.finish()) + self._muxer.close()


class FlacStream:
    """A track as FLAC, with 16 bits where `form` has no more, else 24: the samples of its chunks as FLAC."""

    def __init__(self, form: AudioFormat, total_frames: int) -> None:
        self._source_bits = form.bits
        self._bits = flac_bits(form.bits)
        self._total_frames = total_frames
        self._muxer = _Muxer("flac", "flac", form.sample_rate)
        context = self._muxer.stream.codec_context
        context.sample_rate = form.sample_rate
        context.layout = LAYOUTS[form.channels - 1]
        context.format = "s16" if self._bits == 16 else "s32"
        context.options = {"bits_per_raw_sample": str(self._bits)}
        self._encoder = AvEncoder(context, "s16" if self._bits == 16 else "s32")
        self._begun = False

    def write(self, block: Block) -> bytes:
        """As `WholeEncoder.write`."""
        words = quantise(block, self._bits, self._source_bits)
        exact = words.astype(np.int16) if self._bits == 16 else words << 8  # FFmpeg takes the upper 24 of 32 bits
        return self._announced(self._muxer.mux(self._encoder.encode(exact)))

    def finish(self) -> bytes:
        """As `WholeEncoder.finish`."""
        return self._announced(self._muxer.mux(self._encoder.finish()) + self._muxer.close())

    def _announced(self, data: bytes) -> bytes:
        """The same, with the number of frames in the head of the stream (RFC 9639 section 8.2)."""
        if self._begun or not data:
            return data
        self._begun = True
        known = int.from_bytes(data[_TOTAL_FRAMES]) >> 36 << 36
        frames = self._total_frames if self._total_frames < 1 << 36 else 0
        return data[: _TOTAL_FRAMES.start] + (known | frames).to_bytes(5) + data[_TOTAL_FRAMES.stop :]


class _Muxer:
    """A container of one stream over a sink."""

    def __init__(self, container: str, codec: str, sample_rate: int) -> None:
        self._sink = _Sink()
        # Without the time and other chance in it: the same sound gives the same bytes.
        output = av.open(self._sink, "w", format=container, options={"fflags": "+bitexact"})
        assert isinstance(output, OutputContainer)
        self._output = output
        # Closing parts the container from its stream: otherwise they hold each other, and the threads of the encoder
        # with them, until Python looks for such circles. So it is closed also where it is left in the middle; by the
        # last who uses it, as that may be a thread that nobody waits for any more.
        finalize(self, output.close).atexit = False
        stream = output.add_stream(codec, rate=sample_rate)
        assert isinstance(stream, AudioStream)
        self.stream = stream

    def mux(self, packets: "list[Packet[Stream]]") -> bytes:
        """What packets become in the container, as far as it is complete."""
        for packet in packets:
            packet.stream = self.stream
            self._output.mux(packet)
        return self._sink.take()

    def close(self) -> bytes:
        """The end of the container."""
        self._output.close()
        return self._sink.take()
