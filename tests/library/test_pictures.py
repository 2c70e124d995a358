# mypy: disable-error-code="no-untyped-call"

import base64
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mutagen
import mutagen.asf
import pytest
from mutagen.apev2 import APEValue
from mutagen.flac import Picture
from mutagen.id3 import APIC, PictureType
from mutagen.mp4 import MP4Cover

from auralis_trio.library.pictures import ALBUM_NAMES, MAX_PICTURE_BYTES, embedded_pictures, picture_files
from tests.library.test_tags import SUFFIXES, make_tagged, write_with_soundfile

BACK, FRONT = b"the back", b"the front"


def block(kind: int, data: bytes) -> Picture:
    picture = Picture()
    picture.type, picture.data, picture.mime = kind, data, "image/png"
    return picture


def in_id3(file: Any, kind: int, data: bytes) -> None:
    file.tags.add(APIC(encoding=3, mime="image/png", type=kind, desc=str(kind), data=data))


def in_vorbis(file: Any, kind: int, data: bytes) -> None:
    text = base64.b64encode(block(kind, data).write()).decode()
    file.tags["metadata_block_picture"] = [*file.tags.get("metadata_block_picture", []), text]


def in_mp4(file: Any, kind: int, data: bytes) -> None:
    file.tags["covr"] = [MP4Cover(data), *file.tags.get("covr", [])]


def in_asf(file: Any, kind: int, data: bytes) -> None:
    texts = "image/png\0".encode("utf-16-le") + "Ā description\0".encode("utf-16-le")
    value = struct.pack("<BI", kind, len(data)) + texts + data
    attribute = mutagen.asf.ASFByteArrayAttribute(value)  # type: ignore[attr-defined]
    file.tags["WM/Picture"] = [*file.tags.get("WM/Picture", []), attribute]


def in_ape(file: Any, kind: int, data: bytes) -> None:
    name = "Cover Art (Front)" if kind == PictureType.COVER_FRONT else "Cover Art (Back)"
    file.tags[name] = APEValue(b"cover.png\0" + data, 1)


WAYS: dict[str, Callable[[Any, int, bytes], None]] = {
    **dict.fromkeys((".mp3", ".wav", ".aiff", ".tta"), in_id3),
    **dict.fromkeys((".ogg", ".opus", ".oga"), in_vorbis),
    ".flac": lambda file, kind, data: file.add_picture(block(kind, data)),
    ".m4a": in_mp4,
    ".wma": in_asf,
    ".wv": in_ape,
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_front_cover_is_read_from_every_kind_of_tag(tmp_path: Path, suffix: str) -> None:
    path = str(tmp_path / f"file{suffix}")
    make_tagged(Path(path))
    assert embedded_pictures(path) == []
    file: Any = mutagen.File(path)
    WAYS[suffix](file, int(PictureType.COVER_BACK), BACK)
    file.save()
    assert embedded_pictures(path) == [BACK]
    file = mutagen.File(path)
    WAYS[suffix](file, int(PictureType.COVER_FRONT), FRONT)
    file.save()
    assert embedded_pictures(path) == [FRONT, BACK]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_damage_to_a_file_makes_looking_for_its_picture_fail(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"file{suffix}"
    make_tagged(path)
    file: Any = mutagen.File(str(path))
    WAYS[suffix](file, int(PictureType.COVER_FRONT), FRONT)
    file.save()
    data = path.read_bytes()
    for place in range(0, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:place] + b"\xff\x00\x7f" + data[place + 3 :])
        embedded_pictures(str(path))
        path.write_bytes(data[:place])
        embedded_pictures(str(path))


@pytest.mark.parametrize(("size", "found"), [(MAX_PICTURE_BYTES, FRONT), (MAX_PICTURE_BYTES + 1, BACK)])
def test_a_picture_beyond_the_bound_is_passed_over_for_another(tmp_path: Path, size: int, found: bytes) -> None:
    path = tmp_path / "file.wav"
    make_tagged(path)
    file: Any = mutagen.File(str(path))
    in_id3(file, int(PictureType.COVER_FRONT), FRONT.ljust(size))
    in_id3(file, int(PictureType.COVER_BACK), BACK)
    file.save()
    assert embedded_pictures(str(path))[0].rstrip() == found


@pytest.mark.parametrize("text", ["", "not base64 at all!", "AAAA", base64.b64encode(os.urandom(50)).decode()])
def test_a_text_that_is_no_picture_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file.ogg"
    make_tagged(path)
    file: Any = mutagen.File(str(path))
    file.tags["metadata_block_picture"] = [text]
    file.save()
    assert embedded_pictures(str(path)) == []


def test_pictures_come_in_the_order_of_their_names_whatever_the_case(tmp_path: Path) -> None:
    assert list(picture_files(str(tmp_path), ALBUM_NAMES)) == []
    for name in ("notes.txt", "back.jpg", "cover.txt", "mycover.jpg"):
        (tmp_path / name).write_bytes(b"other")
    assert list(picture_files(str(tmp_path), ALBUM_NAMES)) == []
    names = ["COVER.webp", "Folder.JPG", "folder.jpeg", "Front.PNG"]
    for name in reversed(names):
        (tmp_path / name).write_bytes(name.encode())
    assert list(picture_files(str(tmp_path), ALBUM_NAMES)) == [name.encode() for name in names]


def test_what_is_no_plain_file_of_some_bytes_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "cover.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "front.jpg").write_bytes(b"")
    os.mkfifo(tmp_path / "album.jpg")
    with open(tmp_path / "albumart.png", "wb") as file:
        file.truncate(MAX_PICTURE_BYTES + 1)
    assert list(picture_files(str(tmp_path), ALBUM_NAMES)) == []


def test_a_folder_that_is_not_there_has_no_picture(tmp_path: Path) -> None:
    assert list(picture_files(str(tmp_path / "nothing"), ALBUM_NAMES)) == []


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        embedded_pictures(str(tmp_path / "nothing.mp3"))


def test_a_file_without_tags_has_no_picture(tmp_path: Path) -> None:
    write_with_soundfile(tmp_path / "file.wav")
    assert embedded_pictures(str(tmp_path / "file.wav")) == []
