"""Tracks one behind the other: in the order that was asked for, whole or not at all."""

from typing import Any

import pytest

from auralis_trio.errors import Conflict, NotFound
from auralis_trio.library.medleys import MAX_TRACKS, album_tracks, medley_tracks
from auralis_trio.library.queries import get_track_file
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from tests.library.conftest import Fill, Probed


def test_an_album_comes_disc_by_disc_with_all_that_belongs_to_it(
    library: Library, probed: Probed, fill: Fill
) -> None:
    fill(
        [
            probed("d.wav", album="Album", disc_number=2, track_number=1, artist="Two"),
            probed("b.wav", album="Album", disc_number=1, track_number=2),
            probed("bonus.wav", album="Album"),
            probed("a.wav", album="Album", disc_number=1, track_number=1, artist="One"),
            probed("else.wav", album="Another"),
        ]
    )
    mark_missing(library, [2])
    album = album_tracks(library, 1)
    assert album.title == "Album"
    assert [(track.title, track.artist) for track in album.tracks] == [
        ("a.wav", "One"),
        ("b.wav", None),
        ("d.wav", "Two"),
        ("bonus.wav", None),
    ]
    assert {track.album_id for track in album.tracks} == {1}
    assert album.tracks[0].file == get_track_file(library, 4)


def test_a_track_may_stand_twice(library: Library, probed: Probed, fill: Fill) -> None:
    fill([probed("a.wav"), probed("b.wav", album="Album")])
    tracks = medley_tracks(library, [2, 1, 2])
    assert [track.file.track_id for track in tracks] == [2, 1, 2]
    assert [track.album_id for track in tracks] == [1, None, 1]
    assert medley_tracks(library, []) == []


def test_what_is_not_there_is_said(library: Library, probed: Probed, fill: Fill) -> None:
    fill([probed("a.wav")])
    with pytest.raises(NotFound, match="album"):
        album_tracks(library, 1)
    with pytest.raises(NotFound) as caught:
        medley_tracks(library, [1, 2])
    assert caught.value.code == "track_not_found"


def test_a_medley_without_end_is_refused(library: Library, probed: Probed, fill: Fill) -> None:
    fill([probed(f"{number}.wav", album="Endless") for number in range(MAX_TRACKS + 1)])
    for ask in (lambda: album_tracks(library, 1), lambda: medley_tracks(library, range(1, MAX_TRACKS + 2))):
        with pytest.raises(Conflict) as caught:
            ask()
        assert caught.value.code == "too_many_tracks"
    assert len(medley_tracks(library, range(1, MAX_TRACKS + 1))) == MAX_TRACKS


FIRST = {"album": "Album", "disc_number": 1, "track_number": 1}


@pytest.mark.parametrize(
    ("one", "other", "leads"),
    [
        (FIRST, {"track_number": 2}, True),
        (FIRST, {"track_number": 3}, False),
        (FIRST, {"track_number": 1}, False),
        (FIRST, {"disc_number": None, "track_number": 2}, True),
        ({**FIRST, "track_number": 9}, {"disc_number": 2, "track_number": 1}, True),
        (FIRST, {"disc_number": 3, "track_number": 1}, False),
        (FIRST, {"disc_number": 2, "track_number": 2}, False),
        (FIRST, {"album": "Another", "track_number": 2}, False),
        ({**FIRST, "track_number": None}, {"track_number": None}, False),
        ({**FIRST, "album": None}, {"album": None, "track_number": 2}, False),
    ],
)
def test_tracks_follow_each_other_on_an_album_by_their_numbers(
    library: Library, probed: Probed, fill: Fill, one: dict[str, Any], other: dict[str, Any], leads: bool
) -> None:
    fill([probed("a.wav", **one), probed("b.wav", **{**FIRST, **other})])
    first, second = medley_tracks(library, [1, 2])
    assert first.leads_to(second) == leads
