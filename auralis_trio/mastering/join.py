"""A join: how the end of one track and the head of the next are heard at once, each with the sound of its own track.

The last `frames` of the leaving track and the first `frames` of the coming one lie over each other. The gains of both
follow from the frame's place in the join alone, so any part of a mix is that part of the whole mix, bit for bit. Two
different recordings do not correlate: their powers add up, and with gains of `cos` and `sin` the power stays what it
was. `linear` gains keep the amplitude of what does correlate, and never exceed the louder of the two.
"""

from typing import Literal

import msgspec
import numpy as np

from auralis_trio.audio.block import Samples, sane
from auralis_trio.mastering.recipe import AS_RECORDED, Recipe, Schedule, Sound

Curve = Literal["equal_power", "linear"]
MAX_CROSSFADE_S = 12.0


class Join(msgspec.Struct, frozen=True):
    """So many frames of two tracks at once, and how one gives way to the other."""

    frames: int
    curve: Curve = "equal_power"

    def gains(self, start: int, frames: int) -> tuple[Samples, Samples]:
        """The gains of the leaving and of the coming track from frame `start` of the join on, each (frames, 1)."""
        place = (np.arange(start, start + frames) + 0.5) / self.frames
        if self.curve == "linear":
            leaving, coming = 1.0 - place, place
        else:
            leaving, coming = np.cos(0.5 * np.pi * place), np.sin(0.5 * np.pi * place)
        return leaving.astype(np.float32)[:, np.newaxis], coming.astype(np.float32)[:, np.newaxis]

    def mix(self, leaving: Samples, coming: Samples, start: int) -> Samples:
        """Both tracks at once: the frames of each from frame `start` of the join on, of one shape."""
        out, into = self.gains(start, len(leaving))
        return sane(leaving) * out + sane(coming) * into


def join_frames(wanted_frames: int, leaving_frames: int, coming_frames: int) -> int:
    """How long a join of two tracks can be: as long as is wanted, and at most half of the shorter track.

    So the two joins of a track never meet.
    """
    return max(0, min(wanted_frames, leaving_frames // 2, coming_frames // 2))


def mix_recipe(leaving: Sound, coming: Sound) -> Recipe:
    """What is done to the mix: where both tracks keep below a ceiling, it is held below the higher of the two.

    Two peaks at once may be 3 dB above the ceiling of both. What is as recorded is mixed as recorded.
    """
    ceilings = [_final(sound).ceiling_dbtp for sound in (leaving, coming)]
    known = [ceiling for ceiling in ceilings if ceiling is not None]
    if len(known) < 2:
        return AS_RECORDED
    return Recipe(preset="join", intensity=1.0, ceiling_dbtp=max(known))


def _final(sound: Sound) -> Recipe:
    return sound.after if isinstance(sound, Schedule) else sound
