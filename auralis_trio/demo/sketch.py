"""Short musical signals of any rate and any number of channels, for whoever needs a recording to try things on."""

import numpy as np

from auralis_trio.audio.block import Samples
from auralis_trio.demo.drums import noise
from auralis_trio.demo.score import parse_chord
from auralis_trio.demo.voices import Wave, bass, fade, gate, hertz, keys, pluck, seconds, wave

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
    hiss = noise(len(tick), (1500, 9000), sample_rate, rng)
    brush = wave(0.25 * hiss * fade(tick, 0.02) * gate(tick, 0.002, 0.04))
    for step, start in enumerate(range(0, frames, round(_STEP_S * sample_rate))):
        for sound in (_note(step, sample_rate, rng), brush):
            part = sound[:, : frames - start]
            out[:, start : start + part.shape[1]] += rng.uniform(0.1, 0.5, (channels, 1)).astype(np.float32) * part
    return np.ascontiguousarray((np.float32(0.9) * np.tanh(out)).T)


def _note(step: int, sample_rate: int, rng: np.random.Generator) -> Wave:
    chord = _CHORDS[step // 8 % len(_CHORDS)]
    pitch = 60 + int(rng.choice(chord.tones)) if step % 4 else 36 + chord.bass
    voice = (bass, keys, pluck, keys)[step % 4]
    return voice(hertz(pitch), 1.5 * _STEP_S, sample_rate)
