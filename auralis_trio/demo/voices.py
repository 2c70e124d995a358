"""The instruments: each makes one note as float32 of shape (1 or 2, frames), about ±1, silent at both ends.

Strings, pads and basses are geometric series of harmonics, summed in closed form: their `bright` (0-1) is the ratio
between neighbouring harmonics and may move during a note as a filter would. Keys and bells are frequency modulation.
Each call is (frequency in Hz, seconds held, sample rate); no two voices share state, none is random.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]
Voice = Callable[[float, float, int], Wave]

TAU = 2 * np.pi


def wave(sides: Any) -> Wave:
    """What a voice gives: float32 (1 or 2, frames)."""
    return np.atleast_2d(np.asarray(sides, np.float32))


def hertz(pitch: int) -> float:
    """The frequency of a MIDI pitch."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def seconds(duration_s: float, rate: int) -> Wave:
    """The time of each frame of a note."""
    return np.asarray(np.arange(max(2, round(duration_s * rate))) / rate, np.float32)


def phase(frequency: float, t: Wave, rate: int) -> Wave:
    """The angle at each frame, wrapped so that float32 holds it well."""
    turns = np.arange(len(t)) * (frequency / rate)
    return np.asarray((turns - np.floor(turns)) * TAU, np.float32)


def gate(t: Wave, attack_s: float, release_s: float) -> Wave:
    """Rises from zero within `attack_s`, falls to zero within the last `release_s`; both without a corner."""
    rise = np.clip(t / attack_s, 0, 1)
    fall = np.clip((t[-1] - t) / release_s, 0, 1)
    return np.asarray(rise * rise * (3 - 2 * rise) * fall * fall * (3 - 2 * fall), np.float32)


def fade(t: Wave, time_s: float) -> Wave:
    """Exponential decay."""
    return np.asarray(np.exp(t / np.float32(-time_s)))


def harmonics(angle: Wave, bright: Wave | float, frequency: float, rate: int) -> Wave:
    """``sum(bright**k * sin(k * angle))`` at equal power; `bright` is held to what fits below half the rate."""
    limit = np.exp(-7.0 / max(1.0, 0.45 * rate / frequency))
    r = np.minimum(np.float32(limit), np.asarray(bright, np.float32))
    return np.asarray(np.sqrt(1 - r * r) * np.sin(angle) / (1 - 2 * r * np.cos(angle) + r * r), np.float32)


def pad(frequency: float, held_s: float, rate: int) -> Wave:
    """Slow strings; two sides a few cents apart."""
    t = seconds(held_s + 1.2, rate)
    bright = 0.3 + 0.35 * np.sin(np.float32(np.pi) * np.clip(t / (held_s + 1.2), 0, 1))
    sides = [
        harmonics(phase(frequency * a, t, rate), bright, frequency, rate)
        + harmonics(phase(frequency * b, t, rate), bright, frequency, rate)
        for a, b in ((0.9978, 1.0011), (1.0023, 0.9991))
    ]
    return wave(np.stack(sides) * (0.4 * gate(t, min(0.45, held_s / 2), 1.2)))


def choir(frequency: float, held_s: float, rate: int) -> Wave:
    """Something between a choir and an organ."""
    t = seconds(held_s + 0.7, rate)
    sides = [
        np.sin(angle) + 0.3 * np.sin(2 * angle) + 0.12 * np.sin(3 * angle) + 0.05 * np.sin(4 * angle)
        for angle in (phase(frequency * 1.0015, t, rate), phase(frequency * 0.9985, t, rate))
    ]
    return wave(np.stack(sides) * (0.6 * gate(t, 0.25, 0.7)))


def keys(frequency: float, held_s: float, rate: int) -> Wave:
    """An electric piano."""
    t = seconds(held_s + 0.3, rate)
    angle = phase(frequency, t, rate)
    body = np.sin(angle + (0.35 + 0.9 * fade(t, 0.35)) * np.sin(angle))
    tine = np.sin(14 * angle) * fade(t, 0.06) if 14 * frequency < 0.4 * rate else 0
    return wave((body + 0.12 * tine) * fade(t, 1.3) * gate(t, 0.003, 0.25))


def piano(frequency: float, held_s: float, rate: int) -> Wave:
    """A soft felt piano; its two strings beat slowly."""
    t = seconds(held_s + 0.35, rate)
    bright = 0.16 + 0.5 * fade(t, 0.22)
    strings = [harmonics(phase(frequency * tune, t, rate), bright, frequency, rate) for tune in (0.9996, 1.0005)]
    decay = 0.6 * fade(t, 0.35) + 0.6 * fade(t, 250 / (frequency + 60))
    sides = np.stack([strings[0] + 0.6 * strings[1], strings[1] + 0.6 * strings[0]])
    return wave(sides * (0.5 * decay * gate(t, 0.006, 0.3)))


