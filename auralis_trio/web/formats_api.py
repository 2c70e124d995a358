"""What kinds of file there are, what can be done with each, and in what forms sound leaves the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, get_args

from auralis_trio.audio.encoding import OPUS_RATE, Encoding
from auralis_trio.audio.formats import FORMATS, FileFormat
from auralis_trio.encoder.flac import WORD_BITS
from auralis_trio.web.routes import Route
from auralis_trio.web.stream_api import CHUNK_ENCODINGS, MAX_OPUS_KBPS, MEDIA_TYPES, MIN_OPUS_KBPS, WavEncoding
from auralis_trio.wire.wishes import SampleRate

WAV_ENCODINGS: list[str] = list(get_args(WavEncoding))
WAV_BITS = sorted({8 * (Encoding.named(label).sample_bytes or 0) for label in WAV_ENCODINGS})


class InputFormat(TypedDict):
    """A format of files, and what is done with it."""

    name: str
    extensions: Sequence[str]
    media_type: str
    scan: bool
    play: bool
    tag: bool
    upload: bool
    max_channels: int
    min_sample_rate: int
    max_sample_rate: int


class OutputFormat(TypedDict):
    """A form of `/api/stream/ID/audio.NAME`; no bit depths stand for none."""

    name: str
    media_type: str
    bit_depths: Sequence[int]
    sample_rates: Sequence[int]
    encodings: NotRequired[Sequence[str]]
    min_bitrate_kbps: NotRequired[int]
    max_bitrate_kbps: NotRequired[int]


class AudioFormats(TypedDict):
    """What goes in and out, and in which steps."""

    input_formats: list[InputFormat]
    output_formats: list[OutputFormat]
    chunk_encodings: list[str]
    packet_encodings: list[str]
    sample_rates: Sequence[int]
    bit_depths: list[int]


@dataclass(frozen=True)
class FormatsApi:
    """What stands under `/api/audio`."""

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [Route("GET", "/api/audio/formats", self.formats)]

    async def formats(self) -> AudioFormats:
        """Each format of files and what is done with it; each form of whole tracks, chunks and packets."""
        return {
            "input_formats": [_described(row) for row in FORMATS],
            "output_formats": _whole_tracks(),
            "chunk_encodings": [encoding.label for encoding in CHUNK_ENCODINGS],
            "packet_encodings": [encoding.label for encoding in Encoding if encoding.number],
            "sample_rates": get_args(SampleRate),
            "bit_depths": sorted({*WAV_BITS, *WORD_BITS}),
        }


def _described(row: FileFormat) -> InputFormat:
    return {
        "name": row.name,
        "extensions": row.suffixes,
        "media_type": row.media_type,
        "scan": row.scan,
        "play": row.play,
        "tag": row.tag,
        "upload": row.upload,
        "max_channels": row.max_channels,
        "min_sample_rate": row.min_rate,
        "max_sample_rate": row.max_rate,
    }


def _whole_tracks() -> list[OutputFormat]:
    """The forms of `/api/stream/ID/audio.NAME`; no bit depths stand for none, no sample rates for all."""
    rates = get_args(SampleRate)
    wav, flac, opus = (MEDIA_TYPES[encoding] for encoding in (Encoding.WAV, Encoding.FLAC, Encoding.OPUS))
    return [
        {
            "name": "wav",
            "media_type": wav,
            "encodings": WAV_ENCODINGS,
            "bit_depths": WAV_BITS,
            "sample_rates": rates,
        },
        {"name": "flac", "media_type": flac, "bit_depths": WORD_BITS, "sample_rates": rates},
        {
            "name": "opus",
            "media_type": opus,
            "bit_depths": [],
            "sample_rates": [OPUS_RATE],
            "min_bitrate_kbps": MIN_OPUS_KBPS,
            "max_bitrate_kbps": MAX_OPUS_KBPS,
        },
    ]
