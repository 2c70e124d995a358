"""The player page and the server's queue: what is heard, shown and commanded, on one page and on several."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute, expect

from tests.web.player_page import (
    GIVEN,
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
    queued,
    release,
    search,
    wait_for,
    write_tracks,
)

RATE = 44_100
# title: (seconds, rate, channels, album)
TRACKS = {
    "Dawn": (2.0, RATE, 2, "Day"),
    "Noon": (1.0, RATE, 2, "Day"),
    "Dusk": (0.8, 48_000, 1, "Day"),
    "Long": (30.0, RATE, 2, "Pieces"),
    "Short": (0.5, RATE, 2, "Pieces"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tracks(tmp_path_factory.mktemp("music"), TRACKS)


@pytest.fixture
def player(page: Page, url: str) -> Page:
    clear_queue(page, url)
    open_player(page, url, len(TRACKS))
    return page


@pytest.fixture
def other(player: Page, url: str) -> Iterator[Page]:
    """Another page, as on another device."""
    with player.context.new_page() as other:
        open_player(other, url, len(TRACKS))
        yield other


def of_file(folder: Path, title: str) -> Samples:
    return decoded(folder / f"{title}.flac")


def rows(player: Page) -> Locator:
    return player.locator("#queue-list .title")


def choose(player: Page, title: str, action: str) -> None:
    """Choose something from a track's menu."""
    player.get_by_role("button", name=f"More for {title}").click()
    player.get_by_role("button", name=action).click()


def test_a_clicked_track_brings_its_list_with_it_and_goes_on_to_its_end(player: Page, url: str, folder: Path) -> None:
    search(player, "Day", 3)
    click_track(player, "Noon")
    wait_for(player, "records.length === 2 && record.ended")
    noon, dusk = heard(player)
    assert np.array_equal(noon.samples, of_file(folder, "Noon"))
    assert np.array_equal(dusk.samples, of_file(folder, "Dusk"))
    assert queued(player, url) == ["Dawn", "Noon", "Dusk"]
    expect(player.locator("#now-title")).to_have_text("Dawn")
    state = ask(player, url, "player/status")
    assert (state["state"], state["outputs"], state["position_s"]) == ("stopped", [], 0)


def test_what_is_played_next_is_heard_next_even_if_something_else_was_sent_already(
    player: Page, url: str, folder: Path
) -> None:
    """All of both tracks was sent at once; what was sent behind the first is not heard until it is its turn."""
    search(player, "Day", 3)
    click_track(player, "Dawn")
    hold_when(player, "record?.frames > 4000")
    search(player, "", len(TRACKS))
    wait_for(player, f"{GIVEN} === {3 * RATE}")
    choose(player, "Short", "Play next")
    expect(player.locator("#queue-said")).to_have_text("Short is played next.")
    wait_for(player, f"{WHOLE} && {GIVEN} === {int(3.5 * RATE)}")
    release(player)
    wait_for(player, "records.length === 2 && record.ended")
    first, last = heard(player)
    tracks = [of_file(folder, title) for title in ("Dawn", "Short", "Noon")]
    assert np.array_equal(first.samples, np.concatenate(tracks))
    assert first.underruns == 0
    assert np.array_equal(last.samples, of_file(folder, "Dusk"))


def test_a_page_commands_what_another_one_plays_and_takes_it_over_at_the_frame(
    player: Page, other: Page, folder: Path
) -> None:
    click_track(player, "Long")
    wait_for(player, "record?.frames > 20000")
    expect(other.locator("#elsewhere")).to_be_visible()
    expect(other.locator("#now-title")).to_have_text("Long")
    expect(other.locator('.track[aria-current="true"] .title')).to_have_text("Long")
    other.get_by_role("button", name="Pause").click()
    expect(player.locator("#play")).to_have_accessible_name("Play")
    expect(other.locator("#elsewhere")).to_be_hidden()
    player.get_by_role("button", name="Play", exact=True).click()
    expect(other.locator("#elsewhere")).to_be_visible()
    with held(player):
        other.get_by_role("button", name="Play here").click()
        wait_for(other, "record?.frames > 8000")
        expect(player.locator("#elsewhere")).to_be_visible()
    (before,), (after,) = heard(player), heard(other)
    place = after.marks[0][1]
    assert 0 <= len(before.samples) - place < RATE
    assert np.array_equal(after.samples, of_file(folder, "Long")[place : place + len(after.samples)])
    other.keyboard.press("ArrowRight")
    expect(player.locator("#now-title")).to_have_text("Short")


