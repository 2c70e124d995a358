"""Playlists and favourites in the player page, changed here and by other clients."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from auralis_trio.demo import synthesise
from tests.web.player_page import ask, clear_queue, decoded, heard, held, open_player, queued, wait_for, write_track

RATE = 44_100
MARKUP = '<img src=x onerror="document.title=1">'
TITLES = ["Dawn", "Noon", "Dusk", "Night", "Late"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed, title in enumerate(TITLES, 1):
        length_s = 20 if title == "Night" else 0.5
        tags = {"title": title, "artist": "Somebody", "date": str(2000 + seed)}
        write_track(folder / f"{title}.flac", synthesise(length_s, RATE, 2, seed), RATE, tags)
    return folder


@pytest.fixture
def player(page: Page, url: str) -> Page:
    clear_queue(page, url)
    for playlist in ask(page, url, "playlists")["items"]:
        page.request.delete(f"{url}/api/playlists/{playlist['id']}")
    open_player(page, url, len(TITLES))
    return page


@pytest.fixture
def other(player: Page, url: str) -> Iterator[Page]:
    """Another page, as on another device."""
    with player.context.new_page() as other:
        open_player(other, url, len(TITLES))
        yield other


def ids(player: Page, url: str, *titles: str) -> list[int]:
    known = {track["title"]: track["id"] for track in ask(player, url, "library/tracks")["items"]}
    return [known[title] for title in titles]


def make(player: Page, url: str, name: str, *titles: str, **more: Any) -> int:
    body = {"name": name, "track_ids": ids(player, url, *titles), **more}
    answer = player.request.post(f"{url}/api/playlists", data=body)
    assert answer.ok, answer.text()
    return int(answer.json()["id"])


def entries(player: Page, url: str, playlist_id: int) -> list[str]:
    return [entry["track"]["title"] for entry in ask(player, url, f"playlists/{playlist_id}/tracks")["items"]]


def shown(player: Page) -> Locator:
    return player.locator("#playlist .title")


def open_playlist(player: Page, name: str) -> None:
    player.get_by_role("link", name="Playlists", exact=True).click()
    player.locator("#playlists").get_by_role("link", name=name).click()
    expect(player.locator("#playlist-title")).to_have_text(name)


def choose(player: Page, title: str, action: str) -> None:
    """Choose something from a track's menu."""
    player.locator("main section:visible").get_by_role("button", name=f"More for {title}").click()
    player.locator("#track-menu").get_by_role("button", name=action).click()


def test_playlists_say_what_they_are(player: Page, url: str) -> None:
    player.get_by_role("link", name="Playlists", exact=True).click()
    expect(player.locator("#playlists-foot")).to_contain_text("No playlists yet.")
    make(player, url, MARKUP, "Dawn", "Noon")
    make(player, url, "Recent", rules={"match": {"field": "year", "operator": "is", "value": 2003}})
    expect(player.locator("#playlists .title")).to_have_text([MARKUP, "Recent"])
    expect(player.locator("#playlists .by")).to_have_text(["2 tracks · 1 s", "Smart playlist"])
    expect(player.locator("#count")).to_have_text("2 playlists")
    player.get_by_role("link", name="Recent").click()
    expect(player.locator("#playlist-about")).to_have_text("Smart playlist · 1 track · 1 s")
    expect(shown(player)).to_have_text(["Dusk"])


def test_a_playlist_is_played_from_the_track_that_is_clicked(player: Page, url: str, folder: Path) -> None:
    make(player, url, "Mine", "Late", "Noon", "Late")
    open_playlist(player, "Mine")
    shown(player).nth(1).click()
    wait_for(player, "record?.ended")
    (tape,) = heard(player)
    assert np.array_equal(tape.samples, np.concatenate([decoded(folder / f"{one}.flac") for one in ("Noon", "Late")]))
    assert queued(player, url) == ["Late", "Noon", "Late"]
    expect(player.locator('#playlist [aria-current="true"]')).to_have_count(
        2
    )  # both entries of where the queue begins
    player.locator("#playlist-add").click()
    expect(player.locator("#queue-said")).to_have_text("Mine was added to the queue.")
    assert queued(player, url) == ["Late", "Noon", "Late"] * 2


def test_of_a_smart_one_that_is_played_which_was_shown(player: Page, url: str) -> None:
    make(
        player, url, "Old", rules={"match": {"field": "year", "operator": "at_most", "value": 2003}, "sort": "-year"}
    )
    open_playlist(player, "Old")
    expect(shown(player)).to_have_text(["Dusk", "Noon", "Dawn"])
    expect(player.locator("#playlist .grip").first).to_be_hidden()
    with held(player):  # so that it does not come to its end
        shown(player).nth(1).click()
        expect(player.locator("#now-title")).to_have_text("Noon")
        assert queued(player, url) == ["Dusk", "Noon", "Dawn"]
        player.keyboard.press(" ")
    player.get_by_role("button", name="More for Dusk").last.click()
    expect(player.get_by_role("button", name="Remove from this playlist")).to_be_hidden()


