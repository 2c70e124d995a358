"""Edits of tags in real files and a real database; as a script, the process that the kill test kills."""

import contextlib
import errno
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio

from auralis_trio.decoder.payload import digest_audio
from auralis_trio.errors import (
    Conflict,
    EditUnfinished,
    Forbidden,
    InvalidRequest,
    NotFound,
    OutputError,
    SourceError,
    SourceMissing,
)
from auralis_trio.jobs import editor as editor_module
from auralis_trio.jobs.editor import MAX_FILES, Editor, EditPlace
from auralis_trio.jobs.scan import Scan
from auralis_trio.library.paging import Window
from auralis_trio.library.queries import get_track, get_track_file, list_tracks
from auralis_trio.library.records import Tags
from auralis_trio.library.reset import forget_everything
from auralis_trio.library.store import Library, open_library
from auralis_trio.library.tag_journal import (
    FileState,
    begin_edit,
    find_files,
    forget_old_edits,
    keep_prepared,
    list_edits,
)
from auralis_trio.library.tag_writer import write_tags
from auralis_trio.library.tags import read_tags
from auralis_trio.offload import InlineOffload, Lane
from auralis_trio.work import tag_edit
from auralis_trio.work.old_bytes import trim_kept
from auralis_trio.work.tag_edit import TEMP_PREFIX
from tests.jobs.test_scan import Events, InlineDoor
from tests.library.test_tag_writer import write_untagged
from tests.library.test_tags import SUFFIXES, make_tagged

T = TypeVar("T")
KILLS = 20


async def ask(fn: Callable[..., T], *args: Any) -> T:
    """What `fn` says, which opens files."""
    return await InlineOffload().run(Lane.DISK, fn, *args)


async def tags_of(path: Path) -> Tags:
    return await ask(read_tags, str(path))


class Desk:
    """A library of one folder of real files, and its editor."""

    def __init__(self, library: Library, music: Path, tmp_path: Path, door: InlineDoor | InlineOffload) -> None:
        self.library, self.music, self.events = library, music, Events()
        self.kept = tmp_path / "undo"
        self.scan = Scan(library, door, [str(music)], Events())
        self.place = EditPlace([str(music)], str(self.kept), 10**9, True)
        self.editor = Editor(library, door, self.place, self.events)

    def ids(self) -> dict[str, int]:
        """The tracks by the names of their files."""
        files = [get_track_file(self.library, track.id) for track in list_tracks(self.library, 500).items]
        return {os.path.basename(file.path): file.track_id for file in files}

    def names(self) -> set[str]:
        """Everything that lies in the folder."""
        return {path.name for path in self.music.rglob("*")}

    def journal(self) -> list[str]:
        return [edit.state for edit in list_edits(self.library, Window(500)).items]


@asynccontextmanager
async def open_desk(
    tmp_path: Path, make: Callable[[Path], object], names: Sequence[str], door: InlineDoor | InlineOffload
) -> AsyncIterator[Desk]:
    music = tmp_path / "music"
    music.mkdir()
    for name in names:
        make(music / name)
    library = await ask(open_library, tmp_path / "data")
    desk = Desk(library, music, tmp_path, door)
    await desk.editor.recover()
    await desk.scan.run()
    yield desk
    await ask(library.close)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, make_tagged, ["a.flac", "b.mp3", "c.m4a"], InlineOffload()) as opened:
        yield opened


def picture(path: Path) -> tuple[bytes, int, int]:
    """All that undoing has to give back."""
    return path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode


