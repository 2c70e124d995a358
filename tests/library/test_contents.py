from auralis_trio.library.contents import known_origins, tracks_at, tracks_of_content, tracks_of_origins
from auralis_trio.library.queries import get_track_file
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from tests.library.conftest import Fill, Probed


def test_each_track_has_an_origin_of_its_own_also_where_contents_are_the_same_and_files_missing(
    library: Library, probed: Probed, fill: Fill
) -> None:
    fill([probed("one"), probed("two"), probed("again", content_id="content of one")])
    mark_missing(library, [2])
    origins = {get_track_file(library, track_id).origin: track_id for track_id in (1, 2, 3)}
    assert len(origins) == 3
    others = ["content of one", "content of one.2.5000.1000.2000", "content of three.1.5000", "", "..", "a.b.c"]
    assert tracks_of_origins(library, [*origins, *others]) == origins
    assert known_origins(library, [*origins, *others]) == set(origins)


def test_no_origin_is_known_of_none(library: Library) -> None:
    assert known_origins(library, []) == set()


def test_more_origins_than_one_query_takes_are_looked_up(library: Library, probed: Probed, fill: Fill) -> None:
    fill([probed(f"{number:04}") for number in range(700)])
    origins = [get_track_file(library, track_id).origin for track_id in range(1, 701)]
    assert known_origins(library, [*origins, "none"]) == set(origins)


def test_tracks_are_found_by_content_and_by_path_unless_they_are_missing(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill(
        [
            probed(f"{name}.wav", content_id=content)
            for name, content in (("ä", "x"), ("b", "x"), ("c", "y"), ("d", "x"))
        ]
    )
    ids = tracks_at(library, [f"/music/{name}.wav" for name in "äbcd"])
    assert len(set(ids.values())) == 4
    mark_missing(library, [ids["/music/d.wav"]])
    assert tracks_of_content(library, "x") == [(ids[f"/music/{name}.wav"], f"/music/{name}.wav") for name in "äb"]
    assert tracks_of_content(library, "z") == []
    assert tracks_at(library, ["/music/d.wav", "/music/c.wav", "/nowhere"]) == {"/music/c.wav": ids["/music/c.wav"]}
    assert tracks_at(library, []) == {}
