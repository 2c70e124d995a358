"""A server that says where its CPU time goes, by sampling its main thread while it is asked to.

    python -m scripts.benchmarks.profiled RESULT MODULE [ARGUMENT ...]

SIGUSR1 begins, SIGUSR2 ends and writes RESULT: JSON of samples by `file:function`, self time. The timer counts the
CPU time of the process, so what waits is not seen. What C code costs is the cost of the function that called it.
"""

import json
import os
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_S = 0.0037
"""Of CPU time. Each sample also wakes the loop, so more of them would show themselves; no multiple of any beat."""


class Sampler:
    """Counts in which function the main thread is found."""

    def __init__(self, result: Path) -> None:
        self._result = result
        self._seen: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR1, self._begin)
        signal.signal(signal.SIGUSR2, self._end)

    def _begin(self, _number: int, _frame: FrameType | None) -> None:
        self._seen.clear()
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        if frame is not None:
            code = frame.f_code
            self._seen[f"{code.co_filename}:{code.co_name}"] += 1

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        unfinished = self._result.with_suffix(".part")
        unfinished.write_text(json.dumps(self._seen))
        os.replace(unfinished, self._result)


if __name__ == "__main__":
    _sampler = Sampler(Path(sys.argv[1]))
    sys.argv[:] = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
