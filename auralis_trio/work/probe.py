"""The same as `look`, for any file: where its headers do not tell enough, its decoder is asked."""

from auralis_trio.decoder.opening import ask_decoder
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.work.look import look_at_file


def probe_files(paths: list[str]) -> list[ProbedFile | FailedFile]:
    """Read each file's size and time, its format and its tags; of one that cannot be read, why, as a code."""
    return [probe_file(path) for path in paths]


def probe_file(path: str, named: str | None = None) -> ProbedFile | FailedFile:
    """The same for one file, which is told as lying at `named` where that is given."""
    told = look_at_file(path, named, ask_decoder)
    assert told is not None
    return told