def test_a_track_is_added_to_a_playlist_that_is_there_or_to_a_new_one(player: Page, url: str) -> None:
    mine = make(player, url, "Mine", "Dawn")
    make(player, url, "Found", rules={"match": {"all": []}})
    choose(player, "Night", "Add to a playlist")
    dialog = player.get_by_role("dialog", name="Add “Night” to a playlist")
    expect(dialog.locator(".title")).to_have_text(["Mine"])
    dialog.get_by_role("button", name="Mine").click()
    expect(player.locator("#notice")).to_have_text("“Night” was added to “Mine”.")
    assert entries(player, url, mine) == ["Dawn", "Night"]
    choose(player, "Late", "Add to a playlist")
    player.get_by_label("Name of a new playlist").fill(MARKUP)
    player.keyboard.press("Enter")
    expect(player.locator("#notice")).to_have_text(f"“Late” was added to “{MARKUP}”.")
    open_playlist(player, MARKUP)
    expect(shown(player)).to_have_text(["Late"])


def test_a_whole_playlist_is_added_to_another_one(player: Page, url: str) -> None:
    make(player, url, "Mine", "Late", "Dawn")
    yours = make(player, url, "Yours", "Noon")
    open_playlist(player, "Mine")
    player.locator("#playlist-keep").click()
    player.get_by_role("dialog", name="Add “Mine” to a playlist").get_by_role("button", name="Yours").click()
    expect(player.locator("#notice")).to_have_text("“Mine” was added to “Yours”.")
    assert entries(player, url, yours) == ["Noon", "Late", "Dawn"]


def test_a_playlist_that_cannot_be_added_to_says_why(player: Page, url: str) -> None:
    with player.context.new_page() as page:  # which may complain, since the browser does of each refusal
        open_player(page, url, len(TITLES))
        choose(page, "Night", "Add to a playlist")
        page.get_by_label("Name of a new playlist").fill("   ")
        page.keyboard.press("Enter")
        expect(page.locator("#chooser .problem")).to_have_text("A playlist's name has 1 to 255 characters.")
        page.keyboard.press("Escape")
        expect(page.locator("#chooser")).to_be_hidden()


def test_a_playlist_is_arranged_with_the_keyboard_alone(player: Page, url: str) -> None:
    mine = make(player, url, "Mine", *TITLES)
    open_playlist(player, "Mine")
    expect(shown(player)).to_have_text(TITLES)
    player.locator("#playlist .track").first.focus()
    player.keyboard.press("Alt+ArrowDown")
    player.keyboard.press("Alt+ArrowDown")
    player.keyboard.press("Alt+ArrowUp")
    expect(player.locator("#queue-said")).to_have_text("Moved to place 2 of 5")
    expect(shown(player)).to_have_text(["Noon", "Dawn", "Dusk", "Night", "Late"])
    expect(player.locator("#playlist .track:focus .title")).to_have_text("Dawn")
    player.keyboard.press("Delete")
    expect(player.locator("#playlist .track:focus .title")).to_have_text("Dusk")
    expect(player.locator("#playlist-about")).to_have_text("4 tracks · 22 s")
    expect(shown(player)).to_have_text(["Noon", "Dusk", "Night", "Late"])
    assert entries(player, url, mine) == ["Noon", "Dusk", "Night", "Late"]
    choose(player, "Night", "Remove from this playlist")
    expect(player.locator("#playlist-about")).to_have_text("3 tracks · 2 s")
    assert entries(player, url, mine) == ["Noon", "Dusk", "Late"]


def test_a_track_is_dragged_to_another_place(player: Page, url: str) -> None:
    mine = make(player, url, "Mine", *TITLES)
    open_playlist(player, "Mine")
    grips = player.locator("#playlist .grip")
    grips.nth(3).hover()
    player.mouse.down()
    grips.nth(1).hover(force=True)
    with player.expect_response("**/tracks/reorder"):
        player.mouse.up()
    expect(shown(player)).to_have_text(["Dawn", "Night", "Noon", "Dusk", "Late"])
    assert entries(player, url, mine) == ["Dawn", "Night", "Noon", "Dusk", "Late"]
    assert player.locator("#playlist li").nth(1).evaluate("(row) => row.style.translate") == ""


