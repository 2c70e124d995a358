"""Every list is read whole by its cursors, whatever is added, changed and taken away between two pages."""

import base64
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auralis_trio.errors import InvalidRequest
from auralis_trio.library import search as search_module
from auralis_trio.library.collections import (
    ALBUM_TRACK_SORTS,
    list_album_tracks,
    list_artist_albums,
    list_artist_tracks,
)
from auralis_trio.library.paging import (
    MAX_CURSOR_CHARS,
    Column,
    Order,
    Place,
    Window,
    order_by,
    read_cursor,
    write_cursor,
)
from auralis_trio.library.personal import (
    list_favorites,
    list_most_played,
    list_random,
    list_recently_added,
    list_recently_played,
)
from auralis_trio.library.playlist_entries import (
    IN_ORDER,
    add_entries,
    list_entries,
    move_entries,
    remove_entries,
)
from auralis_trio.library.playlists import (
    PLAYLIST_SORTS,
    PlaylistText,
    create_playlist,
    delete_playlist,
    list_playlists,
)
from auralis_trio.library.queries import (
    ALBUM_SORTS,
    ARTIST_SORTS,
    TRACK_SORTS,
    list_albums,
    list_artists,
    list_tracks,
)
from auralis_trio.library.records import Page, ProbedFile
from auralis_trio.library.smart import SmartRules, evaluate
from auralis_trio.library.store import Library

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]
Ask = Callable[[Library, Window], Page[Any]]

NOW_NS = 1_700_000_000_000_000_000
BOTH_WAYS = ("", "-")
SOME_SORTS = ("title", "artist", "last_played")


def sorts(names: Any) -> list[str]:
    return [way + name for name in names for way in BOTH_WAYS]


def tracks(sort: str | None, search: str | None = None) -> Ask:
    return lambda library, window: list_tracks(library, window.limit, window.offset, sort, search, window.cursor)


def sorted_by(ask: Callable[..., Page[Any]], sort: str, *ids: int) -> Ask:
    return lambda library, window: ask(library, *ids, window, sort)


def smart(sort: str, limit: int | None = None) -> Ask:
    rules = SmartRules({"field": "missing", "operator": "is", "value": False}, sort, limit)
    return lambda library, window: evaluate(library, rules, window, NOW_NS)


def albums(sort: str) -> Ask:
    return lambda library, window: list_albums(library, window.limit, window.offset, sort, cursor=window.cursor)


def artists(sort: str) -> Ask:
    return lambda library, window: list_artists(library, window.limit, window.offset, sort, cursor=window.cursor)


LISTS: dict[str, Ask] = {
    **{f"tracks by {sort}": tracks(sort) for sort in sorts(TRACK_SORTS)},
    **{f"a search by {sort}": tracks(sort, "ti") for sort in sorts(SOME_SORTS)},
    "a search by relevance": tracks(None, "ti"),
    **{f"albums by {sort}": albums(sort) for sort in sorts(ALBUM_SORTS)},
    **{f"artists by {sort}": artists(sort) for sort in sorts(ARTIST_SORTS)},
    **{f"an album by {sort}": sorted_by(list_album_tracks, sort, 1) for sort in sorts(ALBUM_TRACK_SORTS)},
    **{f"an artist's tracks by {sort}": sorted_by(list_artist_tracks, sort, 1) for sort in SOME_SORTS},
    **{f"an artist's albums by {sort}": sorted_by(list_artist_albums, sort, 1) for sort in sorts(ALBUM_SORTS)},
    **{f"favorites by {sort}": sorted_by(list_favorites, sort) for sort in SOME_SORTS},
    "recently added": list_recently_added,
    "recently played": list_recently_played,
    "most played": list_most_played,
    "random": lambda library, window: list_random(library, window, 7),
    **{f"rules by {sort}": smart(sort) for sort in SOME_SORTS},
    "rules by chance": smart("random"),
}

COUNTED = [
    LISTS[f"{what} by {way}{name}"]
    for what, name in (("artists", "tracks"), ("artists", "albums"), ("albums", "artist"))
    for way in BOTH_WAYS
]
"""Where another track may change what others are sorted by, and so give them another place."""

