"""The player page as a test sees it: what it plays, read from the tap, and what it complains of."""

import base64
import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import mutagen
import numpy as np
import soundfile
from numpy.typing import NDArray
from playwright.sync_api import ConsoleMessage, Page, Request, WebSocket, expect

from auralis_trio.demo import synthesise

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
LIMIT_MS = 100_000
"""No test waits longer for anything; only a fault lets it come to that."""

LOUDSPEAKER = """(() => {
    const contexts = new Set();
    const speaker = { held: false, decks: [] };
    speaker.hold = () => {
        speaker.held = true;
        for (const context of contexts) context.rest();
        return true;
    };
    speaker.release = () => {
        speaker.held = false;
        for (const context of contexts) if (context.wanted) context.go();
    };
    globalThis.loudspeaker = speaker;
    globalThis.AudioContext = class extends AudioContext {
        wanted = true;
        constructor(...options) { super(...options); contexts.add(this); if (speaker.held) this.rest(); }
        rest() { super.suspend(); }
        go() { super.resume(); }
        suspend() { this.wanted = false; return super.suspend(); }
        async resume() { this.wanted = true; if (!speaker.held) await super.resume(); }
        async close() { contexts.delete(this); await super.close(); }
    };
    globalThis.AudioWorkletNode = class extends AudioWorkletNode {
        constructor(...of) {
            super(...of);
            const deck = { given: [0, of[2].processorOptions.twin ? 0 : Infinity], cuts: [], end: null };
            const take = this.port.postMessage.bind(this.port);
            speaker.decks.push(deck);
            this.port.postMessage = (message, transfer) => {
                const { command, value } = message;
                if (command === "push") deck.given[value.side ?? 0] += (value.planes ?? value)[0].length;
                if (command === "cut") {
                    deck.given[value.side ?? 0] = value.frame ?? value;
                    deck.cuts.push(value.frame ?? value);
                }
                if (command === "finish") deck.end = value;
                take(message, transfer);
            };
        }
    };
})()"""
"""Tests can hold the sound of a page: then the frame that is heard stays the same, however long anything else takes.

`loudspeaker.decks` has for each deck how many frames it was given (`given`, one number for each of two versions),
from which of them on they were replaced (`cuts`), and behind which one nothing follows (`end`).
"""
GIVEN = "Math.min(...loudspeaker.decks.at(-1)?.given ?? [0])"
"""How many frames the last deck was given."""
WHOLE = f"(loudspeaker.decks.at(-1) ?? {{ end: null }}).end === {GIVEN}"
"""Whether the last deck has all that it is going to get."""
_CUT = "loudspeaker.decks.at(-1).cuts.at(-1)"

# The page's policy forbids to evaluate text in it, so conditions are put in by the debugger.
_WAIT = """() => new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error("never: " + %(text)s + " " + JSON.stringify(
        {
            records: auralisTap.records.map((record) => ({ ...record, planes: undefined })),
            decks: loudspeaker.decks,
            shown: ["now-title", "condition", "notice", "lamp"].map((id) => document.getElementById(id).textContent),
        }))), %(limit_ms)d);
    const look = () => {
        const records = auralisTap.records;
        const record = records.at(-1);
        if (!(%(condition)s)) return requestAnimationFrame(look);
        clearTimeout(giveUp);
        resolve();
    };
    look();
})"""
_RECORDS = """() => auralisTap.records.map(({ planes, ...record }) => {
    const samples = new Float32Array(record.frames * record.channels);
    let at = 0;
    for (const block of planes)
        for (let frame = 0; frame < block[0].length; frame++)
            for (const plane of block) samples[at++] = plane[frame];
    const bytes = new Uint8Array(samples.buffer);
    let text = "";
    for (let from = 0; from < bytes.length; from += 32768)
        text += String.fromCharCode(...bytes.subarray(from, from + 32768));
    return { ...record, samples: btoa(text) };
})"""

Samples = NDArray[np.float32]


class Run(Protocol):
    """Runs the body of an async function in a page; `load(name)` imports a module, `given` is the argument."""

    def __call__(self, body: str, given: Any = None) -> Any: ...


