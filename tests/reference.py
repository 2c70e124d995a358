"""What a file holds, decoded in one go without the server."""

from pathlib import Path

from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache


def full_read(path: Path, scratch: Path) -> bytes:
    cache = PcmCache(str(scratch), 2**31, 60.0)
    source = open_source(str(path), probe(str(path)).content_id, cache)
    try:
        data: bytes = source.read(0, source.total_frames).astype("<f4").tobytes()
        return data
    finally:
        source.close()