def bell(frequency: float, held_s: float, rate: int) -> Wave:
    """A music box or celesta."""
    t = seconds(held_s + 0.5, rate)
    angle = phase(frequency, t, rate)
    shimmer = np.sin(angle + 1.2 * fade(t, 0.12) * np.sin(phase(frequency * 3.01, t, rate)))
    return wave((0.8 * shimmer + 0.25 * np.sin(2 * angle) * fade(t, 0.3)) * fade(t, 0.7) * gate(t, 0.002, 0.45))


def pluck(frequency: float, held_s: float, rate: int) -> Wave:
    """A plucked steel string."""
    t = seconds(held_s + 0.4, rate)
    bright = 0.12 + 0.75 * fade(t, 0.16)
    string = harmonics(phase(frequency, t, rate), bright, frequency, rate)
    return wave(string * fade(t, 0.55 + 60 / frequency) * gate(t, 0.002, 0.3))


def koto(frequency: float, held_s: float, rate: int) -> Wave:
    """A silk string: bent a little when plucked, long and clear."""
    t = seconds(held_s + 0.6, rate)
    angle = phase(frequency, t, rate) + np.float32(TAU * frequency * 0.0009) * (1 - fade(t, 0.09))
    string = harmonics(angle, 0.18 + 0.62 * fade(t, 0.3), frequency, rate)
    return wave(string * (0.5 * fade(t, 0.25) + 0.6 * fade(t, 1.1)) * gate(t, 0.002, 0.5))


def marimba(frequency: float, held_s: float, rate: int) -> Wave:
    """A wooden bar over its tube."""
    t = seconds(held_s + 0.3, rate)
    angle = phase(frequency, t, rate)
    bar = np.sin(angle) * fade(t, 0.28) + 0.3 * np.sin(4 * angle) * fade(t, 0.06)
    return wave(bar * gate(t, 0.002, 0.2))


def bass(frequency: float, held_s: float, rate: int) -> Wave:
    """A round finger bass."""
    t = seconds(held_s + 0.1, rate)
    string = harmonics(phase(frequency, t, rate), 0.25 + 0.4 * fade(t, 0.12), frequency, rate)
    return wave(string * (0.5 * fade(t, 0.4) + 0.6 * fade(t, 2.0)) * gate(t, 0.005, 0.1))


def synth_bass(frequency: float, held_s: float, rate: int) -> Wave:
    """A bright, short bass over a sine of its own pitch."""
    t = seconds(held_s + 0.05, rate)
    angle = phase(frequency, t, rate)
    saw = harmonics(angle, 0.35 + 0.55 * fade(t, 0.09), frequency, rate)
    return wave((0.6 * saw + 0.5 * np.sin(angle)) * fade(t, 1.2) * gate(t, 0.004, 0.05))


def sub(frequency: float, held_s: float, rate: int) -> Wave:
    """Almost a sine, for the lowest octave; a little second and third keeps it audible on small speakers."""
    t = seconds(held_s + 0.15, rate)
    return wave(harmonics(phase(frequency, t, rate), 0.3, frequency, rate) * fade(t, 1.8) * gate(t, 0.008, 0.15))


def lead(frequency: float, held_s: float, rate: int) -> Wave:
    """A singing saw with a vibrato that comes late."""
    t = seconds(held_s + 0.18, rate)
    angle = phase(frequency, t, rate) + _vibrato(t, frequency, 0.0022)
    return wave(harmonics(angle, 0.45 + 0.3 * fade(t, 0.2), frequency, rate) * gate(t, 0.02, 0.18))


def flute(frequency: float, held_s: float, rate: int) -> Wave:
    """A soft flute, or somebody who hums."""
    t = seconds(held_s + 0.2, rate)
    angle = phase(frequency, t, rate) + _vibrato(t, frequency, 0.0028)
    tone = np.sin(angle) + 0.28 * np.sin(2 * angle) + 0.1 * np.sin(3 * angle)
    return wave(tone * (0.85 + 0.15 * np.sin(TAU * 5.1 * t)) * gate(t, 0.07, 0.2))


def guitar(frequency: float, held_s: float, rate: int) -> Wave:
    """An overdriven guitar, doubled left and right."""
    t = seconds(held_s + 0.3, rate)
    sides = []
    for tune in (0.9988, 1.0012):
        string = harmonics(phase(frequency * tune, t, rate), 0.45 + 0.2 * fade(t, 0.4), frequency, rate)
        sides.append(np.tanh(1.8 * string * (0.3 + 0.7 * fade(t, 1.5))))
    return wave(np.stack(sides) * (0.8 * gate(t, 0.008, 0.25)))


def _vibrato(t: Wave, frequency: float, depth: float) -> Wave:
    deep = np.clip((t - 0.18) / 0.3, 0, 1) * np.float32(depth * frequency / 5.4)
    return np.asarray(deep * np.sin(np.float32(TAU * 5.4) * t), np.float32)


TONES: dict[str, Voice] = {
    voice.__name__: voice
    for voice in (pad, choir, keys, piano, bell, pluck, koto, marimba, bass, synth_bass, sub, lead, flute, guitar)
}
