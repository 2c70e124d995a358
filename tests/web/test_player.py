"""The player page in a browser, on the real server: what leaves its worklet is what the files hold, to the end."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import mutagen
import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from auralis_trio.audio.units import seconds_to_frame
from auralis_trio.demo import synthesise
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
    release,
    search,
    wait_for,
)

MARKUP = '<img src=x onerror="document.title=1"><b>bold</b>'
WINDOW_S = 8
STILL = "(globalThis.still = record.frames === globalThis.seen ? globalThis.still + 1 : 0,"
STILL += " globalThis.seen = record.frames, globalThis.still === 30)"

# name: (seconds, rate, channels, subtype, tags); played in the order of albums, then of track numbers
TRACKS: dict[str, tuple[float, int, int, str, dict[str, str]]] = {
    "first.flac": (0.8, 44_100, 2, "PCM_16", {"title": "First", "album": "A Suite", "tracknumber": "1"}),
    "second.flac": (0.6, 44_100, 2, "PCM_16", {"title": "Second", "album": "A Suite", "tracknumber": "2"}),
    "third.flac": (0.4, 48_000, 1, "PCM_24", {"title": "Third", "album": "A Suite", "tracknumber": "3"}),
    "long.flac": (24.0, 44_100, 2, "PCM_16", {"title": "Long", "album": "Long Pieces", "artist": "Émile Ångström"}),
    "floating.wav": (0.3, 44_100, 2, "FLOAT", {}),
    "lossy.ogg": (0.4, 44_100, 2, "VORBIS", {"title": "Lossy"}),
    "narrow.wav": (0.3, 8_000, 1, "PCM_16", {}),
    "wide.flac": (0.3, 96_000, 6, "PCM_24", {"title": "Wide"}),
    "short.wav": (0.01, 44_100, 2, "PCM_16", {}),
    "markup.flac": (0.3, 44_100, 2, "PCM_16", {"title": MARKUP, "artist": "<script>x</script>"}),
    "damaged.flac": (2.0, 44_100, 2, "PCM_16", {"title": "Damaged"}),
    "before.flac": (0.3, 44_100, 2, "PCM_16", {"title": "Before", "album": "Brief", "tracknumber": "1"}),
    "gone.flac": (0.3, 44_100, 2, "PCM_16", {"title": "Gone", "album": "Brief", "tracknumber": "2"}),
}

# title: file
ALONE = {
    "Second": "second.flac",
    "Third": "third.flac",
    "floating": "floating.wav",
    "Lossy": "lossy.ogg",
    "narrow": "narrow.wav",
    "Wide": "wide.flac",
    "short": "short.wav",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed, (name, (seconds, rate, channels, subtype, tags)) in enumerate(TRACKS.items(), 1):
        soundfile.write(folder / name, synthesise(seconds, rate, channels, seed), rate, subtype)
        if tags:
            file = mutagen.File(folder / name)
            file.update({field: [value] for field, value in tags.items()})
            file.save()
    damaged = bytearray((folder / "damaged.flac").read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 9_000] = bytes(9_000)
    (folder / "damaged.flac").write_bytes(damaged)
    return folder


@pytest.fixture
def player(page: Page, url: str) -> Page:
    clear_queue(page, url)
    open_player(page, url, len(TRACKS))
    return page


def same(one: Samples, other: Samples) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)


def show_the_suite(player: Page) -> None:
    """The tracks of one album, in its order and not in that of a search."""
    search(player, "A Suite", 3)
    player.locator("#sort").select_option("album")
    expect(player.locator(".title")).to_have_text(["First", "Second", "Third"])


def play_alone(player: Page, title: str) -> None:
    search(player, title, 1)
    click_track(player, title)


def test_a_clicked_track_is_heard_exactly_and_to_its_last_frame(player: Page, folder: Path) -> None:
    for count, (title, name) in enumerate(ALONE.items(), 1):
        with held(player):
            play_alone(player, title)
            wait_for(player, f"loudspeaker.decks.length === {count} && {WHOLE}")
        wait_for(player, f"records.length === {count} && record.ended")
        tape = heard(player)[-1]
        assert same(tape.samples, decoded(folder / name)), name
        assert tape.sample_rate == TRACKS[name][1]
        assert tape.underruns == 0
        expect(player.locator("#play")).to_have_accessible_name("Play")


def test_the_next_track_of_an_album_follows_without_a_gap_and_one_of_another_format_behind_it(
    player: Page, folder: Path
) -> None:
    show_the_suite(player)
    with held(player):
        click_track(player, "First")
        wait_for(player, WHOLE)
    wait_for(player, "records.length === 2 && record.ended")
    album, last = heard(player)
    first, second = decoded(folder / "first.flac"), decoded(folder / "second.flac")
    assert same(album.samples, np.concatenate([first, second]))
    assert [mark[1:] for mark in album.marks] == [(0, 0), (0, len(first))]
    assert album.underruns == 0
    assert same(last.samples, decoded(folder / "third.flac"))
    expect(player.locator("#now-title")).to_have_text("First")  # where the queue begins again
    expect(player.locator("#play")).to_have_accessible_name("Play")


def test_a_script_node_plays_the_same_where_the_browser_gives_no_worklet(page: Page, url: str, folder: Path) -> None:
    page.add_init_script("Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: undefined })")
    open_player(page, url, len(TRACKS))
    play_alone(page, "First")
    wait_for(page, "record?.ended")
    assert same(heard(page)[0].samples, decoded(folder / "first.flac"))


def test_a_seek_goes_on_at_the_chosen_frame_at_once(player: Page, folder: Path) -> None:
    play_alone(player, "Long")
    wait_for(player, "record?.frames > 4000")
    box = player.locator("#seek").bounding_box()
    assert box is not None
    player.mouse.click(box["x"] + 0.97 * box["width"], box["y"] + box["height"] / 2)
    wait_for(player, "records.length === 2 && record.ended")
    before, after = heard(player)
    whole = decoded(folder / "long.flac")
    place = after.marks[0][1]
    assert 0.9 * len(whole) < place < len(whole)
    assert same(before.samples, whole[: len(before.samples)])
    assert same(after.samples, whole[place:])


def test_the_keys_move_the_position_by_five_seconds(player: Page) -> None:
    play_alone(player, "Long")
    hold_when(player, "record?.frames > 4000")
    player.keyboard.press("Shift+ArrowRight")
    player.keyboard.press("Shift+ArrowRight")
    player.keyboard.press("Shift+ArrowLeft")
    release(player)
    place = "record.marks[0]?.startFrame"
    wait_for(player, f"record.frames > 4000 && {place} > 5 * 44100 && {place} < 7 * 44100")


def test_the_keys_are_the_players_as_soon_as_a_dialog_is_closed(player: Page) -> None:
    """Browsers leave the focus in it for a moment."""
    player.keyboard.press("?")
    player.locator("#encoding").focus()
    left_behind = player.evaluate("""() => {
        document.getElementById("help").close();
        const focused = document.activeElement;
        focused.dispatchEvent(new KeyboardEvent("keydown", { key: "q", bubbles: true, cancelable: true }));
        return focused.id;
    }""")
    assert left_behind == "encoding"
    expect(player.locator("#queue")).to_be_visible()


def test_a_pause_stops_at_a_frame_and_goes_on_with_the_next(player: Page, folder: Path) -> None:
    play_alone(player, "First")
    hold_when(player, "record?.frames > 4000")
    player.keyboard.press(" ")
    release(player)
    wait_for(player, STILL)
    assert not heard(player)[0].ended
    expect(player.locator("#play")).to_have_accessible_name("Play")
    player.locator("#play").click()
    wait_for(player, "record.ended")
    (tape,) = heard(player)
    assert same(tape.samples, decoded(folder / "first.flac"))


def test_a_seek_while_paused_stays_paused(player: Page, folder: Path) -> None:
    play_alone(player, "Long")
    hold_when(player, "record?.frames > 4000")
    player.keyboard.press(" ")
    release(player)
    with player.expect_response("**/api/library/tracks?*"):
        player.locator("#sort").select_option("title")  # something that takes its time
    player.locator("#seek").press("ArrowRight")
    wait_for(player, "records.length === 2")
    assert len(heard(player)[-1].samples) == 0
    expect(player.locator("#elapsed")).to_have_text("0:05")
    player.locator("#play").click()
    wait_for(player, "record.frames > 20000")
    tape = heard(player)[-1]
    place = tape.marks[0][1]
    assert same(tape.samples, decoded(folder / "long.flac")[place : place + len(tape.samples)])


def test_next_and_previous_follow_the_list_that_is_shown(player: Page) -> None:
    title = player.locator("#now-title")
    show_the_suite(player)
    with held(player):  # so that none of them comes to its end
        click_track(player, "First")
        expect(title).to_have_text("First")
        player.get_by_role("button", name="Next track").click()
        expect(title).to_have_text("Second")
        player.keyboard.press("ArrowRight")
        expect(title).to_have_text("Third")
        player.get_by_role("button", name="Previous track").click()
        expect(title).to_have_text("Second")
        expect(player.locator('.track[aria-current="true"] .title')).to_have_text("Second")


def test_of_two_quick_clicks_the_second_track_plays(player: Page, folder: Path) -> None:
    show_the_suite(player)
    player.evaluate("() => { for (const row of [0, 2, 2]) document.querySelectorAll('.track')[row].click() }")
    wait_for(player, "record?.ended")
    (tape,) = heard(player)
    assert same(tape.samples, decoded(folder / "third.flac"))


def test_after_the_line_drops_the_sound_goes_on_where_it_was(page: Page, url: str, folder: Path) -> None:
    """The first line carries three packets and the answer to all that was asked, then it is cut."""
    plays: list[dict[str, Any]] = []
    lines: list[WebSocketRoute] = []

    def cut_once(line: WebSocketRoute) -> None:
        lines.append(line)
        first, server = len(lines) == 1, line.connect_to_server()
        carried, owed, cut = 0, 0, False

        def from_page(message: str | bytes) -> None:
            nonlocal owed
            said = json.loads(message)
            owed += said["type"] == "ping"
            if said["type"] == "play":
                plays.append(said["data"])
            if not cut:
                server.send(message)

        def from_server(message: str | bytes) -> None:
            nonlocal carried, owed, cut
            if isinstance(message, bytes):
                carried += 1
            else:
                owed -= json.loads(message)["type"] == "pong"
            if not cut and not (first and isinstance(message, bytes) and carried > 3):
                line.send(message)
            if first and not cut and carried > 3 and owed == 0:
                cut = True
                server.close()
                line.close()

        line.on_message(from_page)
        server.on_message(from_server)

    page.route_web_socket("**/ws", cut_once)
    open_player(page, url, len(TRACKS))
    play_alone(page, "First")
    wait_for(page, "record?.ended")
    (tape,) = heard(page)
    assert same(tape.samples, decoded(folder / "first.flac"))
    assert [mark[1:] for mark in tape.marks] == [(0, 0), (24_576, 24_576)]
    assert plays[0]["start_frame"] == 0
    assert seconds_to_frame(plays[1]["position_s"], 44_100) == 24_576


def test_what_comes_too_late_is_silence_that_is_counted_and_no_frame_is_lost(
    page: Page, url: str, folder: Path
) -> None:
    """The page gets two packets before the answer that lets it begin; the rest of the sound is kept from it."""
    kept: list[str | bytes] = []
    late: list[bool] = [True]
    lines: list[WebSocketRoute] = []

    def hold_back(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        lines.append(line)
        answers: list[str] = []
        asked, packets = False, 0

        def from_page(message: str | bytes) -> None:
            nonlocal asked
            asked = asked or json.loads(message)["type"] == "play"
            server.send(message)

        def from_server(message: str | bytes) -> None:
            nonlocal packets
            packets += isinstance(message, bytes)
            kind = "packet" if isinstance(message, bytes) else json.loads(message)["type"]
            if asked and packets < 2 and isinstance(message, str) and kind == "pong":
                answers.append(message)
            elif (
                late[0] and packets >= 2 and ((kind == "packet" and packets > 2) or kind.startswith("audio_stream_"))
            ):
                kept.append(message)
            else:
                line.send(message)
            while packets >= 2 and answers:
                line.send(answers.pop(0))

        line.on_message(from_page)
        server.on_message(from_server)

    page.route_web_socket("**/ws", hold_back)
    open_player(page, url, len(TRACKS))
    play_alone(page, "First")
    wait_for(page, "record?.underruns === 1")
    expect(page.locator("#condition")).to_have_text("waiting for the server · 1 interruption so far")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#condition")).to_be_in_viewport()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert len(heard(page)[0].samples) == 16_384
    with held(page):
        for message in kept:  # and for what comes meanwhile, until nothing is kept any more
            lines[0].send(message)
        late[0] = False
        wait_for(page, WHOLE)
    wait_for(page, "record.ended")
    (tape,) = heard(page)
    assert same(tape.samples, decoded(folder / "first.flac"))
    assert tape.underruns == 1


class SlowLine:
    """One page's WebSocket on which sound comes packet by packet, as it is let through."""

    def __init__(self) -> None:
        self.slow = True
        self.kept: list[str | bytes] = []
        self.encodings: list[str] = []

    def route(self, line: WebSocketRoute) -> None:
        self.line, self.server = line, line.connect_to_server()
        line.on_message(self.from_page)
        self.server.on_message(self.from_server)

    def from_page(self, message: str | bytes) -> None:
        said = json.loads(message)
        if said["type"] == "play":
            self.encodings.append(said["data"]["encoding"])
        self.server.send(message)

    def from_server(self, message: str | bytes) -> None:
        if self.slow and (isinstance(message, bytes) or json.loads(message)["type"] == "audio_stream_end"):
            self.kept.append(message)
        else:
            self.line.send(message)

    def let_through(self, page: Page, packets: int) -> None:
        for _ in range(packets):
            while not self.kept:
                wait_for(page, "true")  # until the next one is there
            self.line.send(self.kept.pop(0))

    def hurry(self) -> None:
        self.slow = False
        while self.kept:
            self.line.send(self.kept.pop(0))


