import os
from collections.abc import Callable
from pathlib import Path

import pytest

from auralis_trio.errors import InvalidRequest, NotFound
from auralis_trio.library import playlist_files
from auralis_trio.library.folders import add_folder
from auralis_trio.library.paging import Window
from auralis_trio.library.playlist_entries import list_entries
from auralis_trio.library.playlist_files import MAX_UNKNOWN_SHOWN, export_playlist, import_playlist
from auralis_trio.library.playlists import PlaylistText, create_playlist, get_playlist, list_playlists
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.smart import SmartRules
from auralis_trio.library.store import Library

Probed = Callable[..., ProbedFile]
Fill = Callable[..., None]

ROOTS = ["/music"]


@pytest.fixture
def tracks(library: Library, fill: Fill, probed: Probed) -> dict[str, int]:
    """Ids by the paths below /music; titles are the paths."""
    names = ["a/one.flac", "a/two.flac", "b/é.mp3", "b/#1.mp3", "three.wav"]
    fill([probed(name, artist="Nina" if name == "a/one.flac" else None) for name in names])
    return {track.title: track.id for track in list_tracks(library).items}


def imported(library: Library, data: bytes, folder: str | None = None, roots: list[str] = ROOTS) -> list[int]:
    report = import_playlist(library, "Mine", data, roots, folder)
    entries = list_entries(library, report.playlist_id, Window(500)).items
    assert report.added == len(entries)
    return [entry.track.id for entry in entries]


def test_what_was_exported_comes_back_in_the_same_order(library: Library, tracks: dict[str, int]) -> None:
    wanted = [*tracks.values(), tracks["a/one.flac"]]
    playlist_id = create_playlist(library, PlaylistText(name="Mine"), wanted)
    name, data = export_playlist(library, playlist_id, 0)
    assert name == "Mine"
    assert b"/music" not in data
    assert b"#EXTINF:1,Nina - a/one.flac\na/one.flac\n" in data
    assert imported(library, data) == wanted


def test_what_lies_at_the_same_place_in_several_folders_comes_back_as_it_was(
    library: Library, tracks: dict[str, int], fill: Fill, probed: Probed
) -> None:
    roots = ["/music", "/other", "/third/music"]
    for root in roots[1:]:
        add_folder(library, root, 2)
        fill(
            [probed("three.wav", path=f"{root}/three.wav", title=root), probed("x", path=f"{root}/x.wav", title="x")]
        )
    ids = {track.title: track.id for track in list_tracks(library, 50).items}
    wanted = [ids["/third/music"], ids["three.wav"], ids["/other"], ids["/other"]]
    playlist_id = create_playlist(library, PlaylistText(name="Mine"), wanted)
    _, data = export_playlist(library, playlist_id, 0)
    assert [line for line in data.splitlines() if b"third" in line or b"/" in line] == [
        b"#EXTINF:1,/third/music", b"#EXTINF:1,/other", b"#EXTINF:1,/other",
    ]  # fmt: skip
    assert imported(library, data, roots=roots) == wanted
    assert imported(library, data, roots=roots[::-1]) == wanted
    plain = b"\n".join(line for line in data.splitlines() if not line.startswith(b"#AURALIS"))
    assert imported(library, plain, roots=roots) == [ids["three.wav"]] * 4


def test_a_track_whose_file_has_given_its_name_to_another_is_left_out_of_an_export(
    library: Library, tracks: dict[str, int], fill: Fill, probed: Probed
) -> None:
    with library.writing() as entities:
        entities.Track[tracks["three.wav"]].path = b"/music/three.wav\x007"
    playlist_id = create_playlist(library, PlaylistText(name="Mine"), list(tracks.values()))
    _, data = export_playlist(library, playlist_id, 0)
    assert b"\0" not in data
    assert len(imported(library, data)) == len(tracks) - 1


def test_a_smart_playlist_is_exported_as_what_it_finds_now(library: Library, tracks: dict[str, int]) -> None:
    rules = SmartRules({"field": "title", "operator": "starts", "value": "a/"}, sort="-title", limit=1)
    playlist_id = create_playlist(library, PlaylistText(name="Mine", rules=rules))
    assert export_playlist(library, playlist_id, 0)[1].splitlines()[-1] == b"a/two.flac"


def test_an_unknown_playlist_is_not_exported(library: Library) -> None:
    with pytest.raises(NotFound):
        export_playlist(library, 7, 0)


