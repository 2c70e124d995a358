"""What a chunk is kept under: everything that decides its bytes, and what is worth room on a disk."""

import pytest

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.grid import GRAINS_PER_CHUNK, Grid
from auralis_trio.audio.source import AudioFormat
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import AS_RECORDED, Recipe, Schedule
from auralis_trio.stream.chunk_key import Form, chunk_key, is_dear, revision_of

WARM = Recipe(preset="warm", intensity=1.0, gain_db=-3.0)
QUIETER = Recipe(trim_db=-3.0)
GRID = Grid(8_000, 200_000)


def file(kind: str = "wav") -> TrackFile:
    return TrackFile(
        track_id=1,
        path="/nowhere",
        content_id="content",
        size=1,
        mtime_ns=1,
        kind=kind,
        format=AudioFormat(44_100, 2, 16),
        total_frames=200_000,
        added_ns=5,
    )


def test_each_thing_that_decides_the_bytes_makes_another_key() -> None:
    keys = [
        chunk_key(file(), GRID, (AS_RECORDED, 0, Encoding.FLAC)),
        chunk_key(file(), GRID, (AS_RECORDED, 0, Encoding.FLAC), "packets"),
        chunk_key(file(), GRID, (AS_RECORDED, 0, Encoding.S16)),
        chunk_key(file(), GRID, (AS_RECORDED, 1, Encoding.FLAC)),
        chunk_key(file(), GRID, (WARM, 0, Encoding.FLAC)),
        chunk_key(file().at_rate(48_000), GRID, (AS_RECORDED, 0, Encoding.FLAC)),
    ]
    assert len(set(keys)) == len(keys)
    assert len({key.revision for key in keys}) == 3
    assert {key.file_origin for key in keys} == {"content.1.5.1.1"}


def test_plain_samples_have_one_key_in_whatever_form_they_are_asked_for() -> None:
    forms: tuple[Form, ...] = ("whole", "packets")
    assert len({chunk_key(file(), GRID, (AS_RECORDED, 0, Encoding.S24), form) for form in forms}) == 1


def test_a_change_of_sound_in_one_chunk_leaves_the_keys_of_others_as_they_are() -> None:
    change = Schedule(AS_RECORDED, GRAINS_PER_CHUNK + 3, WARM)
    keys = [chunk_key(file(), GRID, (change, index, Encoding.S16)) for index in range(3)]
    assert keys[0] == chunk_key(file(), GRID, (AS_RECORDED, 0, Encoding.S16))
    assert keys[2] == chunk_key(file(), GRID, (WARM, 2, Encoding.S16))
    assert keys[1].sound not in {AS_RECORDED.key, WARM.key}


def test_a_revision_is_short_and_stable() -> None:
    assert revision_of("a", "b") == revision_of("a", "b") != revision_of("b", "a")
    assert len(revision_of("a", "b")) == 20


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "aiff"])
def test_plain_samples_as_recorded_are_cheaper_to_make_than_to_read_where_the_decoder_seeks(kind: str) -> None:
    for encoding in (Encoding.S16, Encoding.S24, Encoding.F32, Encoding.WAV):
        assert not is_dear(file(kind), AS_RECORDED, encoding)
        assert not is_dear(file(kind), QUIETER, encoding)


@pytest.mark.parametrize("kind", ["wav", "flac", "opus", "m4a"])
def test_what_is_mastered_encoded_resampled_or_decoded_in_sequence_is_worth_keeping(kind: str) -> None:
    assert is_dear(file(kind), WARM, Encoding.S16)
    assert is_dear(file(kind), Schedule(AS_RECORDED, 3, WARM), Encoding.S16)
    assert is_dear(file(kind), AS_RECORDED, Encoding.FLAC)
    assert is_dear(file(kind).at_rate(48_000), AS_RECORDED, Encoding.S16)
    assert is_dear(file(kind), AS_RECORDED, Encoding.S16) == (kind in {"opus", "m4a"})
