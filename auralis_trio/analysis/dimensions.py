"""The one table of what is measured: storage, API, documentation and the page are made from it."""

from dataclasses import dataclass

from auralis_trio.analysis import measures as by
from auralis_trio.analysis.measures import Measure


@dataclass(frozen=True)
class Dimension:
    """One figure of a profile.

    `name` has the unit in it where there is one; a value lies within `low` and `high`, or there is none. `version`
    rises when the formula changes.
    """

    name: str
    unit: str
    low: float
    high: float
    formula: str
    version: int
    measure: Measure


def _share(name: str, low_hz: float, high_hz: float) -> Dimension:
    formula = (
        f"The part of the long-term spectrum's power from 20 Hz to 20.5 kHz that lies in {low_hz:g}-{high_hz:g} Hz."
    )
    return Dimension(name, "1", 0.0, 1.0, formula, 1, by.share_between(low_hz, high_hz))


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension(
        "integrated_lufs",
        "LUFS",
        -70.0,
        30.0,
        "The integrated loudness of ITU-R BS.1770-5, with both gates.",
        1,
        by.integrated_lufs,
    ),
    Dimension(
        "loudness_range_lu",
        "LU",
        0.0,
        100.0,
        "The loudness range of EBU Tech 3342: 95th less 10th percentile of gated short-term loudness, every 100 ms.",
        1,
        by.loudness_range_lu,
    ),
    Dimension(
        "max_momentary_lufs",
        "LUFS",
        -200.0,
        30.0,
        "The highest loudness of any 400 ms, in steps of 10 ms.",
        1,
        by.max_momentary_lufs,
    ),
    Dimension(
        "max_short_term_lufs",
        "LUFS",
        -200.0,
        30.0,
        "The highest loudness of any 3 s, in steps of 10 ms.",
        1,
        by.max_short_term_lufs,
    ),
    Dimension(
        "loudness_variation_lu",
        "LU",
        0.0,
        50.0,
        "The standard deviation of short-term loudness, gated as for the loudness range.",
        1,
        by.loudness_variation_lu,
    ),
    Dimension(
        "true_peak_dbtp",
        "dBTP",
        -200.0,
        26.0,
        "The highest absolute value of the signal, interpolated four times (ITU-R BS.1770-5, annex 2).",
        1,
        by.true_peak_dbtp,
    ),
    Dimension(
        "sample_peak_dbfs",
        "dBFS",
        -200.0,
        18.1,
        "The largest absolute sample.",
        1,
        by.sample_peak_dbfs,
    ),
    Dimension(
        "active_rms_db",
        "dBFS",
        -121.0,
        18.1,
        "The mean power of a channel over the active hops: those less than 30 dB below the 95th percentile.",
        1,
        by.active_rms_db,
    ),
    Dimension("crest_db", "dB", 0.0, 150.0, "The true peak less the active RMS.", 1, by.crest_db),
    Dimension(
        "typical_crest_db",
        "dB",
        0.0,
        60.0,
        "The median, over active seconds, of the largest sample over the RMS.",
        1,
        by.typical_crest_db,
    ),
    Dimension(
        "crest_variation_db",
        "dB",
        0.0,
        30.0,
        "The standard deviation of the crest over active seconds.",
        1,
        by.crest_variation_db,
    ),
    Dimension(
        "peak_consistency",
        "1",
        0.0,
        1.0,
        "1 / (1 + v), v being the coefficient of variation of the largest samples of active seconds.",
        1,
        by.peak_consistency,
    ),
    Dimension(
        "silence_share",
        "1",
        0.0,
        1.0,
        "The part of the hops that lies more than 60 dB below the 95th percentile of power, or below -120 dBFS.",
        1,
        by.silence_share,
    ),
    _share("sub_bass_share", 20, 60),
    _share("bass_share", 60, 250),
    _share("low_mid_share", 250, 500),
    _share("mid_share", 500, 2_000),
    _share("upper_mid_share", 2_000, 4_000),
    _share("presence_share", 4_000, 8_000),
    _share("air_share", 8_000, 20_480),
    Dimension(
        "bass_mid_db",
        "dB",
        -150.0,
        150.0,
        "The long-term power in 60-250 Hz over that in 500-2000 Hz.",
        1,
        by.bass_mid_db,
    ),
    Dimension(
        "centroid_hz",
        "Hz",
        0.0,
        400_000.0,
        "The power-weighted mean frequency, median over active seconds.",
        1,
        by.centroid_hz,
    ),
    Dimension(
        "rolloff_hz",
        "Hz",
        0.0,
        400_000.0,
        "The frequency below which 85 % of the power lies, median over active seconds.",
        1,
        by.rolloff_hz,
    ),
    Dimension(
        "flatness",
        "1",
        0.0,
        1.0,
        "Geometric by arithmetic mean of the power density in bands, 250 Hz to 10 kHz, median over active seconds.",
        1,
        by.flatness,
    ),
    Dimension(
        "cutoff_hz",
        "Hz",
        5_000.0,
        400_000.0,
        "Where the mean spectrum falls by 20 dB within 400 Hz and stays down, as a codec's low-pass leaves it.",
        1,
        by.cutoff_hz,
    ),
    Dimension(
        "tempo_bpm",
        "bpm",
        40.0,
        220.0,
        "The best period of the onset curve's autocorrelation over four beats, preferred near 120 bpm.",
        1,
        by.tempo_bpm,
    ),
    Dimension(
        "rhythm_stability",
        "1",
        0.0,
        1.0,
        "The onset curve's normalised autocorrelation at the beat (pulse clarity); 0 where nothing moves.",
        1,
        by.rhythm_stability,
    ),
    Dimension(
        "onset_rate_hz",
        "Hz",
        0.0,
        50.0,
        "Peaks of the onset curve that stand out from the second around them, for each second.",
        1,
        by.onset_rate_hz,
    ),
    Dimension(
        "harmonic_share",
        "1",
        0.0,
        1.0,
        "The part of the power in 131-5000 Hz in lines, 12 times above the median around; mean of active grains.",
        1,
        by.harmonic_share,
    ),
    Dimension(
        "pitch_stability",
        "1",
        0.0,
        1.0,
        "The mean correlation, where positive, of the twelve pitch classes of active grains with those before.",
        1,
        by.pitch_stability,
    ),
    Dimension(
        "chroma_strength",
        "1",
        0.0,
        1.0,
        "The strongest pitch class's part of the power in 131-5000 Hz, mean of active grains.",
        1,
        by.chroma_strength,
    ),
    Dimension(
        "stereo_width",
        "1",
        0.0,
        1.0,
        "The RMS of the side over the sum of those of mid and side.",
        1,
        by.stereo_width,
    ),
    Dimension(
        "stereo_correlation",
        "1",
        -1.0,
        1.0,
        "The sum of left times right over the root of the product of both sums of squares.",
        1,
        by.stereo_correlation,
    ),
)
