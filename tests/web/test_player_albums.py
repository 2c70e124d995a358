"""The places of the library in the player page, and albums: all of them, and one."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from auralis_trio.demo import synthesise
from tests.web.player_page import (
    ask,
    clear_queue,
    decoded,
    heard,
    open_player,
    queued,
    search,
    wait_for,
    write_track,
)

RATE = 44_100
MARKUP = "<b>Bold</b>"
ARABIC = "مرحبا " + "بكم في مكتبة الموسيقى الكبيرة جدا " * 6
FIRST_WORD = ARABIC.split()[0]
# Which of the texts that begin with a word do not show it: it lies outside of what is seen of the box around it.
_BEHEADED = """(word) => {
    const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (walker.currentNode.data.startsWith(word)) texts.push(walker.currentNode);
    const range = document.createRange();
    const isSeen = (element) => element.checkVisibility() && element.offsetWidth > 1;
    const seen = texts.filter(({ parentElement }) => isSeen(parentElement));
    const wrong = seen.filter((text) => {
        range.setStart(text, 0);
        range.setEnd(text, word.length);
        const { left, right } = range.getBoundingClientRect();
        let box = text.parentElement;
        while (getComputedStyle(box).overflowX === "visible") box = box.parentElement;
        const bounds = box.getBoundingClientRect();
        return left < bounds.left - 1 || right > bounds.right + 1;
    });
    return [seen.length, wrong.map(({ parentElement }) => parentElement.parentElement.outerHTML)];
}"""
TRACKS: dict[str, dict[str, str]] = {
    "Low": {"album": "Harbour", "artist": "Lumen", "discnumber": "1", "tracknumber": "1", "date": "2019"},
    "High": {"album": "Harbour", "artist": "Lumen", "discnumber": "1", "tracknumber": "2", "date": "2019"},
    "Lamp": {"album": "Harbour", "artist": "Lumen feat. Tide", "discnumber": "2", "tracknumber": "1", "date": "2019"},
    "Rain": {"album": "Night", "artist": "Cobalt", "tracknumber": "1", "date": "2021"},
    "Loud": {"album": MARKUP, "artist": "<i>x</i>"},
    "Loose": {},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed, (title, tags) in enumerate(TRACKS.items(), 1):
        place = folder / str(ord(tags.get("album", "-")[0]))
        place.mkdir(exist_ok=True)
        length_s = 20 if title == "Rain" else 0.5
        tags = {"title": title, "albumartist": tags.get("artist", "").partition(" feat")[0], **tags}
        write_track(place / f"{title}.flac", synthesise(length_s, RATE, 2, seed), RATE, tags)
    Image.new("RGB", (300, 300), (20, 60, 200)).save(folder / str(ord("H")) / "cover.jpg")
    return folder


@pytest.fixture
def player(page: Page, url: str) -> Page:
    clear_queue(page, url)
    open_player(page, url, len(TRACKS))
    return page


def album_id(player: Page, url: str, title: str) -> int:
    (album,) = [album for album in ask(player, url, "albums")["items"] if album["title"] == title]
    return int(album["id"])


def albums(player: Page) -> Locator:
    return player.locator("#albums .title")


def open_album(player: Page, title: str) -> None:
    player.get_by_role("link", name="Albums", exact=True).click()
    player.locator("#albums").get_by_role("link", name=title).click()
    expect(player.locator("#album-title")).to_have_text(title)


def test_each_place_has_an_address_that_back_leads_to(player: Page, url: str) -> None:
    for name in ("Albums", "Playlists"):
        link = player.get_by_role("link", name=name, exact=True)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        expect(player).to_have_url(f"{url}/?tap=1#/{name.lower()}")
        expect(player.get_by_role("region", name=name)).to_be_visible()
    expect(player.locator("#search")).to_be_hidden()
    player.go_back()
    expect(albums(player)).to_have_count(3)
    player.go_back()
    expect(player.locator("#tracks")).to_be_visible()
    expect(player.get_by_role("link", name="Tracks")).to_have_attribute("aria-current", "page")
    player.go_forward()
    expect(albums(player)).to_have_count(3)


def test_a_bookmark_of_an_album_opens_it(page: Page, url: str) -> None:
    page.goto(f"{url}/#/albums/{album_id(page, url, 'Night')}")
    expect(page.locator("#album .title")).to_have_text(["Rain"])
    expect(page.get_by_role("link", name="Albums", exact=True)).to_have_attribute("aria-current", "true")


def test_albums_are_shown_with_picture_title_artist_and_year(player: Page) -> None:
    player.get_by_role("link", name="Albums", exact=True).click()
    expect(player.locator("#count")).to_have_text("3 albums")
    expect(albums(player)).to_have_text([MARKUP, "Harbour", "Night"])
    harbour = player.locator("#albums li").filter(has_text="Harbour")
    expect(harbour.locator(".artist")).to_have_text("Lumen")
    expect(harbour.locator(".year")).to_have_text("2019")
    expect(harbour.locator("img.there")).to_be_visible()
    expect(player.locator("#albums img.there")).to_have_count(1)


def test_albums_are_searched_for_and_sorted_for_themselves(player: Page) -> None:
    search(player, "Rain", 1)
    player.get_by_role("link", name="Albums", exact=True).click()
    expect(player.locator("#search")).to_have_value("")
    player.locator("#sort").select_option("-year")
    expect(albums(player)).to_have_text(["Night", "Harbour", MARKUP])
    player.locator("#search").fill("lamp")
    expect(albums(player)).to_have_text(["Harbour"])
    expect(player.locator("#count")).to_have_text("1 album found")
    player.locator("#search").fill("nothing like that")
    expect(player.locator("#albums-foot")).to_contain_text("Nothing is called “nothing like that”")
    player.get_by_role("link", name="Tracks").click()
    expect(player.locator("#search")).to_have_value("Rain")
    expect(player.locator("#tracks .title")).to_have_text(["Rain"])
    player.reload()
    player.get_by_role("link", name="Albums", exact=True).click()
    expect(player.locator("#sort")).to_have_value("-year")
    expect(albums(player)).to_have_text(["Night", "Harbour", MARKUP])


def test_an_album_shows_what_it_is_and_its_tracks_by_disc(player: Page) -> None:
    open_album(player, "Harbour")
    expect(player.locator("#album-title")).to_be_focused()
    expect(player.locator("#album-about")).to_have_text("Lumen · 2019 · 3 tracks · 2 s")
    expect(player.locator("#album .title")).to_have_text(["Low", "High", "Lamp"])
    expect(player.locator("#album .number")).to_have_text(["1", "2", "1"])
    expect(player.locator("#album .artist")).to_have_text(["", "", "Lumen feat. Tide"])
    expect(player.locator("#album .disc:visible")).to_have_text(["Disc 1", "Disc 2"])
    expect(player.locator("#album-place img.there")).to_be_visible()
    open_album(player, MARKUP)
    expect(player.locator("#album .disc:visible")).to_have_count(0)
    expect(player.locator("#album-about")).to_contain_text("<i>x</i>")
    assert player.locator("main :is(b, i:not(.mark i))").count() == 0


def test_a_click_on_a_track_plays_the_album_from_there_in_one_edit(player: Page, url: str, folder: Path) -> None:
    before = ask(player, url, "player/queue")["revision"]
    open_album(player, "Harbour")
    player.locator("#album .track").nth(1).click()
    wait_for(player, "record?.ended")
    (tape,) = heard(player)
    high, lamp = (decoded(folder / str(ord("H")) / f"{title}.flac") for title in ("High", "Lamp"))
    assert np.array_equal(tape.samples, np.concatenate([high, lamp]))
    assert queued(player, url) == ["Low", "High", "Lamp"]
    assert ask(player, url, "player/queue")["revision"] == before + 1


def test_an_album_is_played_played_next_and_added_as_a_whole(player: Page, url: str) -> None:
    open_album(player, "Night")
    player.get_by_role("button", name="Play", exact=True).first.click()
    expect(player.locator("#now-title")).to_have_text("Rain")
    expect(player.locator("#album [aria-current=true] .title")).to_have_text("Rain")
    open_album(player, "Harbour")
    before = ask(player, url, "player/queue")["revision"]
    player.locator("#album-add").click()
    expect(player.locator("#queue-said")).to_have_text("Harbour was added to the queue.")
    assert queued(player, url) == ["Rain", "Low", "High", "Lamp"]
    open_album(player, MARKUP)
    player.locator("#album-next").click()
    expect(player.locator("#queue-said")).to_have_text(f"{MARKUP} is played next.")
    assert queued(player, url) == ["Rain", "Loud", "Low", "High", "Lamp"]
    assert ask(player, url, "player/queue")["revision"] == before + 2


def test_what_plays_and_a_tracks_menu_lead_to_the_album(player: Page) -> None:
    player.get_by_role("button", name="More for Lamp").click()
    player.get_by_role("button", name="Go to the album").click()
    expect(player.locator("#album-title")).to_have_text("Harbour")
    player.get_by_role("link", name="Tracks").click()
    player.get_by_role("button", name="More for Loose").click()
    expect(player.get_by_role("button", name="Go to the album")).to_be_hidden()
    player.keyboard.press("Escape")
    player.locator("#tracks .track").filter(has_text="Rain").click()
    player.locator("#now-album").click()
    expect(player.locator("#album-title")).to_have_text("Night")
    player.keyboard.press("/")
    expect(player.locator("#search")).to_be_focused()
    expect(player.locator("#tracks")).to_be_visible()


def test_an_album_that_cannot_be_fetched_says_so_and_another_try_helps(player: Page, url: str) -> None:
    place = f"albums/{album_id(player, url, 'Night')}"
    with player.context.new_page() as page:  # which may complain, since the browser does of each lost answer
        page.route(f"**/api/{place}", lambda route: route.abort())
        page.goto(f"{url}/#/{place}")
        expect(page.locator("#album-foot")).to_contain_text("The server does not answer. Check that it is running")
        page.unroute(f"**/api/{place}")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#album .title")).to_have_text(["Rain"])


def test_an_album_that_does_not_exist_is_said_to_be_gone_and_no_other_try_is_offered(player: Page, url: str) -> None:
    with player.context.new_page() as page:  # which may complain, since the browser does of each refusal
        page.goto(f"{url}/#/albums/9999")
        expect(page.locator("#album-title")).to_have_text("No such album")
        expect(page.locator("#album-foot")).to_contain_text("This album is no longer in the library.")
        expect(page.locator("#album-place button:visible")).to_have_count(0)
        page.goto(f"{url}/#/albums/{album_id(page, url, 'Night')}")
        expect(page.locator("#album .title")).to_have_text(["Rain"])
        expect(page.locator("#album-play")).to_be_enabled()


def test_a_picture_that_was_replaced_meanwhile_is_shown_as_it_is_now(player: Page, url: str) -> None:
    """The list names the revision of another one, which the server refuses."""

    def outdated(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        route.fulfill(json={**told, "items": [{**album, "artwork": "0" * 32} for album in told["items"]]})

    with player.context.new_page() as page:  # which may complain, since the browser does of each refusal
        page.route("**/api/albums?*", outdated)
        page.goto(f"{url}/#/albums")
        picture = page.locator("#albums li").filter(has_text="Harbour").locator("img")
        expect(picture).to_have_class("there")
        assert "revision" not in str(picture.evaluate("(image) => image.currentSrc"))


def test_the_grid_grows_as_it_is_scrolled_and_back_leads_to_the_same_place(page: Page, url: str) -> None:
    total = 250
    made = [
        {"id": n, "title": f"Album {n}", "artist": None, "year": None, "artwork": None} for n in range(1, total + 1)
    ]

    def answer(route: Route) -> None:
        wanted = parse_qs(urlsplit(route.request.url).query)
        first, limit = int(wanted.get("cursor", ["0"])[0]), int(wanted["limit"][0])
        behind = first + limit
        more = str(behind) if behind < total else None
        route.fulfill(json={"items": made[first:behind], "total": total, "next_cursor": more})

    one = {**made[150], "tracks": 0, "discs": 0, "duration_s": None}
    page.route("**/api/albums?*", answer)
    page.route("**/api/albums/*/artwork?*", lambda route: route.fulfill(status=204))
    page.route("**/api/albums/151", lambda route: route.fulfill(json=one))
    page.route(
        "**/api/albums/151/tracks?*", lambda route: route.fulfill(json={"items": [], "total": 0, "next_cursor": None})
    )
    page.goto(f"{url}/#/albums")
    expect(page.locator("#albums li")).to_have_count(100)
    for many in (200, total):
        page.locator("#albums-foot").scroll_into_view_if_needed()
        expect(page.locator("#albums li")).to_have_count(many)
    link = page.get_by_role("link", name="Album 151")
    link.scroll_into_view_if_needed()
    scrolled = page.evaluate("() => scrollY")
    assert scrolled > 1000
    link.click()
    expect(page.locator("#album-title")).to_have_text("Album 151")
    assert page.evaluate("() => scrollY") == 0
    page.go_back()
    expect(page.locator("#albums li")).to_have_count(total)
    expect(link).to_be_focused()
    assert page.evaluate("() => scrollY") == scrolled


def test_albums_fit_their_window(player: Page) -> None:
    open_album(player, "Harbour")
    for place in ("album", "albums"):
        for width in (320, 390, 700, 1000, 1920):
            player.set_viewport_size({"width": width, "height": 700})
            assert player.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (place, width)
        player.go_back()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_right_to_left_name_is_cut_at_its_end_and_a_long_title_leaves_the_deeds_in_sight(
    player: Page, width: int
) -> None:
    def translated(route: Route) -> None:
        answer = route.fetch()
        body = answer.text().replace('"Cobalt"', f'"{ARABIC}"').replace('"Night"', f'"{ARABIC}"')
        route.fulfill(response=answer, body=body)

    def beheaded(texts: int) -> None:
        shown, wrong = player.evaluate(_BEHEADED, FIRST_WORD)
        assert (shown, wrong) == (texts, [])

    player.route(re.compile(r"/api/(library/tracks|albums|player/queue)(/\d+)?(/tracks)?(\?|$)"), translated)
    player.set_viewport_size({"width": width, "height": 844})
    player.reload()
    player.locator("#tracks .track").filter(has_text="Rain").click()
    expect(player.locator("#now-artist")).to_have_text(ARABIC.strip())
    player.keyboard.press(" ")
    album_in_deck = int(width > 390)
    beheaded(2 + 1 + album_in_deck)
    player.get_by_role("link", name="Albums", exact=True).click()
    expect(albums(player)).to_have_count(3)
    beheaded(2 + 1 + album_in_deck)
    player.locator("#albums").get_by_role("link", name=FIRST_WORD).click()
    expect(player.locator("#album-title")).to_have_text(ARABIC.strip())
    beheaded(2 + 1 + album_in_deck)
    expect(player.locator("#album-play")).to_be_in_viewport(ratio=1)
    expect(player.locator("#album .track")).to_be_in_viewport()
    assert player.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    player.keyboard.press("q")
    expect(player.locator("#queue-list .artist").filter(has_text=FIRST_WORD)).to_be_visible()
    shown, wrong = player.evaluate(_BEHEADED, FIRST_WORD)
    assert wrong == []
    assert shown > 2