@pytest.mark.parametrize(
    ("script", "label", "form"),
    [("", "Send Opus", "opus"), ("delete globalThis.AudioDecoder", "Send 16 bit", "s16")],
    ids=["with a decoder", "without"],
)
def test_to_whoever_is_interrupted_again_and_again_less_data_is_offered(
    page: Page, url: str, folder: Path, script: str, label: str, form: str
) -> None:
    """After each interruption the page waits for twice as much as before: for two, five and nine packets."""

    def finer(route: Route) -> None:
        """So that 24 bits are asked for."""
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('"bits":16', '"bits":24'))

    page.add_init_script(script)
    line = SlowLine()
    page.route_web_socket("**/ws", line.route)
    page.route(re.compile(r"/api/(library/tracks|player/queue)\b"), finer)
    open_player(page, url, len(TRACKS))
    play_alone(page, "Long")
    offer = page.get_by_role("button", name=label)
    for interruptions, packets in enumerate((2, 5, 9), 1):
        expect(offer).to_be_hidden()
        line.let_through(page, packets)
        wait_for(page, f"record?.underruns === {interruptions}")
    expect(page.locator("#notice")).to_contain_text("The connection is too slow")
    offer.click()
    expect(page.locator("#notice")).to_be_empty()
    expect(page.locator("#encoding")).to_have_value(form)
    line.hurry()
    wait_for(page, "records.length === 2 && record.frames > 8000")
    assert line.encodings == ["s24", form]
    before, after = heard(page)
    whole, place = decoded(folder / "long.flac"), after.marks[0][1]
    assert len(before.samples) == 16 * 8_192
    assert seconds_to_frame((place + 0.5) / after.sample_rate, 44_100) == 16 * 8_192
    if form == "s16":
        assert same(after.samples, whole[place : place + len(after.samples)])


