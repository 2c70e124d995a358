"""The PCM cache: tracks whose decoders cannot be trusted with a seek, decoded once, in sequence, and kept on disk.

There is no task behind it: a read decodes as far as it needs, and a call that has decoded for `patience_s` says when
to come again, with what it decoded kept. At most `max_bytes` lie in the folder; the entries longest unused make
room, never one that is open. Of tracks for which there is no room, the decoders that were used last stay where they
stopped, so that these too are reached to their ends by calls that each have patience for a part.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from hashlib import blake2b
from threading import Lock

import msgspec

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import AudioFormat, AudioSource, Check, never_cancelled
from auralis_trio.audio.units import modified_ns
from auralis_trio.decoder.awake import Awake
from auralis_trio.decoder.decoder import Decoder
from auralis_trio.decoder.forward_source import ForwardSource
from auralis_trio.decoder.lease import Lease, check_span
from auralis_trio.decoder.parking import Parking
from auralis_trio.decoder.patience import Patience
from auralis_trio.decoder.pcm_entry import DATA_SUFFIX, DRAFT_SUFFIX, RECORD_SUFFIX, PcmEntry, Record, parse_record
from auralis_trio.errors import StartupError
from auralis_trio.own_files import read_own

MAX_ENTRIES = 4096
MAX_PARKED = 8
"""How many half-decoded tracks stay ready to go on while nobody reads them."""


class PcmStatistics(msgspec.Struct, frozen=True):
    """What the cache holds. `fills` counts decodings begun, `spills` those that found no room."""

    entries: int
    bytes: int
    max_bytes: int
    fills: int
    evictions: int
    spills: int
    parked: int


class PcmCache:
    """Decoded tracks in `folder`, which belongs to this cache alone."""

    def __init__(self, folder: str, max_bytes: int, patience_s: float) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._patience_s = patience_s
        self.awake = Awake()
        """those that are decoded anew each time, and hold memory for it"""
        self._parking = Parking()
        self._lock = Lock()
        self._entries: OrderedDict[str, PcmEntry] = OrderedDict()  # the longest unused first
        self._bytes = self._fills = self._evictions = self._spills = 0
        try:
            self._restore()
        except OSError as error:
            raise StartupError("The folder for decoded audio cannot be used. Check that it is writable.") from error

    def open(self, key: str, start_decoder: Callable[[], Decoder], check: Check = never_cancelled) -> AudioSource:
        """The track called `key` (see `pcm_key`); `start_decoder` decodes it from frame 0 if that has not been done.

        Raises:
            SourceError: it cannot be decoded; SourceNotReady while its length is being counted.
        """
        patience = Patience(self._patience_s, check)
        entry = self._enter(key)
        with ExitStack() as undo:
            undo.callback(self._leave, key, entry)
            if entry.prepare(start_decoder, patience):
                with self._lock:
                    self._fills += 1
            entry.advance(None, patience)
            undo.pop_all()
        decode = partial(ForwardSource, start_decoder, entry.format, entry.total_frames or 0, self._patience_s)
        forward = _Forward(key, self._parking, decode)
        return _CachedSource(entry, forward, lambda: self._leave(key, entry), self._patience_s)

    def statistics(self) -> PcmStatistics:
        """What there is now."""
        with self._lock:
            kept = [entry for entry in self._entries.values() if entry.reserved_bytes or entry.complete]
            return PcmStatistics(
                entries=len(kept),
                bytes=self._bytes,
                max_bytes=self._max_bytes,
                fills=self._fills,
                evictions=self._evictions,
                spills=self._spills,
                parked=len(self._parked()) + len(self._parking),
            )

    def clear(self, origin: str | None = None) -> tuple[int, int]:
        """Forget everything, or all that was decoded of one origin; how many tracks that were and of how many bytes.

        What somebody reads goes when its last reader leaves.
        """
        tracks = freed = 0
        begins = "" if origin is None else _begins(origin)
        self._parking.drop(lambda key: key.startswith(begins))
        with self._lock:
            for key, entry in list(self._entries.items()):
                if not key.startswith(begins):
                    continue
                tracks, freed = tracks + 1, freed + entry.reserved_bytes
                entry.unwanted = True
                if not entry.users:
                    self._drop(key)
        return tracks, freed

    def close_idle(self) -> None:
        """Drop the half-decoded tracks that nobody reads, with their handles."""
        self._parking.drop()
        with self._lock:
            for key in self._parked():
                self._drop(key)

    def _enter(self, key: str) -> PcmEntry:
        with self._lock:
            entry = self._entries.get(key)
            known_frames = None
            if entry and entry.spilled and entry.is_settled and not entry.users:  # there may be room by now
                known_frames = entry.total_frames
                self._drop(key)
                entry = None
            if entry is None:
                entry = PcmEntry(os.path.join(self._folder, key), self._reserve, known_frames)
                self._entries[key] = entry
            self._entries.move_to_end(key)
            entry.users += 1
            if entry.complete:
                with suppress(OSError):
                    os.utime(entry.path + RECORD_SUFFIX)  # keeps the order of use across restarts
            return entry

    def _leave(self, key: str, entry: PcmEntry) -> None:
        with self._lock:
            entry.users -= 1
            if entry.users:
                return
            if not entry.is_worth_keeping:
                self._drop(key)
            elif entry.is_settled:
                entry.rest()
            idle = [key for key, other in self._entries.items() if not other.users]
            surplus = idle[: max(0, len(self._entries) - MAX_ENTRIES)]
            for unwanted in dict.fromkeys(surplus + self._parked()[:-MAX_PARKED]):
                self._drop(unwanted)

    def _parked(self) -> list[str]:
        return [key for key, entry in self._entries.items() if not (entry.users or entry.is_settled)]

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key)
        self._bytes -= entry.reserved_bytes
        entry.reserved_bytes = 0
        entry.discard()

    def _reserve(self, entry: PcmEntry, wanted_bytes: int) -> bool:
        """Hold `wanted_bytes` for `entry`, if they can be had by dropping what nobody reads."""
        with self._lock:
            self._spills += entry.spilled  # it spills once, and then asks for nothing
            others = self._bytes - entry.reserved_bytes
            idle = [key for key, each in self._entries.items() if not each.users and each.reserved_bytes]
            droppable = sum(self._entries[key].reserved_bytes for key in idle)
            if wanted_bytes and others - droppable + wanted_bytes > self._max_bytes:
                return False
            for key in idle:
                if others + wanted_bytes <= self._max_bytes:
                    break
                others -= self._entries[key].reserved_bytes
                self._drop(key)
                self._evictions += 1
            self._bytes = others + wanted_bytes
            entry.reserved_bytes = wanted_bytes
            return True

    def _restore(self) -> None:
        """Take over complete entries, in the order of their use; delete everything else that was ours."""
        os.makedirs(self._folder, exist_ok=True)
        names = set(os.listdir(self._folder))
        records = [name for name in names if name.endswith(RECORD_SUFFIX)]
        records.sort(key=lambda name: modified_ns(os.lstat(os.path.join(self._folder, name))))
        for name in records:
            key = name.removesuffix(RECORD_SUFFIX)
            entry = PcmEntry(os.path.join(self._folder, key), self._reserve)
            record = _read_record(entry.path)
            sums = None if record is None else record.sums
            if record is not None and sums is not None:
                entry.restore(record, sums)
                self._entries[key] = entry
                self._bytes += entry.reserved_bytes
                names -= {name, key + DATA_SUFFIX}
        for name in names:
            if name.endswith((RECORD_SUFFIX, DATA_SUFFIX, DRAFT_SUFFIX)):
                with suppress(IsADirectoryError):  # a folder in a file's place is not ours
                    os.unlink(os.path.join(self._folder, name))
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))


def pcm_key(origin: str, made_by: str) -> str:
    """What the decoded audio of an origin is kept under; `made_by` is all else that decides its samples."""
    return _begins(origin) + blake2b(made_by.encode(), digest_size=8).hexdigest()


def _begins(origin: str) -> str:
    return blake2b(origin.encode(), digest_size=16).hexdigest() + "-"


def _read_record(path: str) -> Record | None:
    """The record of the entry at `path`, if it is whole and fits the samples beside it."""
    try:
        record = parse_record(read_own(path + RECORD_SUFFIX))
        if record is None or record.name != os.path.basename(path):
            return None
        fits = os.path.getsize(path + DATA_SUFFIX) == record.data_bytes
    except (OSError, msgspec.MsgspecError):
        return None
    return record if fits else None


class _Forward:
    """The decoder that one reader has for itself: one that was parked, or one of its own, once it needs any."""

    def __init__(self, key: str, parking: Parking, decode: Callable[[], ForwardSource]) -> None:
        self._key = key
        self._parking = parking
        self._decode = decode
        self._source: ForwardSource | None = None

    def read(self, start: int, frames: int, check: Check) -> Samples:
        """As `AudioSource.read`."""
        if self._source is None or start < self._source.window_start:
            nearer = self._parking.take(self._key, start)
            if nearer is not None:
                self.leave(keep=True)
                self._source = nearer
        if self._source is None:
            self._source = self._decode()
        return self._source.read(start, frames, check)

    def leave(self, *, keep: bool) -> None:
        """Read no more; `keep` what was decoded for whoever reads next, or let it go."""
        source, self._source = self._source, None
        if source is None:
            return
        if keep:
            self._parking.park(self._key, source)
        else:
            source.close()


class _CachedSource:
    """An `AudioSource` over an entry, and over a decoder of its own once the entry has spilled."""

    def __init__(self, entry: PcmEntry, forward: _Forward, leave: Callable[[], None], patience_s: float) -> None:
        self.format: AudioFormat = entry.format
        self.total_frames = entry.total_frames or 0
        self._entry = entry
        self._forward = forward
        self._patience_s = patience_s
        self._leave = leave
        self._lease = Lease(self._close)

    def read(self, start: int, frames: int, check: Check = never_cancelled) -> Samples:
        """As `AudioSource.read`."""
        check_span(start, frames, self.total_frames)
        with self._lease.use(check):
            if not self._entry.spilled:
                self._entry.advance(start + frames, Patience(self._patience_s, check))
            samples = None if self._entry.spilled else self._entry.read(start, frames)
            return self._forward.read(start, frames, check) if samples is None else samples

    def close(self) -> None:
        """As `AudioSource.close`."""
        self._lease.close()

    def _close(self) -> None:
        self._forward.leave(keep=not self._entry.unwanted)
        self._leave()
