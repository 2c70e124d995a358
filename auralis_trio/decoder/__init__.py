"""From a file to its frames: one `AudioSource` over libsndfile and FFmpeg, exact to the frame in any order.

`sniff` tells what a file is; `opening` picks the decoder and the way to seek: directly, where that was proved to
give the samples of decoding in sequence, and through the `PcmCache` where it was not.
"""

from auralis_trio.decoder.opening import DECODER_VERSION, Probed, open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache, PcmStatistics

__all__ = ["DECODER_VERSION", "PcmCache", "PcmStatistics", "Probed", "open_source", "probe"]
