"""Rules against a second reading of them, in Python over the same tracks."""

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auralis_trio.analysis import DIMENSIONS, Profile
from auralis_trio.errors import InvalidRequest
from auralis_trio.library.mastering_store import keep_failure, keep_profile
from auralis_trio.library.paging import Window
from auralis_trio.library.personal import record_heard, set_favorite, set_rating
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile, TrackRecord
from auralis_trio.library.rule_fields import FIELDS, MAX_DAYS, describe_fields
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.smart import (
    MAX_DEPTH,
    MAX_RULES,
    SmartRules,
    check_rules,
    evaluate,
    stored_rules,
    totals,
)
from auralis_trio.library.store import Library
from tests.library.test_queries import pages, statements

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]

DIMENSION_NAMES = {one.name for one in DIMENSIONS}
DAY_NS = 86_400_000_000_000
NOW_NS = 1_000 * DAY_NS

TITLES = ["Blue", "BLUE in Green", "Déjà vu", "100%", "a_b", "So! What", "Blues", "青い"]


def number_of(track: TrackRecord) -> int:
    """Which of the collection's tracks this is."""
    return track.id - 1


TAGS_OF: dict[str, Callable[[int], Any]] = {
    "artists": lambda number: () if number % 5 == 0 else (f"Ärtist {number % 4}", "Blue")[: 1 + number % 2],
    "album_artists": lambda number: () if number % 2 else ("Various", "Nina"),
    "genres": lambda number: () if number % 4 == 0 else (("Jazz",), ("jazz", "Soul"), ("Rock",))[number % 3],
    "composer": lambda number: None if number % 3 else "Blue, J. S.",
    "publisher": lambda number: "100% Jazz" if number % 2 else None,
    "copyright": lambda number: None,
    "comment": lambda number: ["a_b", "Déjà BLUE", None][number % 3],
    "lyrics": lambda number: "Blue\nmoon" if number % 7 == 0 else None,
    "bpm": lambda number: number or None,
    "track_total": lambda number: 3 if number % 2 else None,
    "disc_total": lambda number: number % 3 + 1,
    "compilation": lambda number: [True, False, None][number % 3],
    "date": lambda number: [None, "1994-03-01", "1994"][number % 3],
    "original_date": lambda number: "1959-08-17" if number % 4 else None,
    "title_sort": lambda number: "Ünder BLUE" if number % 2 else None,
    "artist_sort": lambda number: "ΣΙΓΟΥΡ Straße" if number % 3 else None,
    "album_sort": lambda number: None,
    "album_artist_sort": lambda number: "Blue,  Nina" if number % 5 else None,
    "composer_sort": lambda number: "ДЁЖА blue" if number % 6 else None,
    "musicbrainz_recording_id": lambda number: f"{number:08X}-jazz" if number % 2 else None,
    "musicbrainz_track_id": lambda number: None,
    "musicbrainz_album_id": lambda number: "b" * number or None,
    "musicbrainz_release_group_id": lambda number: None,
    "musicbrainz_artist_ids": lambda number: ("AAAA-1", "bbbb-2")[: len(TAGS_OF["artists"](number))],
    "musicbrainz_album_artist_ids": lambda number: (),
}

MEASURED: dict[str, Callable[[int], float | None]] = {
    "tempo_bpm": lambda number: None if number % 4 == 1 else 60.0 + number,
    "integrated_lufs": lambda number: -8.0 + number / 4,
}


def profile_of(number: int) -> Profile:
    return Profile(
        sample_rate=44_100,
        channels=2,
        total_frames=1,
        quick=False,
        values={one.name: MEASURED[one.name](number) if one.name in MEASURED else None for one in DIMENSIONS},
        reasons={},
        mid_db=(),
        side_db=(),
        source_sha256=None,
    )


