"""Files of every kind, each written once a session, and a PCM cache to open them with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioSource
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from tests.sound_files import music, write


class Sounds:
    """Writes files of music on demand, and remembers them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: set[Path] = set()
        self.cache = PcmCache(str(folder / "pcm"), max_bytes=1 << 30, patience_s=60.0)

    def path(self, kind: str, channels: int = 2, rate: int = 44_100, frames: int = 20_000, bits: int = 16) -> str:
        path = self._folder / f"{kind}-{channels}-{rate}-{frames}-{bits}"
        if path not in self._written:
            write(str(path), kind, music(frames, channels, rate), rate, bits)
            self._written.add(path)
        return str(path)

    def open(self, path: str) -> AudioSource:
        return open_source(path, probe(path).content_id, self.cache)

    def read(self, path: str) -> Samples:
        source = self.open(path)
        try:
            return source.read(0, source.total_frames)
        finally:
            source.close()


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Sounds:
    return Sounds(tmp_path_factory.mktemp("sounds"))


@pytest.fixture
def new_cache(tmp_path: Path) -> Callable[..., PcmCache]:
    def make(max_bytes: int = 1 << 30, patience_s: float = 60.0) -> PcmCache:
        return PcmCache(str(tmp_path / "pcm"), max_bytes, patience_s)

    return make
