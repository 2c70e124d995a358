"""What kinds of file there are, what can be done with each, and in what forms sound leaves the server."""

from dataclasses import dataclass
from typing import Any, get_args

from quart import Response

from auralis_trio.audio.encoding import OPUS_RATE, Encoding
from auralis_trio.audio.formats import FORMATS, FileFormat
from auralis_trio.encoder.flac import WORD_BITS
from auralis_trio.web.answers import json_response
from auralis_trio.web.query import NoParameters, query
from auralis_trio.web.routes import Route
from auralis_trio.web.stream_api import CHUNK_ENCODINGS, MAX_OPUS_KBPS, MEDIA_TYPES, MIN_OPUS_KBPS, WavEncoding
from auralis_trio.wire.wishes import SampleRate

WAV_ENCODINGS: list[str] = list(get_args(WavEncoding))
WAV_BITS = sorted({8 * (Encoding.named(label).sample_bytes or 0) for label in WAV_ENCODINGS})


@dataclass(frozen=True)
class FormatsApi:
    """What stands under `/api/audio`."""

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        return [Route("GET", "/api/audio/formats", self.formats)]

    async def formats(self) -> Response:
        """Each format of files and what is done with it; each form of whole tracks, chunks and packets."""
        query(NoParameters)
        return json_response(
            {
                "input_formats": [_described(row) for row in FORMATS],
                "output_formats": _whole_tracks(),
                "chunk_encodings": [encoding.label for encoding in CHUNK_ENCODINGS],
                "packet_encodings": [encoding.label for encoding in Encoding if encoding.number],
                "sample_rates": get_args(SampleRate),
                "bit_depths": sorted({*WAV_BITS, *WORD_BITS}),
            }
        )


def _described(row: FileFormat) -> dict[str, Any]:
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


def _whole_tracks() -> list[dict[str, Any]]:
    """The forms of `/api/stream/ID/audio.NAME`; no bit depths stand for none, no sample rates for all."""
    rates: dict[str, Any] = {"sample_rates": get_args(SampleRate)}
    opus, kbps = MEDIA_TYPES[Encoding.OPUS], {"min_bitrate_kbps": MIN_OPUS_KBPS, "max_bitrate_kbps": MAX_OPUS_KBPS}
    return [
        {"name": "wav", "media_type": MEDIA_TYPES[Encoding.WAV], "encodings": WAV_ENCODINGS, "bit_depths": WAV_BITS}
        | rates,
        {"name": "flac", "media_type": MEDIA_TYPES[Encoding.FLAC], "bit_depths": WORD_BITS} | rates,
        {"name": "opus", "media_type": opus, "bit_depths": [], "sample_rates": [OPUS_RATE]} | kbps,
    ]
