"""What an upload does with files: a draft that grows piece by piece, and gets its name when all of it is there.

The draft is hidden, so that no scan takes it for music, and lies in the folder that it is for: to give it its name is
one step. A name that is taken is never taken over. A client's name is a hint and no more: of it only what may stand
in the name of one file is used.
"""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress

from auralis_trio.audio.formats import format_named, format_of
from auralis_trio.audio.source import Check
from auralis_trio.decoder.payload import digest_audio
from auralis_trio.errors import DiskFull, OutputError, SourceError, StartupError
from auralis_trio.library.text import clean
from auralis_trio.own_files import sync

DRAFT_PREFIX = ".auralis-upload-"
MAX_STEM_BYTES = 180
MAX_SAME_NAMES = 1000
NO_NAME = "upload"

_NEVER = re.compile(r'[/\\:*?"<>|]')
_TURNS_AROUND = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}


def open_upload_folder(folders: Sequence[str], folder: str, owner: str) -> str:
    """The real path of the folder for uploads, without the drafts that a kill left to `owner`; see `drafts_of`.

    Raises:
        StartupError: it is not there, cannot be written to, or is not looked at by scans of `folders`.
    """
    real = os.path.realpath(folder)
    if not (os.path.isdir(real) and os.access(real, os.R_OK | os.W_OK | os.X_OK)):
        raise StartupError(
            f"There is no folder {folder} for uploads that can be written to. Make it, check its permissions, or"
            " leave --upload-dir out."
        )
    inside = [os.path.relpath(real, root) for root in map(os.path.realpath, folders)]
    if not any(way == "." or not any(part.startswith(".") for part in way.split("/")) for way in inside):
        raise StartupError(
            f"The folder {folder} for uploads does not lie in a folder of music that is scanned. Choose one that does"
            " with --upload-dir, and no hidden one."
        )
    try:
        for entry in list(os.scandir(real)):
            if entry.name.startswith(drafts_of(owner)):
                os.unlink(entry.path)
    except OSError as error:
        raise StartupError(f"A half upload in {folder} cannot be removed. Check that folder.") from error
    return real


def drafts_of(owner: str) -> str:
    """How the names of the drafts of one server begin, which is known by its data directory: others share folders."""
    return f"{DRAFT_PREFIX}{hashlib.blake2b(os.fsencode(os.path.realpath(owner)), digest_size=6).hexdigest()}-"


def draft_path(folder: str, owner: str) -> str:
    """A new path for a draft."""
    return os.path.join(folder, drafts_of(owner) + secrets.token_hex(8))


def write_piece(draft: str, pieces: Sequence[bytes], *, check: Check) -> None:
    """Make the draft of its first bytes; one that is not wanted any more when these are written is gone.

    Raises:
        DiskFull, OutputError: the disk does not take it, or the folder is not what it was.
    """
    folder = os.path.dirname(draft)
    if os.path.realpath(folder) != folder:
        raise OutputError("The folder for uploads was replaced by a link. Start the server again.")
    _write(draft, pieces, os.O_CREAT | os.O_EXCL, check)


def add_piece(draft: str, pieces: Sequence[bytes], *, check: Check) -> None:
    """Put further bytes behind those of the draft; as `write_piece`."""
    _write(draft, pieces, os.O_APPEND, check)


def _write(draft: str, pieces: Sequence[bytes], how: int, check: Check) -> None:
    try:
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | how
        with open(os.open(draft, flags | os.O_NONBLOCK, 0o666), "wb", buffering=0) as file:
            for piece in pieces:
                view = memoryview(piece)
                while view:
                    view = view[file.write(view) :]
        check()
    except OSError as error:
        discard(draft)
        raise _typed(error) from error
    except BaseException:
        discard(draft)
        raise


def discard(draft: str) -> None:
    """Remove a draft, if it is there; one that cannot be removed is left to the next start."""
    with suppress(OSError):
        os.unlink(draft)


def keep(draft: str, name: str) -> str:
    """Bring a draft to the disk and give it `name`, or that with a number where it is taken; its path.

    Raises:
        DiskFull, OutputError: the disk does not take it.
    """
    folder = os.path.dirname(draft)
    try:
        sync(draft, os.O_NOFOLLOW)
        path = _placed(draft, folder, name)
        sync(folder, os.O_NOFOLLOW)
    except OSError as error:
        raise _typed(error) from error
    return path


def _placed(draft: str, folder: str, name: str) -> str:
    stem, suffix = os.path.splitext(name)
    for number in range(1, MAX_SAME_NAMES):
        path = os.path.join(folder, name if number == 1 else f"{stem} ({number}){suffix}")
        with suppress(FileExistsError):
            _rename(draft, path)
            return path
    raise OutputError(f"There are {MAX_SAME_NAMES - 1} files of this name. Give the file another one.")


def _rename(draft: str, path: str) -> None:
    """Raises FileExistsError: something lies there already."""
    try:
        os.link(draft, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Where the file system has no links, the name is made ours first, by an empty file.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        os.replace(draft, path)
        return
    os.unlink(draft)


def _typed(error: OSError) -> OutputError:
    return DiskFull() if error.errno in _FULL else OutputError()


def find_same(draft: str, kind: str, paths: Sequence[str]) -> int | None:
    """Which of the files at `paths`, whose content is known by the same identity, has the draft's audio, if any.

    Recordings of plain samples may differ where that identity does not look, so all of these is compared.
    """
    there = [place for place, path in enumerate(paths) if os.path.isfile(path)]
    if not format_named(kind).plain:
        return there[0] if there else None
    audio = digest_audio(draft) if there else None
    return next((place for place in there if _digest(paths[place]) == audio), None)


def _digest(path: str) -> object:
    try:
        return digest_audio(path)
    except (OSError, SourceError):
        return None


def safe_name(hint: str, kind: str) -> str:
    """The name of a file of this kind, as near to `hint` as may be; never a path, hidden, or longer than names are.

    >>> [safe_name(hint, "flac") for hint in ("C:\\\\music\\\\..\\\\Nina: live.FLAC", "../.mp3", "a.mp3")]
    ['Nina_ live.flac', 'mp3.flac', 'a.flac']
    """
    last = re.split(r"[/\\]", hint)[-1]
    stem, suffix = os.path.splitext(last)
    suffixes = format_named(kind).suffixes
    if suffix.lower() not in suffixes:
        stem, suffix = (last if format_of(last) is None else stem), suffixes[0]
    shown = _NEVER.sub("_", clean(_TURNS_AROUND.sub("", stem)))
    cut = shown.encode("utf-8", "replace")[:MAX_STEM_BYTES].decode("utf-8", "ignore")
    return (cut.strip(". ") or NO_NAME) + suffix.lower()
