# mypy: disable-error-code="no-untyped-call"

from pathlib import Path
from typing import Any

import msgspec
import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.id3 import COMM, ID3, TRCK, TXXX

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.tag_changes import check_changes, describe_fields
from auralis_trio.library.tag_fields import EDITABLE
from auralis_trio.library.tag_writer import write_tags
from auralis_trio.library.tags import read_tags
from tests.library.test_tags import SUFFIXES, make_tagged, write_with_av, write_with_soundfile

ODD = "<b>&amp; \u202e\u05e9\u05dc\u05d5\u05dd\u202c \U0001f469\u200d\U0001f3a4 Così"

EVERYTHING: dict[str, Any] = {
    "title": ODD,
    "artist": "Nina with Bob",
    "artists": ["Nina", "AC/DC", ODD],
    "album": "Live",
    "album_artist": "Various",
    "album_artists": ["Some; body", "Bob"],
    "track_number": 7,
    "track_total": 21,
    "disc_number": 3,
    "disc_total": 4,
    "date": "2001-02-28",
    "original_date": "1964-05",
    "genres": ["Jazz", "Soul"],
    "composer": "A composer",
    "publisher": "A label",
    "bpm": 128,
    "comment": "first line\nsecond line",
    "lyrics": "la\n\n  la\nla",
    "copyright": "© 2001",
    "compilation": True,
    "title_sort": "t",
    "artist_sort": "Simone, Nina",
    "album_sort": "l",
    "album_artist_sort": "v",
    "composer_sort": "c",
    "musicbrainz_recording_id": "0b0b9d8c-0000-4000-8000-000000000001",
    "musicbrainz_track_id": "0b0b9d8c-0000-4000-8000-000000000002",
    "musicbrainz_album_id": "0b0b9d8c-0000-4000-8000-000000000003",
    "musicbrainz_release_group_id": "0b0b9d8c-0000-4000-8000-000000000004",
    "musicbrainz_artist_ids": ["0b0b9d8c-0000-4000-8000-000000000005", "0b0b9d8c-0000-4000-8000-000000000006"],
    "musicbrainz_album_artist_ids": ["0b0b9d8c-0000-4000-8000-000000000007"],
}


def read(path: Path) -> dict[str, Any]:
    return msgspec.structs.asdict(read_tags(str(path)))


def write_untagged(path: Path) -> None:
    encoders = {
        ".m4a": ("aac", "ipod"),
        ".wma": ("wmav2", "asf"),
        ".wv": ("wavpack", "wv"),
        ".tta": ("tta", "tta"),
        ".oga": ("flac", "ogg"),
    }
    if path.suffix in encoders:
        write_with_av(path, *encoders[path.suffix])
    else:
        write_with_soundfile(path)


