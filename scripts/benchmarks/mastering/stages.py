"""Where the time of a chunk goes, stage by stage, beside the least that any such equalizer takes."""

import cProfile
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np
from scipy import fft

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioSource
from auralis_trio.decoder.direct_source import DirectSource
from auralis_trio.encoder.pcm import pack_pcm
from auralis_trio.mastering import Recipe, render
from auralis_trio.mastering.chain import Chain
from auralis_trio.mastering.equalizer import equalize

FFT, TAPS, BATCH = 16_384, 4_097, 4
REPEATS = 7

STAGES: dict[str, Any] = {
    "decode": DirectSource.read,
    "mid and side": Chain._planes,
    "equalizer": equalize,
    "dynamics": Chain._moved,
    "limiter": Chain._limited,
    "16 bits, dithered": pack_pcm,
}
"""What stands for each stage; `mid and side` reads the frames, so decoding is taken out of it."""

Chunk = tuple[AudioSource, Recipe, int, int]


def stage_times(chunks: Sequence[Chunk]) -> dict[str, float]:
    """CPU seconds of each stage over all chunks, and of `everything`."""
    for chunk in chunks[:2]:
        render(*chunk)
    profile = cProfile.Profile(time.thread_time)
    began_s = time.thread_time()
    profile.enable()
    for chunk in chunks:
        pack_pcm(render(*chunk), Encoding.S16, None)
    profile.disable()
    everything_s = time.thread_time() - began_s
    taken_s = {entry.code: entry.totaltime for entry in profile.getstats()}
    found = {name: taken_s[function.__code__] for name, function in STAGES.items()}
    found["mid and side"] -= found["decode"]
    return {**found, "everything": everything_s}


def bound_s(source: AudioSource, grains: int) -> float:
    """CPU seconds of a bare convolution of so many grains: 4,097 taps, mid and side, overlap-save, float32.

    Nothing is read, encoded or looked at around the grains: FFT, product, inverse FFT, and nothing else.
    """
    hop = FFT - TAPS + 1
    planes = np.zeros((2, (grains - 1) * hop + FFT), np.float32)
    samples = source.read(0, min(source.total_frames, planes.shape[1]))
    planes[:, : len(samples)] = samples[:, :2].T
    windows = np.lib.stride_tricks.sliding_window_view(planes, FFT, axis=1)[:, ::hop]
    response = np.exp(1j * np.linspace(0, 1, FFT // 2 + 1)).astype(np.complex64)
    taken_s = []
    for _ in range(REPEATS):
        began_s = time.thread_time()
        for first in range(0, grains, BATCH):
            bins = fft.rfft(windows[:, first : first + BATCH])
            bins *= response
            fft.irfft(bins, n=FFT)
        taken_s.append(time.thread_time() - began_s)
    return median(taken_s)
