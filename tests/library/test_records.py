"""Records: what a track's file becomes at another rate."""

import msgspec
import pytest

from auralis_trio.audio.source import AudioFormat
from auralis_trio.library.records import TrackFile, content_of_origin

FILE = TrackFile(
    track_id=1,
    path="/nowhere/1.flac",
    content_id="content",
    size=1,
    mtime_ns=1,
    kind="flac",
    format=AudioFormat(44_100, 2, 16),
    total_frames=148,
)


def test_a_rendition_is_another_content_of_the_same_file() -> None:
    rendition = FILE.at_rate(48_000)
    assert rendition.content_id == "content@48000"
    assert rendition.file_content_id == FILE.file_content_id == "content"
    assert rendition.format == AudioFormat(48_000, 2, None)
    assert rendition.total_frames == 162
    assert (rendition.track_id, rendition.path, rendition.resample_hz) == (1, FILE.path, 48_000)


def test_an_origin_names_the_content_the_track_that_has_it_and_the_rate() -> None:
    others = [
        msgspec.structs.replace(FILE, **change) for change in ({"track_id": 2}, {"added_ns": 7}, {"content_id": "x"})
    ]
    origins = [each.origin for file in (FILE, *others) for each in (file, file.at_rate(48_000))]
    assert len(set(origins)) == len(origins)
    assert FILE.at_rate(48_000).file_origin == FILE.file_origin == FILE.origin
    tagged = msgspec.structs.replace(FILE, path="/elsewhere", size=2, mtime_ns=2)
    assert tagged.origin == FILE.origin
    for kind in ("wav", "aiff", "mp3", "m4a", "alac", "aac", "wma"):
        plain, written = (msgspec.structs.replace(file, kind=kind) for file in (FILE, tagged))
        assert plain.origin != written.origin
        assert msgspec.structs.replace(plain, path="/elsewhere").origin == plain.origin
    assert content_of_origin(FILE.origin) == "content"


def test_at_its_own_rate_a_track_is_itself() -> None:
    assert FILE.at_rate(44_100) is FILE
    assert FILE.at_rate(None) is FILE
    rendition = FILE.at_rate(48_000)
    assert rendition.at_rate(48_000) is rendition


def test_nothing_is_resampled_twice() -> None:
    with pytest.raises(ValueError, match="cannot become one at 96000 Hz"):
        FILE.at_rate(48_000).at_rate(96_000)


def test_a_length_that_is_not_known_is_not_known_at_another_rate() -> None:
    assert msgspec.structs.replace(FILE, total_frames=None).at_rate(48_000).total_frames is None