# An album keeps its year and its place when it gets another track: what it is sorted by does not change.
tags = st.builds(
    lambda title, title_sort, artist, album, numbers, frames: {
        "title": title,
        "title_sort": title_sort,
        "artist": artist,
        "artist_sort": "Aaa" if artist == "Björk" else None,
        "album": album[0],
        "album_sort": "Zzz" if album[0] == "Debut" else None,
        "year": album[1],
        "disc_number": numbers[0],
        "track_number": numbers[1],
        "total_frames": frames,
    },
    st.sampled_from(["title a", "title b", "title ü"]),
    st.sampled_from([None, None, "first", "xxx"]),
    st.sampled_from(["Nina", "Nina", "Björk", None]),
    st.sampled_from([("Live", 1990), ("Live", 1990), ("Debut", None), (None, 2000)]),
    st.tuples(st.sampled_from([None, 1, 2]), st.sampled_from([None, 1, 2, 9])),
    st.sampled_from([None, 44_100, 44_101]),
)
"""Few values, and so many ties and gaps in every order."""


def prepared(library: Library, fill: Fill, probed: Probed, made: Iterator[int], many: list[dict[str, Any]]) -> None:
    """Add tracks; the listener has an opinion of some."""
    numbers = [next(made) for _ in many]
    fill([probed(f"{at}", **values) for at, values in zip(numbers, many, strict=True)])
    with library.writing():
        library.db.execute(
            """UPDATE track SET favorite = TRUE, rating = CASE WHEN id % 3 = 0 THEN NULL ELSE id % 3 END,
            play_count = 1 + id % 2, last_played_ns = CASE WHEN id % 5 = 0 THEN NULL ELSE id % 4 END"""
        )


def read_on(ask: Ask, library: Library, limit: int, between: Callable[[], None] = lambda: None) -> list[Any]:
    """All items of a list, page by page, with something happening between the pages."""
    window = Window(limit)
    items: list[Any] = []
    while True:
        page = ask(library, window)
        assert page.offset == len(items)
        items += page.items
        if page.next_cursor is None:
            return items
        assert len(page.items) == limit
        assert len(items) < 1000
        window = Window(limit, cursor=page.next_cursor)
        between()


def id_of(item: Any) -> int:
    return int(item.entry_id if hasattr(item, "entry_id") else item.id)


@pytest.fixture
def first(library: Library, fill: Fill, probed: Probed) -> Iterator[int]:
    """An artist and an album with the id 1, for as long as the test goes; the numbers of further files."""
    fill([probed("0", title="title", artist="Nina", album="Live", year=1990)])
    return itertools.count(1)


@pytest.mark.parametrize("ask", LISTS.values(), ids=LISTS)
def test_cursors_lead_through_the_whole_list_and_through_all_that_was_there_while_others_are_added(
    library: Library, fill: Fill, probed: Probed, first: Iterator[int], ask: Ask
) -> None:
    @given(st.lists(tags, max_size=12), st.integers(1, 5), st.lists(st.lists(tags, max_size=3), max_size=4))
    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(many: list[dict[str, Any]], limit: int, later: list[list[dict[str, Any]]]) -> None:
        prepared(library, fill, probed, first, many)
        whole = ask(library, Window(500)).items
        assert read_on(ask, library, limit) == whole
        more = iter(later if ask not in COUNTED else [])
        met = read_on(ask, library, limit, lambda: fill([probed(f"{next(first)}", **one) for one in next(more, [])]))
        ids = [id_of(item) for item in met]
        assert len(set(ids)) == len(ids)
        there = {id_of(item) for item in whole}
        assert [one for one in ids if one in there] == [id_of(item) for item in whole]

    check()


@pytest.mark.parametrize("sort", sorts(TRACK_SORTS))
def test_what_goes_between_two_pages_takes_nothing_else_along(
    library: Library, fill: Fill, probed: Probed, first: Iterator[int], sort: str
) -> None:
    @given(st.lists(tags, min_size=4, max_size=14), st.integers(1, 3), st.data())
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(many: list[dict[str, Any]], limit: int, data: st.DataObject) -> None:
        prepared(library, fill, probed, first, many)
        whole = [track.id for track in list_tracks(library, 500, 0, sort).items]
        gone: set[int] = set()

        def drop() -> None:
            track_id = data.draw(st.sampled_from(whole))
            gone.add(track_id)
            with library.writing():
                for table, column in (("track_artist", "track_id"), ("track_genre", "track_id"), ("track", "id")):
                    library.db.execute(f"DELETE FROM {table} WHERE {column} = $track_id", {"track_id": track_id})

        met = [track.id for track in read_on(tracks(sort), library, limit, drop)]
        assert [one for one in met if one not in gone] == [one for one in whole if one not in gone]
        assert len(set(met)) == len(met)

    check()


