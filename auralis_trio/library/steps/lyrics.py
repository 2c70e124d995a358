"""When a file of lyrics beside a track was changed; where there is one, the next scan reads its track anew."""

from auralis_trio.library.steps.step import Migration

STEP = Migration(9, ("ALTER TABLE track ADD COLUMN lyrics_mtime_ns BIGINT",))
