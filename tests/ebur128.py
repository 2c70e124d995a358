"""An independent meter for loudness and peaks: FFmpeg's `ebur128` filter, as PyAV brings it."""

import math
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


@dataclass(frozen=True)
class Measured:
    """What the meter says at the end."""

    integrated_lufs: float
    loudness_range_lu: float
    true_peak_dbtp: float
    sample_peak_dbfs: float


def measure(samples: NDArray[np.float32], sample_rate: int) -> Measured:
    """Measure a whole track: (frames, channels)."""
    layout, graph = LAYOUTS[samples.shape[1]], Graph()
    source = graph.add_abuffer(
        sample_rate=sample_rate, format="flt", layout=layout, time_base=Fraction(1, sample_rate)
    )
    meter, sink = graph.add("ebur128", "peak=true+sample:metadata=1:framelog=quiet"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    said: dict[str, str] = {}
    for start in range(0, len(samples), 65_536):
        block = np.ascontiguousarray(samples[start : start + 65_536], np.float32)
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
        graph.push(frame)
        said = _drain(graph) or said
    graph.push(None)
    said = _drain(graph) or said
    return Measured(
        float(said["lavfi.r128.I"]),
        float(said["lavfi.r128.LRA"]),
        _db(float(said["lavfi.r128.true_peak"])),
        _db(float(said["lavfi.r128.sample_peak"])),
    )


def _drain(graph: Graph) -> dict[str, str]:
    said: dict[str, str] = {}
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return said
        said = dict(frame.metadata)


def _db(gain: float) -> float:
    return 20 * math.log10(gain) if gain > 0 else -math.inf
