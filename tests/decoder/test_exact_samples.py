"""The samples themselves: integers come out exactly, channels in one order, and albums without gaps."""

import numpy as np
import pytest
import soundfile

from auralis_trio.decoder.opening import probe
from tests.decoder.conftest import Sounds
from tests.sound_files import LOSSLESS, can_hold, music, quantised, write

FIRST_FILE_FRAMES = 30_011


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("bits", [16, 24])
def test_sample_k_of_a_lossless_file_is_exactly_k_over_full_scale(sounds: Sounds, kind: str, bits: int) -> None:
    path = sounds.path(kind, 2, 48_000, 6_000, bits)
    assert np.array_equal(sounds.read(path), quantised(music(6_000, 2, 48_000), bits))
    assert probe(path).bits == bits


@pytest.mark.parametrize("kind", LOSSLESS)
def test_the_largest_and_smallest_words_come_out_exactly(sounds: Sounds, kind: str) -> None:
    words = np.array([-32768, -32767, -1, 0, 1, 2, 16384, 32767] * 600, np.int16).reshape(-1, 1)
    path = sounds.path(kind, 1, 44_100, 9) + "-extremes"
    write(path, kind, (words / 32768).astype(np.float32), 44_100)
    assert np.array_equal(sounds.read(path), (words / 32768).astype(np.float32))


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("channels", [1, 3, 4, 6, 8])
def test_up_to_eight_channels_keep_their_places(sounds: Sounds, kind: str, channels: int) -> None:
    path = sounds.path(kind, channels, 48_000, 5_000)
    assert np.array_equal(sounds.read(path), quantised(music(5_000, channels, 48_000), 16))


@pytest.mark.parametrize(
    ("kind", "channels"),
    [(kind, channels) for kind in ("vorbis", "m4a", "aac") for channels in (3, 5, 6, 7, 8)]
    + [("opus", channels) for channels in (3, 6, 8)],  # FFmpeg's encoder itself mixes up five and seven
)
def test_lossy_files_with_many_channels_give_them_in_the_order_of_wav(
    sounds: Sounds, kind: str, channels: int
) -> None:
    time_s = np.arange(24_000) / 48_000
    hertz = 60.0 + 7.0 * np.arange(channels)  # low enough for the channel that only carries bass
    tones = (0.3 * np.sin(2 * np.pi * hertz * time_s[:, None])).astype(np.float32)
    path = sounds.path(kind, 2, 48_000, 1_000) + f"-tones-{channels}"
    write(path, kind, tones, 48_000)
    heard = sounds.read(path)[2_000:22_000]
    probes = np.exp(-2j * np.pi * hertz[None, :] * (np.arange(2_000, 22_000) / 48_000)[:, None])
    strength = np.abs(probes.T @ (heard * np.hanning(len(heard))[:, None]))
    assert strength.argmax(axis=0).tolist() == list(range(channels))


def test_floats_are_delivered_as_they_stand_even_those_that_are_no_numbers(sounds: Sounds) -> None:
    path = sounds.path("wav", 1, 44_100, 9) + "-float"
    samples = np.array([[0.5], [1.7], [np.nan], [np.inf], [-np.inf], [-2.0]], np.float32)
    soundfile.write(path, samples, 44_100, format="WAV", subtype="FLOAT")
    assert np.array_equal(sounds.read(path), samples, equal_nan=True)
    assert probe(path).bits is None


@pytest.mark.parametrize(("subtype", "bits", "step"), [("PCM_U8", 8, 128.0), ("PCM_32", 32, 2.0**31)])
def test_other_word_lengths_come_out_exactly(sounds: Sounds, subtype: str, bits: int, step: float) -> None:
    path = sounds.path("wav", 1, 44_100, 9) + subtype
    words = np.array([-128, -1, 0, 1, 127])
    soundfile.write(path, (words * 2 ** (32 - bits)).astype(np.int32), 44_100, format="WAV", subtype=subtype)
    assert np.array_equal(sounds.read(path)[:, 0], (words / step).astype(np.float32))
    assert probe(path).bits == bits


@pytest.mark.parametrize("subtype", ["IMA_ADPCM", "MS_ADPCM", "GSM610", "ULAW", "ALAW"])
def test_packed_wav_files_read_in_any_order_as_in_sequence(sounds: Sounds, subtype: str) -> None:
    path = sounds.path("wav", 1, 44_100, 9) + subtype
    soundfile.write(path, music(30_000, 1), 44_100, format="WAV", subtype=subtype)
    whole, source = sounds.read(path), sounds.open(path)
    for start in (20_000, 77, 13_001, 0, 29_000):
        assert np.array_equal(source.read(start, 900), whole[start : start + 900])
    source.close()


def _split_and_decode(sounds: Sounds, kind: str, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A continuous signal, and what comes of cutting it into two files and playing one after the other."""
    rate = 48_000 if can_hold(kind, channels, 48_000) else 44_100
    whole = music(70_000, channels, rate)
    parts = []
    for name, part in (("a", whole[:FIRST_FILE_FRAMES]), ("b", whole[FIRST_FILE_FRAMES:])):
        path = sounds.path(kind, channels, rate, 20_000) + f"-gapless-{name}"
        write(path, kind, part, rate)
        parts.append(sounds.read(path))
        assert len(parts[-1]) == len(part)
    return whole, np.concatenate(parts)


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_lossless_album_joins_without_a_seam(sounds: Sounds, kind: str) -> None:
    whole, joined = _split_and_decode(sounds, kind, 2)
    assert np.array_equal(joined, quantised(whole, 16))


@pytest.mark.parametrize("kind", ["mp3", "vorbis", "opus", "m4a"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_lossy_album_joins_at_the_right_frame(sounds: Sounds, kind: str, channels: int) -> None:
    whole, joined = _split_and_decode(sounds, kind, channels)
    assert joined.shape == whole.shape
    for middle in (FIRST_FILE_FRAMES - 6_000, FIRST_FILE_FRAMES, FIRST_FILE_FRAMES + 6_000):
        here = slice(middle - 4_000, middle + 4_000)
        spectrum = np.fft.rfft(joined[here, 0]) * np.conj(np.fft.rfft(whole[here, 0]))
        assert np.fft.irfft(spectrum).argmax() == 0
        error = joined[here] - whole[here]
        assert np.sum(error**2) < 0.05 * np.sum(whole[here] ** 2)