def test_a_playlist_is_renamed_and_deleted_when_that_is_meant(player: Page, url: str) -> None:
    mine = make(player, url, "Mine", "Dawn")
    open_playlist(player, "Mine")
    player.get_by_role("button", name="Rename").click()
    player.get_by_role("textbox", name="Rename the playlist").fill(MARKUP)
    player.keyboard.press("Enter")
    expect(player.locator("#playlist-title")).to_have_text(MARKUP)
    assert ask(player, url, f"playlists/{mine}")["name"] == MARKUP
    player.get_by_role("button", name="Delete").click()
    player.get_by_role("dialog", name="Delete").get_by_role("button", name="Cancel").click()
    assert ask(player, url, "playlists")["total"] == 1
    player.get_by_role("button", name="Delete").click()
    player.get_by_role("dialog", name="Delete").get_by_role("button", name="Delete").click()
    expect(player.locator("#notice")).to_have_text(f"“{MARKUP}” was deleted.")
    expect(player.locator("#playlists-foot")).to_contain_text("No playlists yet.")
    assert ask(player, url, "playlists")["total"] == 0


def test_what_others_do_with_a_playlist_is_seen(player: Page, other: Page, url: str) -> None:
    mine = make(player, url, "Mine", "Dawn", "Noon", "Dusk")
    open_playlist(player, "Mine")
    open_playlist(other, "Mine")
    expect(shown(player)).to_have_count(3)
    choose(other, "Noon", "Remove from this playlist")
    expect(shown(player)).to_have_text(["Dawn", "Dusk"])
    player.locator("#playlist .track").nth(1).focus()
    choose(other, "Dusk", "Add to a playlist")
    other.get_by_role("dialog").get_by_role("button", name="Mine").click()
    expect(shown(player)).to_have_text(["Dawn", "Dusk", "Dusk"])
    expect(player.locator("#playlist .track:focus .title")).to_have_text("Dusk")
    player.request.put(f"{url}/api/playlists/{mine}", data={"name": "Yours"})
    expect(player.locator("#playlist-title")).to_have_text("Yours")
    player.request.delete(f"{url}/api/playlists/{mine}")
    for page in (player, other):
        expect(page.locator("#notice")).to_have_text("“Yours” was deleted.")
        expect(page.locator("#playlists-place")).to_be_visible()


def test_a_favourite_is_marked_wherever_it_is_shown(player: Page, other: Page, url: str) -> None:
    choose(player, "Night", "Add to your favourites")
    row = other.locator("#tracks li").filter(has_text="Night")
    expect(row.locator(".heart")).to_be_visible()
    expect(other.locator("#tracks .heart:visible")).to_have_count(1)
    player.locator("#tracks .track").filter(has_text="Night").click()
    heart = player.locator("#favorite")
    expect(heart).to_have_attribute("aria-pressed", "true")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")
    expect(player.locator("#now-title")).to_have_text("Night")
    expect(row.locator(".heart")).to_be_hidden()
    assert ask(player, url, "library/tracks/favorites")["total"] == 0


def test_playlists_fit_their_window(player: Page, url: str) -> None:
    make(player, url, MARKUP * 4, *TITLES)
    open_playlist(player, MARKUP * 4)
    player.locator("#playlist .more").last.click()
    for width in (320, 390, 700, 1000, 1920):
        player.set_viewport_size({"width": width, "height": 700})
        assert player.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width


def test_a_deleted_playlist_is_gone_for_those_who_come_back_to_it_too(player: Page, url: str) -> None:
    with player.context.new_page() as page:  # which may complain, since the browser does of each refusal
        page.goto(url)
        expect(page.locator(".track")).to_have_count(len(TITLES))
        for leave_first in (False, True):
            mine = make(page, url, "Mine", "Dawn")
            open_playlist(page, "Mine")
            expect(page.locator("#playlist-play")).to_be_enabled()
            if leave_first:
                page.get_by_role("link", name="Playlists", exact=True).click()
                page.request.delete(f"{url}/api/playlists/{mine}")
                expect(page.locator("#playlists .title")).to_have_count(0)
            else:
                page.get_by_role("button", name="Delete").click()
                page.get_by_role("dialog", name="Delete").get_by_role("button", name="Delete").click()
                expect(page.locator("#notice")).to_have_text("“Mine” was deleted.")
            page.go_back()
            expect(page.locator("#playlist-title")).to_have_text("No such playlist")
            expect(page.locator("#playlist-foot")).to_contain_text("It may have been deleted on another device.")
            expect(shown(page)).to_have_count(0)
            expect(page.locator("#playlist-place button:visible")).to_have_count(0)
            page.get_by_role("link", name="Playlists", exact=True).click()
