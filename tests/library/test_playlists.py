from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from auralis_trio.errors import Conflict, InvalidRequest, NotFound
from auralis_trio.library import playlists
from auralis_trio.library.paging import Window
from auralis_trio.library.playlist_entries import (
    IN_ORDER,
    MAX_AT_ONCE,
    add_entries,
    clear_playlist,
    list_entries,
    move_entries,
    remove_entries,
)
from auralis_trio.library.playlists import (
    MAX_ENTRIES,
    MAX_NAME_CHARS,
    PLAYLIST_SORTS,
    PlaylistText,
    change_playlist,
    create_playlist,
    delete_playlist,
    get_playlist,
    list_playlists,
)
from auralis_trio.library.queries import TRACK_SORTS, list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.smart import SmartRules
from auralis_trio.library.store import Library
from tests.library.test_queries import pages, statements

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]

EVERYTHING = SmartRules({"all": []})


@pytest.fixture
def track_ids(library: Library, fill: Fill, probed: Probed) -> list[int]:
    fill([probed(f"{number}.wav", artist=f"Artist {number % 3}") for number in range(8)])
    return sorted(track.id for track in list_tracks(library).items)


def contents(library: Library, playlist_id: int) -> list[int]:
    """The tracks of a playlist, whose positions have no gaps."""
    page = list_entries(library, playlist_id, Window(500))
    assert [entry.position for entry in page.items] == list(range(page.total))
    return [entry.track.id for entry in page.items]


def entry_ids(library: Library, playlist_id: int) -> list[int]:
    return [entry.entry_id or 0 for entry in list_entries(library, playlist_id, Window(500)).items]


def made(library: Library, name: str = "Mine", tracks: list[int] | None = None, **values: Any) -> int:
    return create_playlist(library, PlaylistText(name=name, **values), tracks or [])


def test_a_playlist_is_made_with_its_tracks_in_order(library: Library, track_ids: list[int]) -> None:
    wanted = [track_ids[3], track_ids[0], track_ids[3]]
    playlist = get_playlist(library, made(library, "Für  Élise\n🎵 <b>", wanted, description="two\nlines"))
    assert (playlist.name, playlist.description, playlist.smart) == ("Für Élise 🎵 <b>", "two\nlines", False)
    assert (playlist.tracks, playlist.duration_s) == (3, 3.0)
    assert contents(library, playlist.id) == wanted
    assert len(set(entry_ids(library, playlist.id))) == 3


def test_a_playlist_with_an_unknown_track_is_not_made(library: Library, track_ids: list[int]) -> None:
    for unknown in (999, 0, -1, 2**31, 2**99):
        with pytest.raises(NotFound) as missing:
            made(library, tracks=[track_ids[0], unknown])
        assert missing.value.code == "track_not_found"
    assert list_playlists(library, Window()).total == 0


@pytest.mark.parametrize("name", ["", "   ", "\n\0", "x" * (MAX_NAME_CHARS + 1), None])
def test_a_playlist_needs_a_name_of_some_characters(library: Library, name: str | None) -> None:
    with pytest.raises(InvalidRequest):
        create_playlist(library, PlaylistText(name=name, description="x"))
    assert made(library, "x" * MAX_NAME_CHARS)


def test_a_playlist_is_renamed_and_described_anew(library: Library, track_ids: list[int]) -> None:
    playlist_id = made(library, "Old", track_ids[:2], description="Old words")
    before = get_playlist(library, playlist_id)
    change_playlist(library, playlist_id, PlaylistText(name="New"))
    after = get_playlist(library, playlist_id)
    assert (after.name, after.description, after.tracks) == ("New", "Old words", 2)
    assert after.updated_ns > before.updated_ns
    change_playlist(library, playlist_id, PlaylistText(description=""))
    assert get_playlist(library, playlist_id).description == ""
    with pytest.raises(InvalidRequest):
        change_playlist(library, playlist_id, PlaylistText())


def test_a_deleted_playlist_is_gone_and_its_tracks_stay(library: Library, track_ids: list[int]) -> None:
    one, other = made(library, "One", track_ids), made(library, "Other", track_ids[:1])
    delete_playlist(library, one)
    assert [playlist.id for playlist in list_playlists(library, Window()).items] == [other]
    assert contents(library, other) == track_ids[:1]
    assert list_tracks(library).total == len(track_ids)


@pytest.mark.parametrize("playlist_id", [-1, 0, 999, 2**31, 2**200])
def test_an_unknown_playlist_is_not_found_whatever_is_asked(
    library: Library, track_ids: list[int], playlist_id: int
) -> None:
    questions: list[Callable[[], object]] = [
        lambda: get_playlist(library, playlist_id),
        lambda: change_playlist(library, playlist_id, PlaylistText(name="x")),
        lambda: delete_playlist(library, playlist_id),
        lambda: list_entries(library, playlist_id, Window()),
        lambda: add_entries(library, playlist_id, track_ids),
        lambda: remove_entries(library, playlist_id, [1]),
        lambda: move_entries(library, playlist_id, [1], 0),
        lambda: clear_playlist(library, playlist_id),
    ]
    for question in questions:
        with pytest.raises(NotFound) as missing:
            question()
        assert missing.value.code == "playlist_not_found"