def test_credit_is_what_was_heard_and_as_many_packets_as_eight_seconds_hold(page: Page, url: str) -> None:
    said: list[dict[str, Any]] = []
    page.on("websocket", lambda line: line.on("framesent", lambda text: said.append(json.loads(text))))
    open_player(page, url, len(TRACKS))
    play_alone(page, "Long")
    wait_for(page, "record?.frames > 50000")
    first, *credits = [message["data"] for message in said if message["type"] == "credit"]
    assert first["frames"] == 65_536  # before there is a deck
    assert len(credits) >= 3
    ahead = [credit["frames"] - credit["played"] for credit in credits]
    assert max(ahead) <= WINDOW_S * 44_100 < min(ahead) + 8_192
    assert np.diff([credit["frames"] for credit in credits]).min() >= 44_100 / 4


def test_the_list_shows_what_matches_and_says_when_nothing_does(player: Page) -> None:
    search(player, "emile angstrom", 1)
    expect(player.locator(".title")).to_have_text("Long")
    expect(player.locator("#count")).to_have_text("1 track found")
    search(player, "no such music", 0)
    expect(player.locator("#tracks-note")).to_contain_text("Nothing is called “no such music”")
    search(player, "", len(TRACKS))


@pytest.mark.parametrize("slowly", [True, False])
def test_escape_leaves_the_search_and_shows_everything_again(player: Page, slowly: bool) -> None:
    player.keyboard.press("/")
    player.keyboard.type("third")
    if slowly:
        expect(player.locator(".track")).to_have_count(1)
    player.keyboard.press("Escape")
    expect(player.locator("#search")).to_have_value("")
    expect(player.locator("#search")).not_to_be_focused()
    expect(player.locator(".track")).to_have_count(len(TRACKS))
    expect(player.locator("#count")).to_have_text(f"{len(TRACKS)} tracks")
    player.get_by_role("link", name="Albums", exact=True).click()
    player.get_by_role("link", name="Tracks").click()
    expect(player.locator("#search")).to_have_value("")


