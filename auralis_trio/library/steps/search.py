"""What searching and counting by facets need."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(3, ())
