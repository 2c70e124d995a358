"""The covers of the demo albums, drawn: a harbour at dusk, a city at night."""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE = 640
Colour = tuple[int, int, int]


@lru_cache(maxsize=4)
def draw_cover(name: str, title: str, artist: str) -> bytes:
    """The cover called `name` (``harbour`` or ``night``) as a JPEG of 640 x 640."""
    picture = _PICTURES[name]()
    _letter(picture, title, artist)
    grain = np.random.default_rng(5).normal(0, 3.5, (SIDE, SIDE, 1))
    pixels = np.clip(np.asarray(picture, np.float32) + grain, 0, 255).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88)
    return out.getvalue()


def _gradient(stops: list[tuple[float, Colour]]) -> NDArray[np.float32]:
    """Colours from top to bottom; each stop is a height (0-1) and its colour."""
    rows = np.linspace(0, 1, SIDE)
    heights = [height for height, _ in stops]
    bands = [np.interp(rows, heights, [colour[channel] for _, colour in stops]) for channel in range(3)]
    return np.repeat(np.stack(bands, axis=1)[:, None], SIDE, axis=1).astype(np.float32)


def _glow(centre: tuple[float, float], radius: float, colour: Colour) -> NDArray[np.float32]:
    """Light around a point, to be added."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    distance = np.hypot(x - centre[0], y - centre[1]) / radius
    return np.asarray(np.exp(-(distance**2))[..., None] * colour, np.float32)


def _image(pixels: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _harbour() -> Image.Image:
    """A low sun over still water, its light broken by the waves, hills behind a breakwater."""
    horizon, sun = 385, (405, 318)
    sky = _gradient([(0, (26, 38, 74)), (0.35, (108, 84, 128)), (0.52, (226, 132, 108)), (0.6, (250, 190, 128))])
    picture = _image(sky + _glow(sun, 190, (90, 60, 20)))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((sun[0] - 62, sun[1] - 62, sun[0] + 62, sun[1] + 62), fill=(255, 226, 170))
    x = np.arange(SIDE + 1)
    for rise, colour, turn in ((46, (122, 84, 112), 0.4), (26, (78, 60, 96), 2.1)):
        ridge = horizon - rise * (0.55 + 0.3 * np.sin(x / 97 + turn) + 0.15 * np.sin(x / 31 + 2 * turn))
        pen.polygon([(0, horizon), *zip(x.tolist(), ridge.tolist(), strict=True), (SIDE, horizon)], fill=colour)
    mirrored = picture.crop((0, 2 * horizon - SIDE, SIDE, horizon)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    water = np.asarray(mirrored.filter(ImageFilter.GaussianBlur(3)), np.float32)
    depth = np.arange(SIDE - horizon)
    shift = 9 * np.sin(depth**0.72 * 1.9) * (0.3 + depth / 120)
    columns = np.clip(np.arange(SIDE) + shift[:, None].astype(int), 0, SIDE - 1)
    rippled = water[depth[:, None], columns] * (0.9 - 0.0018 * depth)[:, None, None] * (1.0, 0.9, 0.88)
    picture.paste(_image(rippled), (0, horizon))
    pen.polygon([(0, horizon + 34), (0, horizon - 8), (150, horizon - 4), (176, horizon + 14)], fill=(38, 34, 58))
    pen.polygon([(112, horizon - 5), (118, horizon - 74), (130, horizon - 74), (136, horizon - 5)], fill=(38, 34, 58))
    pen.rectangle((117, horizon - 90, 131, horizon - 76), fill=(255, 224, 150))
    return picture


def _night() -> Image.Image:
    """A street of lit windows under a pink sky, seen through rain."""
    rng = np.random.default_rng(8)
    sky = _gradient([(0, (10, 12, 38)), (0.28, (52, 24, 92)), (0.5, (190, 48, 122)), (0.66, (246, 138, 110))])
    picture = _image(sky + _glow((500, 150), 120, (50, 40, 60)))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((464, 114, 536, 186), fill=(255, 236, 214))
    for top, wide, shade in ((270, 54, (46, 26, 78)), (360, 76, (26, 18, 52)), (430, 104, (12, 10, 28))):
        left = -20
        while left < SIDE:
            width, height = int(rng.integers(wide // 2, wide)), top + int(rng.integers(-80, 80))
            pen.rectangle((left, height, left + width, SIDE), fill=shade)
            for y in range(height + 12, SIDE - 60, 17):
                for x in range(left + 8, left + width - 9, 14):
                    if rng.random() < 0.3:
                        warm = (255, 206, 120) if rng.random() < 0.75 else (120, 220, 255)
                        pen.rectangle(
                            (x, y, x + 5, y + 8),
                            fill=tuple((3 * c + s) // 4 for c, s in zip(warm, shade, strict=True)),
                        )
            left += width + int(rng.integers(2, 12))
    return picture


_PICTURES: dict[str, Callable[[], Image.Image]] = {"harbour": _harbour, "night": _night}


def _letter(picture: Image.Image, title: str, artist: str) -> None:
    """Title and artist in the upper left corner."""
    pen = ImageDraw.Draw(picture)
    pen.text((44, 40), title, font=ImageFont.load_default(46), fill=(255, 244, 228))
    pen.text((46, 98), artist.upper(), font=ImageFont.load_default(17), fill=(255, 226, 206))
