"""The listeners' settings: changed at once, told, written down, and taken up again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from auralis_trio.errors import Busy, InvalidRequest
from auralis_trio.library.settings import get_settings, keep_settings
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import InlineOffload
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.keeping import RETRY_S
from auralis_trio.stream.listening import Listening, ListeningSettings


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = open_library(tmp_path)
    yield opened
    opened.close()


class Stubborn(Catalogue):
    """A catalogue whose writer is taken as often as `refusals` says."""

    def __init__(self, library: Library, refusals: int = 0) -> None:
        super().__init__(InlineOffload(), library, 10.0)
        self.refusals = refusals
        self.writes = 0

    async def tell(self, change: Any, *args: Any) -> Any:
        self.writes += 1
        if self.refusals:
            self.refusals -= 1
            raise Busy
        return await super().tell(change, *args)


async def test_a_change_counts_and_is_told_at_once(library: Library) -> None:
    told: list[Mapping[str, Any]] = []
    looked: list[ListeningSettings] = []
    listening = Listening(Stubborn(library), told.append)
    listening.followers.append(lambda: looked.append(listening.settings))
    listening.change({"preset": "warm", "loudness_offset_lu": -2})
    assert listening.wish.preset == "warm"
    assert listening.target.offset_lu == -2.0
    assert [each["preset"] for each in told] == ["warm"]
    assert looked == [listening.settings]


async def test_what_is_no_change_is_not_told(library: Library) -> None:
    told: list[Mapping[str, Any]] = []
    listening = Listening(Stubborn(library), told.append)
    listening.change({"preset": "adaptive"})
    with pytest.raises(InvalidRequest):
        listening.change({"preset": "warm", "ceiling_dbtp": 3})
    assert told == []
    assert listening.settings == ListeningSettings()


async def test_changes_are_written_together_and_taken_up_again(library: Library) -> None:
    catalogue = Stubborn(library)
    listening = Listening(catalogue, lambda told: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listening.run_keeper)
        for number in range(100):
            listening.change({"intensity": number / 100})
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert catalogue.writes == 1
    again = Listening(catalogue, lambda told: None)
    await again.load()
    assert again.settings == listening.settings


async def test_a_writer_that_is_taken_is_asked_again(
    library: Library, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = Stubborn(library, refusals=2)
    listening = Listening(catalogue, lambda told: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listening.run_keeper)
        listening.change({"intensity": 0.5})
        await trio.sleep(2 * RETRY_S + 1)
        assert get_settings(library) == {"intensity": 0.5}
        nursery.cancel_scope.cancel()
    assert catalogue.writes == 3
    # Told once, however often it is tried.
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "what the listeners chose is not written yet, and tried again every 5 s: busy"
    ]


async def test_what_is_not_written_when_the_server_stops_is_written_then(library: Library) -> None:
    listening = Listening(Stubborn(library), lambda told: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listening.run_keeper)
        await wait_all_tasks_blocked()
        listening.change({"preset": "live"})
        nursery.cancel_scope.cancel()
    assert get_settings(library) == {"preset": "live"}


async def test_a_kept_value_that_can_no_longer_be_used_is_left_out(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    keep_settings(library, {"preset": "loudest", "colour": "red", "intensity": 0.25})
    listening = Listening(Stubborn(library), lambda told: None)
    await listening.load()
    assert listening.settings == ListeningSettings(intensity=0.25)
