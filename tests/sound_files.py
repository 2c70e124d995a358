"""Writes a real file of every kind in the table of formats, from samples; nothing of this is ever committed.

The PyAV encoders get their frames through a converter, since PyAV itself cannot fill more than seven planes.
"""

from fractions import Fraction

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer

from auralis_trio.audio.block import Samples
from auralis_trio.audio.formats import format_named

LOSSLESS = ("wav", "rf64", "w64", "aiff", "au", "caf", "flac", "ogg_flac", "alac", "wavpack", "tta")

_SOUNDFILE = {
    "wav": "WAV",
    "rf64": "RF64",
    "w64": "W64",
    "aiff": "AIFF",
    "au": "AU",
    "caf": "CAF",
    "flac": "FLAC",
    "mp3": "MP3",
    "vorbis": "OGG",
}
_AV = {  # container, codec, sample format at 16 and at 24 bits
    "opus": ("ogg", "libopus", "flt", "flt"),
    "ogg_flac": ("ogg", "flac", "s16", "s32"),
    "m4a": ("ipod", "aac", "fltp", "fltp"),
    "alac": ("ipod", "alac", "s16p", "s32p"),
    "aac": ("adts", "aac", "fltp", "fltp"),
    "wma": ("asf", "wmav2", "fltp", "fltp"),
    "wavpack": ("wv", "wavpack", "s16p", "s32p"),
    "tta": ("tta", "tta", "s16", "s32"),
}
_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1", "7.1")
_ALAC_LAYOUTS = {7: "6.1(back)", 8: "7.1(wide)"}
_TO_VORBIS = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 4, 5, 3],
    7: [0, 2, 1, 5, 6, 4, 3],
    8: [0, 2, 1, 6, 7, 4, 5, 3],
}
_WRITE_FRAMES = 4096  # libsndfile crashes when it is to encode a long Vorbis file in one go


def music(frames: int, channels: int = 2, sample_rate: int = 44_100, seed: int = 0) -> Samples:
    """A sweep with some noise, another one in each channel: no two places sound the same."""
    noise = np.random.default_rng(seed)
    time_s = np.arange(frames) / sample_rate
    phase = 2 * np.pi * (220 * time_s + 0.06 * sample_rate / 2 * time_s**2)
    voices = [0.4 * np.sin(phase * (1 + 0.1 * channel)) for channel in range(channels)]
    return (np.stack(voices, axis=1) + 0.02 * noise.standard_normal((frames, channels))).astype(np.float32)


def quantised(samples: Samples, bits: int) -> Samples:
    """What a lossless file of this word length gives back."""
    full_scale = float(1 << (bits - 1))
    words = np.clip(np.rint(samples * full_scale), -full_scale, full_scale - 1)
    return np.asarray(words / full_scale, np.float32)


def shortest(kind: str, channels: int) -> int:
    """How many frames the encoder at hand needs not to fail or crash."""
    if kind == "alac" and channels > 2:
        return 4096
    return 2 if kind == "tta" else 1


def can_hold(kind: str, channels: int, sample_rate: int) -> bool:
    """Whether the encoder at hand makes such a file."""
    row = format_named(kind)
    if not (channels <= row.max_channels and row.min_rate <= sample_rate <= row.max_rate):
        return False
    return kind != "wma" or (channels <= 2 and sample_rate <= 48_000)


def write(path: str, kind: str, samples: Samples, sample_rate: int, bits: int = 16) -> None:
    """Write `samples` as a file of `kind`; `bits` is 16 or 24 and means something for the lossless ones."""
    if kind in _SOUNDFILE:
        _write_soundfile(path, kind, samples, sample_rate, bits)
    else:
        _write_av(path, kind, samples, sample_rate, bits)


def _write_soundfile(path: str, kind: str, samples: Samples, sample_rate: int, bits: int) -> None:
    subtype = {"mp3": None, "vorbis": "VORBIS"}.get(kind, f"PCM_{bits}")
    exact: np.ndarray = samples if kind in ("mp3", "vorbis") else _as_integers(samples, bits, np.int32)
    if kind == "vorbis" and samples.shape[1] in _TO_VORBIS:
        exact = samples[:, _TO_VORBIS[samples.shape[1]]]
    with soundfile.SoundFile(path, "w", sample_rate, samples.shape[1], subtype, format=_SOUNDFILE[kind]) as file:
        for start in range(0, len(samples), _WRITE_FRAMES):
            file.write(exact[start : start + _WRITE_FRAMES])


def _as_integers(samples: Samples, bits: int, kind: type[np.int16] | type[np.int32]) -> np.ndarray:
    """The samples as words of `bits`, left-aligned."""
    words = np.rint(quantised(samples, bits).astype(np.float64) * 2.0 ** (bits - 1))
    return (words * 2.0 ** (np.iinfo(kind).bits - bits)).astype(kind)


def _write_av(path: str, kind: str, samples: Samples, sample_rate: int, bits: int) -> None:
    container, codec, *formats = _AV[kind]
    sample_format = formats[bits == 24]
    channels = samples.shape[1]
    layout = _ALAC_LAYOUTS.get(channels, _LAYOUTS[channels - 1]) if kind == "alac" else _LAYOUTS[channels - 1]
    with av.open(path, "w", format=container) as output:
        stream = output.add_stream(codec, rate=sample_rate, layout=layout, options={"bits_per_raw_sample": str(bits)})
        assert isinstance(stream, AudioStream)
        stream.codec_context.format = sample_format
        if kind in ("m4a", "aac", "wma"):
            stream.codec_context.bit_rate = 96_000 * channels
        stream.codec_context.open()
        _encode(output, stream, samples, sample_format, layout, bits)


def _encode(
    output: OutputContainer, stream: AudioStream, samples: Samples, sample_format: str, layout: str, bits: int
) -> None:
    packed, rate = sample_format.rstrip("p"), stream.codec_context.sample_rate
    data: np.ndarray = samples
    if packed in ("s16", "s32"):
        data = _as_integers(samples, bits, np.int16 if packed == "s16" else np.int32)
    step = stream.codec_context.frame_size or _WRITE_FRAMES
    converter = AudioResampler(format=sample_format, layout=layout, rate=rate, frame_size=step)
    for start in range(0, len(data), step):
        block = np.ascontiguousarray(data[start : start + step]).reshape(1, -1)
        frame = AudioFrame.from_ndarray(block, format=packed, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        for converted in converter.resample(frame):
            output.mux(stream.encode(converted))
    for converted in converter.resample(None):
        output.mux(stream.encode(converted))
    output.mux(stream.encode(None))