def test_a_search_that_cannot_be_understood_says_why_and_shows_nothing_older(player: Page, url: str) -> None:
    with player.context.new_page() as page:  # which may complain, since the browser does of each refusal
        open_player(page, url, len(TRACKS))
        search(page, "third", 1)
        search(page, 'year:"x', 0)
        expect(page.locator("#tracks-note")).to_contain_text("this quotation mark is never closed")
        expect(page.get_by_role("button", name="Try again")).to_be_hidden()
        expect(page.locator("#count")).to_be_empty()
        page.get_by_role("link", name="Albums", exact=True).click()
        page.get_by_role("link", name="Tracks").click()
        expect(page.locator("#search")).to_have_value('year:"x')
        expect(page.locator("#tracks-note")).to_contain_text("this quotation mark is never closed")
        search(page, "third", 1)


def test_a_late_answer_to_an_older_search_is_not_shown(player: Page) -> None:
    late: list[Route] = []
    player.route("**/api/library/tracks?*search=first*", lambda route: late.append(route))
    with player.expect_request("**/api/library/tracks?*search=first*"):
        player.locator("#search").fill("first")
    search(player, "third", 1)
    late[0].continue_()
    search(player, "second", 1)
    expect(player.locator(".title")).to_have_text("Second")


def test_a_search_comes_by_how_well_it_is_found_until_an_order_is_chosen(player: Page) -> None:
    asked: list[dict[str, list[str]]] = []
    player.on("request", lambda request: asked.append(parse_qs(urlsplit(request.url).query)))
    search(player, "A Suite", 3)
    expect(player.locator("#sort")).to_have_value("")
    with player.expect_response("**/api/library/tracks?*sort=title*"):
        player.locator("#sort").select_option("title")
    search(player, "long", 1)
    expect(player.locator("#sort")).to_have_value("title")
    search(player, "", len(TRACKS))
    expect(player.locator("#sort")).to_have_value("title")
    search(player, "third", 1)
    orders = [(one.get("search", [""])[0], one.get("sort", [""])[0]) for one in asked]
    assert orders == [("A Suite", ""), ("A Suite", "title"), ("long", "title"), ("", "title"), ("third", "")]


