"""The slow gain that evens out a wide loudness range."""

import numpy as np
import pytest

from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN
from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.levelling import levelling_db
from auralis_trio.mastering.recipe import AUTOMATION_GRAINS
from tests.mastering.ledgers import HOP_FRAMES, HOP_S, tone

TURNS = [-40.0] * 1_500 + [-20.0] * 1_500
LEDGER = tone(TURNS + TURNS)
KNOT_HOPS = AUTOMATION_GRAINS * LEDGER_HOPS_PER_GRAIN


def test_quiet_parts_are_lifted_and_loud_ones_lowered_by_the_share() -> None:
    knots = np.array(levelling_db(Heard.of(LEDGER), LEDGER.total_frames, 20.0, 0.3))
    middles = knots[np.array([750, 2_250, 3_750, 5_250]) // KNOT_HOPS]
    assert middles[[0, 2]] - middles[[1, 3]] == pytest.approx(0.3 * 8.0 * 17.0 / 20.0, abs=0.35)
    assert middles[0] > 0.0 > middles[1]


def test_there_is_a_knot_at_the_beginning_and_behind_the_end() -> None:
    knots = levelling_db(Heard.of(LEDGER), LEDGER.total_frames, 20.0, 0.3)
    assert (len(knots) - 2) * KNOT_HOPS < LEDGER.hops <= (len(knots) - 1) * KNOT_HOPS


def test_it_moves_no_faster_than_half_a_decibel_a_second() -> None:
    knots = np.array(levelling_db(Heard.of(LEDGER), LEDGER.total_frames, 30.0, 0.3))
    assert np.abs(np.diff(knots)).max() / (KNOT_HOPS * HOP_S) <= 0.5


def test_an_end_that_fades_out_goes_on_fading() -> None:
    levels = np.concatenate((np.full(3_000, -20.0), np.linspace(-20.0, -110.0, 1_000)))
    ledger = tone(levels)
    knots = np.array(levelling_db(Heard.of(ledger), ledger.total_frames, 20.0, 0.3))
    at_hops = np.interp(np.arange(len(levels)), np.arange(len(knots)) * KNOT_HOPS, knots)
    assert np.all(np.diff((levels + at_hops)[3_000:]) < 0.0)


@pytest.mark.parametrize("range_lu", [None, 0.0, 11.9, 12.0])
def test_a_range_within_bounds_is_left_alone(range_lu: float | None) -> None:
    assert levelling_db(Heard.of(LEDGER), LEDGER.total_frames, range_lu, 0.3) == ()


def test_a_range_just_beyond_is_hardly_touched() -> None:
    knots = levelling_db(Heard.of(LEDGER), LEDGER.total_frames, 12.01, 0.3)
    assert 0.0 < np.abs(knots).max() < 0.01


def test_without_a_share_or_the_whole_track_there_is_none() -> None:
    assert levelling_db(Heard.of(LEDGER), LEDGER.total_frames, 20.0, 0.0) == ()
    assert levelling_db(Heard.of(LEDGER), LEDGER.total_frames + HOP_FRAMES, 20.0, 0.3) == ()
