"""The hub: who is connected, up to its bound, and what all of them are told."""

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.errors import Busy
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.session import OUTBOX_MESSAGES, POLICY, run_session
from auralis_trio.stream.session_services import SessionLimits, SessionServices
from auralis_trio.wire.messages import Topic
from tests.fakes import FakeLink, Tracks, services_for

CROWD = 1000


@dataclass(eq=False)
class Ear:
    """A listener that keeps what it hears."""

    id: str
    heard: list[tuple[Topic, dict[str, Any]]] = field(default_factory=list)
    ended: tuple[int, str] | None = None
    changes: int = 0

    def sound_changed(self) -> None:
        self.changes += 1

    def tell_nowait(self, topic: Topic, text: str) -> None:
        self.heard.append((topic, json.loads(text)))

    def end(self, code: int, reason: str) -> None:
        self.ended = (code, reason)

    def statistics(self) -> Any:
        return {"session": self.id}


def test_everybody_connected_hears_an_event_with_boot_and_number() -> None:
    hub, one, two, late = Hub(5), Ear("1"), Ear("2"), Ear("3")
    with hub.join(one), hub.join(two):
        hub.announce("library", "library_updated", {"tracks": 3})
        with hub.join(late):
            hub.announce("jobs", "job_progress", {})
    hub.announce("player", "player_state", {})
    first = ("library", {"type": "library_updated", "data": {"tracks": 3, "boot": hub.boot, "seq": 1}})
    second = ("jobs", {"type": "job_progress", "data": {"boot": hub.boot, "seq": 2}})
    assert one.heard == two.heard == [first, second]
    assert late.heard == [second]
    assert hub.seq == 3


def test_each_boot_has_another_id() -> None:
    assert Hub(1).boot != Hub(1).boot


def test_the_last_place_is_given_and_no_further_one() -> None:
    hub = Hub(2)
    with hub.join(Ear("1")):
        with hub.join(Ear("2")):
            with pytest.raises(Busy) as caught, hub.join(Ear("3")):
                pytest.fail("there was no place")
            assert caught.value.headers["Retry-After"] == "10"
        with hub.join(Ear("3")):
            assert [told["session"] for told in hub.statistics()] == ["1", "3"]
    assert hub.statistics() == []


def test_a_place_comes_free_also_after_an_error() -> None:
    hub = Hub(1)
    with pytest.raises(ZeroDivisionError), hub.join(Ear("1")):
        raise ZeroDivisionError
    assert hub.statistics() == []


def test_all_are_ended_with_the_same_code() -> None:
    hub, ears = Hub(5), [Ear(str(number)) for number in range(3)]
    with hub.join(ears[0]), hub.join(ears[1]):
        hub.end_all(1001, "going away")
    assert [ear.ended for ear in ears] == [(1001, "going away"), (1001, "going away"), None]


def test_a_listener_that_leaves_while_all_are_told_disturbs_nobody() -> None:
    hub, ear = Hub(5), Ear("stays")

    class Leaver(Ear):
        def tell_nowait(self, topic: Topic, text: str) -> None:
            place.__exit__(None, None, None)

    place = hub.join(Leaver("leaves"))
    place.__enter__()
    with hub.join(ear):
        hub.announce("library", "library_updated", {})
        assert len(ear.heard) == 1
        assert [told["session"] for told in hub.statistics()] == ["stays"]


def test_a_change_of_sound_reaches_everybody_connected() -> None:
    hub, ears = Hub(5), [Ear("one"), Ear("two"), Ear("gone")]
    with hub.join(ears[0]), hub.join(ears[1]):
        hub.change_sound()
    assert [ear.changes for ear in ears] == [1, 1, 0]


@pytest.fixture
def crowd(tmp_path: Path) -> SessionServices:
    pcm = PcmCache(str(tmp_path / "pcm"), 0, 1.0)
    limits = SessionLimits(stall_timeout_s=20.0, pace_ahead_s=3.0, max_messages_per_s=1)
    return services_for(Tracks(), pcm, limits=limits, max_sessions=CROWD)


async def test_a_thousand_hear_what_one_deaf_client_is_cut_for(
    crowd: SessionServices,
) -> None:
    links = [FakeLink() for _ in range(CROWD)]
    deaf, *others = links
    async with trio.open_nursery() as nursery:
        for link in links:
            nursery.start_soon(run_session, link, crowd)
            await link.hear("hello")
        deaf.stop_taking()
        await trio.testing.wait_all_tasks_blocked()
        # One in the writer's hand, and all that the outbox holds; the next one is too many.
        for number in range(1 + OUTBOX_MESSAGES + 1 + 1):
            crowd.hub.announce("library", "library_updated", {"number": number})
            await trio.testing.wait_all_tasks_blocked()
        await deaf.hear("closed")
        assert deaf.closed is not None
        assert deaf.closed[0] == POLICY
        for link in others:
            assert [told["number"] for told in link.told("library_updated")] == [*range(1 + OUTBOX_MESSAGES + 1 + 1)]
            link.hang_up()


def test_an_event_is_put_into_words_once_for_all() -> None:
    heard: list[str] = []

    class Keeper(Ear):
        def tell_nowait(self, topic: Topic, text: str) -> None:
            heard.append(text)

    hub = Hub(CROWD)
    with ExitStack() as stack:
        for number in range(CROWD):
            stack.enter_context(hub.join(Keeper(str(number))))
        hub.announce("library", "library_updated", {"tracks": 3})
    assert len(heard) == CROWD
    assert len({id(text) for text in heard}) == 1
