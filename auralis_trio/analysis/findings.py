"""All that one or several surveys of a track found, and what follows from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.ledger import Codes, Ledger, encode_power, mean_power
from auralis_trio.analysis.loudness import SHORT_TERM_STEPS, Loudness, loudness_of, moving_powers
from auralis_trio.analysis.pitch import Pitches
from auralis_trio.analysis.rhythm import Rhythm, onset_curve, rhythm_of
from auralis_trio.analysis.survey import Survey
from auralis_trio.analysis.timbre import Timbre
from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN

ACTIVE_DB = -30.0
"""A track is active where its power is not further than this below that of its loud parts."""

SILENT_DB = -60.0
LOUD_PERCENTILE = 95.0
LEAST_POWER = 1e-12
"""-120 dB of full scale: what is below is silence in any track."""

RHYTHM_FLOOR_DB = -70.0
"""Below its loudest band, a track's bands have no onsets."""

HOPS_PER_SECOND_BLOCK = 4 * LEDGER_HOPS_PER_GRAIN

Array = TypeVar("Array", Codes, NDArray[np.float32])
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class Unmeasurable(Exception):
    """A dimension has no value for this sound; the text says why."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found in the runs of one track, in the order of time."""

    surveys: Sequence[Survey]

    @property
    def sample_rate(self) -> int:
        """The track's."""
        return self.surveys[0].sound.sample_rate

    @property
    def channels(self) -> int:
        """The track's."""
        return self.surveys[0].sound.channels

    @property
    def frames(self) -> int:
        """How many were heard."""
        return sum(survey.frames for survey in self.surveys)

    @property
    def duration_s(self) -> float:
        """How long that was."""
        return self.frames / self.sample_rate

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of all runs, one behind the other."""
        mid, side = _joined([each.mid for each in self.surveys]), _joined([each.side for each in self.surveys])
        peak = encode_power(np.square(self.peak))
        return Ledger(self.sample_rate, self.channels, self.frames, mid, side, peak)

    @cached_property
    def peak(self) -> Floats:
        """The largest sample in each hop."""
        return _joined([survey.peak for survey in self.surveys])

    @cached_property
    def power(self) -> Floats:
        """The mean power of a channel in each hop."""
        return _joined([survey.power for survey in self.surveys])

    @cached_property
    def loud_power(self) -> float:
        """The power of the loud parts: the 95th percentile of all hops that are not silence.

        Raises:
            Unmeasurable: there is only silence.
        """
        heard = self.power[self.power > LEAST_POWER]
        if not len(heard):
            raise Unmeasurable("The track is silent.")
        return float(np.percentile(heard, LOUD_PERCENTILE))

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Which hops are active."""
        return np.asarray(self.power >= self.loud_power * 10.0 ** (ACTIVE_DB / 10.0))

    @cached_property
    def silence_share(self) -> float:
        """Which part of the hops is silent: 60 dB below the loud parts, or nothing at all."""
        if not (self.power > LEAST_POWER).any():
            return 1.0
        return float(np.mean(self.power < max(self.loud_power * 10.0 ** (SILENT_DB / 10.0), LEAST_POWER)))

    @cached_property
    def active_power(self) -> float:
        """The mean power of a channel where the track is active."""
        return float(self.power[self.active].mean(dtype=np.float64))

    @cached_property
    def long_term(self) -> tuple[Doubles, Doubles]:
        """The mean powers of mid and side in the forty bands where the track is active."""
        mid, side = (mean_power(codes[self.active]) for codes in (self.ledger.mid, self.ledger.side))
        return mid, side

    @cached_property
    def bands(self) -> Doubles:
        """The mean powers in the forty bands, mid and side together."""
        mid, side = self.long_term
        if not (mid + side).any():
            raise Unmeasurable("There is nothing between 20 Hz and 20 kHz.")
        return mid + side

    @cached_property
    def seconds(self) -> tuple[Floats, Floats]:
        """The largest sample and the mean power of each active second, or what is nearest to one.

        Raises:
            Unmeasurable: the track is shorter.
        """
        whole = len(self.power) // HOPS_PER_SECOND_BLOCK * HOPS_PER_SECOND_BLOCK
        if not whole:
            raise Unmeasurable("The track is shorter than a second.")
        peak = self.peak[:whole].reshape(-1, HOPS_PER_SECOND_BLOCK).max(axis=1)
        power = self.power[:whole].reshape(-1, HOPS_PER_SECOND_BLOCK).mean(axis=1)
        active = power >= self.loud_power * 10.0 ** (ACTIVE_DB / 10.0)
        if not active.any():
            raise Unmeasurable("No whole second of the track is active.")
        return peak[active], power[active]

    @cached_property
    def crests_db(self) -> Floats:
        """The ratio of peak to mean power in each active second."""
        peak, power = self.seconds
        return np.asarray(10.0 * np.log10(np.square(peak) / power))

    @cached_property
    def timbres(self) -> list[Timbre]:
        """The timbres of the active seconds.

        Raises:
            Unmeasurable: nothing moves in it.
        """
        every = [timbre for survey in self.surveys for timbre in survey.timbres if timbre.power > 0.0]
        loudest = max((timbre.power for timbre in every), default=0.0)
        if loudest <= LEAST_POWER:
            raise Unmeasurable("The track is silent.")
        return [timbre for timbre in every if timbre.power >= loudest * 10.0 ** (ACTIVE_DB / 10.0)]

    @cached_property
    def pitches(self) -> Pitches:
        """The pitches of the active grains.

        Raises:
            Unmeasurable: no grain is whole, or none has anything where pitches are.
        """
        every = Pitches.of([survey.pitches for survey in self.surveys])
        active = _active(every.total)
        return Pitches(every.classes[active], every.lines[active], every.total[active])

    @cached_property
    def neighbours(self) -> Doubles:
        """How alike the pitch classes of active grains are to those of the grain before: correlations.

        Raises:
            Unmeasurable: no two active grains follow each other.
        """
        every = Pitches.of([survey.pitches for survey in self.surveys])
        active = _active(every.total)
        joints = np.cumsum([len(survey.pitches.total) for survey in self.surveys])[:-1]
        pairs = active[1:] & active[:-1]
        pairs[joints[(joints > 0) & (joints <= len(pairs))] - 1] = False
        if not pairs.any():
            raise Unmeasurable("The track is too short.")
        centred = every.classes - every.classes.mean(axis=1, keepdims=True)
        scale = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(1e-20))
        shapes = centred / scale
        return np.asarray((shapes[1:] * shapes[:-1]).sum(axis=1, dtype=np.float64)[pairs])

    @cached_property
    def rhythm(self) -> Rhythm:
        """The rhythm of all runs together."""
        floor_db = self._loudest_band_db + RHYTHM_FLOOR_DB
        curves = [onset_curve(survey.mid, survey.side, floor_db) for survey in self.surveys]
        return rhythm_of(curves, self.ledger.hop_frames / self.sample_rate)

    @cached_property
    def _loudest_band_db(self) -> float:
        return 10.0 * math.log10(float(self.bands.max()))

    @cached_property
    def loudness(self) -> Loudness:
        """The standards' figures."""
        return loudness_of([survey.loudness for survey in self.surveys])

    @cached_property
    def short_term_powers(self) -> Doubles:
        """Short-term powers, one every 10 ms."""
        return np.concatenate([moving_powers(survey.loudness, SHORT_TERM_STEPS) for survey in self.surveys])

    @cached_property
    def products(self) -> Doubles:
        """The sums of the products of left and right with each other, (2, 2).

        Raises:
            Unmeasurable: the track is not stereo, or silent.
        """
        if self.channels != 2:
            raise Unmeasurable("The track is not stereo.")
        sums = np.sum([survey.products for survey in self.surveys], axis=0)
        if not sums.any():
            raise Unmeasurable("The track is silent.")
        return np.asarray(sums)

    @cached_property
    def bins(self) -> Doubles:
        """The mean spectrum in fine bins."""
        return np.asarray(np.mean([survey.bins for survey in self.surveys], axis=0))

    @property
    def true_peak_dbtp(self) -> float:
        """The highest true peak."""
        return _highest([survey.true_peak_dbtp for survey in self.surveys])

    @property
    def sample_peak_dbfs(self) -> float:
        """The highest sample peak."""
        return _highest([survey.sample_peak_dbfs for survey in self.surveys])


def _active(power: Floats) -> NDArray[np.bool_]:
    """Which of some powers lie near the loud ones."""
    heard = power[power > LEAST_POWER]
    if not len(heard):
        raise Unmeasurable("The track is too short, or has nothing where pitches are.")
    active: NDArray[np.bool_] = power >= np.percentile(heard, LOUD_PERCENTILE) * 10.0 ** (ACTIVE_DB / 10.0)
    return active


def _joined(parts: Sequence[Array]) -> Array:
    """All parts as one array, without a copy of a single one: a long track's is large."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _highest(peaks_db: Sequence[float | None]) -> float:
    heard = [peak_db for peak_db in peaks_db if peak_db is not None]
    if not heard:
        raise Unmeasurable("The track is silent.")
    return max(heard)
