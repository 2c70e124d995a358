"""The plain, frozen records that pass in and out of the library; null stands for what is not known.

What clients may see never holds a path. `TrackFile`, `ProbedFile` and `FailedFile` do; they stay inside the server.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from auralis_trio.audio.format import AudioFormat
from auralis_trio.audio.formats import format_named
from auralis_trio.audio.units import frames_at_rate

T = TypeVar("T")


class NamedArtist(msgspec.Struct, frozen=True):
    """One of the artists of a track, by the name that the tag has."""

    id: int
    name: str


class TrackRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One track as clients see it. `bits` is the source's word length, `missing` whether its file was gone.

    `artist` and `genre` are what people are shown, `artists` and `genres` the same one by one.
    The gains are those that its own tags ask for: ReplayGain's, and R128's from -23 LUFS. The rating is 0 to 5 stars,
    or null; plays and skips count what was heard.
    """

    id: int
    title: str
    artist: str | None
    artist_id: int | None
    album: str | None
    album_id: int | None
    duration_s: float | None
    sample_rate: int
    channels: int
    bits: int | None
    total_frames: int | None
    format: str
    track_number: int | None
    disc_number: int | None
    year: int | None
    genre: str | None
    missing: bool
    added_ns: int
    replaygain_track_gain_db: float | None = None
    replaygain_album_gain_db: float | None = None
    replaygain_track_peak: float | None = None
    replaygain_album_peak: float | None = None
    r128_track_gain_lu: float | None = None
    r128_album_gain_lu: float | None = None
    favorite: bool = False
    rating: int | None = None
    play_count: int = 0
    skip_count: int = 0
    last_played_ns: int | None = None
    artists: Sequence[NamedArtist] = ()
    genres: Sequence[str] = ()


class AlbumRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One album; `artist` is null where its tracks are by several and no tag names one for all.

    `added_ns` is when the first of its tracks came, and `play_count` counts the plays of all; `artwork` is the
    picture's revision, null where none is known yet.
    """

    id: int
    title: str
    artist: str | None
    artist_id: int | None
    year: int | None
    tracks: int
    duration_s: float | None
    added_ns: int
    play_count: int
    artwork: str | None


class ArtistRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One artist, with the albums that the artist has tracks on, and the revision of the picture, if one is known.

    `added_ns` is when the first of the tracks and of those of the artist's albums came.
    """

    id: int
    name: str
    albums: int
    tracks: int
    added_ns: int
    artwork: str | None


class FolderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One folder of music; `name` is the last part of where it lies."""

    id: int
    name: str
    tracks: int
    added_ns: int


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the whole library. `duration_s` is the sum over the tracks whose length is known, null if none is.

    `plays` and `skips` count what was heard of all tracks; `analysed` counts the tracks' contents that were measured.
    """

    tracks: int
    missing: int
    albums: int
    artists: int
    genres: int
    folders: int
    playlists: int
    favorites: int
    plays: int
    skips: int
    analysed: int
    duration_s: float | None
    unknown_durations: int
    size_bytes: int


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """`limit` items of a list of `total`, from `offset` on; `next_cursor` goes on behind them, null at the end.

    Of a page that a cursor asked for, `offset` is how many items the pages before it gave.
    """

    items: Sequence[T]
    total: int
    offset: int
    limit: int
    next_cursor: str | None


class TrackFile(msgspec.Struct, frozen=True, kw_only=True):
    """Where a track's audio lies and what it was when it was last read; for the server alone.

    A *rendition* is the same track at the sample rate `resample_hz`: another content with a grid of its own.
    """

    track_id: int
    path: str
    content_id: str
    size: int
    mtime_ns: int
    kind: str
    format: AudioFormat
    total_frames: int | None
    added_ns: int = 0
    resample_hz: int | None = None

    @property
    def origin(self) -> str:
        """What all that is made of the samples is kept under: the content, and the track that has it.

        A content is known by a part of the file, so another file of the same length may have the same one. A track
        keeps its id and the time when it was added as long as the library has it, and no other is ever given both.
        Where the audio carries no checksums, a new version of the file, such as a good copy of a damaged one, may
        differ in one place only and nothing tells which is which: so it is another origin, though only its tags may
        be new.
        """
        _, at, rate = self.content_id.partition("@")
        return f"{self.file_origin}{at}{rate}"

    @property
    def file_origin(self) -> str:
        """The same of the file itself, whatever is made of it."""
        return origin_of(self.file_content_id, self.kind, (self.track_id, self.added_ns, self.size, self.mtime_ns))

    @property
    def file_content_id(self) -> str:
        """The content of the file itself, whatever is made of it."""
        return self.content_id if self.resample_hz is None else self.content_id.removesuffix(f"@{self.resample_hz}")

    def at_rate(self, sample_rate: int | None) -> "TrackFile":
        """The track at another sample rate; itself where that is its own, or None.

        Raises:
            ValueError: it is a rendition already: a second one would be resampled twice.
        """
        if sample_rate in (None, self.format.sample_rate):
            return self
        if self.resample_hz is not None:
            raise ValueError(f"a rendition at {self.resample_hz} Hz cannot become one at {sample_rate} Hz")
        frames = self.total_frames
        return msgspec.structs.replace(
            self,
            content_id=f"{self.content_id}@{sample_rate}",
            # What a filter has made has no word length.
            format=AudioFormat(sample_rate, self.format.channels, None),
            total_frames=None if frames is None else frames_at_rate(frames, self.format.sample_rate, sample_rate),
            resample_hz=sample_rate,
        )


