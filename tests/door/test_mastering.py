"""Mastered sound through the real server: every route of one render, settings that last, and what is said of it."""

import hashlib
import io
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import mutagen
import numpy as np
import pytest
import soundfile
import trio
from trio.testing import MockClock

from auralis_trio.analysis import DIMENSIONS, LoudnessMeter, TruePeakMeter
from auralis_trio.app import Server
from auralis_trio.audio.block import Samples
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.demo import synthesise
from auralis_trio.mastering import AS_RECORDED, render
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.recipe import Recipe
from auralis_trio.offload import Lane
from auralis_trio.wire.wishes import PresetName
from tests.clock import limited
from tests.player_client import open_player
from tests.serving import client_of, held_permits, in_thread, running_server, settings_for, until_asked_for

RATE = 44_100
MASTERED = "enhanced=true&preset=warm&intensity=0.8"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number, gain in ((1, 0.5), (2, 0.05)):
        path = folder / f"{number}.flac"
        soundfile.write(path, gain * synthesise(12.0, RATE, 2, seed=number), RATE, subtype="PCM_16")
        file = mutagen.File(path)
        file.update({"title": [str(number)], "album": ["Album"], "tracknumber": [str(number)]})
        file.save()
    return folder


async def json_of(http: httpx2.AsyncClient, path: str) -> dict[str, Any]:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()
    return data


async def whole(http: httpx2.AsyncClient, track_id: int, query: str) -> Samples:
    answer = await http.get(f"/api/stream/{track_id}/audio.wav?encoding=f32&{query}")
    assert answer.status_code == 200
    samples, _ = soundfile.read(io.BytesIO(answer.content), dtype="float32", always_2d=True)
    return np.asarray(samples)


def renders(path: Path, tmp_path: Path, recipes: list[Recipe]) -> list[Samples]:
    """The file behind each recipe, without a server."""
    source = open_source(str(path), probe(str(path)).content_id, PcmCache(str(tmp_path / "pcm"), 0, 1.0))
    with closing(source):
        return [render(source, recipe, 0, 99).samples for recipe in recipes]


def lufs(samples: Samples) -> float:
    meter = LoudnessMeter(RATE, samples.shape[1])
    meter.add(samples)
    integrated_lufs = meter.result().integrated_lufs
    assert integrated_lufs is not None
    return integrated_lufs


def true_peak_dbtp(samples: Samples) -> float:
    meter = TruePeakMeter(RATE, samples.shape[1])
    meter.add(samples)
    peak_dbtp, _ = meter.result()
    assert peak_dbtp is not None
    return peak_dbtp


def test_the_names_that_clients_may_send_are_those_of_the_presets() -> None:
    assert set(PresetName.__args__) == set(PRESETS)  # type: ignore[attr-defined]


async def test_every_route_gives_the_same_mastered_frames(
    server: Server, http: httpx2.AsyncClient, music: Path, tmp_path: Path
) -> None:
    parameters = await json_of(http, "/api/processing/parameters?track_id=1&preset=warm&intensity=0.8")
    recipe = msgspec.convert(parameters["recipe"], Recipe)
    wav = await whole(http, 1, MASTERED)
    chunks = b"".join(
        [(await http.get(f"/api/stream/1/chunk/{index}?encoding=f32&{MASTERED}")).content for index in (2, 0, 1)]
    )
    chunk_bytes = 221_184 * 8
    last = 8 * len(wav) - 2 * chunk_bytes
    assert chunks[last:] + chunks[:last] == wav.tobytes()
    async with open_player(server.url) as player:
        delivery = await player.play_to_end(1, enhanced=True, preset="warm", intensity=0.8, encoding="f32")
    assert delivery.audio == wav.tobytes()
    assert delivery.start["recipe"] == parameters["key"]
    assert (delivery.start["enhanced"], delivery.start["preset"], delivery.start["intensity"]) == (True, "warm", 0.8)
    local = await in_thread(renders, music / "1.flac", tmp_path, [recipe, AS_RECORDED])
    assert np.array_equal(local[0], wav)
    assert np.array_equal(local[1], await whole(http, 1, "intensity=0.3"))


