"""In which forms samples can leave the server."""

from enum import Enum

OPUS_RATE = 48_000
"""The one sample rate of Opus: whatever else a track has is resampled to it before."""


class Encoding(Enum):
    """A form of encoded audio: its name in URLs and messages, its number in packets (0: not in packets).

    Words of 32 bits are for files alone.
    """

    S16 = ("s16", 1, 2)
    S24 = ("s24", 2, 3)
    F32 = ("f32", 3, 4)
    FLAC = ("flac", 4, None)
    OPUS = ("opus", 5, None)
    WAV = ("wav", 0, None)
    S32 = ("s32", 0, 4)

    def __init__(self, label: str, number: int, sample_bytes: int | None) -> None:
        self.label = label
        self.number = number
        self.sample_bytes = sample_bytes

    @classmethod
    def named(cls, label: str) -> "Encoding":
        """The encoding called `label`.

        Raises:
            KeyError: there is none of that name.
        """
        for encoding in cls:
            if encoding.label == label:
                return encoding
        raise KeyError(label)

    def frame_bytes(self, channels: int) -> int:
        """Bytes of one frame; only for the plain PCM encodings."""
        if self.sample_bytes is None:
            raise TypeError(f"{self.label} has no fixed frame size")
        return self.sample_bytes * channels
