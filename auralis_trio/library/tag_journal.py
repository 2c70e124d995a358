"""The journal of edits: what is being written into which files, so that a kill leaves nothing half done.

An edit is `preparing` while its copies are made: then a kill has changed no file, and the edit is forgotten. It is
`committing` once every copy is whole and on the disk: then the next start puts the rest of them in place. At last it
is `done`, or `undone` by another edit.
"""

import os
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from pony.orm import select

from auralis_trio.errors import Conflict, NotFound
from auralis_trio.library.batch import FileTime, apply_batch
from auralis_trio.library.listing import Listing, read_slice, rows_of, rows_within
from auralis_trio.library.paging import Column, Key, Order, Window
from auralis_trio.library.queries import MAX_ID, no_track, track_file
from auralis_trio.library.records import FailedFile, Page, ProbedFile, TrackFile
from auralis_trio.library.store import Library

MAX_EDITS = 1000
"""How many edits are kept that can be undone, and how many that were; an undo takes no place of those before it."""

_LATEST_FIRST = Order(
    "latest", (Key(Column("tag_edit.started_ns", int), True), Key(Column("tag_edit.id", int), True))
)
_EDITS = "SELECT id, state, undoes, started_ns, done_ns FROM tag_edit WHERE id IN ({ids})"
_EDITED_TRACKS = "SELECT edit_id, track_id FROM tag_edit_file WHERE edit_id IN ({ids}) ORDER BY track_id"

State = Literal["preparing", "committing", "done", "undone"]


class FileState(msgspec.Struct, frozen=True):
    """What a file is at one time; `digest` is the SHA-256 of all of it."""

    size: int
    mtime_ns: int
    digest: str


class FilePart(msgspec.Struct, frozen=True, array_like=True):
    """A run of bytes of a file as it was: taken from the `kept` ones, or else from the file as it is."""

    kept: bool
    offset: int
    length: int


class EditedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an edit. `temp` becomes `path`; `kept` holds the bytes that make the old file of the new one.

    For the server alone: it holds paths.
    """

    track_id: int
    path: str
    temp: str
    kept: str
    before: FileState
    after: FileState
    parts: tuple[FilePart, ...]


class OpenEdit(msgspec.Struct, frozen=True, kw_only=True):
    """An edit with its files; those of one that is still `preparing` are not known yet. For the server alone."""

    id: int
    state: State
    files: tuple[EditedFile, ...]
    paths: tuple[str, ...]


class EditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An edit as clients see it; `undoes` is the one that it took back."""

    id: int
    state: State
    undoes: int | None
    started_ns: int
    done_ns: int | None
    track_ids: Sequence[int]


def find_files(library: Library, track_ids: Sequence[int]) -> list[TrackFile]:
    """Where the files of some tracks lie, in the order asked for.

    Raises:
        NotFound: one of the tracks is unknown.
    """
    wanted = [track_id for track_id in track_ids if 0 < track_id <= MAX_ID]
    with library.reading() as entities:
        found = {track.id: track_file(track) for track in select(t for t in entities.Track if t.id in wanted)}
    if any(track_id not in found for track_id in track_ids):
        raise no_track()
    return [found[track_id] for track_id in track_ids]


def find_edited(library: Library, edit: OpenEdit) -> list[tuple[TrackFile, EditedFile]]:
    """The files of an edit with where they lie now: where their tracks are, or, where one is not known by its id any
    more, the track at its path.

    Raises:
        NotFound: there is neither.
    """
    ids, paths = [file.track_id for file in edit.files], [os.fsencode(file.path) for file in edit.files]
    with library.reading() as entities:
        tracks = select(t for t in entities.Track if t.id in ids or t.path in paths)[:]
        by_id = {track.id: track_file(track) for track in tracks}
    by_path = {file.path: file for file in by_id.values()}
    found = [(by_id.get(file.track_id) or by_path.get(file.path), file) for file in edit.files]
    pairs = [(now, file) for now, file in found if now is not None]
    if len(pairs) < len(found):
        raise no_track()
    return pairs


def begin_edit(library: Library, files: Sequence[TrackFile], undoes: int | None, now_ns: int) -> int:
    """Note that files are about to be edited; the number of the edit."""
    with library.writing(durable=True) as entities:
        edit = entities.TagEdit(state="preparing", undoes=undoes, started_ns=now_ns)
        for file in files:
            entities.TagEditFile(edit=edit, track_id=file.track_id, path=os.fsencode(file.path))
        edit.flush()
        return edit.id  # type: ignore[no-any-return]


def keep_prepared(library: Library, edit_id: int, files: Sequence[EditedFile]) -> None:
    """Note that every copy is whole: from now on the edit will happen."""
    with library.writing(durable=True) as entities:
        edit = entities.TagEdit[edit_id]
        rows = edit.files.order_by(entities.TagEditFile.id)[:]
        for row, file in zip(rows, files, strict=True):
            row.after = msgspec.json.encode(file.after).decode()
            row.before = msgspec.json.encode((file.before, file.parts, os.fsencode(file.temp), file.kept)).decode()
        edit.state = "committing"


