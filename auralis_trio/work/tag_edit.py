"""What an edit does with files: a copy beside each, tags written, audio proved unchanged, then all put in place.

The copy is hidden and lies in the folder of its file, so that putting it in place is one step that either happened or
did not. Before that the bytes are kept that make the old file of the new one.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import msgspec

from auralis_trio.audio.units import modified_ns
from auralis_trio.decoder.payload import digest_audio, has_numbered_pages, map_path
from auralis_trio.errors import (
    Conflict,
    EditUnfinished,
    Forbidden,
    OutputError,
    SourceError,
    SourceMissing,
    SourceUnsupported,
    StartupError,
)
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.library.tag_changes import Changes
from auralis_trio.library.tag_journal import EditedFile, FilePart, FileState
from auralis_trio.library.tag_writer import write_tags
from auralis_trio.own_files import open_own, sync
from auralis_trio.work.probe import probe_file

TEMP_PREFIX = ".auralis-edit-"
_PIECE_BYTES = 1024 * 1024


class EditOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One file to be edited: by `changes` of its tags, or by giving it back as it was before the edit `undone`.

    `roots` are the folders of music, as real paths; `temp` and `kept` are where the copy and the old bytes go.
    """

    track_id: int
    path: str
    temp: str
    kept: str
    roots: tuple[str, ...]
    changes: Changes | None = None
    undone: EditedFile | None = None