async def test_metadata_says_what_is_done_and_the_sound_keeps_to_it(http: httpx2.AsyncClient) -> None:
    told = (await json_of(http, f"/api/stream/1/metadata?{MASTERED}"))["mastering"]
    assert (told["preset"], told["intensity"]) == ("warm", 0.8)
    mastered = await whole(http, 1, MASTERED)
    assert lufs(mastered) == pytest.approx(told["expected_lufs"], abs=0.1)
    assert true_peak_dbtp(mastered) <= -1.0
    assert (await json_of(http, "/api/stream/1/metadata"))["mastering"] is None


async def test_intensity_zero_is_the_recording_bit_for_bit(http: httpx2.AsyncClient) -> None:
    recorded = await http.get("/api/stream/1/chunk/0?encoding=s16")
    nothing = await http.get("/api/stream/1/chunk/0?encoding=s16&enhanced=true&intensity=0")
    assert nothing.content == recorded.content
    assert nothing.headers["ETag"] == recorded.headers["ETag"]


@pytest.mark.parametrize("track_id", [1, 2])
async def test_compared_at_one_loudness_the_louder_side_is_turned_down_and_neither_up(
    http: httpx2.AsyncClient, track_id: int
) -> None:
    query = "preset=punchy&match_loudness=true"
    original = await whole(http, track_id, query)
    mastered = await whole(http, track_id, f"{query}&enhanced=true")
    assert lufs(original) == pytest.approx(lufs(mastered), abs=0.1)
    plain = await whole(http, track_id, "")
    untouched = np.array_equal(original, plain)
    assert untouched == (lufs(await whole(http, track_id, "enhanced=true&preset=punchy")) >= lufs(plain))
    assert np.abs(original).max() <= np.abs(plain).max()


async def test_an_album_keeps_its_inner_dynamics(http: httpx2.AsyncClient) -> None:
    before = [lufs(await whole(http, track_id, "")) for track_id in (1, 2)]
    after = [lufs(await whole(http, track_id, "enhanced=true&album=true")) for track_id in (1, 2)]
    alone = [lufs(await whole(http, track_id, "enhanced=true")) for track_id in (1, 2)]
    assert before[0] - before[1] > 10
    assert after[0] - after[1] == pytest.approx(before[0] - before[1], abs=3)
    assert abs(alone[0] - alone[1]) < 6
    recipes = [
        (await json_of(http, f"/api/stream/{track_id}/metadata?enhanced=true&album=true"))["recipe"]
        for track_id in (1, 2)
    ]
    assert recipes[0] == recipes[1]


async def test_a_reference_gives_its_loudness(http: httpx2.AsyncClient) -> None:
    mastered = await whole(http, 1, "enhanced=true&reference=2")
    assert lufs(mastered) == pytest.approx(lufs(await whole(http, 2, "")), abs=0.3)
    told = await json_of(http, "/api/stream/1/metadata?enhanced=true&reference=2")
    assert told["mastering"]["preset"] == "reference"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("enhanced=true&reference=99", 404, "track_not_found"),
        ("enhanced=true&reference=2&album=true", 422, "invalid_request"),
        ("enhanced=true&reference=0", 422, "invalid_request"),
        ("enhanced=maybe", 422, "invalid_request"),
    ],
)
async def test_a_wish_that_cannot_be_met_is_a_problem(
    http: httpx2.AsyncClient, query: str, status: int, code: str
) -> None:
    answer = await http.get(f"/api/stream/1/metadata?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_who_asks_before_the_analysis_is_done_is_told_to_come_again_and_it_goes_on(
    server: Server, http: httpx2.AsyncClient, mock_clock: MockClock
) -> None:
    """The clock stands still, but for the time that an analysis may take."""
    refused: list[httpx2.Response] = []

    async def ask() -> None:
        refused.append(await http.get(f"/api/stream/1/chunk/0?{MASTERED}"))

    async def let_it_be_too_late() -> None:
        await until_asked_for(server, Lane.TRACK)
        mock_clock.jump(server.services.settings.analysis_deadline_s)

    with limited():
        async with held_permits(server, Lane.TRACK), trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await let_it_be_too_late()
        assert (refused[0].status_code, refused[0].json()["code"]) == (503, "analysis_running")
        assert int(refused[0].headers["Retry-After"]) >= 1
        file = await server.services.catalogue.find_track(1)
        while await server.services.analyst.known(file) is None:
            pass
        assert (await http.get(f"/api/stream/1/chunk/0?{MASTERED}")).status_code == 200
        async with open_player(server.url) as player, held_permits(server, Lane.TRACK):
            await player.say("play", track_id=2, enhanced=True, preset="live")
            await let_it_be_too_late()
            assert (await player.hear_text("audio_stream_error"))["code"] == "analysis_running"