@pytest.mark.parametrize("most", [0, 5_000], ids=["by_field", "ranked"])
def test_a_search_by_relevance_is_read_on_while_finds_are_added(
    library: Library, fill: Fill, probed: Probed, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_RANKED", most)
    fields = ("title", "artist", "album", "genre", "lyrics")
    fill([probed(f"{n}", **{fields[n % 5]: "moon", fields[n * 3 % 5]: "sun"}) for n in range(40)])
    whole = [track.id for track in list_tracks(library, 500, search="moon").items]
    more = itertools.count()

    def add() -> None:
        n = next(more)
        fill([probed(f"new {n}", **{fields[n % 5]: "moon"})])

    ids = [track.id for track in read_on(tracks(None, "moon"), library, 7, add)]
    assert len(set(ids)) == len(ids)
    if most:
        assert ids == whole
    else:
        assert [one for one in ids if one in set(whole)] == whole


def test_a_search_is_read_on_as_it_was_begun_when_its_finds_have_become_many(
    library: Library, fill: Fill, probed: Probed, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill([probed(f"moon {n}") for n in range(20)])
    whole = [track.id for track in list_tracks(library, 500, search="moon").items]

    def many() -> None:
        monkeypatch.setattr(search_module, "MAX_RANKED", 5)

    assert [track.id for track in read_on(tracks(None, "moon"), library, 6, many)] == whole


@pytest.mark.parametrize("sort", sorts(PLAYLIST_SORTS))
def test_playlists_are_read_on_while_others_are_made_and_deleted(library: Library, sort: str) -> None:
    made = [create_playlist(library, PlaylistText(name=f"list {n % 4}")) for n in range(15)]
    whole = [one.id for one in list_playlists(library, Window(500), sort).items]

    def change() -> None:
        create_playlist(library, PlaylistText(name="list 2"))
        if made:
            delete_playlist(library, made.pop())

    met = [one.id for one in read_on(sorted_by(list_playlists, sort), library, 2, change)]
    assert [one for one in met if one in made] == [one for one in whole if one in made]
    assert len(set(met)) == len(met)


@pytest.mark.parametrize("sort", [IN_ORDER, *sorts(TRACK_SORTS)])
def test_a_playlist_is_read_on_while_entries_are_put_in_in_front(
    library: Library, fill: Fill, probed: Probed, sort: str
) -> None:
    fill([probed(f"{n}", title=f"title {n % 3}") for n in range(10)])
    ids = [track.id for track in list_tracks(library, 500).items]
    playlist_id = create_playlist(library, PlaylistText(name="list"), ids + ids[:3])
    ask = sorted_by(list_entries, sort, playlist_id)
    whole = [id_of(entry) for entry in ask(library, Window(500)).items]

    def put_in() -> None:
        add_entries(library, playlist_id, ids[:2], 0)

    met = [id_of(entry) for entry in read_on(ask, library, 3, put_in)]
    assert [one for one in met if one in whole] == whole
    assert len(set(met)) == len(met)


def test_a_playlist_is_read_on_where_its_last_entry_stands_now_or_stood(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed(f"{n}") for n in range(6)])
    ids = [track.id for track in list_tracks(library, 500).items]
    playlist_id = create_playlist(library, PlaylistText(name="list"), ids)
    whole = [id_of(entry) for entry in list_entries(library, playlist_id, Window(500)).items]
    behind = list_entries(library, playlist_id, Window(3)).next_cursor
    move_entries(library, playlist_id, [whole[2]], 4)
    assert [id_of(entry) for entry in list_entries(library, playlist_id, Window(3, cursor=behind)).items] == whole[5:]
    move_entries(library, playlist_id, [whole[2]], 2)
    remove_entries(library, playlist_id, [whole[2]])
    assert [id_of(entry) for entry in list_entries(library, playlist_id, Window(3, cursor=behind)).items] == whole[3:]


def test_rules_with_a_limit_end_there_on_whatever_page(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed(f"{n:02}") for n in range(12)])
    for limit, page in itertools.product((1, 6, 7, 12, 13), (1, 3, 6, 12)):
        ask = smart("title", limit)
        assert len(read_on(ask, library, page)) == ask(library, Window()).total == min(limit, 12)


