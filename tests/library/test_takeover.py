"""Which copies go, so that the tracks that they were copied from go on in their files."""

from collections.abc import Callable

from auralis_trio.library.personal import record_heard, set_rating
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.scanner import SeenTracks, mark_missing, pending_page
from auralis_trio.library.store import Library
from auralis_trio.library.takeover import Copy, copies_page, take_over

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def ids_of(library: Library) -> dict[str, int]:
    return {track.title: track.id for track in list_tracks(library).items}


def gone(library: Library, *track_ids: int) -> SeenTracks:
    marked = SeenTracks()
    for track_id in track_ids:
        marked.add(track_id)
    mark_missing(library, track_ids)
    return marked


def test_each_track_that_has_gone_takes_one_newer_copy_that_nobody_has_used(
    library: Library, fill: Fill, probed: Probed
) -> None:
    for name in ("older", "old", "heard", "new", "newest"):
        fill([probed(name, content_id="same")])
    fill([probed("other")])
    ids = ids_of(library)
    record_heard(library, ids["heard"], 1.0, 100.0)
    marked = gone(library, ids["old"])
    copy = Copy(ids["new"], "/music/new", "/music")
    assert copies_page(library, marked, (), 0) == ([copy], None)
    assert copies_page(library, marked, {ids["new"]}, 0)[0] == [Copy(ids["newest"], "/music/newest", "/music")]
    assert copies_page(library, SeenTracks(), (), 0)[0] == [], "what went missing long ago is left as it is"
    assert take_over(library, [copy]) == 1
    assert pending_page(library, 0, 10)[0] == ["/music/new"]
    assert "new" not in ids_of(library)
    fill([probed("new", content_id="same")])
    after = {track.title: (track.id, track.missing) for track in list_tracks(library).items}
    assert after["new"] == (ids["old"], False)
    assert "old" not in after


def test_a_copy_that_is_used_meanwhile_stays(library: Library, fill: Fill, probed: Probed) -> None:
    for name in ("old", "new"):
        fill([probed(name, content_id="same")])
    ids = ids_of(library)
    [copy] = copies_page(library, gone(library, ids["old"]), (), 0)[0]
    set_rating(library, copy.track_id, 3)
    assert take_over(library, [copy]) == 0
    assert ids_of(library) == ids
