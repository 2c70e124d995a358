"""What undoing an edit needs: the bytes that the new file does not hold of the old one, and the way back."""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from auralis_trio.audio.units import modified_ns
from auralis_trio.decoder.payload import has_numbered_pages, map_path
from auralis_trio.errors import Conflict, OutputError, SourceError, StartupError
from auralis_trio.library.tag_journal import EditedFile, FilePart, FileState
from auralis_trio.own_files import open_own, sync

PIECE_BYTES = 1024 * 1024


def make_kept_folder(folder: str) -> None:
    """Make the folder for old bytes, if it is not there.

    Raises:
        StartupError: it cannot be made.
    """
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartupError(f"The folder {folder} cannot be made. Check what lies there.") from error


def discard_kept(folder: str, edit_ids: Sequence[int]) -> None:
    """Remove the old bytes of edits that are forgotten."""
    gone = {str(edit_id) for edit_id in edit_ids}
    discard([entry.path for entry in os.scandir(folder) if entry.name.partition("-")[0] in gone])


def trim_kept(folder: str, most_bytes: int) -> None:
    """Remove the old bytes of the oldest edits, until what is kept is no more than `most_bytes`."""
    entries = [(entry.path, entry.stat()) for entry in os.scandir(folder)]
    total = sum(status.st_size for _, status in entries)
    for path, status in sorted(entries, key=lambda entry: modified_ns(entry[1])):
        if total <= most_bytes:
            return
        discard([path])
        total -= status.st_size


def keep_old_bytes(path: str, new: str, kept: str, before: FileState) -> tuple[FilePart, ...]:
    """Keep what the `new` file does not hold of the one at `path`, and make sure that this is enough.

    Raises:
        SourceError: it is not; or as `map_path` does.
        OSError: there is no room, or the disk fails.
    """
    ranges = list(_old_ranges(path, new, before.size))
    parts, at = [], 0
    with open(path, "rb", opener=open_own) as old, create(kept) as file:
        for taken_from, offset, length in ranges:
            parts.append(FilePart(taken_from is None, at if taken_from is None else taken_from, length))
            if taken_from is None:
                for piece in _read(old, offset, length):
                    file.write(piece)
                at += length
    sync(kept)
    digest = hashlib.sha256()
    for piece in _pieces(new, kept, parts):
        digest.update(piece)
    if digest.hexdigest() != before.digest:
        raise SourceError("What undoing needs could not be kept; the file was left alone.")
    return tuple(parts)


def _old_ranges(path: str, new_path: str, size: int) -> Iterator[tuple[int | None, int, int]]:
    """The old file as runs: where the run lies in the new file (None: nowhere), where in the old one, its length."""
    old, new = map_path(path), map_path(new_path)
    at = 0
    if not has_numbered_pages(old) and [part[1] for part in old.payload] == [part[1] for part in new.payload]:
        for (offset, length), (new_offset, _) in zip(old.payload, new.payload, strict=True):
            yield None, at, offset - at
            yield new_offset, offset, length
            at = offset + length
    yield None, at, size - at


def rebuild(undone: EditedFile, path: str, target: str, now: FileState) -> None:
    """Write the file at `path`, which is `now` as an edit has left it, to `target` as it was before that.

    Raises:
        Conflict: it is not as the edit has left it, or what undoing needs is not kept any more.
        OSError: there is no room, or the disk fails.
    """
    if now.digest != undone.after.digest:
        raise Conflict("The file was changed after this edit, which cannot be undone any more.", code="file_changed")
    if not os.path.exists(undone.kept):
        raise Conflict("What undoing this edit needs is not kept any more.", code="undo_gone")
    write_old(undone, path, target)
    if digest_of(target) != undone.before.digest:
        raise Conflict("What undoing this edit needs is damaged.", code="undo_gone")
    os.utime(target, ns=(undone.before.mtime_ns, undone.before.mtime_ns))


def write_old(file: EditedFile, source: str, target: str) -> None:
    """Write the old file of an edit to `target`, out of the new one at `source` and what is kept."""
    with create(target) as new:
        for piece in _pieces(source, file.kept, file.parts):
            new.write(piece)
    keep_attributes(source, target, os.stat(source))


def _pieces(new: str, kept: str, parts: Sequence[FilePart]) -> Iterator[bytes]:
    """The old file, of the new one and the bytes that were kept."""
    with open(new, "rb", opener=open_own) as new_file, open(kept, "rb", opener=open_own) as kept_file:
        for part in parts:
            yield from _read(kept_file if part.kept else new_file, part.offset, part.length)


def _read(file: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
    file.seek(offset)
    while length > 0:
        piece = file.read(min(PIECE_BYTES, length))
        if not piece:
            return
        yield piece
        length -= len(piece)


def discard(paths: Sequence[str]) -> None:
    """Remove copies and old bytes that are not needed any more.

    Raises:
        OutputError: one is there and cannot be removed; all others are.
    """
    failed: OSError | None = None
    for path in paths:
        try:
            os.unlink(path)
        except OSError as error:
            if os.path.lexists(path):  # where nothing may be written, also a file that is not there cannot be removed
                failed = error
    if failed is not None:
        raise OutputError("A copy that is not needed any more could not be removed.") from failed


def digest_of(path: str) -> str:
    """The SHA-256 of a file."""
    with open(path, "rb", opener=open_own) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def create(path: str) -> BinaryIO:
    """A new file; whatever lay there under this name, a link above all, is not written through."""
    discard([path])
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def keep_attributes(source: str, target: str, status: os.stat_result) -> None:
    """Give a copy the owner, the mode and what else the system keeps beside the bytes, as far as our rights go."""
    with contextlib.suppress(OSError):  # a file system may have no such attributes
        for name in os.listxattr(source):
            with contextlib.suppress(OSError):  # some are for a privileged server alone
                os.setxattr(target, name, os.getxattr(source, name))
    with contextlib.suppress(PermissionError):  # only a privileged server may give files away
        os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, status.st_mode & 0o7777)
