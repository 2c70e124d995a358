"""Reading the words of one track, in a worker process: a path in, a small plain record out."""

from auralis_trio.decoder.regular_file import disk_errors, open_regular
from auralis_trio.library.lyrics import Lyrics, read_lyrics


def lyrics_of(path: str) -> Lyrics:
    """The words of the track at `path`; all null where there are none.

    Raises:
        SourceError: the file is missing, or not a regular file.
    """
    open_regular(path).close()
    with disk_errors():
        return read_lyrics(path)
