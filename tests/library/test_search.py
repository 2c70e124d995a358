import contextlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auralis_trio.errors import InvalidRequest
from auralis_trio.library import search as search_module
from auralis_trio.library.dialect import Dialect
from auralis_trio.library.queries import list_albums, list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.store import Library

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]


def titles(library: Library, search: str, **more: object) -> list[str]:
    page = list_tracks(library, 500, search=search, **more)  # type: ignore[arg-type]
    assert page.total == len(page.items)
    return [track.title for track in page.items]


@pytest.fixture
def songs(fill: Fill, probed: Probed) -> None:
    fill(
        [
            probed("Sinnerman", artist="Nina Simone", album="Pastel Blues", year=1965, genre="Jazz", kind="flac"),
            probed("Feeling Good", artist="Nina Simone", album="I Put a Spell on You", year=1965, genre="Jazz; Soul"),
            probed("Jóga", artist="Björk", album="Homogenic", year=1997, genre="Electronic", kind="mp3"),
            probed("Song for Nina", artist="Simone Dinnerstein", album="Live", genre="Classical"),
            probed("100% pure", lyrics="First line\nthe sinner sings\nlast"),
            probed("東京", artist="!!!"),
        ]
    )


@pytest.mark.usefixtures("songs")
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("BJORK", {"Jóga"}),
        ("joga", {"Jóga"}),
        ("Jóga björk", {"Jóga"}),
        ("ork", set()),
        ("nin", {"Sinnerman", "Feeling Good", "Song for Nina"}),
        ("ni", {"Sinnerman", "Feeling Good", "Song for Nina"}),
        ("n", set()),
        ('"nina simone"', {"Sinnerman", "Feeling Good"}),
        ('"simone nina"', set()),
        ('"nin simone"', set()),
        ("nina simone", {"Sinnerman", "Feeling Good", "Song for Nina"}),
        ("artist:nina", {"Sinnerman", "Feeling Good"}),
        ('artist:"nina simone" album:pastel', {"Sinnerman"}),
        ("title:nina", {"Song for Nina"}),
        ("album:live", {"Song for Nina"}),
        ("genre:soul", {"Feeling Good"}),
        ("lyrics:sinner", {"100% pure"}),
        ("sinner", {"Sinnerman", "100% pure"}),
        ('"line the sinner"', {"100% pure"}),
        ('"sinner the"', set()),
        ("the-sinn", {"100% pure"}),
        ('-"the sinner" -nina', {"Jóga", "東京"}),
        ("year:1965", {"Sinnerman", "Feeling Good"}),
        ("year:1960-1969 -genre:soul", {"Sinnerman"}),
        ("year:1990-", {"Jóga"}),
        ("-year:1965 -year:1997", {"Song for Nina", "100% pure", "東京"}),
        ("format:flac", {"Sinnerman"}),
        ("-format:wav", {"Sinnerman", "Jóga"}),
        ("-nina -sinner", {"Jóga", "東京"}),
        ("東", {"東京"}),
        ("京", {"東京"}),
        ("京東", set()),
        ("!!!", {"東京"}),
        ("100%", {"100% pure"}),
        ('"blues jazz"', set()),
        ("y1965", set()),
        ("fflac", set()),
        ("all", set()),
        ("'; DROP TABLE track; --", set()),
        ("OR", set()),
        ("NEAR(a b)", set()),
        ("{title}", set()),
    ],
)
def test_a_search_finds_what_is_asked_for(library: Library, search: str, found: set[str]) -> None:
    assert set(titles(library, search)) == found


@pytest.mark.parametrize("most", [0, 5_000], ids=["by_field", "ranked"])
def test_the_field_that_a_word_stands_in_makes_the_order(
    library: Library, fill: Fill, probed: Probed, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_RANKED", most)
    other = "other words to be as long as the rest"
    fill(
        [
            probed("lyrics", lyrics="moon"),
            probed("genre", genre="moon"),
            probed("album", album="moon"),
            probed("artist", artist="moon"),
            probed("moon"),
            probed("none", artist=other, album=other, genre=other),
        ]
    )
    assert titles(library, "moon") == ["moon", "artist", "album", "genre", "lyrics"]
    assert titles(library, "mo") == ["moon", "artist", "album", "genre"]
    assert titles(library, "mo", sort="title") == ["album", "artist", "genre", "moon"]
    assert titles(library, "moon", sort="-title") == ["moon", "lyrics", "genre", "artist", "album"]


@pytest.mark.usefixtures("songs")
@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("nina", ["I Put a Spell on You", "Live", "Pastel Blues"]),
        ("pastel", ["Pastel Blues"]),
        ("feeling", ["I Put a Spell on You"]),
        ("year:1965 -genre:soul", ["Pastel Blues"]),
        ("pure", []),
        ("no such words", []),
        (" ", ["Homogenic", "I Put a Spell on You", "Live", "Pastel Blues"]),
    ],
)
def test_an_album_is_found_by_its_tracks(library: Library, search: str, found: list[str]) -> None:
    page = list_albums(library, search=search)
    assert [album.title for album in page.items] == found
    assert page.total == len(found)


