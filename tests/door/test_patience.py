"""Files that must be decoded in sequence: a far place is promised for later, and what was reached stays."""

from pathlib import Path

import pytest

from tests.player_client import open_player
from tests.reference import full_read
from tests.serving import answer_in_the_end, client_of, in_thread, running_server, settings_for
from tests.sound_files import music, write

RATE = 44_100


@pytest.mark.parametrize(
    ("kind", "suffix", "room"),
    [("m4a", ".m4a", {}), ("m4a", ".m4a", {"pcm_cache_bytes": 100_000}), ("aac", ".aac", {})],
)
async def test_a_far_place_is_answered_with_retry_after_until_it_is_decoded(
    tmp_path: Path, kind: str, suffix: str, room: dict[str, int]
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    path = folder / f"long{suffix}"
    await in_thread(write, str(path), kind, music(120 * RATE, 1, RATE), RATE)
    expected = await in_thread(full_read, path, tmp_path / "scratch")
    settings = settings_for(tmp_path, folder, decode_patience_s=0.01, **room)
    async with running_server(settings) as server, client_of(server.url) as http:
        last = len(expected) // 4 // 221_184
        answer = await answer_in_the_end(http, f"/api/stream/1/chunk/{last}?encoding=f32")
        assert answer.content == expected[last * 221_184 * 4 :]
        piece = await http.get("/api/stream/1/audio.wav?encoding=f32", headers={"Range": "bytes=-4000"})
        assert piece.status_code == 206
        assert piece.content == expected[-4000:]


async def test_a_stream_waits_for_a_far_place_and_then_plays_it(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    await in_thread(write, str(folder / "long.m4a"), "m4a", music(30 * RATE, 1, RATE), RATE)
    expected = await in_thread(full_read, folder / "long.m4a", tmp_path / "scratch")
    start = 25 * RATE
    async with (
        running_server(settings_for(tmp_path, folder, decode_patience_s=0.05)) as server,
        open_player(server.url) as player,
    ):
        delivery = await player.play_to_end(1, encoding="f32", start_frame=start)
        assert delivery.end["reason"] == "completed"
        assert delivery.audio == expected[start * 4 :]