def test_an_entry_of_another_playlist_is_not_found_and_nothing_is_changed(
    library: Library, track_ids: list[int]
) -> None:
    one, other = made(library, "One", track_ids[:3]), made(library, "Other", track_ids[3:])
    foreign, own = entry_ids(library, other)[0], entry_ids(library, one)[0]
    for entries in ([own, foreign], [own, 999], [own, 0], [own, 2**99]):
        with pytest.raises(NotFound, match="no entry with this id"):
            remove_entries(library, one, entries)
        with pytest.raises(NotFound, match="no entry with this id"):
            move_entries(library, one, entries, 0)
    assert contents(library, one) == track_ids[:3]


def test_what_makes_no_sense_for_entries_is_refused(library: Library, track_ids: list[int]) -> None:
    playlist_id = made(library, tracks=track_ids[:3])
    first, second, third = entry_ids(library, playlist_id)
    wrong: list[Callable[[], object]] = [
        lambda: add_entries(library, playlist_id, []),
        lambda: add_entries(library, playlist_id, track_ids, 4),
        lambda: add_entries(library, playlist_id, track_ids, -1),
        lambda: add_entries(library, playlist_id, track_ids[:1] * (MAX_AT_ONCE + 1)),
        lambda: remove_entries(library, playlist_id, []),
        lambda: remove_entries(library, playlist_id, [first, first]),
        lambda: move_entries(library, playlist_id, [first], 3),
        lambda: move_entries(library, playlist_id, [first, second], 2),
        lambda: move_entries(library, playlist_id, [first], -1),
        lambda: list_entries(library, playlist_id, Window(), "path"),
    ]
    for change in wrong:
        with pytest.raises(InvalidRequest):
            change()
    assert entry_ids(library, playlist_id) == [first, second, third]


class PlaylistMachine(RuleBasedStateMachine):
    """Any sequence of changes to a playlist, beside the same changes to a list."""

    def __init__(self, library: Library, track_ids: list[int]) -> None:
        super().__init__()
        self.library, self.tracks = library, track_ids
        self.id, self.model = made(library), list[tuple[int, int]]()

    def chosen(self, data: st.DataObject) -> list[tuple[int, int]]:
        return data.draw(st.lists(st.sampled_from(self.model), min_size=1, max_size=4, unique=True))

    @rule(data=st.data())
    def add(self, data: st.DataObject) -> None:
        tracks = data.draw(st.lists(st.sampled_from(self.tracks), min_size=1, max_size=4))
        at = data.draw(st.none() | st.integers(0, len(self.model)))
        ids = add_entries(self.library, self.id, tracks, at)
        where = len(self.model) if at is None else at
        self.model[where:where] = zip(ids, tracks, strict=True)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        entries = self.chosen(data)
        remove_entries(self.library, self.id, [entry_id for entry_id, _ in entries])
        self.model = [entry for entry in self.model if entry not in entries]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        entries = self.chosen(data)
        rest = [entry for entry in self.model if entry not in entries]
        at = data.draw(st.integers(0, len(rest)))
        move_entries(self.library, self.id, [entry_id for entry_id, _ in entries], at)
        self.model = rest[:at] + entries + rest[at:]

    @rule()
    def clear(self) -> None:
        clear_playlist(self.library, self.id)
        self.model = []

    @invariant()
    def holds_what_the_list_holds(self) -> None:
        page = list_entries(self.library, self.id, Window(500))
        assert [(entry.entry_id, entry.track.id) for entry in page.items] == self.model
        assert [entry.position for entry in page.items] == list(range(len(self.model)))
        assert page.total == len(self.model)


def test_a_playlist_behaves_like_a_list_under_any_changes(library: Library, track_ids: list[int]) -> None:
    other = made(library, "Other", track_ids)

    class Machine(PlaylistMachine):
        def __init__(self) -> None:
            super().__init__(library, track_ids)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        ),
    )
    assert contents(library, other) == track_ids


def test_a_playlist_takes_so_many_entries_and_no_more(
    library: Library, track_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlists, "MAX_ENTRIES", 10)
    playlist_id = made(library, tracks=track_ids)
    add_entries(library, playlist_id, track_ids[:2])
    with pytest.raises(Conflict) as full:
        add_entries(library, playlist_id, track_ids[:1])
    assert full.value.code == "playlist_full"
    with pytest.raises(Conflict):
        made(library, tracks=track_ids * 2)
    assert contents(library, playlist_id) == track_ids + track_ids[:2]


