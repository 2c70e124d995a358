"""What a track's PCM looks like."""

import msgspec


class AudioFormat(msgspec.Struct, frozen=True):
    """What a track's PCM looks like.

    `bits` is the source's integer word length; None where it has none (lossy or floating point).
    """

    sample_rate: int
    channels: int
    bits: int | None
