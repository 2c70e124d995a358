"""Pictures in the player page, and what it shows the browser's media keys."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from auralis_trio.demo import synthesise
from tests.web.player_page import GIVEN, clear_queue, click_track, held, open_player, wait_for, write_track

RATE = 44_100
RED, GREEN = (200, 30, 30), (30, 160, 60)
# album: titles
ALBUMS = {"Painted": ["Long", "Brief"], "Bare": ["Alone"]}

_NOTES_ACTIONS = """(() => {
    const session = navigator.mediaSession;
    const [handle, place] = [session.setActionHandler.bind(session), session.setPositionState.bind(session)];
    globalThis.media = { actions: {}, places: [] };
    session.setActionHandler = (name, action) => { media.actions[name] = action; handle(name, action); };
    globalThis.Audio = class extends Audio { constructor(...of) { super(...of); globalThis.keeper = this; } };
    session.setPositionState = (state) => { media.places.push(state ?? null); place(state); };
})()"""


def picture(path: Path, colour: tuple[int, int, int]) -> bytes:
    Image.new("RGB", (600, 600), colour).save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def url(serve_folder: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("music")
    for album, titles in ALBUMS.items():
        (folder / album).mkdir()
        for number, title in enumerate(titles, 1):
            file = folder / album / f"{title}.flac"
            tags = {"title": title, "album": album, "artist": "Somebody", "tracknumber": str(number)}
            write_track(file, synthesise(20 if title == "Long" else 1, RATE, 2, number), RATE, tags)
    picture(folder / "Painted" / "cover.png", RED)
    return serve_folder(folder)


@pytest.fixture
def player(page: Page, url: str) -> Page:
    clear_queue(page, url)
    page.add_init_script(_NOTES_ACTIONS)
    open_player(page, url, 3)
    return page


def cover(player: Page) -> Locator:
    return player.locator("#now-cover")


def colour_of(image: Locator) -> list[int]:
    """The colour in the middle of a picture, once it is there; nothing while there is none."""
    answer: list[int] = image.evaluate("""async (image) => {
        await image.decode().catch(() => {});
        if (!image.naturalWidth) return [];
        const canvas = new OffscreenCanvas(1, 1).getContext("2d");
        canvas.drawImage(image, 0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    }""")
    return answer


def expect_colour(player: Page, wanted: tuple[int, int, int]) -> None:
    player.wait_for_function("() => document.querySelector('#now-cover').naturalWidth > 0")
    assert max(abs(one - other) for one, other in zip(colour_of(cover(player)), wanted, strict=True)) < 12


def media(player: Page, expression: str) -> Any:
    return player.evaluate(f"() => {expression}")


def test_the_picture_of_what_plays_stands_beside_it_and_moves_nothing_when_it_comes(player: Page) -> None:
    place = cover(player).bounding_box()
    assert place is not None
    click_track(player, "Long")
    expect_colour(player, RED)
    assert cover(player).bounding_box() == place
    shown = str(cover(player).evaluate("(image) => image.currentSrc"))
    assert "size=128" in shown or "size=256" in shown
    with held(player):  # so that it does not come to its end
        click_track(player, "Alone")
        expect(player.locator("#now-title")).to_have_text("Alone")
        assert colour_of(cover(player)) == []
        assert cover(player).bounding_box() == place


def test_another_picture_is_shown_at_once(player: Page, url: str, tmp_path: Path) -> None:
    click_track(player, "Long")
    expect_colour(player, RED)
    (album,) = [one for one in player.request.get(f"{url}/api/albums").json()["items"] if one["title"] == "Painted"]
    place = f"{url}/api/albums/{album['id']}/artwork"
    before = cover(player).evaluate("(image) => image.currentSrc")
    body = picture(tmp_path / "other.png", GREEN)
    assert player.request.post(place, data=body, headers={"Content-Type": "image/png"}).ok
    try:
        player.wait_for_function("(before) => document.querySelector('#now-cover').currentSrc !== before", arg=before)
        expect_colour(player, GREEN)
        assert player.request.delete(place).ok
        expect(cover(player)).not_to_have_attribute("srcset", "")
        expect(cover(player)).to_have_js_property("naturalWidth", 0)
    finally:
        player.request.post(f"{place}/extract", data={})
    expect_colour(player, RED)


def test_keyboards_and_phones_are_shown_what_plays_and_command_it(player: Page) -> None:
    assert media(player, "navigator.mediaSession.playbackState") == "none"
    click_track(player, "Long")
    wait_for(player, "record?.frames > 4000")
    about = media(player, "(({ title, artist, album }) => [title, artist, album])(navigator.mediaSession.metadata)")
    assert about == ["Long", "Somebody", "Painted"]
    pictures = media(player, "navigator.mediaSession.metadata.artwork.map(({ src, sizes }) => [src, sizes])")
    assert [sizes for _, sizes in pictures] == ["128x128", "256x256", "512x512"]
    assert all(player.request.get(src).headers["content-type"] == "image/jpeg" for src, _ in pictures)
    assert media(player, "navigator.mediaSession.playbackState") == "playing"
    told = media(player, "media.places.at(-1)")
    assert told["duration"] == 20
    assert told["position"] < 20

    play = player.locator("#play")
    media(player, "media.actions.pause()")
    expect(play).to_have_accessible_name("Play")
    media(player, "media.actions.pause()")
    expect(play).to_have_accessible_name("Play")
    assert media(player, "navigator.mediaSession.playbackState") == "paused"
    media(player, "media.actions.seekto({ seekTime: 12.5 })")
    expect(player.locator("#elapsed")).to_have_text("0:12")
    assert media(player, "media.places.at(-1).position") == pytest.approx(12.5)
    with held(player):  # so that the brief one does not come to its end
        media(player, "media.actions.play()")
        expect(play).to_have_accessible_name("Pause")
        media(player, "media.actions.nexttrack()")
        expect(player.locator("#now-title")).to_have_text("Brief")
        media(player, "media.actions.previoustrack()")
        expect(player.locator("#now-title")).to_have_text("Long")
        media(player, "media.actions.pause()")


def test_the_browser_counts_the_position_by_itself(player: Page) -> None:
    """While a track simply goes on it is told nothing."""
    with held(player):
        click_track(player, "Long")
        wait_for(player, f"{GIVEN} > 5 * {RATE}")
    wait_for(player, "record?.frames > 30000")
    told = media(player, "media.places.length")
    wait_for(player, "record?.frames > 80000")
    assert media(player, "media.places.length") == told


def test_when_something_else_is_given_the_loudspeakers_the_player_pauses_and_can_be_called_back(player: Page) -> None:
    """Browsers say so by pausing the element that holds the keys for the player; it sounds while the player does."""
    play = player.locator("#play")
    click_track(player, "Long")
    player.wait_for_function("() => !keeper.paused && keeper.currentTime > 0")
    media(player, "keeper.pause()")
    expect(play).to_have_accessible_name("Play")
    media(player, "media.actions.play()")
    expect(play).to_have_accessible_name("Pause")
    player.wait_for_function("() => !keeper.paused")
    player.keyboard.press(" ")
    expect(play).to_have_accessible_name("Play")
    player.wait_for_function("() => keeper.paused")
