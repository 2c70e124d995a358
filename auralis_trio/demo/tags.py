# mypy: disallow-untyped-calls=False
"""A piece's tags and its cover, put into the bytes of its file in the way that is customary for its format."""

import base64
from io import BytesIO
from typing import Any

from mutagen.aiff import AIFF
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, TALB, TCON, TDRC, TIT2, TPE1, TPE2, TRCK, Encoding, PictureType
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from auralis_trio.demo.cover import SIDE
from auralis_trio.demo.pieces import Format, Piece

_OPENERS: dict[Format, Any] = {
    Format.FLAC_16: FLAC,
    Format.FLAC_24: FLAC,
    Format.WAV_16: WAVE,
    Format.WAV_FLOAT: WAVE,
    Format.AIFF_16: AIFF,
    Format.MP3: MP3,
    Format.VORBIS: OggVorbis,
    Format.OPUS: OggOpus,
    Format.AAC: MP4,
}
_ELSEWHERE: dict[str, tuple[str, Any]] = {
    "TITLE": ("\xa9nam", TIT2),
    "ARTIST": ("\xa9ART", TPE1),
    "ALBUM": ("\xa9alb", TALB),
    "ALBUMARTIST": ("aART", TPE2),
    "DATE": ("\xa9day", TDRC),
    "GENRE": ("\xa9gen", TCON),
}
"""What a Vorbis comment is called in an M4A and in an ID3 tag."""


def tag_file(data: bytes, piece: Piece, cover: bytes | None) -> bytes:
    """`data` with the tags of `piece` and, if there is one, its JPEG `cover`."""
    if not piece.tagged:
        return data
    file = BytesIO(data)
    tagged = _OPENERS[piece.format](file)
    if isinstance(tagged, MP4):
        _fill_mp4(tagged, piece, cover)
    elif isinstance(tagged, FLAC | OggOpus | OggVorbis):
        _fill_comments(tagged, piece, cover)
    else:
        tagged.add_tags()
        _fill_id3(tagged.tags, piece, cover)
    file.seek(0)
    tagged.save(file)
    return file.getvalue()


def _comments(piece: Piece) -> dict[str, str]:
    """The piece's tags but its track number, by the names of Vorbis comments."""
    album = piece.album
    comments = {
        "TITLE": piece.title,
        "ARTIST": piece.artist,
        "ALBUM": album and album.title,
        "ALBUMARTIST": album and album.artist,
        "DATE": piece.year,
        "GENRE": piece.genre,
    }
    return {name: str(value) for name, value in comments.items() if value is not None}


def _fill_comments(file: Any, piece: Piece, cover: bytes | None) -> None:
    file.update(_comments(piece))
    if piece.album:
        file["TRACKNUMBER"], file["TRACKTOTAL"] = str(piece.track), str(piece.album.tracks)
    if cover:
        picture = Picture()
        picture.type, picture.mime, picture.data = PictureType.COVER_FRONT, "image/jpeg", cover
        picture.width, picture.height, picture.depth = SIDE, SIDE, 24
        if isinstance(file, FLAC):
            file.add_picture(picture)
        else:
            file["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture.write()).decode("ascii")


def _fill_mp4(file: Any, piece: Piece, cover: bytes | None) -> None:
    for name, text in _comments(piece).items():
        file[_ELSEWHERE[name][0]] = [text]
    if piece.album:
        file["trkn"] = [(piece.track, piece.album.tracks)]
    if cover:
        file["covr"] = [MP4Cover(cover, MP4Cover.FORMAT_JPEG)]


def _fill_id3(tags: Any, piece: Piece, cover: bytes | None) -> None:
    for name, text in _comments(piece).items():
        tags.add(_ELSEWHERE[name][1](encoding=Encoding.UTF8, text=text))
    if piece.album:
        tags.add(TRCK(encoding=Encoding.UTF8, text=f"{piece.track}/{piece.album.tracks}"))
    if cover:
        front = PictureType.COVER_FRONT
        tags.add(APIC(encoding=Encoding.UTF8, mime="image/jpeg", type=front, desc="", data=cover))
