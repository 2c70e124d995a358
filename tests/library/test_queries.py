from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from auralis_trio.errors import InvalidRequest, NotFound
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.facets import facets
from auralis_trio.library.folders import add_folder, list_folders
from auralis_trio.library.mastering_store import keep_failure
from auralis_trio.library.paging import MAX_LIMIT, MAX_OFFSET
from auralis_trio.library.personal import record_heard, set_favorite
from auralis_trio.library.playlists import PlaylistText, create_playlist
from auralis_trio.library.queries import (
    ALBUM_SORTS,
    ARTIST_SORTS,
    TRACK_SORTS,
    get_track,
    get_track_file,
    list_albums,
    list_artists,
    list_tracks,
    set_total_frames,
)
from auralis_trio.library.query_language import MAX_SEARCH_CHARS
from auralis_trio.library.records import Page, ProbedFile, Statistics
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from auralis_trio.library.totals import statistics

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]

BOTH_WAYS = ("", "-")


@pytest.fixture
def collection(fill: Fill, probed: Probed) -> None:
    """Forty tracks with ties and gaps in everything that can be sorted by."""
    fill(
        [
            probed(
                f"{number:02}.wav",
                title=f"Title {number % 7}",
                artist=None if number % 5 == 0 else f"Artist {number % 4}",
                album=None if number % 3 == 0 else f"Album {number % 7}",
                album_artist=None if number % 2 else "Various",
                track_number=number % 8 or None,
                year=1990 + number % 5 if number % 4 else None,
                total_frames=None if number % 9 == 0 else 44_100 * (number % 6),
            )
            for number in range(40)
        ]
    )


def pages(ask: Callable[[int, int], Page[Any]], limit: int) -> Iterator[Any]:
    offset, total = 0, 1
    while offset < total:
        page = ask(limit, offset)
        yield from page.items
        offset, total = offset + limit, page.total


def statements(library: Library, ask: Callable[[], object]) -> int:
    """How many statements a question sends to the database."""
    library.db.merge_local_stats()
    before = library.db.global_stats[None].db_count
    ask()
    library.db.merge_local_stats()
    return int(library.db.global_stats[None].db_count - before)


@pytest.mark.usefixtures("collection")
@pytest.mark.parametrize("sort", [way + name for name in TRACK_SORTS for way in BOTH_WAYS])
def test_pages_of_tracks_put_together_are_the_whole_set_in_every_order(library: Library, sort: str) -> None:
    together = list(pages(lambda limit, offset: list_tracks(library, limit, offset, sort), 7))
    assert together == list_tracks(library, 500, 0, sort).items
    assert len({track.id for track in together}) == len(together) == 40


@pytest.mark.usefixtures("collection")
@pytest.mark.parametrize("sort", [way + name for name in ALBUM_SORTS for way in BOTH_WAYS])
def test_pages_of_albums_put_together_are_the_whole_set_in_every_order(library: Library, sort: str) -> None:
    together = list(pages(lambda limit, offset: list_albums(library, limit, offset, sort), 3))
    assert together == list_albums(library, 500, 0, sort).items
    assert len({album.id for album in together}) == len(together) == 14


@pytest.mark.usefixtures("collection")
@pytest.mark.parametrize("sort", [way + name for name in ARTIST_SORTS for way in BOTH_WAYS])
def test_pages_of_artists_put_together_are_the_whole_set_in_every_order(library: Library, sort: str) -> None:
    together = list(pages(lambda limit, offset: list_artists(library, limit, offset, sort), 2))
    assert together == list_artists(library, 500, 0, sort).items
    assert [artist.name for artist in list_artists(library).items] == [*(f"Artist {n}" for n in range(4)), "Various"]


@pytest.mark.usefixtures("collection")
@pytest.mark.parametrize(
    ("sort", "field"),
    [("title", "title"), ("artist", "artist"), ("album", "album"), ("year", "year"), ("added", "added_ns")],
)
@pytest.mark.parametrize("way", BOTH_WAYS)
def test_tracks_are_sorted_by_the_field_that_was_named_and_unknown_ones_come_last(
    library: Library, sort: str, field: str, way: str
) -> None:
    values = [getattr(track, field) for track in list_tracks(library, 500, 0, way + sort).items]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=way == "-")
    assert values[: len(known)] == known


