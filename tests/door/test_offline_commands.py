"""`analyze` and `master` as a user meets them: what they print, what they write, what they refuse."""

import hashlib
import json
import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import trio

from auralis_trio.analysis import DIMENSIONS, analyse
from auralis_trio.audio.block import Block, Samples
from auralis_trio.cli import main
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.demo import synthesise
from auralis_trio.encoder import quantise
from auralis_trio.mastering.resolve import Target
from auralis_trio.mastering.tuning import master, tune
from auralis_trio.work.whole import LEVELS, rendered
from tests.serving import COMMAND, LIMIT_S, client_of, in_thread, run_command, running_server, settings_for

RATE = 44_100
Capture = pytest.CaptureFixture[str]


def write_music(path: Path, duration_s: float = 8.0, seed: int = 1, gain: float = 1.0) -> Path:
    soundfile.write(path, gain * synthesise(duration_s, RATE, 2, seed), RATE, subtype="PCM_16")
    return path


def read(path: Path) -> Samples:
    return np.asarray(soundfile.read(path, dtype="float32", always_2d=True)[0])


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_music(tmp_path / "song.flac")


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Samples, str]:
    """What mastering the song warmly gives, by the functions that streams use, and its hash."""
    folder = tmp_path_factory.mktemp("mastered")
    path = str(write_music(folder / "song.flac"))
    with closing(open_source(path, probe(path).content_id, PcmCache(str(folder / "pcm"), 0, 60.0))) as source:
        found = analyse(source)
        recipe = master(found, "warm", 0.8, Target(), tune(source, found, "warm", Target())).recipe
        samples = np.concatenate([block.samples for block in rendered(source, recipe)])
    return samples, hashlib.sha256(samples.tobytes()).hexdigest()


def analyzed(capsys: Capture, *paths: Path, code: int = 0) -> list[dict[str, Any]]:
    assert main(["analyze", "--json", *map(str, paths)]) == code
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_analyze_gives_programs_every_dimension(song: Path, capsys: Capture) -> None:
    (found,) = analyzed(capsys, song)
    assert found["file"] == str(song)
    assert (found["sample_rate"], found["channels"], found["total_frames"]) == (RATE, 2, 8 * RATE)
    assert found["source_sha256"] == hashlib.sha256(read(song).tobytes()).hexdigest()
    assert list(found["profile"]) == [row.name for row in DIMENSIONS]
    assert {name: found[name] for name in LEVELS} == {name: found["profile"][name] for name in LEVELS}
    assert all(isinstance(found[name], float) for name in LEVELS)


def test_what_cannot_be_measured_is_null_with_a_reason(tmp_path: Path, capsys: Capture) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros((3 * RATE, 2)), RATE)
    (found,) = analyzed(capsys, tmp_path / "silence.wav")
    missing = {name for name, value in found["profile"].items() if value is None}
    assert {"integrated_lufs", "true_peak_dbtp", "tempo_bpm"} <= missing
    assert set(found["reasons"]) == missing
    assert found["integrated_lufs"] is None


def test_analyze_gives_people_a_table_for_each_file(song: Path, tmp_path: Path, capsys: Capture) -> None:
    other = write_music(tmp_path / "other [live].wav", 2.0)
    assert main(["analyze", str(song), str(other)]) == 0
    shown = capsys.readouterr().out
    assert all(shown.count(row.name) >= 2 for row in DIMENSIONS)
    assert "song.flac" in shown.replace("\n", "")
    assert "other [live].wav" in shown.replace("\n", "")
    assert " LUFS" in shown


def test_a_file_that_cannot_be_read_does_not_cost_the_others(song: Path, tmp_path: Path, capsys: Capture) -> None:
    broken = tmp_path / "broken.flac"
    broken.write_bytes(song.read_bytes()[:5000])
    assert main(["analyze", "--json", str(tmp_path / "none.wav"), str(song), str(broken)]) == 1
    told = capsys.readouterr()
    assert [found["file"] for found in json.loads(told.out)] == [str(song)]
    missing, damaged = told.err.splitlines()
    assert missing.startswith(f"auralis-trio: {tmp_path / 'none.wav'}: ")
    assert damaged.startswith(f"auralis-trio: {broken}: ")


