"""A piece's tags and its cover, put into the bytes of its file in the way that is customary for its format."""

import base64
from io import BytesIO

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


def tag_file(data: bytes, piece: Piece, cover: bytes | None) -> bytes:
    """`data` with the tags of `piece` and, if there is one, its JPEG `cover`."""
    if not piece.tagged:
        return data
    file = BytesIO(data)
    match piece.format:
        case Format.FLAC_16 | Format.FLAC_24:
            _tag_flac(file, piece, cover)
        case Format.VORBIS | Format.OPUS:
            _tag_ogg(file, piece, cover)
        case Format.AAC:
            _tag_mp4(file, piece, cover)
        case _:
            _tag_id3(file, piece, cover)
    return file.getvalue()


def _comments(piece: Piece) -> dict[str, str]:
    """The piece's Vorbis comments."""
    album = piece.album
    comments = {
        "TITLE": piece.title,
        "ARTIST": piece.artist,
        "ALBUM": album and album.title,
        "ALBUMARTIST": album and album.artist,
        "TRACKNUMBER": piece.track,
        "TRACKTOTAL": album and album.tracks,
        "DATE": piece.year,
        "GENRE": piece.genre,
    }
    return {name: str(value) for name, value in comments.items() if value is not None}


def _picture(cover: bytes) -> Picture:
    picture = Picture()
    picture.type, picture.mime, picture.data = PictureType.COVER_FRONT, "image/jpeg", cover
    picture.width = picture.height = SIDE
    picture.depth = 24
    return picture


def _tag_flac(file: BytesIO, piece: Piece, cover: bytes | None) -> None:
    flac = FLAC(file)
    flac.update(_comments(piece))
    if cover:
        flac.add_picture(_picture(cover))
    file.seek(0)
    flac.save(file)


def _tag_ogg(file: BytesIO, piece: Piece, cover: bytes | None) -> None:
    ogg = (OggOpus if piece.format is Format.OPUS else OggVorbis)(file)
    ogg.update(_comments(piece))
    if cover:
        ogg["METADATA_BLOCK_PICTURE"] = base64.b64encode(_picture(cover).write()).decode("ascii")
    file.seek(0)
    ogg.save(file)


def _tag_mp4(file: BytesIO, piece: Piece, cover: bytes | None) -> None:
    mp4 = MP4(file)
    names = {"TITLE": "\xa9nam", "ARTIST": "\xa9ART", "ALBUM": "\xa9alb", "ALBUMARTIST": "aART", "DATE": "\xa9day"}
    names["GENRE"] = "\xa9gen"
    comments = _comments(piece)
    mp4.update({atom: [comments[name]] for name, atom in names.items() if name in comments})
    if piece.album and piece.track:
        mp4["trkn"] = [(piece.track, piece.album.tracks)]
    if cover:
        mp4["covr"] = [MP4Cover(cover, MP4Cover.FORMAT_JPEG)]
    file.seek(0)
    mp4.save(file)


def _tag_id3(file: BytesIO, piece: Piece, cover: bytes | None) -> None:
    holder = {Format.MP3: MP3, Format.AIFF_16: AIFF}.get(piece.format, WAVE)(file)
    holder.add_tags()
    comments = _comments(piece)
    if piece.album and piece.track:
        comments["TRACKNUMBER"] = f"{piece.track}/{piece.album.tracks}"
    frames = {"TITLE": TIT2, "ARTIST": TPE1, "ALBUM": TALB, "ALBUMARTIST": TPE2, "TRACKNUMBER": TRCK, "DATE": TDRC}
    frames["GENRE"] = TCON
    for name, frame in frames.items():
        if name in comments:
            holder.tags.add(frame(encoding=Encoding.UTF8, text=comments[name]))
    if cover:
        front = PictureType.COVER_FRONT
        holder.tags.add(APIC(encoding=Encoding.UTF8, mime="image/jpeg", type=front, desc="", data=cover))
    file.seek(0)
    holder.save(file)
