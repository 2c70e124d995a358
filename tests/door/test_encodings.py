"""Other rates and other forms of the same sound, through the real server."""

import base64
import hashlib
import io
import math
from pathlib import Path
from typing import Any

import av
import httpx2
import numpy as np
import pytest
import soundfile
import soxr
import trio

from auralis_trio.analysis import LoudnessMeter, TruePeakMeter
from auralis_trio.app import Server
from auralis_trio.audio.block import Samples
from auralis_trio.demo import synthesise
from tests import opus
from tests.door.test_memory import CACHE_BYTES, MIB, peak_bytes, take_all, tracks_of, write_long
from tests.player_client import Delivery, open_player
from tests.reference import full_read
from tests.serving import (
    LIMIT_S,
    answer_in_the_end,
    client_of,
    in_thread,
    running_server,
    server_process,
    settings_for,
)
from tests.sound_files import music as sine_and_noise
from tests.sound_files import write

RATE = 44_100
DURATION_S = 7
FRAMES = DURATION_S * RATE
MASTERED = "enhanced=true&preset=warm"


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    soundfile.write(folder / "long.flac", synthesise(DURATION_S, RATE, 2, seed=1), RATE, subtype="PCM_16")
    soundfile.write(folder / "high.wav", synthesise(3.0, 96_000, 1, seed=2), 96_000, subtype="PCM_24")
    soundfile.write(folder / "lossy.mp3", synthesise(3.0, RATE, 2, seed=3), RATE)
    return folder


@pytest.fixture
async def tracks(http: httpx2.AsyncClient) -> dict[str, int]:
    found = (await http.get("/api/library/tracks")).json()["items"]
    return {track["title"]: track["id"] for track in found}


