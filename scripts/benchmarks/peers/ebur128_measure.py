"""What libebur128 says of a file: `ebur128_measure.py FILE i|lra|peak` prints JSON. The file is decoded beforehand.

Run as a program; the project itself never loads that library.
"""

import ctypes
import json
import sys
import time

import numpy as np
import soundfile

MODES = {"i": 5, "lra": 5 | 11, "peak": 5 | 11 | 49}
STEP = 1 << 15


def main() -> None:
    path, what = sys.argv[1:]
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    library = ctypes.CDLL("libebur128.so.1")
    library.ebur128_init.restype = ctypes.c_void_p
    began_s = time.process_time()
    state = ctypes.c_void_p(library.ebur128_init(samples.shape[1], ctypes.c_ulong(rate), MODES[what]))
    for start in range(0, len(samples), STEP):
        part = np.ascontiguousarray(samples[start : start + STEP])
        library.ebur128_add_frames_float(state, part.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(len(part)))
    value = ctypes.c_double()
    found: dict[str, float] = {}
    library.ebur128_loudness_global(state, ctypes.byref(value))
    found["integrated_lufs"] = value.value
    if what != "i":
        library.ebur128_loudness_range(state, ctypes.byref(value))
        found["loudness_range_lu"] = value.value
    if what == "peak":
        peaks = []
        for channel in range(samples.shape[1]):
            library.ebur128_true_peak(state, channel, ctypes.byref(value))
            peaks.append(value.value)
        found["true_peak"] = max(peaks)
    library.ebur128_destroy(ctypes.byref(state))
    print(json.dumps({"cpu_s": time.process_time() - began_s, "audio_s": len(samples) / rate, **found}))


if __name__ == "__main__":
    main()