@pytest.mark.usefixtures("collection")
def test_tracks_of_one_artist_come_album_by_album_in_the_order_of_their_numbers(library: Library) -> None:
    tracks = [track for track in list_tracks(library, 500, 0, "-artist").items if track.artist == "Artist 2"]
    known = [(track.album, track.track_number) for track in tracks if track.album and track.track_number]
    assert known == sorted(known)


def test_sorting_goes_by_letters_and_not_by_case_or_accents(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed(name) for name in ("b", "Á", "C", "a2", "É")])
    assert [track.title for track in list_tracks(library).items] == ["Á", "a2", "b", "C", "É"]


@pytest.mark.usefixtures("collection")
@pytest.mark.parametrize("direction", BOTH_WAYS)
@pytest.mark.parametrize("sort", TRACK_SORTS)
def test_no_track_is_left_out_of_pages_while_others_are_added(
    library: Library, fill: Fill, probed: Probed, sort: str, direction: str
) -> None:
    there = {track.id for track in list_tracks(library, 500).items}
    seen: list[int] = []
    for page in range(20):
        items = list_tracks(library, 7, 7 * page, direction + sort).items
        seen += [track.id for track in items]
        fill([probed(f"new {page}", title=f"Title {page % 7}", artist="Artist 1", album="Album 3", year=1992)])
        if not items:
            break
    assert there <= set(seen)
    assert [one for one in dict.fromkeys(seen) if one in there] == [
        track.id for track in list_tracks(library, 500, 0, direction + sort).items if track.id in there
    ]


@pytest.mark.usefixtures("collection")
def test_a_page_says_how_many_there_are_in_all(library: Library) -> None:
    page = list_tracks(library, limit=5, offset=38, search="title")
    assert (len(page.items), page.total, page.limit, page.offset) == (2, 40, 5, 38)
    assert list_tracks(library, offset=MAX_OFFSET).items == []


