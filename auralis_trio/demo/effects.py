"""What is done to a whole mix: the room, the echo, the kick drum's push, the level. Arrays are (channels, frames)."""

import numpy as np

from auralis_trio.demo.drums import noise
from auralis_trio.demo.voices import Wave, fade, seconds

CEILING = 0.93


def convolve(signal: Wave, responses: Wave) -> Wave:
    """`signal` (frames,) through each of `responses` (n, frames): (n, frames), cut to the signal's length.

    It goes block by block, so that memory stays small.
    """
    length = responses.shape[1]
    size = 1 << (2 * length - 1).bit_length()
    step = size - length + 1
    spectra = np.fft.rfft(responses, size)
    out = np.zeros((len(responses), len(signal) + size), np.float32)
    for start in range(0, len(signal), step):
        spectrum = np.fft.rfft(signal[start : start + step], size)
        for side, own in zip(out, spectra, strict=True):
            side[start : start + size] += np.fft.irfft(spectrum * own, size)
    return out[:, : len(signal)]


def room(send: Wave, decay_s: float, rate: int, rng: np.random.Generator) -> Wave:
    """The answer of a room to `send` (frames,): (2, frames), its high tones dying sooner than its low ones."""
    t = seconds(1.1 * decay_s, rate)
    onset = np.clip((t - 0.012) / 0.03, 0, 1)
    dying = ((180, 2200), onset * fade(t, decay_s / 6.9)), ((2200, 9000), 0.7 * onset * fade(t, 0.45 * decay_s / 6.9))
    sides = np.stack([sum(noise(len(t), band, rate, rng) * shape for band, shape in dying) for _ in range(2)])
    return convolve(send, sides / np.sqrt(np.sum(np.square(sides), axis=1, keepdims=True)))


def echo(send: Wave, delay_frames: int) -> Wave:
    """Repeats of `send` (frames,) that wander between the sides: (2, frames)."""
    out = np.zeros((2, len(send)), np.float32)
    for repeat in range(1, 6):
        late = repeat * delay_frames
        if late < len(send):
            out[repeat % 2, late:] += np.float32(0.55 ** (repeat - 1)) * send[:-late]
            out[1 - repeat % 2, late:] += np.float32(0.25 * 0.55 ** (repeat - 1)) * send[:-late]
    return out


def push(frames: int, kicks: list[int], depth: float, rate: int) -> Wave:
    """A gain that dips by `depth` at each kick and comes back before the next."""
    gain = np.ones(frames, np.float32)
    length = round(0.4 * rate)
    t = np.arange(length, dtype=np.float32) / rate
    dip = 1 - np.float32(depth) * np.clip(t / 0.004, 0, 1) * np.exp(-t / 0.11) * np.clip((0.4 - t) / 0.1, 0, 1)
    for start in kicks:
        span = gain[start : start + length]
        np.minimum(span, dip[: len(span)], out=span)
    return gain


def loud_rms(mix: Wave, rate: int) -> float:
    """The RMS of a mix's louder passages: windows of 0.4 s, those 10 dB below the rest left out."""
    window = round(0.4 * rate)
    whole = mix[:, : mix.shape[1] // window * window].reshape(len(mix), -1, window)
    power = np.mean(np.square(whole), axis=2).sum(axis=0)
    return float(np.sqrt(np.mean(power[power > 0.1 * np.mean(power)])))


def level(mix: Wave, target_rms: float, rate: int) -> Wave:
    """`mix` driven into a soft ceiling just as hard as it takes for its louder passages to reach `target_rms`."""
    probe = mix[:, ::8]
    gain = target_rms / loud_rms(probe, rate // 8)
    for _ in range(20):
        gain *= target_rms / loud_rms(_drive(probe, gain), rate // 8)
    return _drive(mix, gain)


def _drive(mix: Wave, gain: float) -> Wave:
    return np.asarray(np.tanh(mix * np.float32(gain / CEILING)) * np.float32(CEILING))


def settle(mix: Wave, rate: int, fade_s: float) -> None:
    """Takes the DC out of `mix` and lets its last `fade_s` fall to nothing, in place."""
    mix -= mix.mean(axis=1, keepdims=True)
    ramps = ((slice(0, round(0.01 * rate)), 1), (slice(-round(fade_s * rate), None), -1))
    for span, way in ramps:
        part = mix[:, span]
        part *= (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, part.shape[1], dtype=np.float32)))[::way]
