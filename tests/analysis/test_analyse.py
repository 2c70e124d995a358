"""A whole track in one pass, and a quick look: the same figures however it is read, of any file, in little memory."""

import hashlib
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from auralis_trio.analysis import DIMENSIONS, Analysis, analyse, quick_look
from auralis_trio.analysis.ledger import decode_power, parse_ledger
from auralis_trio.analysis.profile import Profile
from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat, Check, never_cancelled
from auralis_trio.demo.pieces import PIECES
from auralis_trio.demo.render import render_piece
from tests.analysis.signals import analysed, both, channels, clicks, noise, tone
from tests.ebur128 import measure
from tests.mastering.sounds import ArraySource, music


def same(left: Analysis, right: Analysis) -> bool:
    return left.profile == right.profile and left.ledger.pack() == right.ledger.pack()


def test_the_same_track_gives_the_same_bits() -> None:
    samples = music(20.3).samples
    assert same(analysed(samples), analysed(samples.copy()))
    assert analysed(samples).profile.source_sha256 == hashlib.sha256(samples.tobytes()).hexdigest()


def test_a_sample_that_differs_gives_another_hash() -> None:
    samples = music(2.0).samples
    other = samples.copy()
    other[40_000, 1] += 1e-6
    assert analysed(samples).profile.source_sha256 != analysed(other).profile.source_sha256


@pytest.mark.parametrize("title", ["Neon Rain", "Paper Boats", "Iron Carnival"])
def test_another_meter_agrees_on_music(title: str) -> None:
    samples, rate = render_piece(next(piece for piece in PIECES if piece.title == title))
    other, values = measure(samples, rate), analysed(samples, rate).profile.values
    assert values["integrated_lufs"] == pytest.approx(other.integrated_lufs, abs=0.05)
    assert values["true_peak_dbtp"] == pytest.approx(other.true_peak_dbtp, abs=0.15)
    assert values["loudness_range_lu"] == pytest.approx(other.loudness_range_lu, abs=0.5)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 32_000, 44_100, 88_200, 192_000])
@pytest.mark.parametrize("count", [1, 2, 3, 6, 8])
def test_every_rate_and_number_of_channels_is_measured(rate: int, count: int) -> None:
    source = music(2.3, rate, count)
    profile = analysed(source.samples, rate).profile
    stereo = {"stereo_width", "stereo_correlation"} if count != 2 else set()
    unknown = stereo | {"loudness_range_lu", "max_short_term_lufs", "loudness_variation_lu"}  # shorter than 3 s
    assert set(profile.reasons) <= unknown | {"cutoff_hz", "tempo_bpm"} | ({"air_share", "presence_share"})
    assert all("Measuring" not in reason for reason in profile.reasons.values())


