"""The player page on the real server, mastering: what is heard is what the chunks over HTTP hold, to the frame."""

import json
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import mutagen
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from auralis_trio.audio.grid import Grid
from auralis_trio.demo import synthesise
from auralis_trio.mastering.join import Join
from tests.web.player_page import (
    GIVEN,
    LIMIT_MS,
    WHOLE,
    Samples,
    ask,
    clear_queue,
    click_track,
    decoded,
    heard,
    held,
    hold_when,
    open_player,
    release,
    wait_for,
    wait_for_cut,
)

RATE = 44_100
FADE = 441
GRAIN = Grid(RATE, 0).grain
AS_INSTALLED = {"enhancement_enabled": False, "preset": "adaptive", "intensity": 1.0, "match_loudness": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Music that mastering makes much louder."""
    folder = tmp_path_factory.mktemp("music")
    for seed, (title, seconds) in enumerate((("Long", 20.0), ("Brief", 1.5)), 1):
        file = folder / f"{title}.flac"
        soundfile.write(file, synthesise(seconds, RATE, 2, seed) / 8, RATE, "PCM_16")
        tags = mutagen.File(file)
        tags.update({"title": [title]})
        tags.save()
    return folder


@pytest.fixture
def player(page: Page, url: str) -> Page:
    """The page, after the settings were put back."""
    clear_queue(page, url)
    open_player(page, url, 2)
    reset = page.request.put(f"{url}/api/settings", data=AS_INSTALLED)
    assert reset.ok, reset.text()
    expect(page.locator("#mastered")).to_be_enabled()
    expect(page.locator("#mastered")).not_to_be_checked()
    return page


def chunks(url: str, track_id: int, encoding: str, **wish: object) -> Samples:
    """The first fifteen seconds of a track, as the chunks give it."""
    return np.concatenate([chunk(url, track_id, index, encoding, **wish) for index in range(3)])


def chunk(url: str, track_id: int, index: int, encoding: str, **wish: object) -> Samples:
    """One chunk as it is over HTTP."""
    parameters = urlencode(
        {"encoding": encoding, **{name: json.dumps(value).strip('"') for name, value in wish.items()}}
    )
    with urlopen(f"{url}/api/stream/{track_id}/chunk/{index}?{parameters}") as answer:
        data = np.frombuffer(answer.read(), np.uint8)
    if encoding == "s16":
        return (data.view("<i2") / 2**15).astype(np.float32).reshape(-1, 2)
    words = np.zeros((len(data) // 3, 4), np.uint8)
    words[:, 1:] = data.reshape(-1, 3)
    return ((words.view("<i4")[:, 0] >> 8) / 2**23).astype(np.float32).reshape(-1, 2)


def test_mastered_sound_takes_over_in_mid_play_at_the_frame_that_was_told(
    player: Page, url: str, folder: Path
) -> None:
    click_track(player, "Long")
    hold_when(player, "record?.frames > 8000")
    player.keyboard.press("m")
    wait_for_cut(player, 1)
    release(player)
    wait_for(player, "record.marks.length === 2")
    wait_for(player, "record.frames > record.marks[1].tapeStart + 40000")
    (tape,) = heard(player)
    (track_id, _, _), (_, frame, place) = tape.marks
    assert frame == place > 8_000
    assert tape.underruns == 0
    size = len(tape.samples)
    original = decoded(folder / "Long.flac")[:size]
    mastered = chunks(url, track_id, "s16", enhanced=True)[:size]
    assert np.array_equal(tape.samples[:frame], original[:frame])
    assert np.array_equal(tape.samples[frame + GRAIN :], mastered[frame + GRAIN :])
    blended = tape.samples[frame : frame + GRAIN]
    between = np.maximum(np.abs(original), np.abs(mastered))[frame : frame + GRAIN] + 4 / 2**15
    assert (np.abs(blended) <= between).all()
    assert not np.array_equal(original[frame:], mastered[frame:])


def set_queue(player: Page, url: str, *titles: str) -> dict[str, int]:
    """Have these tracks in the queue; what their ids are."""
    ids = {track["title"]: track["id"] for track in ask(player, url, "library/tracks")["items"]}
    told = player.request.post(f"{url}/api/player/queue", data={"track_ids": [ids[title] for title in titles]})
    assert told.ok, told.text()
    expect(player.locator("#now-title")).to_have_text(titles[0])
    return ids


def blends(heard: Samples, original: Samples, mastered: Samples) -> bool:
    """Whether it lies between the two."""
    return bool((np.abs(heard) <= np.maximum(np.abs(original), np.abs(mastered)) + 4 / 2**15).all())


@pytest.mark.parametrize("title", ["Long", "Brief"])
def test_what_has_arrived_to_its_last_frame_still_changes_its_sound_without_a_gap(
    player: Page, url: str, folder: Path, title: str
) -> None:
    """The last seconds of one track, and another one that is not longer than what the page has in advance."""
    track_id = set_queue(player, url, title)[title]
    original = decoded(folder / f"{title}.flac")
    with held(player):
        player.keyboard.press(" ")
        wait_for(player, f"{GIVEN} > 40000")
        if title == "Long":
            player.request.post(f"{url}/api/player/seek", data={"position_s": 15.5})
            wait_for(player, "loudspeaker.decks.length === 2")
        wait_for(player, WHOLE)
    hold_when(player, "record?.frames > 4000")
    player.keyboard.press("m")
    wait_for(player, f"loudspeaker.decks.at(-1).cuts.length === 1 && {WHOLE}")
    release(player)
    wait_for(player, "record.ended")
    tape = heard(player)[-1]
    (_, first, place), (_, frame, turn) = tape.marks
    assert (place, turn, tape.underruns) == (0, frame - first, 0)
    assert 4_000 < turn < 4_000 + RATE
    original = original[first:]
    mastered = chunk(url, track_id, first // (18 * GRAIN), "s16", enhanced=True)[-len(original) :]
    assert len(tape.samples) == len(original) == len(mastered)
    assert np.array_equal(tape.samples[:turn], original[:turn])
    assert np.array_equal(tape.samples[turn + GRAIN :], mastered[turn + GRAIN :])
    blended = slice(turn, turn + GRAIN)
    assert blends(tape.samples[blended], original[blended], mastered[blended])
    assert not np.array_equal(original[turn:], mastered[turn:])


def test_another_sound_in_the_middle_of_a_crossfade_leaves_the_end_of_the_track_before_as_it_is(
    player: Page, url: str, folder: Path
) -> None:
    """No mix is longer than half of the shorter track, of which all has arrived."""
    assert player.request.put(f"{url}/api/settings", data={"crossfade_s": 1}).ok
    try:
        brief_id = set_queue(player, url, "Long", "Brief")["Brief"]
        with held(player):
            player.keyboard.press(" ")
            wait_for(player, f"{GIVEN} > 40000")
            player.request.post(f"{url}/api/player/seek", data={"position_s": 17.0})
            wait_for(player, f"loudspeaker.decks.length === 2 && {WHOLE}")
        hold_when(player, "record?.marks.length === 2 && record.frames > record.marks[1].tapeStart")
        player.keyboard.press("m")
        wait_for(player, f"loudspeaker.decks.at(-1).cuts.length === 1 && {WHOLE}")
        release(player)
        wait_for(player, "record.ended")
    finally:
        player.request.put(f"{url}/api/settings", data={"crossfade_s": 0})
    tape = heard(player)[-1]
    _, (_, _, join), (track_id, frame, turn) = tape.marks
    assert (track_id, turn - join, tape.underruns) == (brief_id, frame, 0)
    long, original = decoded(folder / "Long.flac"), decoded(folder / "Brief.flac")
    mastered = chunk(url, brief_id, 0, "s16", enhanced=True)
    mixed = len(original) // 2
    out, into = Join(mixed).gains(0, mixed)
    coming = tape.samples[join:].copy()
    coming[:mixed] -= long[-mixed:] * out
    for samples in (original, mastered):
        samples[:mixed] *= into
    assert np.abs(coming[:frame] - original[:frame]).max() < 3 / 2**15
    assert blends(coming[frame:], original[frame:], mastered[frame:])
    assert np.array_equal(coming[max(mixed, frame + GRAIN) :], mastered[max(mixed, frame + GRAIN) :])


def test_a_track_played_mastered_is_the_master_from_its_first_frame_on(player: Page, url: str) -> None:
    player.keyboard.press("m")
    player.locator("#presets label").filter(has_text="Warm").click()
    expect(player.get_by_role("radio", name="Warm")).to_be_checked()
    click_track(player, "Long")
    wait_for(player, "record?.frames > 30000")
    tape = heard(player)[-1]
    (track_id, frame, place) = tape.marks[-1]
    master = chunks(url, track_id, "s24", enhanced=True, preset="warm")
    assert (frame, place) == (0, 0)
    assert np.array_equal(tape.samples, master[: len(tape.samples)])
    expect(player.locator("#signal")).to_contain_text("mastered: warm 100 %, +")
    expect(player.locator("#signal")).to_contain_text(" LUFS")


def test_another_page_hears_and_shows_a_change_too(player: Page, url: str) -> None:
    with player.context.new_page() as other:
        open_player(other, url, 2)
        click_track(player, "Long")
        wait_for(player, "record?.frames > 8000")
        other.keyboard.press("m")
        expect(player.locator("#mastered")).to_be_checked()
        wait_for(player, "record.marks.length === 2")
        expect(player.locator("#signal")).to_contain_text("mastered: adaptive 100 %")


def test_a_and_b_are_the_level_matched_versions_and_change_over_at_the_same_frame(player: Page, url: str) -> None:
    click_track(player, "Long")
    wait_for(player, "record?.frames > 8000")
    player.keyboard.press("a")
    wait_for(player, "records.length === 2 && record.frames > 15000")
    player.keyboard.press("b")
    wait_for(player, "(globalThis.seen ??= record.frames) < record.frames - 15000")
    tape = heard(player)[-1]
    track_id, place, _ = tape.marks[0]
    span = slice(place, place + len(tape.samples))
    wish = {"preset": "adaptive", "match_loudness": True}
    one = chunks(url, track_id, "s24", enhanced=False, **wish)[span]
    other = chunks(url, track_id, "s24", enhanced=True, **wish)[span]
    is_one, is_other = (tape.samples == one).all(axis=1), (tape.samples == other).all(axis=1)
    last, first = int(np.flatnonzero(is_one)[-1]), int(np.flatnonzero(is_other & ~is_one)[0])
    turn = int(np.argmin(is_one))
    assert is_one[:turn].all()
    assert turn > 8_000
    assert is_other[turn + FADE :].all()
    share = (np.arange(1, FADE + 1) / FADE)[:, None]
    faded = one[turn : turn + FADE] * (1 - share) + other[turn : turn + FADE] * share
    assert np.abs(tape.samples[turn : turn + FADE] - faded).max() < 2**-20
    assert last < first + FADE


def test_a_comparison_has_two_lines_of_its_own_and_hangs_up_at_its_end(player: Page, url: str) -> None:
    def has_lines(count: int) -> bool:
        """The server learns of a hang-up a moment later than the page; so it is asked again and again."""
        ends_s = time.monotonic() + LIMIT_MS / 1000
        while len(ask(player, url, "status")["sessions"]) != count:
            if time.monotonic() > ends_s:
                return False
        return True

    click_track(player, "Long")
    wait_for(player, "record?.frames > 8000")
    assert has_lines(1)
    player.keyboard.press("b")
    wait_for(player, "records.length === 2 && record.frames > 8000")
    assert has_lines(3)
    player.get_by_role("button", name="Compare").click()
    wait_for(player, "records.length === 3 && record.frames > 8000")
    assert has_lines(1)


def test_the_report_says_what_was_done_and_what_was_measured(player: Page) -> None:
    player.keyboard.press("m")
    click_track(player, "Brief")
    expect(player.locator("#signal")).to_contain_text("mastered")
    player.get_by_role("button", name="What was done").click()
    report = player.get_by_role("dialog")
    expect(report).to_contain_text("Heard mastered: adaptive, 100 %.")
    expect(report).to_contain_text("Peaks")
    expect(report).to_contain_text("never above −1.0 dBTP")  # noqa: RUF001
    expect(report).to_contain_text("Loudness rangeThe track is too short or too quiet.")
    expect(report).to_contain_text("Suggested preset")
    expect(report.locator("svg polyline").first).to_be_visible()
    player.keyboard.press("Escape")
    expect(report).to_be_hidden()


def test_the_settings_outlast_the_page_and_are_those_of_every_page(player: Page, url: str) -> None:
    with player.context.new_page() as other:
        open_player(other, url, 2)
        player.keyboard.press("m")
        player.locator("#presets label").filter(has_text="Punchy").click()
        player.locator("#intensity").focus()
        for _ in range(3):
            player.keyboard.press("ArrowLeft")
        expect(other.locator("#intensity-text")).to_have_text("97 %")
        open_player(other, url, 2)
        expect(other.locator("#mastered")).to_be_checked()
        expect(other.get_by_role("radio", name="Punchy")).to_be_checked()
        expect(other.locator("#intensity-text")).to_have_text("97 %")
