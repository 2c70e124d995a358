"""What finding the tracks of moved files needs."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(
    6,
    # However many files hold the same audio, only the tracks of those that are gone are looked at.
    ("CREATE INDEX track_gone ON track (content_id) WHERE missing",),
)
