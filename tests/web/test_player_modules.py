"""The player's pure modules, run in the browser that they are written for."""

import struct

import pytest
from playwright.sync_api import Page, expect

from auralis_trio.audio.encoding import Encoding
from auralis_trio.wire.packets import FIRST, LAST, pack_header
from tests.web.player_page import Run


def test_an_empty_library_says_what_to_do(page: Page, empty_url: str) -> None:
    page.goto(empty_url)
    expect(page.locator("#tracks-note")).to_have_text(
        "No music yet. Start the server with a folder of music: auralis-trio serve FOLDER"
    )
    page.locator("#play").click()
    expect(page.locator("#now-title")).to_have_text("Nothing is playing")
    expect(page.locator("#notice")).to_have_text("There is no music to play yet.")
    page.locator("#notice-close").click()
    page.keyboard.press(" ")
    expect(page.locator("#notice")).to_have_text("There is no music to play yet.")


@pytest.mark.parametrize("encoding", [Encoding.S16, Encoding.S24, Encoding.F32])
def test_packets_are_read_as_the_server_writes_them(modules: Run, encoding: Encoding) -> None:
    """Two channels, two frames: full scale down, the least step, zero, a half."""
    payload = {
        Encoding.S16: struct.pack("<4h", -(2**15), 1, 0, 2**14),
        Encoding.S24: b"\x00\x00\x80" + b"\x01\x00\x00" + b"\x00\x00\x00" + b"\x00\x00\x40",
        Encoding.F32: struct.pack("<4f", -1, 2**-30, 0, 0.5),
    }[encoding]
    step = {Encoding.S16: 2**-15, Encoding.S24: 2**-23, Encoding.F32: 2**-30}[encoding]
    message = pack_header(encoding, FIRST | LAST, 2**32 - 1, 2**40 + 3, 2, 7) + payload
    packet = modules(
        """const { parsePacket, planarSamples } = await load("packet.js");
        const packet = parsePacket(new Uint8Array(given).buffer);
        return { ...packet, payload: null, planes: planarSamples(packet, 2).map((plane) => [...plane]) };""",
        list(message),
    )
    assert packet == {
        "encoding": encoding.number,
        "first": True,
        "last": True,
        "provisional": False,
        "streamId": 2**32 - 1,
        "startFrame": 2**40 + 3,
        "frames": 2,
        "sequence": 7,
        "payload": None,
        "planes": [[-1, 0], [step, 0.5]],
    }


def test_what_is_not_a_packet_is_refused(modules: Run) -> None:
    header = pack_header(Encoding.S16, 0, 1, 0, 2, 0)
    messages = [b"", header[:10], header, b"\x02" + header[1:] + bytes(8), header + bytes(7), header + bytes(9)]
    messages.append(pack_header(Encoding.FLAC, 0, 1, 0, 2, 0) + bytes(8))
    refused = modules(
        """const { PacketError, parsePacket, planarSamples } = await load("packet.js");
        return given.map((bytes) => {
            try {
                planarSamples(parsePacket(new Uint8Array(bytes).buffer), 2);
                return false;
            } catch (error) {
                return error instanceof PacketError;
            }
        });""",
        [list(message) for message in messages],
    )
    assert refused == [True] * len(messages)


def test_the_shortest_exact_encoding_is_chosen(modules: Run) -> None:
    chosen = modules(
        """const { exactEncoding } = await load("packet.js");
        return given.map((bits) => exactEncoding({ bits }));""",
        [8, 16, 20, 24, 32, None],
    )
    assert chosen == ["s16", "s16", "s24", "s24", "f32", "f32"]


def test_a_ring_gives_back_every_frame_in_order_and_takes_none_that_it_has_no_room_for(
    modules: Run,
) -> None:
    """Against a plain list, with 5,000 reads and writes of all sizes from none to more than fits."""
    assert modules(
        """const { Ring } = await load("ring.js");
        const ring = new Ring(2, 37), model = [];
        let state = 1, next = 0;
        const random = (limit) => (state = (state * 48271) % 2147483647) % limit;
        for (let turn = 0; turn < 5000; turn++) {
            const frames = random(45);
            if (random(2)) {
                const plane = Float32Array.from({ length: frames }, (_, at) => next + at);
                const fits = frames <= 37 - model.length;
                if (ring.write([plane, plane.map((value) => -value)]) !== fits) return "room " + turn;
                if (fits) model.push(...plane), next += frames;
            } else {
                const wanted = Math.min(frames, model.length);
                const outputs = [new Float32Array(wanted), new Float32Array(wanted)];
                ring.read(outputs, wanted);
                const expected = model.splice(0, wanted);
                if (outputs[0].some((value, at) => value !== expected[at])) return "left " + turn;
                if (outputs[1].some((value, at) => value !== -expected[at])) return "right " + turn;
            }
            if (ring.buffered !== model.length) return "count " + turn;
        }
        return next > 20000;"""
    )


FEED = """const { Feed } = await load("feed.js");
    const settings = { channels: 1, capacityFrames: 1024, startFrames: 256, refillFrames: 512, reportFrames: 512 };
    const feed = new Feed({ ...settings, mostFrames: 800, tap: true });
    const plane = (from, frames) => [Float32Array.from({ length: frames }, (_, at) => from + at + 1)];
    const heard = [], reports = [];
    const turn = (times = 1) => {
        for (let time = 0; time < times; time++) {
            const output = new Float32Array(128).fill(9);
            feed.render([output]);
            heard.push(...output);
            const report = feed.report();
            if (report) reports.push({ ...report, tapped: report.tapped.map(([block]) => block.length) });
        }
    };
    const last = () => reports.at(-1);
"""


