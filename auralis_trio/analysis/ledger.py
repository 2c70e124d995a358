"""The ledger: a track's energies hop by hop, small enough to keep, from which gains are solved without the audio.

One hop is a twelfth of a grain (1,024 frames at 44.1 kHz). For each hop it holds the power in every band, for mid and
side, and the sample peak, in steps of half a decibel. Powers are scaled so that mid and side add up to the sum of the
channels' powers: of a stereo track mid is (L + R) / sqrt(2) and side (L - R) / sqrt(2); a mono track has no side; of
more channels mid is the sum of all, each with its weight of BS.1770, and there is no side.
"""

import zlib
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from auralis_trio.analysis.bands import BANDS
from auralis_trio.audio.grid import LEDGER_HOPS_PER_GRAIN, grain_frames

STEP_DB = 0.5
FLOOR_DB = -121.0
"""What code 1 stands for; code 0 is nothing at all."""

Codes = NDArray[np.uint8]

_POWERS: NDArray[np.float32] = np.concatenate(
    ([0.0], 10.0 ** ((FLOOR_DB + STEP_DB * np.arange(255)) / 10.0)),
).astype(np.float32)


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    sample_rate: int
    channels: int
    total_frames: int
    mid: bytes
    side: bytes
    peak: bytes


@dataclass(frozen=True, eq=False)
class Ledger:
    """Codes of powers: `mid` and `side` of shape (hops, 40), `peak` of shape (hops,)."""

    sample_rate: int
    channels: int
    total_frames: int
    mid: Codes
    side: Codes
    peak: Codes

    @property
    def hop_frames(self) -> int:
        """Frames in a hop."""
        return grain_frames(self.sample_rate) // LEDGER_HOPS_PER_GRAIN

    @property
    def hops(self) -> int:
        """How many hops there are."""
        return len(self.peak)

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        return self.mid.nbytes + self.side.nbytes + self.peak.nbytes

    def pack(self) -> bytes:
        """The ledger as compressed bytes."""
        parts = (self.mid.tobytes(), self.side.tobytes(), self.peak.tobytes())
        return zlib.compress(
            msgspec.msgpack.encode(_Packed(self.sample_rate, self.channels, self.total_frames, *parts)), 1
        )


def parse_ledger(data: bytes) -> Ledger:
    """The ledger that was packed into `data`.

    Raises:
        ValueError: the bytes are not a ledger.
    """
    try:
        packed = msgspec.msgpack.decode(zlib.decompress(data), type=_Packed)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError("not a ledger") from error
    mid, side = (np.frombuffer(part, np.uint8).reshape(-1, BANDS) for part in (packed.mid, packed.side))
    peak = np.frombuffer(packed.peak, np.uint8)
    if not len(mid) == len(side) == len(peak):
        raise ValueError("not a ledger")
    return Ledger(packed.sample_rate, packed.channels, packed.total_frames, mid, side, peak)


def encode_power(power: NDArray[np.floating]) -> Codes:
    """Mean powers (full scale is 1) as codes; anything below the floor is nothing."""
    with np.errstate(divide="ignore"):
        level_db = 10.0 * np.log10(power)
    codes: Codes = np.clip(np.rint((level_db - FLOOR_DB) / STEP_DB) + 1.0, 0.0, 255.0).astype(np.uint8)
    return codes


def mean_power(codes: Codes) -> NDArray[np.float64]:
    """The mean power in each band, (40,), of codes of shape (hops, 40); by counting codes."""
    counts = [np.bincount(band, minlength=len(_POWERS)) for band in codes.T]
    return np.asarray(np.stack(counts) @ _POWERS.astype(np.float64) / max(len(codes), 1))


def decode_power(codes: Codes) -> NDArray[np.float32]:
    """The powers that codes stand for, in the same shape."""
    return _POWERS[codes]
