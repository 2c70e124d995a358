"""The tables as Pony sees them. Only this package imports it; what leaves are the records.

The tables themselves are made by `migrations` alone. Paths are bytes, because a file name need not be text.
"""

from dataclasses import dataclass
from typing import Any

from pony.orm import Database, Optional, PrimaryKey, Required, Set, composite_key


@dataclass(frozen=True)
class Entities:
    """The entity classes of one open database."""

    Folder: Any
    Artist: Any
    Album: Any
    Track: Any
    PendingFile: Any
    AnalysisRow: Any
    TuningRow: Any
    ReceiptRow: Any
    Setting: Any
    PlayerPart: Any
    Playlist: Any
    PlaylistEntry: Any
    AlbumArtwork: Any
    ArtistArtwork: Any
    TrackArtist: Any
    Genre: Any
    TrackGenre: Any
    TagEdit: Any
    TagEditFile: Any


def define_entities(db: Database) -> Entities:
    """Define every entity on `db`, which can then be mapped."""

    class Folder(db.Entity):
        """A folder that the operator named; every track lies in one. See `folders` for the last two."""

        _table_ = "folder"
        id = PrimaryKey(int, auto=True)
        path = Required(bytes, unique=True)
        added_ns = Required(int, size=64)
        away = Required(bool, default=False)
        identity = Optional(str, nullable=True)
        tracks = Set("Track")

    class Artist(db.Entity):
        """One name, however it is written (`name_key` is folded); sorted by `name_sort_key`."""

        _table_ = "artist"
        id = PrimaryKey(int, auto=True)
        name = Required(str)
        name_key = Required(str, unique=True)
        name_sort_key = Required(str)
        tracks = Set("Track")
        albums = Set("Album")
        links = Set("TrackArtist")
        artwork = Optional("ArtistArtwork")

    class Album(db.Entity):
        """Tracks with one album title and one owner: the album artist, or the folder where no tag names one."""

        _table_ = "album"
        id = PrimaryKey(int, auto=True)
        title = Required(str)
        title_key = Required(str)
        owner_key = Required(str)
        artist = Optional(Artist, column="artist_id")
        artist_name = Optional(str, nullable=True)
        year = Optional(int)
        title_sort_key = Required(str)
        tracks = Set("Track")
        artwork = Optional("AlbumArtwork")
        composite_key(title_key, owner_key)

    class Track(db.Entity):
        """One file that can be played. The names are as its own tags write them; the keys are folded.

        Lists are sorted by the sort keys, which are those of what tags say for this where they do.
        """

        _table_ = "track"
        id = PrimaryKey(int, auto=True)
        folder = Required(Folder, column="folder_id")
        path = Required(bytes, unique=True)
        size = Required(int, size=64)
        mtime_ns = Required(int, size=64)
        content_id = Required(str)
        kind = Required(str)
        sample_rate = Required(int)
        channels = Required(int)
        bits = Optional(int)
        total_frames = Optional(int, size=64)
        duration_s = Optional(float)
        title = Required(str)
        title_key = Required(str)
        artist = Optional(Artist, column="artist_id")
        artist_name = Optional(str, nullable=True)
        artist_key = Optional(str, nullable=True)
        album = Optional(Album, column="album_id")
        album_title = Optional(str, nullable=True)
        album_key = Optional(str, nullable=True)
        track_number = Optional(int)
        disc_number = Optional(int)
        year = Optional(int)
        genre = Optional(str, nullable=True)
        replaygain_track_gain_db = Optional(float)
        replaygain_album_gain_db = Optional(float)
        replaygain_track_peak = Optional(float)
        replaygain_album_peak = Optional(float)
        r128_track_gain_lu = Optional(float)
        r128_album_gain_lu = Optional(float)
        missing = Required(bool)
        added_ns = Required(int, size=64)
        favorite = Required(bool, default=False)
        rating = Optional(int)
        play_count = Required(int, default=0)
        skip_count = Required(int, default=0)
        last_played_ns = Optional(int, size=64)
        entries = Set("PlaylistEntry")
        album_artist = Optional(str, nullable=True)
        track_total = Optional(int)
        disc_total = Optional(int)
        date = Optional(str, nullable=True)
        original_date = Optional(str, nullable=True)
        composer = Optional(str, nullable=True)
        publisher = Optional(str, nullable=True)
        bpm = Optional(int)
        comment = Optional(str, nullable=True)
        lyrics = Optional(str, nullable=True)
        copyright = Optional(str, nullable=True)
        compilation = Optional(bool)
        title_sort = Optional(str, nullable=True)
        artist_sort = Optional(str, nullable=True)
        album_sort = Optional(str, nullable=True)
        album_artist_sort = Optional(str, nullable=True)
        composer_sort = Optional(str, nullable=True)
        musicbrainz_recording_id = Optional(str, nullable=True)
        musicbrainz_track_id = Optional(str, nullable=True)
        musicbrainz_album_id = Optional(str, nullable=True)
        musicbrainz_release_group_id = Optional(str, nullable=True)
        artist_links = Set("TrackArtist")
        lyrics_mtime_ns = Optional(int, size=64)
        title_sort_key = Required(str)
        artist_sort_key = Optional(str, nullable=True)
        album_sort_key = Optional(str, nullable=True)
        genre_links = Set("TrackGenre")

    class PendingFile(db.Entity):
        """A file that a scan has found new or changed and has still to read; `track_id` is the missing track that it
        was recognised as."""

        _table_ = "pending_file"
        id = PrimaryKey(int, auto=True)
        path = Required(bytes, unique=True)
        track_id = Optional(int)

    class AnalysisRow(db.Entity):
        """What was measured of one content, as JSON, or why it could not be: there is either a profile or a code."""

        _table_ = "analysis"
        content_id = PrimaryKey(str)
        version = Required(int)
        profile = Optional(str, nullable=True)
        code = Optional(str, nullable=True)
        analysed_ns = Required(int, size=64)

    class TuningRow(db.Entity):
        """What rendering a content with one sound and target taught, as JSON."""

        _table_ = "tuning"
        id = PrimaryKey(int, auto=True)
        content_id = Required(str)
        sound = Required(str)
        value = Required(str)
        composite_key(content_id, sound)

    class ReceiptRow(db.Entity):
        """What a whole track measured behind one recipe, as JSON."""

        _table_ = "receipt"
        id = PrimaryKey(int, auto=True)
        content_id = Required(str)
        revision = Required(str, unique=True)
        value = Required(str)

    class Setting(db.Entity):
        """One of the listeners' settings, as JSON."""

        _table_ = "setting"
        name = PrimaryKey(str)
        value = Required(str)

    class PlayerPart(db.Entity):
        """One part of what the player keeps, as JSON."""

        _table_ = "player"
        name = PrimaryKey(str)
        value = Required(str)

    class Playlist(db.Entity):
        """A list of tracks with an order of its own, or, where there are rules (JSON), whatever they find."""

        _table_ = "playlist"
        id = PrimaryKey(int, auto=True)
        name = Required(str)
        name_key = Required(str, index=True)
        description = Optional(str)
        rules = Optional(str, nullable=True)
        created_ns = Required(int, size=64)
        updated_ns = Required(int, size=64)
        entries = Set("PlaylistEntry")

    class PlaylistEntry(db.Entity):
        """One place in a playlist; a track may stand in several. Positions rise from 0 without gaps."""

        _table_ = "playlist_entry"
        id = PrimaryKey(int, auto=True)
        playlist = Required(Playlist, column="playlist_id")
        track = Required(Track, column="track_id")
        position = Required(int)
        added_ns = Required(int, size=64)

    class AlbumArtwork(db.Entity):
        """Where an album's picture comes from, as it was last looked for; `revision` is null where there is none."""

        _table_ = "album_artwork"
        album = PrimaryKey(Album, column="album_id")
        source = Required(str)
        revision = Optional(str, nullable=True)
        media_type = Optional(str, nullable=True)
        width = Optional(int)
        height = Optional(int)
        seen = Optional(str)
        set_ns = Required(int, size=64)

    class ArtistArtwork(db.Entity):
        """The same for an artist."""

        _table_ = "artist_artwork"
        artist = PrimaryKey(Artist, column="artist_id")
        source = Required(str)
        revision = Optional(str, nullable=True)
        media_type = Optional(str, nullable=True)
        width = Optional(int)
        height = Optional(int)
        seen = Optional(str)
        set_ns = Required(int, size=64)

    class TrackArtist(db.Entity):
        """One of the artists of a track, in a role (`artist` or `album_artist`), by the name that the tag has."""

        _table_ = "track_artist"
        track = Required(Track, column="track_id")
        role = Required(str)
        position = Required(int)
        artist = Required(Artist, column="artist_id")
        name = Required(str)
        musicbrainz_id = Optional(str, nullable=True)
        sort_key = Optional(str, nullable=True)
        PrimaryKey(track, role, position)

    class Genre(db.Entity):
        """One genre, however it is written."""

        _table_ = "genre"
        id = PrimaryKey(int, auto=True)
        name = Required(str)
        name_key = Required(str, unique=True)
        links = Set("TrackGenre")

    class TrackGenre(db.Entity):
        """One of the genres of a track."""

        _table_ = "track_genre"
        track = Required(Track, column="track_id")
        position = Required(int)
        genre = Required(Genre, column="genre_id")
        PrimaryKey(track, position)

    class TagEdit(db.Entity):
        """One change of the tags of some files, all or none; `undoes` is the edit that it takes back."""

        _table_ = "tag_edit"
        id = PrimaryKey(int, auto=True)
        state = Required(str)
        undoes = Optional(int)
        started_ns = Required(int, size=64)
        done_ns = Optional(int, size=64)
        files = Set("TagEditFile")

    class TagEditFile(db.Entity):
        """One file of an edit, and what it was `before` and is `after` (JSON)."""

        _table_ = "tag_edit_file"
        id = PrimaryKey(int, auto=True)
        edit = Required(TagEdit, column="edit_id")
        track_id = Required(int)
        path = Required(bytes)
        before = Optional(str, nullable=True)
        after = Optional(str, nullable=True)

    return Entities(
        Folder,
        Artist,
        Album,
        Track,
        PendingFile,
        AnalysisRow,
        TuningRow,
        ReceiptRow,
        Setting,
        PlayerPart,
        Playlist,
        PlaylistEntry,
        AlbumArtwork,
        ArtistArtwork,
        TrackArtist,
        Genre,
        TrackGenre,
        TagEdit,
        TagEditFile,
    )