async def test_a_track_that_cannot_be_analysed_is_not_sent_in_place_of_a_mastered_one(
    tmp_path: Path, music: Path
) -> None:
    data = (music / "1.flac").read_bytes()
    (music / "1.flac").write_bytes(data[: len(data) // 2] + bytes(2000) + data[len(data) // 2 + 2000 :])
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
        open_player(server.url) as player,
    ):
        assert (await http.get("/api/stream/1/chunk/0")).status_code == 200
        answer = await http.get(f"/api/stream/1/chunk/0?{MASTERED}")
        assert (answer.status_code, answer.json()["code"]) == (422, "track_corrupt")
        await player.say("play", track_id=1, enhanced=True)
        assert (await player.hear_text("audio_stream_error"))["code"] == "track_corrupt"


async def test_what_was_found_out_lasts_over_a_restart(tmp_path: Path, music: Path) -> None:
    answers = []
    for _ in range(2):
        async with (
            running_server(settings_for(tmp_path, music)) as server,
            client_of(server.url) as http,
        ):
            answers.append((await json_of(http, f"/api/stream/1/metadata?{MASTERED}"))["recipe"])
            file = await server.services.catalogue.find_track(1)
            assert await server.services.analyst.known(file) is not None
    assert answers[0] == answers[1]
    for ledger in (tmp_path / "data" / "ledgers").iterdir():
        ledger.write_bytes(b"broken")
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
    ):
        assert (await json_of(http, f"/api/stream/1/metadata?{MASTERED}"))["recipe"] == answers[0]


# What is said of tracks


async def test_a_profile_has_every_dimension_of_the_table(http: httpx2.AsyncClient) -> None:
    table = (await json_of(http, "/api/processing/dimensions"))["items"]
    assert [row["name"] for row in table] == [dimension.name for dimension in DIMENSIONS]
    profile = await json_of(http, "/api/library/tracks/1/profile")
    assert list(profile["values"]) == [row["name"] for row in table]
    for row in table:
        told = profile["values"][row["name"]]
        assert (told["unit"], told["low"], told["high"]) == (row["unit"], row["low"], row["high"])
        assert (told["value"] is None) == (told["reason"] is not None)
    loudness = profile["values"]["integrated_lufs"]
    assert loudness["unit"] == "LUFS"
    assert loudness["value"] == pytest.approx(lufs(await whole(http, 1, "")), abs=1e-6)
    assert profile["quick"] is False


