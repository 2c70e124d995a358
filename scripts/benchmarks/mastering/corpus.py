"""The music that is mastered: real music where it is installed, else what the demo's synthesiser makes.

Debian's wesnoth-music, decoded to files of 16 bits; nothing of it is ever committed.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from auralis_trio.demo import synthesise

RATE = 44_100
GAMES = Path("/usr/share/games/wesnoth")
STEP = 1 << 16
TRIAL_S = 20.0


@dataclass(frozen=True)
class Corpus:
    """WAV files, and where more can be put. `real` says whether it is music."""

    folder: Path
    tracks: Sequence[Path]
    real: bool

    def seconds(self, track: Path) -> float:
        """How long a track is."""
        return float(soundfile.info(track).duration)

    @property
    def loudest(self) -> Path:
        """The track with the most power."""
        return max(self.tracks, key=_power)

    def cut(self, track: Path, name: str, duration_s: float) -> Path:
        """The track from its beginning, repeated where it is too short: exactly so long, as another file."""
        path = self.folder / name
        with soundfile.SoundFile(track) as source:
            samples = source.read(round(duration_s * RATE), dtype="int16", always_2d=True)
        soundfile.write(path, np.resize(samples, (round(duration_s * RATE), samples.shape[1])), RATE)
        return path

    def coded(self, track: Path, suffix: str) -> Path:
        """The track as FLAC or MP3."""
        path = self.folder / f"{track.stem}-coded{suffix}"
        with (
            soundfile.SoundFile(track) as source,
            soundfile.SoundFile(path, "w", source.samplerate, source.channels) as file,
        ):
            for part in source.blocks(STEP, dtype="int16"):
                file.write(part)
        return path


def found_music() -> list[Path]:
    """Real music on this machine, always in the same order."""
    return sorted(GAMES.glob("*/data/core/music/*.ogg"))


def make_corpus(folder: Path, count: int, *, least_s: float, real: bool = True) -> Corpus:
    """So many tracks of at least `least_s`, evenly chosen; all there are if `count` is larger."""
    music = found_music() if real and shutil.which("ffmpeg") else []
    if not music:
        return Corpus(folder, [_synthesised(folder, seed) for seed in range(min(count, 2))], real=False)
    long_enough = [path for path in music if soundfile.info(path).duration >= least_s]
    step = max(1.0, len(long_enough) / count)
    chosen = [long_enough[int(place * step)] for place in range(min(count, len(long_enough)))]
    return Corpus(folder, [_decoded(folder, path) for path in chosen], real=True)


def _decoded(folder: Path, path: Path) -> Path:
    into = folder / f"{path.stem}.wav"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-ac", "2", "-ar", str(RATE), "-c:a", "pcm_s16le"]
    subprocess.run([*command, str(into)], check=True)
    return into


def _synthesised(folder: Path, seed: int) -> Path:
    into = folder / f"synthesised-{seed}.wav"
    soundfile.write(into, synthesise(TRIAL_S, RATE, 2, seed), RATE, subtype="PCM_16")
    return into


def _power(track: Path) -> float:
    with soundfile.SoundFile(track) as file:
        sums = [float(np.square(part, dtype=np.float64).sum()) for part in file.blocks(STEP, dtype="float32")]
        return sum(sums) / max(1, int(file.frames))
