"""Orders as clients write them: one record for each action, and nothing else is one."""

from typing import Any

import msgspec
import pytest

from auralis_trio.wire.queue_orders import (
    MAX_ENTRIES,
    AddTracks,
    Clear,
    MoveEntry,
    QueueFrom,
    QueueOrder,
    Redo,
    RemoveEntries,
    Reorder,
    Repeat,
    SetQueue,
    Shuffle,
    Undo,
)

ORDERS: list[tuple[dict[str, Any], QueueOrder]] = [
    ({"action": "set", "track_ids": [3, 3], "start_index": 1}, SetQueue(track_ids=(3, 3), start_index=1)),
    ({"action": "from", "album_id": 2}, QueueFrom(album_id=2)),
    ({"action": "add", "track_ids": [1]}, AddTracks(track_ids=(1,))),
    ({"action": "add", "track_ids": [1], "position": 0}, AddTracks(track_ids=(1,), position=0)),
    ({"action": "add", "track_ids": [1], "next": True}, AddTracks(track_ids=(1,), next=True)),
    ({"action": "remove", "entry_ids": [4]}, RemoveEntries(entry_ids=(4,))),
    ({"action": "move", "entry_id": 4, "to_index": 0}, MoveEntry(entry_id=4, to_index=0)),
    ({"action": "reorder", "entry_ids": []}, Reorder(entry_ids=())),
    ({"action": "clear"}, Clear()),
    ({"action": "shuffle", "enabled": True}, Shuffle(enabled=True)),
    ({"action": "shuffle", "enabled": True, "seed": 7}, Shuffle(enabled=True, seed=7)),
    ({"action": "repeat", "mode": "one"}, Repeat(mode="one")),
    ({"action": "undo", "revision": 9}, Undo(revision=9)),
    ({"action": "redo"}, Redo()),
]


@pytest.mark.parametrize(("said", "order"), ORDERS)
def test_an_order_is_told_by_its_action_and_the_same_without_it_where_that_is_known(
    said: dict[str, Any], order: QueueOrder
) -> None:
    assert msgspec.json.decode(msgspec.json.encode(said), type=QueueOrder) == order
    assert order.action == said["action"]
    body = {name: value for name, value in said.items() if name != "action"}
    assert msgspec.json.decode(msgspec.json.encode(body), type=type(order)) == order


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"action": "burn"},
        {"action": 7},
        {"track_ids": [1]},
        {"action": "set"},
        {"action": "set", "track_ids": []},
        {"action": "set", "track_ids": [0]},
        {"action": "set", "track_ids": [1.5]},
        {"action": "set", "track_ids": ["1"]},
        {"action": "set", "track_ids": [1], "entry_ids": [1]},
        {"action": "set", "track_ids": [1] * (MAX_ENTRIES + 1)},
        {"action": "set", "track_ids": [1], "start_index": -1},
        {"action": "add", "track_ids": [1], "position": -1},
        {"action": "add", "track_ids": [1], "position": True},
        {"action": "remove", "entry_ids": []},
        {"action": "reorder", "entry_ids": [1] * (MAX_ENTRIES + 1)},
        {"action": "shuffle", "enabled": True, "seed": 2**31},
        {"action": "repeat", "mode": "ONE"},
        {"action": "undo", "revision": -1},
        {"action": "from", "playlist_id": 2**63},
    ],
)
def test_whatever_is_no_order_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(said), type=QueueOrder)
