"""Everything about a track in one pass: its profile and its ledger."""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.bands import BANDS
from auralis_trio.analysis.blocks import read_blocks
from auralis_trio.analysis.dimensions import DIMENSIONS, Dimension
from auralis_trio.analysis.findings import Findings, Unmeasurable
from auralis_trio.analysis.ledger import Ledger
from auralis_trio.analysis.profile import Profile
from auralis_trio.analysis.survey import Surveyor
from auralis_trio.audio.grid import Span, grain_frames
from auralis_trio.audio.source import AudioSource, Check, never_cancelled

QUICK_WINDOWS = 24
QUICK_GRAINS = 13
"""Three seconds, with room for the filters to settle, at any rate."""

QUICK_SETTLING_STEPS = 20
SHORT_S = 120.0
"""A quick look at what is shorter is no quicker than all of it."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """What was measured of one track."""

    profile: Profile
    ledger: Ledger


def analyse(source: AudioSource, check: Check = never_cancelled) -> Analysis:
    """Measure a whole track, in memory that does not grow with it but for its ledger.

    Raises:
        SourceError: the source cannot be read to its end.
    """
    surveyor, digest = Surveyor(source.format), hashlib.sha256()
    for samples in read_blocks(source, Span(0, source.total_frames), check):
        digest.update(np.ascontiguousarray(samples, "<f4").data)
        surveyor.add(samples)
    check()
    return _analysis(Findings([surveyor.result()]), source.total_frames, digest.hexdigest())


def quick_look(source: AudioSource, check: Check = never_cancelled) -> Analysis:
    """Measure 24 windows of about three seconds; the ledger is that of the windows, one behind the other.

    Raises:
        SourceError: the source cannot be read there.
    """
    sound = source.format
    spans = quick_spans(source.total_frames, sound.sample_rate)
    surveys = []
    for span in spans:
        surveyor = Surveyor(sound)
        for samples in read_blocks(source, span, check):
            surveyor.add(samples)
        settled = surveyor.result()
        surveys.append(settled.later(QUICK_SETTLING_STEPS) if span.start else settled)
    return _analysis(Findings(surveys), source.total_frames, None)


def quick_spans(total_frames: int, sample_rate: int) -> list[Span]:
    """Where a quick look looks: windows on the grid of grains, evenly from 2 to 98 %; all of a short track."""
    if total_frames < SHORT_S * sample_rate:
        return [Span(0, total_frames)]
    grain = grain_frames(sample_rate)
    places = np.linspace(0.02 * total_frames, 0.98 * total_frames - QUICK_GRAINS * grain, QUICK_WINDOWS)
    return [Span(int(place) // grain * grain, QUICK_GRAINS * grain) for place in places]


def _analysis(found: Findings, total_frames: int, source_sha256: str | None) -> Analysis:
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for dimension in DIMENSIONS:
        values[dimension.name], reason = _measured(dimension, found)
        if reason:
            reasons[dimension.name] = reason
    mid_db, side_db = _long_term_db(found)
    profile = Profile(
        sample_rate=found.sample_rate,
        channels=found.channels,
        total_frames=total_frames,
        quick=source_sha256 is None,
        values=values,
        reasons=reasons,
        mid_db=mid_db,
        side_db=side_db,
        source_sha256=source_sha256,
    )
    return Analysis(profile, found.ledger)


def _measured(dimension: Dimension, found: Findings) -> tuple[float | None, str | None]:
    """A dimension's value, or why it has none. A border: one that fails leaves the others alone."""
    try:
        value = dimension.measure(found)
    except Unmeasurable as unmeasurable:
        return None, str(unmeasurable)
    except Exception as error:  # noqa: BLE001  # border: one formula's failure is said, and ends no other
        return None, f"Measuring it failed ({type(error).__name__})."
    if not dimension.low <= value <= dimension.high:  # nor is what is no number
        return None, "Measuring it gave a value that cannot be."
    return value, None


def _long_term_db(found: Findings) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
    try:
        mid, side = found.long_term
    except Unmeasurable:
        return (None,) * BANDS, (None,) * BANDS
    return _levels_db(mid), _levels_db(side)


def _levels_db(powers: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(10.0 * math.log10(power) if power > 0.0 else None for power in powers.tolist())
