import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.flac import FLAC
from PIL import Image

from auralis_trio.work.thumbnails import (
    MAX_PIXELS,
    MAX_SIDE,
    SIZES,
    PictureRefused,
    check_picture,
    find_picture,
    make_thumbnail,
)
from tests.library.test_pictures import block
from tests.library.test_tags import write_with_soundfile

RED, BLUE = (200, 30, 30), (20, 20, 220)


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, RED if mode == "RGB" else 0).save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/gif")],
)
def test_a_picture_is_known_by_its_content(kind: str, media_type: str) -> None:
    facts = check_picture(picture(kind))
    assert (facts.media_type, facts.width, facts.height) == (media_type, 300, 200)
    assert facts.revision == check_picture(picture(kind)).revision
    assert facts.revision != check_picture(picture(kind, (301, 200))).revision


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "PDF", "EPS"])
def test_pictures_of_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(PictureRefused):
        check_picture(picture(kind, (64, 64)))


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture()[:60], picture("JPEG")[:300]],
)
def test_what_is_no_whole_picture_is_refused(data: bytes) -> None:
    for use in (check_picture, lambda data: make_thumbnail(data, 64)):
        with pytest.raises(PictureRefused):
            use(data)


@pytest.mark.parametrize(
    ("width", "height"),
    [(MAX_SIDE + 1, 8), (8, MAX_SIDE + 1), (10_000, MAX_PIXELS // 10_000 + 1), (2**31 - 1, 2**31 - 1)],
)
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(width: int, height: int) -> None:
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"not looked at") + chunk(b"IEND", b"")
    for use in (check_picture, lambda data: make_thumbnail(data, 64)):
        with pytest.raises(PictureRefused):
            use(data)


def test_an_inflated_text_beside_the_picture_is_refused() -> None:
    data = picture()
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9))
    with pytest.raises(PictureRefused):
        check_picture(data[:33] + text + data[33:])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(3000, 2000), (2000, 3000), (1500, 1500), (3000, 3)])
def test_a_thumbnail_has_the_longer_side_that_was_asked_for(size: int, shape: tuple[int, int]) -> None:
    small = opened(make_thumbnail(picture(size=shape), size))
    assert small.format == "JPEG"
    assert max(small.size) == size
    assert min(small.size) == max(1, round(min(shape) * size / max(shape)))


def test_a_small_picture_is_not_enlarged() -> None:
    assert opened(make_thumbnail(picture(size=(50, 40)), 256)).size == (50, 40)


def test_the_same_picture_gives_the_same_thumbnail() -> None:
    assert make_thumbnail(picture(), 128) == make_thumbnail(picture(), 128)


def test_what_is_transparent_lies_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(out, "PNG")
    assert opened(make_thumbnail(out.getvalue(), 64)).getpixel((30, 30)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_pictures_with_other_kinds_of_pixels_become_small_as_well(mode: str) -> None:
    assert opened(make_thumbnail(picture(mode=mode), 64)).mode == "RGB"


def test_a_picture_of_a_printer_becomes_small_as_well() -> None:
    assert opened(make_thumbnail(picture("JPEG", mode="CMYK"), 64)).mode == "RGB"


def test_a_picture_taken_sideways_is_put_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first row is the right side
    out = io.BytesIO()
    wide = Image.new("RGB", (400, 200), RED)
    wide.paste(BLUE, (0, 0, 200, 200))
    wide.save(out, "JPEG", exif=exif, quality=95)
    small = opened(make_thumbnail(out.getvalue(), 64))
    assert small.size == (32, 64)
    upper = small.getpixel((16, 10))
    assert isinstance(upper, tuple)
    assert upper[2] > 150 > upper[0]


def test_of_an_animation_the_first_picture_is_taken() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (80, 80), colour) for colour in (BLUE, RED)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    pixel = opened(make_thumbnail(out.getvalue(), 64)).getpixel((30, 30))
    assert isinstance(pixel, tuple)
    assert pixel[2] > pixel[0]


@given(st.data())
def test_no_damage_to_a_picture_does_more_than_have_it_refused(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([picture("JPEG"), picture(), picture("WEBP"), picture("GIF")]))
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.binary(min_size=1, max_size=20)) + whole[place + 1 :]
    for use in (check_picture, lambda damaged: make_thumbnail(damaged, 64)):
        try:
            use(damaged)
        except PictureRefused:
            continue


def test_a_refusal_survives_the_way_out_of_a_worker_process() -> None:
    refused = pickle.loads(pickle.dumps(PictureRefused()))
    assert (type(refused), refused.code, refused.status) == (PictureRefused, "picture_refused", 422)


def test_a_file_beside_the_music_comes_before_a_picture_in_it(tmp_path: Path) -> None:
    music = tmp_path / "one.flac"
    write_with_soundfile(music)
    flac = FLAC(music)  # type: ignore[no-untyped-call]
    flac.add_picture(block(3, picture("JPEG")))  # type: ignore[no-untyped-call]
    flac.save()
    gone = str(tmp_path / "gone.flac")
    found = find_picture([str(tmp_path)], ("cover",), [gone, str(music)])
    assert found is not None
    assert (found.source, found.facts.media_type, found.data) == ("embedded", "image/jpeg", picture("JPEG"))
    (tmp_path / "cover.png").write_bytes(b"damaged")
    assert find_picture([str(tmp_path)], ("cover",), [str(music)]) == found
    (tmp_path / "cover.png").write_bytes(picture())
    beside = find_picture([str(tmp_path)], ("cover",), [str(music)])
    assert beside is not None
    assert (beside.source, beside.data) == ("file", picture())
    assert find_picture([str(tmp_path / "none")], ("cover",), [gone]) is None


def test_a_damaged_picture_does_not_hide_one_that_can_be_shown(tmp_path: Path) -> None:
    music = tmp_path / "music.flac"
    write_with_soundfile(music)
    flac = FLAC(music)  # type: ignore[no-untyped-call]
    flac.add_picture(block(3, b"damaged"))  # type: ignore[no-untyped-call]
    flac.add_picture(block(4, picture("JPEG")))  # type: ignore[no-untyped-call]
    flac.save()
    (tmp_path / "cover.jpg").write_bytes(b"damaged")
    inside = find_picture([str(tmp_path)], ("cover", "front"), [str(music)])
    assert inside is not None
    assert (inside.source, inside.data) == ("embedded", picture("JPEG"))
    (tmp_path / "front.png").write_bytes(picture())
    beside = find_picture([str(tmp_path)], ("cover", "front"), [str(music)])
    assert beside is not None
    assert (beside.source, beside.data) == ("file", picture())
