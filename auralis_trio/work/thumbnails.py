"""Pictures looked for, checked and made small, in a worker process: what a picture claims to be is not believed.

Only a few formats are opened at all, and none of so many pixels that decoding it would be an attack.
"""

import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Literal

import msgspec
from PIL import Image, ImageOps, UnidentifiedImageError

from auralis_trio.errors import InvalidRequest
from auralis_trio.library.pictures import embedded_pictures, picture_files

MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000
SIZES = (64, 128, 256, 512, 1024)
JPEG_QUALITY = 85

MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}

_BACKGROUND = (255, 255, 255)

# What Pillow's decoders raise on damaged pictures, besides its own kind of error.
_DAMAGED = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    UnidentifiedImageError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)


class PictureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture is: the hash of its bytes, its type, and its size in pixels."""

    revision: str
    media_type: str
    width: int
    height: int


class FoundPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that can be shown, and whether it was inside a file of music or beside it."""

    source: Literal["embedded", "file"]
    facts: PictureFacts
    data: bytes


class PictureRefused(InvalidRequest):
    """What was sent is no picture that can be shown."""

    default_code = "picture_refused"
    text = f"Send a JPEG, PNG, WebP or GIF picture of at most {MAX_PIXELS // 1_000_000} million pixels."


def check_picture(data: bytes) -> PictureFacts:
    """What a picture is; every pixel is decoded once, so that what is kept can be shown.

    Raises:
        PictureRefused: it is damaged, of another kind, or too large.
    """
    with _open(data) as image:
        media_type, (width, height) = MEDIA_TYPES[str(image.format)], image.size
        _load(image)
    revision = hashlib.blake2b(data, digest_size=16).hexdigest()
    return PictureFacts(revision=revision, media_type=media_type, width=width, height=height)


def make_thumbnail(data: bytes, size: int) -> bytes:
    """The picture as a JPEG whose longer side is at most `size` pixels: upright, on white, and never enlarged.

    Raises:
        PictureRefused: it is damaged, of another kind, or too large.
    """
    with _open(data) as image:
        image.draft("RGB", (size, size))  # a JPEG is decoded at the nearest size above
        _load(image)
        upright = _flat(ImageOps.exif_transpose(image))
    scale = min(1.0, size / max(upright.size))
    width, height = (max(1, round(side * scale)) for side in upright.size)
    small = upright if scale == 1.0 else upright.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = BytesIO()
    small.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return out.getvalue()


def find_picture(folders: Sequence[str], names: Sequence[str], files: Sequence[str]) -> FoundPicture | None:
    """The first picture that can be shown: those called one of `names` in `folders`, then those inside `files`."""
    for folder in folders:
        if found := _first_usable("file", picture_files(folder, names)):
            return found
    for file in files:
        try:
            if os.path.isfile(file) and (found := _first_usable("embedded", embedded_pictures(file))):
                return found
        except OSError:
            continue
    return None


def _first_usable(source: Literal["embedded", "file"], pictures: Iterable[bytes]) -> FoundPicture | None:
    for data in pictures:
        try:
            return FoundPicture(source=source, facts=check_picture(data), data=data)
        except PictureRefused:
            continue
    return None


def _open(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=list(MEDIA_TYPES))
    except _DAMAGED:
        raise PictureRefused from None
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE or min(image.size) < 1:
        raise PictureRefused
    return image


def _load(image: Image.Image) -> None:
    try:
        image.load()
    except _DAMAGED:
        raise PictureRefused from None


def _flat(image: Image.Image) -> Image.Image:
    """Without transparency, in the colours that a JPEG has."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    picture = image.convert("RGBA")
    ground = Image.new("RGB", picture.size, _BACKGROUND)
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground
