"""An album is mastered as one: the same recipe for all of its tracks, so that what is quiet on it stays quieter."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from auralis_trio.analysis import Analysis
from auralis_trio.analysis.profile import Profile
from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.resolve import NO_WISHES, Target, preset_named, resolve, wanted_change_lu
from auralis_trio.mastering.solve import Mastered, outlook, solved
from auralis_trio.mastering.tone import Curve, powers
from auralis_trio.mastering.tuning import UNTUNED, Tuning

Bands = tuple[float | None, ...]


def master_album(
    analyses: Sequence[Analysis],
    preset: str,
    intensity: float,
    target: Target = NO_WISHES,
    tunings: Sequence[Tuning] = (),
) -> Mastered:
    """The one recipe for these tracks: the loudest meets the target, and no track strains the limiter.

    Balance and thresholds are those of the whole album; slow levelling, which is a track's own, is left out. There
    are as many `tunings` as tracks, or none. `target_lufs` and `expected_lufs` are those of the loudest track.

    Raises:
        InvalidRequest: there is no such preset, or the intensity is not within 0 and 1.
        ValueError: there are no tracks, or not as many tunings.
    """
    taught = tuple(tunings) or (UNTUNED,) * len(analyses)
    whole = album_profile([each.profile for each in analyses])
    recipe = resolve(preset, intensity, whole, target)
    loudest_lufs = whole.values.get("integrated_lufs")
    if recipe.identity:
        return Mastered(recipe=recipe, target_lufs=loudest_lufs, expected_lufs=loudest_lufs)
    outlooks = [
        outlook(
            Heard.of(each.ledger), each.profile.values.get("integrated_lufs"), recipe, intensity * own.correction_lu
        )
        for each, own in zip(analyses, taught, strict=True)
    ]
    tracks = [each for each in outlooks if each is not None]
    change_lu = wanted_change_lu(whole, preset_named(preset), intensity, target)
    if not tracks or loudest_lufs is None or change_lu is None:
        return Mastered(recipe=recipe, target_lufs=None, expected_lufs=None)
    return solved(recipe, loudest_lufs + change_lu, tracks)


def album_profile(profiles: Sequence[Profile]) -> Profile:
    """What the equalizer and the compressors need to know of an album: its tracks' powers, averaged over their time.

    Loudness and true peak are those of the loudest and of the highest. A dimension that no track has is None.

    Raises:
        ValueError: there are no tracks.
    """
    if not profiles:
        raise ValueError("an album has tracks")
    channels = 2 if any(each.channels == 2 for each in profiles) else profiles[0].channels
    return msgspec.structs.replace(
        profiles[0],
        sample_rate=min(each.sample_rate for each in profiles),
        channels=channels,
        total_frames=sum(each.total_frames for each in profiles),
        values={
            "integrated_lufs": _of_known(profiles, "integrated_lufs", max),
            "true_peak_dbtp": _of_known(profiles, "true_peak_dbtp", max),
            "stereo_correlation": _of_known(profiles, "stereo_correlation", _mean),
            "flatness": _of_known(profiles, "flatness", _mean),
        },
        reasons={},
        mid_db=_averaged(profiles, channels, lambda each: each.mid_db),
        side_db=_averaged(profiles, channels, lambda each: each.side_db),
        source_sha256=None,
    )


def _of_known(profiles: Sequence[Profile], name: str, pick: Callable[[list[float]], float]) -> float | None:
    known = [value for each in profiles if (value := each.values.get(name)) is not None]
    return pick(known) if known else None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _averaged(profiles: Sequence[Profile], channels: int, bands: Callable[[Profile], Bands]) -> Bands:
    """The mean spectrum, by time; each track's power is brought to as many channels as the album has."""
    seconds = np.array([each.total_frames / each.sample_rate for each in profiles])
    each_power: list[Curve] = [powers(bands(each)) * (channels / each.channels) for each in profiles]
    mean = seconds @ np.array(each_power) / max(float(seconds.sum()), 1e-9)
    return tuple(10.0 * float(np.log10(power)) if power > 0.0 else None for power in mean)
