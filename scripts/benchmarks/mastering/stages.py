"""Where the time of a chunk goes, stage by stage, beside the least that any such equalizer takes."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy import fft

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioSource
from auralis_trio.decoder.direct_source import DirectSource
from auralis_trio.encoder import pcm
from auralis_trio.mastering import Recipe, chain, render
from auralis_trio.mastering.chain import Chain

FFT, TAPS, BATCH = 16_384, 4_097, 4
REPEATS = 7

STAGES: dict[str, tuple[Any, str]] = {
    "decode": (DirectSource, "read"),
    "mid and side": (Chain, "_planes"),
    "equalizer": (chain, "equalize"),
    "dynamics": (Chain, "_moved"),
    "limiter": (Chain, "_limited"),
    "16 bits, dithered": (pcm, "pack_pcm"),
}
"""Which function stands for each stage; `mid and side` reads the frames, so decoding is taken out of it."""

Chunk = tuple[AudioSource, Recipe, int, int]


def stage_times(chunks: Sequence[Chunk]) -> dict[str, float]:
    """CPU seconds of each stage over all chunks, of the `rest`, and of everything `together`."""
    taken_s = dict.fromkeys(STAGES, 0.0)
    with ExitStack() as stack:
        for name, (owner, function) in STAGES.items():
            watched = _watched(getattr(owner, function), name, taken_s)
            stack.enter_context(patch.object(owner, function, watched))
        for warm in (True, False):
            taken_s.update(dict.fromkeys(STAGES, 0.0))
            began_s = time.thread_time()
            for chunk in chunks[:2] if warm else chunks:
                pcm.pack_pcm(render(*chunk), Encoding.S16, None)
            together_s = time.thread_time() - began_s
    taken_s["mid and side"] -= taken_s["decode"]
    return {**taken_s, "rest": together_s - sum(taken_s.values()), "together": together_s}


def _watched(function: Callable[..., Any], name: str, taken_s: dict[str, float]) -> Callable[..., Any]:
    """The function, with the time of each call added to what `name` has taken."""

    def timed(*args: Any, **options: Any) -> Any:
        began_s = time.thread_time()
        try:
            return function(*args, **options)
        finally:
            taken_s[name] += time.thread_time() - began_s

    return timed


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