@pytest.mark.parametrize("tagged", [True, False], ids=["tagged", "untagged"])
@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_an_edit_changes_tags_and_no_audio_and_undoing_it_gives_the_file_back_byte_for_byte(
    tmp_path: Path, suffix: str, tagged: bool
) -> None:
    make = make_tagged if tagged else write_untagged
    async with open_desk(tmp_path, make, [f"song{suffix}"], InlineOffload()) as desk:
        path = desk.music / f"song{suffix}"
        path.chmod(0o640)
        before, audio = picture(path), await ask(digest_audio, str(path))
        [track_id] = desk.ids().values()
        edit_id = await desk.editor.edit(
            {track_id: {"title": "new", "artists": ["A", "B"], "lyrics": "x\n" * 20_000}}
        )
        assert (path.read_bytes() != before[0], path.stat().st_mode) == (True, before[2])
        assert await ask(digest_audio, str(path)) == audio
        assert ((await tags_of(path)).title, get_track(desk.library, track_id).title) == ("new", "new")
        assert (await desk.scan.run()).unchanged == 1
        undo_id = await desk.editor.undo(edit_id)
        assert picture(path) == before
        assert get_track(desk.library, track_id).title == (await tags_of(path)).title
        assert (await desk.scan.run()).unchanged == 1
        await desk.editor.undo(undo_id)  # which does it again
        assert (await tags_of(path)).title == "new"
        assert desk.names() == {f"song{suffix}"}


async def test_a_batch_is_one_edit_that_is_told_once(desk: Desk) -> None:
    ids = desk.ids()
    edit_id = await desk.editor.edit({track_id: {"album": "One"} for track_id in ids.values()})
    assert {track.album for track in list_tracks(desk.library).items} == {"One"}
    told = {"edit_id": edit_id, "track_ids": list(ids.values()), "updated_fields": ["album"]}
    assert desk.events.all == [("metadata_batch_updated", told)]
    before = {name: picture(desk.music / name) for name in ids}
    assert {(await tags_of(desk.music / name)).album for name in before} == {"One"}


async def test_a_batch_with_one_file_that_cannot_be_written_changes_none(tmp_path: Path) -> None:
    async with open_desk(tmp_path, make_tagged, ["a.flac", "b.mp3"], InlineOffload()) as desk:
        before = {name: picture(desk.music / name) for name in desk.names()}
        updates = {desk.ids()["a.flac"]: {"genre": "Jazz"}, desk.ids()["b.mp3"]: {"genre": "(17)"}}
        with pytest.raises(InvalidRequest):
            await desk.editor.edit(updates)
        assert {name: picture(desk.music / name) for name in desk.names()} == before
        assert (desk.journal(), list(desk.kept.iterdir()), desk.events.all) == ([], [], [])


async def test_when_a_file_cannot_be_put_in_place_those_before_it_are_given_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: picture(desk.music / name) for name in desk.names()}
    real, placed = os.replace, []

    def failing(source: str, target: str) -> None:
        placed.append(target)
        if len(placed) == 2:
            raise OSError(28, "no space")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OutputError):
        await desk.editor.edit({track_id: {"album": "One"} for track_id in desk.ids().values()})
    assert {name: picture(desk.music / name) for name in desk.names()} == before
    assert desk.journal() == []


async def test_an_edit_that_is_cancelled_before_it_is_committed_leaves_nothing_behind(tmp_path: Path) -> None:
    class Stopping(InlineDoor):
        """Preparing the second file is where the client leaves."""

        prepared = 0
        scope: trio.CancelScope | None = None

        async def run_process(self, fn: Callable[..., T], *args: Any, deadline_s: float | None = None) -> T:
            if fn is tag_edit.prepare_edit:
                self.prepared += 1
                if self.prepared == 2 and self.scope is not None:
                    self.scope.cancel()
            return await super().run_process(fn, *args)

    door = Stopping()
    async with open_desk(tmp_path, make_tagged, ["a.flac", "b.mp3"], door) as desk:
        before = {name: picture(desk.music / name) for name in desk.names()}
        with trio.CancelScope() as door.scope:
            await desk.editor.edit({track_id: {"album": "One"} for track_id in desk.ids().values()})
        assert door.scope.cancelled_caught
        assert {name: picture(desk.music / name) for name in desk.names()} == before
        assert (desk.journal(), list(desk.kept.iterdir())) == ([], [])
        await desk.editor.edit({desk.ids()["a.flac"]: {"album": "One"}})


