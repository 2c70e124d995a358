"""Mastering a track: its loudness lands where it was meant to, as a meter on the rendered sound says."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from threading import Barrier

import msgspec
import numpy as np
import pytest

from auralis_trio.analysis import Analysis, LoudnessMeter, analyse, quick_look
from auralis_trio.analysis.loudness import Loudness
from auralis_trio.audio.block import Samples
from auralis_trio.audio.grid import Grid
from auralis_trio.audio.source import Check, never_cancelled
from auralis_trio.demo import synthesise
from auralis_trio.errors import InvalidRequest, SourceCorrupt
from auralis_trio.mastering import AS_RECORDED, Recipe, render, tuning
from auralis_trio.mastering.forecast import Heard, forecast
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.resolve import Target
from auralis_trio.mastering.tuning import (
    MAX_BYTES,
    UNTUNED,
    WINDOWS,
    Excerpts,
    Tuning,
    master,
    read_ahead,
    tune,
    windows,
)
from tests.mastering.ledgers import tone
from tests.mastering.sounds import ArraySource

DEFAULT = Target()


@lru_cache(maxsize=8)
def piece(duration_s: float = 16.0, sample_rate: int = 44_100, channels: int = 2) -> tuple[ArraySource, Analysis]:
    """Some music, some way below full scale, and what it measures."""
    source = ArraySource(0.4 * synthesise(duration_s, sample_rate, channels), sample_rate)
    return source, analyse(source)


def heard(source: ArraySource, recipe: Recipe) -> Loudness:
    """What a meter says of the rendered track."""
    meter = LoudnessMeter(source.sample_rate, source.samples.shape[1])
    meter.add(render(source, recipe, 0, Grid(source.sample_rate, source.total_frames).total_grains).samples)
    return meter.result()


@pytest.mark.parametrize("intensity", [1.0, 0.5])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_tuned_track_lands_on_its_target(preset: str, intensity: float) -> None:
    source, analysis = piece()
    mastered = master(analysis, preset, intensity, DEFAULT, tune(source, analysis, preset, DEFAULT))
    original_lufs = analysis.profile.values["integrated_lufs"]
    assert original_lufs is not None
    target_lufs = original_lufs + intensity * (PRESETS[preset].target_lufs - original_lufs)
    assert mastered.target_lufs == pytest.approx(target_lufs, abs=0.001)
    assert mastered.limited_by is None
    assert heard(source, mastered.recipe).integrated_lufs == pytest.approx(target_lufs, abs=0.05)


@pytest.mark.parametrize("preset", ["adaptive", "bright", "punchy"])
def test_without_any_audio_the_ledger_alone_comes_near(preset: str) -> None:
    source, analysis = piece()
    mastered = master(analysis, preset, 1.0, DEFAULT)
    assert heard(source, mastered.recipe).integrated_lufs == pytest.approx(mastered.target_lufs, abs=0.2)


@pytest.mark.parametrize(("sample_rate", "channels"), [(8_000, 1), (48_000, 6), (96_000, 2)])
def test_other_rates_and_channels_land_on_their_target_too(sample_rate: int, channels: int) -> None:
    source, analysis = piece(8.0, sample_rate, channels)
    mastered = master(analysis, "bright", 1.0, DEFAULT, tune(source, analysis, "bright", DEFAULT))
    assert mastered.limited_by is None
    assert heard(source, mastered.recipe).integrated_lufs == pytest.approx(mastered.target_lufs, abs=0.1)


def test_where_the_limiter_sets_a_bound_the_loudness_is_what_was_said() -> None:
    source, analysis = piece()
    loud = Target(offset_lu=12.0)
    mastered = master(analysis, "adaptive", 1.0, loud, tune(source, analysis, "adaptive", loud))
    assert mastered.limited_by == "limiter"
    assert mastered.shortfall_lu > 1.0
    assert mastered.expected_lufs == pytest.approx(-2.0 - mastered.shortfall_lu, abs=0.002)
    assert heard(source, mastered.recipe).integrated_lufs == pytest.approx(mastered.expected_lufs, abs=0.1)


def test_the_offset_of_the_listener_moves_the_target() -> None:
    source, analysis = piece()
    quieter = Target(offset_lu=-4.0)
    mastered = master(analysis, "warm", 1.0, quieter, tune(source, analysis, "warm", quieter))
    assert heard(source, mastered.recipe).integrated_lufs == pytest.approx(-19.0, abs=0.05)


@pytest.mark.parametrize("preset", PRESETS)
def test_more_intensity_never_moves_the_loudness_less(preset: str) -> None:
    _, analysis = piece()
    original_lufs = analysis.profile.values["integrated_lufs"] or 0.0
    results = [master(analysis, preset, step / 8, DEFAULT).expected_lufs for step in range(9)]
    moves = [abs((lufs or 0.0) - original_lufs) for lufs in results]
    assert moves[0] == 0.0
    assert all(less < more + 0.002 for less, more in pairwise(moves))
    assert moves[-1] == pytest.approx(abs(PRESETS[preset].target_lufs - original_lufs), abs=0.002)


def test_what_was_learned_counts_by_the_intensity() -> None:
    _, analysis = piece()
    learned = Tuning(correction_lu=0.4)
    for intensity in (0.25, 1.0):
        plain, tuned = (
            master(analysis, "gentle", intensity, DEFAULT, each).recipe.gain_db for each in (UNTUNED, learned)
        )
        assert plain - tuned == pytest.approx(0.4 * intensity, abs=0.05)


def test_at_no_intensity_the_track_is_left_as_it_is() -> None:
    source, analysis = piece()
    mastered = master(analysis, "punchy", 0.0, DEFAULT, tune(source, analysis, "punchy", DEFAULT))
    assert mastered.recipe == AS_RECORDED
    assert mastered.expected_lufs == mastered.target_lufs == analysis.profile.values["integrated_lufs"]


def test_tuning_gives_the_same_each_time() -> None:
    source, analysis = piece()
    assert tune(source, analysis, "warm", DEFAULT) == tune(source, analysis, "warm", DEFAULT)


def test_a_preset_that_does_not_exist_is_refused() -> None:
    source, analysis = piece()
    with pytest.raises(InvalidRequest):
        master(analysis, "loudest", 1.0, DEFAULT)
    with pytest.raises(InvalidRequest):
        tune(source, analysis, "loudest", DEFAULT)


@pytest.mark.parametrize("frames", [0, 1, 5_000, 100_000])
@pytest.mark.parametrize("preset", PRESETS)
def test_silence_stays_silence_and_has_no_target(preset: str, frames: int) -> None:
    source = ArraySource(np.zeros((frames, 2), np.float32))
    analysis = analyse(source)
    assert tune(source, analysis, preset, DEFAULT) == UNTUNED
    mastered = master(analysis, preset, 1.0, DEFAULT)
    assert (mastered.target_lufs, mastered.expected_lufs, mastered.recipe.gain_db) == (None, None, 0.0)
    assert not render(source, mastered.recipe, 0, 20).samples.any()


def test_a_sound_too_short_for_a_loudness_is_neither_raised_nor_lowered() -> None:
    source = ArraySource(0.4 * synthesise(0.3, 44_100, 2))
    mastered = master(analyse(source), "adaptive", 1.0, DEFAULT)
    assert (mastered.target_lufs, mastered.expected_lufs, mastered.recipe.gain_db) == (None, None, 0.0)
    assert np.isfinite(render(source, mastered.recipe, 0, 2).samples).all()


class Counting(ArraySource):
    """Counts the frames that are read of it."""

    frames_read = 0

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        self.frames_read += frames
        return super().read(start, frames, check)


def test_a_long_track_is_tuned_by_a_few_windows_each_read_once() -> None:
    short, _ = piece()
    source = Counting(np.tile(short.samples, (5, 1)))
    tune(source, analyse(short_of(source)), "adaptive", DEFAULT)
    assert source.frames_read < WINDOWS * 3.5 * source.sample_rate < source.total_frames


def test_another_preset_of_the_same_track_is_tuned_from_what_was_read_for_the_first() -> None:
    source, excerpts = Counting(np.tile(piece()[0].samples, (5, 1))), Excerpts()
    analysis = analyse(short_of(source))
    tune(source, analysis, "adaptive", DEFAULT, excerpts=excerpts)
    first = source.frames_read
    again = [tune(source, analysis, preset, DEFAULT, excerpts=excerpts) for preset in PRESETS]
    assert source.frames_read == first
    assert 0 < excerpts.nbytes <= MAX_BYTES
    assert again == [tune(source, analysis, preset, DEFAULT) for preset in PRESETS]


def test_two_threads_that_tune_a_track_together_share_the_work_and_come_to_the_same() -> None:
    whole = np.tile(piece()[0].samples, (5, 1))
    both_began, excerpts = Barrier(2), Excerpts()
    analysis = analyse(ArraySource(whole))

    class Together(Counting):
        def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
            if not self.frames_read:
                both_began.wait(10)
            return super().read(start, frames, check)

    sources = Together(whole), Together(whole)
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda one: tune(one, analysis, "warm", DEFAULT, excerpts=excerpts), sources))
    alone = Counting(whole)
    assert found == [tune(alone, analysis, "warm", DEFAULT)] * 2
    window = alone.frames_read / WINDOWS
    assert min(one.frames_read for one in sources) >= window
    assert sum(one.frames_read for one in sources) <= alone.frames_read + 2 * window


def test_a_thread_that_fails_leaves_its_windows_to_the_other() -> None:
    source, excerpts = Counting(np.tile(piece()[0].samples, (5, 1))), Excerpts()
    analysis = analyse(short_of(source))

    class Broken(ArraySource):
        def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
            raise SourceCorrupt(frame=start)

    with pytest.raises(SourceCorrupt):
        tune(Broken(source.samples), analysis, "warm", DEFAULT, excerpts=excerpts)
    together = tune(source, analysis, "warm", DEFAULT, excerpts=excerpts)
    assert together == tune(short_of(source), analysis, "warm", DEFAULT)


def test_what_is_kept_of_a_track_between_two_tunings_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MAX_BYTES", 3_000_000)
    source, excerpts = Counting(np.tile(piece()[0].samples, (5, 1))), Excerpts()
    analysis = analyse(short_of(source))
    once = tune(source, analysis, "warm", DEFAULT, excerpts=excerpts)
    first = source.frames_read
    tune(source, analysis, "bright", DEFAULT, excerpts=excerpts)
    assert tune(source, analysis, "warm", DEFAULT, excerpts=excerpts) == once
    assert first < source.frames_read < 3 * first
    assert 2_000_000 < excerpts.nbytes <= 3_000_000


def test_what_is_read_ahead_is_all_that_tuning_any_preset_reads() -> None:
    source, excerpts = Counting(np.tile(piece()[0].samples, (5, 1))), Excerpts()
    analysis = analyse(short_of(source))
    read_ahead(source, analysis, "warm", DEFAULT, excerpts=excerpts)
    first = source.frames_read
    assert excerpts.whole
    found = [tune(source, analysis, preset, DEFAULT, excerpts=excerpts) for preset in PRESETS]
    assert source.frames_read == first
    assert found == [tune(source, analysis, preset, DEFAULT) for preset in PRESETS]


def test_reading_ahead_can_be_called_off_and_what_was_read_stays() -> None:
    source, excerpts = Counting(np.tile(piece()[0].samples, (5, 1))), Excerpts()
    analysis, checks = analyse(short_of(source)), iter(range(3))

    def check() -> None:
        next(checks)

    with pytest.raises(StopIteration):
        read_ahead(source, analysis, "warm", DEFAULT, check, excerpts=excerpts)
    half = source.frames_read
    assert half > 0
    assert not excerpts.whole
    together = tune(source, analysis, "warm", DEFAULT, excerpts=excerpts)
    assert excerpts.whole
    alone = Counting(source.samples)
    assert together == tune(alone, analysis, "warm", DEFAULT)
    window = alone.frames_read // WINDOWS
    assert source.frames_read - half < alone.frames_read
    assert source.frames_read <= alone.frames_read + window  # the one that was under way


def test_nothing_is_read_ahead_of_a_track_that_is_rendered_as_a_whole() -> None:
    source, excerpts = Counting(piece()[0].samples), Excerpts()
    read_ahead(source, piece()[1], "warm", DEFAULT, excerpts=excerpts)
    assert (source.frames_read, excerpts.nbytes, excerpts.whole) == (0, 0, False)


def short_of(source: ArraySource) -> ArraySource:
    """The same sound as a source that does not count."""
    return ArraySource(source.samples, source.sample_rate)


def test_tuning_can_be_called_off() -> None:
    class NotWantedError(Exception):
        pass

    def check() -> None:
        raise NotWantedError

    source, analysis = piece()
    with pytest.raises(NotWantedError):
        tune(source, analysis, "adaptive", DEFAULT, check)


def test_windows_lie_on_the_grid_where_the_track_is_heard() -> None:
    ledger = tone([-90.0] * 2_000 + [-20.0] * 2_000)
    grid = Grid(ledger.sample_rate, ledger.total_frames)
    spans = windows(forecast(Heard.of(ledger), Recipe()), grid)
    assert len(spans) == WINDOWS
    assert all(span.start % grid.grain == 0 and span.end <= grid.total_frames for span in spans)
    assert all(span.start + span.frames // 2 >= 2_000 * ledger.hop_frames - grid.grain for span in spans)


@pytest.mark.parametrize("preset", ["bright", "punchy"])
def test_a_short_track_with_a_pause_is_tuned_by_all_of_it_as_the_gates_of_the_standard_hear_it(preset: str) -> None:
    music = 0.4 * synthesise(4.0, 44_100, 2)
    source = ArraySource(np.concatenate((music, 0.1 * music, 0.28 * music)))
    analysis = analyse(source)
    mastered = master(analysis, preset, 1.0, DEFAULT, tune(source, analysis, preset, DEFAULT))
    assert heard(source, mastered.recipe).integrated_lufs == pytest.approx(mastered.expected_lufs, abs=0.03)


def swelling() -> ArraySource:
    """A minute whose loudness changes by 24 dB, slowly."""
    samples = 0.4 * synthesise(60.0, 22_050, 2)
    level_db = 12.0 * np.cos(2.0 * np.pi * np.arange(len(samples)) / (30.0 * 22_050)) - 12.0
    return ArraySource(samples * (10.0 ** (level_db / 20.0)).astype(np.float32)[:, np.newaxis], 22_050)


def test_the_live_preset_narrows_a_wide_loudness_range_and_still_lands() -> None:
    source = swelling()
    analysis = analyse(source)
    range_lu = analysis.profile.values["loudness_range_lu"]
    assert range_lu is not None
    assert range_lu > 15.0
    mastered = master(analysis, "live", 1.0, DEFAULT, tune(source, analysis, "live", DEFAULT))
    assert mastered.recipe.automation_db
    even = heard(source, mastered.recipe)
    plain = heard(source, msgspec.structs.replace(mastered.recipe, automation_db=()))
    wanted_lu = 0.3 * (range_lu - 12.0)
    assert (plain.loudness_range_lu or 0.0) - (even.loudness_range_lu or 0.0) == pytest.approx(wanted_lu, rel=0.3)
    assert even.integrated_lufs == pytest.approx(mastered.expected_lufs, abs=0.1)


def test_of_a_quick_look_no_levelling_is_made_as_its_ledger_is_not_the_track() -> None:
    analysis = analyse(swelling())
    longer = msgspec.structs.replace(analysis.profile, total_frames=10 * analysis.profile.total_frames)
    looked = type(analysis)(profile=longer, ledger=analysis.ledger)
    assert master(looked, "live", 1.0, DEFAULT).recipe.automation_db == ()


def test_a_quick_look_comes_near_and_is_not_tuned_since_its_hops_have_no_place_in_the_track() -> None:
    music = 0.4 * synthesise(40.0, 22_050, 2)
    source = ArraySource(np.tile(music, (4, 1)), 22_050)
    looked = quick_look(source)
    assert not Heard.of(looked.ledger).covers(source.total_frames)
    assert tune(source, looked, "adaptive", DEFAULT) == UNTUNED
    assert heard(source, master(looked, "adaptive", 1.0, DEFAULT).recipe).integrated_lufs == pytest.approx(
        -14.0, abs=0.5
    )
