"""The presets, as data."""

import msgspec
import pytest

from auralis_trio.mastering.presets import PRESETS, Preset


def test_there_are_six_presets_with_their_targets() -> None:
    assert {name: preset.target_lufs for name, preset in PRESETS.items()} == {
        "adaptive": -14.0,
        "gentle": -16.0,
        "warm": -15.0,
        "bright": -14.0,
        "punchy": -13.0,
        "live": -15.0,
    }


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_is_complete_and_looks_back_no_further_than_chunks_can(preset: Preset) -> None:
    assert preset.label
    assert preset.description
    assert len(preset.bands) == len(preset.crossovers_hz) + 1
    assert list(preset.tilt) == sorted(preset.tilt)
    assert list(preset.crossovers_hz) == sorted(preset.crossovers_hz)
    assert all(abs(level_db) < preset.limit_db for _, level_db in preset.tilt)
    for band in preset.bands:
        assert band.ratio > 1.0
        assert band.window_s <= 0.1
        assert band.range_db / band.release_db_per_s <= 0.4


def test_presets_are_plain_data() -> None:
    packed = msgspec.json.encode(dict(PRESETS))
    assert msgspec.json.decode(packed, type=dict[str, Preset]) == dict(PRESETS)
