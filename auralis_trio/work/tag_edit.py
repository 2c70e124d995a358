"""What an edit does with files: a copy beside each, tags written, audio proved unchanged, then all put in place.

The copy is hidden and lies in the folder of its file, so that putting it in place is one step that either happened or
did not. Before that the bytes are kept that make the old file of the new one; see `old_bytes`.
"""

import os
import shutil
from collections.abc import Sequence

import msgspec

from auralis_trio.audio.units import modified_ns
from auralis_trio.decoder.payload import digest_audio
from auralis_trio.errors import (
    Conflict,
    EditUnfinished,
    Forbidden,
    OutputError,
    SourceError,
    SourceMissing,
    SourceUnsupported,
)
from auralis_trio.library.records import FailedFile, ProbedFile
from auralis_trio.library.tag_changes import Changes
from auralis_trio.library.tag_journal import EditedFile, FileState
from auralis_trio.library.tag_writer import write_tags
from auralis_trio.own_files import open_own, sync
from auralis_trio.work.old_bytes import (
    PIECE_BYTES,
    create,
    digest_of,
    discard,
    keep_attributes,
    keep_old_bytes,
    rebuild,
    write_old,
)
from auralis_trio.work.probe import probe_file

TEMP_PREFIX = ".auralis-edit-"


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
    before = FileState(status.st_size, modified_ns(status), digest_of(order.path))
    if order.undone is None:
        _copy(order.path, order.temp)
        write_tags(order.temp, order.changes or {})
    else:
        rebuild(order.undone, order.path, order.temp, before)
    keep_attributes(order.path, order.temp, status)
    probed = _prove(order)
    sync(order.temp)
    status = os.stat(order.temp)
    after = FileState(status.st_size, modified_ns(status), digest_of(order.temp))
    parts = keep_old_bytes(order.path, order.temp, order.kept, before)
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
    write_old(file, file.path, file.temp)
    os.utime(file.temp, ns=(file.before.mtime_ns, file.before.mtime_ns))
    sync(file.temp)
    os.replace(file.temp, file.path)


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


def _copy(source: str, target: str) -> None:
    with open(source, "rb", opener=open_own) as old, create(target) as new:
        shutil.copyfileobj(old, new, PIECE_BYTES)


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
