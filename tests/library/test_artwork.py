import os
from collections.abc import Callable
from pathlib import Path

import pytest

from auralis_trio.errors import NotFound
from auralis_trio.library.artwork import (
    MAX_FILES,
    MAX_FOLDERS,
    ArtworkRecord,
    Owner,
    artwork_state,
    keep_choice,
    keep_found,
    picture_times,
    set_picture,
)
from auralis_trio.library.queries import list_albums, list_artists
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from tests.library.test_queries import statements

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def record(revision: str | None = "abc", source: str = "file") -> ArtworkRecord:
    return ArtworkRecord(
        source=source,  # type: ignore[arg-type]
        revision=revision,
        media_type=revision and "image/png",
        width=revision and 10,  # type: ignore[arg-type]
        height=revision and 20,  # type: ignore[arg-type]
    )


@pytest.fixture
def album_id(library: Library, fill: Fill, probed: Probed) -> int:
    fill([probed(f"Nina/Live/{number}.wav", artist="Nina", album="Live", track_number=number) for number in (2, 1)])
    [album] = list_albums(library).items
    return album.id


def artist_named(library: Library, name: str) -> int:
    return next(artist.id for artist in list_artists(library).items if artist.name == name)


def test_nothing_is_remembered_at_first_and_the_files_say_where_to_look(library: Library, album_id: int) -> None:
    state = artwork_state(library, Owner.ALBUM, album_id)
    assert state.kept is None
    assert state.folders == ("/music/Nina/Live",)
    assert state.files == ("/music/Nina/Live/1.wav", "/music/Nina/Live/2.wav")


def test_an_artists_picture_lies_with_or_above_the_albums_but_never_in_a_root(
    library: Library, album_id: int
) -> None:
    state = artwork_state(library, Owner.ARTIST, artist_named(library, "Nina"))
    assert (state.folders, state.names) == (("/music/Nina", "/music/Nina/Live"), ("artist",))


def test_the_folder_above_several_discs_is_looked_at_too(library: Library, fill: Fill, probed: Probed) -> None:
    names = ["Box/CD1/a.wav", "Box/cd 02/b.wav", "Box/Disc_3/c.wav", "Box/Bonus/d.wav"]
    fill([probed(name, album="Box", album_artist="Nina") for name in names])
    [album] = list_albums(library).items
    folders = artwork_state(library, Owner.ALBUM, album.id).folders
    assert set(folders) == {f"/music/Box{name}" for name in ("", "/CD1", "/cd 02", "/Disc_3", "/Bonus")}


def test_of_many_folders_and_files_a_few_are_looked_at_one_file_of_each_folder_first(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed(f"{n // 2:02}/{n}.wav", album="Live", album_artist="Nina", track_number=n + 1) for n in range(80)])
    [album] = list_albums(library).items
    state = artwork_state(library, Owner.ALBUM, album.id)
    assert len(state.folders) == MAX_FOLDERS
    assert state.files == tuple(f"/music/{n:02}/{2 * n}.wav" for n in range(MAX_FILES))


def test_missing_files_are_not_looked_at(library: Library, album_id: int) -> None:
    mark_missing(library, [1, 2])
    state = artwork_state(library, Owner.ALBUM, album_id)
    assert (state.folders, state.files) == ((), ())


@pytest.mark.parametrize("owner", list(Owner))
def test_what_was_found_is_remembered_with_what_was_seen(library: Library, album_id: int, owner: Owner) -> None:
    owner_id = album_id if owner is Owner.ALBUM else artist_named(library, "Nina")
    for wanted in (record(), record(None, "none"), record("def", "embedded")):
        keep_found(library, owner, owner_id, wanted, "seen")
        state = artwork_state(library, owner, owner_id)
        assert (state.kept, state.seen) == (wanted, "seen")


def test_what_is_seen_changes_with_the_files_and_with_the_folders(
    library: Library, fill: Fill, probed: Probed, album_id: int
) -> None:
    before = artwork_state(library, Owner.ALBUM, album_id)
    one, other = [((7,),)], [((8,),)]
    assert before.seen_now(one) == artwork_state(library, Owner.ALBUM, album_id).seen_now(one)
    assert len({before.seen_now(one), before.seen_now(other), before.seen_now([(None,)])}) == 3
    fill([probed("Nina/Live/1.wav", artist="Nina", album="Live", track_number=1, mtime_ns=9)])
    assert artwork_state(library, Owner.ALBUM, album_id).seen_now(one) != before.seen_now(one)