async def test_a_file_that_somebody_changed_meanwhile_is_left_as_they_made_it(desk: Desk) -> None:
    path = desk.music / "a.flac"
    real = keep_prepared

    def and_somebody_writes(*args: Any) -> None:
        real(*args)
        path.write_bytes(b"theirs")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(editor_module, "keep_prepared", and_somebody_writes)
        with pytest.raises(Conflict) as refused:
            await desk.editor.edit({desk.ids()["a.flac"]: {"title": "x"}})
    assert (refused.value.code, path.read_bytes()) == ("file_changed", b"theirs")
    assert (desk.journal(), desk.names()) == ([], {"a.flac", "b.mp3", "c.m4a"})


async def test_a_file_that_goes_away_in_the_middle_of_a_batch_takes_the_batch_back(desk: Desk) -> None:
    before = {name: picture(desk.music / name) for name in ("b.mp3", "c.m4a")}
    real = keep_prepared

    def and_somebody_deletes(*args: Any) -> None:
        real(*args)
        (desk.music / "a.flac").unlink()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(editor_module, "keep_prepared", and_somebody_deletes)
        with pytest.raises(Conflict) as refused:
            await desk.editor.edit({track_id: {"album": "One"} for track_id in desk.ids().values()})
    assert refused.value.code == "file_changed"
    assert {path.name: picture(path) for path in desk.music.iterdir()} == before
    assert (desk.journal(), list(desk.kept.iterdir())) == ([], [])