def test_a_long_list_is_gone_on_with_by_its_cursor(player: Page) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        cursor = parse_qs(urlsplit(route.request.url).query).get("cursor", [""])[0]
        asked.append(cursor)
        first, following = {"": (0, "one"), "one": (99, "two"), "two": (198, None)}[cursor]
        page = route.fetch(url=route.request.url.partition("&cursor=")[0]).json()
        # The last track of the page before comes again, as one does whose tags were changed meanwhile.
        items = [{**page["items"][0], "id": 1000 + first + at, "title": f"T{at}"} for at in range(100)]
        route.fulfill(json={**page, "items": items, "total": 298, "next_cursor": following})

    player.route("**/api/library/tracks?*", answer)
    player.locator("#sort").select_option("title")
    for many in (100, 199, 298):
        player.locator("#tracks-foot").scroll_into_view_if_needed()
        expect(player.locator("#tracks li")).to_have_count(many)
    assert asked == ["", "one", "two"]


def test_markup_in_a_tag_is_shown_as_text(player: Page) -> None:
    play_alone(player, MARKUP)
    expect(player.locator("#now-title")).to_have_text(MARKUP)
    expect(player.locator("#now-artist")).to_have_text("<script>x</script>")
    assert player.locator(":is(main, .deck) :is(img:not(.cover > img), b, script)").count() == 0
    wait_for(player, "record?.ended")
    expect(player).to_have_title("Auralis")


