"""What this process holds of the machine at this moment; blocking."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from auralis_trio.decoder.pcm_entry import DATA_SUFFIX, DRAFT_SUFFIX, RECORD_SUFFIX

_SELF = "/proc/self"


class ProcessFigures(msgspec.Struct, frozen=True):
    """Descriptors and threads, memory that is resident, and bytes on disks that are not to stay.

    Temporary are drafts, samples that are not decoded to their end, and open files that have no name any more.
    None where the system does not tell.
    """

    descriptors: int | None
    threads: int | None
    resident_bytes: int | None
    temporary_bytes: int


def look_at_process(data_dir: str) -> ProcessFigures:
    """The present figures of this process, which owns `data_dir`."""
    descriptors = _descriptors()
    return ProcessFigures(
        descriptors=None if descriptors is None else len(descriptors),
        threads=_threads(),
        resident_bytes=_resident_bytes(),
        temporary_bytes=sum(_unfinished_bytes(data_dir)) + sum(_nameless_bytes(descriptors or [])),
    )


def _descriptors() -> list[int] | None:
    """What is open, besides the folder that tells it."""
    try:
        folder = os.open(f"{_SELF}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return [int(name) for name in os.listdir(folder) if int(name) != folder]
    finally:
        os.close(folder)


def _threads() -> int | None:
    with suppress(OSError):
        return len(os.listdir(f"{_SELF}/task"))
    return None


def _resident_bytes() -> int | None:
    with suppress(OSError), open(f"{_SELF}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def _unfinished_bytes(data_dir: str) -> Iterator[int]:
    for folder, _, names in os.walk(data_dir):
        known = set(names)
        for name in names:
            undecoded = name.endswith(DATA_SUFFIX) and name.removesuffix(DATA_SUFFIX) + RECORD_SUFFIX not in known
            if name.startswith(".") or name.endswith(DRAFT_SUFFIX) or undecoded:
                with suppress(OSError):
                    yield os.stat(os.path.join(folder, name)).st_size


def _nameless_bytes(descriptors: list[int]) -> Iterator[int]:
    for descriptor in descriptors:
        with suppress(OSError):
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                yield status.st_size
