from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auralis_trio.library import facets as facets_module
from auralis_trio.library.facets import FormatFacet, YearFacet, facets
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.reset import forget_everything
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from auralis_trio.library.totals import statistics

changes = st.tuples(
    st.integers(0, 5),
    st.sampled_from([None, 1990, 2000]),
    st.sampled_from([None, "Jazz", "Rock"]),
    st.sampled_from(["flac", "mp3"]),
    st.sampled_from([None, 44_100, 4_410]),
)


def test_facets_count_each_track_once_for_each_of_its_values(
    library: Library, fill: Callable[..., None], probed: Callable[..., ProbedFile]
) -> None:
    fill(
        [
            probed("1", year=1994, genres=("Rock", "Pop"), genre="Rock; Pop", kind="flac"),
            probed("2", year=1999, genres=("Rock",), genre="Rock", kind="flac"),
            probed("3", year=2000, kind="mp3"),
            probed("4"),
        ]
    )
    found = facets(library)
    assert [(genre.name, genre.tracks) for genre in found.genres] == [("Rock", 2), ("Pop", 1)]
    assert found.total_genres == 2
    assert found.years == [YearFacet(1994, 1), YearFacet(1999, 1), YearFacet(2000, 1)]
    assert found.decades == [YearFacet(1990, 2), YearFacet(2000, 1)]
    assert found.formats == [FormatFacet("flac", 2), FormatFacet("mp3", 1), FormatFacet("wav", 1)]


def test_an_empty_library_has_no_facets(library: Library) -> None:
    found = facets(library)
    assert (found.genres, found.total_genres, found.years, found.decades, found.formats) == ([], 0, [], [], [])


def test_of_many_genres_the_most_common_are_told(
    library: Library, fill: Callable[..., None], probed: Callable[..., ProbedFile]
) -> None:
    many = facets_module.MAX_GENRES + 5
    fill([probed(f"{n}", genre=f"genre {n}") for n in range(many)])
    fill([probed("more", genre=f"genre {many - 1}")])
    found = facets(library)
    assert (len(found.genres), found.total_genres) == (facets_module.MAX_GENRES, many)
    assert (found.genres[0].name, found.genres[0].tracks) == (f"genre {many - 1}", 2)


def test_facets_and_totals_follow_every_change_of_tracks(
    library: Library, fill: Callable[..., None], probed: Callable[..., ProbedFile]
) -> None:
    @given(st.lists(st.lists(changes, min_size=1, max_size=4), max_size=5))
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(batches: list[list[tuple[int, int | None, str | None, str, int | None]]]) -> None:
        forget_everything(library)
        there: dict[int, tuple[int | None, str | None, str, int | None]] = {}
        for batch in batches:
            there |= {number: values for number, *values in batch}  # type: ignore[misc]
            fill(
                [
                    probed(
                        f"{number}",
                        year=year,
                        genre=genre,
                        genres=(genre,) if genre else (),
                        kind=kind,
                        total_frames=frames,
                        size=frames or 1,
                        content_id=f"{number} of {frames}",
                    )
                    for number, (year, genre, kind, frames) in {one[0]: one[1:] for one in batch}.items()
                ]
            )
        found = facets(library)
        years, genres, kinds = (Counter(values[at] for values in there.values()) for at in range(3))
        assert {one.year: one.tracks for one in found.years} == {y: n for y, n in years.items() if y is not None}
        assert {one.name: one.tracks for one in found.genres} == {g: n for g, n in genres.items() if g is not None}
        assert {one.format: one.tracks for one in found.formats} == kinds
        assert found.total_genres == len(found.genres)
        gone = [track.id for track in list_tracks(library, 3).items]
        mark_missing(library, gone)
        totals = statistics(library)
        frames = [values[3] for values in there.values() if values[3] is not None]
        assert list_tracks(library).total == totals.tracks == len(there)
        assert totals.missing == len(gone)
        assert totals.duration_s == (pytest.approx(sum(frames) / 44_100) if frames else None)
        assert totals.unknown_durations == len(there) - len(frames)
        assert totals.size_bytes == sum(values[3] or 1 for values in there.values())

    check()