def test_a_damaged_file_is_heard_up_to_the_damage_and_the_page_says_so(player: Page, folder: Path) -> None:
    play_alone(player, "Damaged")
    wait_for(player, "record?.ended")
    (tape,) = heard(player)
    assert 0 < len(tape.samples) < 2 * 44_100
    original = synthesise(2.0, 44_100, 2, list(TRACKS).index("damaged.flac") + 1)
    assert np.abs(tape.samples - original[: len(tape.samples)]).max() < 2**-14
    expect(player.locator("#notice")).to_have_text(
        "Damaged: This track's file is damaged. Replace it from a good copy."
    )
    expect(player.locator("#play")).to_have_accessible_name("Play")


def test_a_next_track_that_cannot_be_played_is_named_and_the_present_one_ends_as_it_should(
    player: Page, folder: Path
) -> None:
    (folder / "gone.flac").write_bytes(b"")
    search(player, "Brief", 2)
    click_track(player, "Before")
    wait_for(player, "record?.ended")
    assert same(heard(player)[0].samples, decoded(folder / "before.flac"))
    expect(player.locator("#notice")).to_contain_text("Gone: ")
    expect(player.locator("#play")).to_have_accessible_name("Play")


def test_previous_comes_past_a_track_that_cannot_be_played(player: Page, url: str, folder: Path) -> None:
    (folder / "gone.flac").write_bytes(b"")
    ids = {item["title"]: item["id"] for item in ask(player, url, "library/tracks")["items"]}
    queue = {"track_ids": [ids[title] for title in ("Long", "Gone", "Wide")], "start_index": 2}
    assert player.request.post(f"{url}/api/player/queue", data=queue).ok
    expect(player.locator("#now-title")).to_have_text("Wide")
    with held(player):
        player.get_by_role("button", name="Play", exact=True).click()
        wait_for(player, f"{GIVEN} > 0")
        player.keyboard.press("ArrowLeft")
        expect(player.locator("#notice")).to_contain_text("Gone: ")
    expect(player.locator("#now-title")).to_have_text("Long")
    wait_for(player, "record?.frames > 4000")
    assert heard(player)[-1].marks[-1][:2] == (ids["Long"], 0)


def test_a_missing_file_is_named_and_the_next_click_plays(player: Page, folder: Path) -> None:
    (folder / "gone.flac").unlink()
    play_alone(player, "Gone")
    expect(player.locator("#notice")).to_contain_text("Gone: This track's file is missing.")
    play_alone(player, "short")
    wait_for(player, "record?.ended && record.frames > 0")
    assert same(heard(player)[-1].samples, decoded(folder / "short.wav"))
    expect(player.locator("#notice")).to_be_empty()