async def test_an_album_is_told_by_the_medians_of_what_was_measured_of_its_tracks(http: httpx2.AsyncClient) -> None:
    nothing = await json_of(http, "/api/albums/1/profile")
    assert (nothing["tracks"], nothing["measured"]) == (2, 0)
    assert list(nothing["values"]) == [dimension.name for dimension in DIMENSIONS]
    assert all((told["value"], told["tracks"]) == (None, 0) for told in nothing["values"].values())
    tracks = [await json_of(http, f"/api/library/tracks/{track_id}/profile") for track_id in (1, 2)]
    found = await json_of(http, "/api/albums/1/profile")
    assert (found["album_id"], found["tracks"], found["measured"]) == (1, 2, 2)
    loudness = [track["values"]["integrated_lufs"]["value"] for track in tracks]
    assert found["values"]["integrated_lufs"] == {"value": sum(loudness) / 2, "tracks": 2, "unit": "LUFS"}
    answer = await http.get("/api/albums/99/profile")
    assert (answer.status_code, answer.json()["code"]) == (404, "album_not_found")


async def test_presets_are_told_as_they_are(http: httpx2.AsyncClient) -> None:
    presets = (await json_of(http, "/api/processing/presets"))["items"]
    assert [preset["name"] for preset in presets] == list(PRESETS)
    assert {preset["name"]: preset["target_lufs"] for preset in presets}["adaptive"] == -14.0
    assert all(preset["label"] and preset["description"] for preset in presets)


async def test_parameters_are_the_recipe_in_plain_numbers(http: httpx2.AsyncClient) -> None:
    told = await json_of(http, "/api/processing/parameters?track_id=1&preset=bright&intensity=0.5")
    assert len(told["band_hz"]) == len(told["recipe"]["mid_eq_db"]) == 40
    assert (told["recipe"]["preset"], told["recipe"]["intensity"], told["preset"]) == ("bright", 0.5, "bright")
    metadata = await json_of(http, "/api/stream/1/metadata?enhanced=true&preset=bright&intensity=0.5")
    assert told["key"] == metadata["recipe"]
    assert (await http.get("/api/processing/parameters")).status_code == 422


async def test_a_preset_is_recommended_with_reasons(http: httpx2.AsyncClient) -> None:
    told = await json_of(http, "/api/player/mastering/recommendation/1")
    assert told["preset"] in PRESETS
    assert told["reasons"]
    assert {told["preset"], *(each["preset"] for each in told["alternatives"])} == set(PRESETS)
    assert (await http.get("/api/player/mastering/recommendation/99")).status_code == 404


# Receipts


async def receipt_of(http: httpx2.AsyncClient, track_id: int, query: str) -> dict[str, Any]:
    while (answer := await http.get(f"/api/stream/{track_id}/receipt?{query}")).status_code == 202:
        told = answer.json()
        assert told["state"] in ("waiting", "running")
        assert 0 <= told["done_frames"] <= told["total_frames"] == 12 * RATE
        assert int(answer.headers["Retry-After"]) >= 1
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


@pytest.mark.parametrize("query", ["", MASTERED, "match_loudness=true", "enhanced=true&album=true"])
async def test_a_receipt_has_the_hash_and_the_levels_of_what_is_heard(http: httpx2.AsyncClient, query: str) -> None:
    receipt = await receipt_of(http, 1, query)
    frames, recorded = await whole(http, 1, query), await whole(http, 1, "")
    assert receipt["sha256"] == hashlib.sha256(frames.tobytes()).hexdigest()
    assert receipt["source"]["sha256"] == hashlib.sha256(recorded.tobytes()).hexdigest()
    assert receipt["frames"] == len(frames)
    assert receipt["after"]["integrated_lufs"] == pytest.approx(lufs(frames), abs=1e-6)
    assert receipt["after"]["true_peak_dbtp"] == pytest.approx(true_peak_dbtp(frames), abs=1e-6)
    assert receipt["before"]["integrated_lufs"] == pytest.approx(lufs(recorded), abs=1e-6)
    metadata = await json_of(http, f"/api/stream/1/metadata?{query}")
    assert (receipt["recipe"]["key"], receipt["revision"]) == (metadata["recipe"], metadata["revision"])
    assert len(receipt["recipe"]["mid_eq_db"]) == (40 if "enhanced" in query else 0)


