"""A recipe: the resolved parameters for one track, frozen and hashable, part of every cache key and ETag."""

import hashlib
from functools import lru_cache

import msgspec

ENGINE_VERSION = 1
"""Rises whenever the same recipe would give other samples than before."""


class Recipe(msgspec.Struct, frozen=True):
    """What `render` does to a track. Without a preset it does nothing."""

    preset: str | None = None
    intensity: float = 0.0
    engine: int = ENGINE_VERSION

    @property
    def identity(self) -> bool:
        """Whether it leaves every sample as it is."""
        return self.preset is None or self.intensity == 0.0

    @property
    def key(self) -> str:
        """A short stable name for exactly these parameters."""
        return _key_of(self)


@lru_cache(maxsize=1024)
def _key_of(recipe: Recipe) -> str:
    """Kept, since each request for a chunk asks for it several times."""
    return hashlib.blake2b(msgspec.json.encode(recipe, order="sorted"), digest_size=8).hexdigest()


AS_RECORDED = Recipe()