async def described(http: httpx2.AsyncClient, track_id: int, wanted: str) -> dict[str, Any]:
    answer = await http.get(f"/api/stream/{track_id}/metadata?{wanted}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def chunks_of(http: httpx2.AsyncClient, track_id: int, wanted: str) -> Samples:
    """All chunks as floats, fetched from the last to the first."""
    known = await described(http, track_id, wanted)
    parts: list[Samples] = []
    for index in reversed(range(known["total_chunks"])):
        answer = await http.get(f"/api/stream/{track_id}/chunk/{index}?encoding=f32&{wanted}")
        assert answer.headers["X-Sample-Rate"] == str(known["sample_rate"])
        parts.insert(0, np.frombuffer(answer.content, "<f4").reshape(-1, known["channels"]))
    return np.concatenate(parts)


def in_one_go(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    silence = np.zeros((math.ceil(from_hz / to_hz), samples.shape[1]), np.float32)
    whole: Samples = soxr.resample(np.concatenate((samples, silence)), from_hz, to_hz, quality="VHQ")
    return whole[: math.ceil(len(samples) * to_hz / from_hz)]


async def test_a_track_at_another_rate_is_its_whole_resampled(
    http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    for title, rates in {"long": (48_000, 192_000), "high": (44_100, 8_000), "lossy": (96_000,)}.items():
        own = await described(http, tracks[title], "")
        recorded = await chunks_of(http, tracks[title], "")
        for rate in rates:
            wanted = f"sample_rate={rate}"
            known = await described(http, tracks[title], wanted)
            assert (known["sample_rate"], known["channels"], known["bits"]) == (rate, own["channels"], None)
            assert known["total_frames"] == math.ceil(own["total_frames"] * rate / own["sample_rate"])
            assert known["duration_s"] == pytest.approx(own["duration_s"], abs=1 / rate)
            assert known["revision"] != own["revision"]
            chunks = await chunks_of(http, tracks[title], wanted)
            assert np.array_equal(chunks, in_one_go(recorded, own["sample_rate"], rate))


@pytest.mark.parametrize("sound", ["enhanced=false", MASTERED])
async def test_the_whole_file_at_another_rate_is_its_chunks(
    http: httpx2.AsyncClient, tracks: dict[str, int], tmp_path: Path, sound: str
) -> None:
    track_id = tracks["long"]
    wanted = f"{sound}&sample_rate=48000"
    whole = await http.get(f"/api/stream/{track_id}/audio.wav?encoding=f32&{wanted}")
    (tmp_path / "whole.wav").write_bytes(whole.content)
    decoded, rate = soundfile.read(tmp_path / "whole.wav", dtype="float32")
    assert rate == 48_000
    assert np.array_equal(decoded, await chunks_of(http, track_id, wanted))
    part = await http.get(
        f"/api/stream/{track_id}/audio.wav?encoding=f32&{wanted}", headers={"Range": "bytes=1000001-1000100"}
    )
    assert part.content == whole.content[1_000_001:1_000_101]


@pytest.mark.parametrize("rate", [48_000, 96_000])
async def test_a_mastered_rendition_has_the_loudness_that_is_told_and_keeps_the_ceiling(
    http: httpx2.AsyncClient, tracks: dict[str, int], rate: int
) -> None:
    track_id = tracks["long"]
    wanted = f"{MASTERED}&sample_rate={rate}"
    known = await described(http, track_id, wanted)
    samples = await chunks_of(http, track_id, wanted)
    meter, peak = LoudnessMeter(rate, 2), TruePeakMeter(rate, 2)
    meter.add(samples)
    peak.add(samples)
    integrated_lufs, true_peak_dbtp = meter.result().integrated_lufs, peak.result()[0]
    assert integrated_lufs == pytest.approx(known["mastering"]["expected_lufs"], abs=0.3)
    assert true_peak_dbtp is not None
    assert true_peak_dbtp <= -1.0


async def test_a_rate_that_is_not_usual_is_refused(http: httpx2.AsyncClient, tracks: dict[str, int]) -> None:
    for resource in ("metadata", "chunk/0", "audio.wav", "receipt"):
        for rate in ("0", "7999", "44101", "192001", "48000.5", "many"):
            answer = await http.get(f"/api/stream/{tracks['long']}/{resource}?sample_rate={rate}")
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_rendition_is_mastered_as_an_album_or_after_a_reference_too(
    http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    for wanted in ("album=true", f"reference={tracks['lossy']}", "match_loudness=true"):
        known = await described(http, tracks["high"], f"enhanced=true&sample_rate=48000&{wanted}")
        assert (known["sample_rate"], known["mastering"]["intensity"]) == (48_000, 1.0)
        assert known["mastering"]["expected_lufs"] is not None


async def test_a_far_place_is_answered_with_retry_after_until_it_is_resampled(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    samples = sine_and_noise(90 * RATE, 1, RATE)
    await in_thread(write, str(folder / "long.flac"), "flac", samples, RATE)
    recorded = await in_thread(full_read, folder / "long.flac", tmp_path / "scratch")
    expected = in_one_go(np.frombuffer(recorded, "<f4").reshape(-1, 1), RATE, 48_000)
    last = len(expected) // 221_184
    settings = settings_for(tmp_path, folder, decode_patience_s=0.01)
    async with running_server(settings) as server, client_of(server.url) as http:
        answer = await answer_in_the_end(http, f"/api/stream/1/chunk/{last}?encoding=f32&sample_rate=48000")
    assert np.array_equal(np.frombuffer(answer.content, "<f4"), expected[last * 221_184 :, 0])


@pytest.mark.parametrize(("kind", "suffix"), [("aac", ".aac"), ("m4a", ".m4a"), ("opus", ".opus")])
async def test_what_can_only_be_decoded_in_sequence_has_renditions_and_encodings_too(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    rate = 48_000 if kind == "opus" else RATE
    await in_thread(write, str(folder / f"song{suffix}"), kind, sine_and_noise(6 * rate, 2, rate), rate)
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        at_48 = await http.get("/api/stream/1/audio.opus")  # before anybody has counted its frames
        recorded = await chunks_of(http, 1, "")
        for other in (48_000, 32_000):
            expected = in_one_go(recorded, rate, other) if other != rate else recorded
            assert np.array_equal(await chunks_of(http, 1, f"sample_rate={other}"), expected)
            flac = await http.get(f"/api/stream/1/audio.flac?sample_rate={other}")
            assert by_soundfile(flac.content)[0].shape == expected.shape
        assert len(by_soundfile(at_48.content)[0]) == math.ceil(len(recorded) * 48_000 / rate)


async def test_its_own_rate_changes_nothing(http: httpx2.AsyncClient, tracks: dict[str, int]) -> None:
    track_id = tracks["long"]
    assert await described(http, track_id, f"sample_rate={RATE}") == await described(http, track_id, "")


async def test_the_receipt_of_a_rendition_names_its_rate_and_hashes_its_frames(
    http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    track_id = tracks["long"]
    wanted = f"{MASTERED}&sample_rate=48000"
    answer = await http.get(f"/api/stream/{track_id}/receipt?{wanted}")
    while answer.status_code == 202:
        answer = await http.get(f"/api/stream/{track_id}/receipt?{wanted}")
    told = answer.json()
    samples = await chunks_of(http, track_id, wanted)
    assert (told["resampled_to_hz"], told["frames"]) == (48_000, math.ceil(FRAMES * 48_000 / RATE))
    assert told["sha256"] == hashlib.sha256(samples.astype("<f4").tobytes()).hexdigest()
    assert "@" not in told["source"]["content_id"]


async def test_the_length_of_the_track_itself_is_kept_and_not_that_of_a_rendition(
    server: Server, http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    track_id = tracks["long"]
    before = (await http.get(f"/api/library/tracks/{track_id}")).json()
    await described(http, track_id, "sample_rate=8000")
    assert (await http.get(f"/api/library/tracks/{track_id}")).json() == before


def by_soundfile(data: bytes) -> tuple[Any, int]:
    """The frames of a file, and its rate; integers in the upper bits."""
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        kind = "float32" if file.subtype == "OPUS" else "int32"
        return file.read(dtype=kind, always_2d=True), file.samplerate


async def whole_as_s24(http: httpx2.AsyncClient, track_id: int, wanted: str) -> Any:
    """The whole track as 24-bit words in the upper bits, by way of WAV."""
    data = (await http.get(f"/api/stream/{track_id}/audio.wav?encoding=s24&{wanted}")).content
    return by_soundfile(data)[0]


@pytest.mark.parametrize("sound", ["", MASTERED, "sample_rate=48000", f"{MASTERED}&sample_rate=96000"])
async def test_the_whole_track_as_flac_has_the_samples_of_every_other_route(
    http: httpx2.AsyncClient, tracks: dict[str, int], sound: str
) -> None:
    for title in ("long", "high"):
        answer = await http.get(f"/api/stream/{tracks[title]}/audio.flac?{sound}")
        assert answer.headers["Content-Type"] == "audio/flac"
        words, rate = by_soundfile(answer.content)
        known = await described(http, tracks[title], sound)
        assert (len(words), rate) == (known["total_frames"], known["sample_rate"])
        assert np.array_equal(words, await whole_as_s24(http, tracks[title], sound))
        assert soundfile.info(io.BytesIO(answer.content)).subtype == (
            "PCM_16" if (title, sound) == ("long", "") else "PCM_24"
        )


@pytest.mark.parametrize("sound", ["", MASTERED])
async def test_the_whole_track_as_opus_has_exactly_its_frames_at_48_khz(
    http: httpx2.AsyncClient, tracks: dict[str, int], sound: str
) -> None:
    for title in ("long", "high", "lossy"):
        answer = await http.get(f"/api/stream/{tracks[title]}/audio.opus?{sound}")
        assert answer.headers["Content-Type"] == "audio/ogg; codecs=opus"
        samples, rate = by_soundfile(answer.content)
        floats = await chunks_of(http, tracks[title], f"sample_rate=48000&{sound}")
        assert rate == 48_000
        assert samples.shape == floats.shape
        assert snr_db(floats, samples) > 12
        with av.open(io.BytesIO(answer.content), "r") as container:
            assert sum(frame.samples for frame in container.decode(audio=0)) == len(floats)


@pytest.mark.parametrize("sound", ["", MASTERED])
async def test_opus_takes_the_revision_that_was_told_of_the_track(
    http: httpx2.AsyncClient, tracks: dict[str, int], sound: str
) -> None:
    track = f"/api/stream/{tracks['long']}"
    revision = (await http.get(f"{track}/metadata?{sound}")).json()["revision"]
    answer = await http.get(f"{track}/audio.opus?revision={revision}&{sound}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["ETag"] == (await http.get(f"{track}/audio.opus?{sound}")).headers["ETag"]
    other = await http.get(f"{track}/audio.opus?revision={'0' * len(revision)}&{sound}")
    assert (other.status_code, other.json()["code"]) == (409, "stale_revision")


def snr_db(samples: Samples, result: Samples) -> float:
    return 10 * math.log10(float(np.sum(samples**2)) / float(np.sum((result - samples) ** 2)))


async def test_the_bit_rate_of_opus_can_be_chosen(http: httpx2.AsyncClient, tracks: dict[str, int]) -> None:
    path = f"/api/stream/{tracks['long']}/audio.opus"
    for bitrate_kbps in (32, 96, 320):
        answer = await http.get(f"{path}?bitrate_kbps={bitrate_kbps}")
        assert 8 * len(answer.content) / DURATION_S / 1000 == pytest.approx(bitrate_kbps, rel=0.25)
    default = await http.get(path)
    assert default.content == (await http.get(f"{path}?bitrate_kbps=128")).content
    for wrong in ("bitrate_kbps=31", "bitrate_kbps=321", "bitrate_kbps=much", "sample_rate=44100"):
        answer = await http.get(f"{path}?{wrong}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("resource", ["audio.flac", "audio.opus"])
async def test_what_is_encoded_on_the_way_has_a_name_but_no_length_and_no_parts(
    http: httpx2.AsyncClient, tracks: dict[str, int], resource: str
) -> None:
    path = f"/api/stream/{tracks['high']}/{resource}"
    whole = await http.get(path)
    head = await http.head(path)
    for answer in (whole, head):
        assert answer.headers["Accept-Ranges"] == "none"
        assert "Content-Length" not in answer.headers
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", whole.headers["ETag"])
    part = await http.get(path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (200, whole.content)
    fresh = await http.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert (fresh.status_code, fresh.content) == (304, b"")
    revision = (await described(http, tracks["high"], ""))["revision"]
    if resource == "audio.flac":
        assert "immutable" in (await http.head(f"{path}?revision={revision}")).headers["Cache-Control"]
    assert (await http.get(f"{path}?revision=old")).status_code == 409


@pytest.mark.parametrize("resource", ["audio.flac", "audio.opus"])
async def test_a_client_that_leaves_ends_the_encoding(
    server: Server, http: httpx2.AsyncClient, tracks: dict[str, int], resource: str
) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    async with await trio.open_tcp_stream("127.0.0.1", port) as client:
        path = f"/api/stream/{tracks['long']}/{resource}?{MASTERED}&sample_rate=48000"
        await client.send_all(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert (await client.receive_some(100)).startswith(b"HTTP/1.1 200")
    with trio.fail_after(LIMIT_S):
        while any(lane.running or lane.waiting for lane in server.services.offload.statistics().values()):
            await trio.lowlevel.checkpoint()
    assert (await http.get("/api/health")).status_code == 200


async def test_a_track_that_cannot_be_played_is_refused_before_a_body_begins(tmp_path: Path, music: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    whole = (music / "long.flac").read_bytes()
    (folder / "broken.flac").write_bytes(whole[: len(whole) // 20])
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        for resource in ("audio.flac", "audio.opus"):
            answer = await http.get(f"/api/stream/1/{resource}")
            assert (answer.status_code, answer.json()["code"]) == (422, "track_corrupt")


async def test_a_track_that_breaks_later_ends_the_connection_and_not_the_music(tmp_path: Path, music: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    whole = (music / "long.flac").read_bytes()
    (folder / "broken.flac").write_bytes(whole[: 3 * len(whole) // 4])
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        for resource in ("audio.flac", "audio.opus"):
            with pytest.raises(httpx2.RemoteProtocolError):
                await http.get(f"/api/stream/1/{resource}")


def heard(delivery: Delivery) -> Samples:
    """What a client makes of a stream of Opus."""
    payloads = [packet.payload for packet in delivery.packets]
    head = base64.b64decode(delivery.start["opus_head"])
    return opus.decoded(payloads, head, delivery.start["pre_skip_frames"], delivery.frames)


@pytest.mark.parametrize("sound", [{}, {"enhanced": True, "preset": "warm", "intensity": 1.0}])
async def test_a_websocket_stream_of_opus_brings_the_whole_track_at_48_khz(
    server: Server, http: httpx2.AsyncClient, tracks: dict[str, int], sound: dict[str, Any]
) -> None:
    async with open_player(server.url) as client:
        for title in ("long", "high", "lossy"):
            delivery = await client.play_to_end(tracks[title], encoding="opus", **({"enhanced": False} | sound))
            floats = await chunks_of(http, tracks[title], f"sample_rate=48000&{MASTERED if sound else ''}")
            assert delivery.start["sample_rate"] == 48_000
            assert (delivery.end["reason"], delivery.end["frames_sent"]) == ("completed", len(floats))
            samples = heard(delivery)
            assert samples.shape == floats.shape
            assert snr_db(floats, samples) > 12
            assert len(delivery.audio) < 0.25 * 4 * len(floats)


async def test_a_seek_in_opus_is_a_stream_of_its_own_from_that_frame_on(
    server: Server, http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    floats = await chunks_of(http, tracks["long"], "sample_rate=48000")
    async with open_player(server.url) as client:
        await client.play(tracks["long"], encoding="opus", enhanced=False)
        await client.say("seek", start_frame=300_001)
        await client.hear_text("audio_stream_start")
        delivery = await client.hear_to_end()
    assert delivery.start["start_frame"] == 300_001
    samples = heard(delivery)
    assert samples.shape == floats[300_001:].shape
    assert snr_db(floats[300_001:], samples) > 12


async def test_two_streams_of_opus_that_meet_have_no_gap_between_them(
    server: Server, http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    place = 250_000
    floats = await chunks_of(http, tracks["long"], "sample_rate=48000")
    async with open_player(server.url) as client:
        whole = heard(await client.play_to_end(tracks["long"], encoding="opus", enhanced=False))
        rest = heard(await client.play_to_end(tracks["long"], encoding="opus", enhanced=False, start_frame=place))
    joined, around = np.concatenate((whole[:place], rest)), slice(place - 2_000, place + 2_000)
    assert joined.shape == floats.shape
    assert snr_db(floats[around], joined[around]) > snr_db(floats[around], whole[around]) - 6


async def test_opus_changes_its_sound_at_a_frame_that_both_streams_agree_on(
    server: Server, http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    await http.get(f"/api/stream/{tracks['long']}/metadata?{MASTERED}&sample_rate=48000")  # analysed by now
    async with open_player(server.url) as client:
        await client.play(tracks["long"], encoding="opus", credit=100_000)
        await client.hear_packet()
        await client.say("enhancement", enabled=True, preset="warm", intensity=1.0)
        old = await client.hear_to_end()
        await client.hear_text("audio_stream_start")
        start = client.delivery
        assert start is not None
        await client.say("credit", stream_id=start.start["stream_id"], frames=2**52)
        new = await client.hear_to_end()
    assert (old.end["reason"], new.end["reason"]) == ("replaced", "completed")
    assert new.start["start_frame"] <= old.packets[-1].start_frame + old.packets[-1].frames
    assert new.start["start_frame"] + new.frames == new.start["total_frames"]
    assert len(heard(new)) == new.frames


async def test_a_websocket_stream_at_another_rate_is_the_chunks_of_that_rate(
    server: Server, http: httpx2.AsyncClient, tracks: dict[str, int]
) -> None:
    async with open_player(server.url) as client:
        for encoding in ("s16", "s24", "f32", "flac"):
            told = {"encoding": encoding, "sample_rate": 44_100}
            delivery = await client.play_to_end(tracks["high"], enhanced=False, **told)
            assert told.items() <= delivery.start.items()
            assert delivery.frames == delivery.start["total_frames"] <= delivery.start["chunk_frames"]
            wanted = "s24" if encoding == "flac" else encoding
            chunk = await http.get(f"/api/stream/{tracks['high']}/chunk/0?encoding={wanted}&sample_rate=44100")
            audio = delivery.audio
            if encoding == "flac":
                words = np.concatenate([by_soundfile(packet.payload)[0] for packet in delivery.packets])
                audio = (words >> 8).astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
            assert audio == chunk.content


async def test_opus_comes_as_json_as_well(server: Server, tracks: dict[str, int]) -> None:
    async with open_player(server.url) as client:
        binary = await client.play_to_end(tracks["high"], encoding="opus")
        await client.say("play", track_id=tracks["high"], encoding="opus", transport="json", credit=2**52)
        frames, data = 0, b""
        while frames < binary.frames:
            told = await client.hear_text("audio_chunk")
            frames, data = frames + told["frames"], data + base64.b64decode(told["data"])
    assert (frames, data) == (binary.frames, binary.audio)


async def test_opus_at_another_rate_and_rates_that_are_not_usual_are_refused(
    server: Server, tracks: dict[str, int]
) -> None:
    async with open_player(server.url) as client:
        for wanted in (
            {"encoding": "opus", "sample_rate": 44_100},
            {"sample_rate": 44_101},
            {"sample_rate": "48000"},
        ):
            await client.say("play", track_id=tracks["high"], **wanted)
            assert (await client.hear_text("error"))["code"] == "validation_error"
        delivery = await client.play_to_end(tracks["high"], encoding="opus", sample_rate=48_000)
        assert delivery.end["reason"] == "completed"


@pytest.mark.parametrize(("resource", "duration_s"), [("audio.flac?sample_rate=16000", 1_200), ("audio.opus", 300)])
async def test_a_long_track_costs_no_more_memory_than_a_short_one(
    tmp_path: Path, resource: str, duration_s: int
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    write_long(folder / "short.wav", 8_000, 1, 60)
    write_long(folder / "long.wav", 8_000, 1, duration_s)  # of more than 50 MiB as floats
    with server_process(tmp_path / "data", folder, chunk_cache_bytes=CACHE_BYTES, chunk_disk_bytes=0) as server:
        async with client_of(server.url) as http:
            ids = await tracks_of(http, 2)
        peaks = []
        for title in ("short", "long"):
            assert await in_thread(take_all, server.url, f"/api/stream/{ids[title]}/{resource}") > 5_000
            peaks.append(peak_bytes(server))
    assert peaks[1] - peaks[0] < 8 * MIB