async def test_a_receipt_lasts_and_is_told_of_when_it_is_made(tmp_path: Path, music: Path) -> None:
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
        open_player(server.url) as player,
    ):
        receipt = await receipt_of(http, 1, MASTERED)
        assert (await player.hear_text("job_progress"))["state"] == "running"
        told = await player.hear_text("job_progress")
        assert (told["state"], told["kind"], told["done_frames"]) == ("finished", "receipt", 12 * RATE)
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
    ):
        answer = await http.get(f"/api/stream/1/receipt?{MASTERED}")
        assert (answer.status_code, answer.json()) == (200, receipt)


# Settings


async def test_settings_are_changed_told_to_all_and_last(tmp_path: Path, music: Path) -> None:
    async with (
        running_server(settings_for(tmp_path, music)) as server,
        client_of(server.url) as http,
        open_player(server.url) as player,
    ):
        assert player.hello["state"]["enhancement"]["enabled"] is False
        answer = await http.put("/api/settings", json={"preset": "warm", "ceiling_dbtp": -2, "intensity": 0.5})
        assert answer.status_code == 200
        told = await player.hear_text("enhancement_settings_changed")
        assert (told["preset"], told["intensity"], told["ceiling_dbtp"], told["enabled"]) == (
            "warm",
            0.5,
            -2.0,
            False,
        )
        await http.post("/api/player/enhancement/toggle", json={"enabled": True})
        assert (await player.hear_text("enhancement_settings_changed"))["enabled"] is True
        await http.post("/api/player/enhancement/preset", json={"preset": "live"})
        await http.post("/api/player/enhancement/intensity", json={"intensity": 0.25})
        await player.say("enhancement", match_loudness=True)
        while not told["match_loudness"]:
            told = await player.hear_text("enhancement_settings_changed")
        status = await json_of(http, "/api/player/enhancement/status")
        assert {name: told[name] for name in status} == status
    async with (
        running_server(settings_for(tmp_path, music), scanned=False) as server,
        client_of(server.url) as http,
    ):
        assert await json_of(http, "/api/settings") == {
            "enhancement_enabled": True,
            "preset": "live",
            "intensity": 0.25,
            "match_loudness": True,
            "loudness_offset_lu": 0.0,
            "ceiling_dbtp": -2.0,
            "analyse_library": True,
            "crossfade_s": 0.0,
        }


@pytest.mark.parametrize(
    "change",
    [
        {"presett": "warm"},
        {"preset": "loud"},
        {"intensity": 1.5},
        {"loudness_offset_lu": 7},
        {"ceiling_dbtp": 0},
        {"enhancement_enabled": "yes"},
        {"preset": "warm", "intensity": None},
    ],
)
async def test_a_setting_that_cannot_be_is_refused_and_nothing_changes(
    http: httpx2.AsyncClient, change: dict[str, Any]
) -> None:
    before = await json_of(http, "/api/settings")
    answer = await http.put("/api/settings", json=change)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert await json_of(http, "/api/settings") == before


async def test_the_listeners_offset_and_ceiling_hold_everywhere(http: httpx2.AsyncClient) -> None:
    before = (await json_of(http, f"/api/stream/1/metadata?{MASTERED}"))["mastering"]
    await http.put("/api/settings", json={"loudness_offset_lu": -3, "ceiling_dbtp": -6})
    after = await json_of(http, f"/api/stream/1/metadata?{MASTERED}")
    assert after["mastering"]["target_lufs"] == pytest.approx(before["target_lufs"] - 0.8 * 3, abs=0.01)
    assert true_peak_dbtp(await whole(http, 1, MASTERED)) <= -6.0


async def test_a_play_that_says_nothing_sounds_as_the_settings_have_it(
    server: Server, http: httpx2.AsyncClient
) -> None:
    await http.put("/api/settings", json={"enhancement_enabled": True, "preset": "bright"})
    async with open_player(server.url) as player:
        start = await player.play(1)
    assert (start["enhanced"], start["preset"]) == (True, "bright")