async def test_a_file_that_goes_away_while_its_copy_is_made_is_a_conflict(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = write_tags

    def and_somebody_deletes(path: str, changes: Any) -> None:
        real(path, changes)
        (desk.music / "a.flac").unlink()

    monkeypatch.setattr(tag_edit, "write_tags", and_somebody_deletes)
    with pytest.raises(Conflict) as refused:
        await desk.editor.edit({desk.ids()["a.flac"]: {"album": "One"}})
    assert (refused.value.code, desk.names(), desk.journal()) == ("file_changed", {"b.mp3", "c.m4a"}, [])


class ReadOnly:
    """A folder on a disk that can be read only, as Linux shows it: also what is not there cannot be removed."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = str(folder)
        for name in ("unlink", "replace", "open"):
            patch.setattr(os, name, self._refusing(getattr(os, name)))
        access = os.access
        patch.setattr(os, "access", lambda path, mode: access(path, mode) and not self._writes(path, mode & os.W_OK))

    def _writes(self, path: Any, changes: int = 1) -> bool:
        return bool(changes) and str(path).startswith(self._folder)

    def _refusing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(path: Any, *args: Any, **more: Any) -> Any:
            changes = args[0] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if real.__name__ == "open" and args else 1
            if self._writes(path, changes):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return real(path, *args, **more)

        return refuse


async def test_an_edit_where_nothing_can_be_written_is_refused_and_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    [one, *_] = desk.ids().values()
    assert await desk.editor.allows(one)
    with monkeypatch.context() as patch:
        ReadOnly(desk.music, patch)
        assert not await desk.editor.allows(one)
        with pytest.raises(Forbidden) as refused:
            await desk.editor.edit({one: {"title": "x"}})
    assert (refused.value.code, desk.journal(), caplog.messages) == ("folder_read_only", [], [])
    assert desk.names() == {"a.flac", "b.mp3", "c.m4a"}


@pytest.mark.parametrize("committed", [True, False])
async def test_an_edit_that_cannot_be_ended_at_the_start_stops_no_other_and_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, committed: bool
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    ids = desk.ids()
    with monkeypatch.context() as patch:
        patch.setattr(editor_module, "commit_files" if committed else "keep_prepared", killed)
        patch.setattr(Editor, "_clear_away", killed)
        with pytest.raises(Killed):
            await desk.editor.edit({ids["a.flac"]: {"title": "new"}})
    [file] = find_files(desk.library, [ids["b.mp3"]])
    await ask(begin_edit, desk.library, [file], None, 1)
    with monkeypatch.context() as patch:
        ReadOnly(desk.music, patch)
        await desk.editor.recover()
    assert desk.journal() == ["committing" if committed else "preparing"]
    [told] = caplog.messages
    assert "edit 1 cannot be ended now and waits for the next start" in told
    await desk.editor.recover()
    assert desk.journal() == (["done"] if committed else [])
    assert desk.names() == {"a.flac", "b.mp3", "c.m4a"}
    assert ((await tags_of(desk.music / "a.flac")).title == "new") is committed


async def test_a_committed_edit_goes_through_for_the_files_that_are_left(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(editor_module, "commit_files", killed)
    with pytest.raises(Killed):
        await desk.editor.edit({track_id: {"album": "One"} for track_id in desk.ids().values()})
    (desk.music / "a.flac").unlink()
    await desk.editor.recover()
    assert (desk.names(), desk.journal()) == ({"b.mp3", "c.m4a"}, ["done"])
    assert (await tags_of(desk.music / "b.mp3")).album == "One"


async def test_what_can_neither_be_put_in_place_nor_given_back_waits_for_the_next_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, placed = os.replace, []

    def failing(source: str, target: str) -> None:
        placed.append(target)
        if len(placed) > 1:
            raise OSError(errno.EIO, "a broken disk")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing)
        with pytest.raises(EditUnfinished):
            await desk.editor.edit({track_id: {"album": "One"} for track_id in desk.ids().values()})
    assert desk.journal() == ["committing"]
    await desk.editor.recover()
    assert (desk.journal(), desk.names()) == (["done"], {"a.flac", "b.mp3", "c.m4a"})
    assert {(await tags_of(desk.music / name)).album for name in desk.names()} == {"One"}


async def test_an_edit_cannot_be_undone_twice_nor_over_a_later_change(desk: Desk) -> None:
    track_id = desk.ids()["a.flac"]
    first = await desk.editor.edit({track_id: {"title": "one"}})
    second = await desk.editor.edit({track_id: {"title": "two"}})
    with pytest.raises(Conflict) as refused:
        await desk.editor.undo(first)
    assert refused.value.code == "file_changed"
    await desk.editor.undo(second)
    with pytest.raises(Conflict) as refused:
        await desk.editor.undo(second)
    assert refused.value.code == "edit_not_done"
    with pytest.raises(NotFound):
        await desk.editor.undo(999)
    assert (await tags_of(desk.music / "a.flac")).title == "one"


async def test_an_edit_whose_old_bytes_are_not_kept_any_more_cannot_be_undone(desk: Desk) -> None:
    edit_id = await desk.editor.edit({desk.ids()["a.flac"]: {"title": "one"}})
    trim_kept(str(desk.kept), 0)
    with pytest.raises(Conflict) as refused:
        await desk.editor.undo(edit_id)
    assert refused.value.code == "undo_gone"


async def test_a_moved_file_can_still_be_given_back(desk: Desk) -> None:
    path, track_id = desk.music / "a.flac", desk.ids()["a.flac"]
    before = picture(path)
    edit_id = await desk.editor.edit({track_id: {"title": "one"}})
    path.rename(desk.music / "moved.flac")
    await desk.scan.run()
    await desk.editor.undo(edit_id)
    assert picture(desk.music / "moved.flac") == before


async def test_edits_are_refused_when_they_are_off_and_no_file_is_opened(desk: Desk) -> None:
    place = EditPlace(desk.place.roots, desk.place.kept_folder, 0, False)
    editor = Editor(desk.library, InlineOffload(), place, Events())
    for wish in (editor.edit({desk.ids()["a.flac"]: {"title": "x"}}), editor.undo(1)):
        with pytest.raises(Forbidden) as refused:
            await wish
        assert refused.value.code == "tag_edits_off"
    assert desk.journal() == []


async def test_a_link_out_of_the_folders_is_not_written_through(desk: Desk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    make_tagged(outside / "a.flac")
    before = picture(outside / "a.flac")
    (desk.music / "a.flac").unlink()
    (desk.music / "a.flac").symlink_to(outside / "a.flac")
    with pytest.raises(Forbidden) as refused:
        await desk.editor.edit({desk.ids()["a.flac"]: {"title": "x"}})
    assert (refused.value.code, picture(outside / "a.flac")) == ("file_not_allowed", before)
    assert str(tmp_path) not in refused.value.message


async def test_a_link_under_the_name_of_the_copy_is_not_written_through(desk: Desk, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for number in range(1, 9):
        (desk.music / f"{TEMP_PREFIX}{number}-0.flac").symlink_to(victim)
    await desk.editor.edit({desk.ids()["a.flac"]: {"title": "x"}})
    assert victim.read_text() == "mine"


async def test_a_file_outside_of_the_folders_of_today_is_not_written_to(desk: Desk, tmp_path: Path) -> None:
    place = EditPlace([str(tmp_path / "elsewhere")], desk.place.kept_folder, 0, True)
    editor = Editor(desk.library, InlineOffload(), place, Events())
    with pytest.raises(Forbidden):
        await editor.edit({desk.ids()["a.flac"]: {"title": "x"}})


async def test_an_edit_is_undone_after_a_reset_once_a_scan_has_found_its_file(desk: Desk) -> None:
    before = picture(desk.music / "a.flac")
    edit_id = await desk.editor.edit({desk.ids()["a.flac"]: {"title": "x"}})
    await ask(forget_everything, desk.library)
    with pytest.raises(NotFound):
        await desk.editor.undo(edit_id)
    await desk.scan.run()
    await desk.editor.undo(edit_id)
    assert picture(desk.music / "a.flac") == before
    assert "x" not in {track.title for track in list_tracks(desk.library).items}


async def test_missing_files_unknown_tracks_and_too_many_are_refused(desk: Desk) -> None:
    (desk.music / "a.flac").unlink()
    with pytest.raises(SourceMissing):
        await desk.editor.edit({desk.ids()["a.flac"]: {"title": "x"}})
    for track_id in (0, -1, 999, 2**40):
        with pytest.raises(NotFound):
            await desk.editor.edit({track_id: {"title": "x"}})
    for number in (0, MAX_FILES + 1):
        with pytest.raises(InvalidRequest):
            await desk.editor.edit({index: {"title": "x"} for index in range(number)})
    assert desk.journal() == []


@pytest.mark.parametrize("content", [b"", b"ID3" + b"\xff" * 500, b"fLaC" + b"\0" * 100, os.urandom(4000)])
async def test_a_broken_file_is_left_alone(desk: Desk, content: bytes) -> None:
    (desk.music / "a.flac").write_bytes(content)
    with pytest.raises(SourceError):
        await desk.editor.edit({desk.ids()["a.flac"]: {"title": "x"}})
    assert (desk.music / "a.flac").read_bytes() == content
    assert desk.names() == {"a.flac", "b.mp3", "c.m4a"}


async def test_the_journal_and_the_old_bytes_are_bounded(desk: Desk) -> None:
    track_id = desk.ids()["a.flac"]
    edits = [await desk.editor.edit({track_id: {"title": f"title {number}"}}) for number in range(4)]
    assert forget_old_edits(desk.library, 3) == edits[:1]
    assert [edit.id for edit in list_edits(desk.library, Window(10)).items] == edits[:0:-1]
    sizes = [path.stat().st_size for path in desk.kept.iterdir()]
    trim_kept(str(desk.kept), sum(sizes) - 1)
    assert len(list(desk.kept.iterdir())) == 3


async def test_all_edits_that_the_journal_holds_can_be_undone_one_after_the_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget_old_edits, "__defaults__", (3,))
    track_id, before = desk.ids()["a.flac"], picture(desk.music / "a.flac")
    edits = [await desk.editor.edit({track_id: {"title": f"title {number}"}}) for number in range(3)]
    for edit_id in reversed(edits):
        await desk.editor.undo(edit_id)
    assert picture(desk.music / "a.flac") == before
    await desk.editor.edit({track_id: {"title": "last"}})
    assert [edit.state for edit in list_edits(desk.library, Window(10)).items] == ["done"] * 3 + ["undone"] * 3


async def test_a_copy_of_an_edit_that_never_came_to_be_is_removed_at_the_next_start(desk: Desk) -> None:
    [file] = find_files(desk.library, [desk.ids()["a.flac"]])
    edit_id = await ask(begin_edit, desk.library, [file], None, 1)
    (desk.music / f"{TEMP_PREFIX}{edit_id}-0.flac").write_bytes(b"half")
    (desk.kept / f"{edit_id}-0").write_bytes(b"half")
    await desk.editor.recover()
    assert (desk.journal(), desk.names()) == ([], {"a.flac", "b.mp3", "c.m4a"})
    assert list(desk.kept.iterdir()) == []


async def test_a_committed_edit_whose_folder_is_away_waits_for_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(editor_module, "commit_files", killed)
    with pytest.raises(Killed):
        await desk.editor.edit({desk.ids()["a.flac"]: {"title": "new"}})
    desk.music.rename(desk.music.parent / "unplugged")
    await desk.editor.recover()
    assert desk.journal() == ["committing"]
    (desk.music.parent / "unplugged").rename(desk.music)
    await desk.editor.recover()
    assert (desk.journal(), (await tags_of(desk.music / "a.flac")).title) == (["done"], "new")
    assert get_track(desk.library, desk.ids()["a.flac"]).title == "new"


def test_a_state_of_a_file_is_its_size_time_and_digest() -> None:
    assert FileState(1, 2, "x") == FileState(1, 2, "x") != FileState(1, 2, "y")


async def edit_all(data: Path, music: Path, album: str) -> None:
    """One batch over every file, as the server does it, in threads."""
    library = await ask(open_library, data)
    desk = Desk(library, music, data, InlineOffload())
    await desk.editor.recover()
    print("ready", flush=True)
    await desk.editor.edit({track_id: {"album": album} for track_id in desk.ids().values()})
    print("done", flush=True)
    await ask(library.close)


async def settle(data: Path, music: Path) -> tuple[set[str | None], set[str | None], list[str]]:
    """The next start: what the files say, what the database says, and what lies about."""
    library = await ask(open_library, data)
    desk = Desk(library, music, data, InlineOffload())
    await desk.editor.recover()
    in_files = {(await tags_of(music / name)).album for name in desk.names()}
    in_database = {track.album for track in list_tracks(library, 500).items}
    lying_about = [name for name in desk.names() if name.startswith(".")]
    open_still = [state for state in desk.journal() if state in ("preparing", "committing")]
    await ask(library.close)
    return in_files, in_database, lying_about + open_still


def test_a_batch_edit_that_is_killed_at_any_point_is_done_or_was_never_begun(tmp_path: Path) -> None:
    music, data = tmp_path / "music", tmp_path / "data"
    music.mkdir()
    for suffix in SUFFIXES:
        make_tagged(music / f"song{suffix}")
    library = open_library(data)
    trio.run(Scan(library, InlineOffload(), [str(music)], Events()).run)
    library.close()
    audio = {path.name: digest_audio(str(path)) for path in music.iterdir()}
    dice, took_s = random.Random(7), 0.0
    for number in range(KILLS + 1):  # the first one is let go on to its end, which tells how long that takes here
        command = [sys.executable, __file__, str(data), str(music), f"album {number}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            began_s = time.monotonic()
            if number:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(dice.random() * 1.2 * took_s)
            else:
                assert process.stdout.readline() == "done\n"
                took_s = time.monotonic() - began_s
            process.kill()
        in_files, in_database, rest = trio.run(settle, data, music)
        assert (len(in_files), in_files, rest) == (1, in_database, [])
        assert {path.name: digest_audio(str(path)) for path in music.iterdir()} == audio
        assert number or in_files == {"album 0"}


if __name__ == "__main__":
    trio.run(edit_all, Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