def test_after_a_reload_play_goes_on_where_it_was(player: Page, folder: Path) -> None:
    click_track(player, "Long")
    hold_when(player, "record?.frames > 60000")
    player.keyboard.press(" ")
    expect(player.locator("#play")).to_have_accessible_name("Play")
    (before,) = heard(player)
    player.reload()
    expect(player.locator("#now-title")).to_have_text("Long")
    expect(player.locator("#elapsed")).to_have_text("0:01")
    player.get_by_role("button", name="Play", exact=True).click()
    wait_for(player, "record?.frames > 8000")
    (after,) = heard(player)
    place = after.marks[0][1]
    assert abs(place - len(before.samples)) < RATE / 2
    assert np.array_equal(after.samples, of_file(folder, "Long")[place : place + len(after.samples)])


def test_the_queue_is_edited_with_the_keyboard_alone(player: Page, url: str) -> None:
    click_track(player, "Dawn")
    player.keyboard.press(" ")
    player.keyboard.press("q")
    expect(rows(player)).to_have_text(list(TRACKS))
    expect(player.locator('#queue-list [aria-current="true"] .title')).to_have_text("Dawn")
    player.locator("#queue-list .entry").first.focus()
    player.keyboard.press("Alt+ArrowDown")
    player.keyboard.press("Alt+ArrowDown")
    expect(rows(player)).to_have_text(["Noon", "Dusk", "Dawn", "Long", "Short"])
    expect(player.locator("#queue-said")).to_have_text("Moved to place 3 of 5")
    expect(player.locator("#queue-list .entry:focus .title")).to_have_text("Dawn")
    player.keyboard.press("ArrowDown")
    player.keyboard.press("Delete")
    expect(rows(player)).to_have_text(["Noon", "Dusk", "Dawn", "Short"])
    expect(player.locator("#queue-list .entry:focus .title")).to_have_text("Short")
    assert queued(player, url) == ["Noon", "Dusk", "Dawn", "Short"]
    player.keyboard.press("Enter")
    expect(player.locator("#now-title")).to_have_text("Short")
    player.keyboard.press("Escape")
    expect(player.locator("#queue")).to_be_hidden()


def test_the_queue_is_shuffled_repeated_undone_saved_and_cleared(player: Page, url: str) -> None:
    click_track(player, "Dawn")
    player.keyboard.press(" ")
    player.keyboard.press("q")
    expect(rows(player)).to_have_text(list(TRACKS))
    shuffle, undo = player.locator("#shuffle"), player.locator("#undo")
    shuffle.click()
    expect(shuffle).to_have_attribute("aria-pressed", "true")
    expect(rows(player).first).to_have_text("Dawn")
    shuffle.click()
    expect(rows(player)).to_have_text(list(TRACKS))
    for mode in ("the whole queue", "this track", "off"):
        player.locator("#repeat").click()
        expect(player.locator("#repeat")).to_have_accessible_name(f"Repeat: {mode}")
    player.locator("#queue-list li").nth(1).get_by_role("button", name="Remove").click()
    expect(rows(player)).to_have_text(["Dawn", "Dusk", "Long", "Short"])
    undo.click()
    expect(rows(player)).to_have_text(list(TRACKS))
    player.locator("#redo").click()
    expect(rows(player)).to_have_count(4)
    player.get_by_role("button", name="Save as a playlist").click()
    player.get_by_label("Name of the playlist").fill("An evening")
    player.keyboard.press("Enter")
    expect(player.locator("#notice")).to_have_text("“An evening” was saved as a playlist.")
    (saved,) = player.request.get(f"{url}/api/playlists").json()["items"]
    assert (saved["name"], saved["tracks"]) == ("An evening", 4)
    player.get_by_role("button", name="Clear the queue").click()
    expect(rows(player)).to_have_count(0)
    expect(player.locator("#queue-empty")).to_be_visible()
    expect(player.locator("#now-title")).to_have_text("Nothing is playing")


def test_an_entry_is_dragged_to_another_place(player: Page, url: str) -> None:
    click_track(player, "Dawn")
    player.keyboard.press(" ")
    player.keyboard.press("q")
    expect(rows(player)).to_have_text(list(TRACKS))
    grips = player.locator("#queue-list .grip")
    grips.nth(3).hover()
    player.mouse.down()
    grips.nth(1).hover(force=True)
    player.mouse.up()
    expect(rows(player)).to_have_text(["Dawn", "Long", "Noon", "Dusk", "Short"])
    expect(player.locator("#undo")).to_be_enabled()
    assert queued(player, url) == ["Dawn", "Long", "Noon", "Dusk", "Short"]


def test_what_others_do_with_the_queue_is_shown_at_once(player: Page, other: Page) -> None:
    other.keyboard.press("q")
    click_track(player, "Noon")
    player.keyboard.press(" ")
    expect(rows(other)).to_have_text(list(TRACKS))
    expect(other.locator('#queue-list [aria-current="true"] .title')).to_have_text("Noon")
    choose(other, "Short", "Add to the queue")
    player.keyboard.press("q")
    expect(rows(player)).to_have_text([*TRACKS, "Short"])


