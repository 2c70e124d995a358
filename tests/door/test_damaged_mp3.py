"""An MP3 that has lost a frame: by no door is anything behind that heard, which would stand too early."""

from contextlib import closing
from pathlib import Path

import soundfile

from auralis_trio.decoder.opening import open_source
from auralis_trio.decoder.payload import map_path
from auralis_trio.decoder.pcm_cache import PcmCache
from tests.decoder.test_lost_frames import FRAMES, RATE, frame_starts, no_header
from tests.player_client import open_player
from tests.serving import client_of, in_thread, running_server, settings_for
from tests.sound_files import music

FRAME_BYTES = 8
LOST = 300
"""A frame in the second chunk of the two."""


def write_damaged(path: Path) -> tuple[bytes, int]:
    """Write a song that has lost a frame; what it was, and how many frames come before that."""
    soundfile.write(path, music(FRAMES, 2, RATE), RATE, bitrate_mode="VARIABLE")
    with closing(open_source(str(path), "whole", PcmCache(str(path.parent.parent / "pcm"), 0, 60.0))) as source:
        right = source.read(0, FRAMES).tobytes()
    data, mapped = bytearray(path.read_bytes()), map_path(str(path))
    no_header(data, frame_starts(bytes(data), mapped.payload[0][0])[LOST])
    path.write_bytes(data)
    return right, (LOST - 1) * 1152 - (mapped.first_frame or 0)


async def test_all_doors_to_an_mp3_that_has_lost_a_frame_end_where_it_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    right, end = await in_thread(write_damaged, folder / "song.mp3")
    async with running_server(settings_for(tmp_path, folder)) as server, client_of(server.url) as http:
        for index, status in enumerate((200, 422)):
            answer = await http.get(f"/api/stream/1/chunk/{index}?encoding=f32")
            assert answer.status_code == status
        assert answer.json()["code"] == "track_corrupt"
        behind = {"Range": f"bytes=-{(FRAMES - end - 10_000) * FRAME_BYTES}"}
        answer = await http.get("/api/stream/1/audio.wav?encoding=f32", headers=behind)
        assert (answer.status_code, answer.json()["code"]) == (422, "track_corrupt")
        async with open_player(server.url) as player:
            for start in (0, end - 1000, end + 10_000):
                heard = await player.play_to_end(1, start_frame=start, encoding="f32")
                assert heard.end["reason"] == "failed"
                assert heard.error is not None
                assert heard.error["code"] == "track_corrupt"
                assert heard.frames <= max(0, end - start)
                assert heard.audio == right[start * FRAME_BYTES :][: len(heard.audio)]
