"""Which copies go, so that the tracks that they were copied from go on in their files."""

from collections.abc import Callable

import pytest

from auralis_trio.library import takeover
from auralis_trio.library.personal import record_heard, set_rating
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.scanner import mark_missing, pending_page
from auralis_trio.library.store import Library
from auralis_trio.library.takeover import Copy, copies_page, take_over

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def ids_of(library: Library) -> dict[str, int]:
    return {track.title: track.id for track in list_tracks(library).items}


def copies(library: Library, *spared: int) -> list[Copy]:
    found, after = copies_page(library, spared)
    assert after is None
    return found


def test_each_missing_track_takes_one_newer_copy_that_nobody_has_used(
    library: Library, fill: Fill, probed: Probed
) -> None:
    for name in ("older", "old", "heard", "new", "newest"):
        fill([probed(name, content_id="same")])
    fill([probed("other")])
    ids = ids_of(library)
    record_heard(library, ids["heard"], 1.0, 100.0)
    assert copies(library) == []
    mark_missing(library, [ids["old"]])
    copy = Copy(ids["new"], "/music/new", "/music", ids["old"])
    assert copies(library) == [copy]
    assert copies(library, ids["new"]) == [Copy(ids["newest"], "/music/newest", "/music", ids["old"])]
    assert take_over(library, [copy]) == 1
    assert pending_page(library, 0, 10)[0] == ["/music/new"]
    assert "new" not in ids_of(library)
    fill([probed("new", content_id="same")])
    after = {track.title: (track.id, track.missing) for track in list_tracks(library).items}
    assert after["new"] == (ids["old"], False)
    assert "old" not in after
    assert copies(library) == []


def test_a_track_that_means_something_takes_an_older_copy_too_and_before_one_that_means_nothing(
    library: Library, fill: Fill, probed: Probed
) -> None:
    for name in ("copy", "unused/a", "rated/b"):
        fill([probed(name, content_id="same")])
    ids = ids_of(library)
    set_rating(library, ids["rated/b"], 5)
    mark_missing(library, [ids["unused/a"]])
    assert copies(library) == [], "the only copy that means nothing is older"
    mark_missing(library, [ids["rated/b"]])
    [copy] = copies(library)
    assert (copy.track_id, copy.gone_id) == (ids["copy"], ids["rated/b"])
    assert take_over(library, [copy]) == 1
    fill([probed("copy", content_id="same")])
    after = {track.title: (track.id, track.missing) for track in list_tracks(library).items}
    assert (after["copy"], after["unused/a"]) == ((ids["rated/b"], False), (ids["unused/a"], True))


@pytest.mark.parametrize("change", ["copy is rated", "gone is back"])
def test_what_changes_meanwhile_stays(library: Library, fill: Fill, probed: Probed, change: str) -> None:
    for name in ("old", "new"):
        fill([probed(name, content_id="same")])
    ids = ids_of(library)
    mark_missing(library, [ids["old"]])
    [copy] = copies(library)
    if change == "copy is rated":
        set_rating(library, copy.track_id, 3)
    else:
        fill([probed("old", content_id="same")])
    assert take_over(library, [copy]) == 0
    assert ids_of(library) == ids


def test_pages_together_hold_all_copies_and_none_holds_more_than_its_bound(
    library: Library, fill: Fill, probed: Probed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "PAGE", 3)
    for name in ("gone", "copy"):
        fill([probed(f"{name} {at}", content_id=f"{at}") for at in range(7)])
    ids = ids_of(library)
    mark_missing(library, [ids[f"gone {at}"] for at in range(7)])
    found: list[Copy] = []
    page, after = copies_page(library, ())
    while after is not None:
        assert len(page) <= 3
        found += page
        page, after = copies_page(library, (), after)
    assert sorted(copy.track_id for copy in [*found, *page]) == [ids[f"copy {at}"] for at in range(7)]
