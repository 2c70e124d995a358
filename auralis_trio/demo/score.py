"""How music is written down here: chords by name, and lines of tokens, one a step, that become notes in time.

A part repeats its line from its first bar to its last. Tokens are single characters, or words in a line with spaces:
``.`` rest, ``-`` hold, ``x X o`` a hit (medium, strong, soft), ``c C`` the whole chord, ``r t f u`` its root, third,
fifth and the root an octave up, ``0 1 2 ...`` its tones counted upwards, ``E5 F#4`` notes by name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "add9": (0, 4, 7, 14),
    "13": (0, 4, 10, 14, 21),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
}
VELOCITIES = {"x": 0.7, "X": 1.0, "o": 0.35, "c": 0.7, "C": 1.0}
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAME = re.compile(r"([A-G])([#b]?)(.*)")


class Chord(NamedTuple):
    """The pitch classes of a chord in order from its root, and of the note in its bass."""

    tones: tuple[int, ...]
    bass: int


class Note(NamedTuple):
    """One sound: when it begins, how long it is held (in beats), its MIDI pitch and how hard it is played (0-1)."""

    beat: float
    beats: float
    pitch: int
    velocity: float


@dataclass(frozen=True, slots=True)
class Part:
    """One player: which voice plays which line, from which bar up to which.

    `step` is in beats, `register` the MIDI pitch that chord tones gather around, `pan` from -1 (left) to 1. `ring`
    lets each note sound on for so many beats; `swell_db` is how much softer the part begins than it ends; `room`
    and `echo` say how much of it goes to the reverb and the delay.
    """

    voice: str
    line: str
    bars: tuple[int, int]
    level_db: float
    register: int = 60
    step: float = 0.25
    pan: float = 0.0
    ring: float = 0.0
    swell_db: float = 0.0
    room: float = 0.2
    echo: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """A piece of music: one chord name a bar (`A,B` shares the bar), repeated until `bars` are full.

    `swing` delays every second step by that share of it; `duck` is how far the kick drum pushes the other parts
    down; the room rings for `room_s`, and the last bar for `tail_s` after its end.
    """

    tempo_bpm: float
    bars: int
    chords: str
    parts: tuple[Part, ...]
    beats_per_bar: int = 4
    swing: float = 0.0
    duck: float = 0.0
    room_s: float = 1.8
    tail_s: float = 3.0
    seed: int = 1

    @property
    def beat_s(self) -> float:
        """How long a beat is."""
        return 60.0 / self.tempo_bpm

    @property
    def duration_s(self) -> float:
        """How long the music is, its ringing out included."""
        return self.bars * self.beats_per_bar * self.beat_s + self.tail_s


def parse_chord(name: str) -> Chord:
    """The chord called `name`, such as ``F#m7`` or ``D/F#``."""
    upper, _, lower = name.partition("/")
    root, quality = _pitch_class(upper)
    tones = tuple((root + interval) % 12 for interval in QUALITIES[quality])
    return Chord(tones, _pitch_class(lower)[0] if lower else root)


def parse_note(name: str) -> int:
    """The MIDI pitch of a note such as ``C4`` (60)."""
    pitch_class, octave = _pitch_class(name)
    return pitch_class + 12 * (int(octave) + 1)


def notes_of(score: Score, part: Part) -> Iterator[Note]:
    """The notes that `part` plays, in order."""
    chords = [[parse_chord(name) for name in bar.split(",")] for bar in score.chords.split()]
    tokens = part.line.split() if " " in part.line else list(part.line)
    first, end = (bar * score.beats_per_bar for bar in part.bars)
    for index in range(round((end - first) / part.step)):
        token = tokens[index % len(tokens)]
        if token in ".-":
            continue
        beat = first + index * part.step
        bar, within = divmod(beat, score.beats_per_bar)
        cell = chords[int(bar) % len(chords)]
        chord = cell[int(within * len(cell) / score.beats_per_bar)]
        steps = 1 + _holds(tokens, index)
        shift = score.swing * part.step * (index % 2)
        swell = 10 ** (part.swell_db / 20 * (1 - (beat - first) / (end - first)))
        for pitch in _pitches(token, chord, part.register):
            yield Note(beat + shift, steps * part.step + part.ring, pitch, VELOCITIES.get(token, 0.8) / swell)


def _pitch_class(name: str) -> tuple[int, str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"not a note or chord: {name}")
    letter, accidental, rest = match.groups()
    return (_SEMITONES[letter] + {"#": 1, "b": 11, "": 0}[accidental]) % 12, rest


def _holds(tokens: list[str], index: int) -> int:
    held = 0
    while held < len(tokens) and tokens[(index + held + 1) % len(tokens)] == "-":
        held += 1
    return held


def _near(pitch_class: int, register: int) -> int:
    """The pitch of this class within half an octave of `register`."""
    lowest = register - 6
    return lowest + (pitch_class - lowest) % 12


def _pitches(token: str, chord: Chord, register: int) -> list[int]:
    if token in "xXo":
        return [register]
    tones = chord.tones[len(chord.tones) > 4 :]  # the bass has the root of a full chord
    voicing = sorted(_near(tone, register) for tone in tones)
    if token in "cC":
        return voicing
    if token.isdigit():
        octave, tone = divmod(int(token), len(voicing))
        return [voicing[tone] + 12 * octave]
    root = _near(chord.bass, register)
    if token in "ru":
        return [root + 12 * (token == "u")]
    if token in "tf":
        return [_near(chord.tones[1 if token == "t" else -1 if len(chord.tones) == 2 else 2], register)]
    return [parse_note(token)]