@pytest.fixture
def collection(library: Library, fill: Fill, probed: Probed) -> list[TrackRecord]:
    """Tracks with ties, gaps and signs that mean something to SQL, in everything that a rule can ask."""
    fill(
        [
            probed(
                f"{number:02}",
                title=TITLES[number % len(TITLES)],
                artist=", ".join(TAGS_OF["artists"](number)) or None,
                album_artist=", ".join(TAGS_OF["album_artists"](number)) or None,
                album=None if number % 3 == 0 else f"Album {number % 7}",
                genre=", ".join(TAGS_OF["genres"](number)) or None,
                **{name: tag(number) for name, tag in TAGS_OF.items()},
                year=1988 + number % 6 if number % 4 else None,
                track_number=number % 8 or None,
                kind=["wav", "flac", "mp3"][number % 3],
                total_frames=None if number % 9 == 0 else 44_100 * (number % 6),
                replaygain_track_gain_db=None if number % 2 else -number / 4,
            )
            for number in range(30)
        ]
    )
    for number, track in enumerate(sorted(list_tracks(library).items, key=number_of)):
        set_favorite(library, track.id, number % 3 == 0)
        set_rating(library, track.id, number % 6 if number % 2 else None)
        for _ in range(number % 4):
            record_heard(library, track.id, 9.0, 9.0, now_ns=NOW_NS - number * DAY_NS)
        if number % 3:
            keep_profile(library, f"content of {number_of(track):02}", profile_of(number_of(track)), NOW_NS)
    keep_failure(library, "content of 00", "track_corrupt", NOW_NS)
    mark_missing(library, [track.id for track in list_tracks(library).items[::7]])
    return list(list_tracks(library).items)


VALUE_OF: dict[str, Callable[[TrackRecord], Any]] = {
    "added": lambda track: track.added_ns,
    "last_played": lambda track: track.last_played_ns,
    "size_bytes": lambda track: 1000,
    "artist": lambda track: TAGS_OF["artists"](number_of(track)) or None,
    "album_artist": lambda track: TAGS_OF["album_artists"](number_of(track)) or None,
    "genre": lambda track: TAGS_OF["genres"](number_of(track)) or None,
    "musicbrainz_artist_ids": lambda track: TAGS_OF["musicbrainz_artist_ids"](number_of(track)) or None,
    "musicbrainz_album_artist_ids": lambda track: None,
}


def day_ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


OPPOSITES = {"is_not": "is", "contains_not": "contains", "not_in_last_days": "in_last_days"}
COMPARISONS: dict[tuple[str, str], Callable[[Any, Any], bool]] = {
    ("text", "is"): operator.eq,
    ("text", "contains"): operator.contains,
    ("text", "starts"): str.startswith,
    ("text", "ends"): str.endswith,
    ("number", "is"): operator.eq,
    ("number", "at_least"): operator.ge,
    ("number", "at_most"): operator.le,
    ("number", "between"): lambda value, wanted: wanted[0] <= value <= wanted[1],
    ("date", "from"): lambda value, wanted: value >= day_ns(wanted),
    ("date", "before"): lambda value, wanted: value < day_ns(wanted),
    ("date", "between"): lambda value, wanted: day_ns(wanted[0]) <= value < day_ns(wanted[1]) + DAY_NS,
    ("date", "in_last_days"): lambda value, wanted: value >= NOW_NS - wanted * DAY_NS,
    ("flag", "is"): operator.eq,
    ("choice", "is"): operator.eq,
}


def value_of(track: TrackRecord, name: str) -> Any:
    if name in VALUE_OF:
        return VALUE_OF[name](track)
    if name in DIMENSION_NAMES:
        return MEASURED[name](number_of(track)) if name in MEASURED and number_of(track) % 3 else None
    return TAGS_OF[name](number_of(track)) if name in TAGS_OF else getattr(track, name)


def holds(track: TrackRecord, rule: dict[str, Any]) -> bool:
    """Whether a rule holds, by its words alone."""
    if "all" in rule:
        return all(holds(track, part) for part in rule["all"])
    if "any" in rule:
        return any(holds(track, part) for part in rule["any"])
    name, verb = rule["field"], rule["operator"]
    wanted: Any = rule.get("value")
    value: Any = value_of(track, name)
    if verb in {"known", "unknown"}:
        return bool((value is None) == (verb == "unknown"))
    if verb in OPPOSITES:
        return not holds(track, {**rule, "operator": OPPOSITES[verb]})
    if value is None:
        return False
    kind, compare = FIELDS[name].kind, COMPARISONS[FIELDS[name].kind, verb]
    if kind == "text":
        prepare = FIELDS[name].prepare
        texts = value if isinstance(value, tuple) else (value,)
        return any(compare(prepare(text), prepare(wanted)) for text in texts)
    return bool(compare(value, wanted))


numbers = st.integers(-8, 2000) | st.sampled_from([1, 2, 3, 70, -5, 1990, 44_100]) | st.floats(-10, 10)
texts = st.sampled_from(
    [
        "blue",
        "B",
        "%",
        "_",
        "!",
        "deja",
        "artist 1",
        "Album",
        "jazz",
        "JAZZ",
        "ock",
        "青",
        "'; --",
        "1994",
        "under",
        "ΣΊΓΟΥΡ",
        "STRASSE",
        "дежа",
        "nina",
        "blue moon",
    ]
)
days = st.sampled_from(["1970-01-01", "1972-08-30", "1972-09-15", "1972-09-27", "1999-12-31"])


