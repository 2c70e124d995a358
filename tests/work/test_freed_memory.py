"""Memory that is let go is there for the next arrays, without the kernel; by default it is not."""

import subprocess
import sys

PROGRAM = """
import resource, sys
import numpy as np
from auralis_trio.work.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
for turn in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        several = [np.ones(1 << 20, np.float32) for _ in range(8)]
        del several
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""
PAGES = 10 * 8 * 4 * 2**20 // 4096
"""What ten times eight arrays of 4 MiB take."""


def faults(mode: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, mode], capture_output=True, text=True, timeout=60, check=True
    )
    return int(done.stdout)


def test_arrays_that_come_and_go_take_no_new_pages() -> None:
    assert faults("kept") < PAGES / 100 < faults("given back")


IDLE = """
import os, threading
import numpy as np
from auralis_trio.work.memory import give_back_freed_memory, keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def take_and_let_go():
    several = [np.ones(7 << 20, np.float32), *(np.ones(1 << 20, np.float32) for _ in range(5))]
    del several

keep_freed_memory()
before = resident()
for _ in range(3):
    thread = threading.Thread(target=take_and_let_go)
    thread.start()
    thread.join()
take_and_let_go()
kept = resident()
give_back_freed_memory()
print(kept - before, resident() - before)
"""
LET_GO_BYTES = (7 + 5) * 4 * 2**20


def test_what_threads_let_go_is_kept_once_for_all_and_goes_back_when_it_is_not_wanted_any_more() -> None:
    done = subprocess.run([sys.executable, "-c", IDLE], capture_output=True, text=True, timeout=60, check=True)
    kept, left = map(int, done.stdout.split())
    assert LET_GO_BYTES * 0.9 < kept < LET_GO_BYTES * 1.2
    assert left < LET_GO_BYTES * 0.1


SEARCH = """
import gc
from auralis_trio.work.memory import search, search_seldom

class Session:
    ended = 0

    def __init__(self):
        self.itself = self

    def __del__(self):
        Session.ended += 1

searches = []
gc.callbacks.append(lambda phase, told: searches.append(told["generation"]) if phase == "start" else None)
search_seldom()
for _ in range(40):
    session = Session()
    gc.collect(1)  # it has outlived what was made with it
    made = [[] for _ in range(10_000)]
del session
print(searches.count(2), Session.ended)
search()
print(searches.count(2), Session.ended)
"""


def test_what_only_holds_each_other_is_looked_for_when_that_is_said_and_not_by_itself() -> None:
    done = subprocess.run([sys.executable, "-c", SEARCH], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["0 0", "1 40"]