def test_a_feed_begins_with_enough_and_ends_once_with_the_last_frame(modules: Run) -> None:
    early, heard, ends, last = modules(
        FEED
        + """feed.push(plane(0, 200)); turn();
        const early = heard.some((sample) => sample !== 0);
        feed.push(plane(200, 100)); feed.finish(300); turn(6);
        return [early, heard, reports.filter(({ ended }) => ended).length, last()];"""
    )
    assert not early
    assert heard == [0] * 128 + list(range(1, 301)) + [0] * (6 * 128 - 300)
    assert ends == 1
    assert (last["played"], last["underruns"], last["overrun"]) == (300, 0, False)


def test_a_feed_that_runs_dry_counts_the_silence_and_no_frame(modules: Run) -> None:
    dry, still_dry, full = modules(
        FEED
        + """feed.push(plane(0, 300)); turn(4);
        const dry = last();
        feed.push(plane(300, 400)); turn(2);
        const stillDry = last();
        feed.push(plane(700, 200)); turn(3);
        return [dry, stillDry, [last(), heard.filter((sample) => sample).length]];"""
    )
    assert (dry["played"], dry["underruns"], dry["waiting"]) == (300, 1, True)
    assert still_dry == dry
    assert full[0]["underruns"] == 1
    assert full[1] == 300 + 3 * 128


def test_after_each_interruption_more_is_waited_for_and_no_more_than_fits(modules: Run) -> None:
    waits = modules(
        FEED
        + """const waits = [];
        let at = 0;
        const push = (frames) => (feed.push(plane(at, frames)), at += frames);
        push(256); turn(4);
        for (let time = 0; time < 4; time++) {
            let waited = 0;
            for (; last().waiting; waited += 16) push(16), turn();
            waits.push(waited);
            turn(12);
        }
        return waits;"""
    )
    assert waits == [512, 800, 800, 800]


def test_a_paused_feed_stands_still_and_goes_on_with_the_next_frame(modules: Run) -> None:
    played, heard = modules(
        FEED
        + """feed.push(plane(0, 1000)); turn(2);
        feed.pause(); turn(3);
        const played = last().played;
        feed.resume(); turn(1);
        return [played, heard];"""
    )
    assert played == 256
    assert heard == [*range(1, 257), *([0] * 384), *range(257, 385)]


def test_a_feed_says_when_it_is_sent_more_than_it_can_hold(modules: Run) -> None:
    full, over = modules(
        FEED
        + """feed.push(plane(0, 1024));
        const full = feed.report();
        feed.push(plane(1024, 1));
        return [full, feed.report().overrun];"""
    )
    assert full is None
    assert over is True


def test_credit_ends_between_packets_never_falls_and_never_passes_the_window(
    modules: Run,
) -> None:
    totals = modules(
        """const { Credit, STARTING_FRAMES, windowFrames } = await load("credit.js");
        const window = windowFrames(44100, 2);
        const rest = { startFrame: 1000, windowFrames: window, sampleRate: 44100 };
        const credit = new Credit({ granted: STARTING_FRAMES, ...rest });
        const totals = [];
        for (let heard = -window; heard < 100000; heard += 100) {
            const total = credit.due(heard);
            if (total !== null) totals.push([heard, total]);
        }
        return totals;"""
    )
    assert all(total - heard <= 8 * 44_100 for heard, total in totals)
    assert all((1000 + total) % 8_192 == 0 for _, total in totals)
    grants = [total for _, total in totals]
    assert grants == sorted(set(grants))
    assert grants[0] > 65_536
    assert grants[-1] > 100_000 + 8 * 44_100 - 100 - 2 * 8_192


def test_the_window_is_eight_seconds_or_sixteen_megabytes(modules: Run) -> None:
    windows = modules(
        """const { windowFrames } = await load("credit.js");
        return given.map(([rate, channels]) => windowFrames(rate, channels));""",
        [[44_100, 2], [8_000, 1], [192_000, 8]],
    )
    assert windows == [8 * 44_100, 65_536, 2**24 // 32]


def test_a_tap_keeps_a_minute_of_each_of_the_last_sixteen_tapes(modules: Run) -> None:
    frames, records = modules(
        """const { Tap } = await load("tap.js");
        const tap = new Tap();
        const tape = () => ({ sampleRate: 100, channels: 1, stretches: [] });
        const report = { tapped: [[new Float32Array(1000)]], underruns: 0, ended: false };
        const long = tape();
        for (let time = 0; time < 7; time++) tap.hear(long, report);
        const frames = tap.records[0].frames;
        for (let time = 0; time < 20; time++) tap.hear(tape(), report);
        return [frames, tap.records.length];"""
    )
    assert (frames, records) == (6000, 16)


def test_times_are_written_as_people_read_them(modules: Run) -> None:
    written, spoken = modules(
        """const { clockTime, spokenTime } = await load("format.js");
        return [given.map(clockTime), [0, 61, 7322].map(spokenTime)];""",
        [0, 59.99, 61, 3599, 3600, 36_061, None],
    )
    assert written == ["0:00", "0:59", "1:01", "59:59", "1:00:00", "10:01:01", ""]
    assert spoken == ["0 seconds", "1 minute 1 second", "2 hours 2 minutes 2 seconds"]
