"""Mastering after a reference: a track gets the balance, the width and the loudness of another one.

Compared are the louder parts of both, as their ledgers have them; the render is the same as for any preset.
"""

import numpy as np

from auralis_trio.analysis import Analysis
from auralis_trio.analysis.bands import BANDS
from auralis_trio.audio.source import AudioSource, Check, never_cancelled
from auralis_trio.errors import InvalidRequest
from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.recipe import AS_RECORDED, FLAT, Recipe
from auralis_trio.mastering.resolve import NO_WISHES, Target, check_intensity, rounded
from auralis_trio.mastering.solve import Mastered
from auralis_trio.mastering.tone import BALANCED, NOTHING_DB, Curve, fade, in_db, presence, smoothed_octave
from auralis_trio.mastering.tuning import UNTUNED, Excerpts, Tuning, finished, tuned

REFERENCE = "reference"
"""What stands for the preset in such a recipe."""

LIMIT_DB = 6.0
PIECE_S = 15.0

_FAR_DB = 24.0
_LOUD_DB = (-3.0, 0.0)  # a piece counts from half the mean power on, and fully from the mean
_NO_POWER = 1e-20


def match(
    analysis: Analysis,
    reference: Analysis,
    intensity: float,
    target: Target = NO_WISHES,
    tuning: Tuning = UNTUNED,
) -> Mastered:
    """The recipe that brings a track `intensity` of the way to `reference`: curves of up to 6 dB, and loudness.

    Raises:
        InvalidRequest: the reference has no loudness, or the intensity is not within 0 and 1.
    """
    return _matched(analysis, Heard.of(analysis.ledger), reference, intensity, target, tuning)


def tune_to_reference(
    source: AudioSource,
    analysis: Analysis,
    reference: Analysis,
    target: Target = NO_WISHES,
    check: Check = never_cancelled,
    *,
    excerpts: Excerpts | None = None,
) -> Tuning:
    """How far the forecast for this match is off, from rendered windows of the audio; `excerpts` are of this track.

    Raises:
        InvalidRequest: the reference has no loudness.
        SourceError: the source cannot give the frames.
    """
    heard = Heard.of(analysis.ledger)
    mastered = _matched(analysis, heard, reference, 1.0, target, UNTUNED)
    return tuned(source, heard, mastered, check, excerpts or Excerpts())


def matching_curves(track: Heard, reference: Heard) -> Curve:
    """What mid and side have to be changed by, dB at the band centres, (2, 40): ``c * tanh(smooth(R - L) / c)``.

    The mid's is zero on average between 80 Hz and 8 kHz. The side's is taken from the same zero, so that it brings
    the reference's width. Nothing is done to bands without sound in either, nor to a side that is not there.
    """
    track_db, wanted_db = loud_levels_db(track), loud_levels_db(reference)
    heard = presence(track_db, None)
    known = heard * presence(wanted_db, None)[0]
    known[1] *= heard[0]
    raw_db = np.clip(wanted_db - track_db, -_FAR_DB, _FAR_DB)
    weights = known[0] * BALANCED
    far_db = raw_db - (weights @ raw_db[0]) / (weights.sum() + 1e-3)
    limited = LIMIT_DB * np.tanh(smoothed_octave(far_db, known) / LIMIT_DB)
    return np.asarray(np.minimum(limited, 0.0) + np.maximum(limited, 0.0) * heard)


def loud_levels_db(heard: Heard) -> Curve:
    """The mean levels of mid and side in the louder pieces of 15 s, (2, 40); `NOTHING_DB` where there is nothing."""
    hops = len(heard.peak_db)
    if not hops:
        return np.full((2, BANDS), NOTHING_DB)
    size = min(round(PIECE_S / heard.hop_s), hops)
    starts = np.arange(hops // size) * size
    lengths = np.diff(np.append(starts, hops))
    pieces = np.array([np.add.reduceat(each, starts, axis=0, dtype=np.float64) for each in (heard.mid, heard.side)])
    power = pieces.sum(axis=(0, 2)) / lengths
    loud = fade(10.0 * np.log10((power + _NO_POWER) / (power.mean() + _NO_POWER)), *_LOUD_DB)
    mean = np.tensordot(loud, pieces, axes=(0, 1)) / (loud @ lengths)
    return in_db(mean)


def _matched(
    analysis: Analysis, heard: Heard, reference: Analysis, intensity: float, target: Target, tuning: Tuning
) -> Mastered:
    check_intensity(intensity)
    original_lufs = analysis.profile.values.get("integrated_lufs")
    wanted_lufs = reference.profile.values.get("integrated_lufs")
    if wanted_lufs is None:
        raise InvalidRequest("The reference has no loudness; choose one that is not silent.")
    if intensity == 0.0:
        return Mastered(recipe=AS_RECORDED, target_lufs=original_lufs, expected_lufs=original_lufs)
    mid_db, side_db = intensity * matching_curves(heard, Heard.of(reference.ledger))
    recipe = Recipe(
        preset=REFERENCE,
        intensity=intensity,
        mid_eq_db=rounded(mid_db),
        side_eq_db=rounded(side_db) if heard.channels == 2 else FLAT,
        ceiling_dbtp=target.ceiling_dbtp,
    )
    change_lu = None
    if original_lufs is not None:
        change_lu = intensity * (wanted_lufs + target.offset_lu - original_lufs)
    return finished(recipe, heard, original_lufs, change_lu, tuning)
