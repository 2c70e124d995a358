"""Encodings: found by name, with sizes only where there are some."""

import pytest

from auralis_trio.audio.encoding import Encoding


@pytest.mark.parametrize("encoding", list(Encoding))
def test_an_encoding_is_found_by_its_label(encoding: Encoding) -> None:
    assert Encoding.named(encoding.label) is encoding


@pytest.mark.parametrize("label", ["", "S16", "mp3", "s16 "])
def test_an_unknown_label_is_a_key_error(label: str) -> None:
    with pytest.raises(KeyError):
        Encoding.named(label)


def test_labels_and_numbers_are_unique() -> None:
    numbers = [encoding.number for encoding in Encoding if encoding.number]
    assert len({encoding.label for encoding in Encoding}) == len(Encoding) == 7
    assert len(set(numbers)) == len(numbers) == 5


@pytest.mark.parametrize(("label", "frame_bytes"), [("s16", 6), ("s24", 9), ("s32", 12), ("f32", 12)])
def test_plain_pcm_has_a_frame_size(label: str, frame_bytes: int) -> None:
    assert Encoding.named(label).frame_bytes(3) == frame_bytes


@pytest.mark.parametrize("label", ["flac", "opus", "wav"])
def test_other_encodings_have_none(label: str) -> None:
    with pytest.raises(TypeError):
        Encoding.named(label).frame_bytes(2)
