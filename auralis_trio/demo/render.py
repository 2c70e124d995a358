"""From a score to sound: every note is made once, laid into the mix, then the room, the echo and the level."""

import numpy as np

from auralis_trio.audio.block import Samples
from auralis_trio.audio.source import Check, never_cancelled
from auralis_trio.audio.units import db_to_gain
from auralis_trio.demo.drums import DRUMS
from auralis_trio.demo.effects import echo, level, push, room, settle
from auralis_trio.demo.pieces import Piece
from auralis_trio.demo.score import Part, Score, notes_of
from auralis_trio.demo.voices import TONES, Wave, hertz

LEAD_IN_S = 0.06


class _Desk:
    """The buses that the notes of one score are laid on."""

    def __init__(self, score: Score, rate: int) -> None:
        self.score = score
        self.rate = rate
        self.rng = np.random.default_rng(score.seed)
        self.frames = round(score.duration_s * rate)
        self.steady = np.zeros((2, self.frames), np.float32)
        self.ducked = np.zeros((2, self.frames), np.float32)
        self.to_room = np.zeros(self.frames, np.float32)
        self.to_echo = np.zeros(self.frames, np.float32)
        self.kicks: list[int] = []

    def play(self, part: Part) -> None:
        """Lay down every note of `part`; notes that are alike are made once."""
        drum = part.voice in DRUMS
        bus = self.steady if drum else self.ducked
        angle = (part.pan + 1) * np.pi / 4
        gains = np.array([[np.cos(angle)], [np.sin(angle)]]) * np.sqrt(2) * db_to_gain(part.level_db)
        made: dict[tuple[int, float], Wave] = {}
        for note in notes_of(self.score, part):
            late_s, touch = self.rng.normal(0, 0.0015 if drum else 0.004), self.rng.normal(1, 0.05)
            start = round(max(0.0, LEAD_IN_S + note.beat * self.score.beat_s + late_s) * self.rate)
            key = (note.pitch, round(note.beats * self.score.beat_s, 4))
            if key not in made:
                made[key] = self._sound(part.voice, *key)
            placed = made[key][:, : self.frames - start] * (gains * note.velocity * touch).astype(np.float32)
            end = start + placed.shape[1]
            bus[:, start:end] += placed
            if part.room or part.echo:
                middle = placed[0] + placed[1]
                self.to_room[start:end] += np.float32(part.room / 2) * middle
                self.to_echo[start:end] += np.float32(part.echo / 2) * middle
            if part.voice == "kick":
                self.kicks.append(start)

    def _sound(self, voice: str, pitch: int, held_s: float) -> Wave:
        if voice in DRUMS:
            return DRUMS[voice](held_s, self.rate, self.rng)
        return TONES[voice](hertz(pitch), held_s, self.rate)

    def mix(self) -> Wave:
        """Everything together: (2, frames)."""
        repeats = echo(self.to_echo, round(0.75 * self.score.beat_s * self.rate))
        self.to_room += np.float32(0.15) * (repeats[0] + repeats[1])
        self.ducked += repeats
        self.ducked += room(self.to_room, self.score.room_s, self.rate, self.rng)
        self.ducked *= push(self.frames, self.kicks, self.score.duck, self.rate)
        self.ducked += self.steady
        return self.ducked


def render_score(
    score: Score, sample_rate: int, channels: int, rms_db: float, check: Check = never_cancelled
) -> Samples:
    """The music of `score`: (frames, 1 or 2), silent at both ends; its louder passages have an RMS of `rms_db`."""
    desk = _Desk(score, sample_rate)
    for part in score.parts:
        check()
        desk.play(part)
    check()
    mix = desk.mix()
    check()
    if channels == 1:
        mix = mix.mean(axis=0, keepdims=True)
    mix = level(mix, db_to_gain(rms_db), sample_rate)
    settle(mix, sample_rate, 0.5 * score.tail_s)
    return np.ascontiguousarray(mix.T)


def render_piece(piece: Piece, check: Check = never_cancelled) -> tuple[Samples, int]:
    """The samples of `piece` (frames, channels) and their rate.

    A piece that is cut from a longer recording is that span of it, sample for sample.
    """
    whole = render_score(piece.score, piece.sample_rate, piece.channels, piece.level_db, check)
    return whole[slice(*piece.span)], piece.sample_rate
