"""One pass over one run of frames: all that is heard on the way, small enough to keep until the end."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.bands import BANDS
from auralis_trio.analysis.blocks import planar
from auralis_trio.analysis.ledger import Codes, encode_power
from auralis_trio.analysis.loudness import LoudnessMeter, Powers
from auralis_trio.analysis.pitch import Pitches, pitch_finder
from auralis_trio.analysis.spectrum import spectrograph
from auralis_trio.analysis.timbre import Timbre, timbre_of
from auralis_trio.analysis.true_peak import Planar, TruePeakMeter
from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat

SAMPLES_AT_ONCE = 49_152
"""How many samples the meters get at once: with more, most of their time goes into fetching fresh memory."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Survey:
    """What was heard in a run of `frames`.

    Hop by hop: `mid` and `side` (hops, 40) are the ledger's codes, `peak` (hops,) the largest sample, `power` (hops,)
    the mean power of a channel. Second by second: `timbres`. Grain by grain: `pitches`. `bins` is the mean spectrum,
    `products` (2, 2) the sums of the products of left and right with each other, nothing if it is not stereo,
    `loudness` the K-weighted power of each 10 ms.
    """

    sound: AudioFormat
    frames: int
    mid: Codes
    side: Codes
    peak: Floats
    power: Floats
    timbres: tuple[Timbre, ...]
    pitches: Pitches
    bins: NDArray[np.float64]
    products: NDArray[np.float64]
    loudness: Powers
    true_peak_dbtp: float | None
    sample_peak_dbfs: float | None

    def later(self, steps: int) -> "Survey":
        """The same without the loudness of its first steps of 10 ms, in which filters settle."""
        return replace(self, loudness=self.loudness[steps:])


@dataclass(eq=False)
class _Notes:
    """What is written down piece by piece, from nothing on."""

    mid: list[Codes] = field(default_factory=lambda: [np.zeros((0, BANDS), np.uint8)])
    side: list[Codes] = field(default_factory=lambda: [np.zeros((0, BANDS), np.uint8)])
    peak: list[Floats] = field(default_factory=list)
    power: list[Floats] = field(default_factory=list)
    timbres: list[Timbre] = field(default_factory=list)
    pitches: list[Pitches] = field(default_factory=list)


class Surveyor:
    """Listens to one run of frames block by block; each block but the last is whole (see `blocks`)."""

    def __init__(self, sound: AudioFormat) -> None:
        self._sound = sound
        self._graph = spectrograph(sound.sample_rate, sound.channels)
        self._finder = pitch_finder(sound.sample_rate)
        self._loudness = LoudnessMeter(sound.sample_rate, sound.channels)
        self._peaks = TruePeakMeter(sound.sample_rate, sound.channels)
        self._frames = 0
        self._notes = _Notes()
        self._bins = np.zeros(self._graph.hop + 1)
        self._products = np.zeros((2, 2))
        self._rest: Planar = np.zeros((sound.channels, self._graph.hop // 2), np.float32)

    def add(self, samples: Samples) -> None:
        """Go on with the next block."""
        planes = planar(samples)
        self._frames += len(samples)
        step = SAMPLES_AT_ONCE // len(planes)
        for first in range(0, planes.shape[1], step):
            self._loudness.add_planes(planes[:, first : first + step])
            self._peaks.add_planes(planes[:, first : first + step])
        self._notes.pitches.append(self._finder.pitches(planes))
        missing = -len(samples) % self._graph.hop
        self._add_hops(np.pad(planes, ((0, 0), (0, missing))) if missing else planes)

    def result(self) -> Survey:
        """What was heard; nothing can be added behind it."""
        if not self._frames:
            self.add(np.zeros((0, self._sound.channels), np.float32))
        self._add_spectra(np.zeros((self._sound.channels, self._graph.hop // 2), np.float32))
        notes, self._notes, peaks = self._notes, _Notes(), self._peaks.result()
        hops = sum(len(codes) for codes in notes.mid)
        return Survey(
            self._sound,
            self._frames,
            np.concatenate(notes.mid),
            np.concatenate(notes.side),
            np.concatenate(notes.peak),
            np.concatenate(notes.power),
            tuple(notes.timbres),
            Pitches.of(notes.pitches),
            self._bins / max(hops, 1),
            self._products,
            self._loudness.powers(),
            *peaks,
        )

    def _add_hops(self, planes: Planar) -> None:
        hops = planes.reshape(len(planes), planes.shape[1] // self._graph.hop, self._graph.hop)
        squares = np.einsum("chf,chf->ch", hops, hops)
        self._notes.peak.append(np.maximum(hops.max(axis=2), -hops.min(axis=2)).max(axis=0))
        self._notes.power.append(squares.sum(axis=0) / np.float32(len(planes) * self._graph.hop))
        if len(planes) == 2:
            both = np.einsum("hf,hf->h", hops[0], hops[1])
            sums = np.stack((squares[0], both, both, squares[1])).sum(axis=1, dtype=np.float64)
            self._products += sums.reshape(2, 2)
        self._add_spectra(planes)

    def _add_spectra(self, planes: Planar) -> None:
        """Take the spectra of all hops that have half a hop behind them."""
        wide = np.concatenate((self._rest, planes), axis=1)
        hops = max(0, wide.shape[1] // self._graph.hop - 1)
        self._rest = wide[:, hops * self._graph.hop :].copy()
        if not hops:
            return
        spectrum = self._graph.spectrum(wide)
        self._notes.mid.append(encode_power(spectrum.mid))
        self._notes.side.append(encode_power(spectrum.side))
        self._notes.timbres.append(timbre_of(spectrum.bins, self._sound.sample_rate))
        self._bins += spectrum.bins * np.float64(hops)
