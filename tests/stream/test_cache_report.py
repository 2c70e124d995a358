"""What lies in the cache, told by track and by sound: counted from the names alone."""

from auralis_trio.stream.cache_report import CachedTrack, cached_sounds, cached_tracks
from auralis_trio.stream.chunk_key import ChunkKey, revision_of
from auralis_trio.stream.disk_tier import Kept, name_of


def name(content_id: str, index: int, sound: str = "plain", total: int = 3) -> str:
    return name_of(ChunkKey(content_id, sound, index, total, "flac"))


MEMORY = {name("one", 0): 10, name("one", 1): 10, name("two", 0): 5}
DISK = {name("one", 1): 12, name("one", 2): 12, name("one", 0, "warm"): 100, name("one@48000", 0, total=4): 7}


def test_of_each_track_both_tiers_are_told_and_the_largest_comes_first() -> None:
    assert cached_tracks(MEMORY, DISK) == [
        CachedTrack("one", memory=Kept(2, 20), disk=Kept(4, 131)),
        CachedTrack("two", memory=Kept(1, 5), disk=Kept(0, 0)),
    ]
    assert cached_tracks({}, {}) == []


def test_of_each_sound_it_is_told_which_part_is_there() -> None:
    plain, *others = cached_sounds("one", MEMORY, DISK)
    assert (plain.revision, plain.sample_rate) == (revision_of("one", "plain"), None)
    assert (plain.memory_chunks, plain.disk_chunks, plain.cached_chunks, plain.total_chunks) == (2, 2, 3, 3)
    assert plain.complete
    assert {(one.revision, one.sample_rate, one.cached_chunks, one.total_chunks, one.complete) for one in others} == {
        (revision_of("one", "warm"), None, 1, 3, False),
        (revision_of("one@48000", "plain"), 48_000, 1, 4, False),
    }
    assert cached_sounds("three", MEMORY, DISK) == []


def test_what_others_put_beside_the_chunks_is_none_of_a_track() -> None:
    ours = cached_sounds("one", MEMORY, DISK)
    others = dict.fromkeys(("one", "one-a-b-c-x-3", "one-a-b-c-1", "one-a-b-c-1-", ""), 1)
    assert cached_sounds("one", MEMORY, DISK | others) == ours
