from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from auralis_trio.errors import InvalidRequest, NotFound
from auralis_trio.library.paging import Window
from auralis_trio.library.personal import (
    MAX_RATING,
    is_play,
    list_favorites,
    list_most_played,
    list_random,
    list_recently_added,
    list_recently_played,
    record_heard,
    set_favorite,
    set_rating,
)
from auralis_trio.library.queries import TRACK_SORTS, get_track, list_tracks
from auralis_trio.library.records import Page, ProbedFile, TrackRecord
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from auralis_trio.library.track_lists import MAX_SEED
from tests.library.test_queries import pages, statements

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]

LISTS: list[Callable[..., Page[TrackRecord]]] = [
    list_favorites,
    list_recently_added,
    list_recently_played,
    list_most_played,
]


@pytest.fixture
def track_ids(library: Library, fill: Fill, probed: Probed) -> list[int]:
    fill([probed(f"{number:02}.wav", title=f"Title {number % 5}") for number in range(20)])
    return sorted(track.id for track in list_tracks(library).items)


def test_a_track_is_a_favourite_until_it_is_no_more(library: Library, track_ids: list[int]) -> None:
    set_favorite(library, track_ids[3], True)
    set_favorite(library, track_ids[3], True)
    assert [track.id for track in list_favorites(library, Window()).items] == [track_ids[3]]
    assert get_track(library, track_ids[3]).favorite is True
    set_favorite(library, track_ids[3], False)
    assert list_favorites(library, Window()).items == []


@pytest.mark.parametrize("rating", [0, MAX_RATING, None])
def test_a_rating_is_kept_and_can_be_taken_back(library: Library, track_ids: list[int], rating: int | None) -> None:
    set_rating(library, track_ids[0], 3)
    set_rating(library, track_ids[0], rating)
    assert get_track(library, track_ids[0]).rating == rating


@pytest.mark.parametrize("rating", [-1, MAX_RATING + 1])
def test_a_rating_out_of_range_changes_nothing(library: Library, track_ids: list[int], rating: int) -> None:
    with pytest.raises(InvalidRequest):
        set_rating(library, track_ids[0], rating)
    assert get_track(library, track_ids[0]).rating is None


@pytest.mark.parametrize("track_id", [-1, 0, 999, 2**31, 2**200])
def test_what_is_said_of_an_unknown_track_is_refused(library: Library, track_ids: list[int], track_id: int) -> None:
    changes: list[Callable[[], object]] = [
        lambda: set_favorite(library, track_id, True),
        lambda: set_rating(library, track_id, 1),
        lambda: record_heard(library, track_id, 200.0, 200.0),
        lambda: record_heard(library, track_id, 0.0, 200.0),
    ]
    for change in changes:
        with pytest.raises(NotFound) as missing:
            change()
        assert missing.value.code == "track_not_found"


@pytest.mark.parametrize(
    ("heard_s", "duration_s", "played"),
    [
        (100.0, 200.0, True),
        (99.9, 200.0, False),
        (240.0, 3600.0, True),
        (239.9, 3600.0, False),
        (240.0, None, True),
        (239.0, None, False),
        (0.0, 0.0, False),
        (0.0, 200.0, False),
        (0.5, 1.0, True),
    ],
)
def test_half_a_track_or_four_minutes_make_a_play(heard_s: float, duration_s: float | None, played: bool) -> None:
    assert is_play(heard_s, duration_s) is played


def test_plays_and_skips_are_counted_from_what_was_heard(library: Library, track_ids: list[int]) -> None:
    one = track_ids[0]
    assert record_heard(library, one, 150.0, 200.0, now_ns=77) is True
    assert record_heard(library, one, 10.0, 200.0, now_ns=88) is False
    assert record_heard(library, one, 0.0, 200.0, now_ns=99) is False
    track = get_track(library, one)
    assert (track.play_count, track.skip_count, track.last_played_ns) == (1, 1, 77)


