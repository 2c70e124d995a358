from collections.abc import Callable

import pytest

from auralis_trio.errors import Conflict, NotFound
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.mastering_store import get_tuning, keep_tuning
from auralis_trio.library.paging import Window
from auralis_trio.library.queries import get_track, list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.store import Library
from auralis_trio.library.tag_journal import (
    EditedFile,
    FilePart,
    FileState,
    begin_edit,
    drop_edit,
    find_done_edit,
    find_files,
    finish_edit,
    forget_old_edits,
    keep_prepared,
    list_edits,
    open_edits,
)

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def edited(path: str, track_id: int) -> EditedFile:
    return EditedFile(
        track_id=track_id,
        path=path,
        temp="/music/\udcff.tmp",
        kept="/undo/1-0",
        before=FileState(1, 2, "x"),
        after=FileState(3, 4, "y"),
        parts=(FilePart(True, 0, 5), FilePart(False, 7, 9)),
    )


def test_an_edit_goes_through_its_states_and_is_found_as_it_was_kept(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("a"), probed("b")])
    ids = [track.id for track in list_tracks(library).items]
    files = find_files(library, ids[::-1])
    assert [file.track_id for file in files] == ids[::-1]
    edit_id = begin_edit(library, files, None, 10)
    [edit] = open_edits(library)
    assert (edit.state, edit.files, edit.paths) == ("preparing", (), ("/music/b", "/music/a"))
    kept = [edited(file.path, file.track_id) for file in files]
    keep_prepared(library, edit_id, kept)
    [edit] = open_edits(library)
    assert (edit.state, list(edit.files)) == ("committing", kept)
    with pytest.raises(Conflict):
        find_done_edit(library, edit_id)
    finish_edit(library, edit_id, [probed("a", title="new", content_id="content of a")], 20)
    assert get_track(library, ids[0]).title == "new"
    assert open_edits(library) == []
    assert list(find_done_edit(library, edit_id).files) == kept
    undo_id = begin_edit(library, files, edit_id, 30)
    keep_prepared(library, undo_id, kept)
    finish_edit(library, undo_id, [], 40)
    states = [(edit.id, edit.state, edit.undoes, edit.done_ns) for edit in list_edits(library, Window(10)).items]
    assert states == [(undo_id, "done", edit_id, 40), (edit_id, "undone", None, 20)]


@pytest.mark.parametrize("known", [(1, 2), (1, 9), (9, 2)])
@pytest.mark.parametrize("there", [(3, 4), (3, 9), (9, 4)])
def test_what_was_measured_of_a_file_stays_after_an_edit_that_proved_its_audio_and_of_another_file_it_does_not(
    library: Library, fill: Fill, probed: Probed, known: tuple[int, int], there: tuple[int, int]
) -> None:
    fill([probed("a", kind="mp3", size=known[0], mtime_ns=known[1])])
    keep_tuning(library, "content of a", "warm", "1")
    edit_id = begin_edit(library, find_files(library, [1]), None, 10)
    keep_prepared(library, edit_id, [edited("/music/a", 1)])  # from size 1 and time 2 to size 3 and time 4
    finish_edit(library, edit_id, [probed("a", kind="mp3", size=there[0], mtime_ns=there[1])], 20)
    proved = (known, there) == ((1, 2), (3, 4))
    assert (get_tuning(library, "content of a", "warm") is not None) == proved


def test_an_edit_that_changed_nothing_is_forgotten(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("a")])
    edit_id = begin_edit(library, find_files(library, [list_tracks(library).items[0].id]), None, 10)
    drop_edit(library, edit_id)
    assert (open_edits(library), list_edits(library, Window(10)).total) == ([], 0)
    with pytest.raises(NotFound):
        find_done_edit(library, edit_id)


def test_a_scan_that_read_a_file_before_it_was_edited_does_not_undo_what_is_known_of_it(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("a")])
    track_id = list_tracks(library).items[0].id
    files = find_files(library, [track_id])
    edit_id = begin_edit(library, files, None, 10)
    keep_prepared(library, edit_id, [edited("/music/a", track_id)])
    finish_edit(library, edit_id, [probed("a", title="edited", mtime_ns=7)], 100)
    assert apply_batch(library, [probed("a", title="stale")], 110, 90).updated == 1
    assert get_track(library, track_id).title == "edited"
    apply_batch(library, [probed("a", title="later")], 120, 101)
    assert get_track(library, track_id).title == "later"


def test_only_the_last_edits_are_remembered(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("a")])
    files = find_files(library, [list_tracks(library).items[0].id])
    ids = []
    for number in range(4):
        ids.append(begin_edit(library, files, None, number))
        finish_edit(library, ids[-1], [], number)
    assert sorted(forget_old_edits(library, 3)) == ids[:1]
    assert forget_old_edits(library, 3) == []
    assert [edit.id for edit in list_edits(library, Window(2, 1)).items] == ids[2:0:-1]