def test_the_volume_is_remembered_and_changes_no_sample(player: Page, url: str, folder: Path) -> None:
    for _ in range(12):
        player.keyboard.press("ArrowDown")
    expect(player.locator("#volume")).to_have_value("40")
    open_player(player, url, len(TRACKS))
    expect(player.locator("#volume")).to_have_value("40")
    expect(player.locator("#volume")).to_have_attribute("aria-valuetext", "40 %")
    play_alone(player, "short")
    wait_for(player, "record?.ended")
    assert same(heard(player)[0].samples, decoded(folder / "short.wav"))


def test_the_page_fits_its_window(player: Page) -> None:
    play_alone(player, MARKUP)
    expect(player.locator("#now-title")).to_have_text(MARKUP)
    for width in (320, 390, 700, 1000, 1920):
        player.set_viewport_size({"width": width, "height": 700})
        assert player.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width
        expect(player.get_by_role("button", name="Next track")).to_be_in_viewport()


CLEAR = """() => {
    const focused = document.activeElement, finder = document.getElementById("finder");
    if (!focused.closest("main")) return null;
    const { top, bottom } = focused.getBoundingClientRect();
    const above = finder.contains(focused) ? 0 : Math.max(0, finder.getBoundingClientRect().bottom);
    return top >= above && bottom <= document.getElementById("deck").getBoundingClientRect().top;
}"""
"""Whether what has the focus is wholly in sight; null where it is not in the library."""
TOLD = " && ".join(
    f'document.documentElement.style.getPropertyValue("--{part}-height") === `${{{part}.offsetHeight}}px`'
    for part in ("deck", "finder")
)
"""Whether the style sheet has been told how high those parts are, which it is with the next frame."""


def test_what_has_the_focus_is_never_behind_the_player_however_low_the_window(player: Page) -> None:
    """640 x 400 and 320 x 256 are what is left of a window of 1280 at 200 % and 400 %."""
    for (width, height), opened in product(((640, 400), (320, 256), (390, 600)), (False, True)):
        player.set_viewport_size({"width": width, "height": height})
        if opened:
            player.locator("#sound-open").click()
        wait_for(player, TOLD)
        player.locator("#search").focus()
        clear = []
        for key in ("Tab", "Shift+Tab"):
            for _ in range(len(TRACKS)):
                player.keyboard.press(key)
                clear.append(player.evaluate(CLEAR))
        assert clear == [True] * len(clear), (width, height, opened)
        if opened:
            player.locator("#sound-open").click()


def test_a_low_window_still_shows_tracks_and_all_that_is_needed_to_play_them(player: Page) -> None:
    play_alone(player, "Long")
    for width, height in ((640, 400), (320, 256)):
        player.set_viewport_size({"width": width, "height": height})
        player.locator(".track").first.scroll_into_view_if_needed()
        deck = player.locator("#deck").bounding_box()
        assert deck is not None
        assert deck["height"] < 0.35 * height
        for name in ("play", "next", "previous", "sound-open", "queue-open", "now-title", "seek"):
            expect(player.locator(f"#{name}")).to_be_in_viewport(ratio=1)
        assert player.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_nothing_moves_under_the_pointer(player: Page) -> None:
    keys = ("play", "next", "queue-open")
    play_alone(player, "Second")
    for width, height in ((390, 844), (1000, 700), (1280, 800), (1400, 1000)):
        player.set_viewport_size({"width": width, "height": height})
        player.mouse.move(1, 1)
        before = [player.locator(f"#{name}").bounding_box() for name in ("deck", *keys)]
        for name in keys:
            player.locator(f"#{name}").hover()
            assert [player.locator(f"#{name}").bounding_box() for name in ("deck", *keys)] == before, (name, width)


def test_everything_can_be_done_with_the_keyboard(player: Page) -> None:
    player.keyboard.press("/")
    player.keyboard.type("A Suite")
    expect(player.locator(".track")).to_have_count(3)
    for _ in range(2):
        player.keyboard.press("Tab")  # past the order of the list to its first row
    player.keyboard.press("Enter")
    expect(player.locator("#now-title")).to_have_text("First")
    player.keyboard.press("?")
    expect(player.get_by_role("dialog")).to_be_visible()
    player.keyboard.press("Escape")
    expect(player.get_by_role("dialog")).to_be_hidden()
