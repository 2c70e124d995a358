"""How each dimension is worked out from what was found; each raises `Unmeasurable` where it has no value."""

import math
from collections.abc import Callable

import numpy as np

from auralis_trio.analysis import timbre
from auralis_trio.analysis.bands import EDGES_HZ
from auralis_trio.analysis.findings import Findings, Unmeasurable
from auralis_trio.analysis.loudness import ABSOLUTE_GATE_LUFS, OFFSET_LUFS, RANGE_GATE_LU

Measure = Callable[[Findings], float]


def integrated_lufs(found: Findings) -> float:
    """See the table."""
    return _known(found.loudness.integrated_lufs)


def loudness_range_lu(found: Findings) -> float:
    """See the table."""
    return _known(found.loudness.loudness_range_lu)


def max_momentary_lufs(found: Findings) -> float:
    """See the table."""
    return _known(found.loudness.max_momentary_lufs)


def max_short_term_lufs(found: Findings) -> float:
    """See the table."""
    return _known(found.loudness.max_short_term_lufs)


def loudness_variation_lu(found: Findings) -> float:
    """See the table."""
    powers = found.short_term_powers[::10]
    levels = OFFSET_LUFS + 10.0 * np.log10(powers[powers > 0.0])
    loud = levels[levels >= ABSOLUTE_GATE_LUFS]
    if not len(loud):
        raise Unmeasurable("The track is too short or too quiet.")
    gate = OFFSET_LUFS + 10.0 * np.log10(np.mean(10.0 ** ((loud - OFFSET_LUFS) / 10.0))) + RANGE_GATE_LU
    return float(loud[loud >= gate].std())


def true_peak_dbtp(found: Findings) -> float:
    """See the table."""
    return found.true_peak_dbtp


def sample_peak_dbfs(found: Findings) -> float:
    """See the table."""
    return found.sample_peak_dbfs


def active_rms_db(found: Findings) -> float:
    """See the table."""
    return _db(found.active_power)


def crest_db(found: Findings) -> float:
    """See the table."""
    return found.true_peak_dbtp - _db(found.active_power)


def typical_crest_db(found: Findings) -> float:
    """See the table."""
    return float(np.median(found.crests_db))


def crest_variation_db(found: Findings) -> float:
    """See the table."""
    return float(found.crests_db.std())


def peak_consistency(found: Findings) -> float:
    """See the table."""
    peaks, _ = found.seconds
    return float(1.0 / (1.0 + peaks.std() / peaks.mean()))


def silence_share(found: Findings) -> float:
    """See the table."""
    return found.silence_share


def share_between(low_hz: float, high_hz: float) -> Measure:
    """The measure of the share of power between two frequencies."""

    def share(found: Findings) -> float:
        if found.sample_rate <= 2.0 * low_hz:
            raise Unmeasurable("The sample rate leaves no room for these frequencies.")
        return _power_between(found, low_hz, high_hz) / float(found.bands.sum())

    return share


def bass_mid_db(found: Findings) -> float:
    """See the table."""
    bass, mid = _power_between(found, 60.0, 250.0), _power_between(found, 500.0, 2_000.0)
    if not (bass and mid):
        raise Unmeasurable("There is no bass, or no mid.")
    return _db(bass / mid)


def centroid_hz(found: Findings) -> float:
    """See the table."""
    return float(np.median([each.centroid_hz for each in found.timbres]))


def rolloff_hz(found: Findings) -> float:
    """See the table."""
    return float(np.median([each.rolloff_hz for each in found.timbres]))


def flatness(found: Findings) -> float:
    """See the table."""
    return float(np.median([each.flatness for each in found.timbres]))


def cutoff_hz(found: Findings) -> float:
    """See the table."""
    if not found.bins.any():
        raise Unmeasurable("The track is silent.")
    cutoff = timbre.cutoff_hz(found.bins, found.sample_rate)
    if cutoff is None:
        raise Unmeasurable("Nothing is cut off.")
    return cutoff


def tempo_bpm(found: Findings) -> float:
    """See the table."""
    if found.rhythm.tempo_bpm is None:
        raise Unmeasurable("The track has no steady pulse.")
    return found.rhythm.tempo_bpm


def rhythm_stability(found: Findings) -> float:
    """See the table."""
    return found.rhythm.clarity


def onset_rate_hz(found: Findings) -> float:
    """See the table."""
    return found.rhythm.onsets / found.duration_s


def harmonic_share(found: Findings) -> float:
    """See the table."""
    return float(np.mean(found.pitches.lines / found.pitches.total, dtype=np.float64))


def pitch_stability(found: Findings) -> float:
    """See the table."""
    return float(np.clip(found.neighbours, 0.0, 1.0).mean())


def chroma_strength(found: Findings) -> float:
    """See the table."""
    classes = found.pitches.classes
    return float(np.mean(classes.max(axis=1) / classes.sum(axis=1), dtype=np.float64))


def stereo_width(found: Findings) -> float:
    """See the table."""
    (left, both), (_, right) = found.products
    mid, side = (math.sqrt(max(0.0, left + right + sign * 2.0 * both)) for sign in (1.0, -1.0))
    return side / (mid + side)


def stereo_correlation(found: Findings) -> float:
    """See the table."""
    (left, both), (_, right) = found.products
    if not (left and right):
        raise Unmeasurable("One of the channels is silent.")
    return float(np.clip(both / math.sqrt(left * right), -1.0, 1.0))


def _power_between(found: Findings, low_hz: float, high_hz: float) -> float:
    """The power between two frequencies, a band that they cut taken as even."""
    lower, upper = EDGES_HZ[:-1], np.minimum(EDGES_HZ[1:], found.sample_rate / 2.0)
    width_hz = np.maximum(upper - lower, 1e-9)
    common = np.clip(np.minimum(upper, high_hz) - np.maximum(lower, low_hz), 0.0, width_hz)
    return float(found.bands @ (common / width_hz))


def _known(figure: float | None) -> float:
    if figure is None:
        raise Unmeasurable("The track is too short or too quiet.")
    return figure


def _db(power: float) -> float:
    return 10.0 * math.log10(power)