def values_for(kind: str) -> st.SearchStrategy[Any]:
    strategies: dict[str, st.SearchStrategy[Any]] = {
        "none": st.none(),
        "text": texts,
        "number": numbers,
        "two numbers": st.lists(numbers, min_size=2, max_size=2),
        "day": days,
        "two days": st.lists(days, min_size=2, max_size=2),
        "days": st.integers(1, 30),
        "flag": st.booleans(),
        "choice": st.sampled_from(["wav", "flac", "mp3", "opus"]),
    }
    return strategies[kind]


def rule_for(choice: tuple[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    name, verb = choice
    value = values_for(FIELDS[name].operators[verb].value)
    return st.builds(lambda value: {"field": name, "operator": verb, "value": value}, value)


CHOICES = [(field.name, verb) for field in FIELDS.values() for verb in field.operators]
one_rule = st.sampled_from(CHOICES).flatmap(rule_for)
groups = st.sampled_from(["all", "any"])
trees = st.recursive(
    one_rule,
    lambda parts: st.builds(lambda name, rules: {name: rules}, groups, st.lists(parts, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(match=trees)
def test_the_database_finds_what_the_rules_say(
    library: Library, collection: list[TrackRecord], match: dict[str, Any]
) -> None:
    page = evaluate(library, SmartRules(match), Window(500), NOW_NS)
    assert {track.id for track in page.items} == {track.id for track in collection if holds(track, match)}
    assert page.total == len(page.items)


def test_every_field_and_operator_is_evaluated(library: Library, collection: list[TrackRecord]) -> None:
    for name, verb in CHOICES:
        match = {"field": name, "operator": verb, "value": SAMPLES[FIELDS[name].operators[verb].value]}
        found = {track.id for track in evaluate(library, SmartRules(match), Window(500), NOW_NS).items}
        assert found == {track.id for track in collection if holds(track, match)}, match


SAMPLES: dict[str, Any] = {
    "none": None,
    "text": "blue",
    "number": 2,
    "two numbers": [1, 3],
    "day": "1972-09-15",
    "two days": ["1972-09-10", "1972-09-20"],
    "days": 7,
    "flag": True,
    "choice": "flac",
}


def test_a_limit_takes_the_first_of_the_order_and_counts_them(
    library: Library, collection: list[TrackRecord]
) -> None:
    rules = SmartRules({"all": []}, sort="-plays", limit=7)
    together = list(pages(lambda limit, offset: evaluate(library, rules, Window(limit, offset), NOW_NS), 3))
    assert len(together) == 7
    assert min(track.play_count for track in together) >= 3
    assert evaluate(library, rules, Window(500), NOW_NS).total == 7
    assert evaluate(library, rules, Window(3, 9), NOW_NS).items == []
    assert totals(library, rules, NOW_NS)[0] == 7


def test_a_random_sort_follows_its_seed(library: Library, collection: list[TrackRecord]) -> None:
    def order(seed: int) -> list[int]:
        rules = SmartRules({"all": []}, sort="random", limit=10, seed=seed)
        return [track.id for track in evaluate(library, rules, Window(500), NOW_NS).items]

    assert order(1) == order(1) != order(2)


def test_a_length_is_only_given_where_that_of_every_track_is_known(
    library: Library, collection: list[TrackRecord]
) -> None:
    known = SmartRules({"field": "duration_s", "operator": "known"})
    lengths = [track.duration_s for track in collection if track.duration_s is not None]
    assert totals(library, known, NOW_NS) == (len(lengths), sum(lengths))
    assert totals(library, SmartRules({"all": []}), NOW_NS) == (len(collection), None)
    assert totals(library, SmartRules({"any": []}), NOW_NS) == (0, 0.0)


def test_what_is_stored_comes_back() -> None:
    rules = SmartRules({"any": [{"field": "title", "operator": "is", "value": "x"}]}, "-year", 5, 3)
    assert stored_rules(check_rules(rules)) == rules


def nested(depth: int) -> dict[str, Any]:
    return {"all": [nested(depth - 1)]} if depth > 1 else {"all": []}


def test_rules_are_taken_up_to_their_bounds() -> None:
    rule = {"field": "favorite", "operator": "is", "value": True}
    check_rules(SmartRules({"any": [rule] * (MAX_RULES - 1)}))
    check_rules(SmartRules(nested(MAX_DEPTH)))
    for match in ({"any": [rule] * MAX_RULES}, nested(MAX_DEPTH + 1)):
        with pytest.raises(InvalidRequest):
            check_rules(SmartRules(match))


@pytest.mark.parametrize(
    ("match", "place"),
    [
        ({}, "match: the field is one of"),
        ({"all": [], "any": []}, "match: a rule has field"),
        ({"all": {}}, "match.all: a group is a list"),
        ({"all": "x"}, "match.all: a group is a list"),
        ({"all": [{"any": [7]}]}, "match.all[0].any[0]: a rule is an object"),
        ({"field": "path", "operator": "is", "value": "x"}, "match: the field is one of"),
        ({"field": ["title"], "operator": "is", "value": "x"}, "match: the field is one of"),
        ({"field": "title", "operator": "like", "value": "x"}, "match: the operator for title is one of"),
        ({"field": "title", "operator": ["is"], "value": "x"}, "match: the operator for title is one of"),
        ({"field": "title", "operator": "unknown"}, "match: the operator for title"),
        ({"field": "title", "operator": "is", "value": "x", "more": 1}, "match: a rule has field"),
        ({"field": "title", "operator": "is", "value": ""}, "match: title is compared with a text"),
        ({"field": "title", "operator": "is", "value": "x" * 501}, "match: title is compared with a text"),
        ({"field": "title", "operator": "is", "value": 7}, "match: title is compared with a text"),
        ({"field": "year", "operator": "is", "value": "1990"}, "match: year is compared with a number"),
        ({"field": "year", "operator": "is", "value": True}, "match: year is compared with a number"),
        ({"field": "year", "operator": "is", "value": float("nan")}, "match: year is compared with a number"),
        ({"field": "year", "operator": "is", "value": 10**400}, "match: year is compared with a number"),
        ({"field": "year", "operator": "between", "value": [1]}, "match: year lies between two values"),
        ({"field": "year", "operator": "between", "value": "19"}, "match: year lies between two values"),
        ({"field": "year", "operator": "known", "value": 1}, "match: Whether year is known"),
        ({"field": "added", "operator": "from", "value": "yesterday"}, "match: added is compared with a day"),
        ({"field": "added", "operator": "from", "value": "9999-01-01"}, "match: added is compared with a day"),
        ({"field": "added", "operator": "from", "value": 7}, "match: added is compared with a day"),
        (
            {"field": "added", "operator": "in_last_days", "value": 0},
            "match: added is compared with a number of days",
        ),
        ({"field": "added", "operator": "in_last_days", "value": MAX_DAYS + 1}, "match: added is compared with a nu"),
        ({"field": "favorite", "operator": "is", "value": 1}, "match: favorite is true or false"),
        ({"field": "format", "operator": "is", "value": "midi"}, "match: format is one of"),
        ({"field": "format", "operator": "is", "value": []}, "match: format is one of"),
    ],
)
def test_rules_that_cannot_be_evaluated_are_refused_at_their_place(match: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_rules(SmartRules(match))
    assert refused.value.message.startswith(place)


def test_an_order_that_is_not_on_the_list_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        check_rules(SmartRules({"all": []}, sort="title; DROP TABLE track"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["all", "any", "field", "operator", "value"]), inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["all", "any", "field", "operator", "value"]), anything))
def test_whatever_is_given_is_stored_or_refused(match: dict[str, Any]) -> None:
    try:
        check_rules(SmartRules(match))
    except InvalidRequest:
        return


def test_the_description_names_every_field_with_what_it_can_be_asked() -> None:
    described = {field["name"]: field for field in describe_fields()}
    assert set(described) == set(FIELDS)
    assert {verb["name"] for verb in described["year"]["operators"]} >= {"between", "unknown"}
    assert described["duration_s"]["unit"] == "seconds"
    assert "flac" in described["format"]["choices"]
    msgspec.json.encode(describe_fields())


def test_every_field_of_a_track_that_can_be_compared_can_be_asked_for() -> None:
    left_out = {"id", "artist_id", "album_id", "total_frames", "artists", "genres"}  # a rule on artist asks each
    shown = {name.removesuffix("_ns") for name in TrackRecord.__struct_fields__} - left_out
    assert shown <= set(FIELDS)


def test_an_evaluation_takes_as_many_statements_for_one_track_as_for_many(
    library: Library, collection: list[TrackRecord]
) -> None:
    rules = SmartRules({"all": []})
    few = statements(library, lambda: evaluate(library, rules, Window(1), NOW_NS))
    assert statements(library, lambda: evaluate(library, rules, Window(500), NOW_NS)) == few <= 5
