"""Contents are known by what their headers say of the sound, too.

Until then it is not known which of several tracks of one content was measured, so nothing of that is taken along.
"""

from auralis_trio.library.steps.step import Migration

STEP = Migration(
    13,
    (
        "DELETE FROM analysis",
        "DELETE FROM tuning",
        "DELETE FROM receipt",
        # The next scan reads every file anew, and so its new content comes in.
        "UPDATE track SET mtime_ns = -1",
    ),
)