def origin_of(content_id: str, kind: str, figures: tuple[int, int, int, int]) -> str:
    """See `TrackFile.origin`; the figures are the track's id and `added_ns`, and its file's size and `mtime_ns`."""
    told = figures[:2] if format_named(kind).checked else figures
    return ".".join([content_id, *map(str, told)])


def content_of_origin(origin: str) -> str:
    """The content in an origin."""
    return origin.partition(".")[0]


# What a scan's processes send is not `kw_only`, which would put the name of every field into each message.
class Tags(msgspec.Struct, frozen=True):
    """What a file says of itself; `title` is the stem of its name where it says none.

    `artist`, `album_artist` and `genre` are what people are shown, `artists`, `album_artists` and `genres` the same
    one by one. Dates are texts as they stand in the tag, and `year` the year in `date`.
    """

    title: str
    artist: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    album_artist: str | None = None
    album_artists: tuple[str, ...] = ()
    track_number: int | None = None
    track_total: int | None = None
    disc_number: int | None = None
    disc_total: int | None = None
    year: int | None = None
    date: str | None = None
    original_date: str | None = None
    genre: str | None = None
    genres: tuple[str, ...] = ()
    composer: str | None = None
    publisher: str | None = None
    bpm: int | None = None
    comment: str | None = None
    lyrics: str | None = None
    copyright: str | None = None
    compilation: bool | None = None
    title_sort: str | None = None
    artist_sort: str | None = None
    album_sort: str | None = None
    album_artist_sort: str | None = None
    composer_sort: str | None = None
    musicbrainz_recording_id: str | None = None
    musicbrainz_track_id: str | None = None
    musicbrainz_album_id: str | None = None
    musicbrainz_release_group_id: str | None = None
    musicbrainz_artist_ids: tuple[str, ...] = ()
    musicbrainz_album_artist_ids: tuple[str, ...] = ()
    replaygain_track_gain_db: float | None = None
    replaygain_album_gain_db: float | None = None
    replaygain_track_peak: float | None = None
    replaygain_album_peak: float | None = None
    r128_track_gain_lu: float | None = None
    r128_album_gain_lu: float | None = None

    def __post_init__(self) -> None:
        """Where nobody took a name apart, it is one."""
        if self.artist and not self.artists:
            msgspec.structs.force_setattr(self, "artists", (self.artist,))
        if self.album_artist and not self.album_artists:
            msgspec.structs.force_setattr(self, "album_artists", (self.album_artist,))
        if self.genre and not self.genres:
            msgspec.structs.force_setattr(self, "genres", (self.genre,))


class ProbedFile(msgspec.Struct, frozen=True):
    """All that a scan learns of one file without decoding it.

    `lyrics_beside` is what a file of lyrics beside it says, and `lyrics_mtime_ns` when that was changed.
    """

    path: str
    size: int
    mtime_ns: int
    kind: str
    format: AudioFormat
    total_frames: int | None
    content_id: str
    tags: Tags
    lyrics_beside: str | None = None
    lyrics_mtime_ns: int | None = None

    @property
    def lyrics(self) -> str | None:
        """The lyrics: those beside the file, or else those in its tags."""
        return self.lyrics_beside or self.tags.lyrics


class FailedFile(msgspec.Struct, frozen=True):
    """A file that could not be read, with the stable code of the reason."""

    path: str
    code: str
