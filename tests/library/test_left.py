"""A picture that was chosen for an album or artist follows the tracks, and comes back with them."""

from collections.abc import Callable, Sequence

import pytest

from auralis_trio.library import left
from auralis_trio.library.artwork import ArtworkRecord, Owner, artwork_state, keep_choice, keep_found, set_picture
from auralis_trio.library.forgetting import forget_missing_tracks
from auralis_trio.library.queries import list_albums, list_artists
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from tests.library.test_artwork import record

Fill = Callable[[Sequence[ProbedFile]], None]
Probed = Callable[..., ProbedFile]
Put = Callable[..., None]
REMOVED = record(None, "removed")


def picture(name: str) -> ArtworkRecord:
    return record(name, "set")


@pytest.fixture
def put(fill: Fill, probed: Probed) -> Put:
    """Tracks by their names, each with the album or the artist given; `artist/album` for both."""

    def apply(**tracks: str) -> None:
        pairs = {name: value.split("/") for name, value in tracks.items()}
        fill([probed(f"{name}.wav", artist=artist, album=album) for name, (artist, album) in pairs.items()])

    return apply


def owners(library: Library, owner: Owner) -> dict[str, int]:
    if owner is Owner.ALBUM:
        return {album.title: album.id for album in list_albums(library).items}
    return {artist.name: artist.id for artist in list_artists(library).items}


def choose(library: Library, owner: Owner, name: str, chosen: ArtworkRecord) -> None:
    data = chosen.revision.encode() if chosen.revision else None
    keep_choice(library, owner, owners(library, owner)[name], chosen, "", data)


def shown(library: Library, owner: Owner = Owner.ALBUM) -> dict[str, str | None]:
    """What each album or artist has for a picture; `removed` where none is to be shown."""
    found: dict[str, str | None] = {}
    for name, owner_id in owners(library, owner).items():
        kept = artwork_state(library, owner, owner_id).kept
        found[name] = None if kept is None else kept.revision or kept.source
        if kept is not None and kept.source == "set":
            assert set_picture(library, str(kept.revision)) == str(kept.revision).encode()
    return found


@pytest.mark.parametrize("chosen", [picture("p"), REMOVED])
@pytest.mark.parametrize("owner", Owner)
def test_a_choice_goes_to_where_all_tracks_went_and_back_with_them(
    library: Library, put: Put, owner: Owner, chosen: ArtworkRecord
) -> None:
    put(a="X/X", b="X/X")
    choose(library, owner, "X", chosen)
    what = chosen.revision or "removed"
    put(a="X!/X!", b="X!/X!")
    assert shown(library, owner) == {"X!": what}
    put(a="X/X", b="X/X")
    assert shown(library, owner) == {"X": what}


@pytest.mark.parametrize("owner", Owner)
def test_a_choice_goes_over_with_the_last_of_the_tracks(library: Library, put: Put, owner: Owner) -> None:
    put(a="X/X", b="X/X")
    choose(library, owner, "X", picture("p"))
    put(a="Y/Y")
    keep_found(library, owner, owners(library, owner)["Y"], record("inside", "embedded"), "seen")
    assert shown(library, owner) == {"X": "p", "Y": "inside"}
    put(b="Y/Y")
    assert shown(library, owner) == {"Y": "p"}


@pytest.mark.parametrize("owner", Owner)
@pytest.mark.parametrize("own", [picture("q"), REMOVED, None])
def test_what_was_chosen_for_the_other_stays_and_both_have_their_own_again_when_tracks_go_back(
    library: Library, put: Put, owner: Owner, own: ArtworkRecord | None
) -> None:
    put(a="X/X", b="Y/Y")
    choose(library, owner, "X", picture("p"))
    if own is not None:
        choose(library, owner, "Y", own)
    before = shown(library, owner)
    put(a="Y/Y")
    assert shown(library, owner) == {"Y": before["Y"] or "p"}
    if own is not None:  # the bytes of what nothing shows just now stay too
        choose(library, owner, "Y", own)
    put(a="X/X")
    assert shown(library, owner) == before


def test_it_comes_back_also_where_the_other_was_called_differently_meanwhile(library: Library, put: Put) -> None:
    put(a="N/X", b="N/Y")
    for name in "XY":
        choose(library, Owner.ALBUM, name, picture(name))
    put(a="N/Y")
    put(a="N/Z", b="N/Z")
    assert shown(library) == {"Z": "Y"}
    put(a="N/Y", b="N/Y")
    put(a="N/X")
    assert shown(library) == {"X": "X", "Y": "Y"}


def test_another_album_that_takes_the_name_takes_no_picture(library: Library, put: Put) -> None:
    put(a="N/X", b="N/Z")
    choose(library, Owner.ALBUM, "X", picture("p"))
    put(a="N/Y")
    put(b="N/X")
    assert shown(library) == {"X": None, "Y": "p"}


def test_what_was_chosen_last_goes_along_before_what_was_there_once(library: Library, put: Put) -> None:
    put(a="N/X")
    choose(library, Owner.ALBUM, "X", picture("old"))
    put(a="N/Y")
    choose(library, Owner.ALBUM, "Y", picture("new"))
    put(a="N/X")
    assert shown(library) == {"X": "new"}


def test_an_artist_who_was_beside_another_does_not_inherit(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("a.wav", artist="X; Y", artists=("X", "Y"))])
    choose(library, Owner.ARTIST, "X", picture("p"))
    fill([probed("a.wav", artist="Y", artists=("Y",))])
    assert shown(library, Owner.ARTIST) == {"Y": None}


def test_an_album_that_was_forgotten_has_its_picture_again_when_its_music_is_back(library: Library, put: Put) -> None:
    put(a="N/X")
    choose(library, Owner.ALBUM, "X", picture("p"))
    mark_missing(library, [1])
    forget_missing_tracks(library, [1])
    assert shown(library) == {}
    put(a="N/X")
    assert shown(library) == {"X": "p"}


def test_only_the_last_of_what_was_dropped_is_remembered(
    library: Library, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left, "MAX_LEFT_PICTURES", 2)
    put(**{name: f"N/{name}" for name in "abc"})
    for name in "abc":
        choose(library, Owner.ALBUM, name, picture(name))
        put(**{name: "N/All"})
    with library.reading():
        assert list(library.db.select("SELECT name_key FROM left_picture ORDER BY id")) == ["b", "c"]