class Watch:
    """Notes what a page complains of, whom it asks, and what was said last on its lines."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.origins: set[str] = set()
        self.talk: deque[str] = deque(maxlen=80)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)
        page.on("websocket", self._opened)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        self.origins.add(urlsplit(request.url).netloc)

    def _opened(self, socket: WebSocket) -> None:
        self.origins.add(urlsplit(socket.url).netloc)
        self.talk.append("a line is opened")
        socket.on("framesent", lambda said: self._talked(">", said))
        socket.on("framereceived", lambda said: self._talked("<", said))
        socket.on("close", lambda _: self.talk.append("a line is closed"))

    def _talked(self, way: str, said: str | bytes) -> None:
        text = f"a packet of {len(said)} bytes" if isinstance(said, bytes) else said[:300]
        self.talk.append(f"{way} {text}")


@dataclass(frozen=True)
class Heard:
    """What one tape gave to the loudspeakers: `marks` are (track id, its first frame, its place on the tape)."""

    marks: list[tuple[int, int, int]]
    samples: Samples
    sample_rate: int
    underruns: int
    ended: bool


def open_player(page: Page, url: str, tracks: int) -> None:
    """Open the page with its tap and wait until it shows the library."""
    page.goto(f"{url}/?tap=1")
    expect(page.locator(".track")).to_have_count(tracks)
    expect(page.locator("#lamp")).to_have_text("Connected")


def clear_queue(page: Page, url: str) -> None:
    """Begin with an empty queue, whatever earlier tests have left."""
    for order, body in (("clear", {}), ("repeat", {"mode": "off"})):
        answer = page.request.post(f"{url}/api/player/queue/{order}", data=body)
        assert answer.ok, answer.text()


def ask(page: Page, url: str, path: str) -> Any:
    """What the server answers at a path below `/api/`."""
    answer = page.request.get(f"{url}/api/{path}")
    assert answer.ok, answer.text()
    return answer.json()


def queued(page: Page, url: str) -> list[str]:
    """The titles in the play queue."""
    return [item["track"]["title"] for item in ask(page, url, "player/queue?limit=500")["items"]]


def write_track(path: Path, samples: NDArray[np.floating[Any]], rate: int, tags: Mapping[str, str]) -> None:
    """Make a file of music that says these things of itself."""
    soundfile.write(path, samples, rate, "PCM_16")
    if tags:
        file = mutagen.File(path)
        file.update({field: [value] for field, value in tags.items()})
        file.save()


Tracks = Mapping[str, tuple[float, int, int, str]]
"""By their titles: how many seconds, at which rate, of how many channels, on which album."""


def write_tracks(folder: Path, tracks: Tracks) -> Path:
    """Make a folder of music; the tracks have the numbers that they stand in. Gives the folder."""
    for seed, (title, (seconds, rate, channels, album)) in enumerate(tracks.items(), 1):
        tags = {"title": title, "album": album, "tracknumber": str(seed), "artist": "Somebody"}
        write_track(folder / f"{title}.flac", synthesise(seconds, rate, channels, seed), rate, tags)
    return folder


def wait_for(page: Page, condition: str) -> None:
    """Wait until a condition on the tap's `records` (`record` is the last one) holds."""
    page.evaluate(_WAIT % {"condition": condition, "text": json.dumps(condition), "limit_ms": LIMIT_MS})


@contextmanager
def held(page: Page) -> Iterator[None]:
    """A page that goes on with everything but the sound, which stays at the frame where it is."""
    page.evaluate("() => loudspeaker.hold()")
    yield
    page.evaluate("() => loudspeaker.release()")


def hold_when(page: Page, condition: str) -> None:
    """Hold the sound as soon as a condition as for `wait_for` holds."""
    wait_for(page, f"({condition}) && loudspeaker.hold()")


def release(page: Page) -> None:
    """Let the sound go on."""
    page.evaluate("() => loudspeaker.release()")


def wait_for_cut(page: Page, number: int) -> None:
    """Wait until another sound has taken the place of the one before, and two seconds of it are there."""
    wait_for(page, f"loudspeaker.decks.at(-1).cuts.length === {number} && {GIVEN} > {_CUT} + 2 * record.sampleRate")


def heard(page: Page) -> list[Heard]:
    """Everything that was heard since the page was opened, one item a tape."""
    return [
        Heard(
            [(mark["trackId"], mark["startFrame"], mark["tapeStart"]) for mark in record["marks"]],
            np.frombuffer(base64.b64decode(record["samples"]), "<f4").reshape(-1, record["channels"]),
            record["sampleRate"],
            record["underruns"],
            record["ended"],
        )
        for record in page.evaluate(_RECORDS)
    ]


def decoded(path: Path) -> Samples:
    """What the file holds."""
    samples: Samples = soundfile.read(path, dtype="float32", always_2d=True)[0]
    return samples


def search(page: Page, text: str, tracks: int) -> None:
    """Show only what matches."""
    page.locator("#search").fill(text)
    expect(page.locator(".track")).to_have_count(tracks)


def click_track(page: Page, title: str) -> None:
    """Play the track of this name."""
    page.locator(".track").filter(has=page.get_by_text(title, exact=True)).click()
