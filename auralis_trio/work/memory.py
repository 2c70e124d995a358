"""What becomes of memory that is let go: the C library keeps it for the next chunk, and Python looks for it seldom.

A chunk is rendered in arrays of a few MiB that live for milliseconds. By default glibc asks the kernel for each and
returns it at once, and the kernel clears every page anew: a third of the time that mastering takes.

Connections and tasks that are over hold each other, and are let go when Python looks for such. It looks at all that
lives, and nothing else runs meanwhile: half a second beside 2,000 listeners. By itself it would do that again and
again while they come. So it is left to whoever knows how much is over, and when nobody would notice.
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

SEARCHES_APART = 1_000
"""Python's third threshold: so many searches of what was made lately come before one of all there is."""


def keep_freed_memory() -> bool:
    """Set it for this process; whether the C library can do so (glibc can)."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    mapped = library.mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM_BYTES)
    kept = library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    return bool(mapped and kept and library.mallopt(_M_ARENA_MAX, MAX_ARENAS))


def search_seldom() -> None:
    """From now on Python looks for what holds each other by itself only after very long; code is never looked at."""
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, SEARCHES_APART)


def search() -> None:
    """Let go of what only holds each other; nothing else runs meanwhile."""
    gc.collect()


def give_back_freed_memory() -> None:
    """The same, and let the kernel have all that was let go, if the C library can do so; takes some milliseconds."""
    search()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
