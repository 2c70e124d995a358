"""Reading a batch of files for a scan in worker processes, which may hang or die of any of them."""

from collections.abc import Callable
from typing import Any

from auralis_trio.errors import SourceCorrupt, SourceHung, TimedOut, WorkerDied
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.offload import Offload
from auralis_trio.work.look import look_at_files
from auralis_trio.work.probe import probe_files

PROBE_DEADLINE_S = 60.0
MIN_PROBE_DEADLINE_S = 10.0


async def read_files(offload: Offload, paths: list[str]) -> list[ProbedFile | FailedFile]:
    """What the files say of themselves; the decoders are loaded only where they have to be asked."""
    told = await _in_process(offload, look_at_files, paths)
    unsure = [path for path, file in zip(paths, told, strict=True) if file is None]
    asked = iter(await _in_process(offload, probe_files, unsure) if unsure else ())
    return [next(asked) if file is None else file for file in told]


async def _in_process(
    offload: Offload, read: Callable[[list[str]], list[Any]], paths: list[str], deadline_s: float = PROBE_DEADLINE_S
) -> list[Any]:
    """Let a worker process read files; where it hangs or dies, the halves are tried, down to the one to blame."""
    try:
        return await offload.run_process(read, paths, deadline_s=deadline_s)
    except TimedOut:
        code = SourceHung.default_code
    except WorkerDied:
        code = SourceCorrupt.default_code
    if len(paths) == 1:
        return [FailedFile(paths[0], code)]
    half, deadline_s = len(paths) // 2, max(deadline_s / 2, MIN_PROBE_DEADLINE_S)
    first = await _in_process(offload, read, paths[:half], deadline_s)
    return first + await _in_process(offload, read, paths[half:], deadline_s)
