"""Uploads from the player page: chosen or dropped, with progress and plain sentences, where there are any."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from auralis_trio.demo import synthesise
from tests.web.player_page import Run, open_player, write_track

RATE = 8_000
MAX_BYTES = 2 << 20


def song(path: Path, seed: int, **tags: str) -> Path:
    write_track(path, synthesise(0.5, RATE, 1, seed=seed), RATE, tags)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    (folder / "new").mkdir()
    song(folder / "first.flac", 1, title="First")
    return folder


@pytest.fixture(scope="module")
def url(serve_folder: Callable[..., str], folder: Path) -> str:
    return serve_folder(folder, upload_dir=folder / "new", max_upload_bytes=MAX_BYTES)


@pytest.fixture
def player(page: Page, url: str) -> Page:
    page.goto(f"{url}/?tap=1")
    expect(page.locator("#lamp")).to_have_text("Connected")
    expect(page.locator("#upload")).to_be_visible()
    return page


def choose(player: Page, *paths: Path) -> None:
    with player.expect_file_chooser() as chooser:
        player.locator("#upload").click()
    chooser.value.set_files([str(path) for path in paths])


def expect_outcome(player: Page, *lines: str) -> None:
    expect(player.locator("#upload-stop")).to_have_text("Close")
    assert player.locator("#upload-text").inner_text().split("\n") == list(lines)
    expect(player.locator("#upload-progress")).to_be_hidden()


def test_where_there_are_no_uploads_nothing_of_them_is_shown(page: Page, empty_url: str) -> None:
    open_player(page, empty_url, 0)
    expect(page.locator("#upload")).to_be_hidden()
    expect(page.locator("#uploads")).to_be_hidden()
    taken = page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "x.flac"));
        const event = new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true });
        document.querySelector("#tracks").dispatchEvent(event);
        return event.defaultPrevented;
    }""")
    assert taken is False


def test_files_that_are_chosen_appear_in_the_library(player: Page, folder: Path, tmp_path: Path) -> None:
    new = song(tmp_path / "It's (über) new 🎵.flac", 2, title="Brand new")
    again = song(tmp_path / "again.flac", 1, title="First again")
    choose(player, new, again)
    expect_outcome(player, "1 file was uploaded.", "1 file was in the library already.")
    expect(player.locator(".track .title", has_text="Brand new")).to_be_visible()
    assert (folder / "new" / new.name).read_bytes() == new.read_bytes()
    player.locator("#upload-stop").click()
    expect(player.locator("#uploads")).to_be_hidden()
    expect(player.locator("#upload")).to_be_focused()


def test_what_is_refused_is_told_by_name_and_the_rest_goes_on(player: Page, tmp_path: Path) -> None:
    text, large, fake = tmp_path / "notes.txt", tmp_path / "large.wav", tmp_path / "<b>fake.mp3"
    text.write_text("just words")
    large.write_bytes(bytes(MAX_BYTES + 1))
    fake.write_text("no music at all " * 100)
    requests: list[str] = []
    player.on("request", lambda request: requests.append(request.method) if "uploads" in request.url else None)
    choose(player, text, large, song(tmp_path / "good.flac", 3, title="Good"))
    expect_outcome(
        player,
        "1 file was uploaded.",
        "“notes.txt”: This is not a kind of music file that can be played.",
        "“large.wav”: It is larger than the 2 MiB that are taken.",
    )
    assert requests == ["POST"], "what is known to be refused is not sent"
    player.route("**/api/library/uploads?*", lambda route: refuse(route, player, fake))
    choose(player, fake)
    expect_outcome(player, "“<b>fake.mp3”: This file is not audio of a kind that can be played. Choose another one.")


def refuse(route: Route, player: Page, file: Path) -> None:
    """The server's own refusal, with a status that the browser does not note as a fault of the page."""
    answer = player.request.post(route.request.url, data=file.read_bytes(), headers=route.request.headers)
    assert answer.status == 415
    route.fulfill(status=300, content_type="application/problem+json", body=answer.body())


def test_files_that_are_dropped_are_sent(player: Page, tmp_path: Path) -> None:
    data = list(song(tmp_path / "dropped.flac", 4, title="Dropped").read_bytes())
    marked = player.evaluate(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "dropped.flac"));
            const list = document.querySelector("#tracks");
            const fire = (type) => list.dispatchEvent(
                new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
            fire("dragenter");
            const taken = !fire("dragover");
            const marked = document.querySelector("#library").classList.contains("dropping");
            fire("drop");
            return taken && marked && !document.querySelector("#library").classList.contains("dropping");
        }""",
        data,
    )
    assert marked is True
    expect_outcome(player, "1 file was uploaded.")
    expect(player.locator(".track .title", has_text="Dropped")).to_be_visible()


def test_an_upload_shows_how_far_it_is_and_can_be_stopped(player: Page, folder: Path, tmp_path: Path) -> None:
    held: list[Route] = []
    player.route("**/api/library/uploads?*", lambda route: held.append(route))
    choose(player, song(tmp_path / "a.flac", 5), song(tmp_path / "b.flac", 6))
    expect(player.locator("#upload-text")).to_have_text("Uploading “a.flac”, 1 of 2")
    expect(player.locator("#upload-progress")).to_be_visible()
    player.locator("#upload-stop").click()
    expect_outcome(player, "2 files were not sent.")
    assert not (folder / "new" / "a.flac").exists()


def test_a_server_that_goes_is_told_in_a_sentence(player: Page, tmp_path: Path) -> None:
    player.evaluate("""() => {
        const send = XMLHttpRequest.prototype.send;
        XMLHttpRequest.prototype.send = function () { this.dispatchEvent(new ProgressEvent("error")); };
        globalThis.giveBack = () => { XMLHttpRequest.prototype.send = send; };
    }""")
    choose(player, song(tmp_path / "c.flac", 7))
    expect_outcome(player, "“c.flac”: The upload broke off. Check the connection and the file, then try again.")
    player.evaluate("() => giveBack()")


def test_only_the_first_few_refusals_are_spelled_out(modules: Run) -> None:
    text = modules(
        "const { outcomeText } = await load('views/uploads.js'); return outcomeText(given);",
        {"stored": 2, "known": 0, "unsent": 0, "problems": [f"{number}" for number in range(7)]},
    )
    assert text == "2 files were uploaded.\n0\n1\n2\n3\n4\n2 files were refused as well."