def test_plays_that_are_counted_at_the_same_time_are_all_counted(library: Library, track_ids: list[int]) -> None:
    def play() -> None:
        for _ in range(10):
            record_heard(library, track_ids[0], 100.0, 100.0)
        library.db.disconnect()

    threads = [Thread(target=play) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert get_track(library, track_ids[0]).play_count == 40


def test_what_a_listener_thinks_outlives_a_scan_of_the_file(
    library: Library, fill: Fill, probed: Probed, track_ids: list[int]
) -> None:
    [track] = [track for track in list_tracks(library).items if track.id == track_ids[4]]
    set_favorite(library, track.id, True)
    set_rating(library, track.id, 5)
    record_heard(library, track.id, 100.0, 100.0)
    fill([probed("04.wav", title="Another title", mtime_ns=9999)])
    again = get_track(library, track.id)
    assert (again.title, again.favorite, again.rating, again.play_count) == ("Another title", True, 5, 1)


def test_the_lists_of_what_was_played_are_in_the_order_of_time_and_of_number(
    library: Library, track_ids: list[int]
) -> None:
    for count, track_id in enumerate(track_ids[:4], 1):
        for _ in range(count):
            record_heard(library, track_id, 100.0, 100.0, now_ns=100 - count)
    assert [t.id for t in list_most_played(library, Window()).items] == track_ids[3::-1]
    assert [t.id for t in list_recently_played(library, Window()).items] == track_ids[:4]


def test_pages_of_every_list_put_together_are_the_whole_in_every_order(
    library: Library, track_ids: list[int]
) -> None:
    for number, track_id in enumerate(track_ids):
        set_favorite(library, track_id, True)
        set_rating(library, track_id, number % 3 or None)
        for _ in range(number % 3 + 1):
            record_heard(library, track_id, 100.0, 100.0, now_ns=number % 4)
    for ask in LISTS:
        for sort in [way + name for name in TRACK_SORTS for way in ("", "-")]:
            together = list(
                pages(lambda limit, offset, ask=ask, sort=sort: ask(library, Window(limit, offset), sort), 7)  # type: ignore[misc]
            )
            assert together == ask(library, Window(500), sort).items
            assert {track.id for track in together} == set(track_ids)


@pytest.mark.parametrize("seed", [0, 1, 7, MAX_SEED])
def test_a_random_order_is_whole_and_the_same_for_its_seed(
    library: Library, track_ids: list[int], seed: int, fill: Fill, probed: Probed
) -> None:
    together = [
        track.id for track in pages(lambda limit, offset: list_random(library, Window(limit, offset), seed), 3)
    ]
    assert sorted(together) == track_ids
    assert together != track_ids
    fill([probed("new.wav")])
    later = [track.id for track in list_random(library, Window(500), seed).items]
    assert [track_id for track_id in later if track_id in track_ids] == together


def test_two_seeds_give_two_orders(library: Library, track_ids: list[int]) -> None:
    orders = {tuple(track.id for track in list_random(library, Window(500), seed).items) for seed in range(10)}
    assert len(orders) == 10


def test_a_random_choice_leaves_out_what_is_missing(library: Library, track_ids: list[int]) -> None:
    mark_missing(library, track_ids[:5])
    assert {track.id for track in list_random(library, Window(500), 1).items} == set(track_ids[5:])


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_a_seed_out_of_range_is_refused(library: Library, seed: int) -> None:
    with pytest.raises(InvalidRequest):
        list_random(library, Window(), seed)


@pytest.mark.parametrize(
    "values", [{"limit": 0}, {"limit": 501}, {"offset": -1}, {"offset": 10**9 + 1}, {"sort": "path"}], ids=str
)
@pytest.mark.parametrize("ask", LISTS)
def test_a_page_out_of_range_is_refused(
    library: Library, ask: Callable[..., Page[Any]], values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        ask(library, Window(values.get("limit", 50), values.get("offset", 0)), sort=values.get("sort", "title"))


@pytest.mark.parametrize("ask", LISTS)
def test_a_list_takes_as_many_statements_for_one_track_as_for_many(
    library: Library, track_ids: list[int], ask: Callable[..., Page[Any]]
) -> None:
    few = statements(library, lambda: ask(library, Window(1)))
    assert statements(library, lambda: ask(library, Window(500))) == few <= 5
