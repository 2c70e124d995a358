"""Files that somebody writes to, moves or deletes while they are read."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from auralis_trio.audio.formats import format_named
from auralis_trio.audio.source import AudioSource
from auralis_trio.decoder.opening import Seen, open_source, probe, verify
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceChanged
from tests.decoder.conftest import Sounds

FRAMES, PART = 300_000, 40_000
LONG_AGO_NS = 1_700_000_000_000_000_000

# Direct ones, those that are decoded in sequence, and one that is resampled.
WAYS = [
    ("wav", None),
    ("flac", None),
    ("mp3", None),
    ("vorbis", None),
    ("m4a", None),
    ("wavpack", None),
    ("wav", 48_000),
]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]} {way[1] or ''}".strip())
def way(request: pytest.FixtureRequest) -> tuple[str, int | None]:
    kind, rate = request.param
    return kind, rate


@pytest.fixture
def file(sounds: Sounds, tmp_path: Path, way: tuple[str, int | None]) -> Path:
    copy = tmp_path / "sound"
    shutil.copyfile(sounds.path(way[0], frames=FRAMES), copy)
    os.utime(copy, ns=(LONG_AGO_NS, LONG_AGO_NS))
    return copy


def seen_at(file: Path) -> Seen:
    status = file.stat()
    return Seen(probe(str(file)).content_id, status.st_size, status.st_mtime_ns)


def open_at(file: Path, cache: PcmCache, way: tuple[str, int | None]) -> AudioSource:
    return open_source(str(file), "content", cache, resample_hz=way[1], seen=seen_at(file))


def write_over(file: Path, from_byte: int = 0) -> None:
    """Other bytes in place, as many as before."""
    with file.open("r+b") as opened:
        opened.seek(from_byte)
        rest = np.frombuffer(opened.read(), np.uint8)
        opened.seek(from_byte)
        opened.write((rest ^ 0x55).tobytes())


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def until_it_shows(file: Path, change: Callable[[], None]) -> None:
    """The time of a change goes in steps of some milliseconds."""
    before = file.stat()
    change()
    while file.stat().st_ctime_ns == before.st_ctime_ns:
        change()


def write_over_and_put_the_time_back(file: Path) -> None:
    before = file.stat()
    write_over(file, before.st_size // 4)
    until_it_shows(file, lambda: os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns)))


def write_over_and_change_the_mode(file: Path) -> None:
    """As `rsync --inplace -a` does where the other file has other rights."""
    write_over_and_put_the_time_back(file)
    file.chmod(0o400)


def write_over_and_move(file: Path) -> None:
    write_over_and_put_the_time_back(file)
    file.rename(file.with_name("elsewhere"))


@pytest.mark.parametrize(
    "change",
    [
        write_over,
        cut,
        write_over_and_put_the_time_back,
        write_over_and_change_the_mode,
        write_over_and_move,
    ],
)
def test_of_a_file_that_is_written_to_while_it_is_read_nothing_more_is_given_or_kept(
    file: Path, way: tuple[str, int | None], new_cache: Callable[..., PcmCache], change: Callable[[Path], None]
) -> None:
    cache = new_cache()
    with closing(open_at(file, cache, way)) as source:
        source.read(0, PART)
        change(file)
        for start in (source.total_frames - PART, PART, source.total_frames // 2):
            with pytest.raises(SourceChanged):
                source.read(start, PART)
    assert cache.statistics().entries == 0
    assert not list(file.parent.glob("pcm/*"))


def test_a_file_that_was_written_to_in_a_decoder_s_back_is_refused_by_the_decoder_that_starts_later(
    file: Path, way: tuple[str, int | None], new_cache: Callable[..., PcmCache]
) -> None:
    cache = new_cache(max_bytes=1)  # nothing is kept, so each reader decodes for itself
    with closing(open_at(file, cache, way)) as source:
        write_over(file)
        with pytest.raises(SourceChanged):
            source.read(0, PART)


def touch_the_time_of_reading(file: Path) -> None:
    os.utime(file, ns=(time.time_ns(), file.stat().st_mtime_ns))


def rate_it_beside_its_bytes(file: Path) -> None:
    try:
        os.setxattr(file, "user.rating", os.urandom(4))
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip("the file system has no attributes")


def link_and_unlink(file: Path) -> None:
    other = file.with_name("link")
    os.link(file, other)
    other.unlink()


def move_there_and_back(file: Path) -> None:
    file.rename(file.with_name("elsewhere")).rename(file)


@pytest.mark.parametrize(
    "touch", [touch_the_time_of_reading, rate_it_beside_its_bytes, link_and_unlink, move_there_and_back]
)
def test_a_file_that_something_was_done_to_but_its_bytes_plays_on(
    file: Path, way: tuple[str, int | None], new_cache: Callable[..., PcmCache], touch: Callable[[Path], None]
) -> None:
    cache = new_cache()
    with closing(open_at(file, cache, way)) as source:
        expected = source.read(0, source.total_frames)
    cache.clear()
    with closing(open_at(file, cache, way)) as source:
        parts = []
        for start in range(0, len(expected), PART):
            parts.append(source.read(start, min(PART, len(expected) - start)))
            until_it_shows(file, lambda: touch(file))
        assert np.array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize("leave", ["deleted", "moved", "replaced", "forbidden"])
def test_a_file_that_is_deleted_moved_or_replaced_sounds_right_to_its_end(
    file: Path, way: tuple[str, int | None], new_cache: Callable[..., PcmCache], leave: str
) -> None:
    with closing(open_at(file, new_cache(), way)) as source:
        expected = source.read(0, source.total_frames)
    os.rename(file.parent / "pcm", file.parent / "first")
    with closing(open_at(file, new_cache(), way)) as source:
        parts = [source.read(0, PART)]
        if leave == "deleted":
            file.unlink()
        elif leave == "moved":
            file.rename(file.with_name("elsewhere"))
        elif leave == "forbidden":
            file.chmod(0o400)
        else:
            other = file.with_name("other")
            other.write_bytes(file.read_bytes()[::-1])
            other.rename(file)
        parts += [source.read(start, min(PART, len(expected) - start)) for start in range(PART, len(expected), PART)]
        assert np.array_equal(np.concatenate(parts), expected)


def test_what_is_opened_must_be_what_was_seen_and_one_without_checksums_just_that_file(
    file: Path, way: tuple[str, int | None], new_cache: Callable[..., PcmCache]
) -> None:
    seen, rate = seen_at(file), way[1]
    os.utime(file)  # another time, the same content
    written, other = seen_at(file), seen_at(file)._replace(content_id="another", size=1)

    def open_as(wanted: Seen) -> None:
        verify(str(file), wanted)
        with closing(open_source(str(file), "content", new_cache(), resample_hz=rate, seen=wanted)) as source:
            source.read(0, PART)

    open_as(written)
    for wanted, refused in ((seen, not format_named(way[0]).checked), (other, True)):
        if refused:
            with pytest.raises(SourceChanged):
                verify(str(file), wanted)
            with pytest.raises(SourceChanged):
                open_source(str(file), "content", new_cache(), resample_hz=rate, seen=wanted)
        else:
            open_as(wanted)
