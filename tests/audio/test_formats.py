"""The table of formats, row against row; that each cell is true is shown in tests/decoder."""

import pytest

from auralis_trio.audio.formats import FORMATS, Access, Backend, format_named, format_of, scanned_suffixes


def test_every_format_has_a_name_and_a_first_suffix_of_its_own_except_the_two_in_mp4() -> None:
    assert len({row.name for row in FORMATS}) == len(FORMATS)
    own = [row.suffixes[0] for row in FORMATS]
    assert sorted(suffix for suffix in own if own.count(suffix) > 1) == [".m4a", ".m4a"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Artist/Album/01. A song.FLAC", "flac"),
        (".mp3", "mp3"),
        ("x.wav", "wav"),
        ("x.rf64", "rf64"),
        ("x.ogg", "vorbis"),
        ("x.oga", "ogg_flac"),
        ("x.opus", "opus"),
        ("x.m4a", "m4a"),
        ("x.mp4", "m4a"),
        ("x.wv", "wavpack"),
    ],
)
def test_a_name_leads_to_the_format_it_most_likely_is(name: str, expected: str) -> None:
    row = format_of(name)
    assert row is not None
    assert row.name == expected


@pytest.mark.parametrize("name", ["notes.txt", "noextension", "", "song.mp3.part", "folder.mp3/cover"])
def test_other_names_lead_nowhere(name: str) -> None:
    assert format_of(name) is None


def test_every_suffix_is_lower_case_dotted_and_scanned() -> None:
    suffixes = {suffix for row in FORMATS for suffix in row.suffixes}
    assert suffixes == scanned_suffixes()
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


def test_what_is_scanned_can_be_played_and_taken_as_an_upload() -> None:
    assert all(row.scan and row.play and row.upload for row in FORMATS)


def test_only_libsndfile_is_ever_trusted_with_a_seek() -> None:
    assert all(row.access is Access.CACHED for row in FORMATS if row.backend is Backend.AV)


def test_an_unknown_name_has_no_row() -> None:
    with pytest.raises(KeyError):
        format_named("mp5")