@pytest.mark.parametrize("ask", [list_tracks, list_albums, list_artists])
@pytest.mark.parametrize(
    "values",
    [
        {"limit": 0},
        {"limit": MAX_LIMIT + 1},
        {"offset": -1},
        {"offset": MAX_OFFSET + 1},
        {"sort": "path"},
        {"sort": "--title"},
        {"sort": ""},
        {"sort": "title; DROP TABLE track"},
    ],
    ids=str,
)
def test_a_page_out_of_range_or_an_order_that_is_not_on_the_list_is_refused(
    library: Library, ask: Callable[..., Page[Any]], values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        ask(library, **values)


def test_limits_and_searches_are_taken_up_to_their_bounds(library: Library) -> None:
    assert list_tracks(library, limit=MAX_LIMIT, search="x" * MAX_SEARCH_CHARS).items == []
    with pytest.raises(InvalidRequest):
        list_tracks(library, search="x" * (MAX_SEARCH_CHARS + 1))


@pytest.mark.parametrize("track_id", [-1, 0, 2, 2**31, 2**63 - 1, 2**63, 2**200])
def test_a_track_that_is_not_there_is_not_found_by_any_number(
    library: Library, fill: Fill, probed: Probed, track_id: int
) -> None:
    fill([probed("one")])
    questions: list[Callable[[], object]] = [
        lambda: get_track(library, track_id),
        lambda: get_track_file(library, track_id),
        lambda: set_total_frames(library, track_id, 1),
    ]
    for question in questions:
        with pytest.raises(NotFound) as missing:
            question()
        assert missing.value.code == "track_not_found"


def test_one_track_is_told_as_in_the_list(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", artist="Nina", album="Live")])
    [track] = list_tracks(library).items
    assert get_track(library, track.id) == track


def test_counted_frames_give_a_track_its_length(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", total_frames=None)])
    [track] = list_tracks(library).items
    set_total_frames(library, track.id, 22_050, "content of one")
    assert get_track(library, track.id).total_frames is None
    set_total_frames(library, track.id, 22_050, get_track_file(library, track.id).file_origin)
    assert (get_track(library, track.id).total_frames, get_track(library, track.id).duration_s) == (22_050, 0.5)


def test_an_album_with_a_track_of_unknown_length_has_none(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", album="Live"), probed("two", album="Live", total_frames=None)])
    [album] = list_albums(library).items
    assert (album.tracks, album.duration_s) == (2, None)


def test_albums_and_artists_in_lists_have_the_revision_of_their_picture(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one", artist="Nina", album="Live"), probed("two", artist="Björk", album="Debut")])
    with library.writing():
        for kind, key in (("album", "live"), ("artist", "bjork")):
            name = "title_key" if kind == "album" else "name_key"
            library.db.execute(
                f"INSERT INTO {kind}_artwork ({kind}_id, source, revision, seen, set_ns)"
                f" SELECT id, 'set', 'abc', '', 1 FROM {kind} WHERE {name} = $key",
                {"key": key},
            )
    assert {album.title: album.artwork for album in list_albums(library).items} == {"Live": "abc", "Debut": None}
    assert {one.name: one.artwork for one in list_artists(library).items} == {"Nina": None, "Björk": "abc"}


def test_an_artist_has_the_albums_that_are_theirs_and_those_with_a_track_of_theirs(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill(
        [
            probed("a/one", artist="Guest", album="Live", album_artist="Nina"),
            probed("b/two", artist="Guest", album="X"),
        ]
    )
    counts = {artist.name: (artist.albums, artist.tracks) for artist in list_artists(library).items}
    assert counts == {"Guest": (2, 2), "Nina": (1, 0)}


def test_totals_of_an_empty_library_are_zero_and_its_length_is_not_known(library: Library) -> None:
    assert msgspec.structs.asdict(statistics(library)) == {
        **dict.fromkeys(Statistics.__struct_fields__, 0),
        "folders": 1,
        "duration_s": None,
    }


def test_totals_count_everything_once(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", artist="Nina", album="Live", genre="Jazz", genres=("Jazz", "Soul"))])
    fill([probed("two", artist="Nina", total_frames=None), probed("three", artist="Nina")])
    one, three, two = (track.id for track in list_tracks(library).items)
    mark_missing(library, [one])
    set_favorite(library, two, True)
    for heard_s in (0.4, 0.4, 0.1):
        record_heard(library, three, heard_s, 0.5)
    create_playlist(library, PlaylistText(name="list"))
    keep_failure(library, "content of one", "track_corrupt", 1)
    with library.writing() as entities:
        entities.AnalysisRow(content_id="content of two", version=1, profile="{}", analysed_ns=1)
    assert statistics(library) == Statistics(
        tracks=3,
        missing=1,
        albums=1,
        artists=1,
        genres=2,
        folders=1,
        playlists=1,
        favorites=1,
        plays=2,
        skips=1,
        analysed=1,
        duration_s=2.0,
        unknown_durations=1,
        size_bytes=3000,
    )


def test_a_folder_is_known_once_and_by_its_name_alone(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one")])
    again = add_folder(library, "/music", 99)
    assert list_folders(library) == [again]
    assert (again.name, again.tracks, again.added_ns) == ("music", 1, 1)


@pytest.mark.parametrize(
    "ask",
    [
        lambda library: list_tracks(library, 500, search="title"),
        lambda library: list_albums(library, 500),
        lambda library: list_artists(library, 500),
        lambda library: get_track(library, 1),
        lambda library: get_track_file(library, 1),
        statistics,
        list_folders,
        facets,
    ],
    ids=["tracks", "albums", "artists", "track", "track_file", "statistics", "folders", "facets"],
)
def test_a_view_takes_the_same_number_of_statements_however_much_there_is(
    library: Library, fill: Fill, probed: Probed, ask: Callable[[Library], object]
) -> None:
    fill([probed("title", artist="Nina", album="Live")])
    with_one = statements(library, lambda: ask(library))
    fill([probed(f"{n}", title=f"title {n}", artist=f"Artist {n}", album=f"Album {n}") for n in range(100)])
    assert statements(library, lambda: ask(library)) == with_one <= 6


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("artist", ["Alone", "Late", "Early", "Mixed"]),
        ("-artist", ["Early", "Alone", "Late", "Mixed"]),
        ("added", ["Early", "Mixed", "Alone", "Late"]),
        ("plays", ["Early", "Mixed", "Alone", "Late"]),
        ("-plays", ["Late", "Alone", "Early", "Mixed"]),
    ],
)
def test_albums_are_sorted_by_their_artist_by_when_they_came_and_by_plays(
    library: Library, probed: Probed, sort: str, expected: list[str]
) -> None:
    first = [probed("1", album="Early", album_artist="Zed"), probed("d/2", album="Mixed", artist="Nina")]
    later = [
        probed("d/3", album="Mixed", artist="Bob"),
        probed("4", album="Alone", album_artist="Nina", album_artist_sort="Aaa"),
        probed("5", album="Late", album_artist="Nina"),
    ]
    apply_batch(library, first, 5000)
    apply_batch(library, later[:2], 6000)
    apply_batch(library, later[2:], 7000)
    with library.writing():
        library.db.execute("UPDATE track SET play_count = id - 3 WHERE id > 3")
    albums = list_albums(library, sort=sort).items
    assert [album.title for album in albums] == expected
    told = {album.title: (album.added_ns, album.play_count) for album in albums}
    assert told == {"Early": (5000, 0), "Mixed": (5000, 0), "Alone": (6000, 1), "Late": (7000, 2)}


def test_artists_are_sorted_by_how_much_there_is_of_them_and_by_when_they_came(
    library: Library, probed: Probed
) -> None:
    apply_batch(library, [probed("1", artist="Zed", album="One"), probed("2", artist="Zed", album="One")], 5000)
    apply_batch(library, [probed("3", artist="Nina", album="Two"), probed("4", artist="Nina", album="Three")], 6000)
    apply_batch(library, [probed("5", artist="Bob"), probed("6", artist="Nina", album="Two")], 7000)

    def names(sort: str) -> list[str]:
        return [artist.name for artist in list_artists(library, sort=sort).items]

    assert (names("tracks"), names("-tracks")) == (["Bob", "Zed", "Nina"], ["Nina", "Zed", "Bob"])
    assert (names("albums"), names("-albums")) == (["Bob", "Zed", "Nina"], ["Nina", "Zed", "Bob"])
    assert (names("added"), names("-added")) == (["Zed", "Nina", "Bob"], ["Bob", "Nina", "Zed"])


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("nina", ["Nina Simone"]),
        ("SIMO", ["Nina Simone"]),
        ('artist:"nina simone"', ["Nina Simone"]),
        ("björk", ["Björk"]),
        ("dc", ["AC/DC"]),
        ("-nina", ["AC/DC", "Björk"]),
        ("genre:rock", ["AC/DC", "Nina Simone"]),
        ("genre:rock year:1960-1969", ["Nina Simone"]),
        ("genre:rock -nina", ["AC/DC"]),
        ("title:nina", []),
        ("100%", []),
        (" ", ["AC/DC", "Björk", "Nina Simone"]),
    ],
)
def test_an_artist_is_found_by_name_and_by_what_the_tracks_are(
    library: Library, fill: Fill, probed: Probed, search: str, found: list[str]
) -> None:
    fill(
        [
            probed("1", artist="Nina Simone", genre="Rock", year=1964),
            probed("2", artist="AC/DC", genre="Rock", year=1980),
            probed("3", artist="Björk", title="Rock"),
        ]
    )
    page = list_artists(library, search=search)
    assert ([artist.name for artist in page.items], page.total) == (found, len(found))
    with pytest.raises(InvalidRequest):
        list_artists(library, search="colour:red")
