"""What pyloudnorm says of a file: `pyloudnorm_measure.py FILE` prints JSON. The file is decoded beforehand."""

import json
import sys
import time

import pyloudnorm
import soundfile


def main() -> None:
    samples, rate = soundfile.read(sys.argv[1], always_2d=True)
    began_s = time.process_time()
    integrated_lufs = pyloudnorm.Meter(rate).integrated_loudness(samples)
    cpu_s = time.process_time() - began_s
    print(json.dumps({"cpu_s": cpu_s, "audio_s": len(samples) / rate, "integrated_lufs": integrated_lufs}))


if __name__ == "__main__":
    main()
