"""What a reset forgets, and what it keeps."""

from collections.abc import Callable

import pytest

from auralis_trio.errors import Conflict, NotFound
from auralis_trio.library.facets import facets
from auralis_trio.library.folders import list_folders
from auralis_trio.library.forgetting import forget_missing_track, forget_missing_tracks, missing_page
from auralis_trio.library.mastering_store import keep_failure
from auralis_trio.library.paging import Window
from auralis_trio.library.playlist_entries import list_entries
from auralis_trio.library.playlists import PlaylistText, create_playlist, list_playlists
from auralis_trio.library.queries import list_albums, list_artists, list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.reset import Forgotten, forget_everything
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.settings import get_settings, keep_settings
from auralis_trio.library.smart import SmartRules
from auralis_trio.library.store import Library
from auralis_trio.library.tag_journal import begin_edit, find_files
from auralis_trio.library.totals import statistics

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]

KEPT = {"folder", "setting", "schema_version", "playlist", "tag_edit", "tag_edit_file"}


def tables(library: Library) -> dict[str, int]:
    """How many rows each table has; those of SQLite's index of words are its own."""
    names = {entity._table_ for entity in library.db.entities.values()} | {
        "track_search",
        "set_picture",
        "left_picture",
        "schema_version",
    }
    with library.reading():
        return {name: library.db.get(f"SELECT count(*) FROM {name}") for name in names}


def test_a_reset_forgets_what_was_found_and_keeps_what_an_operator_or_listener_made(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed(f"{n}", artist=f"Artist {n % 2}", album="Live", genre="Jazz", genres=("Jazz",)) for n in range(9)])
    track_ids = [track.id for track in list_tracks(library).items]
    create_playlist(library, PlaylistText(name="own"), track_ids)
    smart = create_playlist(library, PlaylistText(name="smart", rules=SmartRules({"all": []})))
    keep_settings(library, {"preset": "warm"})
    keep_failure(library, "content of 1", "track_corrupt", 1)
    with library.writing() as entities:
        entities.TuningRow(content_id="a", sound="b", value="{}")
        entities.ReceiptRow(content_id="a", revision="b", value="{}")
        entities.PendingFile(path=b"/music/9")
        entities.PlayerPart(name="queue", value="{}")
        library.db.execute("INSERT INTO set_picture (revision, data) SELECT 'a', path FROM folder")
        for kind, table in (("album", "album_artwork"), ("artist", "artist_artwork")):
            columns = f"{kind}_id, source, revision, seen, set_ns"
            library.db.execute(f"INSERT INTO {table} ({columns}) SELECT id, 'set', 'a', '', 1 FROM {kind}")
        columns = "owner, name_key, owner_key, source, revision, set_ns"
        library.db.execute(f"INSERT INTO left_picture ({columns}) VALUES ('album', 'b', '', 'set', 'a', 1)")
    begin_edit(library, find_files(library, track_ids[:1]), None, 1)
    assert min(tables(library).values()) > 0, "every table is put to the test"
    assert forget_everything(library) == Forgotten(tracks=9, albums=1, artists=2, playlists=1)
    assert {name for name, rows in tables(library).items() if rows} == KEPT
    assert [one.id for one in list_playlists(library, Window()).items] == [smart]
    assert get_settings(library) == {"preset": "warm"}
    assert [folder.tracks for folder in list_folders(library)] == [0]


def test_what_is_found_after_a_reset_is_new(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("one", artist="Nina", album="Live", year=1990)])
    [before] = list_tracks(library).items
    forget_everything(library)
    assert (list_tracks(library, search="one").total, list_albums(library).total, list_artists(library).total) == (
        0, 0, 0,
    )  # fmt: skip
    assert facets(library).years == []
    fill([probed("one", artist="Nina", album="Live", year=1990)])
    [after] = list_tracks(library, search="nina").items
    assert (after.title, after.play_count) == ("one", 0)
    assert after.id > before.id, "an id is never given again"
    assert statistics(library).tracks == 1


def test_missing_tracks_go_with_their_places_words_and_the_artists_that_only_they_had(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one", artist="Nina", album="Live"), probed("two", artist="Bob", album="Live", genre="Jazz")])
    fill([probed("three", artist="Bob", album="Gone", genres=("Jazz",))])
    ids = {track.title: track.id for track in list_tracks(library).items}
    own = create_playlist(library, PlaylistText(name="own"), [ids["three"], ids["one"], ids["three"], ids["two"]])
    mark_missing(library, [ids["three"], ids["one"]])
    with pytest.raises(Conflict):
        forget_missing_track(library, ids["two"])
    forget_missing_track(library, ids["one"])
    assert [artist.name for artist in list_artists(library).items] == ["Bob"]
    assert missing_page(library, 0) == [(ids["three"], "/music/three")]
    assert missing_page(library, ids["three"]) == []
    assert forget_missing_tracks(library, [ids["two"], ids["three"]]) == [ids["three"]]
    assert forget_missing_tracks(library, [ids["three"]]) == []
    with pytest.raises(NotFound):
        forget_missing_track(library, ids["one"])
    assert [track.title for track in list_tracks(library).items] == ["two"]
    assert [album.title for album in list_albums(library).items] == ["Live"]
    assert list_tracks(library, search="nina").total == 0
    [entry] = list_entries(library, own, Window()).items
    assert (entry.position, entry.track.id) == (0, ids["two"])
