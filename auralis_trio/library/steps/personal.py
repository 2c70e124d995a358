"""Playlists, and what a listener thinks of tracks."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(5, ())
