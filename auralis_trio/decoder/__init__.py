"""From a file to its frames: one `AudioSource` over libsndfile and FFmpeg, exact to the frame in any order.

`sniff` tells what a file is, and for most files what a scan asks of them; `opening` picks the decoder and the way to
seek: directly, where that was proved to give the samples of decoding in sequence, and through the `pcm_cache` where
it was not. Each module is imported by its own name: whoever reads headers alone, as the processes of a scan do, has
no need of the libraries that decode.
"""
