"""A slow gain that brings loud and quiet parts of a track nearer to each other: a curve over the whole track."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN
from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.recipe import AUTOMATION_GRAINS

FREE_RANGE_LU = 12.0
"""A loudness range up to here is left alone."""

DEEPEST_DB = 20.0
"""Parts this far from the mean are the most that is listened to: an end that fades out goes on fading out."""

_LEVEL_S = 1.5
_COURSE_S = 2.5


def levelling_db(heard: Heard, total_frames: int, range_lu: float | None, share: float) -> tuple[float, ...]:
    """The knots of the gain, in dB, that takes `share` of the loudness range above 12 LU away; none if it is less.

    None either where the range is unknown or the ledger is not of the whole track.
    """
    hops = len(heard.peak_db)
    if range_lu is None or range_lu <= FREE_RANGE_LU or share <= 0.0 or not heard.covers(total_frames):
        return ()
    slope = share * (range_lu - FREE_RANGE_LU) / range_lu
    power = heard.summed(heard.weights[np.newaxis], heard.weights[np.newaxis])[0].astype(np.float64)
    level_db = 10.0 * np.log10(gaussian_filter1d(power, _LEVEL_S / heard.hop_s, mode="nearest") + 1e-12)
    far_db = level_db - 10.0 * np.log10(power.mean() + 1e-12)
    course_db = gaussian_filter1d(DEEPEST_DB * np.tanh(far_db / DEEPEST_DB), _COURSE_S / heard.hop_s, mode="nearest")
    knot_hops = AUTOMATION_GRAINS * LEDGER_HOPS_PER_GRAIN
    places = np.arange(-(-hops // knot_hops) + 1) * knot_hops
    knots = -slope * np.interp(places, np.arange(hops) + 0.5, course_db)
    return tuple(float(knot) + 0.0 for knot in np.round(knots, 3))
