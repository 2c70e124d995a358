"""Opus (RFC 6716): one encoder for one stream, whose blocks follow each other without a gap.

An encoder is stateful, so its packets are no pure function of a place in the track: each stream has its own, and a
seek begins another. It is exact to the frame all the same: it is late by `pre_skip_frames`, which a client drops from
what it decodes first, and each packet says how many frames of the track it brings; of what the last one decodes to, a
client keeps only those (as in RFC 7845 section 4).
"""

from typing import NamedTuple

import av
from av.audio.codeccontext import AudioCodecContext
from av.packet import Packet
from av.stream import Stream

from auralis_trio.audio.block import Block, sane
from auralis_trio.audio.encoding import OPUS_RATE
from auralis_trio.encoder.av_encoder import LAYOUTS, AvEncoder

PACKET_FRAMES = 2_880
"""60 ms: three times fewer packets than usual, and still the longest that every kind of decoder takes."""

DEFAULT_KBPS = 128
MAX_KBPS_PER_CHANNEL = 256


_MIXED_UP = {5: [0, 1, 4, 2, 3], 7: [0, 1, 4, 3, 5, 2, 6]}
"""The order in which FFmpeg has to be given the channels of what it mixes up, so that they come out right."""


class OpusPacket(NamedTuple):
    """One packet, to be decoded behind those before it, and how many frames of the track it brings."""

    data: bytes
    frames: int


class OpusFrames:
    """The encoder of libopus over `context`, for `channels` (1 to 8) in the order of WAV; packets as FFmpeg has them.

    The time stamps of packets begin before 0, by the delay, and the last duration is cut to what counts.
    """

    def __init__(self, context: AudioCodecContext, channels: int, bitrate_kbps: int) -> None:
        context.sample_rate = OPUS_RATE
        context.layout = LAYOUTS[channels - 1]
        context.format = "flt"
        context.bit_rate = 1000 * min(bitrate_kbps, MAX_KBPS_PER_CHANNEL * channels)
        duration_ms = 1000 * PACKET_FRAMES // OPUS_RATE
        context.options = {"frame_duration": str(duration_ms), "application": "audio", "vbr": "on"}
        self._order = _MIXED_UP.get(channels)
        self._encoder = AvEncoder(context, "flt")

    @property
    def head(self) -> bytes:
        """The identification header (RFC 7845 section 5.1), which decoders are set up with."""
        return self._encoder.extradata

    def encode(self, block: Block) -> "list[Packet[Stream]]":
        """The packets that are whole with the next block."""
        samples = sane(block.samples)
        return self._encoder.encode(samples if self._order is None else samples[:, self._order])

    def finish(self) -> "list[Packet[Stream]]":
        """The last packets: with them every frame has been brought."""
        return self._encoder.finish()


class OpusEncoder:
    """Encodes the blocks of one stream, at 48 kHz, in packets of `PACKET_FRAMES`."""

    def __init__(self, channels: int, bitrate_kbps: int = DEFAULT_KBPS) -> None:
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, AudioCodecContext)
        self._frames = OpusFrames(context, channels, bitrate_kbps)
        self.head = self._frames.head
        self.pre_skip_frames = int.from_bytes(self.head[10:12], "little")

    def encode(self, block: Block) -> list[OpusPacket]:
        """The packets that are whole with the next block."""
        return [_counted(packet) for packet in self._frames.encode(block)]

    def finish(self) -> list[OpusPacket]:
        """The last packets: with them every frame has been brought."""
        return [_counted(packet) for packet in self._frames.finish()]


def _counted(packet: "Packet[Stream]") -> OpusPacket:
    assert packet.pts is not None
    assert packet.duration is not None
    return OpusPacket(bytes(packet), packet.duration - max(0, -packet.pts))
