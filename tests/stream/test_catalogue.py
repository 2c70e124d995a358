"""The library as async code sees it: what it remembers of tracks, and for how long."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auralis_trio.audio.source import AudioFormat
from auralis_trio.errors import NotFound
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.folders import add_folder
from auralis_trio.library.queries import set_total_frames
from auralis_trio.library.records import ProbedFile, Tags
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.catalogue import MAX_FOUND, Catalogue

STEREO = AudioFormat(44_100, 2, 16)
TRACKS = MAX_FOUND + 1


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = open_library(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def counted(library: Library) -> "Counted":
    add_folder(library, "/music", 1)
    files = [
        ProbedFile(
            path=f"/music/{number}.wav",
            size=1000,
            mtime_ns=1,
            kind="wav",
            format=STEREO,
            total_frames=None,
            content_id=f"content-{number}",
            tags=Tags(title=f"{number}"),
        )
        for number in range(1, TRACKS + 1)
    ]
    for first in range(0, TRACKS, 100):
        apply_batch(library, files[first : first + 100], 1)
    return Counted(InlineOffload(), library, 10.0)


class Counted(Catalogue):
    """A catalogue that counts what it asks the database."""

    questions = 0

    async def ask(self, question: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.questions += 1
        return await super().ask(question, *args, **options)


async def test_a_track_is_asked_for_once_as_long_as_nothing_is_written(counted: Counted) -> None:
    first = await counted.find_track(1)
    assert first.path == "/music/1.wav"
    assert [await counted.find_track(1) for _ in range(5)] == [first] * 5
    assert counted.questions == 1


def change_and_fail(library: Library) -> None:
    with library.writing() as entities:
        entities.Track[1].size = 7
        raise NotFound


async def test_after_each_change_it_is_asked_for_anew(counted: Counted, library: Library) -> None:
    assert (await counted.find_track(1)).total_frames is None
    set_total_frames(library, 1, 4_711)
    assert (await counted.find_track(1)).total_frames == 4_711
    with library.writing() as entities:
        entities.Track[2].delete()
    with pytest.raises(NotFound):
        await counted.find_track(2)


async def test_a_change_that_fails_makes_nothing_stay_wrong(counted: Counted, library: Library) -> None:
    before = await counted.find_track(1)
    with pytest.raises(NotFound):
        change_and_fail(library)
    assert await counted.find_track(1) == before


async def test_what_was_read_while_something_was_written_is_not_remembered(
    library: Library, counted: Counted
) -> None:
    class Overtaken(Counted):
        async def ask(self, question: Callable[..., Any], *args: Any, **options: Any) -> Any:
            answer = await super().ask(question, *args, **options)
            if self.questions == 1:
                set_total_frames(library, 1, 4_711)  # the answer is of before
            return answer

    catalogue = Overtaken(InlineOffload(), library, 10.0)
    assert (await catalogue.find_track(1)).total_frames is None
    assert (await catalogue.find_track(1)).total_frames == 4_711


async def test_no_more_tracks_are_remembered_than_the_bound_allows(counted: Counted) -> None:
    for track_id in range(1, MAX_FOUND + 2):
        await counted.find_track(track_id)
    assert counted.questions == MAX_FOUND + 1
    await counted.find_track(MAX_FOUND + 1)
    await counted.find_track(2)
    assert counted.questions == MAX_FOUND + 1
    await counted.find_track(1)  # the first one had to make room
    assert counted.questions == MAX_FOUND + 2
    assert len(counted._found) == MAX_FOUND