@pytest.mark.parametrize(
    ("line", "folder", "found"),
    [
        ("a/one.flac", None, "a/one.flac"),
        ("./a/../a/one.flac", None, "a/one.flac"),
        ("/music/a/one.flac", None, "a/one.flac"),
        ("file:///music/b/%C3%A9.mp3", None, "b/é.mp3"),
        ("b\\e\u0301.mp3", None, "b/é.mp3"),
        ("one.flac", "a", "a/one.flac"),
        ("one.flac", "/music/a", "a/one.flac"),
        ("../three.wav", "a", "three.wav"),
        ("../b/../a/one.flac", "b/", "a/one.flac"),
    ],
)
def test_a_line_finds_its_track(
    library: Library, tracks: dict[str, int], line: str, folder: str | None, found: str
) -> None:
    assert imported(library, line.encode(), folder) == [tracks[found]]


@pytest.mark.parametrize(
    "line",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "../music/a/one.flac\0",
        "/musical/a/one.flac",
        "a/one",
        "A/ONE.FLAC",
        "http://radio.example/a/one.flac",
        "again.m3u",
        "x" * 10_000,
        "'; DROP TABLE track; --",
    ],
)
def test_a_line_that_names_no_track_is_reported_and_never_made_up(
    library: Library, tracks: dict[str, int], line: str
) -> None:
    report = import_playlist(library, "Mine", f"#EXTM3U\n{line}\nthree.wav\n".encode(), ROOTS)
    assert (report.added, report.unknown, report.unknown_entries[0].line) == (1, 1, 2)
    assert "/" not in (report.unknown_entries[0].name or "")
    with pytest.raises(InvalidRequest) as refused:
        import_playlist(library, "Mine", line.encode(), ROOTS)
    assert refused.value.code == "nothing_known"
    assert list_playlists(library, Window()).total == 1


def test_tracks_outside_of_the_folders_that_are_configured_are_not_found(
    library: Library, tracks: dict[str, int]
) -> None:
    assert imported(library, b"/music/a/one.flac\n/music/three.wav\none.flac", roots=["/music/a"]) == [
        tracks["a/one.flac"],
        tracks["a/one.flac"],
    ]


def test_a_root_is_known_by_the_name_of_a_link_to_it(
    library: Library, fill: Fill, probed: Probed, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to("/music")
    fill([probed("x.wav")])
    assert len(imported(library, f"{tmp_path}/link/x.wav\n".encode(), roots=[str(tmp_path / "link")])) == 1
    assert os.path.realpath(tmp_path / "link") == "/music"


@pytest.mark.parametrize("folder", ["..", "/etc", "a/../..", "\0", "x" * 5000])
def test_a_folder_outside_of_the_roots_is_refused(library: Library, tracks: dict[str, int], folder: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        import_playlist(library, "Mine", b"three.wav", ROOTS, folder)
    assert refused.value.code == "folder_not_allowed"


def test_a_list_of_thousands_is_looked_up_and_only_the_first_unknown_ones_are_named(
    library: Library, tracks: dict[str, int]
) -> None:
    report = import_playlist(library, "Mine", b"three.wav\nnothing.wav\n" * 1500, ROOTS)
    assert (report.added, report.unknown, len(report.unknown_entries)) == (1500, 1500, MAX_UNKNOWN_SHOWN)
    assert get_playlist(library, report.playlist_id).tracks == 1500


def test_a_list_with_too_many_entries_is_refused(
    library: Library, tracks: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlist_files, "MAX_ENTRIES", 10)
    assert len(imported(library, b"three.wav\n" * 10)) == 10
    with pytest.raises(InvalidRequest) as refused:
        import_playlist(library, "Mine", b"three.wav\n" * 11, ROOTS)
    assert refused.value.code == "playlist_full"


def test_the_same_relative_name_in_two_roots_is_that_of_the_first(
    library: Library, fill: Fill, probed: Probed
) -> None:
    fill([probed("a/x.wav"), probed("b/x.wav")])
    by_title = {track.title: track.id for track in list_tracks(library).items}
    assert imported(library, b"x.wav", roots=["/music/b", "/music/a"]) == [by_title["b/x.wav"]]


def test_a_name_that_is_no_text_goes_out_and_comes_back(library: Library, fill: Fill, probed: Probed) -> None:
    fill([probed(os.fsdecode(b"caf\xe9.mp3"), title="Café", content_id="one")])
    [track] = list_tracks(library).items
    playlist_id = create_playlist(library, PlaylistText(name="Mine"), [track.id])
    data = export_playlist(library, playlist_id, 0)[1]
    assert data.endswith(b"\ncaf\xe9.mp3\n")
    assert imported(library, data) == [track.id]
