"""Checksums of blocks: whatever is asked for, they prove all of it, and nothing that was changed passes."""

from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.decoder.block_sums import BlockSums

BLOCK = 16
PARTS = st.lists(st.binary(max_size=3 * BLOCK), min_size=1, max_size=6).filter(any)


def sums_of(parts: list[bytes]) -> BlockSums:
    sums = BlockSums(BLOCK)
    for part in parts:
        sums.add(memoryview(part))
    return sums


@given(PARTS, st.data())
def test_any_part_of_what_was_added_is_proved_and_a_flipped_bit_in_it_is_found(
    parts: list[bytes], choices: st.DataObject
) -> None:
    whole = b"".join(parts)
    start = choices.draw(st.integers(0, len(whole) - 1))
    end = choices.draw(st.integers(start + 1, len(whole)))
    restored = BlockSums.unpack(BLOCK, len(whole), sums_of(parts).pack())
    assert restored is not None
    for sums in (sums_of(parts), restored):
        cover = sums.covering(start, end)
        assert cover.start <= start < end <= cover.start + cover.length <= len(whole)
        data = bytearray(whole[cover.start : cover.start + cover.length])
        assert cover.agrees(memoryview(data))
        data[choices.draw(st.integers(0, len(data) - 1))] ^= 1 << choices.draw(st.integers(0, 7))
        assert not cover.agrees(memoryview(data))
        assert not cover.agrees(memoryview(data)[:-1])


@given(PARTS, st.integers(-BLOCK, 2 * BLOCK).filter(lambda more: more % BLOCK or more))
def test_sums_of_another_number_of_blocks_are_not_taken(parts: list[bytes], more: int) -> None:
    length = sum(map(len, parts))
    blocks, others = -(-length // BLOCK), -(-(length + more) // BLOCK)
    unpacked = BlockSums.unpack(BLOCK, length + more, sums_of(parts).pack()) if length + more >= 0 else None
    assert (unpacked is not None) == (blocks == others and length + more >= 0)
