import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.library.m3u import MAX_LINES, MAX_PATH_BYTES, M3uTrack, name_in, parse_m3u, spellings, write_m3u


def named(data: bytes) -> list[tuple[int, bytes | None]]:
    return [(entry.line, entry.path) for entry in parse_m3u(data)]


def test_lines_name_files_and_comments_do_not() -> None:
    data = b"#EXTM3U\n#EXTINF:12,A - B\nA/B.flac\n\n   \n  C.mp3\t\n"
    assert named(data) == [(3, b"A/B.flac"), (6, b"C.mp3")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_every_usual_way(end: bytes) -> None:
    assert named(end.join([b"a.mp3", b"b.mp3"])) == [(1, b"a.mp3"), (2, b"b.mp3")]


def test_marks_of_utf_8_and_utf_16_are_understood() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert named("Ä/é.mp3\n".encode(encoding)) == [(1, "Ä/é.mp3".encode())]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"file:///music/a%20b.mp3", b"/music/a b.mp3"),
        (b"FILE://localhost/music/%C3%A9.mp3", "/music/é.mp3".encode()),
        (b"file://elsewhere/a.mp3", None),
        (b"file:///a%00.mp3", None),
        (b"file://[/a.mp3", None),
        (b"http://radio.example/stream", None),
        (b"https://radio.example/a.mp3", None),
        (b"other.m3u", None),
        (b"sub/OTHER.M3U8", None),
        (b"file:///music/list.pls", None),
        (b"a\0b.mp3", None),
        (b"x" * MAX_PATH_BYTES, b"x" * MAX_PATH_BYTES),
        (b"x" * (MAX_PATH_BYTES + 1), None),
        (b"C:\\Music\\a.mp3", b"C:\\Music\\a.mp3"),
        (b"AC://DC.mp3", None),
    ],
)
def test_a_line_is_a_files_name_or_nothing(line: bytes, path: bytes | None) -> None:
    assert named(line) == [(1, path)]


def test_a_huge_list_is_read_up_to_its_bound() -> None:
    assert len(named(b"a\n" * (MAX_LINES + 1))) == MAX_LINES


@given(st.binary(max_size=2000))
def test_any_bytes_are_survived(data: bytes) -> None:
    for entry in parse_m3u(data):
        assert entry.path is None or spellings(entry.path)[0] == entry.path


def test_a_name_stands_for_its_spellings() -> None:
    joined, apart = unicodedata.normalize("NFC", "é").encode(), unicodedata.normalize("NFD", "é").encode()
    assert spellings(joined) == [joined, apart]
    assert spellings(apart) == [apart, joined]
    assert spellings(b"a\\b") == [b"a\\b", b"a/b"]
    assert spellings("é".encode("latin-1"))[:2] == ["é".encode("latin-1"), joined]
    assert spellings(b"a%20b%2Fc") == [b"a%20b%2Fc", b"a b/c"]
    assert spellings(b"%E9") == [b"%E9", "é".encode("latin-1"), joined, apart]
    assert spellings(b"100%") == [b"100%"]
    assert spellings(b"a%00b") == [b"a%00b"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"#EXTM3U\n#PLAYLIST: Mine \na.mp3\n", "Mine"),
        (b"#playlist:caf\xe9\r\n#PLAYLIST:other", "café"),
        ("#PLAYLIST:café".encode("utf-16"), "café"),
        (b"#PLAYLIST:\n#PLAYLISTS:x\na.mp3", None),
        (b"", None),
    ],
)
def test_a_list_may_say_its_name(data: bytes, name: str | None) -> None:
    assert name_in(data) == name


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)
paths = st.lists(names.filter(lambda name: "/" not in name), min_size=1, max_size=3).map("/".join)


@given(name=names, tracks=st.lists(st.tuples(paths, st.none() | st.floats(0, 1e6), st.none() | names, names)))
def test_what_is_written_names_the_same_files_when_it_is_read(
    name: str, tracks: list[tuple[str, float | None, str | None, str]]
) -> None:
    ready = [M3uTrack(path.encode(), *rest) for path, *rest in tracks if path.strip() == path]  # type: ignore[arg-type]
    ready = [track for track in ready if parse_m3u_path(track.path)]
    again = [entry.path for entry in parse_m3u(b"".join(write_m3u(name, ready)))]
    assert [path and path.removeprefix(b"./") for path in again] == [
        track.path.removeprefix(b"./") for track in ready
    ]


def parse_m3u_path(path: bytes) -> bool:
    """Whether a line can name this file at all: it may be called like a web address or a playlist."""
    return all(entry.path is not None for entry in parse_m3u(b"./" + path))


def test_titles_and_lengths_stand_before_the_path() -> None:
    tracks = [M3uTrack(b"a/b.mp3", 12.5, "Nina", "Live"), M3uTrack(b"#1.mp3", None, None, "One")]
    assert b"".join(write_m3u("Mine", tracks)).decode() == (
        "#EXTM3U\n#PLAYLIST:Mine\n#EXTINF:13,Nina - Live\na/b.mp3\n#EXTINF:-1,One\n./#1.mp3\n"
    )


def test_a_name_with_a_line_break_is_left_out_with_a_remark() -> None:
    data = b"".join(write_m3u("Mine", [M3uTrack(b"a\nb.mp3", 1.0, None, "One")]))
    assert named(data) == []
    assert b"left out" in data