def test_of_a_long_queue_only_what_is_in_sight_is_in_the_document(player: Page, url: str) -> None:
    tracks = player.request.get(f"{url}/api/library/tracks?sort=title").json()["items"]
    ids = [track["id"] for track in tracks] * 1_000
    answer = player.request.post(f"{url}/api/player/queue", data={"track_ids": ids, "start_index": 3_003})
    assert answer.ok, answer.text()
    titles = sorted(TRACKS)
    player.keyboard.press("q")
    expect(player.locator("#queue-count")).to_have_text("5,000 tracks")
    expect(player.locator('[aria-posinset="1"] .title')).to_have_text(titles[0])
    player.locator("#queue-scroll").evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
    last = player.locator('[aria-posinset="5000"]')
    expect(last.locator(".title")).to_have_text(titles[-1])
    assert rows(player).count() < 60
    with held(player):  # so that it does not come to its end
        last.locator(".entry").click()
        expect(player.locator("#now-title")).to_have_text(titles[-1])
        expect(last.locator(".entry")).to_have_attribute("aria-current", "true")
    wait_for(player, "record?.frames > 4000")


def test_a_crossfade_is_a_setting_that_is_heard(player: Page, url: str, folder: Path) -> None:
    """One second is wanted; no mix is longer than half of the shorter track."""
    player.keyboard.press("?")
    slider = player.get_by_role("slider", name="Crossfade")
    slider.press("ArrowRight")
    expect(player.locator("#crossfade-text")).to_have_text("1 s")
    with player.expect_response("**/api/settings"):
        slider.press("ArrowRight")
    with player.expect_response("**/api/settings"):
        slider.press("ArrowLeft")
    try:
        assert player.request.get(f"{url}/api/settings").json()["crossfade_s"] == 1
        player.get_by_role("button", name="Close", exact=True).click()
        for title in ("Dawn", "Short"):
            choose(player, title, "Add to the queue")
        expect(player.locator("#now-title")).to_have_text("Dawn")
        with held(player):
            player.keyboard.press(" ")
            wait_for(player, WHOLE)
        wait_for(player, "record?.ended")
    finally:
        player.request.put(f"{url}/api/settings", data={"crossfade_s": 0})
    (tape,) = heard(player)
    dawn, short = of_file(folder, "Dawn"), of_file(folder, "Short")
    mixed = len(dawn) + len(short) - len(tape.samples)
    assert mixed == len(short) // 2
    assert tape.underruns == 0
    assert np.array_equal(tape.samples[: len(dawn) - mixed], dawn[: len(dawn) - mixed])
    assert np.array_equal(tape.samples[len(dawn) :], short[mixed:])


