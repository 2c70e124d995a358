"""The quality that a page is sent: as FLAC the same samples, and as Opus every frame, whatever a listener does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from auralis_trio.audio.units import frames_at_rate, seconds_to_frame
from tests.web.player_page import (
    GIVEN,
    WHOLE,
    Samples,
    clear_queue,
    click_track,
    decoded,
    heard,
    held,
    hold_when,
    open_player,
    release,
    search,
    wait_for,
    wait_for_cut,
    write_tracks,
)

OPUS_RATE = 48_000
AS_INSTALLED = {"enhancement_enabled": False, "preset": "adaptive", "intensity": 1.0, "match_loudness": False}
END = "() => loudspeaker.decks.at(-1).end"
"""How many frames the last deck gets in all."""
SLOW_BYTES_PER_S = 60_000
"""A third of what 16 bits need."""

LONG_S = 10.0

# title: (seconds, rate, channels, album); played in the order of their names
TRACKS: dict[str, tuple[float, int, int, str]] = {
    "Evening": (0.9, 48_000, 2, "A Day"),
    "Night": (0.7, 48_000, 2, "A Day"),
    "Long": (LONG_S, 44_100, 2, "Alone"),
    "Brief": (0.9, 44_100, 2, "Other"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracks(tmp_path_factory.mktemp("music"), TRACKS)


@pytest.fixture
def said(page: Page) -> list[dict[str, Any]]:
    """What the page says on its lines."""
    said: list[dict[str, Any]] = []
    page.on("websocket", lambda line: line.on("framesent", lambda text: said.append(json.loads(text))))
    return said


@pytest.fixture
def player(page: Page, said: list[dict[str, Any]], url: str) -> Page:
    clear_queue(page, url)
    open_player(page, url, len(TRACKS))
    reset = page.request.put(f"{url}/api/settings", data=AS_INSTALLED)
    assert reset.ok, reset.text()
    expect(page.locator("#mastered")).to_be_enabled()
    return page


def of_file(folder: Path, title: str) -> Samples:
    return decoded(folder / f"{title}.flac")


def encodings(said: list[dict[str, Any]]) -> list[str]:
    """Those that were asked for."""
    return [message["data"]["encoding"] for message in said if message["type"] == "play"]


def choose(page: Page, quality: str) -> None:
    """Choose it as a listener does."""
    page.keyboard.press("?")
    page.get_by_label("Quality on this device").select_option(label=quality)
    page.keyboard.press("Escape")


def play_the_day(page: Page) -> None:
    search(page, "A Day", 2)
    page.locator("#sort").select_option("album")
    expect(page.locator(".title")).to_have_text(["Evening", "Night"])
    click_track(page, "Evening")


def is_like(heard: Samples, original: Samples) -> bool:
    """Whether it is the same sound at the same time, but for what Opus leaves out."""
    error, power = np.square(heard - original).mean(), np.square(original).mean()
    early, late = (np.square(heard[1:-1] - original[place : place + len(heard) - 2]).mean() for place in (0, 2))
    return bool(heard.shape == original.shape and error < power / 30 and error < min(early, late))


def test_flac_is_the_very_samples_through_a_join_and_a_seek(
    player: Page, said: list[dict[str, Any]], folder: Path
) -> None:
    choose(player, "Full, compressed (FLAC)")
    with held(player):
        play_the_day(player)
        wait_for(player, WHOLE)
    wait_for(player, "record?.ended")
    search(player, "Long", 1)
    click_track(player, "Long")
    hold_when(player, "records.length === 2 && record.frames > 4000")
    player.locator("#seek").press("ArrowRight")
    release(player)
    wait_for(player, "records.length === 3 && record.frames > 30000")
    day, before, after = heard(player)
    long, place = of_file(folder, "Long"), after.marks[0][1]
    assert set(encodings(said)) == {"flac"}
    assert np.array_equal(day.samples, np.concatenate([of_file(folder, "Evening"), of_file(folder, "Night")]))
    assert np.array_equal(before.samples, long[: len(before.samples)])
    assert place > 5 * 44_100
    assert np.array_equal(after.samples, long[place : place + len(after.samples)])
    assert day.underruns == 0


def test_as_opus_tracks_follow_each_other_without_a_frame_too_many_or_too_few(
    player: Page, said: list[dict[str, Any]], folder: Path
) -> None:
    choose(player, "Small (Opus)")
    with held(player):
        play_the_day(player)
        wait_for(player, WHOLE)
    expect(player.locator("#signal")).to_contain_text("FLAC · 48 kHz · 16 bit · stereo · as recorded · sent as Opus")
    wait_for(player, "record?.ended")
    (tape,) = heard(player)
    evening, night = of_file(folder, "Evening"), of_file(folder, "Night")
    assert encodings(said) == ["opus"]
    assert [mark[1:] for mark in tape.marks] == [(0, 0), (0, len(evening))]
    assert (len(tape.samples), tape.underruns) == (len(evening) + len(night), 0)
    assert is_like(tape.samples[: len(evening)], evening)
    assert is_like(tape.samples[len(evening) :], night)
    around = slice(len(evening) - 2_000, len(evening) + 2_000)
    assert is_like(tape.samples[around], np.concatenate([evening, night])[around])


def play_long(player: Page) -> None:
    """Play it alone, and hold it near its beginning."""
    search(player, "Long", 1)
    click_track(player, "Long")
    hold_when(player, "record?.frames > 8000")


def at_opus_rate(seconds: float) -> int:
    """The frames of a track of 44.1 kHz."""
    return frames_at_rate(round(seconds * 44_100), 44_100, OPUS_RATE)


def test_as_opus_a_track_of_another_rate_is_shown_and_sought_in_its_own_time(player: Page) -> None:
    choose(player, "Small (Opus)")
    play_long(player)
    expect(player.locator("#signal")).to_contain_text("FLAC · 44.1 kHz")
    expect(player.locator("#total")).to_have_text("0:10")
    player.locator("#seek").press("ArrowRight")
    expect(player.locator("#elapsed")).to_have_text("0:05")
    expect(player.locator("#total")).to_have_text("0:10")
    wait_for(player, f"loudspeaker.decks.length === 2 && {WHOLE}")
    release(player)
    wait_for(player, "records.length === 2 && record.frames > 8000")
    before, after = heard(player)
    place = after.marks[0][1]
    assert after.sample_rate == OPUS_RATE
    assert abs(place - len(before.samples) - 5 * OPUS_RATE) < OPUS_RATE / 2
    assert player.evaluate(END) == at_opus_rate(LONG_S) - place
    assert after.underruns == 0


def test_as_opus_another_sound_takes_over_at_its_frame_and_the_track_keeps_its_length(player: Page) -> None:
    choose(player, "Small (Opus)")
    play_long(player)
    player.keyboard.press("m")
    wait_for_cut(player, 1)
    release(player)
    wait_for(player, f"record.marks.length === 2 && {WHOLE}")
    expect(player.locator("#signal")).to_contain_text("mastered: adaptive 100 %")
    expect(player.locator("#signal")).to_contain_text("sent as Opus")
    (tape,) = heard(player)
    _, (_, frame, place) = tape.marks
    assert frame == place > 8_000
    assert player.evaluate(END) == at_opus_rate(LONG_S)
    assert tape.underruns == 0


def test_as_opus_tracks_go_over_into_each_other_whatever_their_rates(player: Page, url: str, folder: Path) -> None:
    """No mix is longer than half of the shorter track."""
    player.request.put(f"{url}/api/settings", data={"crossfade_s": 1})
    try:
        choose(player, "Small (Opus)")
        for title in ("Evening", "Brief"):
            player.get_by_role("button", name=f"More for {title}").click()
            player.get_by_role("button", name="Add to the queue").click()
        expect(player.locator("#now-title")).to_have_text("Evening")
        with held(player):
            player.keyboard.press(" ")
            wait_for(player, WHOLE)
        wait_for(player, "record?.ended")
    finally:
        player.request.put(f"{url}/api/settings", data={"crossfade_s": 0})
    (tape,) = heard(player)
    evening, brief = of_file(folder, "Evening"), at_opus_rate(0.9)
    assert len(tape.samples) == len(evening) + brief - brief // 2
    assert is_like(tape.samples[: len(evening) - brief // 2], evening[: len(evening) - brief // 2])
    assert tape.underruns == 0


def test_compared_is_what_was_decoded_whatever_is_sent_and_both_are_at_the_same_time(
    player: Page, said: list[dict[str, Any]]
) -> None:
    choose(player, "Small (Opus)")
    play_long(player)
    player.keyboard.press("a")
    release(player)
    wait_for(player, "records.length === 2 && record.frames > 8000")
    player.get_by_role("button", name="Compare").click()
    wait_for(player, "records.length === 3 && record.frames > 4000")
    before, compared, after = heard(player)
    assert encodings(said) == ["opus", "s24", "s24", "opus"]
    assert (compared.sample_rate, after.sample_rate) == (44_100, OPUS_RATE)
    began_s = compared.marks[0][1] / 44_100
    assert abs(began_s - len(before.samples) / OPUS_RATE) < 0.5
    assert abs(after.marks[0][1] / OPUS_RATE - began_s - len(compared.samples) / 44_100) < 0.5


def test_devices_of_different_quality_are_at_the_same_time(player: Page, url: str, folder: Path) -> None:
    choose(player, "Small (Opus)")
    play_long(player)
    with player.context.new_page() as other:
        open_player(other, url, len(TRACKS))
        choose(other, "Full")
        expect(other.locator("#total")).to_have_text("0:10")
        other.keyboard.press("Shift+ArrowRight")
        wait_for(player, "loudspeaker.decks.length === 2")
        release(player)
        wait_for(player, "records.length === 2 && record.frames > 8000")
        sought = heard(player)[-1].marks[0][1] / OPUS_RATE
        assert sought >= 5  # and as much more as has passed since the other page was told a place
        with held(player):
            other.get_by_role("button", name="Play here").click()
            wait_for(other, "record?.frames > 8000")
        (tape,) = heard(other)
        place = tape.marks[0][1]
        assert abs(place / 44_100 - sought - len(heard(player)[-1].samples) / OPUS_RATE) < 0.5
        assert np.array_equal(tape.samples, of_file(folder, "Long")[place : place + len(tape.samples)])


def test_the_quality_is_kept_on_this_device_and_changes_in_mid_play_at_the_time_that_is_heard(
    player: Page, said: list[dict[str, Any]], url: str, folder: Path
) -> None:
    choose(player, "Small (Opus)")
    open_player(player, url, len(TRACKS))
    expect(player.locator("#encoding")).to_have_value("opus")
    play_long(player)
    choose(player, "Full")
    release(player)
    wait_for(player, "records.length === 2 && record.frames > 8000")
    small, full = heard(player)
    assert encodings(said) == ["opus", "s16"]
    place = full.marks[0][1]
    (again,) = (message["data"] for message in said if "position_s" in message["data"])
    assert place == seconds_to_frame(again["position_s"], 44_100)
    assert abs(place / 44_100 - len(small.samples) / OPUS_RATE) < 0.5
    assert np.array_equal(full.samples, of_file(folder, "Long")[place : place + len(full.samples)])
    expect(player.locator("#signal")).not_to_contain_text("Opus")


@pytest.mark.parametrize(
    "lack",
    ["delete globalThis.AudioDecoder", "AudioDecoder.isConfigSupported = async () => ({ supported: false })"],
    ids=["no decoder", "no codec"],
)
def test_what_the_browser_cannot_decode_is_neither_offered_nor_asked_for(
    page: Page, said: list[dict[str, Any]], url: str, lack: str
) -> None:
    page.add_init_script(f"{lack}; localStorage.setItem('auralis.encoding', 'opus')")
    clear_queue(page, url)
    open_player(page, url, len(TRACKS))
    expect(page.locator("#encoding option")).to_have_count(2)
    expect(page.locator("#encoding")).to_have_value("exact")
    click_track(page, "Brief")
    wait_for(page, "record?.frames > 8000")
    assert encodings(said) == ["s16"]


def test_a_line_that_cannot_carry_the_sound_as_it_is_carries_it_as_opus(player: Page) -> None:
    line = player.context.new_cdp_session(player)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 100,
            "downloadThroughput": SLOW_BYTES_PER_S,
            "uploadThroughput": SLOW_BYTES_PER_S,
        },
    )
    choose(player, "Small (Opus)")
    search(player, "Long", 1)
    with held(player):
        click_track(player, "Long")
        wait_for(player, f"{GIVEN} > {1.5 * OPUS_RATE}")
    wait_for(player, f"record?.frames > {4 * OPUS_RATE}")
    choose(player, "16 bit")
    wait_for(player, "records.length === 2 && record.underruns > 0")
    expect(player.locator("#condition")).to_contain_text("interruption")
    assert heard(player)[0].underruns == 0
