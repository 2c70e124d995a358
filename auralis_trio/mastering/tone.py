"""The curves of a recipe: how a track's balance is moved toward the model, and how wide its side becomes.

All curves are float64 of shape (40,), or rows of such, dB at the band centres. Everything here is continuous:
thresholds are soft and limits are curved, so that nearly equal tracks get nearly equal curves.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from auralis_trio.analysis.bands import BANDS, BANDS_PER_OCTAVE, CENTRES_HZ
from auralis_trio.analysis.profile import Profile
from auralis_trio.mastering.presets import MODEL, Points, Preset, Width

Curve = NDArray[np.float64]

DEAD_BAND_DB = 2.5
QUIET_DB = 60.0
"""Bands this far below the loudest one hold nothing that a boost would bring out."""

NOTHING_DB = -200.0
"""What stands for a band without any power."""

_FADE_DB = 16.0
_CUTOFF_FADE_OCTAVES = 0.5
_BASS_FADE_HZ = (85.0, 170.0)
_TREBLE_FADE_HZ = (1_500.0, 6_000.0)
_NOISY = (0.3, 0.7)
_OCTAVES = np.log2(CENTRES_HZ)
BALANCED = (CENTRES_HZ >= 80.0) & (CENTRES_HZ <= 8_000.0)
"""The bands whose mean stands for the level of a spectrum: from 80 Hz to 8 kHz."""

_SMOOTHING_BANDS = BANDS_PER_OCTAVE / np.sqrt(8.0 * np.log(2.0))  # half its height half an octave off the middle
_WINDOW = np.exp(-0.5 * (np.arange(-BANDS // 4, BANDS // 4 + 1) / _SMOOTHING_BANDS) ** 2)


def fade(value: float | Curve, start: float, end: float) -> Curve:
    """From 0 at `start` to 1 at `end`, smooth in between; `end` may lie below `start`."""
    place = np.clip((np.asarray(value) - start) / (end - start), 0.0, 1.0)
    return np.asarray(place * place * (3.0 - 2.0 * place))


def through(points: Points) -> Curve:
    """The curve through these points, straight over octaves and held on outside; flat without any."""
    if not points:
        return np.zeros(BANDS)
    frequencies_hz, levels_db = zip(*points, strict=True)
    return np.asarray(np.interp(_OCTAVES, np.log2(frequencies_hz), levels_db))


def powers(bands: tuple[float | None, ...]) -> Curve:
    """The mean powers of a spectrum that is given in dB; zero where there is nothing."""
    return np.array([0.0 if level_db is None else 10.0 ** (level_db / 10.0) for level_db in bands])


def in_db(power: Curve) -> Curve:
    """The levels of powers, with `NOTHING_DB` where there is nothing."""
    return np.asarray(10.0 * np.log10(np.maximum(power, 10.0 ** (NOTHING_DB / 10.0))))


def spectrum_db(profile: Profile) -> Curve | None:
    """The long-term spectrum of a track, mid and side together; None if there is nothing in it."""
    power = powers(profile.mid_db) + powers(profile.side_db)
    return in_db(power) if power.any() else None


def smoothed_octave(curve: Curve, weights: Curve) -> Curve:
    """The mean over about an octave around each band, by a Gaussian and `weights`; zero far from any weight."""
    total = correlate1d(curve * weights, _WINDOW, axis=-1, mode="constant")
    return np.asarray(total / (correlate1d(weights, _WINDOW, axis=-1, mode="constant") + 1e-3))


def presence(level_db: Curve, cutoff_hz: float | None) -> Curve:
    """How much there is in each band to be boosted: 1 for all, 0 for nothing, and none above a codec's cut-off."""
    quiet = level_db.max() - QUIET_DB
    heard = fade(level_db, quiet, quiet + _FADE_DB)
    if cutoff_hz is not None and cutoff_hz > 0.0:
        heard = heard * fade(np.log2(cutoff_hz) - _OCTAVES, 0.0, _CUTOFF_FADE_OCTAVES)
    return heard


def distance(level_db: Curve, heard: Curve) -> Curve:
    """How far the balance of a spectrum is from the model's, between 80 Hz and 8 kHz zero on average, smoothed.

    Bands without sound have no say, and no distance of their own.
    """
    raw = through(MODEL) - level_db
    weights = heard * BALANCED
    centred = raw - (weights @ raw) / (weights.sum() + 1e-3)
    return smoothed_octave(np.where(heard > 0.0, centred, 0.0), heard)


def equalizer_curve(preset: Preset, profile: Profile) -> Curve:
    """What the equalizer does at full intensity: part of the distance to the model, and the preset's own tilt.

    ``c * tanh((a * soft(T - L) + tilt) / c)`` with a dead band of 2.5 dB; boosts fade out where nothing is heard.
    """
    level_db = spectrum_db(profile)
    if level_db is None:
        return np.zeros(BANDS)
    heard = presence(level_db, profile.values.get("cutoff_hz"))
    far = distance(level_db, heard)
    beyond = np.sign(far) * np.maximum(np.abs(far) - DEAD_BAND_DB, 0.0)
    wanted = preset.strength * beyond + _tilt(preset, profile)
    limited = preset.limit_db * np.tanh(wanted / preset.limit_db)
    return np.asarray(np.minimum(limited, 0.0) + np.maximum(limited, 0.0) * heard)


def width_curve(width: Width, correlation: float | None) -> Curve:
    """What the side is changed by at full intensity; the treble's part is left out where no correlation is known."""
    bass = width.low_db * fade(_OCTAVES, *np.log2(_BASS_FADE_HZ)[::-1])
    if correlation is None:
        return np.asarray(bass)
    share = fade(correlation, width.none_at, width.all_at)
    return np.asarray(bass + width.high_db * share * fade(_OCTAVES, *np.log2(_TREBLE_FADE_HZ)))


def _tilt(preset: Preset, profile: Profile) -> Curve:
    """The preset's curve; a treble that is noise already is lifted by half as much."""
    tilt = through(preset.tilt)
    flatness = profile.values.get("flatness")
    if flatness is None:
        return tilt
    less = 0.5 * fade(flatness, *_NOISY) * fade(_OCTAVES, *np.log2(_TREBLE_FADE_HZ))
    return np.asarray(tilt - np.maximum(tilt, 0.0) * less)
