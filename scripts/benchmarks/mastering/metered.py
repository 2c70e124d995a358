"""Run a program and tell what it took: `python -I -S metered.py 0|1 COMMAND...` prints JSON behind its output.

A process of its own because a child's peak of memory counts from its parent's: this one holds next to nothing. With
1 the program runs on one CPU, so that what it does in several threads is still what one core does.
"""

import json
import os
import sys


def main() -> None:
    """Run the arguments as a command and print its CPU time, peak of memory and exit code."""
    if sys.argv[1] == "1":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.stdout.flush()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    print(json.dumps({"process_s": used.ru_utime + used.ru_stime, "peak_kib": used.ru_maxrss, "code": code}))


if __name__ == "__main__":
    main()
