"""Matchering, from file to file: `matchering_master.py TARGET REFERENCE RESULT` prints JSON."""

import json
import sys
import time

import matchering
import soundfile


def main() -> None:
    target, reference, result = sys.argv[1:]
    began_s = time.process_time()
    matchering.process(target=target, reference=reference, results=[matchering.pcm16(result)])
    cpu_s = time.process_time() - began_s
    info = soundfile.info(target)
    print(json.dumps({"cpu_s": cpu_s, "audio_s": info.frames / info.samplerate}))


if __name__ == "__main__":
    main()
