from collections.abc import Callable
from typing import Any

import pytest

from auralis_trio.errors import InvalidRequest, NotFound
from auralis_trio.library.collections import (
    ALBUM_TRACK_SORTS,
    get_album,
    get_artist,
    list_album_tracks,
    list_artist_albums,
    list_artist_tracks,
)
from auralis_trio.library.paging import Window
from auralis_trio.library.queries import ALBUM_SORTS, TRACK_SORTS, list_albums, list_artists
from auralis_trio.library.records import Page, ProbedFile
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from tests.library.test_queries import pages, statements

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


@pytest.fixture
def live(library: Library, fill: Fill, probed: Probed) -> int:
    """An album of two discs whose tracks came in disorder, with a guest, beside another album of the guest."""
    values = {"album": "Live", "album_artist": "Nina", "year": 1968}
    fill(
        [
            probed("d.wav", artist="Guest", disc_number=2, track_number=1, genre="Soul", **values),
            probed("a.wav", artist="Nina", disc_number=1, track_number=2, genre="Jazz", **values),
            probed("c.wav", artist="Nina", disc_number=1, track_number=1, genre="Jazz", **values),
            probed("x.wav", artist="Nina", **values),
            probed("own.wav", artist="Guest", album="Own", album_artist="Guest", year=1970),
            probed("single.wav", artist="Guest", total_frames=None),
        ]
    )
    return next(album.id for album in list_albums(library).items if album.title == "Live")


def artist_named(library: Library, name: str) -> int:
    return next(artist.id for artist in list_artists(library).items if artist.name == name)


def test_an_album_is_told_with_the_genres_and_discs_of_its_tracks(library: Library, live: int) -> None:
    mark_missing(library, [1])
    album = get_album(library, live)
    assert (album.title, album.artist, album.artist_id) == ("Live", "Nina", artist_named(library, "Nina"))
    assert (album.tracks, album.missing, album.discs, album.year) == (4, 1, 2, 1968)
    assert (album.duration_s, album.size_bytes) == (4.0, 4000)
    assert (album.genres, album.artwork) == (["Jazz", "Soul"], None)


def test_an_albums_tracks_come_by_disc_and_number_with_the_unknown_last(library: Library, live: int) -> None:
    page = list_album_tracks(library, live, Window())
    assert [track.title for track in page.items] == ["c.wav", "a.wav", "d.wav", "x.wav"]
    assert page.total == 4


def test_an_artist_is_told_with_what_is_theirs(library: Library, live: int) -> None:
    guest = get_artist(library, artist_named(library, "Guest"))
    assert (guest.name, guest.albums, guest.tracks) == ("Guest", 2, 3)
    assert (guest.duration_s, guest.first_year, guest.last_year, guest.artwork) == (None, 1968, 1970, None)
    nina = get_artist(library, artist_named(library, "Nina"))
    assert (nina.albums, nina.duration_s) == (1, float(nina.tracks))
    assert (guest.genres, nina.genres) == (["Soul"], ["Jazz"])


def test_an_artists_albums_are_those_with_a_track_of_theirs_the_newest_first(library: Library, live: int) -> None:
    page = list_artist_albums(library, artist_named(library, "Guest"), Window())
    assert [album.title for album in page.items] == ["Own", "Live"]
    assert page.items == sorted(list_albums(library).items, key=lambda album: -(album.year or 0))
    assert page.total == 2


def test_an_artists_tracks_are_those_on_others_albums_too(library: Library, live: int) -> None:
    page = list_artist_tracks(library, artist_named(library, "Guest"), Window(), "title")
    assert [track.title for track in page.items] == ["d.wav", "own.wav", "single.wav"]


LISTS: list[tuple[Callable[..., Page[Any]], str, list[str]]] = [
    (list_album_tracks, "album", list(ALBUM_TRACK_SORTS)),
    (list_artist_tracks, "artist", list(TRACK_SORTS)),
    (list_artist_albums, "artist", list(ALBUM_SORTS)),
]


@pytest.mark.parametrize(("ask", "kind", "sorts"), LISTS, ids=lambda value: getattr(value, "__name__", ""))
def test_pages_put_together_are_the_whole_in_every_order(
    library: Library, live: int, ask: Callable[..., Page[Any]], kind: str, sorts: list[str]
) -> None:
    owner_id = live if kind == "album" else artist_named(library, "Guest")
    for sort in [way + name for name in sorts for way in ("", "-")]:
        whole = ask(library, owner_id, Window(500), sort)
        together = list(
            pages(lambda limit, offset, sort=sort: ask(library, owner_id, Window(limit, offset), sort), 2)  # type: ignore[misc]
        )
        assert together == whole.items
        assert len({item.id for item in together}) == whole.total > 1
    with pytest.raises(InvalidRequest):
        ask(library, owner_id, Window(), "path")


@pytest.mark.parametrize("owner_id", [-1, 0, 999, 2**31, 2**99])
def test_what_is_not_there_is_not_found(library: Library, live: int, owner_id: int) -> None:
    questions: list[tuple[str, Callable[[], object]]] = [
        ("album", lambda: get_album(library, owner_id)),
        ("artist", lambda: get_artist(library, owner_id)),
        *((kind, lambda ask=ask: ask(library, owner_id, Window())) for ask, kind, _ in LISTS),
    ]
    for kind, ask in questions:
        with pytest.raises(NotFound) as missing:
            ask()
        assert missing.value.code == f"{kind}_not_found"


def test_every_question_takes_as_many_statements_for_one_item_as_for_many(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one.wav", artist="Few", album="Few", album_artist="Few")])
    fill([probed(f"{n}.wav", artist="Many", album=f"Many {n % 9}", album_artist="Many") for n in range(60)])
    albums = {album.title: album.id for album in list_albums(library).items}
    few, many = artist_named(library, "Few"), artist_named(library, "Many")

    def asked(ask: Callable[[], object]) -> int:
        return statements(library, ask)

    assert asked(lambda: get_album(library, albums["Few"])) == asked(lambda: get_album(library, albums["Many 1"]))
    assert asked(lambda: get_artist(library, few)) == asked(lambda: get_artist(library, many))
    for ask, kind, _ in LISTS:
        one, other = (albums["Few"], albums["Many 1"]) if kind == "album" else (few, many)
        assert asked(lambda ask=ask, one=one: ask(library, one, Window(1))) == asked(  # type: ignore[misc]
            lambda ask=ask, other=other: ask(library, other, Window(500))  # type: ignore[misc]
        )


def test_an_album_is_written_as_most_of_its_tracks_have_it(library: Library, fill: Fill, probed: Probed) -> None:
    def named(name: str, album: str, artist: str, size: int = 1000) -> ProbedFile:
        return probed(name, album=album, album_artist=artist, album_artists=(artist,), size=size)

    fill([named("1", "live", "nina simone"), named("2", "live", "nina simone")])
    [before] = list_albums(library).items
    assert (before.title, before.artist) == ("live", "nina simone")
    fill([named("1", "Live", "Nina Simone", 1001)])
    [after] = list_albums(library).items
    assert (after.id, after.tracks) == (before.id, 2)
    fill([named("2", "Live", "Nina Simone", 1001)])
    [after] = list_albums(library).items
    assert (after.id, after.title, after.artist) == (before.id, "Live", "Nina Simone")
    assert get_album(library, after.id).artist == "Nina Simone"
