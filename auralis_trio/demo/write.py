"""Samples -> the bytes of a file, without tags: libsndfile for everything but M4A, which libavcodec makes."""

from io import BytesIO

import av
import numpy as np
import soundfile

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import Check, never_cancelled
from auralis_trio.demo.pieces import Format

_BLOCK_FRAMES = 4096  # libsndfile's Vorbis encoder overruns its stack with more


def encode_file(samples: Samples, sample_rate: int, format: Format, check: Check = never_cancelled) -> bytes:
    """The bytes of a `format` file that holds `samples` (frames, channels); AAC takes one or two channels."""
    if format is Format.AAC:
        return _encode_aac(samples, sample_rate, check)
    out = BytesIO()
    with soundfile.SoundFile(
        out, "w", sample_rate, samples.shape[1], format=format.container, subtype=format.subtype
    ) as file:
        for start in range(0, len(samples), _BLOCK_FRAMES):
            check()
            file.write(samples[start : start + _BLOCK_FRAMES])
    return out.getvalue()


def _encode_aac(samples: Samples, sample_rate: int, check: Check) -> bytes:
    """AAC in M4A; the edit list counts in frames, so that it states the exact length."""
    out = BytesIO()
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    options = {"movie_timescale": str(sample_rate)}
    with av.open(out, "w", format="ipod", options=options) as container:
        stream = container.add_stream("aac", rate=sample_rate, layout=layout)
        stream.bit_rate = 96_000 * samples.shape[1]
        for start in range(0, len(samples), _BLOCK_FRAMES):
            check()
            planes = np.ascontiguousarray(samples[start : start + _BLOCK_FRAMES].T)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = sample_rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()
