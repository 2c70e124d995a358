"""Every dimension, on sounds for which its value follows from its formula."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from auralis_trio.analysis import DIMENSIONS, Dimension
from auralis_trio.demo.pieces import PIECES
from auralis_trio.demo.render import render_piece
from tests.analysis.signals import Line, analysed, both, channels, chord, clicks, noise, steps, tone, value

SILENCE = -math.inf
A_MAJOR_HZ = (220.0, 277.18, 329.63)


def test_the_loudness_of_a_tone() -> None:
    """A 997 Hz sine at full scale in one channel is -3.01 LUFS (BS.1770-5, annex 1)."""
    left = channels(tone(997.0, 0.0, 5.0, 48_000), np.zeros(5 * 48_000))
    assert value("integrated_lufs", left, 48_000) == pytest.approx(-3.01, abs=0.01)
    assert value("max_momentary_lufs", left, 48_000) == pytest.approx(-3.01, abs=0.01)
    assert value("max_short_term_lufs", left, 48_000) == pytest.approx(-3.01, abs=0.01)
    assert value("loudness_range_lu", left, 48_000) == pytest.approx(0.0, abs=0.01)


def test_loudness_varies_by_the_standard_deviation_of_its_short_term_levels() -> None:
    two = both(steps([(60, -20.0), (60, -26.0)], 8_000))
    assert value("loudness_variation_lu", two, 8_000) == pytest.approx(3.0, abs=0.1)
    assert value("loudness_variation_lu", both(tone(500.0, -20.0, 8.0))) == pytest.approx(0.0, abs=0.01)


def test_peaks_and_levels_of_a_tone() -> None:
    samples = both(tone(441.0, -6.0, 5.0))
    assert value("true_peak_dbtp", samples) == pytest.approx(-6.0, abs=0.05)
    assert value("sample_peak_dbfs", samples) == pytest.approx(-6.0, abs=0.05)
    assert value("active_rms_db", samples) == pytest.approx(-9.01, abs=0.02)
    assert value("crest_db", samples) == pytest.approx(3.01, abs=0.05)
    assert value("typical_crest_db", samples) == pytest.approx(3.01, abs=0.05)
    assert value("crest_variation_db", samples) == pytest.approx(0.0, abs=0.05)
    assert value("peak_consistency", samples) == pytest.approx(1.0, abs=0.01)


def test_a_square_has_no_crest_and_sparse_impulses_have_a_high_one() -> None:
    square = both(0.25 * np.sign(tone(100.0, 0.0, 5.0, phase_deg=0.1)))
    assert value("typical_crest_db", square) == pytest.approx(0.0, abs=0.01)
    impulses = np.zeros(10 * 44_100)
    impulses[::100] = 0.5
    assert value("typical_crest_db", both(impulses)) == pytest.approx(20.0, abs=0.1)


def test_crest_varies_between_a_tone_and_impulses() -> None:
    impulses = np.zeros(8 * 49_152)
    impulses[::100] = 1.0
    half = len(impulses) // 2
    mixed = np.concatenate((impulses[:half], tone(1_000.0, -17.0, len(impulses) / 44_100)[:half]))
    assert value("crest_variation_db", both(mixed)) == pytest.approx((20.0 - 3.01) / 2.0, abs=0.1)


def test_peaks_that_alternate_are_inconsistent() -> None:
    """Peaks of 1 and 0.5 in turn: mean 0.75, deviation 0.25."""
    block_s = 49_152 / 44_100
    line = np.repeat([1.0, 0.5] * 5, 49_152) * tone(1_000.0, 0.0, 10 * block_s)
    assert value("peak_consistency", both(line)) == pytest.approx(0.75, abs=0.01)


def test_levels_are_those_of_the_active_part() -> None:
    assert value("active_rms_db", both(steps([(5, -6.0), (20, -60.0)], 44_100))) == pytest.approx(-9.01, abs=0.1)


def test_silence_is_a_share() -> None:
    assert value("silence_share", both(steps([(3, -20.0), (1, SILENCE)], 44_100))) == pytest.approx(0.25, abs=0.01)
    assert value("silence_share", both(steps([(3, -20.0), (1, -60.0)], 44_100))) == 0.0
    assert value("silence_share", np.zeros((44_100, 2), np.float32)) == 1.0


SHARES = ["sub_bass", "bass", "low_mid", "mid", "upper_mid", "presence", "air"]
EDGES_HZ = [20.0, 60.0, 250.0, 500.0, 2_000.0, 4_000.0, 8_000.0, 20_480.0]


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_white_noise_has_its_power_spread_by_width(rate: int) -> None:
    values = analysed(both(noise(-20.0, 20.0, rate)), rate).profile.values
    for name, low_hz, high_hz in zip(SHARES, EDGES_HZ, EDGES_HZ[1:], strict=False):
        assert values[f"{name}_share"] == pytest.approx((high_hz - low_hz) / 20_460.0, rel=0.1)


@pytest.mark.parametrize(
    ("name", "frequency_hz"),
    list(zip(SHARES, [34.0, 125.0, 350.0, 1_000.0, 2_800.0, 5_600.0, 12_000.0], strict=True)),
)
def test_a_tone_is_in_its_range_alone(name: str, frequency_hz: float) -> None:
    values = analysed(both(tone(frequency_hz, -10.0, 3.0))).profile.values
    assert values[f"{name}_share"] == pytest.approx(1.0, abs=0.15 if name == "sub_bass" else 0.02)


def test_shares_add_up_to_one() -> None:
    values = analysed(both(noise(-20.0, 5.0))).profile.values
    assert sum(values[f"{name}_share"] or 0.0 for name in SHARES) == pytest.approx(1.0, abs=1e-6)


def test_bass_is_weighed_against_the_mid() -> None:
    mixture = tone(120.0, -10.0, 4.0) + tone(1_000.0, -22.0, 4.0)
    assert value("bass_mid_db", both(mixture)) == pytest.approx(12.0, abs=0.3)


@pytest.mark.parametrize("frequency_hz", [200.0, 1_000.0, 7_000.0])
def test_a_tone_is_its_own_centroid_and_rolloff(frequency_hz: float) -> None:
    samples = both(tone(frequency_hz, -10.0, 3.0))
    assert value("centroid_hz", samples) == pytest.approx(frequency_hz, rel=0.02)
    assert value("rolloff_hz", samples) == pytest.approx(frequency_hz, abs=25.0)


def test_white_noise_has_its_centroid_in_the_middle() -> None:
    samples = both(noise(-20.0, 5.0))
    assert value("centroid_hz", samples) == pytest.approx(11_025.0, rel=0.02)
    assert value("rolloff_hz", samples) == pytest.approx(0.85 * 22_050.0, rel=0.02)


def test_noise_is_flat_and_a_tone_is_not() -> None:
    assert value("flatness", both(noise(-20.0, 5.0))) > 0.95
    assert value("flatness", both(tone(1_000.0, -10.0, 5.0))) < 0.02


@pytest.mark.parametrize("cutoff_hz", [11_000.0, 16_000.0, 19_000.0])
def test_a_low_pass_is_found_where_it_cuts(cutoff_hz: float) -> None:
    spectrum = np.fft.rfft(noise(-20.0, 10.0))
    spectrum[round(cutoff_hz * 10.0) :] = 0.0
    assert value("cutoff_hz", both(np.fft.irfft(spectrum))) == pytest.approx(cutoff_hz, abs=150.0)


def test_noise_that_is_not_cut_off_has_no_cutoff() -> None:
    profile = analysed(both(noise(-20.0, 5.0))).profile
    assert profile.values["cutoff_hz"] is None
    assert "cut off" in profile.reasons["cutoff_hz"]


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
@pytest.mark.parametrize("tempo", [72.0, 90.0, 120.0, 126.5, 160.0])
def test_clicks_have_a_tempo(tempo: float, rate: int) -> None:
    values = analysed(both(clicks(tempo, 20.0, rate)), rate).profile.values
    assert values["tempo_bpm"] == pytest.approx(tempo, rel=0.01)
    assert values["rhythm_stability"] is not None
    assert values["rhythm_stability"] > 0.7
    assert values["onset_rate_hz"] == pytest.approx(tempo / 60.0, abs=0.1)


@pytest.mark.parametrize("title", ["Neon Rain", "Four in the Morning", "Stairwell", "Paper Boats", "Iron Carnival"])
def test_music_has_the_tempo_of_its_score_give_or_take_an_octave(title: str) -> None:
    piece = next(piece for piece in PIECES if piece.title == title)
    tempo = value("tempo_bpm", *render_piece(piece))
    octaves = math.log2(tempo * piece.score.beat_s / 60.0)
    assert round(octaves) in (-1, 0, 1)
    assert octaves == pytest.approx(round(octaves), abs=0.015)


def test_what_does_not_pulse_has_no_tempo() -> None:
    for line in (tone(1_000.0, -10.0, 10.0), noise(-20.0, 10.0)):
        profile = analysed(both(line)).profile
        assert profile.values["tempo_bpm"] is None
        assert "pulse" in profile.reasons["tempo_bpm"]
        assert value("onset_rate_hz", both(line)) <= 0.1


def test_a_chord_is_harmonic_and_noise_and_clicks_are_not() -> None:
    assert value("harmonic_share", both(chord(A_MAJOR_HZ, 5.0))) > 0.97
    assert value("harmonic_share", both(noise(-20.0, 5.0))) < 0.02
    assert value("harmonic_share", both(clicks(120.0, 10.0))) < 0.1
    even = chord((440.0,), 8.0) + noise(-23.0 - 3.0 + 10.0 * math.log10(22_050.0 / (5_000.0 - 131.0)), 8.0)
    assert value("harmonic_share", both(even)) == pytest.approx(2.0 / 3.0, abs=0.05)


def test_a_held_chord_is_stable_and_one_that_changes_is_not() -> None:
    assert value("pitch_stability", both(chord(A_MAJOR_HZ, 5.0))) > 0.99
    grain = 12_288
    changing = np.concatenate(
        [chord((440.0 * 2.0 ** (k * 5 % 12 / 12.0),), 1.0)[:grain] for k in range(24)],
    )
    assert value("pitch_stability", both(changing)) < 0.1


def test_one_pitch_is_all_of_the_chroma_and_noise_a_twelfth_in_each_class() -> None:
    assert value("chroma_strength", both(tone(440.0, -10.0, 5.0))) > 0.97
    assert value("chroma_strength", both(chord((220.0, 311.13), 5.0))) == pytest.approx(0.5, abs=0.03)
    assert value("chroma_strength", both(noise(-20.0, 5.0))) < 0.15


@pytest.mark.parametrize(
    ("left", "right", "width", "correlation"),
    [
        pytest.param(noise(-20.0, 2.0), noise(-20.0, 2.0), 0.0, 1.0, id="the same"),
        pytest.param(noise(-20.0, 2.0), -noise(-20.0, 2.0), 1.0, -1.0, id="the opposite"),
        pytest.param(noise(-20.0, 8.0), noise(-20.0, 8.0, seed=1), 0.5, 0.0, id="independent"),
        pytest.param(noise(-20.0, 2.0), 0.5 * noise(-20.0, 2.0), 0.25, 1.0, id="softer on the right"),
    ],
)
def test_stereo_by_its_definition(left: Line, right: Line, width: float, correlation: float) -> None:
    assert value("stereo_width", channels(left, right)) == pytest.approx(width, abs=0.01)
    assert value("stereo_correlation", channels(left, right)) == pytest.approx(correlation, abs=0.01)


def test_what_is_not_stereo_has_no_width() -> None:
    for samples in (channels(noise(-20.0, 2.0)), channels(*[noise(-20.0, 2.0)] * 6)):
        profile = analysed(samples).profile
        assert profile.values["stereo_width"] is None
        assert profile.values["stereo_correlation"] is None
        assert "stereo" in profile.reasons["stereo_width"]


def corpus() -> list[NDArray[np.float32]]:
    """A little of everything."""
    music = [render_piece(piece)[0] for piece in PIECES if piece.title in ("Neon Rain", "Second Floor Window")]
    grown = np.linspace(0.0, 1.0, 8 * 44_100) ** 2
    spectrum = np.fft.rfft(noise(-20.0, 6.0))
    spectrum[16_000 * 6 :] = 0.0
    narrower = np.where(np.arange(len(spectrum)) < 12_000 * 6, spectrum, 0.0)
    return [
        *(piece[: 12 * 44_100] for piece in music),
        both(clicks(96.0, 10.0)),
        channels(noise(-30.0, 8.0) * grown, noise(-20.0, 8.0, seed=2) * grown[::-1]),
        both(steps([(4, -20.0), (2, SILENCE), (4, -12.0)], 44_100)),
        both(np.fft.irfft(spectrum)),
        both(0.1 * np.fft.irfft(narrower) * (1.0 + np.sin(np.arange(6 * 44_100) / 9_000.0)) + 0.02),
    ]


@pytest.fixture(scope="module")
def corpus_values() -> list[dict[str, float | None]]:
    profiles = [analysed(samples).profile for samples in corpus()]
    for profile in profiles:
        assert not [reason for reason in profile.reasons.values() if "Measuring" in reason]
    return [profile.values for profile in profiles]


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: str(dimension.name))
def test_no_dimension_is_constant_or_out_of_its_range(
    dimension: Dimension, corpus_values: list[dict[str, float | None]]
) -> None:
    figures = [each for each in (values[dimension.name] for values in corpus_values) if each is not None]
    assert len({round(each, 3) for each in figures}) >= 2
    assert all(dimension.low <= each <= dimension.high for each in figures)


def test_a_profile_has_exactly_the_dimensions_of_the_table(corpus_values: list[dict[str, float | None]]) -> None:
    for values in corpus_values:
        assert list(values) == [dimension.name for dimension in DIMENSIONS]
