"""Where the bytes of a medley lie, also beyond what 32 bits can count; no file is needed to know."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.source import AudioFormat
from auralis_trio.library.medleys import MedleyTrack
from auralis_trio.library.records import TrackFile
from auralis_trio.mastering import AS_RECORDED
from auralis_trio.mastering.join import Join
from auralis_trio.stream.medley import Medley, arranged
from auralis_trio.web.medley_body import MedleyLayout


def medley(lengths: list[int], channels: int = 2, title: str = "Title") -> Medley:
    form = AudioFormat(44_100, channels, 16)
    files = [
        TrackFile(
            track_id=number,
            path="",
            content_id=f"content {number}",
            size=1,
            mtime_ns=1,
            kind="wav",
            format=form,
            total_frames=length,
        )
        for number, length in enumerate(lengths)
    ]
    fields = {"title": title, "artist": None, "album_id": None, "disc_number": None, "track_number": None}
    return arranged([(MedleyTrack(file=file, **fields), AS_RECORDED) for file in files], Join(0), within_albums=True)  # type: ignore[arg-type]


ENCODINGS = st.sampled_from([Encoding.S16, Encoding.S24, Encoding.F32])


@given(st.lists(st.integers(0, 2**33), min_size=1, max_size=9), st.integers(1, 2), ENCODINGS, st.data())
def test_every_byte_of_the_samples_belongs_to_its_frame(
    lengths: list[int], channels: int, encoding: Encoding, data: st.DataObject
) -> None:
    layout = MedleyLayout(medley(lengths, channels), encoding)
    frame_bytes = encoding.frame_bytes(channels)
    assert layout.data_end - len(layout.header) == sum(lengths) * frame_bytes
    assert layout.total_bytes == layout.data_end + len(layout.behind)
    assert layout.total_bytes % 2 == 0
    frame = data.draw(st.integers(0, max(0, sum(lengths) - 1)))
    offset = layout.frame_start(frame) + data.draw(st.integers(0, frame_bytes - 1))
    assert layout.frame_at(offset) == frame
    assert layout.frame_at(0) == 0


def test_beyond_4_gib_the_header_says_so_and_chapters_stay_as_long_as_their_frames_can_be_written() -> None:
    layout = MedleyLayout(medley([2**31, 2**31 - 1, 5]), Encoding.S16)
    assert layout.header.startswith(b"RF64")
    riff_bytes, data_bytes = struct.unpack_from("<QQ", layout.header, 20)
    assert riff_bytes == layout.total_bytes - 8
    assert data_bytes == (2**32 + 4) * 4
    assert layout.behind.startswith(b"cue ")
    assert MedleyLayout(medley([2**31, 2**31, 5]), Encoding.S16).behind == b""


def test_another_name_is_another_file_of_the_same_samples() -> None:
    one, other = medley([5, 6]), medley([5, 6], title="Another")
    assert one.revision == other.revision
    assert MedleyLayout(one, Encoding.S16).etag != MedleyLayout(other, Encoding.S16).etag
    assert len({MedleyLayout(one, encoding).etag for encoding in (Encoding.S16, Encoding.S24, Encoding.F32)}) == 3
