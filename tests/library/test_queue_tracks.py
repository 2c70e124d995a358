"""What a play queue asks of the library, in each of the two databases."""

from collections.abc import Callable

import pytest

from auralis_trio.errors import NotFound
from auralis_trio.library.player_store import get_player, keep_player
from auralis_trio.library.playlists import PlaylistText, create_playlist
from auralis_trio.library.queries import list_albums, list_artists, list_tracks
from auralis_trio.library.queue_tracks import (
    album_track_ids,
    artist_track_ids,
    check_tracks,
    playlist_track_ids,
    tracks_by_id,
)
from auralis_trio.library.smart import SmartRules
from auralis_trio.library.store import Library
from tests.library.conftest import Fill, Probed


@pytest.fixture
def ids(library: Library, fill: Fill, probed: Probed) -> dict[str, int]:
    """The ids of six tracks by their titles: an album of three out of order, by one artist with one more."""
    fill(
        [
            probed("c.wav", title="c", artist="Nina", artists=("Nina",), album="Live", disc_number=2, track_number=1),
            probed("b.wav", title="b", artist="Nina", artists=("Nina",), album="Live", disc_number=1, track_number=2),
            probed("a.wav", title="a", artist="Nina", artists=("Nina",), album="Live", disc_number=1, track_number=1),
            probed("d.wav", title="d", artist="Nina", artists=("Nina",), album="Own", track_number=1),
            probed("e.wav", title="e", artist="Odetta", artists=("Odetta",), year=1960),
            probed("f.wav", title="f"),
        ]
    )
    return {track.title: track.id for track in list_tracks(library).items}


def test_tracks_that_are_all_known_are_checked_in_any_number(library: Library, ids: dict[str, int]) -> None:
    check_tracks(library, [])
    check_tracks(library, list(ids.values()) * 2_000)


def test_unknown_tracks_are_named_the_first_few_of_them(library: Library, ids: dict[str, int]) -> None:
    known = ids["a"]
    for track_ids, named in [
        ([known, 99], "99"),
        ([99, known, 98, 99, -1], "99, 98, -1"),
        ([2**31, 2**63, 0], f"{2**31}, {2**63}, 0"),
        ([known, *range(1_000, 3_000)], "1000, 1001, 1002, 1003, 1004, ..."),
    ]:
        with pytest.raises(NotFound) as refused:
            check_tracks(library, track_ids)
        assert refused.value.code == "track_not_found"
        assert refused.value.message.endswith(f": {named}.")


def test_records_come_by_their_ids_as_far_as_they_are_known(library: Library, ids: dict[str, int]) -> None:
    found = tracks_by_id(library, [ids["e"], ids["a"], ids["e"], 99])
    assert {id: track.title for id, track in found.items()} == {ids["a"]: "a", ids["e"]: "e"}
    assert tracks_by_id(library, []) == {}


def test_an_album_comes_disc_by_disc(library: Library, ids: dict[str, int]) -> None:
    [live] = [album.id for album in list_albums(library).items if album.title == "Live"]
    assert album_track_ids(library, live, 10) == [ids["a"], ids["b"], ids["c"]]
    assert album_track_ids(library, live, 2) == [ids["a"], ids["b"]]


def test_an_artist_comes_album_by_album(library: Library, ids: dict[str, int]) -> None:
    [nina] = [artist.id for artist in list_artists(library).items if artist.name == "Nina"]
    assert artist_track_ids(library, nina, 10) == [ids[title] for title in "abcd"]


def test_a_playlist_comes_in_its_own_order(library: Library, ids: dict[str, int]) -> None:
    wanted = [ids["f"], ids["a"], ids["f"]]
    playlist_id = create_playlist(library, PlaylistText(name="mine"), wanted)
    assert playlist_track_ids(library, playlist_id, 10) == wanted
    assert playlist_track_ids(library, playlist_id, 2) == wanted[:2]


def test_of_a_smart_playlist_comes_what_it_finds(library: Library, ids: dict[str, int]) -> None:
    rules = SmartRules(match={"field": "album", "operator": "is", "value": "Live"}, sort="-title", limit=2)
    playlist_id = create_playlist(library, PlaylistText(name="smart", rules=rules))
    assert playlist_track_ids(library, playlist_id, 10) == [ids["c"], ids["b"]]
    assert playlist_track_ids(library, playlist_id, 1) == [ids["c"]]


@pytest.mark.parametrize("ask", [album_track_ids, artist_track_ids, playlist_track_ids])
@pytest.mark.parametrize("owner_id", [0, 99, 2**40])
def test_what_is_unknown_is_not_found(
    library: Library, ask: Callable[[Library, int, int], list[int]], owner_id: int
) -> None:
    with pytest.raises(NotFound):
        ask(library, owner_id, 10)


def test_what_the_player_keeps_comes_back(library: Library) -> None:
    assert get_player(library) == {}
    keep_player(library, {"queue": "one", "place": "here"})
    keep_player(library, {"queue": "x" * 300_000})
    assert get_player(library) == {"queue": "x" * 300_000, "place": "here"}
