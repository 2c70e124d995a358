"""MP3 files in which a frame's header is destroyed: all before it is right, and nothing behind it is ever given."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auralis_trio.decoder.mpeg import parse_frame
from auralis_trio.decoder.opening import open_source
from auralis_trio.decoder.payload import map_path
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceCorrupt
from tests.sound_files import music

RATE, FRAMES, STEP = 44_100, 400_000, 50_000

Damage = Callable[[bytearray, int], None]


def frame_starts(data: bytes, start: int) -> list[int]:
    """Where the frames of an MP3 begin, that of its Xing header first."""
    starts = []
    while (frame := parse_frame(data[start : start + 4])) is not None:
        starts.append(start)
        start += frame.bytes
    return starts


def no_sync(data: bytearray, at: int) -> None:
    data[at] = 0


def no_header(data: bytearray, at: int) -> None:
    data[at : at + 4] = bytes(4)


def hole(data: bytearray, at: int) -> None:
    data[at : at + 20_000] = bytes(20_000)


def other_rate(data: bytearray, at: int) -> None:
    data[at + 2] ^= 0x04


def other_length(data: bytearray, at: int) -> None:
    data[at + 2] = data[at + 2] & 0x0F | 0x10  # 32 kbit/s


# How many frames from the damaged one on are still there.
DAMAGES: list[tuple[Damage, int]] = [(no_sync, 0), (no_header, 0), (hole, 0), (other_rate, 0), (other_length, 1)]


@pytest.fixture(scope="module", params=["CONSTANT", "VARIABLE"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "whole.mp3"
    soundfile.write(path, music(FRAMES, 2, RATE), RATE, compression_level=0.5, bitrate_mode=request.param)
    return path


@pytest.mark.parametrize(("damage", "there"), DAMAGES)
@pytest.mark.parametrize("junk", [0, 5_000])
def test_where_a_frame_does_not_follow_all_ways_into_an_mp3_break_at_the_same_place(
    whole: Path, tmp_path: Path, new_cache: Callable[..., PcmCache], damage: Damage, there: int, junk: int
) -> None:
    """Also where junk before the first frame has it decoded by the other library."""
    data, mapped = bytearray(whole.read_bytes()), map_path(str(whole))
    starts = frame_starts(bytes(data), mapped.payload[0][0])
    broken = len(starts) * 2 // 5
    damage(data, starts[broken])
    path = tmp_path / "damaged.mp3"
    path.write_bytes(bytes(junk) + data)
    there += junk > 0 and damage is other_rate  # the other library gives that one frame
    end = (broken - 1 + there) * 1152 - (mapped.first_frame or 0)
    with closing(open_source(str(whole), "whole", new_cache())) as source:
        assert source.total_frames == FRAMES
        right = source.read(0, FRAMES)
    with closing(open_source(str(path), "damaged", new_cache())) as source:
        found = set()
        for start in range(FRAMES - STEP, -1, -STEP):
            try:
                samples = source.read(start, STEP)
            except SourceCorrupt as error:
                found.add(error.frame)
            else:
                assert np.allclose(samples, right[start : start + STEP], atol=0 if not junk else 1e-5, rtol=0)
        assert found == {end}
        samples = source.read(end - STEP, STEP)
        sound = STEP - 1152 * there  # a frame with another header sounds otherwise
        assert np.allclose(samples[:sound], right[end - STEP : end][:sound], atol=0 if not junk else 1e-5, rtol=0)