STRANGE = {
    "nothing": np.zeros((0, 2), np.float32),
    "one frame": np.full((1, 2), 0.5, np.float32),
    "a hop and a frame": both(noise(-20.0, 1_025 / 44_100)),
    "silence": np.zeros((100_000, 2), np.float32),
    "an impulse": both(np.eye(1, 100_000, 50_000)[0]),
    "a constant": np.full((200_000, 2), 0.5, np.float32),
    "a square at full scale": both(np.sign(tone(100.0, 0.0, 4.0, phase_deg=1.0))),
    "no numbers": np.full((100_000, 2), np.nan, np.float32),
    "infinities": np.full((100_000, 1), -np.inf, np.float32),
    "some no numbers": both(np.where(np.arange(200_000) % 1_000 == 7, np.nan, noise(-20.0, 200_000 / 44_100))),
    "very loud": both(noise(60.0, 3.5)),
    "very quiet": both(noise(-150.0, 3.5)),
    "denormal": np.full((100_000, 2), 1e-40, np.float32),
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("look", [analyse, quick_look])
def test_strange_files_are_measured_as_far_as_they_can_be(name: str, look: object) -> None:
    profile = (analyse if look is analyse else quick_look)(ArraySource(STRANGE[name])).profile
    assert not [reason for reason in profile.reasons.values() if "Measuring" in reason]
    for dimension in DIMENSIONS:
        figure = profile.values[dimension.name]
        assert (figure is None) == (dimension.name in profile.reasons)
        assert figure is None or dimension.low <= figure <= dimension.high


def test_what_is_no_number_counts_as_nothing() -> None:
    samples = both(noise(-20.0, 3.5))
    holes = samples.copy()
    holes[::50] = 0.0
    broken = holes.copy()
    broken[::50] = np.nan
    assert analysed(broken).profile.values == analysed(holes).profile.values


def test_silence_has_no_figures_but_its_share() -> None:
    profile = analysed(np.zeros((200_000, 2), np.float32)).profile
    assert {name for name, figure in profile.values.items() if figure is not None} == {"silence_share"}
    assert profile.mid_db == profile.side_db == (None,) * 40


def test_the_ledger_holds_the_powers_of_mid_and_side() -> None:
    left, right = noise(-20.0, 5.0), noise(-26.0, 5.0, seed=1)
    ledger = analysed(channels(left, right)).ledger
    inner = slice(1, -2)
    within = 20_460.0 / 22_050.0  # what lies in the bands
    mid, side = (decode_power(codes)[inner].sum(axis=1).mean() for codes in (ledger.mid, ledger.side))
    assert mid == pytest.approx(within * float(np.mean((left + right) ** 2)) / 2.0, rel=0.03)
    assert side == pytest.approx(within * float(np.mean((left - right) ** 2)) / 2.0, rel=0.03)
    hops = np.abs(channels(left, right))[: 1_024 * 100].reshape(100, -1).max(axis=1)
    assert np.abs(10.0 * np.log10(decode_power(ledger.peak)[:100] / hops**2)).max() <= 0.26


def test_a_hop_of_the_ledger_lies_where_its_frames_are() -> None:
    line = np.zeros(40 * 1_024)
    line[20 * 1_024 : 21 * 1_024] = noise(-10.0, 1_024 / 44_100)
    ledger = analysed(both(line)).ledger
    power = decode_power(ledger.mid).sum(axis=1)
    assert int(np.argmax(power)) == 20
    assert np.nonzero(power)[0].tolist() == [19, 20, 21]
    assert np.nonzero(ledger.peak)[0].tolist() == [20]


def test_a_mono_ledger_has_no_side_and_a_surround_one_has_the_weights_of_loudness() -> None:
    line = noise(-20.0, 3.0)
    mono, surround = analysed(channels(line)).ledger, analysed(channels(*[line] * 6)).ledger
    assert not mono.side.any()
    assert not surround.side.any()
    ratio = decode_power(surround.mid).sum() / decode_power(mono.mid).sum()
    assert ratio == pytest.approx(1.0 + 1.0 + 1.0 + 0.0 + 1.41 + 1.41, rel=0.01)


def test_the_profile_has_the_mean_spectrum_of_the_active_part() -> None:
    silent_end = np.concatenate((tone(1_000.0, -10.0, 4.0), np.zeros(20 * 44_100)))
    profile = analysed(channels(silent_end, np.zeros_like(silent_end))).profile
    mid = 10.0 * np.log10(sum(10.0 ** (level / 10.0) for level in profile.mid_db if level is not None))
    assert mid == pytest.approx(-10.0 - 3.01 - 3.01, abs=0.1)
    assert profile.side_db == pytest.approx(profile.mid_db, abs=0.3)


def test_a_ledger_survives_being_packed() -> None:
    ledger = analysed(music(3.0).samples).ledger
    again = parse_ledger(ledger.pack())
    assert again.pack() == ledger.pack()
    assert again.hops == ledger.hops == -(-len(music(3.0).samples) // ledger.hop_frames)


@dataclass
class Looping:
    """A long track that takes no memory: a second of noise, again and again."""

    total_frames: int
    format: AudioFormat
    reads: int = 0

    def __post_init__(self) -> None:
        second = both(noise(-20.0, 1.0, self.format.sample_rate))
        self._loop = np.concatenate((second, second, second))

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        assert 0 <= start <= start + frames <= self.total_frames
        self.reads += 1
        place = start % self.format.sample_rate
        return self._loop[place : place + frames].copy()

    def close(self) -> None:
        pass


def peak_bytes(source: Looping) -> tuple[int, Analysis]:
    tracemalloc.start()
    try:
        analysis = analyse(source)
        return tracemalloc.get_traced_memory()[1], analysis
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_track_but_for_its_ledger() -> None:
    sound = AudioFormat(8_000, 2, 16)
    short_bytes, short = peak_bytes(Looping(8_000 * 60, sound))
    long_bytes, long = peak_bytes(Looping(8_000 * 900, sound))
    grown = long.ledger.nbytes - short.ledger.nbytes
    assert grown > 2_000_000
    assert long_bytes - short_bytes < 4.5 * grown
    assert short_bytes < 20_000_000


class Stopped(Exception):
    """The work is no longer wanted."""


@pytest.mark.parametrize("look", [analyse, quick_look])
def test_it_stops_between_blocks_when_it_is_no_longer_wanted(look: object) -> None:
    source = Looping(44_100 * 300, AudioFormat(44_100, 2, 16))
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 4:
            raise Stopped

    with pytest.raises(Stopped):
        (analyse if look is analyse else quick_look)(source, check)
    assert source.reads == 3


def test_a_quick_look_at_a_short_track_is_all_of_it() -> None:
    source = music(20.0)
    quick, full = quick_look(source), analyse(source)
    assert quick.profile.values == full.profile.values
    assert quick.profile.quick
    assert not full.profile.quick
    assert quick.profile.source_sha256 is None


def test_a_quick_look_reads_little_and_is_near() -> None:
    beat = both(clicks(100.0, 240.0, 16_000)) + music(240.0, 16_000, seed=2).samples
    source = ArraySource(beat, 16_000)
    quick, full = quick_look(source), analyse(source)
    assert quick.ledger.hops * 2 < full.ledger.hops
    assert quick.profile.total_frames == full.profile.total_frames == len(beat)
    near = {
        "integrated_lufs": 0.5,
        "max_momentary_lufs": 2.0,
        "true_peak_dbtp": 2.0,
        "active_rms_db": 0.5,
        "bass_share": 0.05,
        "centroid_hz": 200.0,
        "stereo_correlation": 0.05,
        "tempo_bpm": 1.5,
    }
    for name, within in near.items():
        assert quick.profile.values[name] == pytest.approx(full.profile.values[name], abs=within)
    levels = [np.array(each.mid_db, float) for each in (quick.profile, full.profile)]
    assert np.abs(levels[0] - levels[1])[4:34].max() < 1.5  # up to 7 kHz: the rate has no more


@settings(max_examples=15)
@given(st.integers(1, 150_000), st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 6]))
def test_any_noise_of_any_length_stays_within_the_table(frames: int, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    samples: NDArray[np.float32] = (rng.standard_normal((frames, count)) * rng.uniform(0.0, 10.0)).astype(np.float32)
    samples[rng.integers(0, frames, 3)] = np.nan
    profile: Profile = analysed(samples).profile
    assert not [reason for reason in profile.reasons.values() if "Measuring" in reason]