@pytest.mark.usefixtures("songs")
def test_the_albums_that_are_found_are_read_on_from_page_to_page(library: Library) -> None:
    first = list_albums(library, 2, sort="-title", search="nina")
    second = list_albums(library, 2, sort="-title", search="nina", cursor=first.next_cursor)
    assert [album.title for page in (first, second) for album in page.items] == [
        "Pastel Blues",
        "Live",
        "I Put a Spell on You",
    ]
    assert (first.total, second.total, second.next_cursor) == (3, 3, None)
    with pytest.raises(InvalidRequest):
        list_albums(library, 2, sort="-title", search="simone", cursor=first.next_cursor)


def test_short_beginnings_are_not_looked_for_in_lyrics_unless_these_are_named(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one", lyrics="the moonlight"), probed("moor")])
    assert titles(library, "moo") == ["moor"]
    assert titles(library, "moon") == ["one"]
    assert titles(library, "lyrics:mo") == ["one"]
    assert titles(library, "the") == ["one"]
    assert titles(library, "-moon") == ["moor"]


@pytest.mark.parametrize("most", [0, 5_000], ids=["by_field", "ranked"])
@pytest.mark.parametrize("sort", [None, "title", "-added"])
def test_pages_of_a_search_put_together_are_all_that_it_finds(
    library: Library, fill: Fill, probed: Probed, most: int, sort: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "MAX_RANKED", most)
    fields = ("title", "artist", "album", "genre", "lyrics")
    fill([probed(f"{n}", **{fields[n % 5]: f"moon {n % 3}", fields[n * 3 % 5]: "sun"}) for n in range(60)])
    whole = [track.id for track in list_tracks(library, 500, search="moon", sort=sort).items]
    assert len(whole) == len(set(whole)) > 40
    for limit in (1, 7, 45):
        pages = [list_tracks(library, limit, first, sort, "moon") for first in range(0, len(whole), limit)]
        assert [track.id for page in pages for track in page.items] == whole
        assert {page.total for page in pages} == {len(whole)}


def test_a_track_is_found_by_what_it_is_now_and_not_when_it_is_gone(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one", title="before", artist="Nina")])
    fill([probed("one", title="after", artist="Nina", size=1001)])
    assert (titles(library, "before"), titles(library, "after")) == ([], ["after"])
    with library.writing():
        library.db.execute("DELETE FROM track_artist")
        library.db.execute("DELETE FROM track")
    with library.reading():
        assert library.db.get("SELECT count(*) FROM track_search") == 0


def test_words_lie_apart_from_the_rows_that_postgresql_has_to_look_at(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("one")])
    if library.dialect is Dialect.POSTGRESQL:
        with library.reading():
            apart = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'track_search'"
            assert library.db.get(apart) > 0
    assert titles(library, "one") == ["one"]


def test_very_long_names_and_words_are_kept_and_found(library: Library, fill: Fill, probed: Probed) -> None:
    names = {name: f"{name} 🎵 <b>שלום</b> " + chr(0x4E00 + at) * 3_000 for at, name in enumerate(("Aa", "Bb", "Cc"))}
    fill(
        [probed(f"{n}", title=names["Aa"], artist=names["Bb"], album=names["Cc"], genre="x" * 10_000) for n in "123"]
    )
    fill([probed("4", title=names["Aa"] + "!", artist=names["Bb"] + "!", album=names["Cc"] + "!")])
    assert sorted(titles(library, "שלום 🎵")) == [names["Aa"], names["Aa"], names["Aa"], names["Aa"] + "!"]
    assert titles(library, "genre:xxxx") == [names["Aa"]] * 3
    artists = {track.artist_id for track in list_tracks(library).items}
    assert len(artists) == 2


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("हिन्", {"हिन्दी गीत"}),
        ("गीत", {"हिन्दी गीत", "गीता"}),
        ('"गीत"', {"हिन्दी गीत"}),
        ("title:गीता", {"गीता"}),
        ("गत", set()),
    ],
)
def test_words_whose_vowels_are_marks_are_found_whole_and_by_their_beginnings(
    library: Library, fill: Fill, probed: Probed, search: str, found: set[str]
) -> None:
    fill([probed(title) for title in ("हिन्दी गीत", "गीता", "गान")])
    assert {track.title for track in list_tracks(library, search=search).items} == found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.one_of(st.text(max_size=40), st.text("ab1 \"-:year'*()^\\é東!&|<~=", max_size=40)))
def test_any_search_is_answered_or_refused(library: Library, search: str) -> None:
    with contextlib.suppress(InvalidRequest):
        list_tracks(library, search=search)
