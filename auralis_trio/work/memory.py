"""How the C library deals with memory that is let go: kept for the next chunk, not given back page by page.

A chunk is rendered in arrays of a few MiB that live for milliseconds. By default glibc asks the kernel for each and
returns it at once, and the kernel clears every page anew: a third of the time that mastering takes. What was kept is
given back when nothing is rendered any more.
"""

import ctypes
import gc

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

MAPPED_FROM_BYTES = 32 * 1024 * 1024
"""What is at least this large is still taken from the kernel and given back by itself."""

KEPT_BYTES = 64 * 1024 * 1024
"""How much of what was let go is kept at most at the end."""

MAX_ARENAS = 1
"""All threads share one. By default there are eight for each core, and a chunk is rendered in each of them in time.

Of all but the first, the C library keeps what is free at the end also when it is asked to give everything back.
Large arrays are taken and let go by threads that hold the interpreter, so that sharing costs them no waiting.
"""


def keep_freed_memory() -> bool:
    """Set it for this process; whether the C library can do so (glibc can)."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    mapped = library.mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)
    kept = library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    return bool(mapped and kept and library.mallopt(_M_ARENA_MAX, MAX_ARENAS))


def give_back_freed_memory() -> None:
    """Let the kernel have what was let go, if the C library can do so; takes some milliseconds.

    Tasks and errors that hold each other are let go only when they are looked for, and they hold what was sent.
    """
    gc.collect()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
