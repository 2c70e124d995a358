"""The tracks of the benchmarks: music from the demo's synthesiser, tiled to any length, as WAV and FLAC."""

from pathlib import Path

import numpy as np
import soundfile

from auralis_trio.demo import synthesise

RATE = 44_100
PATTERN_S = 20.0
NAMES = ("stereo.flac", "stereo.wav")


def write_music(folder: Path, duration_s: float) -> None:
    """Write one WAV and one FLAC of 16 bits, different from each other, each of exactly `duration_s`."""
    folder.mkdir()
    frames = round(duration_s * RATE)
    for seed, name in enumerate(NAMES):
        pattern = np.rint(synthesise(PATTERN_S, RATE, 2, seed) * 32_767).astype(np.int16)
        samples = np.resize(pattern, (frames, 2))
        soundfile.write(folder / name, samples, RATE, subtype="PCM_16")
