"""What stands in for the world in tests of streams: sound from arithmetic, a scripted client, a fixed catalogue.

With `InlineOffload` no thread runs, so a test may move the clock.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import trio

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import AuralisError, NotFound, SourceCorrupt, SourceMissing
from auralis_trio.library.medleys import MedleyTrack
from auralis_trio.library.personal import record_heard
from auralis_trio.library.queue_tracks import check_tracks
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering.recipe import AS_RECORDED, Recipe
from auralis_trio.mastering.solve import Mastered
from auralis_trio.offload import InlineOffload, Offload
from auralis_trio.stream.admission import Admission
from auralis_trio.stream.cache import ChunkCache
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.listening import Listening
from auralis_trio.stream.listens import Listen, Listens
from auralis_trio.stream.mastery import Mastery
from auralis_trio.stream.player import Player
from auralis_trio.stream.renderer import OpenTrack, Renderer
from auralis_trio.stream.session import run_session
from auralis_trio.stream.session_services import SessionLimits, SessionServices
from auralis_trio.wire.wishes import Wish
from auralis_trio.work.rendering import TrackReader
from tests.packets import Packet, parse_packet

RATE = 8_000
CHUNK = 55_296  # frames of a chunk at 8 kHz
PACKET = 2_048
STEREO = AudioFormat(RATE, 2, 16)


@dataclass
class ToneSource:
    """An `AudioSource` whose every sample follows from its place; `damaged_at` is where its audio breaks."""

    format: AudioFormat
    total_frames: int
    damaged_at: int | None = None
    reads: list[tuple[int, int]] = field(default_factory=list)
    closed: int = 0

    def tone(self, start: int, frames: int) -> Samples:
        """The samples of these frames: exact in 16 bits, different in each frame and channel."""
        places = np.arange(start, start + frames)[:, np.newaxis] * 31 + np.arange(self.format.channels) * 17
        return ((places % 65_536 - 32_768) / 32_768).astype(np.float32)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """See `AudioSource.read`."""
        if self.closed:
            raise ValueError("the source is closed")
        if start < 0 or frames < 0 or start + frames > self.total_frames:
            raise ValueError("outside the track")
        self.reads.append((start, frames))
        check()
        if self.damaged_at is not None and start + frames > self.damaged_at:
            raise SourceCorrupt(frame=self.damaged_at)
        return self.tone(start, frames)

    def close(self) -> None:
        """See `AudioSource.close`."""
        self.closed += 1


@dataclass
class ScratchedSource(ToneSource):
    """One frame of it, `scratched_at`, cannot be read; what comes behind that can."""

    scratched_at: int = 0

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """See `AudioSource.read`."""
        if start <= self.scratched_at < start + frames:
            raise SourceCorrupt(frame=self.scratched_at)
        return super().read(start, frames, check)


@dataclass
class FailingSource(ToneSource):
    """Raises `error` in every read after the first `good_reads`."""

    error: Exception = field(default_factory=SourceCorrupt)
    good_reads: int = 0

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """See `AudioSource.read`."""
        if len(self.reads) >= self.good_reads:
            raise self.error
        return super().read(start, frames, check)


class ToneReader(TrackReader):
    """A reader whose track is opened by `open_it` instead of from a file."""

    def __init__(self, file: TrackFile, pcm: PcmCache, open_it: Callable[[], AudioSource]) -> None:
        super().__init__(file, pcm)
        self._open_it = open_it

    def open(self, check: Check) -> AudioSource:
        """See `TrackReader.open`."""
        return self._open_it()


@dataclass
class Tracks:
    """Tracks made of tones; `opened` keeps every source that was ever opened, `gone` says whose files are missing.

    The files of those `uncounted` do not declare their lengths.
    """

    makers: dict[int, Callable[[], ToneSource]] = field(default_factory=dict)
    opened: list[ToneSource] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    uncounted: set[int] = field(default_factory=set)

    def add(self, track_id: int, make: Callable[[], ToneSource]) -> TrackFile:
        """A further track, made anew each time it is opened."""
        self.makers[track_id] = make
        return self.file(track_id)

    def tone(self, track_id: int, total_frames: int, **options: Any) -> TrackFile:
        """A further track of `total_frames` in stereo at 8 kHz."""
        return self.add(track_id, lambda: ToneSource(STEREO, total_frames, **options))

    def file(self, track_id: int) -> TrackFile:
        """What the library would know of a track."""
        source = self.makers[track_id]()
        return TrackFile(
            track_id=track_id,
            path=f"/nowhere/{track_id}.wav",
            content_id=f"content-{track_id}",
            size=1,
            mtime_ns=1,
            kind="wav",
            format=source.format,
            total_frames=None if track_id in self.uncounted else source.total_frames,
        )

    def open(self, track_id: int) -> ToneSource:
        """Open a track as a reader does."""
        if track_id in self.gone:
            raise SourceMissing
        self.opened.append(self.makers[track_id]())
        return self.opened[-1]

    def make_reader(self, file: TrackFile, pcm: PcmCache) -> TrackReader:
        """What a renderer is given in place of `TrackReader`."""
        return ToneReader(file, pcm, lambda: self.open(file.track_id))

    def left_open(self) -> int:
        """How many sources were opened and not closed."""
        return sum(not source.closed for source in self.opened)

    def pcm(self, track_id: int) -> bytes:
        """The whole track as s16, by arithmetic of its own."""
        source = self.makers[track_id]()
        return (source.tone(0, source.total_frames) * 32_768).astype("<i2").tobytes()


class FixedCatalogue(Catalogue):
    """A catalogue without a database; `lengths` and `heard` (track, seconds) are what it was asked to keep."""

    def __init__(self, tracks: Tracks) -> None:
        self._tracks = tracks
        self.lengths: list[tuple[int, int]] = []
        self.heard: list[tuple[int, float]] = []
        self.tell_error: AuralisError | None = None
        self.albums: dict[int, tuple[int, int]] = {}

    async def ask(self, question: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """See `Catalogue.ask`: only whether there are these tracks."""
        await trio.lowlevel.checkpoint()
        assert question is check_tracks
        if not set(args[0]) <= set(self._tracks.makers):
            raise NotFound(code="track_not_found")

    async def tell(self, change: Callable[..., Any], *args: Any) -> Any:
        """See `Catalogue.tell`: only what was heard."""
        await trio.lowlevel.checkpoint()
        assert change is record_heard
        if self.tell_error is not None:
            raise self.tell_error
        self.heard.append((args[0], round(args[1], 6)))

    async def find_track(self, track_id: int) -> TrackFile:
        """See `Catalogue.find_track`."""
        await trio.lowlevel.checkpoint()
        if track_id not in self._tracks.makers:
            raise NotFound
        return self._tracks.file(track_id)

    async def find_medley(self, track_ids: Sequence[int]) -> list[MedleyTrack]:
        """See `Catalogue.find_medley`: tracks of one album where `albums` names it and their numbers."""
        found = []
        for track_id in track_ids:
            album_id, number = self.albums.get(track_id, (None, None))
            file = await self.find_track(track_id)
            found.append(
                MedleyTrack(file=file, title="", artist=None, album_id=album_id, disc_number=1, track_number=number)
            )
        return found

    async def keep_length(self, track: OpenTrack) -> None:
        """See `Catalogue.keep_length`."""
        await trio.lowlevel.checkpoint()
        self.lengths.append((track.file.track_id, track.total_frames))


GAINS_DB = {"adaptive": -3.0, "gentle": -6.0, "warm": -9.0, "bright": -12.0, "punchy": -15.0, "live": -18.0}


def recipe_for(wish: Wish) -> Recipe:
    """A recipe that only turns down, by an amount that tells the presets apart."""
    trim_db = -1.0 if wish.match_loudness else 0.0
    if not wish.enhanced or wish.intensity == 0.0:
        return Recipe(trim_db=trim_db) if trim_db else AS_RECORDED
    return Recipe(
        preset=wish.preset,
        intensity=wish.intensity,
        gain_db=GAINS_DB[wish.preset] * wish.intensity,
        trim_db=trim_db,
    )


class FixedMastery(Mastery):
    """Recipes without an analysis, after `delay_s`; `error` is what comes instead while it is set."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.error: AuralisError | None = None
        self.asked: list[Wish] = []
        self.foreseen: list[int] = []
        self.foreseeing = 0

    async def resolve(self, file: TrackFile, wish: Wish) -> Mastered:
        """See `Mastery.resolve`."""
        self.asked.append(wish)
        await trio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        return Mastered(recipe=recipe_for(wish), target_lufs=None, expected_lufs=None)

    async def foresee(self, file: TrackFile, wish: Wish) -> None:
        """See `Mastery.foresee`: here it never ends by itself."""
        self.foreseen.append(file.track_id)
        self.foreseeing += 1
        try:
            await trio.sleep_forever()
        finally:
            self.foreseeing -= 1

    async def resolve_soon(self, file: TrackFile, wish: Wish) -> Mastered:
        """See `Mastery.resolve_soon`."""
        return await self.resolve(file, wish)


