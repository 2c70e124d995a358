"""Block -> Profile: what is measured of a track, in one pass, by the standards; and the ledger of its energies."""

from auralis_trio.analysis.analyse import Analysis, analyse, quick_look
from auralis_trio.analysis.dimensions import DIMENSIONS, Dimension
from auralis_trio.analysis.ledger import Ledger, parse_ledger
from auralis_trio.analysis.loudness import Loudness, LoudnessMeter, gated_lufs, k_weighting_power
from auralis_trio.analysis.profile import ANALYSIS_VERSION, Profile
from auralis_trio.analysis.true_peak import TruePeakMeter

__all__ = [
    "ANALYSIS_VERSION",
    "DIMENSIONS",
    "Analysis",
    "Dimension",
    "Ledger",
    "Loudness",
    "LoudnessMeter",
    "Profile",
    "TruePeakMeter",
    "analyse",
    "gated_lufs",
    "k_weighting_power",
    "parse_ledger",
    "quick_look",
]