def test_the_queue_fits_its_window(player: Page) -> None:
    click_track(player, "Dawn")
    player.keyboard.press(" ")
    player.keyboard.press("q")
    for width in (320, 390, 700, 1100, 1920):
        player.set_viewport_size({"width": width, "height": 700})
        assert player.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width
        for name in ("Shuffle", "Clear the queue", "Close the queue"):
            expect(player.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        expect(rows(player).first).to_be_in_viewport()


class CutLine:
    """A page's line to the server, closed in this way for as long as it is cut."""

    def __init__(self, **closing: Any) -> None:
        self._closing = closing
        self._lines: list[tuple[WebSocketRoute, WebSocketRoute | None]] = []
        self._cut = False

    def route(self, line: WebSocketRoute) -> None:
        """Take a line that the page opens."""
        self._lines.append((line, None if self._cut else line.connect_to_server()))
        if self._cut:
            line.close(**self._closing)

    def cut(self) -> None:
        """Close the present line, and all that come after it."""
        self._cut = True
        for end in self._lines[-1]:
            if end is not None:
                end.close(**self._closing)

    def restore(self, page: Page) -> None:
        """Let lines through, and the page try at once."""
        self._cut = False
        page.evaluate("() => dispatchEvent(new Event('online'))")


def test_a_page_that_was_away_does_not_take_back_what_others_play_by_now(page: Page, url: str, folder: Path) -> None:
    """Its line is cut; meanwhile another page plays on from there; then the first one's line is back."""
    line = CutLine()
    clear_queue(page, url)
    page.route_web_socket("**/ws", line.route)
    open_player(page, url, len(TRACKS))
    click_track(page, "Long")
    wait_for(page, "record?.frames > 8000")
    line.cut()
    expect(page.locator("#lamp")).not_to_have_text("Connected")
    with page.context.new_page() as other:
        open_player(other, url, len(TRACKS))
        other.get_by_role("button", name="Play", exact=True).click()
        wait_for(other, "record?.frames > 8000")
        line.restore(page)
        expect(page.locator("#elsewhere")).to_be_visible()
        expect(page.locator("#lamp")).to_have_text("Connected")
        wait_for(other, "(globalThis.seen ??= record.frames, record.frames > globalThis.seen + 8000)")
        (tape,) = heard(other)
        place = tape.marks[0][1]
        assert np.array_equal(tape.samples, of_file(folder, "Long")[place : place + len(tape.samples)])


def test_what_is_pressed_while_the_server_is_away_is_answered_and_all_that_is_over_when_it_is_back(
    page: Page, url: str
) -> None:
    line = CutLine(code=1001, reason="the server is stopping")
    clear_queue(page, url)
    page.route_web_socket("**/ws", line.route)
    open_player(page, url, len(TRACKS))
    click_track(page, "Long")
    wait_for(page, "record?.frames > 8000")
    notice, close = page.locator("#notice"), page.locator("#notice-close")
    for playing in (True, False):
        if not playing:
            page.keyboard.press(" ")
            expect(page.locator("#play")).to_have_accessible_name("Play")
        line.cut()
        expect(notice).to_have_text("The server closed the connection: the server is stopping.")
        close.click()
        page.locator("#next").click()
        expect(notice).to_contain_text("The server cannot be reached just now.")
        expect(page.locator("#now-title")).to_have_text("Long")
        line.restore(page)
        expect(page.locator("#lamp")).to_have_text("Connected")
        expect(notice).to_be_empty()
        expect(close).to_be_hidden()
        expect(page.locator("#now-title")).to_have_text("Long")


def test_what_is_in_the_buffer_is_heard_whatever_is_pressed_while_the_server_is_away(
    context: BrowserContext, url: str, folder: Path
) -> None:
    """Nor is it forgotten what was played: when the server is back, that goes on behind the last frame."""
    line = CutLine()
    with context.new_page() as page:  # which may complain, since the browser does of each lost answer
        clear_queue(page, url)
        page.route_web_socket("**/ws", line.route)
        open_player(page, url, len(TRACKS))
        click_track(page, "Long")
        hold_when(page, f"record?.frames > 4000 && {GIVEN} > 4 * {RATE}")
        line.cut()
        page.route("**/api/player/**", lambda route: route.abort())
        notice = page.locator("#notice")
        expect(page.locator("#lamp")).not_to_have_text("Connected")
        for side in "ab":
            page.keyboard.press(side)
            expect(notice).to_have_text("The server cannot be reached just now. Try again when it is back.")
            page.locator("#notice-close").click()
        page.keyboard.press("?")
        page.locator("#encoding").select_option("s16")
        page.keyboard.press("Escape")
        for title in ("Dawn", "Dusk"):  # the latter has another rate
            click_track(page, title)
            expect(notice).to_have_text("The server does not answer. Check that it is running, then try again.")
            expect(page.locator("#now-title")).to_have_text("Long")
            page.locator("#notice-close").click()
        page.unroute("**/api/player/**")
        expect(page.locator("#comparison")).to_be_hidden()
        expect(page.locator("#play")).to_have_accessible_name("Pause")
        release(page)
        wait_for(page, f"record.frames > {RATE}")
        line.restore(page)
        wait_for(page, f"{GIVEN} > 12 * {RATE}")
        (tape,) = heard(page)
        assert np.array_equal(tape.samples, of_file(folder, "Long")[: len(tape.samples)])
        page.evaluate("() => localStorage.clear()")


def test_a_click_that_came_to_nothing_leaves_a_pause_as_it_was_and_a_wish_that_is_still_to_come(
    context: BrowserContext, url: str
) -> None:
    line = CutLine()
    with context.new_page() as page:  # as above
        clear_queue(page, url)
        page.route_web_socket("**/ws", line.route)
        open_player(page, url, len(TRACKS))
        click_track(page, "Long")
        wait_for(page, "record?.frames > 4000")
        page.keyboard.press(" ")
        page.route("**/api/player/**", lambda route: route.abort())
        click_track(page, "Dawn")
        expect(page.locator("#notice")).to_contain_text("The server does not answer.")
        expect(page.locator("#now-title")).to_have_text("Long")
        expect(page.locator("#play")).to_have_accessible_name("Play")
        page.keyboard.press(" ")
        line.cut()
        expect(page.locator("#lamp")).not_to_have_text("Connected")
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Shift+ArrowRight")
        for title in ("Dawn", "Dusk"):
            click_track(page, title)
        expect(page.locator("#notice")).to_contain_text("The server does not answer.")
        page.unroute("**/api/player/**")
        line.restore(page)
        wait_for(page, f"record.marks[0]?.startFrame > 10 * {RATE} && record.frames > 4000")
        expect(page.locator("#now-title")).to_have_text("Long")
