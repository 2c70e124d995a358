from pathlib import Path

import msgspec
import pytest

from auralis_trio.analysis import ANALYSIS_VERSION, Profile
from auralis_trio.errors import NotFound
from auralis_trio.library.mastering_store import (
    MAX_ALBUM_TRACKS,
    MAX_OF_EACH,
    album_files,
    count_unanalysed,
    get_profile,
    get_receipt,
    get_tuning,
    keep_failure,
    keep_of,
    keep_profile,
    keep_receipt,
    keep_tuning,
    next_unanalysed,
)
from auralis_trio.library.queries import get_track_file
from auralis_trio.library.scanner import mark_missing
from auralis_trio.library.settings import get_settings, keep_settings
from auralis_trio.library.store import Library, open_library
from auralis_trio.library.totals import statistics
from tests.library.conftest import Fill, Probed

PROFILE = Profile(
    sample_rate=44_100,
    channels=2,
    total_frames=1000,
    quick=False,
    values={"integrated_lufs": -17.25, "tempo_bpm": None},
    reasons={"tempo_bpm": "too short"},
    mid_db=(-30.0, None),
    side_db=(None, None),
    source_sha256="00ff",
)


def test_a_profile_comes_back_as_it_was_kept(library: Library) -> None:
    assert get_profile(library, "one") is None
    keep_profile(library, "one", PROFILE, 5)
    assert get_profile(library, "one") == PROFILE


def test_what_was_found_out_of_a_file_is_kept_only_while_the_library_knows_that_very_file(
    library: Library, probed: Probed, fill: Fill
) -> None:
    fill([probed("one", kind="mp3")])
    file = get_track_file(library, 1)
    fill([probed("one", kind="mp3", mtime_ns=3000)])  # replaced while it was analysed
    assert not keep_of(library, file, keep_profile, PROFILE, 5)
    assert not keep_of(library, file.at_rate(48_000), keep_tuning, "warm", "1")
    assert not keep_of(library, msgspec.structs.replace(file, track_id=9), keep_profile, PROFILE, 5)
    assert get_profile(library, file.content_id) is None
    file = get_track_file(library, 1)
    assert keep_of(library, file, keep_profile, PROFILE, 5)
    assert keep_of(library, file.at_rate(48_000), keep_tuning, "warm", "1")
    assert get_profile(library, file.content_id) == PROFILE
    assert get_tuning(library, f"{file.content_id}@48000", "warm") == "1"


def test_a_profile_of_another_version_is_as_good_as_none(library: Library) -> None:
    keep_profile(library, "one", PROFILE, 5)
    with library.writing():
        library.db.execute("UPDATE analysis SET version = version - 1")
    assert get_profile(library, "one") is None
    newer = msgspec.structs.replace(PROFILE, channels=1)
    keep_profile(library, "one", newer, 6)
    assert get_profile(library, "one") == newer


def test_a_rendition_that_was_measured_is_no_further_content_of_the_library(library: Library) -> None:
    for content in ("one", "one@48000"):
        keep_profile(library, content, PROFILE, 5)
    for content in ("two", "two@48000"):
        keep_failure(library, content, "track_corrupt", 5)
    assert statistics(library).analysed == 1


def unanalysed(library: Library) -> list[int]:
    found, after_id = [], 0
    while (file := next_unanalysed(library, after_id)) is not None:
        found.append(file.track_id)
        after_id = file.track_id
    return found


def test_what_is_still_to_be_analysed_is_neither_known_nor_failed_nor_gone(
    library: Library, probed: Probed, fill: Fill
) -> None:
    fill([probed(f"{number}.wav") for number in range(1, 6)] + [probed("copy.wav", content_id="content of 1.wav")])
    assert unanalysed(library) == [1, 2, 3, 4, 5, 6]
    assert count_unanalysed(library) == 5
    keep_profile(library, "content of 1.wav", PROFILE, 5)
    keep_failure(library, "content of 3.wav", "track_damaged", 5)
    mark_missing(library, [4])
    assert unanalysed(library) == [2, 5]
    assert count_unanalysed(library) == 2
    assert get_profile(library, "content of 3.wav") is None


def test_a_failure_of_an_older_version_is_tried_again(library: Library, probed: Probed, fill: Fill) -> None:
    fill([probed("one.wav")])
    keep_failure(library, "content of one.wav", "track_damaged", 5)
    with library.writing():
        library.db.execute("UPDATE analysis SET version = $version", {"version": ANALYSIS_VERSION - 1})
    assert unanalysed(library) == [1]


def test_an_album_has_its_tracks_in_order_without_those_that_are_gone(
    library: Library, probed: Probed, fill: Fill
) -> None:
    fill(
        [
            probed("b.wav", album="Album", disc_number=1, track_number=2),
            probed("a.wav", album="Album", disc_number=1, track_number=1),
            probed("c.wav", album="Album", disc_number=2, track_number=1),
            probed("d.wav", album="Album", disc_number=2, track_number=2),
            probed("else.wav", album="Another"),
            probed("single.wav"),
        ]
    )
    mark_missing(library, [3])
    assert [file.track_id for file in album_files(library, 1)] == [2, 1, 4]
    assert [file.track_id for file in album_files(library, 6)] == [6]
    with pytest.raises(NotFound):
        album_files(library, 99)


def test_of_an_album_without_end_only_one_more_than_the_bound_is_given(
    library: Library, probed: Probed, fill: Fill
) -> None:
    fill([probed(f"{number}.wav", album="Endless") for number in range(MAX_ALBUM_TRACKS + 5)])
    assert len(album_files(library, 1)) == MAX_ALBUM_TRACKS + 1


def test_tunings_belong_to_a_content_and_a_sound(library: Library) -> None:
    keep_tuning(library, "one", "warm", "1")
    keep_tuning(library, "one", "bright", "2")
    keep_tuning(library, "two", "warm", "3")
    keep_tuning(library, "one", "warm", "4")
    asked = [("one", "warm"), ("one", "bright"), ("two", "warm"), ("two", "bright")]
    assert [get_tuning(library, *each) for each in asked] == ["4", "2", "3", None]


def test_of_each_content_only_so_many_tunings_and_receipts_are_kept(library: Library) -> None:
    for number in range(MAX_OF_EACH + 3):
        keep_tuning(library, "one", f"sound {number}", "x")
        keep_receipt(library, "one", f"revision {number}", "x")
    keep_tuning(library, "two", "sound 0", "x")
    kept = [get_tuning(library, "one", f"sound {number}") for number in range(MAX_OF_EACH + 3)]
    assert kept == [None] * 3 + ["x"] * MAX_OF_EACH
    assert [get_receipt(library, f"revision {number}") for number in range(MAX_OF_EACH + 3)] == kept
    assert get_tuning(library, "two", "sound 0") == "x"


def test_a_receipt_of_a_revision_may_be_written_anew(library: Library) -> None:
    keep_receipt(library, "one", "revision", "old")
    keep_receipt(library, "one", "revision", "new")
    assert get_receipt(library, "revision") == "new"


def test_settings_last(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    assert get_settings(library) == {}
    keep_settings(library, {"preset": "warm", "intensity": 0.5})
    keep_settings(library, {"preset": None, "enabled": True})
    library.close()
    library = open_library(tmp_path)
    assert get_settings(library) == {"preset": None, "intensity": 0.5, "enabled": True}
    library.close()
