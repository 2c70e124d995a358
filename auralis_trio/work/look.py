"""Reading what a scan wants to know of some files, in a worker process: paths in, small plain records out.

Most files are told by their headers. The decoders are loaded only by `probe`, for the others.
"""

import logging
import os
import stat
from collections.abc import Callable

from auralis_trio.decoder.excerpt import tag_excerpt
from auralis_trio.decoder.file_map import FileMap, Outline
from auralis_trio.decoder.probing import describe
from auralis_trio.decoder.regular_file import RegularFile, open_regular
from auralis_trio.decoder.sniff import map_file
from auralis_trio.errors import SourceCorrupt, SourceError, SourceMissing, SourceUnsupported
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.library.tags import MAX_TAG_BYTES, read_tags

log = logging.getLogger(__name__)

Ask = Callable[[RegularFile, FileMap], Outline]
"""How a decoder is asked."""


def look_at_files(paths: list[str]) -> list[ProbedFile | FailedFile | None]:
    """Read each file's size and time, its format and its tags; of one that cannot be read, why, as a code.

    None stands for a file whose decoder would have to be asked.
    """
    return [look_at_file(path) for path in paths]


def look_at_file(path: str, named: str | None = None, ask: Ask | None = None) -> ProbedFile | FailedFile | None:
    """The same for one file, told as lying at `named` where that is given; never None with a way to `ask`."""
    try:
        status = os.stat(path)  # first: a file that changes while it is read is read again by the next scan
        if not stat.S_ISREG(status.st_mode):
            return FailedFile(path, SourceUnsupported.default_code)
        with open_regular(path) as file:
            mapped = map_file(file)
            outline = mapped.outline or (ask(file, mapped) if ask else None)
            if outline is None:
                return None
            probed = describe(file, mapped, outline)
            excerpt = tag_excerpt(file, mapped, MAX_TAG_BYTES)
        tags = read_tags(path, named, probed.kind, excerpt)
    except FileNotFoundError:
        return FailedFile(path, SourceMissing.default_code)
    except OSError:
        return FailedFile(path, SourceError.default_code)
    except SourceError as error:
        return FailedFile(path, error.code)
    except Exception:  # the border of one file: whatever a parser trips over must not cost the others of the batch
        log.exception("not readable: %r", path)
        return FailedFile(path, SourceCorrupt.default_code)
    return ProbedFile(
        path=named or path,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        kind=probed.kind,
        format=probed.format,
        total_frames=probed.total_frames,
        content_id=probed.content_id,
        tags=tags,
    )