def test_a_cursor_goes_on_behind_an_offset(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed(f"{n:02}") for n in range(10)])
    page = list_tracks(library, 3, 4)
    on = list_tracks(library, 3, cursor=page.next_cursor)
    assert ([track.title for track in on.items], on.offset) == (["07", "08", "09"], 7)
    assert on.next_cursor is None


def forged(order: Order, *values: Any, given: Any = 1) -> str:
    written = msgspec.msgpack.decode(
        base64.urlsafe_b64decode(write_cursor(order, "tracks", Place(1, values)) + "==="), type=list[Any]
    )
    written[1] = given
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(written)).rstrip(b"=").decode()


BY_TITLE, BY_YEAR, BY_LENGTH = (order_by(TRACK_SORTS, name, "track.id") for name in ("title", "-year", "duration"))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        "AAAA",
        "ä",
        "x" * (MAX_CURSOR_CHARS + 1),
        forged(BY_YEAR, 1990, 1),
        forged(BY_TITLE, 1, 1),
        forged(BY_TITLE, "a", "1"),
        forged(BY_TITLE, "a", True),
        forged(BY_TITLE, "a", None),
        forged(BY_TITLE, None, 1),
        forged(BY_TITLE, "a"),
        forged(BY_TITLE, "a", 1, 1),
        forged(BY_TITLE, "a\0", 1),
        forged(BY_TITLE, "a", 2**63),
        forged(BY_TITLE, "a", 1, given=-1),
        forged(BY_TITLE, "a", 1, given=2**40),
        forged(BY_TITLE, "a", 1, given="1"),
    ],
    ids=range(18),
)
def test_a_cursor_that_does_not_fit_the_list_is_refused(library: Library, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        list_tracks(library, cursor=cursor)
    assert refused.value.code == "invalid_cursor"


@pytest.mark.parametrize("values", [(float("inf"), 1), (float("nan"), 1), (1, 1)], ids=str)
def test_a_cursor_of_numbers_that_no_track_has_is_refused(library: Library, values: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidRequest):
        list_tracks(library, sort="duration", cursor=forged(BY_LENGTH, *values))


@pytest.mark.parametrize("values", [(6, 1), (-1, 1), (None, 1)], ids=str)
def test_a_cursor_of_a_search_that_was_not_given_is_refused(library: Library, values: tuple[Any, ...]) -> None:
    cursor = write_cursor(search_module._ORDER, "search moon", Place(1, values))
    with pytest.raises(InvalidRequest):
        list_tracks(library, search="moon", cursor=cursor)


def test_a_cursor_belongs_to_one_list_and_one_order(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed(f"title {n}", artist="Nina", album="Live", year=1990) for n in range(3)])
    with library.writing():
        library.db.execute("UPDATE track SET favorite = TRUE, play_count = 1, last_played_ns = 1")
    for ask, ask_other in itertools.combinations(list(LISTS.values())[::5], 2):
        cursor = ask(library, Window(1)).next_cursor
        if cursor is not None:
            with pytest.raises(InvalidRequest, match="cursor"):
                ask_other(library, Window(1, cursor=cursor))


def test_a_cursor_and_an_offset_exclude_each_other() -> None:
    with pytest.raises(InvalidRequest):
        Window(1, 1, "a")


@given(
    st.text().filter(lambda text: "\0" not in text),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 1_000_000_000),
    st.text(),
)
def test_a_cursor_is_read_as_it_was_written(
    text: str, number: int | None, real: float | None, given_before: int, about: str
) -> None:
    columns = (Column("a", str), Column("b", int, nullable=True), Column("c", float, nullable=True))
    order = order_by({"sort": columns}, "-sort", "id")
    place = Place(given_before, (text, number, real, 5))
    cursor = write_cursor(order, about, place)
    assert cursor.isascii()
    assert read_cursor(order, about, cursor) == place
