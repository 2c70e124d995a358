import os
from collections.abc import Callable

import pytest

from auralis_trio.audio.source import never_cancelled
from auralis_trio.library import scanner
from auralis_trio.library.folders import list_folders
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile, TrackRecord
from auralis_trio.library.scanner import (
    BatchPlan,
    SeenTracks,
    begin_scan,
    is_unavailable,
    keep_plan,
    mark_missing,
    pending_page,
    plan_batch,
    unseen_page,
)
from auralis_trio.library.store import Library
from auralis_trio.library.walk import FoundFile, Target, Walk

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def walked(path: str = "/music", found: int = 1) -> Walk:
    walk = Walk(Target("/music", path), frozenset())
    walk.found = found
    return walk


def tracks(library: Library) -> list[TrackRecord]:
    return list(list_tracks(library, limit=500, sort="added").items)


def unseen(library: Library, walk: Walk, seen: SeenTracks) -> list[int]:
    return list(unseen_page(library, walk, seen, None, check=never_cancelled).track_ids)


def test_a_set_of_seen_tracks_holds_what_was_added_and_nothing_else() -> None:
    seen = SeenTracks()
    for track_id in (1, 8, 100_000):
        seen.add(track_id)
    assert [track_id for track_id in range(200_000) if track_id in seen] == [1, 8, 100_000]
    assert len(seen._bits) == 12_501


def test_a_file_is_read_again_only_when_its_size_or_time_differs(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("same"), probed("longer"), probed("later")])
    ids = [track.id for track in tracks(library)]
    found = [
        FoundFile("/music/same", 1000, 2000),
        FoundFile("/music/longer", 1001, 2000),
        FoundFile("/music/later", 1000, 2001),
        FoundFile("/music/new", 1000, 2000),
    ]
    plan = plan_batch(library, found)
    assert plan.to_read == ["/music/longer", "/music/later", "/music/new"]
    assert (sorted(plan.seen), plan.back, plan.unchanged) == (ids, [], 1)


def test_files_to_be_read_wait_in_the_order_in_which_they_were_found(library: Library) -> None:
    names = ["/music/b", "/music/a", os.fsdecode(b"/music/\xff")]
    keep_plan(library, BatchPlan([], [], names, 0))
    first, after = pending_page(library, 0, 2)
    second, end = pending_page(library, after, 2)
    assert [*first, *second] == names
    assert pending_page(library, end, 2) == ([], end)


def test_a_new_scan_forgets_what_a_killed_one_had_still_to_read(library: Library) -> None:
    keep_plan(library, BatchPlan([], [], ["/music/a"], 0))
    begin_scan(library, ["/music", "/more"], 1)
    assert pending_page(library, 0, 10) == ([], 0)
    assert [folder.name for folder in list_folders(library)] == ["music", "more"]


def test_tracks_that_were_not_seen_are_marked_and_stay(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("here"), probed("gone")])
    here, gone = tracks(library)
    seen = SeenTracks()
    seen.add(here.id)
    assert unseen(library, walked(), seen) == [gone.id]
    mark_missing(library, [gone.id])
    assert [track.missing for track in tracks(library)] == [False, True]
    assert unseen(library, walked(), seen) == []


def test_a_missing_track_whose_file_is_back_unchanged_is_there_again(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one")])
    [track] = tracks(library)
    mark_missing(library, [track.id])
    plan = plan_batch(library, [FoundFile("/music/one", 1000, 2000)])
    assert (plan.seen, plan.back, plan.to_read, plan.unchanged) == ([track.id], [track.id], [], 0)
    keep_plan(library, plan)
    assert tracks(library) == [track]


def test_only_tracks_of_the_folder_that_was_walked_can_be_unseen(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("a/one"), probed("ab/two"), probed("a.wav"), probed("b/three")])
    ids = {track.title: track.id for track in tracks(library)}
    assert unseen(library, walked("/music/a"), SeenTracks()) == [ids["a/one"]]


def test_tracks_below_an_unreadable_folder_are_not_unseen(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed("a/one"), probed("b/two")])
    ids = {track.title: track.id for track in tracks(library)}
    walk = walked()
    walk.unreadable.add("/music/a")
    assert unseen(library, walk, SeenTracks()) == [ids["b/two"]]


def test_unseen_tracks_come_in_pages_that_together_are_all_of_them(
    library: Library, fill: Fill, probed: Probed
) -> None:
    number = scanner.KNOWN_PAGE + 1
    fill([probed(f"{index:05}") for index in range(number)])
    first = unseen_page(library, walked(), SeenTracks(), None, check=never_cancelled)
    second = unseen_page(library, walked(), SeenTracks(), first.last_path, check=never_cancelled)
    assert (len(first.track_ids), len(second.track_ids)) == (scanner.KNOWN_PAGE, 1)
    assert len({*first.track_ids, *second.track_ids}) == number
    assert second.last_path is None


@pytest.mark.parametrize(
    ("found", "known", "unreadable", "unavailable"),
    [(0, True, False, True), (0, False, False, False), (1, True, False, False), (0, False, True, True)],
    ids=["lost_everything", "empty_as_before", "holds_something", "cannot_be_looked_at"],
)
def test_a_folder_is_unavailable_when_it_cannot_be_looked_at_or_lost_everything_at_once(
    library: Library, fill: Fill, probed: Probed, found: int, known: bool, unreadable: bool, unavailable: bool
) -> None:
    fill([probed("one")] if known else [])
    walk = walked(found=found)
    walk.unreadable = {"/music"} if unreadable else set()
    assert is_unavailable(library, walk) is unavailable