def as_read(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("tagged", [False, True], ids=["without_tags", "over_other_tags"])
def test_every_field_comes_out_of_every_kind_of_file_as_it_went_in(tmp_path: Path, suffix: str, tagged: bool) -> None:
    path = tmp_path / f"file{suffix}"
    (make_tagged if tagged else write_untagged)(path)
    write_tags(str(path), check_changes(EVERYTHING))
    found = read(path)
    assert {name: found[name] for name in EVERYTHING} == {name: as_read(value) for name, value in EVERYTHING.items()}
    assert (found["year"], found["genre"]) == (2001, "Jazz, Soul")


def test_the_round_trip_knows_every_field_that_can_be_edited() -> None:
    assert EVERYTHING.keys() | {"year", "genre"} == EDITABLE.keys()
    assert [field["name"] for field in describe_fields()] == list(EDITABLE)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_field_can_be_taken_away_and_what_was_not_named_stays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    make_tagged(path)
    write_tags(str(path), check_changes(EVERYTHING))
    names = [name for name in EVERYTHING if name not in ("album", "disc_total")]
    write_tags(str(path), check_changes(dict.fromkeys(names)))
    found = read(path)
    gone = {name: found[name] for name in names if found[name] not in (None, ())}
    assert gone == {"title": "file"}
    assert (found["album"], found["disc_total"]) == ("Live", 4)
    assert (found["replaygain_track_gain_db"], found["r128_album_gain_lu"]) == (-6.54, 0.25)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("asked", [{"year": 1971, "genre": "Blues"}, {"track_number": 5}, {"track_total": 9}])
def test_one_half_of_a_pair_and_the_other_forms_of_a_field_can_be_written_alone(
    tmp_path: Path, suffix: str, asked: dict[str, Any]
) -> None:
    path = tmp_path / f"file{suffix}"
    make_tagged(path)
    write_tags(str(path), check_changes(asked))
    assert {name: read(path)[name] for name in ("track_number", "track_total", "year", "genre")} == {
        "track_number": 3,
        "track_total": 12,
        "year": 1999,
        "genre": "Jazz, Soul",
        **asked,
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_text_of_ten_kilobytes_comes_out_as_it_went_in(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    write_untagged(path)
    asked = {"title": "ж" * 5_120, "artist": "x" * 10_240, "lyrics": "la la\n" * 4_000 + "end"}
    write_tags(str(path), check_changes(asked))
    assert {name: read(path)[name] for name in asked} == asked


def test_a_new_display_name_takes_the_place_of_the_names_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "file.flac"
    write_untagged(path)
    write_tags(str(path), check_changes({"artists": ["Nina", "Bob"]}))
    assert (read(path)["artist"], read(path)["artists"]) == ("Nina, Bob", ("Nina", "Bob"))
    write_tags(str(path), check_changes({"artist": "Eve feat. Ann"}))
    assert (read(path)["artist"], read(path)["artists"]) == ("Eve feat. Ann", ("Eve", "Ann"))


def test_what_other_programs_wrote_into_a_tag_stays(tmp_path: Path) -> None:
    path = tmp_path / "file.mp3"
    write_untagged(path)
    tags = ID3()
    for frame in (COMM(3, "eng", "iTunNORM", ["0000"]), TXXX(3, "own", ["x"]), TRCK(3, ["A1"])):
        tags.add(frame)
    tags.save(str(path))
    write_tags(str(path), check_changes({"comment": "mine", "title": "t"}))
    after = ID3(str(path))
    assert (str(after["COMM:iTunNORM:eng"]), str(after["TXXX:own"]), str(after["TRCK"])) == ("0000", "x", "A1")
    assert read(path)["comment"] == "mine"


def test_a_value_that_a_kind_of_tag_does_not_keep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.mp3"
    write_untagged(path)
    with pytest.raises(InvalidRequest) as refused:
        write_tags(str(path), check_changes({"genre": "(17)"}))  # which ID3 takes for Rock
    assert refused.value.code == "tag_not_kept"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"path": "/etc/passwd"},
        {"id": 1},
        {"replaygain_track_gain_db": 1.0},
        {"title": "a\0b"},
        {"title": "\ud800"},
        {"title": 5},
        {"title": "x" * 16_385},
        {"lyrics": "x" * 65_537},
        {"artists": "Nina"},
        {"artists": ["x"] * 257},
        {"artists": [1]},
        {"track_number": 0},
        {"track_number": 100_000},
        {"track_number": True},
        {"track_number": "3"},
        {"bpm": 1000},
        {"year": 10_000},
        {"date": "2001-02-29"},
        {"date": "99"},
        {"date": "\uff12\uff10\uff10\uff11"},
        {"compilation": 1},
        {"year": 1999, "date": "1999"},
        {"genre": "a", "genres": ["b"]},
    ],
)
def test_what_does_not_fit_its_field_is_refused_before_a_file_is_opened(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        check_changes(asked)


@given(st.dictionaries(st.sampled_from(["title", "comment", "artists", "date", "bpm"]), st.text() | st.integers()))
def test_whatever_is_asked_is_either_refused_or_writable(asked: dict[str, Any]) -> None:
    try:
        changes = check_changes(asked)
    except InvalidRequest:
        return
    assert changes
    assert all(value is None or value for value in changes.values())


def test_mutagen_agrees_that_the_files_are_whole_after_writing(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / f"file{suffix}"
        write_untagged(path)
        before = mutagen.File(str(path)).info.length
        write_tags(str(path), check_changes(EVERYTHING))
        assert mutagen.File(str(path)).info.length == pytest.approx(before, abs=0.001)


@pytest.mark.parametrize(
    ("suffix", "asked"),
    [
        (".m4a", {"title": "fits", "track_number": 99_999}),
        (".m4a", {"title": "fits", "disc_total": 65_536}),
        (".mp3", {"title": "fits", "musicbrainz_recording_id": "é"}),
    ],
)
def test_a_value_that_a_kind_of_tag_cannot_hold_is_refused_by_the_name_of_its_field(
    tmp_path: Path, suffix: str, asked: dict[str, Any]
) -> None:
    path = tmp_path / f"file{suffix}"
    write_untagged(path)
    with pytest.raises(InvalidRequest) as refused:
        write_tags(str(path), check_changes(asked))
    assert refused.value.code == "tag_not_kept"
    assert list(asked)[1] in str(refused.value)
