"""Short musical signals of any rate and any number of channels, for whoever needs a recording to try things on."""

import numpy as np

from auralis_trio.audio.block import Samples
from auralis_trio.demo.drums import noise
from auralis_trio.demo.score import parse_chord
from auralis_trio.demo.voices import Wave, bass, fade, gate, keys, pluck, seconds

_STEP_S = 0.19
_CHORDS = [parse_chord(name) for name in ("Am7", "Fmaj7", "Cadd9", "G6", "Dm7", "Em7")]


def synthesise(duration_s: float, sample_rate: int, channels: int, seed: int = 1) -> Samples:
    """``round(duration_s * sample_rate)`` frames of music, (frames, channels), within ±0.9.

    Every channel differs from every other. The music is cut at the end and not faded, so that a missing last frame
    shows. Rates from 8 to 192 kHz.
    """
    frames = round(duration_s * sample_rate)
    rng = np.random.default_rng(seed)
    out = np.zeros((channels, frames), np.float32)
    tick = seconds(0.09, sample_rate)
    brush = noise(len(tick), (1500, 9000), sample_rate, rng) * fade(tick, 0.02) * gate(tick, 0.002, 0.04)
    for step in range(int(duration_s / _STEP_S) + 1):
        start = round(step * _STEP_S * sample_rate)
        sounds = [_note(step, sample_rate, rng), 0.25 * brush]
        for sound in sounds:
            part = sound[: frames - start]
            out[:, start : start + len(part)] += rng.uniform(0.1, 0.5, (channels, 1)).astype(np.float32) * part
    return np.ascontiguousarray((np.float32(0.9) * np.tanh(out)).T)


def _note(step: int, sample_rate: int, rng: np.random.Generator) -> Wave:
    chord = _CHORDS[step // 8 % len(_CHORDS)]
    if step % 4 == 0:
        return bass(_hertz(36 + chord.bass), 2 * _STEP_S, sample_rate)[0]
    voice = keys if step % 2 else pluck
    return voice(_hertz(60 + int(rng.choice(chord.tones))), 1.5 * _STEP_S, sample_rate)[0]


def _hertz(pitch: int) -> float:
    return float(440.0 * 2 ** ((pitch - 69) / 12))