def temp_path(path: str, edit_id: int, number: int) -> str:
    """Where the copy of a file of an edit lies; a scan passes hidden files over."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f"{TEMP_PREFIX}{edit_id}-{number}{os.path.splitext(name)[1]}")


def prepare_edit(order: EditOrder) -> tuple[EditedFile, ProbedFile]:
    """Make the copy as it shall be, on the disk, and keep what undoing needs; the file itself stays as it is.

    Raises:
        Forbidden: the file does not lie in a folder of music, or its folder cannot be written to.
        Conflict: the file is not as the edit that is to be undone has left it, or goes away meanwhile.
        SourceError: the file is missing, broken, or its audio would not stay as it is.
        OutputError: there is no room, or the disk fails.
    """
    _check_place(order.path, order.roots)
    try:
        return _prepare(order)
    except (OSError, SourceError) as error:
        if not os.path.exists(order.path):
            raise _changed() from error
        if isinstance(error, SourceError):
            raise
        raise OutputError("The file could not be written: check its disk's room and health.") from error


def _prepare(order: EditOrder) -> tuple[EditedFile, ProbedFile]:
    status = os.stat(order.path)
    before = FileState(status.st_size, modified_ns(status), _digest(order.path))
    if order.undone is None:
        _copy(order.path, order.temp)
        write_tags(order.temp, order.changes or {})
    else:
        _rebuild(order, before)
    _keep_attributes(order.path, order.temp, status)
    probed = _prove(order)
    sync(order.temp)
    status = os.stat(order.temp)
    after = FileState(status.st_size, modified_ns(status), _digest(order.temp))
    parts = _keep_old_bytes(order, before)
    edited = EditedFile(
        track_id=order.track_id,
        path=order.path,
        temp=order.temp,
        kept=order.kept,
        before=before,
        after=after,
        parts=parts,
    )
    return edited, msgspec.structs.replace(probed, size=after.size, mtime_ns=after.mtime_ns)


def commit_files(files: Sequence[EditedFile]) -> None:
    """Put every copy in the place of its file: all of them, or none.

    Raises:
        Conflict: a file was changed or taken away by somebody else meanwhile.
        OutputError: one could not be put in place; those before it were given back.
        EditUnfinished: one could not be given back either.
    """
    done: list[EditedFile] = []
    try:
        if not all(map(_is_untouched, files)):
            raise _changed()
        for file in files:
            os.replace(file.temp, file.path)
            done.append(file)
        _sync_folders(files)
    except OSError as error:
        _give_all_back(done)
        raise OutputError("A file could not be put in place; nothing was changed.") from error


def finish_files(files: Sequence[EditedFile]) -> None:
    """Put those copies in place that are still waiting; one whose file was changed or is gone is dropped.

    Raises:
        SourceMissing: a folder is not there at the moment.
        OutputError: one cannot be put in place at the moment.
    """
    for file in files:
        if not os.path.isdir(os.path.dirname(file.path)):
            raise SourceMissing
    try:
        for file in files:
            if os.path.exists(file.temp) and _is_untouched(file):
                os.replace(file.temp, file.path)
        _sync_folders(files)
    except OSError as error:
        raise OutputError("A file could not be put in place.") from error
    discard([file.temp for file in files])


def _give_all_back(files: Sequence[EditedFile]) -> None:
    failed: Exception | None = None
    for file in reversed(files):
        try:
            give_back(file)
        except (OSError, OutputError) as error:
            failed = error
    if failed is not None:
        raise EditUnfinished from failed


def give_back(file: EditedFile) -> None:
    """Make the old file of the new one that took its place."""
    _write_parts(file, file.path, file.temp)
    os.utime(file.temp, ns=(file.before.mtime_ns, file.before.mtime_ns))
    sync(file.temp)
    os.replace(file.temp, file.path)


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


def can_be_written(path: str, roots: Sequence[str]) -> bool:
    """Whether an edit of the file would be begun; `roots` are the folders of music."""
    try:
        _check_place(path, [os.path.realpath(root) for root in roots])
    except (SourceMissing, Forbidden):
        return False
    return True


def _check_place(path: str, roots: Sequence[str]) -> None:
    """Only a file that lies itself in a folder of music is written to; a link could lead anywhere."""
    inside = any(path.startswith(root.rstrip("/") + "/") for root in roots)
    if "\0" in path or not os.path.exists(path):
        raise SourceMissing
    if not inside or os.path.realpath(path) != path:
        raise Forbidden("This file does not lie in a folder of music.", code="file_not_allowed")
    if not os.access(os.path.dirname(path), os.W_OK | os.X_OK) or not os.access(path, os.W_OK):
        raise Forbidden("The folder of this file cannot be written to.", code="folder_read_only")


def _is_untouched(file: EditedFile) -> bool:
    try:
        status = os.stat(file.path)
    except FileNotFoundError:
        return False
    return (status.st_size, modified_ns(status)) == (file.before.size, file.before.mtime_ns)


def _changed() -> Conflict:
    return Conflict(
        "A file was changed or taken away by another program meanwhile; nothing was changed. Try again.",
        code="file_changed",
    )


def _digest(path: str) -> str:
    with open(path, "rb", opener=open_own) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _create(path: str) -> BinaryIO:
    """A new file; whatever lay there under this name, a link above all, is not written through."""
    discard([path])
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _copy(source: str, target: str) -> None:
    with open(source, "rb", opener=open_own) as old, _create(target) as new:
        shutil.copyfileobj(old, new, _PIECE_BYTES)


def _keep_attributes(source: str, target: str, status: os.stat_result) -> None:
    """Give a copy the owner, the mode and what else the system keeps beside the bytes, as far as our rights go."""
    with contextlib.suppress(OSError):  # a file system may have no such attributes
        for name in os.listxattr(source):
            with contextlib.suppress(OSError):  # some are for a privileged server alone
                os.setxattr(target, name, os.getxattr(source, name))
    with contextlib.suppress(PermissionError):  # only a privileged server may give files away
        os.chown(target, status.st_uid, status.st_gid)
    os.chmod(target, status.st_mode & 0o7777)


def _sync_folders(files: Sequence[EditedFile]) -> None:
    for folder in dict.fromkeys(os.path.dirname(file.path) for file in files):
        sync(folder)


def _prove(order: EditOrder) -> ProbedFile:
    """Make sure that the copy's audio is the file's, and that it opens."""
    if digest_audio(order.path) != digest_audio(order.temp):
        raise SourceUnsupported("Writing these tags would change the audio; the file was left alone.")
    old, new = probe_file(order.path), probe_file(order.temp, order.path)
    if isinstance(old, FailedFile) or isinstance(new, FailedFile) or old.content_id != new.content_id:
        raise SourceUnsupported("The file would not open any more; it was left alone.")
    return new


def _keep_old_bytes(order: EditOrder, before: FileState) -> tuple[FilePart, ...]:
    """Keep what the new file does not hold of the old one, and make sure that this is enough."""
    ranges = list(_old_ranges(order, before.size))
    parts, at = [], 0
    with open(order.path, "rb", opener=open_own) as old, _create(order.kept) as kept:
        for taken_from, offset, length in ranges:
            parts.append(FilePart(taken_from is None, at if taken_from is None else taken_from, length))
            if taken_from is None:
                for piece in _read(old, offset, length):
                    kept.write(piece)
                at += length
    sync(order.kept)
    digest = hashlib.sha256()
    for piece in _pieces(order.temp, order.kept, parts):
        digest.update(piece)
    if digest.hexdigest() != before.digest:
        raise SourceError("What undoing needs could not be kept; the file was left alone.")
    return tuple(parts)


def _old_ranges(order: EditOrder, size: int) -> Iterator[tuple[int | None, int, int]]:
    """The old file as runs: where the run lies in the new file (None: nowhere), where in the old one, its length."""
    old, new = map_path(order.path), map_path(order.temp)
    at = 0
    if not has_numbered_pages(old) and [part[1] for part in old.payload] == [part[1] for part in new.payload]:
        for (offset, length), (new_offset, _) in zip(old.payload, new.payload, strict=True):
            yield None, at, offset - at
            yield new_offset, offset, length
            at = offset + length
    yield None, at, size - at


def _rebuild(order: EditOrder, now: FileState) -> None:
    undone = order.undone
    assert undone is not None
    if now.digest != undone.after.digest:
        raise Conflict("The file was changed after this edit, which cannot be undone any more.", code="file_changed")
    if not os.path.exists(undone.kept):
        raise Conflict("What undoing this edit needs is not kept any more.", code="undo_gone")
    _write_parts(undone, order.path, order.temp)
    if _digest(order.temp) != undone.before.digest:
        raise Conflict("What undoing this edit needs is damaged.", code="undo_gone")
    os.utime(order.temp, ns=(undone.before.mtime_ns, undone.before.mtime_ns))


def _write_parts(file: EditedFile, source: str, target: str) -> None:
    with _create(target) as new:
        for piece in _pieces(source, file.kept, file.parts):
            new.write(piece)
    _keep_attributes(source, target, os.stat(source))


def _pieces(new: str, kept: str, parts: Sequence[FilePart]) -> Iterator[bytes]:
    """The old file, of the new one and the bytes that were kept."""
    with open(new, "rb", opener=open_own) as new_file, open(kept, "rb", opener=open_own) as kept_file:
        for part in parts:
            yield from _read(kept_file if part.kept else new_file, part.offset, part.length)


def _read(file: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
    file.seek(offset)
    while length > 0:
        piece = file.read(min(_PIECE_BYTES, length))
        if not piece:
            return
        yield piece
        length -= len(piece)
