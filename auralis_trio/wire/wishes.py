"""What a listener wants to hear, in the words that HTTP and WebSocket clients use for it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
PresetName = Literal["adaptive", "gentle", "warm", "bright", "punchy", "live"]
Intensity = Annotated[float, Meta(ge=0, le=1)]
SampleRate = Literal[
    8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000, 176_400, 192_000
]  # fmt: skip


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How a track is to sound.

    Preset and intensity say how it is mastered: as an album if `album`, or after the track `reference` instead of a
    preset. `match_loudness` turns the louder of original and mastered down to the other, whichever is heard.
    """

    enhanced: bool = False
    preset: PresetName = "adaptive"
    intensity: Intensity = 1.0
    match_loudness: bool = False
    album: bool = False
    reference: Id | None = None

    @property
    def plain(self) -> bool:
        """Whether the track is wanted just as it was recorded."""
        return not self.enhanced and not self.match_loudness


def wish_in(message: Wish) -> Wish:
    """The wish alone, where it stands among other things."""
    return Wish(**{name: getattr(message, name) for name in Wish.__struct_fields__})


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """A wish of which only a part was said; the rest is as the listeners' settings have it."""

    enhanced: bool | None = None
    preset: PresetName | None = None
    intensity: Intensity | None = None
    match_loudness: bool | None = None
    album: bool = False
    reference: Id | None = None

    def within(self, settings: Wish) -> Wish:
        """The whole wish."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(settings, **{"album": False, "reference": None, **said})