def test_master_writes_what_the_server_streams(song: Path, mastered: tuple[Samples, str], capsys: Capture) -> None:
    expected, sha256 = mastered
    out, receipt = song.with_name("out.wav"), song.with_name("receipt.json")
    options = ["--preset", "warm", "--intensity", "0.8", "--bits", "float", "--receipt", str(receipt)]
    assert main(["master", str(song), str(out), *options]) == 0
    assert np.array_equal(read(out), expected)
    assert f"sha256 {sha256}" in capsys.readouterr().out.splitlines()
    told = json.loads(receipt.read_text())
    assert told["sha256"] == sha256
    assert told["source"]["sha256"] == hashlib.sha256(read(song).tobytes()).hexdigest()
    assert (told["recipe"]["preset"], told["recipe"]["intensity"]) == ("warm", 0.8)
    (before,), (after,) = analyzed(capsys, song), analyzed(capsys, out)
    assert told["before"] == {name: before[name] for name in LEVELS}
    assert told["after"] == pytest.approx({name: after[name] for name in LEVELS}, abs=0.002)
    assert told["after"]["true_peak_dbtp"] <= -1.0
    if told["limited_by"] is None:
        assert told["after"]["integrated_lufs"] == pytest.approx(told["target_lufs"], abs=0.2)


@pytest.mark.parametrize("rate", ["", "48000"])
async def test_what_is_written_has_the_hash_of_the_streams_receipt(tmp_path: Path, rate: str) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    song, receipt = write_music(folder / "song.flac"), tmp_path / "receipt.json"
    command = ["master", str(song), str(tmp_path / "out.flac"), "--preset", "punchy", "--receipt", str(receipt)]
    command += ["--sample-rate", rate] if rate else []
    assert (await in_thread(run_command, *command, "--intensity", "0.5")).returncode == 0
    path = f"/api/stream/1/receipt?enhanced=true&preset=punchy&intensity=0.5&sample_rate={rate or 44_100}"
    async with (
        running_server(settings_for(tmp_path, folder)) as server,
        client_of(server.url) as http,
    ):
        with trio.fail_after(LIMIT_S):
            while (answer := await http.get(path)).status_code in (202, 503):
                await trio.lowlevel.checkpoint()
    told = json.loads(await in_thread(receipt.read_text))
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("sha256", "recipe")} == {
        name: told[name] for name in ("sha256", "recipe")
    }


@pytest.mark.parametrize(("name", "bits"), [("out.wav", 16), ("out.flac", 16), ("out.flac", 24), ("out.wav", 32)])
def test_where_bits_are_dropped_the_frames_are_dithered(
    song: Path, mastered: tuple[Samples, str], name: str, bits: int
) -> None:
    out = song.with_name(name)
    assert main(["master", str(song), str(out), "--preset", "warm", "--intensity", "0.8", "--bits", str(bits)]) == 0
    words = soundfile.read(out, dtype="int32")[0] >> (32 - bits)
    assert np.array_equal(words, quantise(Block(mastered[0].copy(), 0), bits, None))


def test_at_no_intensity_every_bit_stays(song: Path) -> None:
    out = song.with_name("out.flac")
    assert main(["master", str(song), str(out), "--intensity", "0", "--bits", "16"]) == 0
    assert np.array_equal(soundfile.read(out, dtype="int16")[0], soundfile.read(song, dtype="int16")[0])


def test_the_listeners_own_loudness_and_ceiling_are_kept(song: Path, capsys: Capture) -> None:
    out = song.with_name("out.wav")
    assert main(["master", str(song), str(out), "--offset-lu", "-6", "--ceiling-dbtp", "-3"]) == 0
    (after,) = analyzed_after(capsys, out)
    assert after["integrated_lufs"] == pytest.approx(-20.0, abs=0.2)
    assert after["true_peak_dbtp"] <= -3.0


def analyzed_after(capsys: Capture, *paths: Path) -> list[dict[str, Any]]:
    capsys.readouterr()
    return analyzed(capsys, *paths)


def test_a_reference_lends_its_loudness(song: Path, tmp_path: Path, capsys: Capture) -> None:
    reference, out = write_music(tmp_path / "reference.wav", seed=5, gain=0.15), tmp_path / "out.wav"
    assert main(["master", str(song), str(out), "--reference", str(reference)]) == 0
    wanted, got = analyzed_after(capsys, reference, out)
    assert got["integrated_lufs"] == pytest.approx(wanted["integrated_lufs"], abs=0.3)


