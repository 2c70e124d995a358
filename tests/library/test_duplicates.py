"""Which tracks count as the same, and that they are only told of."""

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auralis_trio.errors import InvalidRequest
from auralis_trio.library import duplicates as duplicates_module
from auralis_trio.library.duplicates import MAX_APART_S, list_duplicates
from auralis_trio.library.paging import Window
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from auralis_trio.library.totals import statistics

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def groups(library: Library, by: str = "content") -> list[list[str]]:
    page = list_duplicates(library, Window(500), by)  # type: ignore[arg-type]
    assert page.total == len(page.items)
    assert all(group.total == len(group.tracks) for group in page.items)
    return [[track.title for track in group.tracks] for group in page.items]


def test_files_with_the_same_audio_are_duplicates_whatever_their_tags_say(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill(
        [
            probed("b", title="B", artist="Nina", content_id="1"),
            probed("a", title="A", content_id="1"),
            probed("c", title="C", content_id="2"),
            probed("d", title="D", content_id="3"),
            probed("e", title="E", content_id="3"),
            probed("f", title="F", content_id="3"),
        ]
    )
    assert groups(library) == [["B", "A"], ["D", "E", "F"]]
    assert groups(library, "tags") == []
    assert statistics(library).tracks == 6


def test_by_tags_title_artist_and_length_have_to_agree(library: Library, fill: Fill, probed: Probed) -> None:
    second = 44_100
    fill(
        [
            probed("1", title="Jóga", artist="Björk", total_frames=100 * second),
            probed("2", title="JOGA", artist="bjork", total_frames=102 * second),
            probed("3", title="Joga", artist="Björk", total_frames=104 * second),
            probed("4", title="joga", artist="Björk", total_frames=104 * second + 2 * second + 1),
            probed("5", title="Joga", artist="Nina", total_frames=100 * second),
            probed("6", title="Other", artist="Björk", total_frames=100 * second),
            probed("7", title="None", total_frames=second),
            probed("8", title="None", total_frames=second),
            probed("9", title="Long", artist="Nina", total_frames=None),
            probed("10", title="Long", artist="Nina", total_frames=None),
        ]
    )
    assert groups(library, "tags") == [["Jóga", "JOGA", "Joga"]]


def test_a_missing_file_is_no_duplicate(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed(name, content_id="1", title="Same", artist="Nina") for name in "abc"])
    ids = [track.id for track in list_tracks(library).items]
    mark_missing(library, ids[:1])
    assert [len(group) for by in ("content", "tags") for group in groups(library, by)] == [2, 2]
    mark_missing(library, ids[1:2])
    assert groups(library) == groups(library, "tags") == []


def test_of_a_large_group_the_first_tracks_are_told_and_how_many_there_are(
    library: Library, fill: Fill, probed: Probed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates_module, "MAX_SHOWN", 3)
    fill([probed(f"{n}", content_id="1") for n in range(5)])
    [group] = list_duplicates(library, Window()).items
    assert ([track.title for track in group.tracks], group.total) == (["0", "1", "2"], 5)


def test_groups_are_read_page_by_page(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed(f"{n}", title=f"{n % 3}", artist="A", content_id=f"{n % 7}") for n in range(30)])
    for by in ("content", "tags"):
        whole = list_duplicates(library, Window(500), by).items
        window, met = Window(1), list(whole[:0])
        while True:
            page = list_duplicates(library, window, by)
            met += page.items
            if page.next_cursor is None:
                break
            window = Window(1, cursor=page.next_cursor)
            fill([probed(f"new {len(met)}", title="single", content_id=f"new {len(met)}")])
        assert met == whole


def test_other_likenesses_and_orders_are_refused(library: Library) -> None:
    for values in ({"by": "size"}, {"sort": "path"}):
        with pytest.raises(InvalidRequest):
            list_duplicates(library, Window(), **values)  # type: ignore[arg-type]


songs = st.tuples(st.sampled_from("ab"), st.sampled_from(["x", "y", None]), st.none() | st.integers(0, 30))


def test_the_groups_by_tags_are_the_chains_of_lengths(library: Library, fill: Fill, probed: Probed) -> None:
    @given(st.lists(songs, max_size=14))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(made: list[tuple[str, str | None, int | None]]) -> None:
        with library.writing():
            for table in ("track_artist", "track_genre", "track", "album", "artist"):
                library.db.execute(f"DELETE FROM {table}")
        fill(
            [
                probed(f"{n}", title=title, artist=artist, total_frames=None if length is None else length * 22_050)
                for n, (title, artist, length) in enumerate(made)
            ]
        )
        tracks = {track.id: track for track in list_tracks(library, 500).items}
        linked = {track_id: {track_id} for track_id in tracks}
        for one, other in combinations(tracks.values(), 2):
            named = one.artist is not None and (one.title, one.artist) == (other.title, other.artist)
            known = one.duration_s is not None and other.duration_s is not None
            if named and known and abs(one.duration_s - other.duration_s) <= MAX_APART_S:  # type: ignore[operator]
                together = linked[one.id] | linked[other.id]
                for track_id in together:
                    linked[track_id] = together
        expected = {frozenset(group) for group in linked.values() if len(group) > 1}
        found = list_duplicates(library, Window(500), "tags").items
        assert {frozenset(track.id for track in group.tracks) for group in found} == expected

    check()