def finish_edit(library: Library, edit_id: int, files: Sequence[ProbedFile | FailedFile], now_ns: int) -> None:
    """Take over what the edited files say now, and close the edit, in one transaction."""
    with library.writing(durable=True) as entities:
        edit = entities.TagEdit[edit_id]
        apply_batch(library, files, now_ns, proved=_proved(_open_edit(edit), files))
        edit.set(state="done", done_ns=now_ns)
        if edit.undoes is not None:
            entities.TagEdit[edit.undoes].state = "undone"


def _proved(edit: OpenEdit, files: Sequence[ProbedFile | FailedFile]) -> dict[str, FileTime]:
    """What the files were, of which the edit has proved that their audio stayed: those that are as it left them."""
    there = {file.path: (file.size, file.mtime_ns) for file in files if isinstance(file, ProbedFile)}
    return {
        file.path: (file.before.size, file.before.mtime_ns)
        for file in edit.files
        if there.get(file.path) == (file.after.size, file.after.mtime_ns)
    }


def call_off_edit(library: Library, edit_id: int) -> None:
    """Note that an edit will not happen, though every copy was whole: its files are as they were."""
    with library.writing(durable=True) as entities:
        entities.TagEdit[edit_id].state = "preparing"


def drop_edit(library: Library, edit_id: int) -> None:
    """Forget an edit that changed nothing."""
    with library.writing():
        for statement in (
            "DELETE FROM tag_edit_file WHERE edit_id = $edit_id",
            "DELETE FROM tag_edit WHERE id = $edit_id",
        ):
            library.db.execute(statement, {"edit_id": edit_id})


def open_edits(library: Library) -> list[OpenEdit]:
    """The edits that were neither finished nor forgotten, in their order."""
    with library.reading() as entities:
        edits = select(e for e in entities.TagEdit if e.state in ("preparing", "committing")).order_by(1)[:]
        return [_open_edit(edit) for edit in edits]


def find_done_edit(library: Library, edit_id: int) -> OpenEdit:
    """An edit that can be undone.

    Raises:
        NotFound: there is no such edit.
        Conflict: it was undone already, or is not done yet.
    """
    with library.reading() as entities:
        edit = entities.TagEdit.get(id=edit_id) if 0 < edit_id <= MAX_ID else None
        if edit is None:
            raise NotFound("There is no edit with this id. Ask for the list of edits again.", code="edit_not_found")
        if edit.state != "done":
            raise Conflict("This edit was undone already, or is not done yet.", code="edit_not_done")
        return _open_edit(edit)


def list_edits(library: Library, window: Window) -> Page[EditRecord]:
    """A page of the edits, the latest first.

    Raises:
        InvalidRequest: the window's cursor belongs to another list.
    """
    with library.reading():
        found = read_slice(library.db, Listing("tag_edit", _LATEST_FIRST, "edits"), window)
        files: dict[int, list[int]] = {edit_id: [] for edit_id in found.ids}
        for edit_id, track_id in rows_within(library.db, _EDITED_TRACKS, found.ids):
            files[edit_id].append(track_id)
        items = [
            EditRecord(
                id=edit_id,
                state=state,
                undoes=undoes,
                started_ns=started_ns,
                done_ns=done_ns,
                track_ids=files[edit_id],
            )
            for edit_id, state, undoes, started_ns, done_ns in rows_of(library.db, _EDITS, found.ids)
        ]
    return found.page(items)


def forget_old_edits(library: Library, keep: int = MAX_EDITS) -> list[int]:
    """Forget all but the last edits that can be undone, and all but the last that were; the numbers of those that
    are gone."""
    with library.writing():
        rows = [
            edit_id
            for state in ("done", "undone")
            for edit_id in library.db.select(
                "SELECT id FROM tag_edit WHERE state = $state ORDER BY id DESC LIMIT 1000 OFFSET $keep",
                {"state": state, "keep": keep},
            )
        ]
    for edit_id in rows:
        drop_edit(library, edit_id)
    return rows


def _open_edit(edit: Any) -> OpenEdit:
    rows = sorted(edit.files, key=lambda row: row.id)
    files = tuple(_edited_file(row) for row in rows if row.before is not None)
    return OpenEdit(id=edit.id, state=edit.state, files=files, paths=tuple(os.fsdecode(row.path) for row in rows))


def _edited_file(row: Any) -> EditedFile:
    before, parts, temp, kept = msgspec.json.decode(
        row.before, type=tuple[FileState, tuple[FilePart, ...], bytes, str]
    )
    return EditedFile(
        track_id=row.track_id,
        path=os.fsdecode(row.path),
        temp=os.fsdecode(temp),
        kept=kept,
        before=before,
        after=msgspec.json.decode(row.after, type=FileState),
        parts=parts,
    )
