"""Albums and the queue as one resource: what each track alone is, one behind the other, in any range."""

import io
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC

from auralis_trio.app import Server
from auralis_trio.audio.block import Samples
from auralis_trio.demo import synthesise
from tests.player_client import open_player
from tests.serving import client_of, in_thread, running_server, settings_for
from tests.sound_files import music as sweep
from tests.sound_files import write

RATE = 44_100
ALBUM = "/api/stream/album/1"
QUEUE = "/api/stream/queue"
ROUTES = {
    ("GET", "/api/stream/album/<int:album_id>/audio.wav"),
    ("GET", "/api/stream/album/<int:album_id>/chapters"),
    ("GET", "/api/stream/album/<int:album_id>/album.cue"),
    ("GET", f"{QUEUE}/audio.wav"),
    ("GET", f"{QUEUE}/chapters"),
    ("GET", f"{QUEUE}/queue.cue"),
}
LENGTHS = [260_001, 90_000, 221_184]


def put(folder: Path, number: int, samples: Samples, rate: int = RATE, **tags: str) -> Path:
    """A track of the album."""
    path = folder / f"{number}.flac"
    soundfile.write(path, samples, rate, subtype="PCM_16")
    file = FLAC(path)  # type: ignore[no-untyped-call]
    file.update({"title": f"Track {number}", "album": "Album", "tracknumber": str(number), "artist": "Who", **tags})  # type: ignore[no-untyped-call]
    file.save()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three tracks in stereo, of which the last one lies first in the folder and belongs to the second disc."""
    folder = tmp_path / "music"
    folder.mkdir()
    for number, length in enumerate(LENGTHS, 1):
        place: dict[str, Any] = {"discnumber": "2", "tracknumber": "1"} if number == 3 else {"discnumber": "1"}
        put(folder, number, np.resize(synthesise(2.0, RATE, 2, seed=number), (length, 2)), **place)
    (folder / "3.flac").rename(folder / "0.flac")
    return folder


@pytest.fixture
async def server(tmp_path: Path, folder: Path) -> AsyncIterator[Server]:
    async with running_server(settings_for(tmp_path, folder)) as running:
        yield running


async def chapters(http: httpx2.AsyncClient, query: str = "", base: str = ALBUM) -> dict[str, Any]:
    answer = await http.get(f"{base}/chapters{query}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def frames(http: httpx2.AsyncClient, url: str, kind: str = "int16") -> Samples:
    """The frames of a WAV as libsndfile reads them."""
    answer = await http.get(url)
    assert answer.status_code == 200, answer.text
    return np.asarray(soundfile.read(io.BytesIO(answer.content), dtype=kind, always_2d=True)[0])


async def tracks_alone(http: httpx2.AsyncClient, query: str, kind: str = "int16") -> list[Samples]:
    """The tracks of the album, each by itself."""
    ids = [each["track_id"] for each in (await chapters(http))["chapters"]]
    return [await frames(http, f"/api/stream/{id}/audio.wav{query}", kind) for id in ids]


SOUNDS = [
    "",
    "?encoding=f32&sample_rate=48000",
    "?enhanced=true&preset=warm",
    "?enhanced=true&album=true&encoding=s24",
    "?match_loudness=true&intensity=0.5",
]


async def test_an_album_is_its_tracks_one_behind_the_other_in_any_sound(http: httpx2.AsyncClient) -> None:
    for query in SOUNDS:
        kind = "float32" if "f32" in query else "int32"
        alone = await tracks_alone(http, query, kind)
        whole = await frames(http, f"{ALBUM}/audio.wav{query}", kind)
        assert np.array_equal(whole, np.concatenate(alone)), query
        told = await chapters(http, query)
        assert [each["frames"] for each in told["chapters"]] == [len(track) for track in alone]
        assert told["total_frames"] == len(whole)


async def test_chapters_are_in_the_order_of_the_album_and_say_where_each_begins(http: httpx2.AsyncClient) -> None:
    told = await chapters(http)
    assert (told["title"], told["sample_rate"], told["channels"]) == ("Album", RATE, 2)
    assert [each["title"] for each in told["chapters"]] == ["Track 1", "Track 2", "Track 3"]
    assert [each["start_frame"] for each in told["chapters"]] == [0, LENGTHS[0], LENGTHS[0] + LENGTHS[1]]
    assert told["chapters"][1]["start_s"] == LENGTHS[0] / RATE
    assert {each["artist"] for each in told["chapters"]} == {"Who"}
    assert {each["join_frames"] for each in told["chapters"]} == {0}


async def test_ranges_are_cut_from_the_whole_also_across_tracks(http: httpx2.AsyncClient) -> None:
    url = f"{ALBUM}/audio.wav?encoding=s24"
    whole = (await http.get(url)).content
    size, border = len(whole), 68 + LENGTHS[0] * 6
    head = await http.head(url)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, str(size), b"")
    assert (head.headers["Accept-Ranges"], head.headers["Content-Type"]) == ("bytes", "audio/wav")
    for wanted, start, end in [
        ("bytes=0-0", 0, 1),
        ("bytes=10-99", 10, 100),
        (f"bytes={border - 7}-{border + 7}", border - 7, border + 8),
        (f"bytes=5-{size - 2}", 5, size - 1),
        (f"bytes={size - 1}-", size - 1, size),
        ("bytes=-30", size - 30, size),
        ("bytes=-300", size - 300, size),
        (f"bytes={size - 20}-{size - 11}", size - 20, size - 10),
    ]:
        part = await http.get(url, headers={"Range": wanted})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.content == whole[start:end], wanted
    beyond = await http.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    several = await http.get(url, headers={"Range": "bytes=0-1,5-6"})
    assert (several.status_code, several.json()["code"]) == (416, "multiple_ranges")
    stale = await http.get(url, headers={"Range": "bytes=0-1", "If-Range": '"old"'})
    assert (stale.status_code, stale.content) == (200, whole)
    fresh = await http.get(url, headers={"Range": "bytes=0-1", "If-Range": head.headers["ETag"]})
    assert (fresh.status_code, fresh.content) == (206, whole[:2])
    known = await http.get(url, headers={"If-None-Match": head.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_head_and_the_chapters_behind_the_samples_have_nothing_rendered(
    server: Server, http: httpx2.AsyncClient
) -> None:
    head = await http.head(f"{ALBUM}/audio.wav")
    size = int(head.headers["Content-Length"])
    await http.get(f"{ALBUM}/audio.wav", headers={"Range": f"bytes={size - 10}-"})
    assert server.services.renderer.cache.statistics().entries == 0
    part = await http.get(f"{ALBUM}/audio.wav", headers={"Range": "bytes=2000000-2000009"})
    assert len(part.content) == 10
    assert server.services.renderer.cache.statistics().entries == 1


async def test_a_stale_revision_is_a_conflict_and_a_known_one_may_be_kept(http: httpx2.AsyncClient) -> None:
    revision = (await chapters(http))["revision"]
    kept = await http.head(f"{ALBUM}/audio.wav?revision={revision}")
    assert "immutable" in kept.headers["Cache-Control"]
    answer = await http.get(f"{ALBUM}/audio.wav?revision=old")
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_revision")
    assert (await chapters(http, "?crossfade_s=1"))["revision"] != revision


async def test_a_crossfade_is_what_numpy_makes_of_both_tracks(http: httpx2.AsyncClient) -> None:
    query = "?encoding=f32&crossfade_s=0.9"
    first, second, third = await tracks_alone(http, "?encoding=f32", "float32")
    frames_of_join = int(0.9 * RATE)
    place = (np.arange(frames_of_join) + 0.5) / frames_of_join * np.pi / 2
    out, into = (gain(place).astype(np.float32)[:, np.newaxis] for gain in (np.cos, np.sin))
    joined = [
        first[:-frames_of_join],
        first[-frames_of_join:] * out + second[:frames_of_join] * into,
        second[frames_of_join:-frames_of_join],
        second[-frames_of_join:] * out + third[:frames_of_join] * into,
        third[frames_of_join:],
    ]
    assert np.array_equal(await frames(http, f"{ALBUM}/audio.wav{query}", "float32"), np.concatenate(joined))
    told = await chapters(http, query)
    assert [each["join_frames"] for each in told["chapters"]] == [0, frames_of_join, frames_of_join]
    assert told["chapters"][1]["start_frame"] == LENGTHS[0] - frames_of_join
    linear = await frames(http, f"{ALBUM}/audio.wav{query}&crossfade_curve=linear", "float32")
    middle = LENGTHS[0] - frames_of_join // 2 - 1
    half = (first[middle] + second[middle - LENGTHS[0] + frames_of_join]) / 2
    assert np.allclose(linear[middle], half, atol=1e-4)
    told = await chapters(http, "?crossfade_s=12")  # cut to half of the shorter track
    assert [each["join_frames"] for each in told["chapters"]] == [0, LENGTHS[1] // 2, LENGTHS[1] // 2]
    assert told["total_frames"] == sum(LENGTHS) - 2 * (LENGTHS[1] // 2)


async def test_ranges_of_a_mastered_album_with_crossfades_are_cut_from_the_whole(http: httpx2.AsyncClient) -> None:
    url = f"{ALBUM}/audio.wav?crossfade_s=1&enhanced=true&preset=punchy"
    whole = (await http.get(url)).content
    starts = [each["start_frame"] for each in (await chapters(http, url.partition("/audio.wav")[2]))["chapters"]]
    for start in (44 + 4 * frame + 1 for frame in (starts[1], starts[1] + RATE, starts[2] - 5, starts[2] + 30_000)):
        part = await http.get(url, headers={"Range": f"bytes={start}-{start + 99_999}"})
        assert part.content == whole[start : start + 100_000]


async def test_ffmpeg_decodes_every_frame_and_ffprobe_finds_the_chapters(
    http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "album.wav"
    path.write_bytes((await http.get(f"{ALBUM}/audio.wav?encoding=s24&crossfade_s=1")).content)
    told = await chapters(http, "?crossfade_s=1")
    decode = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s32le", "-"]
    decoded = await in_thread(lambda: subprocess.run(decode, capture_output=True, check=True))
    assert len(decoded.stdout) == told["total_frames"] * 8
    assert decoded.stderr == b""
    probe = ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", str(path)]
    probed = json.loads((await in_thread(lambda: subprocess.run(probe, capture_output=True, check=True))).stdout)
    assert [(each["tags"]["title"], each["start"]) for each in probed["chapters"]] == [
        (each["title"], each["start_frame"]) for each in told["chapters"]
    ]


async def test_a_cue_sheet_names_the_resource_beside_it(http: httpx2.AsyncClient) -> None:
    answer = await http.get(f"{ALBUM}/album.cue?enhanced=true&crossfade_s=1")
    assert answer.headers["Content-Type"] == "application/x-cue; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[:2] == ['TITLE "Album"', 'FILE "audio.wav?enhanced=true&crossfade_s=1" WAVE']
    assert [line.split()[2] for line in lines if "INDEX" in line] == ["00:00:00", "00:04:67", "00:05:70"]
    plain = (await http.get(f"{ALBUM}/album.cue")).text
    assert 'FILE "audio.wav" WAVE' in plain


# Tracks that differ


async def test_other_rates_become_that_of_most_frames(tmp_path: Path, folder: Path) -> None:
    put(folder, 4, sweep(48_000, 2, 48_000), 48_000)
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        told = await chapters(http)
        assert told["sample_rate"] == RATE
        assert told["chapters"][-1]["frames"] == 44_100
        last = told["chapters"][-1]["track_id"]
        whole = await frames(http, f"{ALBUM}/audio.wav")
        alone = await frames(http, f"/api/stream/{last}/audio.wav?sample_rate=44100")
        assert np.array_equal(whole[-44_100:], alone)
        assert (await chapters(http, "?sample_rate=48000"))["chapters"][-1]["frames"] == 48_000


async def test_mono_is_heard_on_both_sides_and_more_channels_do_not_go_together(tmp_path: Path, folder: Path) -> None:
    mono = sweep(30_000, 1)
    put(folder, 4, mono)
    put(folder, 5, sweep(30_000, 6), album="Surround")
    put(folder, 6, sweep(30_000, 2), album="Surround")
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        whole = await frames(http, f"{ALBUM}/audio.wav")
        exact = np.rint(mono[:, 0] * 32_768)
        assert np.array_equal(whole[-30_000:], np.stack([exact, exact], axis=1))
        albums = (await http.get("/api/albums")).json()["items"]
        surround = next(each["id"] for each in albums if each["title"] == "Surround")
        answer = await http.get(f"/api/stream/album/{surround}/audio.wav")
        assert (answer.status_code, answer.json()["code"]) == (409, "channels_differ")
        assert "Track 6" in answer.json()["detail"]


async def test_a_missing_track_is_named_or_left_out_where_that_is_wished(
    http: httpx2.AsyncClient, folder: Path
) -> None:
    alone = await tracks_alone(http, "")
    (folder / "2.flac").unlink()
    answer = await http.get(f"{ALBUM}/audio.wav")
    assert (answer.status_code, answer.json()["code"]) == (404, "track_missing")
    assert "Track 2" in answer.json()["detail"]
    assert "skip_missing=true" in answer.json()["detail"]
    without = await frames(http, f"{ALBUM}/audio.wav?skip_missing=true")
    assert np.array_equal(without, np.concatenate([alone[0], alone[2]]))
    for name in ("0.flac", "1.flac"):
        (folder / name).unlink()
    answer = await http.get(f"{ALBUM}/audio.wav?skip_missing=true")
    assert (answer.status_code, answer.json()["code"]) == (404, "track_missing")
    assert answer.json()["detail"].endswith("Bring them back and scan the library again.")


async def test_what_cannot_be_played_is_said_at_once_and_in_the_middle_ends_the_connection(
    http: httpx2.AsyncClient, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = bytearray((folder / "2.flac").read_bytes())
    damaged[len(damaged) // 2 :] = bytes(len(damaged) - len(damaged) // 2)
    (folder / "2.flac").write_bytes(damaged)
    size = int((await http.head(f"{ALBUM}/audio.wav")).headers["Content-Length"])
    first_of_second = 44 + LENGTHS[0] * 4
    answer = await http.get(f"{ALBUM}/audio.wav", headers={"Range": f"bytes={first_of_second}-"})
    assert (answer.status_code, answer.json()["code"]) == (422, "track_corrupt")
    [name] = [f'"Track 2" (track {each["track_id"]}): ' for each in (await chapters(http))["chapters"][1:2]]
    assert answer.json()["detail"].startswith(name)
    with pytest.raises(httpx2.RemoteProtocolError):
        await http.get(f"{ALBUM}/audio.wav")
    [record] = [record for record in caplog.records if "was ended" in record.message]
    assert f"{ALBUM}/audio.wav' was ended: {name}track_corrupt" in record.message
    before = await http.get(f"{ALBUM}/audio.wav", headers={"Range": f"bytes=0-{first_of_second - 1}"})
    assert len(before.content) == first_of_second < size


PROBLEMS = [
    ("/api/stream/album/99/audio.wav", 404, "album_not_found"),
    ("/api/stream/album/99999999999999999999999/chapters", 404, "album_not_found"),
    (f"{ALBUM}/audio.wav?crossfade_s=12.5", 422, "invalid_request"),
    (f"{ALBUM}/audio.wav?crossfade_s=-1", 422, "invalid_request"),
    (f"{ALBUM}/audio.wav?crossfade_s=nan", 422, "invalid_request"),
    (f"{ALBUM}/audio.wav?crossfade_curve=round", 422, "invalid_request"),
    (f"{ALBUM}/audio.wav?encoding=flac", 422, "invalid_request"),
    (f"{ALBUM}/audio.wav?sample_rate=44000", 422, "invalid_request"),
    (f"{ALBUM}/album.cue?nonsense=1", 422, "invalid_request"),
    (f"{QUEUE}/audio.wav", 409, "queue_empty"),
    (f"{QUEUE}/chapters", 409, "queue_empty"),
    (f"{QUEUE}/queue.cue", 409, "queue_empty"),
]


async def test_what_goes_wrong_is_a_problem_with_a_code(http: httpx2.AsyncClient) -> None:
    for path, status, code in PROBLEMS:
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path


# The queue


async def test_the_queue_is_one_resource_as_it_is_now(http: httpx2.AsyncClient) -> None:
    ids = [each["track_id"] for each in (await chapters(http))["chapters"]]
    alone = dict(zip(ids, await tracks_alone(http, ""), strict=True))
    order = [ids[2], ids[0], ids[2], ids[1]]
    assert (await http.post("/api/player/queue", json={"track_ids": order})).status_code == 200
    whole = await http.get(f"{QUEUE}/audio.wav")
    got = soundfile.read(io.BytesIO(whole.content), dtype="int16")[0]
    assert np.array_equal(got, np.concatenate([alone[id] for id in order]))
    assert (await http.get(f"{QUEUE}/queue.cue")).text.count("TRACK") == 4
    await http.post("/api/player/queue/repeat", json={"mode": "all"})
    assert (await http.head(f"{QUEUE}/audio.wav")).headers["ETag"] == whole.headers["ETag"]
    await http.post("/api/player/queue/add", json={"track_ids": [ids[0]]})
    assert (await http.head(f"{QUEUE}/audio.wav")).headers["ETag"] != whole.headers["ETag"]


async def test_a_track_whose_length_nobody_told_is_counted(tmp_path: Path, folder: Path) -> None:
    write(str(folder / "raw.aac"), "aac", sweep(50_000, 2), RATE)
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        found = (await http.get("/api/library/tracks?search=raw")).json()["items"]
        assert found[0]["total_frames"] is None
        ids = [found[0]["id"], (await chapters(http))["chapters"][0]["track_id"]]
        await http.post("/api/player/queue", json={"track_ids": ids})
        told = await chapters(http, "?crossfade_s=0.25", QUEUE)
        counted = (await http.get(f"/api/library/tracks/{ids[0]}")).json()["total_frames"]
        assert told["total_frames"] == counted + LENGTHS[0] - RATE // 4
        assert len(await frames(http, f"{QUEUE}/audio.wav?crossfade_s=0.25")) == told["total_frames"]


async def test_what_follows_on_an_album_is_not_crossfaded_in_the_queue(http: httpx2.AsyncClient) -> None:
    one, two, three = (each["track_id"] for each in (await chapters(http))["chapters"])
    await http.post("/api/player/queue", json={"track_ids": [one, two, three, two, one]})
    told = await chapters(http, "?crossfade_s=0.5", QUEUE)
    assert [each["join_frames"] for each in told["chapters"]] == [0, 0, 0, 22_050, 22_050]


async def test_what_a_websocket_client_hears_of_the_queue_is_the_same_sample_for_sample(
    server: Server, http: httpx2.AsyncClient
) -> None:
    one, two, three = (each["track_id"] for each in (await chapters(http))["chapters"])
    order = [three, one, two, one]  # one and two follow each other on the album
    await http.post("/api/player/queue", json={"track_ids": order})
    assert (await http.put("/api/settings", json={"crossfade_s": 0.8})).status_code == 200
    for encoding, sound in (("s16", {}), ("s24", {"enhanced": True, "preset": "warm"})):
        async with open_player(server.url) as player:
            streams = []
            await player.say("play", credit=2**40, encoding=encoding, entry_id=1, start_frame=0, **sound)
            for _ in order:
                await player.hear_text("audio_stream_start")
                streams.append(await player.hear_to_end())
        assert [stream.start["join_frames"] for stream in streams] == [0, 35_280, 0, 35_280]
        query = "&".join(f"{name}={value}".lower() for name, value in sound.items())
        url = f"{QUEUE}/audio.wav?crossfade_s=0.8&encoding={encoding}&{query}"
        whole = (await http.get(url)).content
        heard = b"".join(stream.audio for stream in streams)
        start = whole.index(b"data") + 8
        assert heard == whole[start : start + len(heard)]
        assert len(heard) == (await chapters(http, f"?{url.partition('?')[2]}", QUEUE))["total_frames"] * (
            4 if encoding == "s16" else 6
        )


async def test_opus_goes_over_from_track_to_track_as_well(server: Server, http: httpx2.AsyncClient) -> None:
    one, two, _ = (each["track_id"] for each in (await chapters(http))["chapters"])
    await http.post("/api/player/queue", json={"track_ids": [two, one]})
    await http.put("/api/settings", json={"crossfade_s": 0.5})
    async with open_player(server.url) as player:
        await player.say("play", credit=2**40, encoding="opus")
        frames_of = []
        for _ in range(2):
            start = await player.hear_text("audio_stream_start")
            frames_of.append((start["join_frames"], (await player.hear_to_end()).frames))
    resampled = [-(-length * 160 // 147) for length in (LENGTHS[1], LENGTHS[0])]
    assert frames_of == [(0, resampled[0] - 24_000), (24_000, resampled[1])]