def test_the_times_change_with_the_folders_and_with_the_pictures_in_them(tmp_path: Path) -> None:
    def now() -> object:
        return picture_times([str(tmp_path), str(tmp_path / "none")], ("cover",))

    def later() -> None:
        """The clock of a disk may stand still for some milliseconds."""
        os.utime(tmp_path, ns=(0, tmp_path.stat().st_mtime_ns + 10**9))

    (tmp_path / "other.png").write_bytes(b"1")
    bare = now()
    assert bare == now()
    (tmp_path / "other.png").write_bytes(b"22")
    assert bare == now()
    (tmp_path / "Cover.PNG").write_bytes(b"1")
    later()
    first = now()
    (tmp_path / "Cover.PNG").write_bytes(b"22")
    second = now()
    (tmp_path / "Cover.PNG").unlink()
    later()
    assert len({repr(times) for times in (bare, first, second, now())}) == 4
    assert picture_times([str(tmp_path / "none")], ("cover",)) == [(None,)]


@pytest.mark.parametrize("choice", [record("set", "set"), record(None, "removed")])
def test_what_was_chosen_is_not_replaced_by_what_is_found(
    library: Library, album_id: int, choice: ArtworkRecord
) -> None:
    keep_choice(library, Owner.ALBUM, album_id, choice, "")
    keep_found(library, Owner.ALBUM, album_id, record("found"), "seen")
    assert artwork_state(library, Owner.ALBUM, album_id).kept == choice
    keep_choice(library, Owner.ALBUM, album_id, record("found"), "seen")
    assert artwork_state(library, Owner.ALBUM, album_id).kept == record("found")


def test_a_picture_that_was_set_is_kept_for_as_long_as_anything_has_it(library: Library, album_id: int) -> None:
    artist_id = artist_named(library, "Nina")
    one, other = record("one", "set"), record("other", "set")

    def kept() -> list[bytes | None]:
        return [set_picture(library, revision) for revision in ("one", "other")]

    assert kept() == [None, None]
    keep_choice(library, Owner.ALBUM, album_id, one, "", b"\0one")
    keep_choice(library, Owner.ARTIST, artist_id, one, "", b"\0one")
    keep_choice(library, Owner.ALBUM, album_id, one, "", b"\0one")
    assert kept() == [b"\0one", None]
    keep_choice(library, Owner.ALBUM, album_id, other, "", b"other")
    assert kept() == [b"\0one", b"other"]
    keep_choice(library, Owner.ARTIST, artist_id, record(None, "removed"), "")
    assert kept() == [None, b"other"]
    keep_choice(library, Owner.ALBUM, album_id, record("found"), "")
    assert kept() == [None, None]


@pytest.mark.parametrize("owner", list(Owner))
@pytest.mark.parametrize("owner_id", [-1, 0, 999, 2**31, 2**99])
def test_an_owner_that_is_not_there_has_nothing_and_gets_nothing(
    library: Library, album_id: int, owner: Owner, owner_id: int
) -> None:
    for ask in (
        lambda: artwork_state(library, owner, owner_id),
        lambda: keep_choice(library, owner, owner_id, record(), ""),
    ):
        with pytest.raises(NotFound) as missing:
            ask()
        assert missing.value.code == f"{owner.value}_not_found"


def test_what_was_found_goes_with_its_album(library: Library, fill: Fill, probed: Probed, album_id: int) -> None:
    keep_found(library, Owner.ALBUM, album_id, record("found"), "seen")
    fill([probed(f"Nina/Live/{n}.wav", artist="Nina", album="Other", mtime_ns=9) for n in (1, 2)])
    with library.reading():
        assert library.db.select("SELECT album_id FROM album_artwork") == []


def test_looking_up_a_picture_takes_the_same_few_statements_for_any_number_of_tracks(
    library: Library, fill: Fill, probed: Probed, album_id: int
) -> None:
    few = statements(library, lambda: artwork_state(library, Owner.ALBUM, album_id))
    fill([probed(f"Nina/Live/{n}.wav", artist="Nina", album="Live") for n in range(50)])
    assert statements(library, lambda: artwork_state(library, Owner.ALBUM, album_id)) == few
