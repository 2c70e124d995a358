"""Comparing at one loudness: the louder of two versions is turned down to the quieter, never one of them up."""

import msgspec

from auralis_trio.mastering.recipe import Recipe


def trims_db(original_lufs: float, mastered_lufs: float) -> tuple[float, float]:
    """What the original and the mastered version are turned down by: dB, none above zero, one of them zero."""
    louder_lu = round(mastered_lufs - original_lufs, 3)
    return min(0.0, louder_lu), min(0.0, -louder_lu)


def with_trim(recipe: Recipe, trim_db: float) -> Recipe:
    """The recipe, turned down by `trim_db` behind everything else.

    Raises:
        ValueError: that would turn it up.
    """
    if trim_db > 0.0:
        raise ValueError(f"a trim only turns down: {trim_db} dB")
    return msgspec.structs.replace(recipe, trim_db=trim_db)
