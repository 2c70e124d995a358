"""All that files say of themselves, and the journal of edits."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(4, ())
