"""Block -> bytes: PCM, WAV, FLAC, Opus. What comes in is float32 with its place in the track; what goes out is final.

It knows neither files nor clients. Only this package writes RIFF headers.
"""

from auralis_trio.encoder.chapters import cue_sheet, wav_chapters
from auralis_trio.encoder.chunk import encode
from auralis_trio.encoder.pcm import quantise
from auralis_trio.encoder.wav import wav_header, wav_padding

__all__ = ["cue_sheet", "encode", "quantise", "wav_chapters", "wav_header", "wav_padding"]
