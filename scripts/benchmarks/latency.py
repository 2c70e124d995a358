"""How long a listener waits for the first packet after asking for it."""

import random
import time
from collections.abc import Callable, Mapping, Sequence

from scripts.benchmarks.load import Client, Load, open_load

CREDIT_FRAMES = 5 * 44_100
PAUSE_S = 0.03
"""Between two questions: so that what the last one set going has come to rest."""
Address = tuple[str, int]


def places_in(total_frames: int, count: int) -> Sequence[int]:
    """So many frames anywhere in a track, always the same ones."""
    chosen = random.Random(1)
    return [chosen.randrange(total_frames * 9 // 10) for _ in range(count)]


def plays_ms(
    address: Address, questions: Sequence[Mapping[str, object]], before_each: Callable[[], None] = lambda: None
) -> list[float]:
    """From each `play` to its first packet, each over a connection of its own that is open already."""
    waited_ms: list[float] = []
    with open_load(address) as load:
        for question in questions:
            client = load.open()
            before_each()
            waited_ms.append(_first_packet_ms(load, client, "play", question))
            client.say("stop")
    return waited_ms


def seeks_ms(address: Address, questions: Sequence[Mapping[str, object]]) -> list[float]:
    """From each `seek` to the first packet of the new stream; the first question is asked by `play`."""
    with open_load(address) as load:
        client = load.open()
        _first_packet_ms(load, client, "play", questions[0])
        return [
            _first_packet_ms(load, client, "seek", {"start_frame": question["start_frame"]})
            for question in questions[1:]
        ]


def changes_ms(
    address: Address, questions: Sequence[Mapping[str, object]], presets: Sequence[str], listened_s: float = 0.0
) -> list[float]:
    """From each message of another preset to the first packet that sounds like it, in mid-play, for each `play`.

    The player gives credit, as ours does: a paced one gets its next packet when that is due, not when it is made. It
    has listened for so long before it asks.
    """
    waited_ms: list[float] = []
    for number, question in enumerate(questions):
        with open_load(address) as load:
            client = load.open()
            first, second = presets[number % len(presets)], presets[(number + 1) % len(presets)]
            _say_preset(load, client, first)
            _first_packet_ms(load, client, "play", {**question, "credit": CREDIT_FRAMES})
            load.run_for(listened_s)
            waited_ms.append(_first_packet_ms(load, client, "enhancement", {"enabled": True, "preset": second}))
    return waited_ms


def _say_preset(load: Load, client: Client, preset: str) -> None:
    client.say("enhancement", enabled=True, preset=preset)
    load.run_for(PAUSE_S)


def _first_packet_ms(load: Load, client: Client, kind: str, data: Mapping[str, object]) -> float:
    load.run_for(PAUSE_S)
    client.expect_stream()
    said_s = time.monotonic()
    client.say(kind, **data)
    load.wait(lambda: client.first_packet_s is not None)
    assert client.first_packet_s is not None
    return (client.first_packet_s - said_s) * 1000
