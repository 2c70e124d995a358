"""The medians of an album's profiles."""

import msgspec
import pytest

from auralis_trio.errors import NotFound
from auralis_trio.library.album_profile import Middle, album_profile
from auralis_trio.library.mastering_store import keep_failure, keep_profile
from auralis_trio.library.queries import list_albums
from auralis_trio.library.store import Library
from tests.library.conftest import Fill, Probed
from tests.library.test_mastering_store import PROFILE
from tests.library.test_queries import statements

NAMES = ("integrated_lufs", "tempo_bpm", "crest_db")


def measure(library: Library, name: str, **values: float | None) -> None:
    keep_profile(library, f"content of {name}", msgspec.structs.replace(PROFILE, values=values), 5)


def the_album(library: Library) -> int:
    [album] = list_albums(library, 50, 0).items
    return album.id


def test_each_dimension_has_the_median_of_the_tracks_that_it_was_measured_of(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed(f"{number}.wav", album="One", album_artist="A") for number in range(5)])
    measure(library, "0.wav", integrated_lufs=-20.0, tempo_bpm=None)
    measure(library, "1.wav", integrated_lufs=-8.0, tempo_bpm=90.0)
    measure(library, "2.wav", integrated_lufs=-9.0, tempo_bpm=100.0)
    keep_failure(library, "content of 3.wav", "track_corrupt", 5)
    found = album_profile(library, the_album(library), NAMES)
    assert (found.tracks, found.measured) == (5, 3)
    assert found.values == {
        "integrated_lufs": Middle(-9.0, 3),
        "tempo_bpm": Middle(95.0, 2),
        "crest_db": Middle(None, 0),
    }


def test_what_another_version_of_the_analysis_measured_does_not_count(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("0.wav", album="One")])
    measure(library, "0.wav", integrated_lufs=-20.0)
    with library.writing():
        library.db.execute("UPDATE analysis SET version = version - 1")
    found = album_profile(library, the_album(library), NAMES)
    assert (found.tracks, found.measured, found.values["integrated_lufs"]) == (1, 0, Middle(None, 0))


def test_one_album_says_nothing_of_another(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("0.wav", album="One"), probed("1.wav", album="Two"), probed("2.wav")])
    for number in range(3):
        measure(library, f"{number}.wav", integrated_lufs=float(-number))
    albums = list_albums(library, 50, 0, "title").items
    told = [album_profile(library, album.id, NAMES) for album in albums]
    assert [(one.tracks, one.values["integrated_lufs"].value) for one in told] == [(1, 0.0), (1, -1.0)]


def test_a_large_album_takes_as_many_statements_as_a_small_one(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("0.wav", album="One")])
    measure(library, "0.wav", integrated_lufs=-20.0)
    album_id = the_album(library)
    few = statements(library, lambda: album_profile(library, album_id, NAMES))
    fill([probed(f"{number}.wav", album="One") for number in range(1, 300)])
    assert statements(library, lambda: album_profile(library, album_id, NAMES)) == few <= 2


@pytest.mark.parametrize("album_id", [0, 99, 2**80])
def test_an_unknown_album_is_not_found(library: Library, album_id: int) -> None:
    with pytest.raises(NotFound):
        album_profile(library, album_id, NAMES)
