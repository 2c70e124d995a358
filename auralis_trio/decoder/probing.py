"""What a quick look at a file tells; no decoder is loaded for it."""

import msgspec

from auralis_trio.audio.format import AudioFormat
from auralis_trio.audio.formats import format_named
from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.identity import identify
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceUnsupported


class Probed(msgspec.Struct, frozen=True):
    """What a quick look at a file tells. `kind` is a name in the table of formats.

    `total_frames` is None where only decoding tells the length. `content_id` stays when tags change.
    """

    kind: str
    format: AudioFormat
    total_frames: int | None
    content_id: str

    @property
    def bits(self) -> int | None:
        """The source's integer word length."""
        return self.format.bits


def describe(file: RegularFile, mapped: FileMap, outline: Outline) -> Probed:
    """A file by its map, and what its headers or its decoder tell of it.

    Raises:
        SourceUnsupported: it is beyond what is played.
    """
    check_limits(mapped.kind, outline.format)
    content_id = identify(file, mapped, outline)
    return Probed(mapped.kind, outline.format, outline.total_frames, content_id)


def check_limits(kind: str, audio_format: AudioFormat) -> None:
    """Make sure that a file of this kind may sound like that.

    Raises:
        SourceUnsupported: its sample rate or its channels are beyond what is played.
    """
    row = format_named(kind)
    rate_fits = row.min_rate <= audio_format.sample_rate <= row.max_rate
    if not (rate_fits and 1 <= audio_format.channels <= row.max_channels):
        raise SourceUnsupported(
            f"This track has {audio_format.channels} channels at {audio_format.sample_rate} Hz, which is not played."
        )