Heard = Packet | tuple[str, dict[str, Any]]


class FakeLink:
    """A client at the other end of a `Link`: says what the test says and keeps what it hears, in order."""

    client = "192.0.2.1"

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.closed: tuple[int, str] | None = None
        self.send_error: Exception | None = None
        self._say, self._inbox = trio.open_memory_channel[str | bytes](10_000)
        self._news = trio.Event()
        self._taking = trio.Event()
        self._taking.set()

    async def receive(self) -> str | bytes:
        """See `Link.receive`."""
        try:
            return await self._inbox.receive()
        except trio.EndOfChannel:
            raise trio.BrokenResourceError from None

    async def send(self, message: str | bytes) -> None:
        """See `Link.send`."""
        await trio.lowlevel.checkpoint()
        await self._taking.wait()
        if self.send_error is not None:
            raise self.send_error
        if isinstance(message, bytes):
            self._note(parse_packet(message))
        else:
            told = json.loads(message)
            assert set(told) == {"type", "data"}
            self._note((told["type"], told["data"]))

    async def send_packet(self, header: bytes, payload: bytes | memoryview) -> None:
        """See `Link.send_packet`."""
        await self.send(b"".join((header, payload)))

    async def close(self, code: int, reason: str) -> None:
        """See `Link.close`."""
        await trio.lowlevel.checkpoint()
        assert self.closed is None, "closed twice"
        self.closed = (code, reason)
        self._note(("closed", {"code": code, "reason": reason}))

    def say(self, kind: str, **data: Any) -> None:
        """Send a message to the server."""
        self.mumble(json.dumps({"type": kind, "data": data}))

    def mumble(self, message: str | bytes) -> None:
        """Send anything to the server."""
        self._say.send_nowait(message)

    def hang_up(self) -> None:
        """Go away."""
        self._say.close()

    def stop_taking(self) -> None:
        """Take nothing from now on: whoever sends, waits."""
        self._taking = trio.Event()

    def go_on_taking(self) -> None:
        """Take again."""
        self._taking.set()

    async def wait_until(self, reached: Callable[[], bool]) -> None:
        """Wait until something that was heard makes `reached` true; for a virtual day at most."""
        with trio.fail_after(86_400):
            while not reached():
                await self._news.wait()

    async def hear(self, kind: str, number: int = 1) -> dict[str, Any]:
        """The data of message `number` of this kind, when it has come."""
        await self.wait_until(lambda: len(self.told(kind)) >= number)
        return self.told(kind)[number - 1]

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The data of every message of this kind."""
        return [item[1] for item in self.heard if not isinstance(item, Packet) and item[0] == kind]

    def packets(self, stream_id: int | None = None) -> list[Packet]:
        """The packets that came, of one stream or of all."""
        return [item for item in self.heard if isinstance(item, Packet) and stream_id in {None, item.stream_id}]

    def frames(self, stream_id: int) -> int:
        """How many frames of a stream came."""
        return sum(packet.frames for packet in self.packets(stream_id))

    def audio(self, stream_id: int) -> bytes:
        """The payloads of a stream, joined."""
        return b"".join(packet.payload for packet in self.packets(stream_id))

    def kinds(self) -> list[str]:
        """What was heard, in order, by kind; runs of packets of one stream as one."""
        kinds: list[str] = []
        for item in self.heard:
            kind = f"packets {item.stream_id}" if isinstance(item, Packet) else item[0]
            if not kinds or kind != kinds[-1] or not isinstance(item, Packet):
                kinds.append(kind)
        return kinds

    def _note(self, item: Heard) -> None:
        self.heard.append(item)
        self._news.set()
        self._news = trio.Event()


LIMITS = SessionLimits(stall_timeout_s=20.0, pace_ahead_s=3.0, max_messages_per_s=100)


def unnoted(listen: Listen) -> None:
    """What a player without a library does with listens that have ended."""


def services_for(
    tracks: Tracks,
    pcm: PcmCache,
    *,
    offload: Offload | None = None,
    limits: SessionLimits = LIMITS,
    max_sessions: int = 10,
    cache_bytes: int = 1 << 24,
) -> SessionServices:
    """What sessions share, over tones and without threads."""
    renderer = Renderer(offload or InlineOffload(), ChunkCache(cache_bytes), pcm, 20.0, tracks.make_reader)
    hub, catalogue = Hub(max_sessions), FixedCatalogue(tracks)
    listens = Listens(catalogue)

    def changed(told: Mapping[str, Any]) -> None:
        hub.announce("player", "enhancement_settings_changed", told)
        hub.change_sound()

    return SessionServices(
        renderer=renderer,
        hub=hub,
        catalogue=catalogue,
        mastery=FixedMastery(),
        listening=Listening(catalogue, changed),
        player=Player(partial(hub.announce, "player"), listens.note_nowait),
        listens=listens,
        admission=Admission(max_sessions, max_sessions, lambda: 0.0),
        snapshot=dict,
        version="test",
        limits=limits,
    )


@asynccontextmanager
async def talk(services: SessionServices, link: FakeLink | None = None) -> AsyncIterator[FakeLink]:
    """A client in a session, greeted; on leaving it hangs up, and the session has ended."""
    link = link or FakeLink()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_session, link, services)
        await link.hear("hello")
        yield link
        link.hang_up()
