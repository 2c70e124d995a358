"""Drums and other noises: (seconds held, sample rate, generator) -> float32 of shape (1 or 2, frames), about ±1."""

from collections.abc import Callable

import numpy as np

from auralis_trio.demo.voices import TAU, Wave, fade, gate, seconds, wave

Drum = Callable[[float, int, np.random.Generator], Wave]


def noise(frames: int, band_hz: tuple[float, float], rate: int, rng: np.random.Generator) -> Wave:
    """Noise between two frequencies (gentle slopes), RMS 1; what is longer than 2**18 frames repeats."""
    size = min(1 << (frames - 1).bit_length(), 1 << 18)
    spectrum = np.fft.rfft(rng.standard_normal(size, dtype=np.float32))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1.0).astype(np.float32)
    low, high = band_hz
    shaped = np.fft.irfft(spectrum / (1 + (low / hz) ** 4) / (1 + (hz / high) ** 4), size)
    return np.resize(shaped / np.sqrt(np.mean(np.square(shaped))), frames)


def _sweep(t: Wave, from_hz: float, to_hz: float, time_s: float) -> Wave:
    """A sine that falls from one frequency to another."""
    turns = to_hz * t + (from_hz - to_hz) * np.float32(time_s) * (1 - fade(t, time_s))
    return np.asarray(np.sin(np.float32(TAU) * turns))


def kick(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """A bass drum with a soft beater."""
    t = seconds(0.42, rate)
    click = noise(len(t), (1200, 5000), rate, rng) * fade(t, 0.004)
    return wave((_sweep(t, 190, 47, 0.032) * fade(t, 0.16) + 0.1 * click) * gate(t, 0.0015, 0.1))


def boom(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """A big skin, struck once."""
    t = seconds(1.3, rate)
    skin = 0.12 * noise(len(t), (150, 900), rate, rng) * fade(t, 0.07)
    return wave((_sweep(t, 120, 58, 0.06) * fade(t, 0.38) + skin) * gate(t, 0.003, 0.4))


def snare(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """Skin and wires."""
    t = seconds(0.3, rate)
    skin = 0.5 * (_sweep(t, 250, 185, 0.02) + 0.5 * _sweep(t, 400, 330, 0.02)) * fade(t, 0.06)
    wires = 0.42 * noise(len(t), (1400, 9500), rate, rng) * (0.6 * fade(t, 0.035) + 0.4 * fade(t, 0.11))
    return wave((skin + wires) * gate(t, 0.001, 0.1))


def clap(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """A few hands, not quite together."""
    t = seconds(0.3, rate)
    hands = sum(np.where(t >= late, np.exp((late - t) / 0.007), 0) for late in (0.001, 0.011, 0.021))
    tail = 0.8 * np.where(t >= 0.03, np.exp((0.03 - t) / 0.07), 0)
    sides = [noise(len(t), (900, 5200), rate, rng) for _ in range(2)]
    return wave(np.stack(sides) * (0.3 * (hands + tail) * gate(t, 0.001, 0.1)))


def rim(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """A stick on the edge."""
    t = seconds(0.12, rate)
    wood = np.sin(np.float32(TAU * 1720) * t) + 0.7 * np.sin(np.float32(TAU * 820) * t)
    return wave(0.5 * wood * fade(t, 0.014) * gate(t, 0.0006, 0.04))


def hat(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """Two small cymbals, closed."""
    t = seconds(0.11, rate)
    return wave(0.34 * noise(len(t), (7500, 15000), rate, rng) * fade(t, 0.02) * gate(t, 0.001, 0.04))


def open_hat(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """The same, open."""
    t = seconds(0.34, rate)
    return wave(0.28 * noise(len(t), (6500, 14000), rate, rng) * fade(t, 0.11) * gate(t, 0.002, 0.12))


def shaker(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """Seeds in a shell."""
    t = seconds(0.1, rate)
    return wave(0.3 * noise(len(t), (4500, 11000), rate, rng) * gate(t, 0.03, 0.06))


def crash(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """A large cymbal."""
    t = seconds(2.4, rate)
    sides = [noise(len(t), (3200, 13000), rate, rng) for _ in range(2)]
    return wave(np.stack(sides) * (0.25 * (0.5 * fade(t, 0.12) + 0.5 * fade(t, 0.6)) * gate(t, 0.003, 1.0)))


def sea(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """Waves that come and go every seven seconds or so."""
    t = seconds(held_s, rate)
    sides = []
    for turn in (0.0, 0.9):
        swell = 0.5 - 0.5 * np.cos(np.float32(TAU / 7.3) * t + np.float32(turn))
        sides.append(noise(len(t), (180, 1500), rate, rng) * (0.12 + 0.88 * swell * swell))
    return wave(np.stack(sides) * (0.3 * gate(t, 2.0, 4.0)))


def tape(held_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """The hiss and the dust of an old recording."""
    t = seconds(held_s, rate)
    hiss = 0.05 * noise(len(t), (300, 7000), rate, rng)
    grain = fade(seconds(0.001, rate), 0.0002)
    for start in rng.integers(0, len(t) - len(grain), round(9 * held_s)):
        hiss[start : start + len(grain)] += np.float32(0.35 * rng.normal()) * grain
    return wave(hiss * gate(t, 1.2, 2.0))


DRUMS: dict[str, Drum] = {
    drum.__name__: drum for drum in (kick, boom, snare, clap, rim, hat, open_hat, shaker, crash, sea, tape)
}
