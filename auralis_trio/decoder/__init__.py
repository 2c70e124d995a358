"""From a file to its frames: one `AudioSource` over libsndfile and FFmpeg, exact to the frame in any order.

`sniff` tells what a file is; `opening` picks the decoder and the way to seek: directly, where that was proved to
give the samples of decoding in sequence, and through the `PcmCache` where it was not.

The libraries are loaded when one of the names below is first asked for: whoever reads headers alone, as the processes
of a scan do, has no need of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auralis_trio.decoder.opening import DECODER_VERSION, open_source, probe
    from auralis_trio.decoder.pcm_cache import PcmCache, PcmStatistics
    from auralis_trio.decoder.probing import Probed

__all__ = ["DECODER_VERSION", "PcmCache", "PcmStatistics", "Probed", "open_source", "probe"]

_HOMES = {"PcmCache": "pcm_cache", "PcmStatistics": "pcm_cache", "Probed": "probing"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'opening')}"), name)
