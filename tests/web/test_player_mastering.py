"""Mastering on the player page: a change in mid-play, to the frame, and the comparison of two versions."""

import json
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from auralis_trio.demo import synthesise
from tests.web.mirror_line import MirrorLine
from tests.web.player_page import (
    GIVEN,
    Samples,
    clear_queue,
    click_track,
    decoded,
    heard,
    hold_when,
    open_player,
    release,
    wait_for,
    wait_for_cut,
)

RATE = 44_100
TRACKS = {"long.flac": ("Long", 20.0), "brief.flac": ("Brief", 1.2)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed, (name, (title, seconds)) in enumerate(TRACKS.items(), 1):
        soundfile.write(folder / name, synthesise(seconds, RATE, 2, seed), RATE, "PCM_16")
        file = mutagen.File(folder / name)
        file.update({"title": [title]})
        file.save()
    return folder


@pytest.fixture
def mirror(page: Page, url: str) -> MirrorLine:
    """A page on which mastered sound is the recording with its sign changed."""
    mirror = MirrorLine()
    page.route_web_socket("**/ws", mirror.route)
    page.route(
        "**/api/processing/parameters?*",
        lambda route: route.fulfill(json={"recipe": {"gain_db": 3.25}, "expected_lufs": -15.0}),
    )
    clear_queue(page, url)
    open_player(page, url, len(TRACKS))
    expect(page.locator("#mastered")).to_be_enabled()
    return mirror


def test_a_change_while_playing_is_heard_from_the_very_frame_it_begins_at(
    page: Page, mirror: MirrorLine, folder: Path
) -> None:
    click_track(page, "Long")
    hold_when(page, "record?.frames > 4000")
    page.keyboard.press("m")
    wait_for_cut(page, 1)
    release(page)
    hold_when(page, "record.marks.length === 2")
    page.get_by_role("radio", name="Warm").check()
    wait_for_cut(page, 2)
    release(page)
    hold_when(page, "record.marks.length === 3")
    page.keyboard.press("m")
    wait_for_cut(page, 3)
    release(page)
    wait_for(page, "record.marks.length === 4 && record.frames > record.marks[3].tapeStart + 8000")
    (tape,) = heard(page)
    whole = decoded(folder / "long.flac")
    one, two, three = mirror.begun_anew
    assert [mark[1:] for mark in tape.marks] == [(0, 0), (one, one), (two, two), (three, three)]
    original = whole[: len(tape.samples)]
    assert np.array_equal(tape.samples[:one], original[:one])
    assert np.array_equal(tape.samples[one:three], -original[one:three])
    assert np.array_equal(tape.samples[three:], original[three:])
    assert tape.underruns == 0


def test_a_change_that_comes_too_late_for_its_frame_skips_no_place_and_repeats_none(
    page: Page, mirror: MirrorLine, folder: Path
) -> None:
    """The new stream begins where was heard long ago: what of it is past is not heard, the rest is at its place."""
    mirror.place = lambda played, sent: 0
    click_track(page, "Long")
    hold_when(page, "record?.frames > 20000")
    page.keyboard.press("m")
    wait_for_cut(page, 1)
    release(page)
    wait_for(page, "record.marks.length === 2 && record.frames > 90000")
    (tape,) = heard(page)
    original = decoded(folder / "long.flac")[: len(tape.samples)]
    change = int(np.argmax((tape.samples != original).any(axis=1)))
    assert 20_000 < change < 80_000
    assert np.array_equal(tape.samples[:change], original[:change])
    assert np.array_equal(tape.samples[change:], -original[change:])


def test_a_change_while_paused_stays_paused_and_is_heard_soon_after_going_on(
    page: Page, mirror: MirrorLine, folder: Path
) -> None:
    click_track(page, "Long")
    wait_for(page, "record?.frames > 4000")
    page.locator("#play").click()
    for _ in range(3):
        page.keyboard.press("m")
    expect(page.locator("#play")).to_have_accessible_name("Play")
    expect(page.locator("#mastered")).to_be_checked()
    page.locator("#play").click()
    wait_for(page, "record.frames > record.marks.at(-1).tapeStart + 8000 && record.marks.length > 1")
    (tape,) = heard(page)
    original = decoded(folder / "long.flac")[: len(tape.samples)]
    at = mirror.begun_anew[-1]
    assert np.array_equal(tape.samples[at:], -original[at:])
    assert np.array_equal(np.abs(tape.samples), np.abs(original))


def test_a_change_in_a_tail_that_was_sent_already_is_heard_too(page: Page, mirror: MirrorLine, folder: Path) -> None:
    """All of a brief track is sent at once."""
    click_track(page, "Brief")
    hold_when(page, "record?.frames > 4000")
    page.keyboard.press("m")
    wait_for(page, "loudspeaker.decks[0].cuts.length === 1")
    release(page)
    wait_for(page, "record.ended")
    (tape,) = heard(page)
    whole, (frame,) = decoded(folder / "brief.flac"), mirror.begun_anew
    assert tape.marks[1][1] == frame
    assert np.array_equal(tape.samples[:frame], whole[:frame])
    assert np.array_equal(tape.samples[frame:], -whole[frame:])


def test_settings_hold_for_the_tracks_that_follow_and_for_pages_opened_elsewhere(
    page: Page, mirror: MirrorLine
) -> None:
    page.keyboard.press("m")
    expect(page.locator("#mastered")).to_be_checked()
    page.locator("#intensity").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#intensity-text")).to_have_text("99 %")
    expect(page.locator("#intensity")).to_have_attribute("aria-valuetext", "99 %")
    click_track(page, "Long")
    wait_for(page, "record?.frames > 4000")
    play = mirror.plays[-1]
    assert (play["enhanced"], play["preset"], play["match_loudness"]) == (True, "adaptive", False)
    assert play["encoding"] == "s24"
    expect(page.locator("#signal")).to_have_text(
        "FLAC · 44.1 kHz · 16 bit · stereo · mastered: adaptive 99 %, +3.3 dB to −15.0 LUFS"  # noqa: RUF001
    )


def test_a_track_that_is_still_being_analysed_is_asked_for_again(
    page: Page, mirror: MirrorLine, folder: Path
) -> None:
    mirror.refusals = 2
    click_track(page, "Brief")
    expect(page.locator("#notice")).to_have_text("Brief: The track is being analysed. Ask again in a moment.")
    wait_for(page, "record?.ended")
    assert len(mirror.plays) == 3
    assert np.array_equal(heard(page)[0].samples, decoded(folder / "brief.flac"))
    expect(page.locator("#notice")).to_be_empty()


def test_after_a_click_in_the_sound_panel_the_keys_are_the_players_again(page: Page, mirror: MirrorLine) -> None:
    click_track(page, "Long")
    page.locator("#presets label").filter(has_text="Live").click()
    page.locator(".switch").click()
    expect(page.locator("#mastered")).to_be_checked()
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_accessible_name("Play")
    expect(page.locator("#mastered")).to_be_checked()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Live")).to_be_checked()


def test_the_panel_is_worked_with_the_keyboard_alone(page: Page, mirror: MirrorLine) -> None:
    page.locator("#mastered").focus()
    page.keyboard.press(" ")
    expect(page.locator("#mastered")).to_be_checked()
    page.locator("#mastered").press("Tab")  # nothing is heard yet, so there is nothing to compare
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Gentle")).to_be_checked()
    expect(page.locator("#now-title")).to_have_text("Nothing is playing")


# ---- the comparison ----


FADE = 441  # frames of 10 ms


def sides(samples: Samples, original: Samples) -> list[int]:
    """Which sides are heard one after the other: 1 the original, -1 the mirrored one; in between only fades may be.

    A fade is a mix of both, so nothing in it is louder than the original.
    """
    assert (np.abs(samples) <= np.abs(original)).all()
    loud = np.abs(original).min(axis=1) > 0
    alone = (samples == original).all(axis=1) * 1 - (samples == -original).all(axis=1) * 1
    heard_alone = alone[loud & (alone != 0)]
    order = [int(heard_alone[0]), *(int(side) for side in heard_alone[1:][np.diff(heard_alone) != 0])]
    assert (loud & (alone == 0)).sum() <= (len(order) - 1) * FADE
    return order


def test_a_and_b_change_over_at_the_frame_that_is_heard(page: Page, mirror: MirrorLine, folder: Path) -> None:
    click_track(page, "Long")
    hold_when(page, "record?.frames > 20000")
    page.keyboard.press("b")
    expect(page.locator("#signal")).to_contain_text("mastered: adaptive 100 %")
    wait_for(page, f"loudspeaker.decks.length === 2 && {GIVEN} > 5 * {RATE}")
    release(page)
    wait_for(page, "records.length === 2 && record.frames > 10000")
    page.keyboard.press("a")
    expect(page.locator("#signal")).to_contain_text("as recorded")
    wait_for(page, "(globalThis.seen ??= record.frames, record.frames > globalThis.seen + 10000)")
    page.get_by_role("button", name="B Mastered").click()
    wait_for(page, "(globalThis.then ??= record.frames, record.frames > globalThis.then + 10000)")
    before, tape = heard(page)
    place = tape.marks[0][1]
    assert 0 < place <= len(before.samples)
    original = decoded(folder / "long.flac")[place : place + len(tape.samples)]
    assert sides(tape.samples, original) == [-1, 1, -1]
    assert tape.underruns == 0
    asked = [(play["enhanced"], play["match_loudness"], play["start_frame"]) for play in mirror.plays[-2:]]
    assert sorted(asked) == [(False, True, place), (True, True, place)]
    assert [play.get("counts", True) for play in mirror.plays] == [True, False, False]


def test_a_comparison_that_a_key_begins_is_seen_in_every_window(page: Page, mirror: MirrorLine) -> None:
    click_track(page, "Long")
    for width, height in ((390, 844), (640, 900), (320, 256), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator("#compare")).to_be_enabled()
        page.keyboard.press("b")
        expect(page.get_by_role("button", name="B Mastered")).to_be_in_viewport(ratio=1)
        expect(page.locator("#play")).to_be_in_viewport(ratio=1)
        page.locator("#compare").click()
        expect(page.locator("#comparison")).to_be_hidden()
        if width < 1000:
            page.locator("#sound-open").click()
            expect(page.locator("#sound")).to_be_hidden()


def test_a_comparison_sounds_in_a_script_node_too(page: Page, url: str, folder: Path) -> None:
    page.add_init_script("Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: undefined })")
    page.route_web_socket("**/ws", MirrorLine().route)
    open_player(page, url, len(TRACKS))
    click_track(page, "Long")
    page.keyboard.press("a")
    wait_for(page, "record?.frames > 10000")
    page.keyboard.press("b")
    wait_for(page, "(globalThis.seen ??= record.frames, record.frames > globalThis.seen + 10000)")
    tape = heard(page)[-1]
    place = tape.marks[0][1]
    assert sides(tape.samples, decoded(folder / "long.flac")[place : place + len(tape.samples)]) == [1, -1]


def test_both_sides_stay_in_step_over_seeks_and_pauses(page: Page, mirror: MirrorLine, folder: Path) -> None:
    click_track(page, "Long")
    page.keyboard.press("a")
    wait_for(page, "record?.frames > 4000")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    wait_for(page, "record.marks[0]?.startFrame >= 10 * 44100 && record.frames > 4000")
    page.keyboard.press("b")
    wait_for(page, "(globalThis.seen ??= record.frames, record.frames > globalThis.seen + 10000)")
    page.keyboard.press(" ")
    page.keyboard.press("a")
    page.keyboard.press(" ")
    wait_for(page, "(globalThis.then ??= record.frames, record.frames > globalThis.then + 10000)")
    tape = heard(page)[-1]
    place = tape.marks[0][1]
    assert sides(tape.samples, decoded(folder / "long.flac")[place : place + len(tape.samples)]) == [1, -1, 1]


def test_another_preset_in_a_comparison_is_compared_from_the_same_place_on(page: Page, mirror: MirrorLine) -> None:
    click_track(page, "Long")
    page.keyboard.press("b")
    wait_for(page, "record?.frames > 20000")
    page.get_by_role("radio", name="Punchy").check()
    expect(page.locator("#signal")).to_contain_text("mastered: punchy 100 %")
    wait_for(page, "record.marks[0]?.startFrame > 15000 && record.frames > 4000")
    assert [play["preset"] for play in mirror.plays[-2:]] == ["punchy", "punchy"]
    assert mirror.plays[-1]["start_frame"] == mirror.plays[-2]["start_frame"]


def test_leaving_a_comparison_plays_on_where_it_was(page: Page, mirror: MirrorLine) -> None:
    click_track(page, "Long")
    wait_for(page, "record?.frames > 20000")
    page.get_by_role("button", name="Compare").click()
    wait_for(page, "records.length === 2 && record.frames > 30000")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#comparison")).to_be_hidden()
    wait_for(page, "records.length === 3 && record.frames > 4000")
    _, compared, after = heard(page)
    start = compared.marks[0][1]
    assert start + 20_000 < after.marks[0][1] <= start + len(compared.samples)


def test_a_comparison_begins_its_track_again_at_the_end(page: Page, mirror: MirrorLine, folder: Path) -> None:
    click_track(page, "Brief")
    hold_when(page, "record?.frames > 4000")
    page.keyboard.press("b")
    wait_for(page, "loudspeaker.decks.length === 2")
    release(page)
    whole = decoded(folder / "brief.flac")
    hold_when(page, f"records.length === 2 && record.frames > {len(whole)} + 30000")
    tape = heard(page)[-1]
    place = tape.marks[0][1]
    assert [mark[1] for mark in tape.marks[1:]] == [0] * (len(tape.marks) - 1)
    twice = np.concatenate([whole[place:], whole, whole])[: len(tape.samples)]
    assert np.array_equal(tape.samples, -twice)


RESTING = (
    "[...document.querySelectorAll('.meter i')].every((bar) => parseFloat(bar.style.transform.slice(7)) <= 0.001)"
)


@pytest.fixture
def drawn(page: Page) -> list[str]:
    """What X will be, trial by trial: coins that fall as the test wants."""
    order = "ABBABAAB"
    tosses = json.dumps(["AB".index(x) for x in order])
    page.add_init_script(
        f"{{ const tosses = {tosses}, fair = crypto.getRandomValues.bind(crypto);"
        " crypto.getRandomValues = (bytes) => (bytes.length > 1 ? fair(bytes) : bytes.fill(tosses.shift())); }"
    )
    return list(order)


def test_a_blind_test_counts_the_votes_and_tells_the_chance_of_guessing(
    page: Page, drawn: list[str], mirror: MirrorLine
) -> None:
    click_track(page, "Long")
    page.keyboard.press("a")
    page.get_by_role("button", name="Blind test", exact=True).click()
    score = page.locator("#score")
    expect(page.locator("#signal")).to_contain_text("blind test")
    for side, text in zip(
        "BBBA",
        (
            "Wrong: X was A. 0 of 1 right: by guessing alone that happens in 100 % of runs.",
            "Right: X was B. 1 of 2 right: by guessing alone that happens in 75 % of runs.",
            "Right: X was B. 2 of 3 right: by guessing alone that happens in 50 % of runs.",
            "Right: X was A. 3 of 4 right: by guessing alone that happens in 31 % of runs.",
        ),
        strict=True,
    ):
        page.get_by_role("button", name=f"X is {side}").click()
        expect(score).to_have_text(text)
    page.get_by_role("button", name="Start again").click()
    page.get_by_role("button", name="X is B").click()
    expect(score).to_have_text("Wrong: X was A. 0 of 1 right: by guessing alone that happens in 100 % of runs.")
    page.get_by_role("button", name="End the blind test").click()
    expect(page.locator("#hear-x")).to_be_hidden()


def test_x_is_heard_but_nothing_on_the_page_tells_which_it_is(
    page: Page, drawn: list[str], mirror: MirrorLine, folder: Path
) -> None:
    """The document is the same whatever X is; the level meter, which would show it, rests."""
    click_track(page, "Long")
    page.keyboard.press("a")
    page.get_by_role("button", name="Blind test", exact=True).click()
    shown = []
    wait_for(page, RESTING)
    for turn in range(1, 4):
        page.keyboard.press("x")
        wait_for(page, f"record && (globalThis.seen{turn} ??= record.frames) < record.frames - 6000")
        deck = page.evaluate(
            "() => ['.sound', '.meter', '#signal'].map((part) => document.querySelector(part).outerHTML).join()"
        )
        shown.append(deck.replace(page.locator("#score").inner_text(), ""))
        page.get_by_role("button", name="X is A").click()
    tape = heard(page)[-1]
    place = tape.marks[0][1]
    heard_sides = sides(tape.samples, decoded(folder / "long.flac")[place : place + len(tape.samples)])
    assert drawn[:2] == ["A", "B"]
    assert heard_sides[:2] == [1, -1]
    assert len(set(shown)) == 1


def test_a_comparison_waits_for_an_analysis_and_ends_when_one_side_cannot_be_played(
    page: Page, mirror: MirrorLine, folder: Path
) -> None:
    click_track(page, "Long")
    wait_for(page, "record?.frames > 4000")
    mirror.refusals = 1
    page.keyboard.press("b")
    wait_for(page, "records.length === 2 && record.frames > 4000")
    expect(page.locator("#notice")).to_be_empty()
    mirror.refusals, mirror.refusal = 1, {"code": "source_corrupt", "message": "This track's file is damaged."}
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#comparison")).to_be_hidden()
    expect(page.locator("#notice")).to_have_text("Long: This track's file is damaged.")
    wait_for(page, "record.marks[0]?.startFrame > 4 * 44100 && record.frames > 4000")
