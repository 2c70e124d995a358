import os
from collections.abc import Callable
from typing import Any

import pytest

from auralis_trio.analysis import Profile
from auralis_trio.audio.source import AudioFormat
from auralis_trio.library.batch import BatchResult, apply_batch
from auralis_trio.library.mastering_store import get_tuning, keep_failure, keep_profile, keep_tuning
from auralis_trio.library.queries import (
    get_track,
    get_track_file,
    list_albums,
    list_artists,
    list_tracks,
    set_total_frames,
)
from auralis_trio.library.records import FailedFile, NamedArtist, ProbedFile, TrackFile, TrackRecord
from auralis_trio.library.scanner import BatchPlan, keep_plan, mark_missing, pending_page
from auralis_trio.library.store import Library

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]

PROFILE = Profile(
    sample_rate=44_100,
    channels=2,
    total_frames=1000,
    quick=False,
    values={},
    reasons={},
    mid_db=(),
    side_db=(),
    source_sha256="",
)


def test_a_file_that_was_read_becomes_a_track(library: Library, fill: Fill, probed: Probed) -> None:
    tags = {"artist": "Nina", "album": "Live", "track_number": 3, "disc_number": 1, "year": 1964, "genre": "Jazz"}
    fill([probed("one", **tags)])
    [track] = list_tracks(library).items
    assert track == TrackRecord(
        id=track.id,
        title="one",
        artist="Nina",
        artist_id=track.artist_id,
        album="Live",
        album_id=track.album_id,
        duration_s=1.0,
        sample_rate=44_100,
        channels=2,
        bits=16,
        total_frames=44_100,
        format="wav",
        track_number=3,
        disc_number=1,
        year=1964,
        genre="Jazz",
        missing=False,
        added_ns=5000,
        artists=[NamedArtist(track.artist_id or 0, "Nina")],
        genres=["Jazz"],
    )
    assert track.artist_id is not None
    assert track.album_id is not None
    assert get_track_file(library, track.id) == TrackFile(
        track_id=track.id,
        path="/music/one",
        content_id="content of one",
        size=1000,
        mtime_ns=2000,
        kind="wav",
        format=AudioFormat(44_100, 2, 16),
        total_frames=44_100,
        added_ns=5000,
    )


