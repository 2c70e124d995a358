"""What a client makes of Opus packets: FFmpeg's own decoder, which knows nothing of where they are to be cut."""

from collections.abc import Iterable

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler

from auralis_trio.audio.block import Samples


def decoded(packets: Iterable[bytes], head: bytes, pre_skip_frames: int, frames: int) -> Samples:
    """The frames of a stream that was described by `head`: so many, behind what is to be dropped first."""
    decoder = av.CodecContext.create("opus", "r")
    assert isinstance(decoder, AudioCodecContext)
    # With no delay in the header nothing is dropped behind our back.
    decoder.extradata = head[:10] + bytes(2) + head[12:]
    decoder.sample_rate = 48_000
    to_packed = AudioResampler(format="flt")  # PyAV cannot take apart more than seven planes
    blocks = [
        packed.to_ndarray().reshape(-1, packed.layout.nb_channels)
        for packet in packets
        for frame in decoder.decode(av.Packet(packet))
        for packed in to_packed.resample(frame)
    ]
    return np.asarray(np.concatenate(blocks)[pre_skip_frames : pre_skip_frames + frames], np.float32)