def test_an_album_gets_one_recipe_so_that_its_tracks_keep_their_distance(tmp_path: Path, capsys: Capture) -> None:
    album, out = tmp_path / "album", tmp_path / "out"
    album.mkdir()
    write_music(album / "1 loud.flac")
    write_music(album / "2 soft.wav", gain=0.3)
    (album / "notes.txt").write_text("not music")
    receipt = tmp_path / "receipt.json"
    assert main(["master", str(album), str(out), "--album", "--receipt", str(receipt)]) == 0
    assert sorted(os.listdir(out)) == ["1 loud.flac", "2 soft.flac"]
    told = json.loads(receipt.read_text())
    assert len({each["recipe"]["key"] for each in told}) == 1
    loud, soft = analyzed_after(capsys, out / "1 loud.flac", out / "2 soft.flac")
    assert loud["integrated_lufs"] - soft["integrated_lufs"] > 9.0
    assert loud["integrated_lufs"] == pytest.approx(told[0]["after"]["integrated_lufs"], abs=0.01)


def test_an_album_with_a_track_that_cannot_be_read_is_not_begun(tmp_path: Path, capsys: Capture) -> None:
    album, out = tmp_path / "album", tmp_path / "out"
    album.mkdir()
    write_music(album / "1.flac")
    (album / "2.flac").write_text("not music")
    assert main(["master", str(album), str(out), "--album"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"auralis-trio: {album / '2.flac'}: ")
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["out.mp3"],
        ["out"],
        ["out.flac", "--bits", "32"],
        ["out.flac", "--bits", "float"],
        ["out.flac", "--bits", "20"],
        ["out.flac", "--preset", "loudest"],
        ["out.flac", "--intensity", "1.5"],
        ["out.flac", "--intensity", "nan"],
        ["out.flac", "--ceiling-dbtp", "0"],
        ["out.flac", "--offset-lu", "40"],
        ["out.flac", "--album"],
        ["out.flac", "--album", "--reference", "song.flac"],
        ["out.flac", "--preset", "warm", "--reference", "other.wav"],
        ["out.flac", "--receipt", "receipt.txt"],
        ["out.flac", "--receipt", "out.flac"],
        ["out.flac", "--receipt", "song.flac"],
        ["out.flac", "--receipt", "link.json"],
        ["other.wav", "--reference", "other.wav"],
        ["out.flac", "--reference", "other.json", "--receipt", "other.json"],
        ["song.flac"],
        ["link.flac"],
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    song: Path, arguments: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("link.flac", "link.json"):
        song.with_name(name).symlink_to(song)
    other = write_music(song.with_name("other.wav"), seed=2)
    other.with_name("other.json").write_bytes(other.read_bytes())
    monkeypatch.chdir(song.parent)
    before = {path: path.read_bytes() for path in song.parent.iterdir()}
    with pytest.raises(SystemExit) as refused:
        main(["master", "song.flac", *arguments])
    assert refused.value.code == 2
    assert capsys.readouterr().err.startswith("usage: auralis-trio")
    assert {path: path.read_bytes() for path in song.parent.iterdir()} == before


@pytest.mark.parametrize(("into", "arguments"), [("none/out.flac", []), ("out.flac", ["--reference", "none.flac"])])
def test_what_cannot_be_done_is_told_in_one_line(
    song: Path, into: str, arguments: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(song.parent)
    assert main(["master", "song.flac", into, *arguments]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert os.listdir(song.parent) == ["song.flac"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_user_who_loses_patience_finds_nothing_half_written(tmp_path: Path, number: signal.Signals) -> None:
    pattern = (synthesise(5.0, RATE, 2) * 32_767).astype(np.int16)
    soundfile.write(tmp_path / "long.wav", np.resize(pattern, (RATE * 150, 2)), RATE)
    command = [*COMMAND, "master", str(tmp_path / "long.wav"), str(tmp_path / "out.flac")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.glob(".out.flac.*")):
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out, err) == (128 + number, "", "")
    assert os.listdir(tmp_path) == ["long.wav"]
