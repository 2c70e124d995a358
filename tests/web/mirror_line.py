"""A line on which mastering is a change of sign, between the page and the real server.

So it shows to the frame what is heard. It also lets a test choose the frame at which a changed stream begins anew,
which the server chooses by itself.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from playwright.sync_api import WebSocketRoute

from auralis_trio.wire.packets import HEADER_BYTES

GRAIN = 12_288
SETTINGS = {"enabled": False, "preset": "adaptive", "intensity": 1.0, "match_loudness": False}
ANALYSING = {"code": "analysis_running", "message": "The track is being analysed. Ask again in a moment."}
Place = Callable[[int, int], int]
"""From the frames played and sent of a stream to the one where it is begun anew, counted from its start."""


def soon(played: int, sent: int) -> int:
    """The first grain at least half a second on."""
    return min(sent, -(-(played + 22_050) // GRAIN) * GRAIN)


class MirrorLine:
    """One page's WebSocket; give `route` to `page.route_web_socket`."""

    def __init__(self, place: Place = soon) -> None:
        self.place = place
        self.settings = SETTINGS
        self.refusals, self.refusal = 0, ANALYSING
        self.plays: list[dict[str, Any]] = []
        self.begun_anew: list[int] = []

    def route(self, line: WebSocketRoute) -> None:
        """Stand between a page and the server."""
        _Mirror(self, line)


class _Mirror:
    def __init__(self, owner: MirrorLine, line: WebSocketRoute) -> None:
        self.owner, self.line, self.server = owner, line, line.connect_to_server()
        self.sound: dict[str, Any] = {}
        self.sounds: list[dict[str, Any]] = []
        self.start = self.played = self.sent = 0
        self.tracks: dict[int, int] = {}
        self.stream_id, self.live = 0, False
        self.anew: set[int] = set()
        line.on_message(self.from_page)
        self.server.on_message(self.from_server)

    def from_page(self, text: str | bytes) -> None:
        said = json.loads(text)
        kind, data = said["type"], said.get("data", {})
        if kind in ("play", "seek"):
            self.anew.clear()
        if kind == "play":
            settings = self.owner.settings
            self.sounds.append({**settings, "enhanced": settings["enabled"], **data})
            self.owner.plays.append(self.sounds[-1])
            if self.owner.refusals:
                self.owner.refusals -= 1
                entry_id = data.get("entry_id")
                names = {"entry_id": entry_id, "track_id": data.get("track_id") or self.tracks[entry_id]}
                self.tell("audio_stream_error", {**self.owner.refusal, **names})
                return
            text = json.dumps({"type": "play", "data": {**data, "enhanced": False, "match_loudness": False}})
        elif kind == "credit":
            self.played = data["played"] if data["stream_id"] == self.stream_id else self.played
        elif kind == "enhancement":
            self.owner.settings = data
            self.tell("enhancement_settings_changed", data)
            self.sounds.append({**data, "enhanced": data["enabled"]})
            frame = self.start + self.owner.place(self.played, self.sent)
            if not self.stream_id or (not self.live and frame >= self.start + self.sent):
                return
            self.owner.begun_anew.append(frame)
            self.anew.add(frame)
            text = json.dumps({"type": "seek", "data": {"start_frame": frame}})
        self.server.send(text)

    def from_server(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            header, payload = message[:HEADER_BYTES], message[HEADER_BYTES:]
            self.sent += int.from_bytes(header[16:20], "little")
            self.line.send(header + (mirrored(payload, header[1]) if self.sound.get("enhanced") else payload))
            return
        said = json.loads(message)
        if said["type"] == "hello":
            said["data"]["state"]["enhancement"] = self.owner.settings
        if said["type"] == "queue_changed":
            self.tracks = {entry["entry_id"]: entry["track_id"] for entry in said["data"]["entries"]}
        if said["type"] == "audio_stream_end" and said["data"]["reason"] == "completed":
            self.live = False
        if said["type"] == "audio_stream_start":
            self.sound, self.live = self.sounds[-1], True
            if said["data"]["start_frame"] in self.anew:
                said["data"]["follows_stream_id"] = self.stream_id
                said["data"]["follows_frames"] = said["data"]["start_frame"] - self.start
            self.stream_id = said["data"]["stream_id"]
            self.start, self.sent, self.played = said["data"]["start_frame"], 0, 0
            said["data"] |= {name: self.sound[name] for name in ("enhanced", "preset", "intensity")}
        self.line.send(json.dumps(said))

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        self.line.send(json.dumps({"type": kind, "data": data}))


def mirrored(payload: bytes, encoding: int) -> bytes:
    """The samples with their sign changed: 1 s16, 2 s24, 3 f32."""
    if encoding == 3:
        return (-np.frombuffer(payload, "<f4")).astype("<f4").tobytes()
    if encoding == 1:
        return (-np.frombuffer(payload, "<i2")).astype("<i2").tobytes()
    words = np.zeros((len(payload) // 3, 4), np.uint8)
    words[:, 1:] = np.frombuffer(payload, np.uint8).reshape(-1, 3)
    negative: bytes = (-(words.view("<i4")[:, 0] >> 8)).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return negative
