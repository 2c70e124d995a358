"""(Block, Recipe) -> Block: what is done to the sound between decoder and encoder.

A recipe is everything that decides the samples besides the audio itself; "as recorded" is the recipe that does
nothing. All paths, streams, chunks, whole files, go through `render`; there is no second way past it.
"""

from auralis_trio.mastering.recipe import AS_RECORDED, Recipe, Schedule, Sound
from auralis_trio.mastering.render import render, render_span

__all__ = ["AS_RECORDED", "Recipe", "Schedule", "Sound", "render", "render_span"]
