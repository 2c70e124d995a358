import os
from collections.abc import Callable

import pytest

from auralis_trio.library.batch import apply_batch
from auralis_trio.library.moves import KnownTrack, match_tracks
from auralis_trio.library.queries import get_track, get_track_file, list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def known(track_id: int, name: str, content_id: str, missing: bool = False) -> KnownTrack:
    return KnownTrack(track_id, f"/music/{name}".encode(), content_id, missing)


def ids(matched: dict[bytes, KnownTrack]) -> dict[str, int]:
    return {os.path.basename(path).decode(): track.id for path, track in matched.items()}


def test_a_file_at_a_known_path_is_its_track_whether_its_audio_is_new_or_not(probed: Probed) -> None:
    files = [probed("same", content_id="x"), probed("other", content_id="new")]
    assert ids(match_tracks(files, [known(1, "same", "x"), known(2, "other", "old")])) == {"same": 1, "other": 2}


def test_a_file_with_the_audio_of_a_missing_track_is_that_track(probed: Probed) -> None:
    assert ids(match_tracks([probed("new", content_id="x")], [known(1, "old", "x", missing=True)])) == {"new": 1}


def test_a_copy_of_a_track_that_is_there_is_new(probed: Probed) -> None:
    assert match_tracks([probed("copy", content_id="x")], [known(1, "old", "x")]) == {}


def test_of_several_missing_copies_the_one_of_the_same_name_is_taken_and_each_only_once(probed: Probed) -> None:
    files = [probed("new/b", content_id="x"), probed("new/c", content_id="x"), probed("new/d", content_id="x")]
    gone = [known(1, "old/a", "x", missing=True), known(2, "old/b", "x", missing=True)]
    assert ids(match_tracks(files, gone)) == {"b": 2, "c": 1}


def test_files_that_took_each_others_names_keep_their_tracks(probed: Probed) -> None:
    files = [probed("a", content_id="y"), probed("b", content_id="z"), probed("c", content_id="x")]
    before = [known(1, "a", "x"), known(2, "b", "y"), known(3, "c", "z")]
    assert ids(match_tracks(files, before)) == {"a": 2, "b": 3, "c": 1}


def test_a_file_is_found_again_by_what_an_earlier_version_knew_of_it_but_rather_by_all(probed: Probed) -> None:
    payload = "0123456789abcdef" * 2
    files = [probed(name, content_id=payload + name * 16) for name in ("a", "b", "c")]
    before = [known(1, "a", payload), known(2, "old", payload + "b" * 16, missing=True)]
    gone = [known(3, "older", payload, missing=True), known(4, "other", payload + "x" * 16, missing=True)]
    assert ids(match_tracks(files, [*before, *gone])) == {"a": 1, "b": 2, "c": 3}


def test_files_that_took_each_others_names_keep_their_tracks_of_an_earlier_version(probed: Probed) -> None:
    x, y = "x" * 32, "y" * 32
    files = [probed("a", content_id=y + "1" * 16), probed("b", content_id=x + "2" * 16)]
    assert ids(match_tracks(files, [known(1, "a", x), known(2, "b", y)])) == {"a": 2, "b": 1}


def test_a_moved_and_retagged_file_keeps_its_id_its_age_and_what_was_thought_of_it(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("old/one", content_id="x", title="One")])
    [before] = list_tracks(library).items
    with library.writing():
        library.db.execute("UPDATE track SET play_count = 7, rating = 4, favorite = TRUE")
    mark_missing(library, [before.id])
    result = apply_batch(library, [probed("new/uno", content_id="x", title="Uno", size=9)], 6000)
    [after] = list_tracks(library).items
    assert (result.moved, result.added, result.changes) == (1, 0, {"/music/new/uno": "moved"})
    assert (after.id, after.title, after.added_ns, after.missing) == (before.id, "Uno", before.added_ns, False)
    assert (after.play_count, after.rating, after.favorite) == (7, 4, True)
    assert get_track_file(library, after.id).path == "/music/new/uno"


def test_tracks_whose_files_were_swapped_follow_their_audio(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("a", content_id="x"), probed("b", content_id="y")])
    before = {get_track_file(library, track.id).content_id: track.id for track in list_tracks(library).items}
    fill([probed("a", content_id="y", size=2), probed("b", content_id="x", size=2)])
    after = {get_track_file(library, track.id).content_id: track.id for track in list_tracks(library).items}
    assert before == after
    assert get_track_file(library, before["x"]).path == "/music/b"


def test_a_track_whose_file_was_overwritten_by_another_is_missing_until_its_audio_is_back(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("a", content_id="x"), probed("b", content_id="y")])
    first, second = (track.id for track in list_tracks(library, sort="title").items)
    mark_missing(library, [second])
    fill([probed("a", content_id="y", size=2)])
    assert (get_track(library, first).missing, get_track(library, second).missing) == (True, False)
    fill([probed("c", content_id="x")])
    assert (get_track(library, first).missing, get_track_file(library, first).path) == (False, "/music/c")
    assert list_tracks(library).total == 2


@pytest.mark.parametrize("role", ["artist", "album_artist"])
def test_artists_are_linked_one_by_one_in_their_order(
    library: Library, fill: Fill, probed: Probed, role: str
) -> None:
    names = {f"{role}s": ("Nina", "Bob"), role: "Nina, Bob", f"musicbrainz_{role}_ids": ("id 1", "id 2")}
    fill([probed("one", album="Live", **names)])
    fill([probed("one", album="Live", mtime_ns=3, **names)])
    with library.reading():
        rows = library.db.select(
            "SELECT position, name, musicbrainz_id FROM track_artist WHERE role = $role ORDER BY position",
            {"role": role},
        )
    assert [tuple(row) for row in rows] == [(0, "Nina", "id 1"), (1, "Bob", "id 2")]


def test_genres_are_linked_one_by_one(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", genre="Jazz, Soul", genres=("Jazz", "Soul")), probed("two", genre="JAZZ")])
    with library.reading():
        rows = library.db.select(
            "SELECT name, count(*) FROM genre JOIN track_genre ON genre_id = genre.id GROUP BY name ORDER BY name"
        )
    assert [tuple(row) for row in rows] == [("Jazz", 2), ("Soul", 1)]
