from collections.abc import Callable

from auralis_trio.library import facets as facets_module
from auralis_trio.library.facets import FormatFacet, YearFacet, facets
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.store import Library


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
