"""Block -> Profile: what is measured of a track, in one pass, by the standards; and the ledger of its energies."""

from auralis_trio.analysis.ledger import Ledger, parse_ledger
from auralis_trio.analysis.profile import ANALYSIS_VERSION, Profile

__all__ = ["ANALYSIS_VERSION", "Ledger", "Profile", "parse_ledger"]
