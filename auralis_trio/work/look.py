"""Reading what a scan wants to know of some files, in a worker process: paths in, small plain records out.

Most files are told by their headers. The decoders are loaded only by `probe`, for the others.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from auralis_trio.decoder.excerpt import tag_excerpt
from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.probing import Probed, describe
from auralis_trio.decoder.regular_file import RegularFile, open_regular
from auralis_trio.decoder.sniff import map_file
from auralis_trio.errors import SourceCorrupt, SourceError, SourceMissing
from auralis_trio.library.lyrics import folders_with_lyrics, read_lyrics_beside
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.library.tags import MAX_TAG_BYTES, read_tags

T = TypeVar("T")

KEPT_BYTES = 1 << 22
"""How much of the tags of several files is kept until they are read together: doing one thing many times, a processor
finds all that it needs in its cache."""

log = logging.getLogger(__name__)

Ask = Callable[[RegularFile, FileMap], Outline]
"""How a decoder is asked."""


class _Look(NamedTuple):
    """A file without its tags, and what these can be read from."""

    path: str
    size: int
    mtime_ns: int
    probed: Probed
    excerpt: bytes | None


def look_at_files(paths: list[str]) -> list[ProbedFile | FailedFile | None]:
    """Read each file's size and time, its format and its tags; of one that cannot be read, why, as a code.

    None stands for a file whose decoder would have to be asked.
    """
    sung = folders_with_lyrics(paths)
    return [
        _alone(look.path, _tell, look, None, os.path.dirname(look.path) in sung) if isinstance(look, _Look) else look
        for looks in _looks(paths)
        for look in looks
    ]


def _looks(paths: Iterable[str]) -> Iterator[list[_Look | FailedFile | None]]:
    """The files in order, as many in a group as `KEPT_BYTES` allow."""
    looks: list[_Look | FailedFile | None] = []
    kept_bytes = 0
    for path in paths:
        look = _alone(path, _look, path)
        looks.append(look)
        kept_bytes += len(look.excerpt or b"") if isinstance(look, _Look) else 0
        if kept_bytes > KEPT_BYTES:
            yield looks
            looks, kept_bytes = [], 0
    yield looks


def look_at_file(path: str, named: str | None = None, ask: Ask | None = None) -> ProbedFile | FailedFile | None:
    """The same for one file, told as lying at `named` where that is given; never None with a way to `ask`."""
    look = _alone(path, _look, path, ask)
    return _alone(path, _tell, look, named) if isinstance(look, _Look) else look


def _alone(path: str, step: Callable[..., T], *args: object) -> T | FailedFile:
    """What a step for one file gives; where it fails, the reason."""
    try:
        return step(*args)
    except FileNotFoundError:
        return FailedFile(path, SourceMissing.default_code)
    except OSError:
        return FailedFile(path, SourceError.default_code)
    except SourceError as error:
        return FailedFile(path, error.code)
    except Exception:  # the border of one file: whatever a parser trips over must not cost the others of the batch
        log.exception("not readable: %r", path)
        return FailedFile(path, SourceCorrupt.default_code)


def _look(path: str, ask: Ask | None = None) -> _Look | None:
    with open_regular(path) as file:
        mapped = map_file(file)
        outline = mapped.outline or (ask(file, mapped) if ask else None)
        if outline is None:
            return None
        probed = describe(file, mapped, outline)
        # The size and the time are those of before: a file that changes meanwhile is read again by the next scan.
        return _Look(path, file.size, file.mtime_ns, probed, tag_excerpt(file, mapped, MAX_TAG_BYTES))


def _tell(look: _Look, named: str | None = None, sung: bool = True) -> ProbedFile:
    """All of it; with lyrics from beside the file only where these may be `sung`."""
    probed = look.probed
    lyrics, lyrics_mtime_ns = read_lyrics_beside(named or look.path) if sung else (None, None)
    return ProbedFile(
        path=named or look.path,
        size=look.size,
        mtime_ns=look.mtime_ns,
        kind=probed.kind,
        format=probed.format,
        total_frames=probed.total_frames,
        content_id=probed.content_id,
        tags=read_tags(look.path, named, probed.kind, look.excerpt),
        lyrics_beside=lyrics,
        lyrics_mtime_ns=lyrics_mtime_ns,
    )
