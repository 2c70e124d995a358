"""How long a listener waits for the first packet after asking for it."""

import random
import time
from collections.abc import Sequence

from scripts.benchmarks.load import Client, Load, open_load
from scripts.benchmarks.paced import Side

PAUSE_S = 0.03
"""Between two questions: so that what the last one set going has come to rest."""


def places_in(side: Side, count: int) -> Sequence[int]:
    """So many frames anywhere in the track, always the same ones."""
    chosen = random.Random(1)
    return [chosen.randrange(side.grid.total_frames - side.grid.chunk_frames) for _ in range(count)]


def plays_ms(side: Side, places: Sequence[int], *, connections: int = 1) -> list[float]:
    """From each `play` to its first packet; the first one, which warms up, is left out."""
    waited_ms: list[float] = []
    with open_load(side.program.address) as load:
        clients = [load.open() for _ in range(connections)]
        for number, place in enumerate(places):
            client = clients[number % connections]
            waited_ms.append(_first_packet_ms(load, client, "play", track_id=side.track_id, start_frame=place))
    return waited_ms[1:]


def seeks_ms(side: Side, places: Sequence[int]) -> list[float]:
    """From each `seek` to the first packet of the new stream."""
    with open_load(side.program.address) as load:
        client = load.open()
        _first_packet_ms(load, client, "play", track_id=side.track_id, start_frame=places[0])
        return [_first_packet_ms(load, client, "seek", start_frame=place) for place in places[1:]]


def _first_packet_ms(load: Load, client: Client, kind: str, **data: int) -> float:
    load.run_for(PAUSE_S)
    client.expect_stream()
    said_s = time.monotonic()
    client.say(kind, **data)
    load.wait(lambda: client.first_packet_s is not None)
    assert client.first_packet_s is not None
    return (client.first_packet_s - said_s) * 1000
