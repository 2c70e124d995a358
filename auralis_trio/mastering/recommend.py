"""Which preset suits a track, and why: soft traits of its profile speak for the presets, each with its reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import msgspec
import numpy as np

from auralis_trio.analysis.bands import CENTRES_HZ
from auralis_trio.analysis.profile import Profile
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.tone import distance, fade, presence, spectrum_db

BASE = 0.4
"""What speaks for the adaptive preset without any reason."""

NAMED = 0.25
"""How marked a trait has to be to be given as a reason."""


class Alternative(msgspec.Struct, frozen=True):
    """Another preset, and how much speaks for it, from 0 up."""

    preset: str
    score: float


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """The preset that suits a track best: why, how sure that is (0 to 1), and the others from the best down."""

    preset: str
    reasons: tuple[str, ...]
    confidence: float
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class Trait:
    """Something a track can be, more or less: from 0 at `none_at` to 1 at `all_at` of what `measure` gives.

    `speaks_for` has the presets it speaks for, and how much; `reason` says it to a listener, with the number.
    """

    measure: Callable[[Profile], float | None]
    none_at: float
    all_at: float
    reason: str
    speaks_for: Mapping[str, float]

    def strength(self, profile: Profile) -> float | None:
        """How marked the trait is, from 0 to 1; None where it could not be measured."""
        value = self.measure(profile)
        return None if value is None else float(fade(value, self.none_at, self.all_at))


def recommend(profile: Profile) -> Recommendation:
    """The preset that suits this track; what could not be measured speaks for none and makes it less sure."""
    strengths = [(trait, trait.strength(profile)) for trait in TRAITS]
    scores = dict.fromkeys(PRESETS, 0.0) | {"adaptive": BASE}
    for trait, strength in strengths:
        for preset, weight in trait.speaks_for.items():
            scores[preset] += weight * (strength or 0.0)
    ranked = sorted(scores, key=lambda preset: -scores[preset])
    best, second = ranked[:2]
    known = sum(strength is not None for _, strength in strengths) / len(strengths)
    lead = (scores[best] - scores[second]) / (scores[best] + scores[second])
    return Recommendation(
        preset=best,
        reasons=_reasons(best, profile, strengths),
        confidence=round(known * (0.5 + 0.5 * lead), 3),
        alternatives=tuple(Alternative(preset, round(scores[preset], 3)) for preset in ranked[1:]),
    )


def _reasons(preset: str, profile: Profile, strengths: list[tuple[Trait, float | None]]) -> tuple[str, ...]:
    """What speaks for the preset, the strongest first."""
    speaking = [
        (strength * trait.speaks_for[preset], trait)
        for trait, strength in strengths
        if strength is not None and strength >= NAMED and preset in trait.speaks_for
    ]
    speaking.sort(key=lambda each: -each[0])
    reasons = tuple(trait.reason.format(abs(trait.measure(profile) or 0.0)) for _, trait in speaking)
    if reasons:
        return reasons
    return ("Nothing about this track stands out, so a balanced treatment suits it.",)


def _value(name: str) -> Callable[[Profile], float | None]:
    return lambda profile: profile.values.get(name)


def _balance(low_hz: float, high_hz: float) -> Callable[[Profile], float | None]:
    """How far the band lies above what is usual in well-known records, in dB (below, if negative)."""

    def measure(profile: Profile) -> float | None:
        level_db = spectrum_db(profile)
        if level_db is None:
            return None
        heard = presence(level_db, profile.values.get("cutoff_hz"))
        first, last = np.searchsorted(CENTRES_HZ, (low_hz, high_hz))
        return -float(distance(level_db, heard)[first:last].mean())

    return measure


_BASS, _LOW_MIDS, _PRESENCE, _TREBLE = (
    _balance(60.0, 150.0),
    _balance(200.0, 450.0),
    _balance(2_000.0, 5_000.0),
    _balance(5_000.0, 12_000.0),
)

TRAITS: tuple[Trait, ...] = (
    Trait(
        _TREBLE,
        -2.0,
        -9.0,
        "The treble lies {:.0f} dB below that of well-known records; it can take more air.",
        MappingProxyType({"bright": 0.9}),
    ),
    Trait(
        _TREBLE,
        2.0,
        8.0,
        "The treble stands {:.0f} dB above that of well-known records; softening it makes long listening easier.",
        MappingProxyType({"warm": 0.8}),
    ),
    Trait(
        _PRESENCE,
        2.0,
        7.0,
        "The upper mids stand out by {:.0f} dB, which can sound hard.",
        MappingProxyType({"warm": 0.5}),
    ),
    Trait(
        _LOW_MIDS,
        -2.0,
        -7.0,
        "The low mids are {:.0f} dB thinner than usual; some body helps.",
        MappingProxyType({"warm": 0.6}),
    ),
    Trait(
        _LOW_MIDS,
        2.0,
        7.0,
        "The low mids boom by {:.0f} dB, as they do in rooms and halls.",
        MappingProxyType({"live": 0.5, "bright": 0.2}),
    ),
    Trait(
        _BASS,
        -2.0,
        -8.0,
        "The bass is {:.0f} dB lighter than usual; it can be pushed.",
        MappingProxyType({"punchy": 0.3, "warm": 0.2}),
    ),
    Trait(
        _value("loudness_range_lu"),
        10.0,
        18.0,
        "Loud and quiet parts lie {:.0f} LU apart; evening them out a little keeps the quiet ones audible.",
        MappingProxyType({"live": 0.7}),
    ),
    Trait(
        _value("typical_crest_db"),
        11.0,
        8.0,
        "Its peaks rise only {:.0f} dB above its mean, so it has been compressed already and is best left alone.",
        MappingProxyType({"gentle": 0.8}),
    ),
    Trait(
        _value("integrated_lufs"),
        -12.0,
        -8.0,
        "It is loud already, at -{:.0f} LUFS, and needs little more than turning down.",
        MappingProxyType({"gentle": 0.4}),
    ),
    Trait(
        _value("onset_rate_hz"),
        2.0,
        5.0,
        "It is driven by about {:.0f} notes and beats a second; crisp attacks suit it.",
        MappingProxyType({"punchy": 0.4}),
    ),
    Trait(
        _value("rhythm_stability"),
        0.3,
        0.7,
        "Its pulse is steady and clear ({:.1f} of 1), so it gains from punch.",
        MappingProxyType({"punchy": 0.4}),
    ),
    Trait(
        _value("onset_rate_hz"),
        1.5,
        0.5,
        "Attacks are rare, about {:.1f} a second: its calm is worth keeping.",
        MappingProxyType({"gentle": 0.5}),
    ),
)
"""Everything that is considered."""
