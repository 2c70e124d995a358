"""The recommended preset and its reasons."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.analysis import DIMENSIONS, Profile
from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.recommend import BASE, recommend
from tests.mastering.profiles import MODEL_DB, profile_of, profiles, silent

MEASURED = {"typical_crest_db": 14.0, "onset_rate_hz": 1.8, "rhythm_stability": 0.2}
OCTAVES_ABOVE_1_KHZ = np.log2(CENTRES_HZ / 1_000.0)


def track(slope_db: float = 0.0, **values: float | None) -> Profile:
    """A track with the balance of the model, tilted so many dB an octave about 1 kHz."""
    tilted = MODEL_DB - 30.0 + slope_db * OCTAVES_ABOVE_1_KHZ
    return profile_of(tilted, tilted - 12.0, 2, 44_100, **(MEASURED | values))


def test_a_track_without_peculiarities_gets_a_balanced_treatment() -> None:
    found = recommend(track())
    assert found.preset == "adaptive"
    assert "Nothing about this track stands out" in found.reasons[0]


@pytest.mark.parametrize(
    ("profile", "preset", "word"),
    [
        (track(slope_db=-4.0), "bright", "treble"),
        (track(slope_db=4.0), "warm", "treble"),
        (track(loudness_range_lu=19.0), "live", "19 LU apart"),
        (track(typical_crest_db=7.8, integrated_lufs=-7.0), "gentle", "8 dB above its mean"),
        (track(onset_rate_hz=6.0, rhythm_stability=0.8), "punchy", "6 notes and beats"),
        (track(onset_rate_hz=0.2), "gentle", "0.2 a second"),
    ],
)
def test_what_stands_out_decides_and_is_the_reason(profile: Profile, preset: str, word: str) -> None:
    found = recommend(profile)
    assert found.preset == preset
    assert any(word in reason for reason in found.reasons)


def test_the_reasons_are_those_for_the_preset_itself() -> None:
    found = recommend(track(loudness_range_lu=20.0, onset_rate_hz=0.9))
    assert found.preset == "live"
    assert not any("Attacks" in reason for reason in found.reasons)


@settings(deadline=None, max_examples=60)
@given(profiles(), st.floats(0.0, 30.0), st.floats(4.0, 25.0), st.floats(0.0, 10.0), st.floats(0.0, 1.0))
def test_every_other_preset_is_ranked_and_the_confidence_is_a_share(
    profile: Profile, range_lu: float, crest_db: float, onsets_hz: float, stability: float
) -> None:
    values = {
        "loudness_range_lu": range_lu,
        "typical_crest_db": crest_db,
        "onset_rate_hz": onsets_hz,
        "rhythm_stability": stability,
    }
    found = recommend(msgspec.structs.replace(profile, values=profile.values | values))
    scores = [each.score for each in found.alternatives]
    assert {found.preset, *(each.preset for each in found.alternatives)} == set(PRESETS)
    assert scores == sorted(scores, reverse=True)
    assert 0.0 <= found.confidence <= 1.0
    assert found.reasons


@settings(deadline=None, max_examples=60)
@given(st.floats(-6.0, 6.0), st.floats(5.0, 22.0), st.floats(0.0, 0.1))
def test_nearly_equal_tracks_have_nearly_equal_scores(slope_db: float, range_lu: float, step: float) -> None:
    def scores(profile: Profile) -> dict[str, float]:
        return {each.preset: each.score for each in recommend(profile).alternatives}

    one = scores(track(slope_db, loudness_range_lu=range_lu))
    other = scores(track(slope_db + step, loudness_range_lu=range_lu + step))
    for preset in one.keys() & other.keys():
        assert one[preset] == pytest.approx(other[preset], abs=2.0 * step + 0.002)


def test_of_silence_nothing_is_known_and_it_says_so() -> None:
    found = recommend(silent())
    assert found.preset == "adaptive"
    assert found.confidence == 0.0
    assert all(each.score == 0.0 for each in found.alternatives)


def test_an_unmeasured_dimension_speaks_for_nothing_and_makes_it_less_sure() -> None:
    sure, unsure = (recommend(track(rhythm_stability=value)) for value in (0.2, None))
    assert sure.preset == unsure.preset
    assert sure.confidence > unsure.confidence
    assert max(each.score for each in unsure.alternatives) < BASE


def test_every_trait_is_about_a_dimension_that_is_measured() -> None:
    asked: set[str] = set()

    class Asked(dict[str, float | None]):
        def get(self, name: str, default: object = None) -> None:
            asked.add(name)

    recommend(msgspec.structs.replace(track(), values=Asked()))
    assert asked <= {dimension.name for dimension in DIMENSIONS}
    assert len(asked) >= 5
