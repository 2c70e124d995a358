"""The presets, as data: what each of the named sounds aims for, and how far it goes to get there."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

Points = tuple[tuple[float, float], ...]
"""A curve: (frequency in Hz, dB), rising; straight over octaves between the points, held on beyond the outer ones."""


class BandDynamics(msgspec.Struct, frozen=True):
    """How one band is compressed: as `recipe.Compressor`, but with its threshold as an offset from the track's own
    level in the band, so that quiet and loud tracks are treated alike."""

    offset_db: float
    ratio: float
    window_s: float
    release_db_per_s: float
    range_db: float
    delay_s: float = 0.0


class Width(msgspec.Struct, frozen=True):
    """What the side is changed by: `low_db` in the bass, `high_db` in the treble.

    The treble's change fades in as the correlation of the channels goes from `none_at` to `all_at`.
    """

    low_db: float = 0.0
    high_db: float = 0.0
    none_at: float = 0.8
    all_at: float = 1.0


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A named sound.

    `strength` is the part of the distance to the model spectrum that is made up for, `limit_db` the most that the
    equalizer does; `tilt` is the preset's own curve, added to that. There is one more of `bands` than of
    `crossovers_hz`. `transient_db` is how far attacks are lifted at most; `levelling` the part of the loudness range
    above 12 LU that is taken away.
    """

    label: str
    description: str
    target_lufs: float
    strength: float
    limit_db: float
    tilt: Points = ()
    width: Width = Width()
    crossovers_hz: tuple[float, ...] = ()
    bands: tuple[BandDynamics, ...]
    transient_db: float = 0.0
    levelling: float = 0.0


MODEL: Points = (
    (20.0, -14.0),
    (31.5, -8.0),
    (40.0, -5.0),
    (50.0, -3.0),
    (63.0, -1.5),
    (80.0, 0.0),
    (100.0, 0.0),
    (200.0, -2.0),
    (400.0, -4.0),
    (800.0, -6.0),
    (1_600.0, -8.0),
    (3_150.0, -10.0),
    (4_000.0, -10.6),
    (6_300.0, -13.7),
    (8_000.0, -15.2),
    (10_000.0, -16.7),
    (12_500.0, -18.3),
    (16_000.0, -22.0),
)
"""The spectrum of popular music, as levels in bands of a constant part of an octave.

Its slope from 100 Hz to 4 kHz is that of 772 hits (Pestana, Ma, Reiss, Barbosa, Black, AES convention paper 8960).
"""

_GLUE = BandDynamics(offset_db=1.0, ratio=1.4, window_s=0.048, release_db_per_s=30.0, range_db=9.0)
_SOFT = BandDynamics(offset_db=2.0, ratio=1.25, window_s=0.1, release_db_per_s=15.0, range_db=6.0)
_ROUND = BandDynamics(offset_db=0.0, ratio=1.5, window_s=0.08, release_db_per_s=15.0, range_db=6.0)
_CLEAR = BandDynamics(offset_db=1.0, ratio=1.3, window_s=0.048, release_db_per_s=30.0, range_db=9.0)
_TAMED = BandDynamics(offset_db=2.0, ratio=1.3, window_s=0.048, release_db_per_s=30.0, range_db=9.0)
_SNAP = BandDynamics(offset_db=-1.0, ratio=1.8, window_s=0.048, release_db_per_s=40.0, range_db=9.0, delay_s=0.02)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "adaptive": Preset(
            label="Adaptive",
            description="Brings the balance of each track a little nearer to that of well-known records.",
            target_lufs=-14.0,
            strength=0.5,
            limit_db=3.0,
            width=Width(low_db=-3.0, high_db=1.0, none_at=0.8, all_at=1.0),
            bands=(_GLUE,),
        ),
        "gentle": Preset(
            label="Gentle",
            description="Barely there: a light touch on balance and dynamics, with room for quiet passages.",
            target_lufs=-16.0,
            strength=0.25,
            limit_db=1.5,
            bands=(_SOFT,),
        ),
        "warm": Preset(
            label="Warm",
            description="Fuller low mids, softer treble, slow and steady dynamics.",
            target_lufs=-15.0,
            strength=0.4,
            limit_db=2.5,
            tilt=(
                (70.0, 0.0),
                (100.0, 1.5),
                (250.0, 1.5),
                (500.0, 0.0),
                (2_000.0, 0.0),
                (3_000.0, -1.0),
                (6_000.0, -1.0),
                (10_000.0, -1.5),
            ),
            width=Width(low_db=-2.0),
            crossovers_hz=(150.0,),
            bands=(_ROUND, _ROUND),
        ),
        "bright": Preset(
            label="Bright",
            description="More presence and air, with the sharpest moments held back.",
            target_lufs=-14.0,
            strength=0.5,
            limit_db=3.0,
            tilt=(
                (125.0, 0.0),
                (250.0, -0.5),
                (500.0, 0.0),
                (1_500.0, 0.0),
                (3_000.0, 1.0),
                (5_000.0, 1.0),
                (8_000.0, 2.0),
            ),
            width=Width(low_db=-3.0, high_db=1.5, none_at=0.2, all_at=0.6),
            crossovers_hz=(150.0, 4_000.0),
            bands=(_CLEAR, _CLEAR, _TAMED),
        ),
        "punchy": Preset(
            label="Punchy",
            description="Attacks come through first, bass and bite are pushed, and it is the loudest.",
            target_lufs=-13.0,
            strength=0.5,
            limit_db=3.0,
            tilt=(
                (40.0, 0.0),
                (60.0, 1.5),
                (100.0, 1.5),
                (160.0, 0.0),
                (250.0, -1.0),
                (400.0, -1.0),
                (800.0, 0.0),
                (1_500.0, 0.0),
                (2_000.0, 1.0),
                (4_000.0, 1.0),
                (6_000.0, 0.0),
            ),
            width=Width(low_db=-4.0),
            crossovers_hz=(150.0,),
            bands=(_SNAP, _SNAP),
            transient_db=2.5,
        ),
        "live": Preset(
            label="Live",
            description="For concerts and wide dynamics: clears the room's boom and evens out loud and quiet parts.",
            target_lufs=-15.0,
            strength=0.6,
            limit_db=3.5,
            tilt=(
                (100.0, 0.0),
                (200.0, -1.5),
                (400.0, -1.5),
                (800.0, 0.0),
                (1_400.0, 0.0),
                (2_000.0, 1.0),
                (5_000.0, 1.0),
                (8_000.0, 1.0),
            ),
            width=Width(low_db=-3.0, high_db=-1.0, none_at=0.3, all_at=0.1),
            bands=(_CLEAR,),
            levelling=0.3,
        ),
    }
)
"""Every preset by its name."""