def test_what_a_file_does_not_say_is_null(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", total_frames=None, format=AudioFormat(48_000, 1, None))])
    [track] = list_tracks(library).items
    unknown = (track.artist, track.artist_id, track.album, track.album_id, track.year, track.genre)
    assert unknown == (None,) * 6
    assert (track.duration_s, track.total_frames, track.bits) == (None, None, None)
    assert (track.track_number, track.disc_number) == (None, None)


def test_a_changed_file_renews_its_track_and_keeps_its_id_and_age(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one")])
    [before] = list_tracks(library).items
    result = apply_batch(library, [probed("one", title="retagged", size=2**40, mtime_ns=2**60)], 6000)
    [after] = list_tracks(library).items
    assert result == BatchResult(added=0, updated=1, failed=0)
    assert (after.id, after.added_ns, after.title) == (before.id, before.added_ns, "retagged")
    assert (get_track_file(library, after.id).size, get_track_file(library, after.id).mtime_ns) == (2**40, 2**60)


def test_a_missing_track_whose_file_is_back_changed_is_there_again(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one")])
    [track] = list_tracks(library).items
    mark_missing(library, [track.id])
    fill([probed("one", mtime_ns=3000)])
    assert not get_track(library, track.id).missing


def test_a_file_that_cannot_be_read_leaves_its_track_as_it_was(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one")])
    before = list_tracks(library).items
    result = apply_batch(library, [FailedFile("/music/one", "track_corrupt"), FailedFile("/music/two", "x")], 6000)
    assert result == BatchResult(added=0, updated=0, failed=2)
    assert list_tracks(library).items == before


def test_every_file_of_a_batch_is_struck_off_the_pending_ones(library: Library, probed: Probed) -> None:
    keep_plan(library, BatchPlan([], [], ["/music/one", "/music/bad", "/music/later"], 0))
    apply_batch(library, [probed("one"), FailedFile("/music/bad", "track_corrupt")], 6000)
    assert pending_page(library, 0, 10)[0] == ["/music/later"]


def test_frames_that_were_counted_stay_when_only_the_tags_change(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one", total_frames=None, kind="opus")])
    [track] = list_tracks(library).items
    set_total_frames(library, track.id, 88_200)
    fill([probed("one", total_frames=None, kind="opus", title="retagged", mtime_ns=3000)])
    assert get_track(library, track.id).total_frames == 88_200
    fill([probed("one", total_frames=None, kind="opus", content_id="other", mtime_ns=4000)])
    assert get_track(library, track.id).total_frames is None


def test_frames_that_were_counted_of_a_file_without_checksums_are_those_of_just_that_file(
    library: Library, probed: Probed
) -> None:
    def apply(mtime_ns: int, **proved: tuple[int, int]) -> int | None:
        file = probed("one", total_frames=None, kind="aac", mtime_ns=mtime_ns)
        apply_batch(library, [file], 6000, proved={f"/music/{name}": before for name, before in proved.items()})
        return get_track(library, 1).total_frames

    apply(2000)
    set_total_frames(library, 1, 88_200)
    assert apply(2000) == 88_200
    assert apply(3000, one=(1000, 2000)) == 88_200
    assert apply(4000, one=(1000, 2000)) is None  # another file than the one that was edited


def found_of(library: Library, *contents: str) -> list[tuple[bool, bool]]:
    """Of each content, whether there is a row of its analysis and a tuning."""
    with library.reading():
        analysed = set(library.db.select("SELECT content_id FROM analysis"))
    return [(content in analysed, get_tuning(library, content, "warm") is not None) for content in contents]


@pytest.mark.parametrize("change", [{"mtime_ns": 3000}, {"size": 1001}, {"path": "/music/moved", "mtime_ns": 3000}])
@pytest.mark.parametrize("kind", ["mp3", "wav", "flac"])
def test_what_was_found_out_of_a_file_is_not_believed_of_its_better_copy(
    library: Library, probed: Probed, kind: str, change: dict[str, Any]
) -> None:
    names = ["one", "one@48000", "failed", "failed@48000", "other", "other@48000"]
    apply_batch(library, [probed(name, kind=kind, content_id=name) for name in ("one", "failed", "other")], 6000)
    for name in names:
        keep_tuning(library, name, "warm", "1")
        if name.startswith("failed"):
            keep_failure(library, name, "track_corrupt", 1)
        else:
            keep_profile(library, name, PROFILE, 1)
    if "path" in change:
        mark_missing(library, [1])
    copies = [{"name": "one", **change}, {"name": "failed", "mtime_ns": 3000}, {"name": "other"}]
    apply_batch(library, [probed(kind=kind, content_id=copy["name"], **copy) for copy in copies], 7000)
    kept = kind == "flac"  # whose damage would have been noticed
    assert found_of(library, *names) == [(kept, kept)] * 2 + [(False, kept)] * 2 + [(True, True)] * 2


def test_what_was_found_out_of_a_file_stays_when_it_is_only_read_anew_or_edited(
    library: Library, probed: Probed
) -> None:
    apply_batch(library, [probed("one", kind="mp3")], 6000)
    keep_profile(library, "content of one", PROFILE, 1)
    keep_tuning(library, "content of one", "warm", "1")
    apply_batch(library, [probed("one", kind="mp3", title="read anew")], 6000)
    apply_batch(library, [probed("one", kind="mp3", mtime_ns=3000)], 6000, proved={"/music/one": (1000, 2000)})
    with library.writing() as entities:
        entities.Track[1].mtime_ns = -1  # as a newer version does that wants to know more of each file
    apply_batch(library, [probed("one", kind="mp3", mtime_ns=3000)], 6000)
    assert found_of(library, "content of one") == [(True, True)]


def test_a_file_whose_name_is_no_text_is_kept(library: Library, fill: Fill, probed: Probed) -> None:
    path = os.fsdecode(b"/music/\xe9t\xe9.wav")
    fill([probed("x", path=path, album="Live")])
    [track] = list_tracks(library).items
    assert get_track_file(library, track.id).path == path


def test_spellings_that_fold_to_the_same_are_one_artist(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", artist="Sigur Rós"), probed("two", artist="SIGUR ROS")])
    fill([probed("three", artist="sigur  ros")])
    [artist] = list_artists(library).items
    assert (artist.name, artist.tracks) == ("Sigur Rós", 3)
    assert {track.artist for track in list_tracks(library).items} == {"Sigur Rós", "SIGUR ROS", "sigur  ros"}


def test_an_album_is_one_by_its_title_and_album_artist_wherever_its_files_lie(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("cd1/one", artist="Nina", album="Live", album_artist="Nina")])
    fill([probed("cd2/two", artist="Bob", album="LIVE", album_artist="nina")])
    fill([probed("cd2/three", artist="Bob", album="Live", album_artist="Bob")])
    albums = list_albums(library).items
    assert sorted((album.title, album.artist, album.tracks) for album in albums) == [
        ("Live", "Bob", 1),
        ("Live", "Nina", 2),
    ]


def test_without_an_album_artist_an_album_is_one_by_its_title_and_folder(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("a/one", artist="Nina", album="Hits"), probed("a/two", artist="Bob", album="Hits")])
    fill([probed("b/one", artist="Nina", album="Hits"), probed("b/two", artist="Nina", album="Hits")])
    albums = list_albums(library).items
    assert [(album.title, album.artist, album.tracks) for album in albums] == [("Hits", None, 2), ("Hits", "Nina", 2)]


def test_an_album_follows_its_tracks(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("a/one", artist="Nina", album="Hits", year=1964), probed("a/two", artist="Bob", album="Hits")])
    [album] = list_albums(library).items
    fill([probed("a/two", artist="Nina", album="Hits", year=1970, mtime_ns=3000)])
    [after] = list_albums(library).items
    assert (album.id, album.artist, album.year) == (after.id, None, 1964)
    assert (after.artist, after.year, after.duration_s) == ("Nina", 1970, 2.0)


def test_albums_and_artists_that_nothing_is_by_any_more_are_gone(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one", artist="Ole", album="Dead", album_artist="Old"), probed("two", artist="Bob")])
    fill([probed("one", artist="Nina", album="Live", mtime_ns=3000)])
    assert [album.title for album in list_albums(library).items] == ["Live"]
    assert [artist.name for artist in list_artists(library).items] == ["Bob", "Nina"]


def test_one_batch_can_hold_new_changed_and_failed_files(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("old")])
    batch: list[ProbedFile | FailedFile] = [
        probed("new"),
        probed("old", mtime_ns=3000),
        FailedFile("/music/bad", "track_corrupt"),
    ]
    assert apply_batch(library, batch, 6000) == BatchResult(added=1, updated=1, failed=1)


def test_a_batch_that_fails_is_not_kept_in_part(library: Library, probed: Probed) -> None:
    with pytest.raises(ValueError, match="in no folder"):
        apply_batch(library, [probed("one"), probed("two", path="/elsewhere/two")], 6000)
    assert list_tracks(library).total == 0


def test_lists_are_sorted_by_what_tags_say_for_that_while_they_say_it(
    library: Library, fill: Fill, probed: Probed
) -> None:
    told = {"artist": "The Zed", "album": "The End", "artist_sort": "Zed", "album_sort": "End"}
    both = {"artist": "Nina; The Zed", "artists": ("Nina", "The Zed"), "album": "Live"}
    files = [
        probed("The One", title_sort="One", **told),
        probed("Two", **{**told, "artist_sort": None, "album_sort": None}),
        probed("Three", **both, artist_sort="Simone, Nina; Aaa"),
    ]

    def in_order() -> tuple[list[str], list[str], list[str]]:
        return (
            [track.title for track in list_tracks(library, sort="title").items],
            [album.title for album in list_albums(library).items],
            [artist.name for artist in list_artists(library).items],
        )

    fill(files)
    assert in_order() == (["The One", "Three", "Two"], ["The End", "Live"], ["The Zed", "Nina"])
    fill([probed("Three", **both)])
    assert in_order()[2] == ["Nina", "The Zed"]
    fill([probed("The One", **{**told, "artist_sort": None, "album_sort": None})])
    assert in_order() == (["The One", "Three", "Two"], ["Live", "The End"], ["Nina", "The Zed"])


def test_a_track_of_an_earlier_version_stays_what_it_is_when_its_file_is_read_anew(
    library: Library, probed: Probed
) -> None:
    payload = "0123456789abcdef" * 2
    files = [probed(name, kind="aac", total_frames=None, content_id=payload + digit * 16) for digit, name in NAMED]
    apply_batch(library, files, 6000)
    for track_id in (1, 2):
        set_total_frames(library, track_id, 88_200)
    with library.writing():
        library.db.execute(f"UPDATE track SET content_id = '{payload}', mtime_ns = -1, missing = id = 2")
    result = apply_batch(library, files, 7000)
    assert result.changes == {"/music/one": "updated", "/music/two": "back"}
    for track_id, file in enumerate(files, 1):
        assert get_track_file(library, track_id).content_id == file.content_id
        assert get_track(library, track_id).total_frames == 88_200


NAMED = [("1", "one"), ("2", "two")]
