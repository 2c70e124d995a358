"""What headers alone tell of a file is what its decoder tells, however the file is damaged."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mutagen
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutagen.flac import Picture
from mutagen.id3 import TIT2

from auralis_trio.audio.formats import FORMATS
from auralis_trio.audio.source import AudioFormat
from auralis_trio.decoder import opus, vorbis
from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.mpeg import parse_frame
from auralis_trio.decoder.opening import ask_decoder, probe
from auralis_trio.decoder.probing import Probed, describe
from auralis_trio.decoder.regular_file import open_regular
from auralis_trio.decoder.sniff import map_file
from auralis_trio.errors import SourceError
from tests.decoder.conftest import Sounds
from tests.sound_files import can_hold, shortest

PLAIN = ["flac", "mp3", "vorbis", "opus", "m4a", "alac"]
SHAPES = [(1, 44_100, 1), (2, 48_000, 4_800), (2, 48_000, 100_000), (1, 8_000, 20_000), (6, 48_000, 20_000)]

Damage = Callable[[bytearray], None]


def look(path: str | Path, by_headers: bool) -> Probed | str:
    """What a file is taken for, or the code of the reason why it is not."""
    try:
        with open_regular(str(path)) as file:
            mapped = map_file(file)
            outline = mapped.outline if by_headers else None
            return describe(file, mapped, outline or ask_decoder(file, mapped))
    except SourceError as error:
        return error.code


def mapped_file(path: str | Path) -> FileMap:
    with open_regular(str(path)) as file:
        return map_file(file)


@pytest.mark.parametrize("kind", [row.name for row in FORMATS])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_of_any_kind_is_told_by_its_headers_as_its_decoder_tells_it(
    sounds: Sounds, kind: str, shape: tuple[int, int, int]
) -> None:
    channels, rate, frames = shape
    if can_hold(kind, channels, rate):
        path = sounds.path(kind, channels, rate, max(frames, shortest(kind, channels)))
        assert look(path, True) == look(path, False)


@pytest.mark.parametrize("kind", PLAIN)
def test_of_a_plain_file_no_decoder_is_asked(sounds: Sounds, kind: str) -> None:
    path = sounds.path(kind, 2, 48_000, 100_000)
    outline = mapped_file(path).outline
    assert outline is not None
    assert (outline.format.sample_rate, outline.format.channels, outline.total_frames) == (48_000, 2, 100_000)


def test_a_long_mp3_without_a_length_of_its_own_is_told_by_its_frames(sounds: Sounds, tmp_path: Path) -> None:
    data = Path(sounds.path("mp3", 2, 48_000, 400_000)).read_bytes()
    first = parse_frame(data[:4])
    assert first is not None
    path = tmp_path / "bare.mp3"
    path.write_bytes(data[first.bytes :])
    outline = mapped_file(path).outline
    assert look(path, True) == look(path, False)
    assert outline is not None
    assert outline.total_frames is None


@pytest.mark.parametrize("kind", ["vorbis", "opus"])
def test_an_ogg_stream_that_begins_late_or_is_not_whole_is_left_to_its_decoder(
    sounds: Sounds, kind: str, tmp_path: Path
) -> None:
    whole = sounds.path(kind, 2, 48_000, 100_000)
    data = Path(whole).read_bytes()
    start = mapped_file(whole).payload[0][0]
    second, last = data.find(b"OggS", start + 1), data.rfind(b"OggS")
    assert start < second < last
    for name, pieces in (("late", data[:start] + data[second:]), ("cut", data[:last]), ("more", data + bytes(9))):
        (tmp_path / name).write_bytes(pieces)
        assert mapped_file(tmp_path / name).outline is None
        assert look(tmp_path / name, True) == look(tmp_path / name, False)


@pytest.mark.parametrize("kind", ["vorbis", "opus", "flac"])
def test_comments_of_more_than_a_mebibyte_change_nothing_that_is_told(
    sounds: Sounds, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(Path(sounds.path(kind, 2, 48_000, 100_000)).read_bytes())
    before = look(path, True)
    file: Any = mutagen.File(path)
    file["description"] = "picture " * 200_000
    file.save()
    assert mapped_file(path).outline is None
    assert look(path, True) == look(path, False) == before


def test_metadata_that_a_decoder_stumbles_over_is_left_to_it(sounds: Sounds, tmp_path: Path) -> None:
    data = Path(sounds.path("flac", 2, 48_000, 4_800)).read_bytes()
    at = data.index(b"reference libFLAC")
    for number, length in enumerate((0, 0x7FFFFFFF)):
        path = tmp_path / str(number)
        path.write_bytes(data[: at - 4] + length.to_bytes(4, "little") + data[at:])
        assert mapped_file(path).outline is None
        assert look(path, True) == look(path, False)


# Where damage is done: near the beginning, anywhere, or near the end.
PLACES = st.tuples(st.sampled_from([64, 300, 5_000, None, -300]), st.floats(0, 1, exclude_max=True))
BYTES = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)


def _place(data: Sequence[int], place: tuple[int | None, float]) -> int:
    span, share = place
    if span is not None and span < 0:
        return max(0, len(data) - 1 - int(-span * share))
    return int(min(len(data), span or len(data)) * share)


@st.composite
def damages(draw: st.DrawFn) -> Damage:
    what = draw(st.sampled_from(["cut", "set", "set", "set", "flip", "delete", "insert", "zero", "append", "page"]))
    place, byte, length = draw(PLACES), draw(BYTES), draw(st.sampled_from([1, 2, 4, 16, 100, 4_096]))

    def damage(data: bytearray) -> None:
        at = _place(data, place)
        match what:
            case "cut":
                del data[at:]
            case "set":
                data[at : at + 1] = bytes([byte])
            case "flip":
                data[at : at + 1] = bytes(value ^ (1 << byte % 8) for value in data[at : at + 1])
            case "delete":
                del data[at : at + length]
            case "insert":
                data[at:at] = bytes([byte]) * length
            case "zero":
                data[at : at + 64] = bytes(len(data[at : at + 64]))
            case "append":
                data += bytes([byte]) * length
            case "page":
                begin = data.find(b"OggS", at)
                end = data.find(b"OggS", begin + 4)
                del data[begin if begin >= 0 else len(data) : end if end >= 0 else None]

    return damage


@pytest.fixture(scope="module")
def tagged(sounds: Sounds, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], bytes]:
    """Files of each kind: short and long ones, bare and with tags and a picture."""
    folder, made = tmp_path_factory.mktemp("tagged"), {}

    def make(kind: str, number: int) -> bytes:
        if (kind, number) not in made:
            path = folder / f"{kind}{number}"
            path.write_bytes(Path(sounds.path(kind, 2, 48_000, 30_000 if number % 2 else 1_500)).read_bytes())
            if number > 1:
                file: Any = mutagen.File(path)
                if kind == "mp3":
                    file.add_tags()
                    file.tags.add(TIT2(3, ["title " * 50]))  # type: ignore[no-untyped-call]
                elif kind in ("m4a", "alac"):
                    file["\xa9nam"] = "title " * 50
                else:
                    file["title"] = "title " * 50
                if kind == "flac":
                    picture = Picture()  # type: ignore[no-untyped-call]
                    picture.mime, picture.data = "image/png", bytes(500)
                    file.add_picture(picture)
                file.save()
            made[kind, number] = path.read_bytes()
        return made[kind, number]

    return make


@pytest.mark.parametrize("kind", PLAIN)
@given(number=st.integers(0, 3), done=st.lists(damages(), min_size=1, max_size=3))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_told_by_its_headers_as_its_decoder_tells_it(
    tmp_path: Path, tagged: Callable[[str, int], bytes], kind: str, number: int, done: list[Damage]
) -> None:
    data = bytearray(tagged(kind, number))
    for damage in done:
        damage(data)
    path = tmp_path / "damaged"
    path.write_bytes(data)
    assert look(path, True) == look(path, False)


# RFC 6716, table 2: what one frame lasts (ms) in each configuration.
SILK, HYBRID, CELT = [10, 20, 40, 60], [10, 20], [2.5, 5, 10, 20]
FRAME_MS = [*SILK * 3, *HYBRID * 2, *CELT * 4]


@pytest.mark.parametrize("configuration", range(32))
def test_an_opus_packet_says_how_long_it_is(configuration: int) -> None:
    frame = FRAME_MS[configuration] * 48
    one, two, other_two, several = (bytes([configuration << 3 | code, 2]) for code in range(4))
    assert [opus.frames_of([packet]) for packet in (one, two, other_two, several)] == [
        frame,
        *[2 * frame if 2 * frame <= 5760 else None] * 3,
    ]


def test_opus_packets_of_nothing_or_of_more_than_120_ms_are_broken() -> None:
    silk_20_ms = 1 << 3 | 3
    assert opus.frames_of([bytes([silk_20_ms, 6])]) == 5760
    for packet in (b"", bytes([silk_20_ms]), bytes([silk_20_ms, 0]), bytes([silk_20_ms, 7])):
        assert opus.frames_of([packet]) is None


def test_vorbis_packets_give_a_quarter_of_each_block_that_meets_another() -> None:
    stream = vorbis.VorbisStream(AudioFormat(44_100, 2, None), (256, 2048))
    short, long, header = b"\x00", b"\x02", b"\x01"
    assert vorbis.frames_of(stream, [long]) == 0
    assert vorbis.frames_of(stream, [short, short]) == 128
    assert vorbis.frames_of(stream, [long, short, long, long]) == 576 + 576 + 1024
    assert (vorbis.frames_of(stream, [header]), vorbis.frames_of(stream, [b""])) == (None, None)


def test_probing_by_path_is_probing_by_headers(sounds: Sounds) -> None:
    path = sounds.path("flac", 2, 48_000, 4_800)
    assert probe(path) == look(path, True)
