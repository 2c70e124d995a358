"""Profiles for the tests of mastering: what a track with this balance and these figures would measure."""

import msgspec
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from auralis_trio.analysis import Profile
from auralis_trio.analysis.bands import BANDS
from auralis_trio.mastering.presets import MODEL
from auralis_trio.mastering.tone import through

USUAL: dict[str, float | None] = {
    "integrated_lufs": -18.0,
    "loudness_range_lu": 8.0,
    "true_peak_dbtp": -4.0,
    "stereo_correlation": 0.6,
    "flatness": 0.1,
    "cutoff_hz": None,
}
NOTHING: tuple[float | None, ...] = (None,) * BANDS
MODEL_DB = through(MODEL)


def profile_of(
    mid_db: NDArray[np.float64] | tuple[float | None, ...] | None = None,
    side_db: NDArray[np.float64] | tuple[float | None, ...] | None = None,
    channels: int = 2,
    sample_rate: int = 44_100,
    **values: float | None,
) -> Profile:
    """A track with this spectrum; that of the model at -30 dB, and a side 12 dB lower, if nothing else is said."""
    mid = MODEL_DB - 30.0 if mid_db is None else mid_db
    side = NOTHING if channels != 2 else MODEL_DB - 42.0 if side_db is None else side_db
    return Profile(
        sample_rate=sample_rate,
        channels=channels,
        total_frames=60 * sample_rate,
        quick=False,
        values=USUAL | values,
        reasons={},
        mid_db=tuple(mid),
        side_db=tuple(side),
        source_sha256=None,
    )


def silent(channels: int = 2) -> Profile:
    """A track without any sound: nothing could be measured."""
    return msgspec.structs.replace(profile_of(NOTHING, NOTHING, channels), values=dict.fromkeys(USUAL))


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Tracks of any balance, some with bands that hold nothing."""
    offsets = draw(st.lists(st.floats(-25.0, 25.0), min_size=2 * BANDS, max_size=2 * BANDS))
    empty = draw(st.integers(0, BANDS // 2))
    mid, side = (MODEL_DB - level + np.array(part) for level, part in ((30, offsets[:BANDS]), (40, offsets[BANDS:])))
    return profile_of(
        (*mid[: BANDS - empty], *NOTHING[:empty]),
        (*side[: BANDS - empty], *NOTHING[:empty]),
        integrated_lufs=draw(st.floats(-40.0, -5.0)),
        true_peak_dbtp=draw(st.floats(-20.0, 4.0)),
        stereo_correlation=draw(st.none() | st.floats(-1.0, 1.0)),
        flatness=draw(st.none() | st.floats(0.0, 1.0)),
        cutoff_hz=draw(st.none() | st.floats(8_000.0, 20_000.0)),
    )
