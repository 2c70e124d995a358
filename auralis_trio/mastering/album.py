"""An album is mastered as one: the same recipe for all of its tracks, so that what is quiet on it stays quieter."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from auralis_trio.analysis import Analysis
from auralis_trio.analysis.profile import Profile
from auralis_trio.mastering.forecast import Heard
from auralis_trio.mastering.resolve import NO_WISHES, Target, preset_named, resolve, wanted_change_lu
from auralis_trio.mastering.solve import Mastered, outlook, solved
from auralis_trio.mastering.tone import powers
from auralis_trio.mastering.tuning import UNTUNED, Tuning

Bands = tuple[float | None, ...]

_NO_POWER = 1e-30


def master_album(
    analyses: Sequence[Analysis],
    preset: str,
    intensity: float,
    target: Target = NO_WISHES,
    tunings: Sequence[Tuning] = (),
) -> Mastered:
    """The one recipe for these tracks: the loudest meets the target, and no track strains the limiter.

    The balance is that of the whole album, thresholds go by its loudest track; slow levelling, which is a track's
    own, is left out. There are as many `tunings` as tracks, or none. `target_lufs` and `expected_lufs` are those of
    the loudest track.

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
    """What the equalizer and the compressors need to know of an album: the mean balance of its tracks.

    Levels, loudness and true peak are those of the loudest track. A dimension that no track has is None.

    Raises:
        ValueError: there are no tracks.
    """
    if not profiles:
        raise ValueError("an album has tracks")
    channels = 2 if any(each.channels == 2 for each in profiles) else profiles[0].channels
    mid_db, side_db = _spectra(profiles, channels)
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
        mid_db=mid_db,
        side_db=side_db,
        source_sha256=None,
    )


def _of_known(profiles: Sequence[Profile], name: str, pick: Callable[[list[float]], float]) -> float | None:
    known = [value for each in profiles if (value := each.values.get(name)) is not None]
    return pick(known) if known else None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _spectra(profiles: Sequence[Profile], channels: int) -> tuple[Bands, Bands]:
    """The mean spectra of mid and side, by time, raised to the power of the strongest track.

    Raised, since it is the level that compressors go by: below it they leave the quieter tracks alone. Each track's
    power is first brought to as many channels as the album has.
    """
    seconds = np.array([each.total_frames / each.sample_rate for each in profiles])
    power = np.array(
        [np.array([powers(each.mid_db), powers(each.side_db)]) * (channels / each.channels) for each in profiles]
    )
    mean = np.tensordot(seconds, power, axes=1)
    mean *= power.sum(axis=(1, 2)).max() / max(float(mean.sum()), _NO_POWER)
    mid, side = (tuple(10.0 * float(np.log10(each)) if each > 0.0 else None for each in plane) for plane in mean)
    return mid, side
