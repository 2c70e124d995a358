from auralis_trio.library.contents import known_contents, tracks_of_contents
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.store import Library
from tests.library.conftest import Fill, Probed


def test_contents_are_found_by_what_tracks_have_also_where_these_are_missing(
    library: Library, probed: Probed, fill: Fill
) -> None:
    fill([probed("one"), probed("two"), probed("again", content_id="content of one")])
    mark_missing(library, [2])
    asked = ["content of one", "content of two", "content of three", ""]
    assert known_contents(library, asked) == {"content of one", "content of two"}
    assert tracks_of_contents(library, asked) == {"content of one": 1, "content of two": 2}


def test_no_content_is_known_of_none(library: Library) -> None:
    assert known_contents(library, []) == set()


def test_more_contents_than_one_query_takes_are_looked_up(library: Library, probed: Probed, fill: Fill) -> None:
    files = [probed(f"{number:04}") for number in range(700)]
    fill(files)
    contents = [file.content_id for file in files]
    assert known_contents(library, [*contents, "none"]) == set(contents)
