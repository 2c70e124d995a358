"""A profile: what was measured of a track, once and for all; small, plain and kept by the library."""

import msgspec

ANALYSIS_VERSION = 1
"""Rises whenever the same audio would give another profile or ledger than before."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of one track.

    `values` has every dimension of the table by its name, None where it could not be measured; then `reasons` says
    why. `mid_db` and `side_db` are the long-term spectrum: the mean power in each of the forty bands over the active
    part of the track, in dB, scaled as in the ledger (None: nothing there). `source_sha256` is that of the decoded
    float32 frames, interleaved and little-endian; None in a quick look.
    """

    version: int = ANALYSIS_VERSION
    sample_rate: int
    channels: int
    total_frames: int
    quick: bool
    values: dict[str, float | None]
    reasons: dict[str, str]
    mid_db: tuple[float | None, ...]
    side_db: tuple[float | None, ...]
    source_sha256: str | None
