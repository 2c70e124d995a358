"""Scores: chords by name, lines of tokens, notes in time."""

import pytest

from auralis_trio.demo.score import Chord, Note, Part, Score, notes_of, parse_chord, parse_note


def notes(line: str, chords: str = "C", **part: float) -> list[Note]:
    score = Score(120, 1, chords, (), swing=part.pop("swing", 0))
    return list(notes_of(score, Part("keys", line, (0, 1), 0, step=1, **part)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "chord"),
    [
        ("C", Chord((0, 4, 7), 0)),
        ("F#m7", Chord((6, 9, 1, 4), 6)),
        ("D/F#", Chord((2, 6, 9), 6)),
        ("Bbmaj9", Chord((10, 2, 5, 9, 0), 10)),
        ("Cb", Chord((11, 3, 6), 11)),
    ],
)
def test_a_chord_is_known_by_its_name(name: str, chord: Chord) -> None:
    assert parse_chord(name) == chord


def test_a_note_is_known_by_its_name() -> None:
    assert [parse_note(name) for name in ("C4", "A4", "Eb5", "F#3")] == [60, 69, 75, 54]


@pytest.mark.parametrize("name", ["H", "", "c4"])
def test_what_is_no_note_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a note or chord"):
        parse_note(name)


def test_a_dash_holds_a_note_and_a_dot_rests() -> None:
    assert [(note.beat, note.beats) for note in notes("0-.1")] == [(0, 2), (3, 1)]


def test_a_line_repeats_to_the_end_of_its_bars() -> None:
    assert [note.beat for note in notes("x.")] == [0, 2]


def test_chord_tones_are_counted_upwards_from_the_register() -> None:
    assert [note.pitch for note in notes("0123", register=60)] == [55, 60, 64, 67]


def test_root_third_fifth_and_octave_lie_around_the_register() -> None:
    assert [note.pitch for note in notes("rtfu", "D/F#", register=40)] == [42, 42, 45, 54]


def test_a_whole_chord_sounds_together_and_a_full_one_leaves_its_root_to_the_bass() -> None:
    assert [note.pitch for note in notes("c...", "Am")] == [57, 60, 64]
    assert [note.pitch for note in notes("c...", "Cmaj9")] == [55, 59, 62, 64]


def test_two_chords_share_a_bar() -> None:
    assert [note.pitch for note in notes("r.r.", "C,G", register=60)] == [60, 55]


def test_swing_delays_every_second_step() -> None:
    assert [note.beat for note in notes("xxxx", swing=0.25)] == [0, 1.25, 2, 3.25]


def test_a_swell_begins_softer_than_it_ends() -> None:
    loud = [note.velocity for note in notes("XXXX", swell_db=6)]
    assert loud == sorted(loud)
    assert loud[0] == pytest.approx(0.5, abs=0.01)
    assert loud[-1] < 1