# The library in the background


async def test_a_library_is_analysed_in_the_background_and_says_how_far_it_is(tmp_path: Path, music: Path) -> None:
    async with (
        running_server(settings_for(tmp_path, music, analyse_in_background=True), scanned=False) as server,
        client_of(server.url) as http,
        open_player(server.url) as player,
    ):
        await server.services.scan.run()
        told = await player.hear_text("analysis_progress")
        assert (told["state"], told["done"], told["total"]) == ("running", 0, 2)
        while told["state"] == "running":
            told = await player.hear_text("analysis_progress")
        status = await json_of(http, "/api/library/analysis/status")
        assert status == {"state": "idle", "done": 2, "total": 2, "failed": 0}
        for track_id in (1, 2):
            file = await server.services.catalogue.find_track(track_id)
            assert await server.services.analyst.known(file) is not None
        ready = await json_of(http, "/api/ready")
        running = dict.fromkeys(("lag", "settings", "player", "listens", "chunks", "memory", "rescan"), "running")
        assert ready["services"] == {"scan": "finished", "analysis": "idle", **running}
        shown = await json_of(http, "/api/status")
        assert shown["analysis"] == status
        assert shown["ledgers"]["bytes"] > 0


async def test_a_long_track_that_nobody_analysed_begins_on_a_quick_look(tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    minute = synthesise(60.0, 8_000, 1, seed=3)
    soundfile.write(folder / "long.wav", np.tile(minute, (16, 1)), 8_000, subtype="PCM_16")
    async with (
        running_server(settings_for(tmp_path, folder), scanned=False) as server,
        client_of(server.url) as http,
        open_player(server.url) as player,
    ):
        await server.services.scan.run()
        start = await player.play(1, enhanced=True, preset="live", credit=0)
        assert start["enhanced"] is True
        analysed = await json_of(http, "/api/stream/1/metadata?enhanced=true&preset=live")
        assert analysed["mastering"]["preset"] == "live"
        assert analysed["recipe"] != start["recipe"]
        assert (await json_of(http, "/api/library/tracks/1/profile"))["quick"] is False
        again = await player.play(1, enhanced=True, preset="live", credit=0)
        assert again["recipe"] == analysed["recipe"]


async def test_a_change_in_mid_play_is_heard_from_the_frame_where_it_begins(
    server: Server, http: httpx2.AsyncClient
) -> None:
    grain = 12_288
    recorded, mastered = await whole(http, 1, ""), await whole(http, 1, "enhanced=true&preset=warm")
    async with open_player(server.url) as player:
        await player.play(1, encoding="f32", credit=6 * RATE)
        while player.delivery is None or player.delivery.frames < 6 * RATE:
            await player.hear_packet()
        old = player.delivery
        await player.say("credit", stream_id=1, frames=6 * RATE, played=2 * RATE)
        await player.say("enhancement", enabled=True, preset="warm")
        start = await player.hear_text("audio_stream_start")
        await player.say("credit", stream_id=2, frames=2**40)
        new = await player.hear_to_end()
    assert (old.end["reason"], new.end["reason"]) == ("replaced", "completed")
    turn = start["start_frame"]
    assert turn % grain == 0
    assert 2.5 * RATE <= turn <= 2.5 * RATE + grain
    sound = np.frombuffer(old.audio[: turn * 8] + new.audio, "<f4").reshape(-1, 2)
    assert np.array_equal(sound[:turn], recorded[:turn])
    assert np.array_equal(sound[turn + grain :], mastered[turn + grain :])
    # In between it goes over: nowhere further from either than these are from each other.
    apart = np.abs(recorded - mastered)[turn : turn + grain]
    for side in (recorded, mastered):
        assert (np.abs(sound - side)[turn : turn + grain] <= apart + 1e-6).all()
