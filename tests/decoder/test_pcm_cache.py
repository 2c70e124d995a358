"""The PCM cache: decoded once, by whoever needs more; bounded; patient within reason; never wrong."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from auralis_trio.audio.source import AudioFormat, AudioSource
from auralis_trio.decoder.opening import open_source
from auralis_trio.decoder.parking import MAX_FORWARD
from auralis_trio.decoder.pcm_cache import MAX_PARKED, PcmCache
from auralis_trio.errors import SourceCorrupt, SourceNotReady, StartupError
from tests.decoder.conftest import Sounds

FRAMES = 200_000
TRACK_BYTES = FRAMES * 2 * 4
STEP = 1 << 15  # what one turn decodes, at most


class Tape:
    """A made track whose samples are the numbers of their frames, and what was done with its decoders."""

    FRAMES = 1_000_000
    FORMAT = AudioFormat(48_000, 2, 16)

    def __init__(self, breaks_at: int = FRAMES) -> None:
        self.breaks_at = breaks_at
        self.started = self.open = self.frames_read = 0

    def start(self) -> "TapeDecoder":
        self.started += 1
        self.open += 1
        return TapeDecoder(self)


class TapeDecoder:
    """See `Decoder`."""

    format = Tape.FORMAT
    total_frames = Tape.FRAMES

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._at = 0

    def read(self, frames: int) -> np.ndarray:
        end = min(self._at + frames, self._tape.breaks_at)
        block = np.repeat(np.arange(self._at, end, dtype=np.float32)[:, None], 2, axis=1)
        self._at = end
        self._tape.frames_read += len(block)
        return block

    def close(self) -> None:
        self._tape.open -= 1


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _path(sounds: Sounds, kind: str = "m4a") -> str:
    return sounds.path(kind, 2, 48_000, FRAMES)


def _read_all(source: AudioSource, step: int = 10_000) -> np.ndarray:
    blocks = [
        source.read(start, min(step, source.total_frames - start)) for start in range(0, source.total_frames, step)
    ]
    return np.concatenate(blocks)


def _play(path: str, content_id: str, cache: PcmCache) -> np.ndarray:
    source = open_source(path, content_id, cache)
    try:
        return _read_all(source)
    finally:
        source.close()


def _ask_until_ready(ask: Callable[[], object]) -> int:
    """How often the answer was to come again."""
    answers: list[SourceNotReady] = []
    while True:
        try:
            ask()
        except SourceNotReady as error:
            answers.append(error)
        else:
            assert all(1 <= int(answer.headers["Retry-After"]) <= 600 for answer in answers)
            return len(answers)
        assert len(answers) < 100


def test_a_track_is_decoded_once_for_all_its_readers(sounds: Sounds, new_cache: Callable[..., PcmCache]) -> None:
    cache = new_cache()
    first, second = (_play(_path(sounds), "one", cache) for _ in range(2))
    assert np.array_equal(first, second)
    assert cache.statistics().fills == 1
    assert cache.statistics().entries == 1
    assert cache.statistics().bytes == TRACK_BYTES


def test_a_read_decodes_no_further_than_it_needs(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    source = open_source(_path(sounds), "one", new_cache())
    source.read(0, 100)
    (data,) = (tmp_path / "pcm").glob("*.pcm")
    assert data.stat().st_size <= STEP * 8
    source.close()


def test_complete_tracks_survive_a_restart(sounds: Sounds, new_cache: Callable[..., PcmCache]) -> None:
    whole = _play(_path(sounds), "one", new_cache())
    cache = new_cache()
    assert cache.statistics().entries == 1
    assert np.array_equal(_play(_path(sounds), "one", cache), whole)
    assert cache.statistics().fills == 0


def test_unfinished_tracks_do_not(sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path) -> None:
    source = open_source(_path(sounds), "one", new_cache())
    source.read(0, 50_000)
    source.close()
    assert new_cache().statistics().entries == 0
    assert list((tmp_path / "pcm").iterdir()) == []


def _shorten(folder: Path) -> None:
    (data,) = folder.glob("*.pcm")
    os.truncate(data, data.stat().st_size - 4)


def _bend_the_record(folder: Path) -> None:
    (record,) = folder.glob("*.record")
    record.write_bytes(record.read_bytes().replace(b"48000", b"44100"))


def _lose_the_data(folder: Path) -> None:
    (data,) = folder.glob("*.pcm")
    data.unlink()


def _lose_the_record(folder: Path) -> None:
    (record,) = folder.glob("*.record")
    record.unlink()


@pytest.mark.parametrize("spoil", [_shorten, _bend_the_record, _lose_the_data, _lose_the_record])
def test_what_does_not_fit_together_is_deleted_at_the_start(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    whole = _play(_path(sounds), "one", new_cache())
    folder = tmp_path / "pcm"
    (folder / "keep.txt").write_text("not the cache's")
    spoil(folder)
    cache = new_cache()
    assert [left.name for left in folder.iterdir()] == ["keep.txt"]
    assert np.array_equal(_play(_path(sounds), "one", cache), whole)


def test_a_folder_that_disappears_is_made_again_and_its_tracks_decoded_again(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    cache = new_cache()
    whole = _play(_path(sounds), "one", cache)
    for path in (tmp_path / "pcm").iterdir():
        path.unlink()
    (tmp_path / "pcm").rmdir()
    assert np.array_equal(_play(_path(sounds), "one", cache), whole)
    assert np.array_equal(_play(_path(sounds), "two", cache), whole)
    for name in ("one", "two"):
        assert np.array_equal(_play(_path(sounds), name, cache), whole)
    found = cache.statistics()
    assert (found.fills, found.spills, found.bytes) == (3, 0, 2 * TRACK_BYTES)
    assert new_cache().statistics().entries == 2


def _put_a_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, _put_a_link])
@pytest.mark.parametrize("suffix", [".pcm", ".record", ".draft"])
def test_what_is_no_regular_file_in_the_cache_is_never_waited_for_and_the_track_decoded_again(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path, put: Callable[[Path], None], suffix: str
) -> None:
    cache = new_cache()
    whole = _play(_path(sounds), "one", cache)
    (data,) = (tmp_path / "pcm").glob("*.pcm")
    odd = data.with_suffix(suffix)
    odd.unlink(missing_ok=True)
    put(odd)
    for again in (cache, new_cache(), new_cache()):
        assert np.array_equal(_play(_path(sounds), "one", again), whole)
        assert odd.is_file() or odd.is_dir() or not odd.exists()


def _flip(folder: Path, at: int = TRACK_BYTES // 3) -> None:
    (data,) = folder.glob("*.pcm")
    with data.open("r+b") as file:
        file.seek(at)
        bits = file.read(4)
        file.seek(at)
        file.write(bytes(bit ^ 0x10 for bit in bits))


@pytest.mark.parametrize("at", [0, TRACK_BYTES // 3, TRACK_BYTES - 4])
def test_samples_that_the_disk_has_spoilt_are_never_heard_and_decoded_again(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path, at: int
) -> None:
    whole, cache = sounds.read(_path(sounds)), new_cache()
    _play(_path(sounds), "one", cache)
    _flip(tmp_path / "pcm", at)
    assert np.array_equal(_play(_path(sounds), "one", cache), whole)
    assert np.array_equal(_play(_path(sounds), "one", cache), whole)
    assert cache.statistics().fills == 2
    _flip(tmp_path / "pcm", at)
    cache = new_cache()
    for _ in range(2):
        assert np.array_equal(_play(_path(sounds), "one", cache), whole)
    assert (cache.statistics().fills, cache.statistics().bytes) == (1, TRACK_BYTES)


def test_samples_that_are_spoilt_while_the_rest_is_decoded_are_not_heard_either(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    whole, cache = sounds.read(_path(sounds)), new_cache()
    for part in (STEP, STEP // 2 + 100, FRAMES):
        source = open_source(_path(sounds), "one", cache)
        source.read(0, part)
        _flip(tmp_path / "pcm", 4 * part)
        assert np.array_equal(_read_all(source), whole)
        source.close()
        assert np.array_equal(_play(_path(sounds), "one", cache), whole)
        cache.clear()


def test_files_that_changed_places_are_not_taken_for_each_other(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    paths = {"one": _path(sounds), "two": sounds.path("wavpack", 2, 48_000, FRAMES)}
    cache = new_cache()
    whole = {name: _play(path, name, cache) for name, path in paths.items()}
    for suffix in (".pcm", ".record"):
        one, two = sorted((tmp_path / "pcm").glob(f"*{suffix}"))
        one.rename(tmp_path / "between")
        two.rename(one)
        (tmp_path / "between").rename(two)
    for again in (cache, new_cache()):
        for name, path in paths.items():
            assert np.array_equal(_play(path, name, again), whole[name])


def test_clearing_forgets_one_content_or_all_and_what_is_read_when_its_last_reader_leaves(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    whole, cache = sounds.read(_path(sounds)), new_cache()
    for name in ("one", "two", "three"):
        _play(_path(sounds), name, cache)
    assert cache.clear("one") == (1, TRACK_BYTES)
    assert cache.statistics().bytes == 2 * TRACK_BYTES
    source = open_source(_path(sounds), "two", cache)
    assert cache.clear() == (2, 2 * TRACK_BYTES)
    assert np.array_equal(_read_all(source), whole)
    source.close()
    assert (cache.statistics().entries, cache.statistics().bytes) == (0, 0)
    assert list((tmp_path / "pcm").iterdir()) == []
    assert np.array_equal(_play(_path(sounds), "two", cache), whole)
    assert cache.statistics().entries == 1


def test_a_folder_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError):
        PcmCache(str(tmp_path / "file"), 1 << 20, 1.0)


def test_the_longest_unused_make_room_and_the_bound_always_holds(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    cache = new_cache(max_bytes=3 * TRACK_BYTES)
    for name in ("a", "b", "c", "a", "d", "e"):
        _play(_path(sounds), name, cache)
        held = sum(path.stat().st_size for path in (tmp_path / "pcm").glob("*.pcm"))
        assert held == cache.statistics().bytes <= 3 * TRACK_BYTES
    assert cache.statistics().fills == 5
    assert cache.statistics().evictions == 2
    _play(_path(sounds), "a", cache)
    assert cache.statistics().fills == 5
    _play(_path(sounds), "b", cache)
    assert cache.statistics().fills == 6


def test_the_order_of_use_outlives_the_process(sounds: Sounds, new_cache: Callable[..., PcmCache]) -> None:
    cache = new_cache()
    for name in ("a", "b", "c", "a"):
        _play(_path(sounds), name, cache)
    cache = new_cache(max_bytes=2 * TRACK_BYTES)
    assert cache.statistics().entries == 2
    for name in ("c", "a"):
        _play(_path(sounds), name, cache)
    assert cache.statistics().fills == 0


def test_an_open_track_is_never_evicted_and_what_finds_no_room_still_plays(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    whole = sounds.read(_path(sounds))
    cache = new_cache(max_bytes=TRACK_BYTES)
    kept = open_source(_path(sounds), "kept", cache)
    kept.read(0, 1)
    crowded = open_source(_path(sounds), "crowded", cache)
    assert np.array_equal(_read_all(crowded), whole)
    assert np.array_equal(_read_all(kept), whole)
    crowded.close()
    kept.close()
    assert cache.statistics().spills == 1
    assert np.array_equal(_play(_path(sounds), "crowded", cache), whole)
    assert cache.statistics().entries == 1


def test_nothing_is_evicted_for_a_track_that_would_not_fit_even_then(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    cache = new_cache(max_bytes=2 * TRACK_BYTES)
    _play(_path(sounds), "idle", cache)
    held = open_source(_path(sounds), "held", cache)
    _play(sounds.path("m4a", 2, 48_000, FRAMES + 1), "too large beside the held one", cache)
    held.close()
    assert cache.statistics().evictions == 0
    assert cache.statistics().spills == 1
    assert cache.statistics().bytes == TRACK_BYTES


@pytest.mark.parametrize("kind", ["m4a", "aac", "opus", "tta", "wma"])
def test_a_track_larger_than_the_whole_cache_plays_forward(
    sounds: Sounds, new_cache: Callable[..., PcmCache], kind: str
) -> None:
    whole = sounds.read(_path(sounds, kind))
    cache = new_cache(max_bytes=TRACK_BYTES // 3)
    source = open_source(_path(sounds, kind), "large", cache)
    assert np.array_equal(_read_all(source), whole)
    assert np.array_equal(source.read(FRAMES // 2, 100), whole[FRAMES // 2 : FRAMES // 2 + 100])
    source.close()
    assert cache.statistics().bytes == 0


def test_the_length_of_a_track_that_is_too_large_is_counted_once(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    cache = new_cache(max_bytes=TRACK_BYTES // 3, patience_s=0.0)
    assert _ask_until_ready(lambda: open_source(_path(sounds, "aac"), "large", cache).close()) > 2
    assert _ask_until_ready(lambda: open_source(_path(sounds, "aac"), "large", cache).close()) == 0


def test_a_far_seek_in_a_track_that_is_too_large_is_refused_but_not_for_ever(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    whole = sounds.read(_path(sounds))
    source = open_source(_path(sounds), "large", new_cache(max_bytes=TRACK_BYTES // 3, patience_s=0.0))
    parts: list[np.ndarray] = []
    assert _ask_until_ready(lambda: parts.append(source.read(FRAMES - 1000, 1000))) >= FRAMES // STEP - 1
    assert np.array_equal(parts[0], whole[-1000:])
    source.close()


@pytest.mark.parametrize("kind", ["m4a", "aac", "opus"])
def test_who_comes_again_for_a_far_place_in_a_track_that_is_too_large_gets_further_each_time(
    sounds: Sounds, new_cache: Callable[..., PcmCache], kind: str
) -> None:
    whole, cache = sounds.read(_path(sounds, kind)), new_cache(max_bytes=TRACK_BYTES // 3, patience_s=0.0)
    parts: list[np.ndarray] = []

    def ask_anew(start: int) -> None:
        source = open_source(_path(sounds, kind), "large", cache)
        try:
            parts.append(source.read(start, 1000))
        finally:
            source.close()

    last = len(whole) - 1000
    assert _ask_until_ready(lambda: ask_anew(last)) >= FRAMES // STEP - 1
    assert np.array_equal(parts[-1], whole[last:])
    assert _ask_until_ready(lambda: ask_anew(last - 2000)) == 0
    assert np.array_equal(parts[-1], whole[last - 2000 : last - 1000])


def test_pieces_of_a_track_that_is_too_large_cost_what_it_costs_as_a_whole(
    new_cache: Callable[..., PcmCache],
) -> None:
    cache, tape = new_cache(max_bytes=1), Tape()
    for start in range(0, Tape.FRAMES, 10_000):
        source = cache.open("tape", tape.start)
        assert source.read(start, 10_000)[:, 0].tolist() == list(range(start, start + 10_000))
        source.close()
    assert tape.started <= 1 + Tape.FRAMES // 10_000  # each looks what it is; one decodes
    assert tape.frames_read <= Tape.FRAMES
    assert tape.open <= 1
    cache.close_idle()
    assert tape.open == 0


def test_two_places_in_a_track_that_is_too_large_do_not_lead_each_other_astray(
    new_cache: Callable[..., PcmCache],
) -> None:
    cache, tape = new_cache(max_bytes=1), Tape()
    for step in range(0, Tape.FRAMES // 2, 100_000):
        for start in (step, Tape.FRAMES // 2 + step):
            one, other = cache.open("tape", tape.start), cache.open("tape", tape.start)
            assert one.read(start, 100)[:, 0].tolist() == list(range(start, start + 100))
            assert other.read(0, 1)[0, 0] == 0
            one.close()
            other.close()
    assert cache.statistics().parked <= MAX_FORWARD
    assert tape.open <= MAX_FORWARD


def test_only_a_few_forward_decoders_wait_for_a_reader_to_come_back(new_cache: Callable[..., PcmCache]) -> None:
    cache, tapes = new_cache(max_bytes=1), [Tape() for _ in range(2 * MAX_FORWARD)]
    for number, tape in enumerate(tapes):
        source = cache.open(f"tape {number}", tape.start)
        source.read(0, Tape.FRAMES)
        source.close()
    assert [tape.open for tape in tapes] == [0] * MAX_FORWARD + [1] * MAX_FORWARD
    assert cache.statistics().parked == MAX_FORWARD
    cache.close_idle()
    assert [tape.open for tape in tapes] == [0] * len(tapes)


@pytest.mark.parametrize("meanwhile", [False, True])
def test_what_is_cleared_is_not_gone_on_with(new_cache: Callable[..., PcmCache], meanwhile: bool) -> None:
    cache, tape = new_cache(max_bytes=1), Tape()
    source = cache.open("tape", tape.start)
    source.read(0, 100)
    if meanwhile:
        cache.clear()
    source.close()
    if not meanwhile:
        assert tape.open == 1
        cache.clear()
    assert tape.open == 0
    assert cache.statistics().parked == 0


def test_nobody_goes_on_behind_damage(new_cache: Callable[..., PcmCache]) -> None:
    cache, tape = new_cache(max_bytes=1), Tape(breaks_at=2 * STEP)
    source = cache.open("tape", tape.start)
    with pytest.raises(SourceCorrupt):
        source.read(3 * STEP, 100)
    assert source.read(STEP, 100)[0, 0] == STEP  # what was decoded before is still there
    started = tape.started
    assert started == 2
    source.close()
    assert tape.open == 0


def test_a_call_that_decodes_too_long_says_when_to_come_again_and_keeps_what_it_did(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    whole = sounds.read(_path(sounds))
    cache = new_cache(patience_s=0.0)
    parts: list[np.ndarray] = []

    def ask_anew() -> None:
        source = open_source(_path(sounds), "one", cache)
        try:
            parts.append(source.read(FRAMES - 500, 500))
        finally:
            source.close()

    assert _ask_until_ready(ask_anew) == FRAMES // STEP
    assert np.array_equal(parts[0], whole[-500:])
    assert cache.statistics().fills == 1
    assert _ask_until_ready(ask_anew) == 0


def test_counting_an_undeclared_length_has_the_same_patience(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    cache = new_cache(patience_s=0.0)
    assert _ask_until_ready(lambda: open_source(_path(sounds, "aac"), "one", cache).close()) >= FRAMES // STEP
    assert cache.statistics().fills == 1
    assert np.array_equal(_play(_path(sounds, "aac"), "one", cache), sounds.read(_path(sounds, "aac")))


def test_two_readers_share_the_work_and_both_get_what_they_asked_for(
    sounds: Sounds, new_cache: Callable[..., PcmCache]
) -> None:
    whole = sounds.read(_path(sounds))
    cache = new_cache()
    sources = [open_source(_path(sounds), "one", cache) for _ in range(4)]
    right: list[bool] = []

    def read(number: int) -> None:
        start = FRAMES // 4 * number
        right.append(np.array_equal(sources[number].read(start, 20_000), whole[start : start + 20_000]))

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert right == [True] * 4
    assert cache.statistics().fills == 1
    for source in sources:
        source.close()


def test_only_a_few_half_decoded_tracks_wait_for_a_reader_to_come_back(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    cache = new_cache()
    before = _descriptors()
    for number in range(MAX_PARKED + 3):
        source = open_source(_path(sounds), f"{number}", cache)
        source.read(0, 1000)
        source.close()
    assert cache.statistics().parked == MAX_PARKED
    assert len(list((tmp_path / "pcm").iterdir())) == MAX_PARKED
    cache.close_idle()
    assert cache.statistics().parked == 0
    assert cache.statistics().bytes == 0
    assert list((tmp_path / "pcm").iterdir()) == []
    assert _descriptors() <= before


def test_a_damaged_track_is_looked_at_anew_when_it_is_opened_again(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    cache, path = new_cache(), tmp_path / "song.tta"
    good = Path(_path(sounds, "tta")).read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(SourceCorrupt):
        _play(str(path), "one", cache)
    path.write_bytes(good)
    assert np.array_equal(_play(str(path), "one", cache), sounds.read(_path(sounds, "tta")))


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """What a full disk does: writing beyond `size` fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("kind", ["m4a", "aac"])
def test_a_full_disk_costs_speed_and_nothing_else(
    sounds: Sounds, new_cache: Callable[..., PcmCache], kind: str, tmp_path: Path
) -> None:
    whole = sounds.read(_path(sounds, kind))
    cache = new_cache()
    with _largest_file(TRACK_BYTES // 2):
        assert np.array_equal(_play(_path(sounds, kind), "one", cache), whole)
    assert cache.statistics().spills == 1
    assert cache.statistics().bytes == 0
    assert list((tmp_path / "pcm").iterdir()) == []
    assert np.array_equal(_play(_path(sounds, kind), "one", cache), whole)
    assert cache.statistics().entries == 1


KILLED = """
import os, signal, sys
from auralis_trio.decoder.opening import open_source
from auralis_trio.decoder.parking import MAX_FORWARD
from auralis_trio.decoder.pcm_cache import PcmCache
path, folder, frames = sys.argv[1], sys.argv[2], int(sys.argv[3])
cache = PcmCache(folder, 1 << 30, 60.0)
source = open_source(path, "whole", cache)
source.read(0, source.total_frames)
source = open_source(path, "cut off", cache)
source.read(0, frames)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_nothing_that_could_be_played_wrongly(
    sounds: Sounds, new_cache: Callable[..., PcmCache], tmp_path: Path
) -> None:
    whole = sounds.read(_path(sounds))
    arguments = [sys.executable, "-c", KILLED, _path(sounds), str(tmp_path / "pcm"), str(FRAMES // 2)]
    done = subprocess.run(arguments, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "pcm").glob("*.pcm"))) == 2
    cache = new_cache()
    assert cache.statistics().entries == 1
    for name in ("whole", "cut off"):
        assert np.array_equal(_play(_path(sounds), name, cache), whole)
    assert cache.statistics().fills == 1
