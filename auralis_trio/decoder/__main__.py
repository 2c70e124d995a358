"""``python -m auralis_trio.decoder FILE...`` prints what each file is and decodes it once."""

import sys
import tempfile

from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import SourceError

_STEP_FRAMES = 1 << 18


def describe(path: str) -> str:
    """One line about the file at `path`."""
    try:
        found = probe(path)
        with tempfile.TemporaryDirectory() as folder:
            source = open_source(path, found.content_id, PcmCache(folder, max_bytes=1 << 32, patience_s=3600.0))
            try:
                for start in range(0, source.total_frames, _STEP_FRAMES):
                    source.read(start, min(_STEP_FRAMES, source.total_frames - start))
            finally:
                source.close()
    except SourceError as error:
        where = "" if error.frame is None else f" at frame {error.frame}"
        return f"{path}: {error.code}{where}: {error.message}"
    sound = found.format
    way = type(source).__name__.strip("_")
    return (
        f"{path}: {found.kind}, {sound.sample_rate} Hz, {sound.channels} channels, {sound.bits or 'no'} bits, "
        f"{source.total_frames} frames, {way}, {found.content_id}"
    )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stdout.write(describe(name) + "\n")