def test_a_full_playlist_is_changed_in_one_go(library: Library, track_ids: list[int]) -> None:
    playlist_id = made(library, tracks=track_ids[:1] * (MAX_ENTRIES - 1))
    [entry_id] = add_entries(library, playlist_id, track_ids[1:2], 0)
    move_entries(library, playlist_id, [entry_id], MAX_ENTRIES - 1)
    [last] = list_entries(library, playlist_id, Window(1, MAX_ENTRIES - 1)).items
    assert (last.entry_id, last.position) == (entry_id, MAX_ENTRIES - 1)


def test_there_are_so_many_playlists_and_no_more(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playlists, "MAX_PLAYLISTS", 2)
    made(library)
    made(library)
    with pytest.raises(Conflict) as full:
        made(library)
    assert full.value.code == "too_many_playlists"


@pytest.mark.parametrize("sort", [way + name for name in PLAYLIST_SORTS for way in ("", "-")])
def test_pages_of_playlists_put_together_are_the_whole_in_every_order(library: Library, sort: str) -> None:
    for number in range(12):
        made(library, f"List {number % 4}")
    together = list(pages(lambda limit, offset: list_playlists(library, Window(limit, offset), sort), 5))
    assert together == list_playlists(library, Window(500), sort).items
    assert len({playlist.id for playlist in together}) == 12


@pytest.mark.parametrize("sort", [IN_ORDER, *(way + name for name in TRACK_SORTS for way in ("", "-"))])
def test_pages_of_entries_put_together_are_the_whole_in_every_order(
    library: Library, track_ids: list[int], sort: str
) -> None:
    playlist_id = made(library, tracks=track_ids * 3)
    together = list(pages(lambda limit, offset: list_entries(library, playlist_id, Window(limit, offset), sort), 5))
    assert together == list_entries(library, playlist_id, Window(500), sort).items
    assert len({entry.entry_id for entry in together}) == 24


def test_a_smart_playlist_shows_what_its_rules_find(library: Library, track_ids: list[int]) -> None:
    rules = SmartRules({"field": "artist", "operator": "is", "value": "ARTIST 1"}, sort="title")
    playlist_id = made(library, rules=rules)
    playlist = get_playlist(library, playlist_id)
    assert (playlist.smart, playlist.rules, playlist.tracks, playlist.duration_s) == (True, rules, 3, 3.0)
    page = list_entries(library, playlist_id, Window(2, 1))
    assert [(entry.entry_id, entry.position, entry.track.title) for entry in page.items] == [
        (None, 1, "4.wav"),
        (None, 2, "7.wav"),
    ]
    assert page.total == 3
    change_playlist(library, playlist_id, PlaylistText(rules=EVERYTHING))
    assert get_playlist(library, playlist_id).tracks == 8


def test_a_smart_playlist_is_changed_by_its_rules_alone(library: Library, track_ids: list[int]) -> None:
    smart, plain = made(library, rules=EVERYTHING), made(library)
    changes: list[Callable[[], object]] = [
        lambda: add_entries(library, smart, track_ids),
        lambda: remove_entries(library, smart, [1]),
        lambda: move_entries(library, smart, [1], 0),
        lambda: clear_playlist(library, smart),
        lambda: change_playlist(library, plain, PlaylistText(rules=EVERYTHING)),
    ]
    for change in changes:
        with pytest.raises(Conflict):
            change()
    with pytest.raises(InvalidRequest):
        made(library, tracks=track_ids, rules=EVERYTHING)
    with pytest.raises(InvalidRequest):
        list_entries(library, smart, Window(), "title")


def test_rules_that_cannot_be_evaluated_are_not_saved(library: Library) -> None:
    bad = SmartRules({"field": "path", "operator": "is", "value": "x"})
    with pytest.raises(InvalidRequest):
        made(library, rules=bad)
    playlist_id = made(library, rules=EVERYTHING)
    with pytest.raises(InvalidRequest):
        change_playlist(library, playlist_id, PlaylistText(rules=bad))
    assert get_playlist(library, playlist_id).rules == EVERYTHING


def test_a_playlist_takes_as_many_statements_for_one_entry_as_for_many(
    library: Library, track_ids: list[int]
) -> None:
    few, many = made(library, tracks=track_ids[:1]), made(library, tracks=track_ids * 5)
    smart = made(library, rules=EVERYTHING)

    def of_entries(playlist_id: int, limit: int) -> int:
        return statements(library, lambda: list_entries(library, playlist_id, Window(limit)))

    assert of_entries(few, 1) == of_entries(many, 500)
    assert of_entries(smart, 1) == of_entries(smart, 500)
    one = statements(library, lambda: list_playlists(library, Window(1)))
    assert statements(library, lambda: list_playlists(library, Window(500))) == one
